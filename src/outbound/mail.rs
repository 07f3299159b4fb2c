//! Mail goes out by SMTP; without a server it is written into a folder, where a developer finds it.
use crate::db::pool::Db;
use crate::db::queue::Job;
use crate::db::tx::in_transaction;
use crate::identity::letters::{self, Letter, Order};
use crate::kernel::error::{Code, Error, Result};
use diesel::PgConnection;
use lettre::message::Mailbox;
use lettre::{FileTransport, Message, SmtpTransport, Transport};
use std::path::PathBuf;
use std::time::Duration;

/// How long a mail server may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where letters go.
#[derive(Debug)]
pub struct Mail {
    way: Way,
    from: Mailbox,
    /// The address of the front end, for the links in letters.
    public: String,
}

#[derive(Debug)]
enum Way {
    Smtp(SmtpTransport),
    Folder(PathBuf),
}

/// How mail is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `smtps://user:password@host:465`, `smtp://host:587?tls=required`; none: letters go into the folder.
    pub smtp_url: Option<String>,
    pub folder: PathBuf,
    /// `Voronka <crm@example.com>`
    pub from: String,
    pub public_url: String,
}

impl Mail {
    pub fn new(settings: &Settings) -> std::result::Result<Mail, String> {
        let from = settings.from.parse().map_err(|e| format!("{} is no sender of mail: {e}", settings.from))?;
        let way = match &settings.smtp_url {
            Some(url) => {
                let smtp = SmtpTransport::from_url(url).map_err(|e| format!("the SMTP address cannot be read: {e}"))?;
                Way::Smtp(smtp.timeout(Some(PATIENCE)).build())
            }
            None => Way::Folder(settings.folder.clone()),
        };
        Ok(Mail { way, from, public: settings.public_url.trim_end_matches('/').to_owned() })
    }

    fn send(&self, letter: &Letter) -> Result<()> {
        let to: Mailbox = letter.to.parse().map_err(Error::internal)?;
        let message = Message::builder().from(self.from.clone()).to(to).subject(&letter.subject);
        let message = message.body(letter.text.clone()).map_err(Error::internal)?;
        match &self.way {
            Way::Smtp(server) => server.send(&message).map(drop).map_err(|error| {
                log::warn!("a letter was not sent: {error}");
                let code = if error.is_permanent() { Code::Conflict } else { Code::Overloaded };
                Error::new(code, format!("the mail server did not take the letter: {error}"))
            }),
            Way::Folder(folder) => {
                std::fs::create_dir_all(folder).map_err(Error::internal)?;
                let id = FileTransport::new(folder).send(&message).map_err(Error::internal)?;
                log::info!("no mail server is set; the letter is {}", folder.join(format!("{id}.eml")).display());
                Ok(())
            }
        }
    }
}

/// The work of one job: the token is made, then the letter is sent. The token of a letter that was not sent is known to nobody, and expires.
pub fn run(db: &Db, mail: &Mail, job: &Job) -> Result<()> {
    let order: Order = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    let write = |conn: &mut PgConnection| letters::write(conn, job.workspace_id, &order, &mail.public);
    // A mail server takes its time: no transaction is open meanwhile.
    let letter = db.here(|conn| in_transaction(conn, write))?;
    mail.send(&letter)
}

//! Mail goes out by SMTP; without a server it is written into a folder, where a developer finds it.
use crate::db::pool::Db;
use crate::db::queue::Job;
use crate::db::tx::in_transaction;
use crate::identity::letters::{self, Letter, Order};
use crate::kernel::address;
use crate::kernel::error::{Code, Error, Result};
use diesel::PgConnection;
use lettre::message::Mailbox;
use lettre::{Message, SmtpTransport, Transport};
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use uuid::Uuid;

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
        let to: Mailbox = address::for_mail(&letter.to).parse().map_err(Error::internal)?;
        let message = Message::builder().from(self.from.clone()).to(to).subject(&letter.subject);
        let message = message.body(letter.text.clone()).map_err(Error::internal)?;
        match &self.way {
            Way::Smtp(server) => server.send(&message).map(drop).map_err(|error| {
                // What the server says names who should have got it.
                let why = error.status().map_or_else(|| cause(&error).to_owned(), |status| format!("it said {status}"));
                log::warn!("a letter was not sent: {why}");
                let code = if error.is_permanent() { Code::Conflict } else { Code::Overloaded };
                Error::new(code, format!("the mail server did not take the letter: {why}"))
            }),
            Way::Folder(folder) => {
                let path = folder.join(format!("{}.eml", Uuid::now_v7()));
                keep(folder, &path, &message.formatted()).map_err(Error::internal)?;
                log::info!("no mail server is set; the letter is {}", path.display());
                Ok(())
            }
        }
    }
}

/// Why a mail server said nothing.
fn cause(error: &lettre::transport::smtp::Error) -> &'static str {
    if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_tls() {
        "it could not be reached securely"
    } else if error.is_client() {
        "it offers no way in that is set up"
    } else {
        "it could not be reached or understood"
    }
}

/// Writes a letter where nobody else reads it: its link is as good as a password.
fn keep(folder: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(content)
}

/// The work of one job: the token is made, then the letter is sent. The token of a letter that was not sent is known to nobody, and expires.
pub fn run(db: &Db, mail: &Mail, job: &Job) -> Result<()> {
    let order: Order = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    let write = |conn: &mut PgConnection| letters::write(conn, job.workspace_id, &order, job.created_at, &mail.public);
    // A mail server takes its time: no transaction is open meanwhile.
    match db.here(|conn| in_transaction(conn, write))? {
        Some(letter) => mail.send(&letter),
        None => Ok(()),
    }
}

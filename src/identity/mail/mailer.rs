//! Sends e-mails by SMTP, or writes them to a folder if no mail server is set.
use crate::db::pool::Db;
use crate::db::queue::Job;
use crate::db::transaction::in_transaction;
use crate::identity::mail::messages;
use crate::identity::mail::messages::{Email, MailArgs};
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::values::address;
use diesel::PgConnection;
use lettre::message::Mailbox;
use lettre::{Message, SmtpTransport, Transport};
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use uuid::Uuid;

/// The time limit for a response of the mail server.
const SEND_TIMEOUT: Duration = Duration::from_secs(20);

/// Sends e-mails.
#[derive(Debug)]
pub struct Mailer {
    delivery: Delivery,
    from: Mailbox,
    /// The address of the front end, for the links in e-mails.
    pub public: String,
}

#[derive(Debug)]
enum Delivery {
    Smtp(SmtpTransport),
    Folder(PathBuf),
}

/// Mail settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// For example `smtps://user:password@host:465` or `smtp://host:587?tls=required`. If absent, e-mails are written
    /// to the folder.
    pub smtp_url: Option<String>,
    pub folder: PathBuf,
    /// For example `Voronka <crm@example.com>`.
    pub from: String,
    pub public_url: String,
}

impl Mailer {
    pub fn new(settings: &Settings) -> std::result::Result<Mailer, String> {
        let from =
            settings.from.parse().map_err(|e| format!("{} is not a valid sender address: {e}", settings.from))?;
        let delivery = match &settings.smtp_url {
            Some(url) => {
                let smtp = SmtpTransport::from_url(url).map_err(|e| format!("the SMTP URL is invalid: {e}"))?;
                Delivery::Smtp(smtp.timeout(Some(SEND_TIMEOUT)).build())
            }
            None => Delivery::Folder(settings.folder.clone()),
        };
        Ok(Mailer { delivery, from, public: settings.public_url.trim_end_matches('/').to_owned() })
    }

    pub fn send(&self, email: &Email) -> Result<()> {
        let to: Mailbox = address::for_mail(&email.to).parse().map_err(Error::internal)?;
        let message = Message::builder().from(self.from.clone()).to(to).subject(&email.subject);
        // If a worker dies after the server has accepted a letter, it is sent again; the mailbox sees the same id.
        let message = match email.id {
            Some(id) => message.message_id(Some(format!("<{id}@{}>", self.from.email.domain()))),
            None => message,
        };
        let message = message.body(email.text.clone()).map_err(Error::internal)?;
        match &self.delivery {
            Delivery::Smtp(server) => server.send(&message).map(drop).map_err(|error| {
                // The text of the response can contain the address of the recipient, so only the status is logged.
                let why = error
                    .status()
                    .map_or_else(|| cause(&error).to_owned(), |status| format!("the server returned {status}"));
                log::warn!("an e-mail was not sent: {why}");
                let code = if error.is_permanent() { Code::Conflict } else { Code::Overloaded };
                Error::new(code, format!("the mail server did not accept the e-mail: {why}"))
            }),
            Delivery::Folder(folder) => {
                let path = folder.join(format!("{}.eml", Uuid::now_v7()));
                write_private_file(folder, &path, &message.formatted()).map_err(Error::internal)?;
                log::info!("no mail server is set; the e-mail is in {}", path.display());
                Ok(())
            }
        }
    }
}

/// Describes an error without an SMTP status.
fn cause(error: &lettre::transport::smtp::Error) -> &'static str {
    if error.is_timeout() {
        "the connection timed out"
    } else if error.is_tls() {
        "the TLS connection failed"
    } else if error.is_client() {
        "the server does not support the configured sign-in"
    } else {
        "the connection failed"
    }
}

/// Writes an e-mail to a file that only this user can read, because its link is as sensitive as a password.
fn write_private_file(folder: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(content)
}

/// Runs one job: creates the token, then sends the e-mail. If sending fails, the token is unused and expires.
pub fn run(db: &Db, mailer: &Mailer, job: &Job) -> Result<()> {
    let args: MailArgs = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    let compose =
        |conn: &mut PgConnection| messages::compose(conn, job.workspace_id, &args, job.created_at, &mailer.public);
    // No transaction is open while the mail server is contacted.
    match db.run_blocking(|conn| in_transaction(conn, compose))? {
        Some(email) => mailer.send(&email),
        None => Ok(()),
    }
}

//! What each command does.
use crate::cli::demo;
use crate::cli::settings::{Database, Files, Mailing, Serve, Work};
use crate::db::migrations;
use crate::db::pool::{Db, Size};
use crate::db::postgres::Kept;
use crate::http::document::Document;
use crate::http::server::{self, Options, Shared};
use crate::jobs::worker::Worker;
use crate::outbound::mail::{self, Mail};
use crate::records::files::blobs::{self, Blobs};
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const SECRET_MIN: usize = 32;

type Outcome<T = ()> = Result<T, String>;

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// A database, and the private server behind it if it is ours.
struct Opened {
    url: String,
    // Dropped last, after every connection.
    _postgres: Option<Kept>,
}

fn open(options: &Database) -> Outcome<Opened> {
    if let Some(url) = &options.database_url {
        return Ok(Opened { url: url.clone(), _postgres: None });
    }
    let postgres = Kept::start(&options.data_dir.join("postgres")).map_err(text)?;
    Ok(Opened { url: postgres.url.clone(), _postgres: Some(postgres) })
}

fn connect(options: &Database, url: &str) -> Outcome<Db> {
    let cores = std::thread::available_parallelism().map_or(2, |n| u32::try_from(n.get()).unwrap_or(2));
    let quick = if options.db_connections == 0 { 2 * cores } else { options.db_connections };
    Db::open(url, Size { quick, reports: options.report_connections.max(1) }).map_err(text)
}

pub fn serve(options: &Serve) -> Outcome {
    let listener =
        TcpListener::bind(&options.listen).map_err(|e| format!("cannot listen on {}: {e}", options.listen))?;
    let secret = secret(options)?;
    let mail = mail(&options.mailing, &options.database)?;
    let blobs = Blobs::new(&files(&options.files, &options.database))?;
    let opened = open(&options.database)?;
    for name in migrations::run(&opened.url).map_err(text)? {
        log::info!("migrated to {name}");
    }
    let db = connect(&options.database, &opened.url)?;
    let origins = options.origins.iter().filter(|origin| !origin.is_empty()).cloned().collect();
    let set = Options { rate_per_minute: options.rate_per_minute, trust_proxy: options.trust_proxy, origins };
    let shared = Shared::new(db, blobs, secret.as_bytes(), &set);
    let address = listener.local_addr().map_err(text)?;
    greet(&address.to_string());
    if options.demo {
        fill_demo(&shared.db)?;
    }
    let worker =
        if options.no_work { None } else { Some(Worker::start(shared.db.get_ref().clone(), mail).map_err(text)?) };
    let stopping = shared.stopping.clone();
    actix_web::rt::System::new()
        .block_on(server::serve(listener, shared, |handle| {
            actix_web::rt::spawn(server::stop_on_signal(handle, stopping));
        }))
        .map_err(text)?;
    if let Some(worker) = worker {
        worker.stop();
    }
    log::info!("stopped");
    Ok(())
}

fn greet(address: &str) {
    println!(
        "Voronka listens on http://{address}\n  docs       http://{address}/docs/\n  document   http://{address}/openapi.json\n  first token:\n    \
         curl http://{address}/api/v1/auth/register -H 'Content-Type: application/json' \\\n      \
         -d '{{\"workspace_name\":\"Acme\",\"name\":\"Anna\",\"email\":\"anna@example.com\",\"password\":\"choose-a-good-one\"}}'"
    );
}

/// The signing secret: given, or made once and kept beside the data.
fn secret(options: &Serve) -> Outcome<String> {
    let secret = match (&options.secret, &options.database.database_url) {
        (Some(secret), _) => secret.clone(),
        (None, Some(_)) => {
            return Err(format!(
                "set VORONKA_SECRET to at least {SECRET_MIN} random bytes: every server on this database needs the same"
            ));
        }
        (None, None) => kept_secret(&options.database.data_dir)?,
    };
    if secret.len() < SECRET_MIN {
        return Err(format!("VORONKA_SECRET must have at least {SECRET_MIN} bytes"));
    }
    Ok(secret)
}

fn kept_secret(dir: &Path) -> Outcome<String> {
    let path = dir.join("secret");
    if let Ok(secret) = fs::read_to_string(&path) {
        return Ok(secret);
    }
    fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let secret = crate::identity::tokens::random().map_err(text)?;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(text)?;
    file.write_all(secret.as_bytes()).and_then(|()| file.sync_all()).map_err(text)?;
    Ok(secret)
}

fn mail(mailing: &Mailing, database: &Database) -> Outcome<Mail> {
    Mail::new(&mail::Settings {
        smtp_url: mailing.smtp_url.clone(),
        folder: database.data_dir.join("mail"),
        from: mailing.mail_from.clone(),
        public_url: mailing.public_url.clone(),
    })
}

fn files(files: &Files, database: &Database) -> blobs::Settings {
    blobs::Settings {
        url: files.files_url.clone(),
        folder: database.data_dir.join("files"),
        endpoint: files.s3_endpoint.clone(),
        region: files.s3_region.clone(),
        access_key: files.s3_access_key.clone(),
        secret_key: files.s3_secret_key.clone(),
    }
}

pub fn work(options: &Work) -> Outcome {
    let mail = mail(&options.mailing, &options.database)?;
    let opened = open(&options.database)?;
    let worker = Worker::start(connect(&options.database, &opened.url)?, mail).map_err(text)?;
    println!("working; stop with Ctrl-C");
    actix_web::rt::System::new().block_on(server::wait_for_signal());
    worker.stop();
    Ok(())
}

pub fn migrate(options: &Database) -> Outcome {
    let opened = open(options)?;
    let names = migrations::run(&opened.url).map_err(text)?;
    names.iter().for_each(|name| println!("migrated to {name}"));
    println!("the schema is up to date");
    Ok(())
}

pub fn demo(options: &Database) -> Outcome {
    let opened = open(options)?;
    migrations::run(&opened.url).map_err(text)?;
    fill_demo(&connect(options, &opened.url)?)
}

fn fill_demo(db: &Db) -> Outcome {
    let made = demo::fill(db).map_err(text)?;
    let state = if made { "is filled" } else { "was there already" };
    println!("The demo workspace {state}. Sign in as {} with the password {}", demo::EMAIL, demo::PASSWORD);
    Ok(())
}

pub fn openapi(old: bool) -> Outcome {
    let document = Document::build();
    std::io::stdout().write_all(if old { document.text30() } else { document.text() }).map_err(text)
}

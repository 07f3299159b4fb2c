//! One private PostgreSQL and one server for the whole run.
use std::net::TcpListener;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::mpsc::channel;
use voronka::db::pool::{Db, Size};
use voronka::db::pooler::ConnectionMode;
use voronka::db::postgres::Postgres;
use voronka::db::{migrations, roles};
use voronka::http::server::{self as http, Options, Shared};
use voronka::identity::credentials::passwords;
use voronka::identity::mail::mailer::{self, Mailer};
use voronka::jobs::worker::Worker;
use voronka::records::files::blobs::{self, Blobs};

/// The address of the server.
#[derive(Debug)]
pub struct Running {
    pub address: String,
    pub database_url: String,
    pub db: Db,
}

static SERVER: LazyLock<Running> = LazyLock::new(start);

pub fn server() -> &'static Running {
    &SERVER
}

pub fn database_url() -> &'static str {
    &SERVER.database_url
}

/// Returns the folder for mails.
pub fn mail_folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mail-{}", std::process::id()))
}

/// Returns settings for a file store in a folder or on an S3 server.
pub fn files(endpoint: Option<String>) -> blobs::Settings {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("files-{}", std::process::id()));
    let key = endpoint.is_some().then(|| "test".to_owned());
    let url = key.as_ref().map(|_| "s3://bucket/some/prefix".to_owned());
    blobs::Settings { url, folder, endpoint, region: None, access_key: key.clone(), secret_key: key }
}

pub const SECRET: &str = "a secret of the tests, with enough bytes";

fn start() -> Running {
    passwords::use_cheap_hashing();
    let (tell, told) = channel();
    // PostgreSQL stops when the thread that started it ends, so a separate thread keeps it for the whole run.
    std::thread::spawn(move || {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("postgres-{}", std::process::id()));
        let postgres = Postgres::start(&dir, true).expect("PostgreSQL");
        tell.send(postgres.url.clone()).unwrap();
        loop {
            std::thread::park();
        }
    });
    let database_url = told.recv().expect("PostgreSQL did not start");
    migrations::run(&database_url).unwrap();
    roles::grant(&database_url, roles::SERVER, true).unwrap();
    let server_url = database_url.replace("user=voronka", &format!("user={}", roles::SERVER));
    let db =
        Db::open(&server_url, Size { quick: 6, searches: 3, reports: 3, worker_threads: 4 }, ConnectionMode::Direct)
            .unwrap();
    let settings = mailer::Settings {
        smtp_url: None,
        folder: mail_folder(),
        from: "Voronka <crm@example.com>".into(),
        public_url: "https://app.example/".into(),
    };
    let blobs = Blobs::new(&files(None)).unwrap();
    std::mem::forget(Worker::start(db.clone(), Mailer::new(&settings).unwrap(), blobs.clone()).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let shared = Shared::new(db.clone(), blobs, SECRET.as_bytes(), &Options::default());
    std::thread::spawn(move || actix_web::rt::System::new().block_on(http::serve(listener, shared, |_| {})).unwrap());
    Running { address, database_url, db }
}

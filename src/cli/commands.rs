//! Implements the commands.
use crate::cli::demo;
use crate::cli::settings::{Adopt, Database, Files, Mailing, Migrate, OpenId, Secret, Serve, Work};
use crate::db::pool::{Db, Size};
use crate::db::pooler::{self, ConnectionMode};
use crate::db::postgres::SupervisedPostgres;
use crate::db::{migrations, roles};
use crate::http::app;
use crate::http::server::{self, Options, Shared};
use crate::identity::credentials::secrets::{self, Secrets};
use crate::identity::mail::mailer::{self, Mailer};
use crate::identity::sign_in::oidc;
use crate::jobs::worker::Worker;
use crate::kernel::error::Error;
use crate::kernel::query::seek;
use crate::records::files::blobs::{self, Blobs};
use diesel::connection::CacheSize;
use diesel::{Connection, PgConnection};
use std::fs::{self, Permissions};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

const SECRET_MIN: usize = 32;

type Outcome<T = ()> = Result<T, String>;

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Returns the detail of a problem, without its code.
fn words(error: Error) -> String {
    match error {
        Error::Problem(problem) => problem.detail,
        other => other.to_string(),
    }
}

/// A database, and its private PostgreSQL server if there is one.
struct Opened {
    url: String,
    // Dropped last, after all connections.
    _postgres: Option<SupervisedPostgres>,
}

/// Opens the database and checks that it has all migrations and that the role cannot change the history. A private
/// database is migrated; any other is refused if it does not comply.
fn open(options: &Database) -> Outcome<Opened> {
    let Some(url) = &options.database_url else {
        data_dir(&options.data_dir)?;
        let postgres = SupervisedPostgres::start(&options.data_dir.join("postgres")).map_err(text)?;
        for name in migrations::run(&postgres.url).map_err(text)? {
            log::info!("migrated to {name}");
        }
        roles::grant(&postgres.url, roles::SERVER, true).map_err(text)?;
        return Ok(Opened { url: postgres.url_as(roles::SERVER), _postgres: Some(postgres) });
    };
    let mut conn = PgConnection::establish(url).map_err(|e| format!("cannot connect to the database: {e}"))?;
    conn.set_prepared_statement_cache_size(CacheSize::Disabled);
    let run = "run: DATABASE_URL=OWNER_URL voronka migrate --grant-to";
    if let Some(role) = roles::ungranted(&mut conn).map_err(text)? {
        return Err(format!("the database role {role} has no access to the tables; {run} {role}"));
    }
    check_connection_mode(options, url, &mut conn)?;
    if !migrations::is_current(&mut conn).map_err(text)? {
        return Err(format!("the database is not up to date; {run} ROLE"));
    }
    if migrations::counted_elsewhere(&mut conn).map_err(text)?.is_some() {
        return Err(format!("the database was loaded from a dump; {run} ROLE"));
    }
    match roles::too_powerful(&mut conn).map_err(text)? {
        Some(why) => Err(format!(
            "{why}; use a separate role for the server: voronka migrate --grant-to ROLE shows what it needs"
        )),
        None => Ok(Opened { url: url.clone(), _postgres: None }),
    }
}

/// Refuses a pooler in transaction mode without the setting, because prepared statements of one client would run for
/// another.
fn check_connection_mode(options: &Database, url: &str, conn: &mut PgConnection) -> Outcome {
    if !options.transaction_pooler {
        return match pooler::shares_connections(url).map_err(text)? {
            false => Ok(()),
            true => Err("DATABASE_URL points to a pooler that gives each transaction another connection, such as \
                PgBouncer with pool_mode = transaction; set VORONKA_TRANSACTION_POOLER=true, or use pool_mode = session, or \
                set the address of PostgreSQL itself"
                .into()),
        };
    }
    if !pooler::takes_transactions(conn).map_err(text)? {
        return Err(
            "DATABASE_URL points to a pooler that gives each statement another connection, such as PgBouncer with \
            pool_mode = statement: the server cannot work with it; use pool_mode = transaction or session"
                .into(),
        );
    }
    let unset = pooler::unset(conn).map_err(text)?;
    if unset.is_empty() {
        return Ok(());
    }
    Err(format!(
        "behind a pooler, the role of the server must have its own settings, and it lacks {}; run this with \
         psql as that role or a superuser on PostgreSQL itself, and restart the connections of the pooler:\n{}",
        unset.join(", "),
        pooler::own_defaults(conn).map_err(text)?
    ))
}

/// Returns the numbers of connections. Absent settings depend on the number of cores.
fn size(options: &Database) -> Size {
    let cores = std::thread::available_parallelism().map_or(2, |n| u32::try_from(n.get()).unwrap_or(2));
    let or = |given: u32, otherwise: u32| if given == 0 { otherwise } else { given };
    Size {
        quick: or(options.db_connections, 2 * cores),
        searches: or(options.search_connections, cores.max(2)),
        reports: or(options.report_connections, (cores / 2).max(2)),
        worker_threads: or(options.jobs, cores.max(4)),
    }
}

fn connect(options: &Database, url: &str) -> Outcome<Db> {
    let mode = if options.transaction_pooler { ConnectionMode::Pooled } else { ConnectionMode::Direct };
    Db::open(url, size(options), mode).map_err(text)
}

pub fn serve(options: &Serve) -> Outcome {
    let listener =
        TcpListener::bind(&options.listen).map_err(|e| format!("cannot listen on {}: {e}", options.listen))?;
    if options.database.database_url.is_none() {
        // Creates the folder first, because PostgreSQL must be able to pass through it.
        data_dir(&options.database.data_dir)?;
    }
    let secrets = secrets(&options.secret, &options.database)?;
    let mailer = mailer(&options.mailing, &options.database)?;
    let blobs = Blobs::new(&files(&options.files, &options.database))?.with_quota(options.files.files_quota);
    let kept = blobs.clone();
    let opened = open(&options.database)?;
    let db = connect(&options.database, &opened.url)?;
    reconcile_secrets(&db, &secrets)?;
    let origins = options.origins.iter().filter(|origin| !origin.is_empty()).cloned().collect();
    let oidc = provider(&options.provider)?;
    let set = Options {
        rate_per_minute: options.rate_per_minute,
        trust_proxy: options.trust_proxy,
        origins,
        oidc,
        threads: options.http_threads.into(),
        previous_secrets: secrets.previous,
        fonts: options.fonts.clone(),
    };
    let shared = Shared::new(db, blobs, secrets.current.as_bytes(), &set);
    let address = listener.local_addr().map_err(text)?;
    print_addresses(&address.to_string());
    if options.demo {
        fill_demo(&shared.db)?;
    }
    let worker = if options.no_work {
        None
    } else {
        Some(Worker::start(shared.db.get_ref().clone(), mailer, kept).map_err(text)?)
    };
    let stopping = shared.stopping.clone();
    let delay = Duration::from_secs(options.stop_delay.into());
    actix_web::rt::System::new()
        .block_on(server::serve(listener, shared, |handle| {
            actix_web::rt::spawn(server::stop_on_signal(handle, stopping, delay));
        }))
        .map_err(text)?;
    if let Some(worker) = worker {
        worker.stop();
    }
    log::info!("stopped");
    Ok(())
}

fn print_addresses(address: &str) {
    println!(
        "Voronka listens on http://{address}\n  docs       http://{address}/docs/\n  document   http://{address}/openapi.json\n  first token:\n    \
         curl http://{address}/api/v1/auth/register -H 'Content-Type: application/json' \\\n      \
         -d '{{\"workspace_name\":\"Acme\",\"name\":\"Anna\",\"email\":\"anna@example.com\",\"password\":\"choose-a-good-one\"}}'"
    );
}

/// Returns the secret, which is given or generated once and stored in the data folder, and the secrets that it
/// replaces.
fn secrets(given: &Secret, database: &Database) -> Outcome<Secrets> {
    let current = match (&given.secret, &database.database_url) {
        (Some(secret), _) => secret.clone(),
        (None, Some(_)) => {
            return Err(format!(
                "set VORONKA_SECRET to at least {SECRET_MIN} random bytes; all servers of this database need the same"
            ));
        }
        (None, None) => kept_secret(&database.data_dir)?,
    };
    if current.len() < SECRET_MIN {
        return Err(format!("VORONKA_SECRET must have at least {SECRET_MIN} bytes"));
    }
    if is_sample(&current) {
        return Err("VORONKA_SECRET looks like a sample; create one with: openssl rand -base64 48".into());
    }
    // A secret can contain a comma, so the whole text counts too.
    let previous = given.previous.iter().flat_map(|all| std::iter::once(all.as_str()).chain(all.split(',')));
    Ok(Secrets { current, previous: previous.filter(|secret| !secret.is_empty()).map(str::to_owned).collect() })
}

/// Checks that the database was used with this secret, or re-encrypts its data with the new one.
fn reconcile_secrets(db: &Db, secrets: &Secrets) -> Outcome {
    seek::sign_with(db.run_blocking(|conn| secrets.reconcile(conn)).map_err(words)?);
    Ok(())
}

pub fn adopt_secret(options: &Adopt) -> Outcome {
    let secrets = secrets(&options.secret, &options.database)?;
    let opened = open(&options.database)?;
    let db = connect(&options.database, &opened.url)?;
    db.run_blocking(|conn| secrets::adopt(conn, &secrets.current)).map_err(words)?;
    println!("The database now uses this secret. Start the server with it.");
    Ok(())
}

/// Checks whether a secret looks like a sample: it contains words of instructions or has few distinct characters.
fn is_sample(secret: &str) -> bool {
    let lower = secret.to_lowercase();
    let words = ["secret", "change", "example", "sample", "password", "voronka", "0123456789", "abcdefgh"];
    let letters: std::collections::HashSet<char> = secret.chars().collect();
    letters.len() < 12 || words.iter().any(|word| lower.contains(word))
}

/// Creates the data folder. If it belongs to root, other users may pass through it, because PostgreSQL runs as
/// another user; its contents are private.
fn data_dir(dir: &Path) -> Outcome {
    let missing: Vec<&Path> = dir.ancestors().take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists()).collect();
    let make = || {
        fs::create_dir_all(dir)?;
        missing.iter().try_for_each(|dir| {
            let mode = if fs::metadata(dir)?.uid() == 0 { 0o711 } else { 0o700 };
            fs::set_permissions(dir, Permissions::from_mode(mode))
        })
    };
    make().map_err(|e: std::io::Error| format!("{}: {e}", dir.display()))
}

fn kept_secret(dir: &Path) -> Outcome<String> {
    let path = dir.join("secret");
    if let Ok(secret) = fs::read_to_string(&path) {
        return Ok(secret);
    }
    data_dir(dir)?;
    let secret = crate::identity::credentials::tokens::random().map_err(text)?;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(text)?;
    file.write_all(secret.as_bytes()).and_then(|()| file.sync_all()).map_err(text)?;
    Ok(secret)
}

fn mailer(mailing: &Mailing, database: &Database) -> Outcome<Mailer> {
    Mailer::new(&mailer::Settings {
        smtp_url: mailing.smtp_url.clone(),
        folder: database.data_dir.join("mail"),
        from: mailing.mail_from.clone(),
        public_url: mailing.public_url.clone(),
    })
}

/// Returns the OpenID settings. Either all of them are set or none.
fn provider(given: &OpenId) -> Outcome<Option<oidc::Settings>> {
    match (&given.oidc_issuer, &given.oidc_client_id, &given.oidc_client_secret, &given.oidc_redirect_url) {
        (None, None, None, None) => Ok(None),
        (Some(issuer), Some(id), Some(secret), Some(redirect)) => Ok(Some(oidc::Settings {
            issuer: issuer.clone(),
            client_id: id.clone(),
            client_secret: secret.clone(),
            redirect_url: redirect.clone(),
            trusted: given.oidc_trust_email.iter().map(|issuer| issuer.trim().to_owned()).collect(),
        })),
        _ => Err("sign-in through a provider requires its issuer, client id, client secret and redirect URL".into()),
    }
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
    let mailer = mailer(&options.mailing, &options.database)?;
    let secrets = secrets(&options.secret, &options.database)?;
    let opened = open(&options.database)?;
    let db = connect(&options.database, &opened.url)?;
    // The worker hashes addresses in proofs of erasure with the secret.
    reconcile_secrets(&db, &secrets)?;
    let blobs = Blobs::new(&files(&options.files, &options.database))?.with_quota(options.files.files_quota);
    let worker = Worker::start(db, mailer, blobs).map_err(text)?;
    println!("working; stop with Ctrl-C");
    actix_web::rt::System::new().block_on(server::wait_for_signal());
    worker.stop();
    Ok(())
}

pub fn migrate(options: &Migrate) -> Outcome {
    let Some(url) = &options.database.database_url else {
        open(&options.database)?;
        println!("the schema is up to date");
        return Ok(());
    };
    if pooler::shares_connections(url).map_err(|e| format!("cannot connect to the database: {e}"))? {
        return Err("migrations cannot run through a pooler; use the address of PostgreSQL itself".into());
    }
    let names = migrations::run(url).map_err(words)?;
    names.iter().for_each(|name| println!("migrated to {name}"));
    println!("the schema is up to date");
    if let Some(role) = &options.grant_to {
        let left = roles::grant(url, role, false).map_err(text)?;
        println!("{role} has the privileges that the server needs");
        if let Some(left) = left {
            println!("for a pooler in transaction mode, {role} or a superuser must also run:\n{left}");
        }
    }
    Ok(())
}

pub fn demo(options: &Database) -> Outcome {
    let opened = open(options)?;
    fill_demo(&connect(options, &opened.url)?)
}

fn fill_demo(db: &Db) -> Outcome {
    let made = demo::fill(db).map_err(text)?;
    let state = if made { "is ready" } else { "exists already" };
    println!("The demo workspace {state}. Sign in as {} with the password {}", demo::EMAIL, demo::PASSWORD);
    Ok(())
}

pub fn openapi(old: bool, collection: bool) -> Outcome {
    let document = app::document();
    let all = document.collection();
    let text_of = match (old, collection) {
        (_, true) => &all,
        (true, _) => document.text30(),
        _ => document.text(),
    };
    std::io::stdout().write_all(text_of).map_err(text)
}

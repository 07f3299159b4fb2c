//! Flags and environment variables. Each variable is documented in `.env.example`; a test compares the two.
use crate::records::files::blobs::QUOTA;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// A CRM and lead management backend: a JSON API over PostgreSQL.
#[derive(Debug, Parser)]
#[command(name = "voronka", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the HTTP server, and the background worker unless --no-work is given
    Serve(Serve),
    /// Run a background worker only. Any number of workers and servers can use the same database
    Work(Work),
    /// Update the database schema to this version. Connects as the owner of the tables
    Migrate(Migrate),
    /// Replace a lost secret. All users must sign in again, and second factors work only with recovery codes
    AdoptSecret(Adopt),
    /// Create a demo workspace and print its sign-in
    Demo(Database),
    /// Import a CSV file through a running server, with a progress bar
    Import(Import),
    /// Print the OpenAPI document
    Openapi {
        /// Print OpenAPI 3.0.3, for tools that do not support 3.1
        #[arg(long = "v30", conflicts_with = "collection")]
        old: bool,
        /// Print a collection for Postman and compatible tools
        #[arg(long)]
        collection: bool,
    },
}

/// Settings of the database.
#[derive(Clone, Debug, Args)]
pub struct Database {
    /// URL of your PostgreSQL server, with a role that does not own the tables. Without it the server starts a
    /// private PostgreSQL from the installed programs
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Set this if DATABASE_URL points to a pooler that gives each transaction another connection, such as PgBouncer
    /// with pool_mode = transaction
    #[arg(long, env = "VORONKA_TRANSACTION_POOLER")]
    pub transaction_pooler: bool,
    /// Folder of the private PostgreSQL and of the generated secret
    #[arg(long, env = "VORONKA_DATA_DIR", default_value = ".voronka")]
    pub data_dir: PathBuf,
    /// Database connections for requests; 0 means two per core
    #[arg(long, env = "VORONKA_DB_CONNECTIONS", default_value_t = 0)]
    pub db_connections: u32,
    /// Database connections for searches; 0 means one per core, at least two
    #[arg(long, env = "VORONKA_SEARCH_CONNECTIONS", default_value_t = 0)]
    pub search_connections: u32,
    /// Database connections for reports; 0 means one for two cores, at least two
    #[arg(long, env = "VORONKA_REPORT_CONNECTIONS", default_value_t = 0)]
    pub report_connections: u32,
    /// Jobs that a worker runs at the same time; 0 means one per core, at least four
    #[arg(long, env = "VORONKA_JOBS", default_value_t = 0)]
    pub jobs: u32,
}

#[derive(Clone, Debug, Args)]
pub struct Migrate {
    #[command(flatten)]
    pub database: Database,
    /// The role of the server. It receives the privileges that it needs, but cannot change the history
    #[arg(long)]
    pub grant_to: Option<String>,
}

/// Settings of e-mails.
#[derive(Clone, Debug, Args)]
pub struct Mailing {
    /// Mail server, such as smtps://user:password@host:465 or smtp://host:587?tls=required. Without it e-mails are
    /// written into DATA_DIR/mail
    #[arg(long, env = "VORONKA_SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// Sender of e-mails
    #[arg(long, env = "VORONKA_MAIL_FROM", default_value = "Voronka <voronka@localhost>")]
    pub mail_from: String,
    /// Address of the front end, for the links in e-mails
    #[arg(long, env = "VORONKA_PUBLIC_URL", default_value = "http://127.0.0.1:8080")]
    pub public_url: String,
}

/// An OpenID provider for sign-in.
#[derive(Clone, Debug, Args)]
pub struct OpenId {
    /// Address of the OpenID provider for sign-in, such as <https://accounts.example>
    #[arg(long, env = "VORONKA_OIDC_ISSUER")]
    pub oidc_issuer: Option<String>,
    /// Client id of this server at the provider
    #[arg(long, env = "VORONKA_OIDC_CLIENT_ID")]
    pub oidc_client_id: Option<String>,
    /// Client secret of this server at the provider
    #[arg(long, env = "VORONKA_OIDC_CLIENT_SECRET", hide_env_values = true)]
    pub oidc_client_secret: Option<String>,
    /// Page of the front end to which the provider returns the user
    #[arg(long, env = "VORONKA_OIDC_REDIRECT_URL")]
    pub oidc_redirect_url: Option<String>,
    /// Issuers, separated by commas, whose e-mail addresses are trusted although they do not send email_verified,
    /// such as a single tenant of Microsoft Entra. Only list issuers whose users cannot choose an arbitrary address
    #[arg(long, env = "VORONKA_OIDC_TRUST_EMAIL", value_delimiter = ',')]
    pub oidc_trust_email: Vec<String>,
}

/// Settings of the file store.
#[derive(Clone, Debug, Args)]
pub struct Files {
    /// An S3-compatible store for the contents of files, such as s3://bucket/prefix. Without it they are stored in
    /// DATA_DIR/files
    #[arg(long, env = "VORONKA_FILES_URL")]
    pub files_url: Option<String>,
    /// Maximum total size of the files of one workspace in bytes; 0 means no limit
    #[arg(long, env = "VORONKA_FILES_QUOTA", default_value_t = QUOTA)]
    pub files_quota: u64,
    /// Address of an S3-compatible store outside Amazon, such as <https://minio.example>
    #[arg(long, env = "VORONKA_S3_ENDPOINT")]
    pub s3_endpoint: Option<String>,
    /// Region of the store; us-east-1 if absent
    #[arg(long, env = "VORONKA_S3_REGION")]
    pub s3_region: Option<String>,
    /// Access key of the store
    #[arg(long, env = "VORONKA_S3_ACCESS_KEY")]
    pub s3_access_key: Option<String>,
    /// Secret key of the store
    #[arg(long, env = "VORONKA_S3_SECRET_KEY", hide_env_values = true)]
    pub s3_secret_key: Option<String>,
}

/// Secrets.
#[derive(Clone, Debug, Args)]
pub struct Secret {
    /// Signs access tokens and cursors, encrypts second factors, and hashes the addresses of erased people. At least
    /// 32 random bytes, the same at every start. Required with DATABASE_URL; otherwise generated once and kept in the
    /// data folder
    #[arg(long, env = "VORONKA_SECRET", hide_env_values = true)]
    pub secret: Option<String>,
    /// The old secret, to change VORONKA_SECRET (several are separated by commas). The server re-encrypts the second
    /// factors at the start. Needed until the old access tokens have expired
    #[arg(long = "secret-previous", env = "VORONKA_SECRET_PREVIOUS", hide_env_values = true)]
    pub previous: Option<String>,
}

/// Settings to replace a lost secret.
#[derive(Clone, Debug, Args)]
pub struct Adopt {
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub secret: Secret,
}

#[derive(Clone, Debug, Args)]
pub struct Work {
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub secret: Secret,
    #[command(flatten)]
    pub mailing: Mailing,
    #[command(flatten)]
    pub files: Files,
}

#[derive(Clone, Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub mailing: Mailing,
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub provider: OpenId,
    /// Address and port to listen on; port 0 selects a free port
    #[arg(long, env = "VORONKA_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: String,
    #[command(flatten)]
    pub secret: Secret,
    /// Threads that read requests and write responses; 0 means one per core, at least two
    #[arg(long, env = "VORONKA_HTTP_THREADS", default_value_t = 0)]
    pub http_threads: u16,
    /// Requests per minute for one user, API key or network address; 0 disables this limit and the limit of wrong
    /// passwords
    #[arg(long, env = "VORONKA_RATE_PER_MINUTE", default_value_t = 600)]
    pub rate_per_minute: u32,
    /// Trust the header X-Forwarded-For. Only set this behind a proxy that sets the header
    #[arg(long, env = "VORONKA_TRUST_PROXY")]
    pub trust_proxy: bool,
    /// Origins from which browsers may call the API (CORS), separated by commas, such as `https://app.example`
    #[arg(long, env = "VORONKA_ORIGINS", value_delimiter = ',', value_parser = origin)]
    pub origins: Vec<String>,
    /// After a stop signal, accept requests for this many seconds while /health/ready returns 503, so that a load
    /// balancer can remove the server. It then completes running requests, for at most 25 seconds
    #[arg(long, env = "VORONKA_STOP_DELAY", default_value_t = 0)]
    pub stop_delay: u8,
    /// Files or folders of fonts for PNG pictures of reports, separated by commas. Default: the fonts of the system
    #[arg(long, env = "VORONKA_FONTS", value_delimiter = ',')]
    pub fonts: Vec<PathBuf>,
    /// Do not run background jobs; `voronka work` runs them
    #[arg(long)]
    pub no_work: bool,
    /// Create a demo workspace and print its sign-in
    #[arg(long)]
    pub demo: bool,
}

/// Settings of an import.
#[derive(Clone, Debug, Args)]
pub struct Import {
    /// The file: CSV, XLSX, ODS, vCard, or a zip archive of them
    pub file: PathBuf,
    /// Resource of the rows: users, companies, contacts, products, leads or deals; several, such as
    /// companies,contacts,deals, if each row holds several records. Default: what every table of the file most likely is
    #[arg(long)]
    pub resource: Option<String>,
    /// Address of the server
    #[arg(long, env = "VORONKA_SERVER", default_value = "http://127.0.0.1:8080")]
    pub server: String,
    /// Access token, or API key with the scopes imports:read, imports:write, jobs:read and the scope of the records,
    /// such as contacts:write
    #[arg(long, env = "VORONKA_TOKEN", hide_env_values = true)]
    pub token: String,
    /// Only show what would happen
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub reading: ImportReading,
    #[command(flatten)]
    pub writing: ImportWriting,
}

/// How the file is read. What is absent is taken from the file.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "How the file is read")]
pub struct ImportReading {
    /// Maps a column to a field, as COLUMN=FIELD. Can be repeated. Without it the suggested fields are used
    #[arg(long = "map", value_name = "COLUMN=FIELD")]
    pub mapping: Vec<String>,
    /// Replaces a value of a column, as COLUMN:FROM=TO. Can be repeated
    #[arg(long = "value", value_name = "COLUMN:FROM=TO")]
    pub values: Vec<String>,
    /// Sheet of a workbook, or file in an archive. Default: the first visible one
    #[arg(long)]
    pub sheet: Option<String>,
    /// Line of the header; 0 if the file has none
    #[arg(long)]
    pub header_line: Option<i64>,
    /// Encoding of a text file, such as windows-1251
    #[arg(long)]
    pub encoding: Option<String>,
    /// Delimiter of a text file
    #[arg(long)]
    pub delimiter: Option<String>,
    /// Sign before the decimals: . or ,
    #[arg(long)]
    pub decimal: Option<String>,
    /// Order of day, month and year: dmy, mdy, ymd or per_column
    #[arg(long)]
    pub date_order: Option<String>,
    /// Date format, such as dd.mm.yyyy; an older form of --date-order
    #[arg(long)]
    pub date_format: Option<String>,
    /// Currency of amounts that name none
    #[arg(long)]
    pub currency: Option<String>,
    /// Meaning of a currency sign, as SIGN=CURRENCY, such as $=CAD. Can be repeated
    #[arg(long = "currency-sign", value_name = "SIGN=CURRENCY")]
    pub currency_signs: Vec<String>,
    /// The number that means certainty in probabilities: one or hundred
    #[arg(long)]
    pub probability_scale: Option<String>,
    /// Dates that are numbers count the days since 1904
    #[arg(long)]
    pub since_1904: bool,
    /// Answer open questions with their first choice
    #[arg(long)]
    pub accept_guesses: bool,
}

/// What is written.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What is written")]
pub struct ImportWriting {
    /// Id of the pipeline of leads and deals. Default: the default pipeline
    #[arg(long)]
    pub pipeline: Option<String>,
    /// Which rows are written: create, update or both. Default: both
    #[arg(long)]
    pub mode: Option<String>,
    /// Keys by which rows find their records, such as external_id,email. Default: depends on the resource
    #[arg(long, value_delimiter = ',')]
    pub match_by: Vec<String>,
    /// Meaning of the name of a stage, as NAME=STAGE. Can be repeated
    #[arg(long = "stage-name", value_name = "NAME=STAGE")]
    pub stage_names: Vec<String>,
    /// Names of records that do not exist: create, leave_out or refuse. Default: create
    #[arg(long)]
    pub unknown_names: Option<String>,
    /// What happens to the tags of existing records: add or replace. Default: add
    #[arg(long)]
    pub tags: Option<String>,
    /// What an empty cell means for an existing record: keep or clear. Default: keep
    #[arg(long)]
    pub empty_cells: Option<String>,
    /// Tag for all records of the file
    #[arg(long)]
    pub tag: Option<String>,
}

/// Parses an origin as browsers send it (RFC 6454, 6.2). Any other text would never match one.
fn origin(text: &str) -> Result<String, String> {
    let bad = || format!("must be a scheme, a host and perhaps a port, such as https://app.example:8443; not {text}");
    if text.is_empty() {
        return Ok(String::new());
    }
    let (scheme, host) = text.split_once("://").ok_or_else(bad)?;
    let known = matches!(scheme, "http" | "https") || scheme.ends_with("-extension");
    if !known || host.is_empty() || host.contains(['/', '?', '#', '@', ' ']) || text.chars().any(char::is_uppercase) {
        return Err(bad());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn origins_are_what_browsers_send() {
        for (text, good) in [
            ("https://app.example", true),
            ("http://127.0.0.1:5500", true),
            ("http://[::1]:5500", true),
            ("chrome-extension://abcdef", true),
            ("", true),
            ("http://127.0.0.1:5500/", false),
            ("https://app.example/path", false),
            ("app.example", false),
            ("https://", false),
            ("https://App.example", false),
            ("*", false),
        ] {
            assert_eq!(origin(text).is_ok(), good, "{text}");
        }
    }
}

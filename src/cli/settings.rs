//! Flags and variables. Each variable stands in `.env.example`; a test compares the two.
use crate::records::files::blobs::QUOTA;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Lead management and CRM backend: a JSON API over PostgreSQL.
#[derive(Debug, Parser)]
#[command(name = "voronka", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the server: HTTP, and the background work unless --no-work is given
    Serve(Serve),
    /// Do background work only, beside any number of servers on the same database
    Work(Work),
    /// Bring the database's schema up to this version and stop; connects as the owner of the tables
    Migrate(Migrate),
    /// Use the database with another secret from now on, when the one before is lost: everybody signs in again, and second factors are of no use but for their recovery codes
    AdoptSecret(Adopt),
    /// Fill a demo workspace and print its sign-in
    Demo(Database),
    /// Import a CSV file through a running server, with a progress bar
    Import(Import),
    /// Print the OpenAPI document
    Openapi {
        /// As OpenAPI 3.0.3, for tools that do not read 3.1
        #[arg(long = "v30", conflicts_with = "collection")]
        old: bool,
        /// As a collection of requests for Postman and those that read its format
        #[arg(long)]
        collection: bool,
    },
}

/// Where the data are.
#[derive(Clone, Debug, Args)]
pub struct Database {
    /// A PostgreSQL server to use, as a role made for the server; without it a private one is started from the installed binaries
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// DATABASE_URL leads to a pooler in transaction mode, such as PgBouncer: nothing is prepared, and the role brings its settings
    #[arg(long, env = "VORONKA_TRANSACTION_POOLER")]
    pub transaction_pooler: bool,
    /// Folder of the private PostgreSQL and of the generated secret
    #[arg(long, env = "VORONKA_DATA_DIR", default_value = ".voronka")]
    pub data_dir: PathBuf,
    /// Database connections for requests; 0 means two per core
    #[arg(long, env = "VORONKA_DB_CONNECTIONS", default_value_t = 0)]
    pub db_connections: u32,
    /// Database connections kept for searches; 0 means one per core, at least two
    #[arg(long, env = "VORONKA_SEARCH_CONNECTIONS", default_value_t = 0)]
    pub search_connections: u32,
    /// Database connections kept for reports; 0 means one for two cores, at least two
    #[arg(long, env = "VORONKA_REPORT_CONNECTIONS", default_value_t = 0)]
    pub report_connections: u32,
    /// Jobs that a worker does at once; 0 means one per core, at least four
    #[arg(long, env = "VORONKA_JOBS", default_value_t = 0)]
    pub jobs: u32,
}

#[derive(Clone, Debug, Args)]
pub struct Migrate {
    #[command(flatten)]
    pub database: Database,
    /// The role that the server connects as; it is given what it needs, and cannot rewrite what has happened
    #[arg(long)]
    pub grant_to: Option<String>,
}

/// How letters are sent.
#[derive(Clone, Debug, Args)]
pub struct Mailing {
    /// Mail server, such as smtps://user:password@host:465 or smtp://host:587?tls=required; without it letters are written into DATA_DIR/mail
    #[arg(long, env = "VORONKA_SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// Sender of letters
    #[arg(long, env = "VORONKA_MAIL_FROM", default_value = "Voronka <voronka@localhost>")]
    pub mail_from: String,
    /// Address of the front end, for the links in letters
    #[arg(long, env = "VORONKA_PUBLIC_URL", default_value = "http://127.0.0.1:8080")]
    pub public_url: String,
}

/// An OpenID provider that people may sign in through.
#[derive(Clone, Debug, Args)]
pub struct OpenId {
    /// Address of the provider, such as <https://accounts.example>
    #[arg(long, env = "VORONKA_OIDC_ISSUER")]
    pub oidc_issuer: Option<String>,
    /// What the provider knows this server as
    #[arg(long, env = "VORONKA_OIDC_CLIENT_ID")]
    pub oidc_client_id: Option<String>,
    /// Secret shared with the provider
    #[arg(long, env = "VORONKA_OIDC_CLIENT_SECRET", hide_env_values = true)]
    pub oidc_client_secret: Option<String>,
    /// Page of the front end to which the provider sends people back
    #[arg(long, env = "VORONKA_OIDC_REDIRECT_URL")]
    pub oidc_redirect_url: Option<String>,
    /// Issuers, separated by commas, whose e-mail addresses are believed although they do not say that they have verified them, such as one tenant of Microsoft Entra: only where nobody there can give themselves any address
    #[arg(long, env = "VORONKA_OIDC_TRUST_EMAIL", value_delimiter = ',')]
    pub oidc_trust_email: Vec<String>,
}

/// Where the bytes of files are kept.
#[derive(Clone, Debug, Args)]
pub struct Files {
    /// A store that speaks S3, such as s3://bucket/prefix; without it files are kept in DATA_DIR/files
    #[arg(long, env = "VORONKA_FILES_URL")]
    pub files_url: Option<String>,
    /// Bytes of files that one workspace may keep; 0 is no limit
    #[arg(long, env = "VORONKA_FILES_QUOTA", default_value_t = QUOTA)]
    pub files_quota: u64,
    /// Address of a store that is not Amazon's, such as <https://minio.example>
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

/// What signs, seals and hashes.
#[derive(Clone, Debug, Args)]
pub struct Secret {
    /// Secret of at least 32 bytes that signs access tokens and cursors, seals second factors and hashes the addresses of erased people; the same at every start; generated and kept in the data folder if absent, required with DATABASE_URL
    #[arg(long, env = "VORONKA_SECRET", hide_env_values = true)]
    pub secret: Option<String>,
    /// The secret that VORONKA_SECRET replaces (several are separated by commas): what it sealed is sealed anew at the start; needed until access tokens of before have expired
    #[arg(long = "secret-previous", env = "VORONKA_SECRET_PREVIOUS", hide_env_values = true)]
    pub previous: Option<String>,
}

/// What is needed to take another secret.
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
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, env = "VORONKA_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: String,
    #[command(flatten)]
    pub secret: Secret,
    /// Threads that read requests and write answers; 0 means one per core, at least two
    #[arg(long, env = "VORONKA_HTTP_THREADS", default_value_t = 0)]
    pub http_threads: u16,
    /// Requests per minute that one user, key or address may send; 0 is no limit, and none on wrong passwords
    #[arg(long, env = "VORONKA_RATE_PER_MINUTE", default_value_t = 600)]
    pub rate_per_minute: u32,
    /// Believe X-Forwarded-For: only behind a proxy that sets it
    #[arg(long, env = "VORONKA_TRUST_PROXY")]
    pub trust_proxy: bool,
    /// Origins from which browsers may call (CORS), separated by commas, such as `https://app.example`
    #[arg(long, env = "VORONKA_ORIGINS", value_delimiter = ',')]
    pub origins: Vec<String>,
    /// For how many seconds a server that is asked to stop still takes requests, while /health/ready says 503: as long as a load balancer takes to notice; then it finishes what it has begun, in 25 seconds at most
    #[arg(long, env = "VORONKA_STOP_DELAY", default_value_t = 0)]
    pub stop_delay: u8,
    /// Leave background work to `voronka work`
    #[arg(long)]
    pub no_work: bool,
    /// Fill a demo workspace and print its sign-in
    #[arg(long)]
    pub demo: bool,
}

/// A file on its way into a server.
#[derive(Clone, Debug, Args)]
pub struct Import {
    /// The CSV file
    pub file: PathBuf,
    /// What its rows are: users, companies, contacts, products, leads or deals
    #[arg(long)]
    pub resource: String,
    /// Address of the server
    #[arg(long, env = "VORONKA_SERVER", default_value = "http://127.0.0.1:8080")]
    pub server: String,
    /// Access token, or API key with the scopes imports:read, imports:write, jobs:read and that of the records, such as contacts:write
    #[arg(long, env = "VORONKA_TOKEN", hide_env_values = true)]
    pub token: String,
    /// A column and its field, as COLUMN=FIELD; may be repeated. Without any, the suggested fields are used
    #[arg(long = "map", value_name = "COLUMN=FIELD")]
    pub mapping: Vec<String>,
    /// A value of a column that stands for another, as COLUMN:FROM=TO; may be repeated
    #[arg(long = "value", value_name = "COLUMN:FROM=TO")]
    pub values: Vec<String>,
    /// Pipeline of leads and deals; the default one if absent
    #[arg(long)]
    pub pipeline: Option<String>,
    /// Notation of dates, such as dd.mm.yyyy; detected if absent
    #[arg(long)]
    pub date_format: Option<String>,
    /// Only say what would happen
    #[arg(long)]
    pub dry_run: bool,
}

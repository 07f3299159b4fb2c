//! The command line: commands and settings.
mod commands;
mod demo;
mod import;
mod import_report;
mod import_settings;
pub mod settings;

use clap::Parser;
use settings::{Cli, Command};
use std::process::ExitCode;

pub fn run() -> ExitCode {
    let _ = dotenvy::dotenv();
    let cli = Cli::parse();
    keep_files_private();
    start_log();
    crate::resources::install();
    let outcome = match cli.command {
        Command::Import(options) => import::run(&options),
        Command::Serve(options) => commands::serve(&options).map(done),
        Command::Work(options) => commands::work(&options).map(done),
        Command::Migrate(options) => commands::migrate(&options).map(done),
        Command::AdoptSecret(options) => commands::adopt_secret(&options).map(done),
        Command::Demo(options) => commands::demo(&options).map(done),
        Command::Openapi { old, collection } => commands::openapi(old, collection).map(done),
    };
    match outcome {
        Ok(code) => code,
        Err(message) => {
            eprintln!("voronka: {message}");
            ExitCode::FAILURE
        }
    }
}

fn done(_: ()) -> ExitCode {
    ExitCode::SUCCESS
}

/// Makes everything that this process and its PostgreSQL write, such as e-mails, files and logs, readable for its own
/// user only.
#[expect(unsafe_code, reason = "umask cannot fail, and no other thread runs yet")]
fn keep_files_private() {
    unsafe { libc::umask(0o077) };
}

fn start_log() {
    use std::io::Write;
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info,access=info"))
        // Anybody could fill the log with malformed requests.
        .filter_module("actix_http::h1::dispatcher", log::LevelFilter::Off)
        // Tells of every letter that needs another font than the first one.
        .filter_module("usvg", log::LevelFilter::Error)
        .format(|out, record| {
            let at = crate::kernel::values::time::DateTime::now();
            writeln!(out, "{at} {:5} {} {}", record.level(), record.target(), record.args())
        })
        .init();
}

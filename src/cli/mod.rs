//! The command line: commands and settings.
mod commands;
mod demo;
mod import;
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
        Command::Serve(options) => commands::serve(&options),
        Command::Work(options) => commands::work(&options),
        Command::Migrate(options) => commands::migrate(&options),
        Command::AdoptSecret(options) => commands::adopt_secret(&options),
        Command::Demo(options) => commands::demo(&options),
        Command::Import(options) => import::run(&options),
        Command::Openapi { old, collection } => commands::openapi(old, collection),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("voronka: {message}");
            ExitCode::FAILURE
        }
    }
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
        .format(|out, record| {
            let at = crate::kernel::values::time::DateTime::now();
            writeln!(out, "{at} {:5} {} {}", record.level(), record.target(), record.args())
        })
        .init();
}

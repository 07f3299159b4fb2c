//! The real program as a separate process with its own database, which tests can kill.
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running `voronka serve`; it is killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pub address: String,
}

/// Creates an empty folder for the data of one test.
pub fn folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    dir
}

impl Process {
    /// Starts the server on the data in a folder and waits until it prints its address.
    pub fn start(dir: &Path) -> Process {
        Process::start_with(dir, &[])
    }

    pub fn start_with(dir: &Path, variables: &[(&str, &str)]) -> Process {
        let mut child = Command::new(env!("CARGO_BIN_EXE_voronka"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(dir)
            .env("RUST_LOG", "warn")
            .env("VORONKA_RATE_PER_MINUTE", "0")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let greeting =
            lines.find_map(|line| line.unwrap().strip_prefix("Voronka listens on http://").map(str::to_owned));
        let address = greeting.expect("the server says where it listens");
        // Reads the rest of the output, since a full pipe would block the server.
        std::thread::spawn(move || lines.for_each(drop));
        Process { child, address }
    }

    /// Sends SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

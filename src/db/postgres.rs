//! The private PostgreSQL: without DATABASE_URL, the server creates and runs its own cluster with the installed
//! PostgreSQL binaries, on a unix socket in a private folder, also when started as root.
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A running cluster; it stops when this value is dropped or the process dies.
#[derive(Debug)]
pub struct Postgres {
    server: Child,
    pub url: String,
    /// Prevents two servers from sharing one cluster, which would stop with the first of them.
    _lock: File,
}

/// The user that runs PostgreSQL if the process runs as root, which PostgreSQL refuses.
#[derive(Clone, Copy, Debug)]
struct RunAs {
    uid: u32,
    gid: u32,
}

/// For tests: settings of a cluster whose data need not survive a crash of the machine.
const FAST: [&str; 7] = ["-F", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "autovacuum=off"];
/// The path of a unix socket has at most 107 bytes, of which the file name needs 20.
const SOCKET_DIR_MAX: usize = 85;
const START: Duration = Duration::from_secs(60);

impl Postgres {
    /// Starts the cluster in `dir`, and creates it first if there is none. Call this from the main thread, because the
    /// cluster stops when the thread that started it ends.
    pub fn start(dir: &Path, fast: bool) -> io::Result<Postgres> {
        let bin = bin_dir()?;
        let run_as = run_as()?;
        let dir = home(dir, run_as)?;
        let lock = File::create(dir.join("lock"))?;
        lock.try_lock().map_err(|_| io::Error::other(format!("{} is in use by another voronka", dir.display())))?;
        let data = dir.join("data");
        if !data.join("PG_VERSION").exists() {
            init(&bin, &dir, &data, run_as)?;
        }
        stop_orphan(&data);
        let socket = socket_dir(&dir, run_as)?;
        let log = dir.join("postgres.log");
        let server = spawn(command(&bin.join("postgres"), &dir, run_as), &data, &socket, &log, fast)?;
        let url = format!("postgresql:///postgres?host={}&user=voronka", socket.display());
        let mut postgres = Postgres { server, url, _lock: lock };
        postgres.wait_until_ready(&data, &log)?;
        Ok(postgres)
    }

    fn wait_until_ready(&mut self, data: &Path, log: &Path) -> io::Result<()> {
        let start = Instant::now();
        while running(data) != Some((self.server.id(), true)) {
            let log = || fs::read_to_string(log).unwrap_or_default();
            if let Some(status) = self.server.try_wait()? {
                return Err(io::Error::other(format!("PostgreSQL ended ({status}):\n{}", log())));
            }
            if start.elapsed() > START {
                return Err(io::Error::other(format!("PostgreSQL is not ready after {START:?}:\n{}", log())));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

impl Postgres {
    /// Checks whether the server has ended on its own.
    fn has_ended(&mut self) -> bool {
        !matches!(self.server.try_wait(), Ok(None))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The pid of an ended process may belong to another process.
        if !self.has_ended() {
            signal(self.server.id(), libc::SIGINT); // "fast": open transactions are rolled back
        }
        let _ = self.server.wait();
    }
}

/// The interval at which a supervised cluster is checked.
const POLL_INTERVAL: Duration = Duration::from_millis(300);

/// A cluster that is restarted when it dies. It stops when this value is dropped.
#[derive(Debug)]
pub struct SupervisedPostgres {
    pub url: String,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SupervisedPostgres {
    /// Returns the connection string for another role; in the private folder no password is required.
    pub fn url_as(&self, role: &str) -> String {
        self.url.replace("user=voronka", &format!("user={role}"))
    }

    /// Starts the cluster from a dedicated thread that stays alive, because PostgreSQL stops when the thread that
    /// started it ends.
    pub fn start(dir: &Path) -> io::Result<SupervisedPostgres> {
        let ((stop, stopped), (tell, told)) = (channel(), channel());
        let dir = dir.to_owned();
        let keeper = std::thread::Builder::new().name("postgres".into());
        let thread = keeper.spawn(move || match Postgres::start(&dir, false) {
            Ok(postgres) => {
                let _ = tell.send(Ok(postgres.url.clone()));
                supervise(&dir, postgres, &stopped);
            }
            Err(error) => {
                let _ = tell.send(Err(error));
            }
        })?;
        let url = told.recv().map_err(io::Error::other)??;
        Ok(SupervisedPostgres { url, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for SupervisedPostgres {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().map(JoinHandle::join);
    }
}

fn supervise(dir: &Path, postgres: Postgres, stopped: &Receiver<()>) {
    let mut running = Some(postgres);
    while stopped.recv_timeout(POLL_INTERVAL) == Err(RecvTimeoutError::Timeout) {
        if running.as_mut().is_some_and(|postgres| !postgres.has_ended()) {
            continue;
        }
        log::error!("PostgreSQL has ended; restarting it");
        // The old value holds the lock on the folder.
        drop(running.take());
        running = Postgres::start(dir, false).map_err(|error| log::error!("PostgreSQL does not start: {error}")).ok();
    }
}

/// Finds the binaries: in `PG_BINDIR`, otherwise in the PATH, `pg_config --bindir`, and the usual places, the newest
/// version first.
fn bin_dir() -> io::Result<PathBuf> {
    let complete = |dir: &PathBuf| dir.join("initdb").is_file() && dir.join("postgres").is_file();
    if let Some(named) = std::env::var_os("PG_BINDIR").filter(|dir| !dir.is_empty()).map(PathBuf::from) {
        let wrong = || format!("PG_BINDIR is {}, which does not contain initdb and postgres", named.display());
        return if complete(&named) { Ok(named) } else { Err(io::Error::other(wrong())) };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let told = || {
        let output = Command::new("pg_config").arg("--bindir").output().ok()?;
        Some(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
    };
    std::env::split_paths(&path).chain(told()).chain(usual_places()).find(complete).ok_or_else(|| {
        io::Error::other(
            "no PostgreSQL server binaries found. Install them (Debian: apt-get install postgresql; macOS: brew install postgresql), \
             or set PG_BINDIR to their folder, or set DATABASE_URL to a server that runs elsewhere",
        )
    })
}

fn usual_places() -> Vec<PathBuf> {
    const PLACES: [(&str, &str, &str); 5] = [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/opt/homebrew/opt", "postgresql@", "bin"),
        ("/usr/local/opt", "postgresql@", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ];
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for (root, prefix, suffix) in PLACES {
        for entry in fs::read_dir(root).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let version = name.strip_prefix(prefix).and_then(|v| v.split('.').next()?.parse().ok());
            found.extend(version.map(|version| (version, entry.path().join(suffix))));
        }
    }
    found.sort();
    found.into_iter().rev().map(|(_, dir)| dir).collect()
}

#[expect(unsafe_code, reason = "geteuid has no preconditions and cannot fail")]
fn effective_user() -> u32 {
    unsafe { libc::geteuid() }
}

#[expect(unsafe_code, reason = "kill with a number from a pid file; the worst outcome is an error")]
fn signal(pid: u32, signal: i32) -> bool {
    i32::try_from(pid).is_ok_and(|pid| unsafe { libc::kill(pid, signal) } == 0)
}

/// Returns the user to run PostgreSQL as if the process runs as root: `postgres`, otherwise `nobody`, from the passwd
/// file (initdb needs an entry there).
fn run_as() -> io::Result<Option<RunAs>> {
    if effective_user() != 0 {
        return Ok(None);
    }
    let passwd = fs::read_to_string("/etc/passwd")?;
    let find = |name: &str| {
        let mut lines = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let entry = lines.find(|fields| fields.first() == Some(&name))?;
        Some(RunAs { uid: entry.get(2)?.parse().ok()?, gid: entry.get(3)?.parse().ok()? })
    };
    let found = find("postgres").or_else(|| find("nobody"));
    found
        .map(Some)
        .ok_or_else(|| io::Error::other("PostgreSQL cannot run as root, and there is no user postgres or nobody"))
}

fn command(program: &Path, dir: &Path, run_as: Option<RunAs>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(dir).env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    if let Some(RunAs { uid, gid }) = run_as {
        command.uid(uid).gid(gid); // the standard library also drops the supplementary groups
    }
    command
}

fn private_dir(dir: &Path, run_as: Option<RunAs>) -> io::Result<()> {
    if !dir.exists() {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    fs::set_permissions(dir, Permissions::from_mode(0o700))?;
    match run_as {
        Some(RunAs { uid, gid }) => chown(dir, Some(uid), Some(gid)),
        None => Ok(()),
    }
}

/// Returns the folder of the cluster. An unprivileged user cannot access a folder under /root, so in that case it is a
/// folder under /var/tmp with a derived name.
fn home(wanted: &Path, run_as: Option<RunAs>) -> io::Result<PathBuf> {
    private_dir(wanted, run_as)?;
    let dir = wanted.canonicalize()?;
    // The standard library changes the folder after the user, so this tests exactly the required access.
    if command(Path::new("/bin/true"), &dir, run_as).status().is_ok_and(|status| status.success()) {
        return Ok(dir);
    }
    let name: String = dir.to_string_lossy().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let other = PathBuf::from(format!("/var/tmp/voronka{name}"));
    private_dir(&other, run_as)?;
    let found = fs::symlink_metadata(&other)?;
    let owner = run_as.map_or_else(effective_user, |user| user.uid);
    if !found.is_dir() || found.uid() != owner {
        return Err(io::Error::other(format!("{} belongs to someone else", other.display())));
    }
    log::info!("PostgreSQL cannot reach {}; its data are in {}", dir.display(), other.display());
    Ok(other)
}

/// Creates the cluster in a temporary folder and renames it, so that an interrupted initdb leaves no partial cluster.
fn init(bin: &Path, dir: &Path, data: &Path, run_as: Option<RunAs>) -> io::Result<()> {
    let unfinished = dir.join("data.new");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    // Trust authentication is safe: there is no port, and only the owner can access the folder of the socket.
    let output = command(&bin.join("initdb"), dir, run_as)
        .args(["-N", "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "-U", "voronka", "--no-instructions", "-D"])
        .arg(&unfinished)
        .output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("initdb: {}", String::from_utf8_lossy(&output.stderr))));
    }
    fs::rename(&unfinished, data)
}

/// Returns the folder of the socket: that of the data, or a short private folder if the path would be too long.
fn socket_dir(dir: &Path, run_as: Option<RunAs>) -> io::Result<PathBuf> {
    if dir.as_os_str().len() <= SOCKET_DIR_MAX {
        return Ok(dir.to_owned());
    }
    let short = PathBuf::from(format!("/tmp/voronka-{}", fs::metadata(dir)?.ino()));
    private_dir(&short, run_as)?;
    Ok(short)
}

fn spawn(mut command: Command, data: &Path, socket: &Path, log: &Path, fast: bool) -> io::Result<Child> {
    let log = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(log)?;
    log.set_permissions(Permissions::from_mode(0o600))?;
    command.arg("-D").arg(data).arg("-k").arg(socket);
    for setting in [
        "listen_addresses=",
        "unix_socket_permissions=0700",
        "wal_level=minimal",
        "max_wal_senders=0",
        "jit=off",
        // After a large batch, reports would take a hundred times as long until the statistics are updated.
        "autovacuum_naptime=10s",
        // Keeps personal data out of the log: no "DETAIL: Key (email)=(…)", and no values of statements.
        "log_error_verbosity=terse",
        "log_parameter_max_length=0",
        "log_parameter_max_length_on_error=0",
    ] {
        command.args(["-c", setting]);
    }
    if fast {
        command.args(FAST);
    }
    // A separate process group: Ctrl-C reaches this process first, which finishes its requests and then stops
    // PostgreSQL.
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
    stop_with_parent(&mut command);
    command.spawn()
}

/// Makes the kernel stop PostgreSQL however this process dies.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "prctl is async-signal-safe, as code between fork and exec must be")]
fn stop_with_parent(command: &mut Command) {
    unsafe {
        command.pre_exec(|| match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGINT) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn stop_with_parent(_: &mut Command) {}

/// Returns the process id and the readiness from the file that PostgreSQL maintains.
fn running(data: &Path) -> Option<(u32, bool)> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid = text.lines().next()?.trim().parse().ok()?;
    Some((pid, text.lines().nth(7).is_some_and(|state| state.trim() == "ready")))
}

/// Stops the server of a process that died without the kernel stopping it (not on Linux). This process holds the lock,
/// so no other process uses the server.
fn stop_orphan(data: &Path) {
    let Some((pid, _)) = running(data) else { return };
    let start = Instant::now();
    while signal(pid, libc::SIGINT) && running(data).is_some() && start.elapsed() < START {
        std::thread::sleep(Duration::from_millis(20));
    }
}

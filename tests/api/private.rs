//! Files of the server are readable only by their owner, and its log holds no personal data.
use crate::support::client::Client;
use crate::support::process::Process;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Returns a directory and everything below it.
fn all(path: &Path) -> Vec<PathBuf> {
    let inside = fs::read_dir(path).into_iter().flatten().flat_map(|entry| all(&entry.unwrap().path()));
    std::iter::once(path.to_owned()).chain(inside).collect()
}

#[track_caller]
fn is_private(path: &Path) {
    let Ok(found) = fs::symlink_metadata(path) else { return };
    // Access to the socket is limited by its directory.
    if !found.file_type().is_symlink() {
        assert_eq!(found.permissions().mode() & 0o077, 0, "{}: {:o}", path.display(), found.permissions().mode());
    }
}

#[test]
fn mail_files_and_the_private_cluster_belong_to_the_owner_only() {
    // Uses a directory that PostgreSQL's own user can access.
    let dir = std::env::temp_dir().join(format!("voronka-private-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    let process = Process::start(&dir);
    let at = Client::at(&process.address);
    let new =
        json!({ "workspace_name": "A", "name": "Ann", "email": "ann@example.com", "password": "a-long-password" });
    let pair = at.post("/auth/register", new).created();
    let client = at.with("Authorization", &format!("Bearer {}", pair["access_token"].as_str().unwrap()));
    client.post("/users", json!({ "name": "Guest", "email": "guest@example.com" })).created();
    client.post("/users", json!({ "name": "Guest", "email": "guest@example.com" })).problem(409, "duplicate_email");
    let contact = client.post("/contacts", json!({ "first_name": "E", "email": "eva@example.com" })).created();
    client.post("/contacts", json!({ "first_name": "E", "email": "eva@example.com" })).problem(409, "duplicate_email");
    crate::files::upload(&client, "a.txt", b"words", &[("contact_id", contact["id"].as_str().unwrap())]).created();
    let begin = Instant::now();
    while all(&dir.join("mail")).len() < 2 && begin.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(50));
    }
    for (place, least) in [("mail", 2), ("files", 3), ("secret", 1), ("postgres", 100)] {
        let found = all(&dir.join(place));
        assert!(found.len() >= least, "{place}: {found:?}");
        found
            .iter()
            .filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with(".s.PGSQL"))
            .for_each(|p| is_private(p));
    }
    let log = fs::read_to_string(dir.join("postgres/postgres.log")).unwrap();
    assert!(log.contains("users_email_key") && log.contains("contacts_email_key"), "{log}");
    assert!(!log.contains("@example.com") && !log.contains("DETAIL"), "{log}");
    drop(process);
    let _ = fs::remove_dir_all(&dir);
}

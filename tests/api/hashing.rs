//! During a password-guessing attack, legitimate users can still sign in.
use crate::support::client::Client;
use crate::support::process::{Process, folder};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const PASSWORD: &str = "a-long-password";
/// Concurrent attempts from one network.
const ATTACKERS: u32 = 150;

/// Sends wrong passwords from one network on many threads until stopped, and counts the answers by status.
struct Attack {
    stop: Arc<AtomicBool>,
    refused: Arc<AtomicU32>,
    busy: Arc<AtomicU32>,
    threads: Vec<JoinHandle<()>>,
}

impl Attack {
    fn begin(address: &str, from: &'static str) -> Attack {
        let (stop, refused, busy) = <(Arc<AtomicBool>, Arc<AtomicU32>, Arc<AtomicU32>)>::default();
        let threads = (0..ATTACKERS).map(|n| {
            let client = Client::at(address).with("X-Forwarded-For", &format!("{from}{}", n % 200));
            let (stop, refused, busy) = (Arc::clone(&stop), Arc::clone(&refused), Arc::clone(&busy));
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let body = json!({ "email": format!("nobody{n}@example.com"), "password": "a-wrong-password" });
                    let begun = Instant::now();
                    let answer = client.post("/auth/login", body);
                    assert!(
                        begun.elapsed() < Duration::from_secs(12),
                        "an answer took too long: {:?}",
                        begun.elapsed()
                    );
                    let counter = match answer.status {
                        401 => &refused,
                        503 => &busy,
                        other => panic!("{other}: {}", answer.text),
                    };
                    counter.fetch_add(1, Ordering::Relaxed);
                    if answer.status == 503 {
                        assert!(!answer.header("retry-after").is_empty());
                        std::thread::sleep(Duration::from_millis(500));
                    }
                }
            })
        });
        Attack { threads: threads.collect(), stop, refused, busy }
    }

    fn end(self) -> (u32, u32) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
        (self.refused.load(Ordering::Relaxed), self.busy.load(Ordering::Relaxed))
    }
}

#[track_caller]
fn quickly(what: &str, limit: Duration, work: impl FnOnce()) {
    let begun = Instant::now();
    work();
    assert!(begun.elapsed() < limit, "{what} took {:?}", begun.elapsed());
}

#[test]
fn a_sign_in_succeeds_during_a_password_attack() {
    let process = Process::start_with(&folder("hashing"), &[("VORONKA_TRUST_PROXY", "true")]);
    let from = |address: &str| Client::at(&process.address).with("X-Forwarded-For", address);
    let login =
        |client: &Client| client.post("/auth/login", json!({ "email": "ann@example.com", "password": PASSWORD }));
    let new = json!({ "workspace_name": "A", "name": "Ann", "email": "ann@example.com", "password": PASSWORD });
    let mut pair = from("192.0.2.10").post("/auth/register", new).created();
    // A device in the attackers' network that has signed in before.
    login(&from("203.0.113.250")).ok();
    let attack = Attack::begin(&process.address, "203.0.113.");
    std::thread::sleep(Duration::from_secs(2));
    for _ in 0..3 {
        // From another network, known or unknown, and from a known device in the attackers' network.
        for client in [from("192.0.2.10"), from("198.51.100.7"), from("2001:db8:7::1"), from("203.0.113.250")] {
            quickly("signing in", Duration::from_secs(4), || drop(login(&client).ok()));
        }
        // A refresh hashes no password and does not wait for the hashing queue.
        quickly("a refresh", Duration::from_secs(2), || {
            let body = json!({ "refresh_token": pair["refresh_token"] });
            pair = from("203.0.113.9").post("/auth/refresh", body).ok();
        });
        let client = Client::at(&process.address)
            .with("Authorization", &format!("Bearer {}", pair["access_token"].as_str().unwrap()));
        quickly("a read", Duration::from_secs(2), || drop(client.get("/contacts").ok()));
    }
    let (refused, busy) = attack.end();
    assert!(refused > 0 && busy > 0, "refused {refused}, turned away {busy}");
    // Afterwards sign-ins are fast again.
    quickly("signing in", Duration::from_secs(4), || drop(login(&from("203.0.113.77")).ok()));
}

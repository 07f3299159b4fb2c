//! Mails, read from the folder that a server without SMTP writes to.
use super::server::mail_folder;
use std::path::Path;
use std::time::{Duration, Instant};

/// A received mail.
#[derive(Clone, Debug)]
pub struct Email {
    pub subject: String,
    pub text: String,
}

impl Email {
    /// Returns the token in the link of the mail.
    pub fn token(&self) -> Option<String> {
        Some(self.text.split("token=").nth(1)?.split_whitespace().next()?.to_owned())
    }
}

/// Returns every mail to an address so far, oldest first.
pub fn emails_in(folder: &Path, to: &str) -> Vec<Email> {
    let mut files: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().map(|file| file.unwrap().path()).collect();
    files.sort();
    let read = |path: &std::path::PathBuf| {
        // Quoted-printable breaks long lines with a trailing "=" and writes "=" as "=3D".
        let text = std::fs::read_to_string(path).ok()?.replace("=\r\n", "").replace("=3D", "=");
        let subject = text.lines().find_map(|line| line.strip_prefix("Subject: "))?.trim().to_owned();
        text.contains(&format!("To: {to}\r\n")).then_some(Email { subject, text })
    };
    files.iter().filter_map(read).collect()
}

pub fn emails_to(to: &str) -> Vec<Email> {
    emails_in(&mail_folder(), to)
}

/// Waits for `count` mails with a subject to an address and returns the last.
#[track_caller]
pub fn await_email(to: &str, subject: &str, count: usize) -> Email {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(20) {
        let found: Vec<Email> = emails_to(to).into_iter().filter(|letter| letter.subject == subject).collect();
        if found.len() >= count {
            return found.last().unwrap().clone();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no mail \"{subject}\" to {to}: {:?}", emails_to(to));
}

//! The text of mails with notifications.
use crate::identity::mail::messages::Email;
use uuid::Uuid;

/// The maximum number of notifications that a letter lists.
pub const LISTED: usize = 50;

/// A notification as a letter tells it, with the names that the reader may see.
#[derive(Debug)]
pub struct Told {
    pub kind: &'static str,
    pub record: Option<String>,
    pub count: i32,
    pub actor: Option<String>,
}

/// The recipient of a letter.
#[derive(Debug)]
pub struct Recipient {
    pub email: String,
    pub workspace: String,
}

/// Returns what a letter says of a kind of notification.
fn label(kind: &str) -> &'static str {
    match kind {
        "assigned" => "Is yours now",
        "new_lead" => "New lead",
        "handed_over" => "Records that are yours now",
        "reminder" => "Reminder",
        "unanswered" => "Waits for an answer",
        "rotting" => "Had no activity for long",
        "mentioned" => "You were mentioned",
        "import_done" => "Your import has ended",
        "signed_in" => "Sign-in with a new browser or from a new network",
        _ => "News",
    }
}

/// A name must not look like another line of the letter.
fn in_one_line(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Told {
    fn line(&self) -> String {
        let mut line = format!("- {}", label(self.kind));
        let parts = [
            self.record.as_ref().map(|name| format!(": {}", in_one_line(name))),
            (self.count > 1).then(|| format!(", {} in total", self.count)),
            self.actor.as_ref().map(|name| format!(" ({})", in_one_line(name))),
        ];
        line.extend(parts.into_iter().flatten());
        line
    }
}

/// Writes a letter. The subject contains no names, because others choose them. `id` is the same in every attempt,
/// `public` the base URL of the front end for links.
pub fn compose(id: Uuid, to: &Recipient, all: &[Told], public: &str) -> Email {
    let subject = match all.len() {
        1 => "You have a new notification".to_owned(),
        many => format!("You have {many} new notifications"),
    };
    let mut text = format!("In the workspace \"{}\":\n\n", to.workspace);
    for told in all.iter().take(LISTED) {
        text.push_str(&told.line());
        text.push('\n');
    }
    if let Some(more) = all.len().checked_sub(LISTED).filter(|more| *more > 0) {
        text.push_str(&format!("- and {more} more\n"));
    }
    text.push_str(&format!(
        "\nOpen them:\n\n{public}/notifications\n\nYou get this mail because you asked for it. To get fewer mails or \
         none, open:\n\n{public}/notifications/preferences\n"
    ));
    Email { id: Some(id), to: to.email.clone(), subject, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: &'static str, record: Option<&str>, count: i32, actor: Option<&str>) -> Told {
        Told { kind, record: record.map(str::to_owned), count, actor: actor.map(str::to_owned) }
    }

    #[test]
    fn a_line_says_only_what_is_known() {
        for (told, expected) in [
            (told("mentioned", Some("Boat"), 1, Some("Anna")), "- You were mentioned: Boat (Anna)"),
            (told("assigned", None, 1, None), "- Is yours now"),
            (told("handed_over", Some("Boat"), 20, Some("Bo")), "- Records that are yours now: Boat, 20 in total (Bo)"),
            (told("later_kind", Some("x\n- New lead"), 1, None), "- News: x - New lead"),
        ] {
            assert_eq!(told.line(), expected);
        }
    }

    #[test]
    fn a_letter_lists_some_and_counts_the_rest() {
        let to = Recipient { email: "anna@example.com".into(), workspace: "Acme".into() };
        let all: Vec<Told> = (0..LISTED + 2).map(|_| told("reminder", Some("Call"), 1, None)).collect();
        let email = compose(Uuid::nil(), &to, &all, "https://app.example");
        assert_eq!(email.subject, "You have 52 new notifications");
        assert_eq!(email.text.matches("- Reminder: Call\n").count(), LISTED);
        assert!(email.text.contains("- and 2 more\n"), "{}", email.text);
        assert!(email.text.contains("https://app.example/notifications/preferences"), "{}", email.text);
        let one = compose(Uuid::nil(), &to, &[told("reminder", None, 1, None)], "https://app.example");
        assert_eq!(one.subject, "You have a new notification");
    }
}

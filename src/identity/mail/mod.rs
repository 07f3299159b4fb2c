//! E-mails about accounts: what they say, and how they are sent.
pub mod mailer;
pub mod messages;

//! E-mails about accounts and notifications: what they say, and how they are sent.
pub mod mailer;
pub mod messages;
pub mod notification_letter;

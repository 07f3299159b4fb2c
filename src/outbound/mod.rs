//! Outgoing e-mail.
pub mod mailer;

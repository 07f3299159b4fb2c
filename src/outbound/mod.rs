//! What leaves the house: mail.
pub mod mailer;

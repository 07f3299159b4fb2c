//! What leaves the house: mail.
pub mod mail;

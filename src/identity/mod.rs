//! Authentication and accounts. `sign_in` imports `directory`, `directory` imports `mail`, and all three import
//! `credentials`; none imports the other way.
pub mod actors;
pub mod credentials;
pub mod directory;
pub mod mail;
pub mod me;
pub mod sign_in;

//! Authentication and accounts. `credentials` is below `directory`, and `directory` below `sign_in`.
pub mod actors;
pub mod credentials;
pub mod directory;
pub mod mail;
pub mod me;
pub mod sign_in;

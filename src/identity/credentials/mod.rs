//! What proves who a caller is: logins and their passwords, sessions and tokens, API keys, calendar feeds, and the secret
//! of the server.
pub mod accounts;
pub mod api_keys;
pub mod calendar_feeds;
pub mod hashing_queue;
pub mod passwords;
pub mod secrets;
pub mod session_tokens;
pub mod throttle;
pub mod tokens;

//! Who may come in: workspaces, users, teams, sign-in, sessions, API keys, and the middleware that makes an `Actor`.
pub mod accounts;
pub mod actors;
pub mod api_keys;
pub mod auth;
pub mod letters;
pub mod me;
pub mod middleware;
pub mod oidc;
pub mod passwords;
pub mod recovery;
pub mod roles;
pub mod second_factor;
pub mod sessions;
pub mod teams;
pub mod tokens;
pub mod users;
pub mod workspaces;

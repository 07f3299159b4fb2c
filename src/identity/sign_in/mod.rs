//! How a caller signs in and proves it again: passwords, second factors, OpenID providers, sessions, and the middleware
//! that reads `Authorization`.
pub mod auth;
pub mod authentication;
pub mod identities;
pub mod middleware;
pub mod oidc;
pub mod reauthentication;
pub mod recovery;
pub mod second_factor;
pub mod sessions;

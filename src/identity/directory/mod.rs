//! Who works in a workspace: users, teams and roles, and the workspace itself.
pub mod roles;
pub mod teams;
pub mod users;
pub mod workspaces;

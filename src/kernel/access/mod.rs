//! Who may do and see what: the caller, the permissions of roles, hidden fields, and the descriptors of resources.
pub mod actor;
pub mod grants;
pub mod hide;
pub mod next_task;
pub mod permission;
pub mod record;
pub mod resource;
pub mod roles;

//! Between actix and the domain modules: the caller (`Ctx`), the body (`Valid`) and the response.
pub mod answer;
pub mod batch;
pub mod body;
pub mod budget;
pub mod ctx;
pub mod form;
pub mod json;
pub mod limits;
pub mod named_resource;
pub mod restore;
pub mod signature;
pub mod upsert;

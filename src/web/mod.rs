//! Between actix and the domain modules: the caller (`Ctx`), the body (`Valid`) and the response.
pub mod answer;
pub mod batch;
pub mod batch_body;
pub mod body;
pub mod budget;
pub mod caller;
pub mod ctx;
pub mod form;
pub mod headers;
pub mod json;
pub mod limits;
pub mod restore;
pub mod signature;
pub mod upsert;

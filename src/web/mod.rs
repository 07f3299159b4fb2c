//! Between actix and the rooms: who asks (`Ctx`), what they sent (`Valid`), and what they are answered.
pub mod answer;
pub mod batch;
pub mod batch_body;
pub mod body;
pub mod budget;
pub mod ctx;
pub mod form;
pub mod json;
pub mod limits;
pub mod restore;
pub mod signature;
pub mod upsert;

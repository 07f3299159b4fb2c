//! The search over all resources, with the vocabulary that corrects misspelled words.
pub mod routes;
pub mod sources;
pub mod vocabulary;

//! The product, tested from outside: a real server on a real PostgreSQL, every answer checked against the document.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]
mod access;
mod analytics;
mod bulk;
mod catalogue;
mod compatibility;
mod contacts;
mod custom;
mod document;
mod faults;
mod files;
mod hostile;
mod house;
mod identity;
mod imports;
mod kept;
mod limits;
mod properties;
mod races;
mod recovery;
mod sales;
mod search;
mod story;
mod support;
mod walk;
mod work;

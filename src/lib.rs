//! Voronka: lead management and customer relations as a JSON API over PostgreSQL.
//!
//! The rooms stand on each other in this order; a room imports only from rooms above it.
#[macro_use]
pub mod kernel;
#[rustfmt::skip]
pub mod schema;
pub mod db;
pub mod identity;
pub mod web;

pub mod analytics;
pub mod catalog;
pub mod cli;
pub mod http;
pub mod intake;
pub mod jobs;
pub mod people;
pub mod records;
pub mod sales;
pub mod work;

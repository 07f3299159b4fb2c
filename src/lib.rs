//! Voronka: lead and customer management as a JSON API over PostgreSQL.
//!
//! The modules are in dependency order: each imports only modules above it, which a test checks. See
//! `docs/architecture.md`. (Empty lines prevent rustfmt from sorting them.)

#[macro_use]
pub mod kernel;

#[rustfmt::skip]
pub mod schema;

pub mod db;

pub mod web;

pub mod identity;

pub mod records;

pub mod people;

pub mod work;

pub mod catalog;

pub mod sales;

pub mod intake;

pub mod nurture;

pub mod privacy;

pub mod search;

pub mod analytics;

pub mod day;

pub mod jobs;

pub mod resources;

pub mod http;

pub mod cli;

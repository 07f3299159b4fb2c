//! Voronka: lead management and customer relations as a JSON API over PostgreSQL.
//!
//! The modules build on each other in this order: each imports only those before it, and a test reads every import.
//! `docs/architecture.md` has the picture.
//! (The empty lines keep rustfmt from sorting them.)

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

pub mod analytics;

pub mod outbound;

pub mod jobs;

pub mod resources;

pub mod http;

pub mod cli;

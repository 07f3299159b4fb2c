//! Products and currencies.
pub mod currencies;
pub mod products;

//! What is sold, and in which money.
pub mod currencies;
pub mod products;

//! What the columns of a file mean: by their headers in nine languages, by the exports of other programs, and by their
//! values. Pure: nothing here reads a file or the database. The words are in the files of `data`.
mod choice;
pub mod content;
pub mod fields;
mod known_program;
pub mod language;
mod lexicon;
mod likely;
pub mod mapping;
pub mod normal;
mod reading;
mod recognise;
mod rivals;

pub use known_program::OriginMatch;
pub use mapping::{ColumnReading, Recognition, Target};
pub use normal::fingerprint;
pub use reading::is_header;
pub use recognise::{Column, CustomColumn, Request, recognise};

#[cfg(test)]
mod data_tests;
#[cfg(test)]
mod samples_tests;
#[cfg(test)]
mod vocabulary_tests;

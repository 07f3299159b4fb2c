//! The meaning of cells: what is decided from the evidence in a file, and the values of cells according to it. Pure: no
//! database, no clock.
//!
//! `evidence` collects, in one pass and in bounded memory, what each column shows. `decisions` combines the evidence of
//! the mapped columns to conventions, questions and warnings. `conventions` converts cells. The other modules know one
//! notation each.
pub mod amounts;
pub mod booleans;
pub mod cjk_names;
pub mod clock;
pub mod content;
pub mod conventions;
pub mod currencies;
pub mod date_evidence;
pub mod date_tokens;
pub mod dates;
pub mod decimal_evidence;
pub mod decisions;
pub mod doubt;
pub mod evidence;
pub mod full_names;
pub mod lists;
pub mod month_names;
pub mod name_lists;
pub mod name_words;
pub mod names;
pub mod numerals;
pub mod outcomes;
pub mod phone_cells;
pub mod probability;
pub mod regions;
pub mod serials;
pub mod tidy;
pub mod written_dates;
pub mod written_days;
pub mod written_times;

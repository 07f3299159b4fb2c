//! Reads files as streams of rows of cells, without the meaning of their columns: CSV, XLSX, ODS, vCard, and archives
//! of them. The memory does not depend on the size of the file.
pub mod archive;
pub mod bounded;
pub mod cards;
pub mod csv;
pub mod decode;
pub mod delimiter;
pub mod encoding;
pub mod failure;
pub mod findings;
pub mod footer;
pub mod layout;
pub mod letters;
pub mod limits;
pub mod lines;
pub mod number_format;
pub mod ods;
pub mod place;
pub mod raw;
pub mod records;
pub mod row;
pub mod rows;
#[cfg(test)]
mod samples;
pub mod sniff;
pub mod source;
pub mod spool;
pub mod table;
#[cfg(test)]
mod testing;
pub mod vcard;
pub mod xlsx_parts;
pub mod xlsx_shared;
pub mod xlsx_sheet;
pub mod xlsx_styles;
#[cfg(test)]
mod xlsx_tests;
pub mod xml;

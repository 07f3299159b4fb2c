//! Reports as files: a report describes itself once, as a table and a chart, and is written from that description as a
//! CSV file, a workbook or a picture.
pub mod about;
pub mod answer;
pub mod bars;
pub mod canvas;
pub mod chart;
pub mod columns;
pub mod fonts;
pub mod funnel;
pub mod look;
pub mod png;
pub mod scale;
pub mod svg;
pub mod text;
pub mod workbook;

#[cfg(test)]
mod samples;

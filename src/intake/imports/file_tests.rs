use super::{Context, File, open};
use crate::intake::imports::reading::bounded::Input;
use crate::intake::imports::reading::findings::FindingKind;
use crate::intake::imports::settings::ImportSettings;
use crate::kernel::error::Error;
use std::io::Cursor;

fn context() -> Context {
    Context { country: "DE".into(), known_header: |_| false }
}

fn input(text: &str) -> Box<dyn Input> {
    Box::new(Cursor::new(text.to_owned()))
}

fn read(text: &str) -> Result<File, String> {
    open(input(text), &ImportSettings::default(), &context(), "/sheet").map_err(|error| error.to_string())
}

#[test]
fn identical_rows_are_numbered() {
    let file = read("name,phone\nBob,1234567\nAnn,1234568\nBob,1234567\nBob,1234567\n").unwrap();
    let mut twins: Vec<_> = file.twins.into_iter().collect();
    twins.sort_unstable();
    assert_eq!(twins, [(4, 2), (5, 3)]);
}

#[test]
fn a_header_without_rows_is_refused() {
    assert!(read("name,phone\n").unwrap_err().contains("no rows"));
}

#[test]
fn too_many_rows_are_refused_with_their_line() {
    let text = format!("name,phone\n{}", "Bob,1234567\n".repeat(200_001));
    let error = read(&text).unwrap_err();
    assert!(error.contains("line 200002: the table has more than 200000 rows"), "{error}");
}

#[test]
fn too_many_cells_are_refused() {
    let header = (0..200).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",");
    let text = format!("{header}\n{}", format!("x{}\n", ",".repeat(199)).repeat(50_001));
    let error = read(&text).unwrap_err();
    assert!(error.contains("more than 10000000 cells"), "{error}");
}

#[test]
fn a_header_line_of_zero_means_none() {
    let settings = ImportSettings { header_line: Some(0), ..ImportSettings::default() };
    let file = open(input("name,phone\nBob,1234567\n"), &settings, &context(), "/sheet").unwrap();
    assert_eq!(file.header, ["A", "B"]);
    assert_eq!(file.rows.len(), 2);
    assert!(file.findings.of(FindingKind::NoHeader).is_some());
}

#[test]
fn a_text_file_has_no_sheets() {
    let settings = ImportSettings { sheet: Some("Deals".into()), ..ImportSettings::default() };
    let error = open(input("name,phone\nBob,1234567\n"), &settings, &context(), "/sheet").unwrap_err();
    let Error::Problem(problem) = error else { panic!("{error}") };
    assert_eq!(problem.errors[0].pointer.as_deref(), Some("/sheet"));
}

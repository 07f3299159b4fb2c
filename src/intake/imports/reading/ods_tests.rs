use crate::intake::imports::reading::findings::FindingKind;
use crate::intake::imports::reading::limits::Limits;
use crate::intake::imports::reading::row::CellKind;
use crate::intake::imports::reading::source::Reading;
use crate::intake::imports::reading::testing::{Options, ods, read, read_table, refusal, source};

const SHEETS: &str = r#"<table:table table:name="Kunden"><table:table-column table:number-columns-repeated="2"/><table:table-column table:visibility="collapse"/><table:table-column table:number-columns-repeated="1021"/>
<table:table-header-rows><table:table-row><table:table-cell office:value-type="string"><text:p>Name</text:p></table:table-cell><table:table-cell office:value-type="string"><text:p>Umsatz</text:p></table:table-cell><table:table-cell office:value-type="string"><text:p>Seit</text:p></table:table-cell><table:table-cell office:value-type="string"><text:p>Um</text:p></table:table-cell><table:table-cell office:value-type="string"><text:p>Ja</text:p></table:table-cell><table:table-cell office:value-type="string"><text:p>PLZ</text:p></table:table-cell></table:table-row></table:table-header-rows>
<table:table-row><table:table-cell office:value-type="string"><office:annotation><text:p>a note</text:p></office:annotation><text:p>Jana<text:s text:c="2"/>&amp; Co</text:p><text:p>second</text:p></table:table-cell><table:table-cell office:value-type="currency" office:currency="EUR" office:value="12500.5"><text:p>12.500,50 €</text:p></table:table-cell><table:table-cell office:value-type="date" office:date-value="2024-03-12T09:30:00"><text:p>12.03.24 09:30</text:p></table:table-cell><table:table-cell office:value-type="time" office:time-value="PT09H30M00S"><text:p>9:30</text:p></table:table-cell><table:table-cell office:value-type="boolean" office:boolean-value="true"><text:p>WAHR</text:p></table:table-cell><table:table-cell office:value-type="float" office:value="1067"><text:p>01067</text:p></table:table-cell></table:table-row>
<table:table-row table:number-rows-repeated="3"><table:table-cell/></table:table-row>
<table:table-row table:visibility="collapse"><table:table-cell office:value-type="string"><text:p>Otto</text:p></table:table-cell><table:table-cell table:formula="of:=1/0" office:value-type="string" office:string-value="" calcext:value-type="error"><text:p>#DIV/0!</text:p></table:table-cell><table:table-cell office:value-type="date" office:date-value="2024-03-12"><text:p>12.03.24</text:p></table:table-cell><table:table-cell office:value-type="percentage" office:value="0.9"><text:p>90 %</text:p></table:table-cell></table:table-row>
<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="1024"/></table:table-row></table:table>
<table:table table:name="Leer" table:style-name="ta2"><table:table-row table:number-rows-repeated="2"><table:table-cell office:value-type="string" table:number-columns-repeated="2" table:number-columns-spanned="2"><text:p>x</text:p></table:table-cell></table:table-row></table:table>"#;

#[test]
fn cells_are_typed() {
    let whole = read(&ods(SHEETS));
    assert_eq!(whole.columns, ["Name", "Umsatz", "Seit", "Um", "Ja", "PLZ"]);
    assert_eq!(whole.rows[0], ["Jana  & Co\nsecond", "12500.5", "2024-03-12T09:30:00", "09:30:00", "true", "1067"]);
    let kinds =
        [CellKind::Text, CellKind::Number, CellKind::DateTime, CellKind::Time, CellKind::Boolean, CellKind::Number];
    assert_eq!(whole.kinds[0], kinds);
    assert_eq!(whole.shown[0][1].as_deref(), Some("12500.5 EUR"));
    assert_eq!(whole.shown[0][5].as_deref(), Some("01067"));
    assert_eq!(whole.kinds[1][1], CellKind::Error);
    assert_eq!(whole.shown[1][3].as_deref(), Some("90%"));
}

#[test]
fn rows_keep_their_numbers_and_hidden_ones_are_told() {
    let whole = read(&ods(SHEETS));
    assert_eq!(whole.lines, [2, 6]);
    assert_eq!(whole.told(FindingKind::HiddenRow).iter().map(|told| told.0).collect::<Vec<_>>(), [Some(6)]);
    assert_eq!(whole.told(FindingKind::HiddenColumn), [(None, "C".to_owned())]);
    assert_eq!(whole.told(FindingKind::ErrorCell), [(Some(6), "#DIV/0! in B6".to_owned())]);
}

#[test]
fn sheets_are_listed_and_rows_repeated() {
    let file = ods(SHEETS);
    let source = source(&file, &Options::default()).unwrap();
    let listed: Vec<_> =
        source.tables().iter().map(|table| (table.sheet.clone().unwrap(), table.hidden, table.rows)).collect();
    assert_eq!(listed, [("Kunden".into(), false, Some(6)), ("Leer".into(), true, Some(2))]);
    let options =
        Reading { header: crate::intake::imports::reading::layout::HeaderChoice::Absent, ..Reading::default() }.into();
    let whole = read_table(&file, 1, &options).unwrap();
    assert_eq!(
        (whole.rows, whole.lines),
        (
            vec![vec!["x", "x"], vec!["x", "x"]]
                .into_iter()
                .map(|row| row.into_iter().map(str::to_owned).collect())
                .collect::<Vec<Vec<String>>>(),
            vec![1, 2]
        )
    );
    assert_eq!(whole.findings.of(FindingKind::MergedCells).unwrap().count, 1);
}

#[test]
fn a_repeated_value_cannot_fill_the_memory() {
    let row = |rows: u64, columns: u64| {
        ods(&format!(
            "<table:table table:name=\"A\"><table:table-row table:number-rows-repeated=\"{rows}\"><table:table-cell office:value-type=\"float\" office:value=\"1\" table:number-columns-repeated=\"{columns}\"><text:p>1</text:p></table:table-cell></table:table-row></table:table>"
        ))
    };
    let limits = Limits { rows: 1000, cells: 100_000, ..Limits::default() };
    let options = limits.into();
    assert!(refusal(&row(1, 4_000_000), &options).contains("more than 16384 cells"));
    assert!(refusal(&row(1, 2_000), &options).contains("at most 1024 are read"));
    assert!(refusal(&row(1_000_000, 1), &options).contains("more than 1000 rows"));
    assert!(refusal(&row(500, 1_000), &options).contains("more than 100000 cells"));
}

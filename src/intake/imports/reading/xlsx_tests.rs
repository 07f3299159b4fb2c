use crate::intake::imports::reading::findings::FindingKind;
use crate::intake::imports::reading::layout::HeaderChoice;
use crate::intake::imports::reading::limits::Limits;
use crate::intake::imports::reading::row::CellKind;
use crate::intake::imports::reading::source::Reading;
use crate::intake::imports::reading::testing::{Options, Whole, read_table, refusal, source, workbook, xlsx, zip};

const STYLES: &str = r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd.mm.yyyy"/></numFmts><cellStyleXfs><xf numFmtId="9"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="22"/></cellXfs></styleSheet>"#;
const SHARED: &str = r#"<sst><si><t>Name</t></si><si><r><t>Mü</t></r><r><t xml:space="preserve">ller </t></r><rPh sb="0" eb="1"><t>ミュ</t></rPh></si><si><t>a_x000D_&#10;b_x0041_ _xyz</t></si></sst>"#;

fn options() -> Options {
    Reading { header: HeaderChoice::Absent, ..Reading::default() }.into()
}

fn cells(row: &str) -> Whole {
    read_table(&xlsx(&format!("<worksheet><sheetData>{row}</sheetData></worksheet>"), STYLES, SHARED), 0, &options())
        .unwrap()
}

#[test]
fn values_are_typed() {
    for (case, cell, kind, text) in [
        ("a shared text", r#"<c r="A1" t="s"><v>1</v></c>"#, CellKind::Text, "Müller"),
        ("escapes of Excel", r#"<c r="A1" t="s"><v>2</v></c>"#, CellKind::Text, "a\nbA _xyz"),
        ("a text in the cell", r#"<c r="A1" t="inlineStr"><is><t>x &amp; y</t></is></c>"#, CellKind::Text, "x & y"),
        ("the text of a formula", r#"<c r="A1" t="str"><f>A2</f><v>x</v></c>"#, CellKind::Text, "x"),
        ("the number of a formula", r#"<c r="A1"><f>1+1</f><v>2</v></c>"#, CellKind::Number, "2"),
        ("a number", r#"<c><v>0.10000000000000001</v></c>"#, CellKind::Number, "0.1"),
        ("an exponent", r#"<c><v>4.91701234567E+11</v></c>"#, CellKind::Number, "491701234567"),
        ("a date", r#"<c s="1"><v>45363</v></c>"#, CellKind::Date, "2024-03-12"),
        ("a time", r#"<c s="2"><v>45363.5</v></c>"#, CellKind::DateTime, "2024-03-12T12:00:00"),
        ("a written date", r#"<c t="d"><v>2024-03-12T00:00:00Z</v></c>"#, CellKind::DateTime, "2024-03-12T00:00:00"),
        ("true", r#"<c t="b"><v>1</v></c>"#, CellKind::Boolean, "true"),
        ("an error", r##"<c t="e"><v>#REF!</v></c>"##, CellKind::Error, "#REF!"),
        ("a prefix", r#"<x:c t="b"><x:v>0</x:v></x:c>"#, CellKind::Boolean, "false"),
    ] {
        let whole = cells(&format!("<row r=\"1\">{cell}</row>"));
        assert_eq!((whole.kinds[0][0], whole.rows[0][0].as_str()), (kind, text), "{case}");
    }
}

#[test]
fn cells_and_rows_can_be_missing() {
    let whole = cells(
        r#"<row r="2"><c r="C2"><v>1</v></c><c><v>2</v></c></row><row/><row><c><v>3</v></c></row><row r="9" hidden="1"><c r="B9"><v>4</v></c></row>"#,
    );
    assert_eq!(whole.rows, [["", "", "1", "2"], ["3", "", "", ""], ["", "4", "", ""]]);
    assert_eq!(whole.lines, [2, 4, 9]);
    assert_eq!(whole.told(FindingKind::HiddenRow), [(Some(9), "4".to_owned())]);
}

#[test]
fn years_can_begin_in_1904() {
    let file = workbook(
        "<workbookPr date1904=\"1\"/>",
        "<worksheet><sheetData><row><c s=\"1\"><v>43901</v></c></row></sheetData></worksheet>",
        STYLES,
        SHARED,
    );
    assert_eq!(read_table(&file, 0, &options()).unwrap().rows, [["2024-03-12"]]);
}

#[test]
fn merged_and_hidden_cells_are_told() {
    let file = xlsx(
        r#"<worksheet><dimension ref="A1:B7"/><cols><col min="2" max="3" hidden="1"/><col min="9" max="16384" hidden="1"/></cols><sheetData><row><c><v>1</v></c></row></sheetData><mergeCells count="1"><mergeCell ref="A1:B2"/></mergeCells></worksheet>"#,
        STYLES,
        SHARED,
    );
    let whole = read_table(&file, 0, &options()).unwrap();
    assert_eq!(whole.told(FindingKind::MergedCells), [(None, "A1:B2".to_owned())]);
    assert_eq!(whole.told(FindingKind::HiddenColumn), [(None, "B".to_owned()), (None, "C".to_owned())]);
    let source = source(&file, &options()).unwrap();
    let listed: Vec<_> =
        source.tables().iter().map(|table| (table.sheet.as_deref().unwrap(), table.hidden, table.rows)).collect();
    assert_eq!(listed, [("One", false, Some(7)), ("Secret", true, Some(7))]);
}

#[test]
fn a_far_cell_fills_no_memory() {
    let far = |cell: &str| {
        xlsx(&format!("<worksheet><sheetData><row r=\"1\">{cell}</row></sheetData></worksheet>"), STYLES, SHARED)
    };
    assert!(refusal(&far(r#"<c r="XFD1"><v>1</v></c>"#), &options()).contains("at most 1024 are read"));
    assert!(refusal(&far(r#"<c r="ZZZZ1"><v>1</v></c>"#), &options()).contains("more than 16384 cells"));
    let styled: String = (0..2000).map(|_| "<c s=\"1\"/>").collect();
    assert_eq!(read_table(&far(&format!("<c><v>1</v></c>{styled}")), 0, &options()).unwrap().rows, [["1"]]);
}

#[test]
fn a_damaged_workbook_is_refused_with_its_place() {
    let sheet = |row: &str| xlsx(&format!("<worksheet><sheetData>{row}</sheetData></worksheet>"), STYLES, SHARED);
    let detail = refusal(&sheet(r#"<row r="7"><c t="s"><v>99</v></c></row>"#), &options());
    assert_eq!(detail, "sheet One, row 7: the file is damaged: cell A7 has no text");
    let detail = refusal(&sheet(r#"<row r="7"><c r="B7"><v>1</v></c><c r="A7"><v>1</v></c></row>"#), &options());
    assert!(detail.contains("cell A7 is out of order"), "{detail}");
    let deep = "<a>".repeat(1000);
    assert!(refusal(&sheet(&deep), &options()).contains("nested too deeply"));
}

#[test]
fn limits_hold_while_unpacking() {
    let limits = Limits { cell: 1000, shared_texts: 10_000, ..Limits::default() };
    let options = Options { limits, ..options() };
    let long = "x".repeat(2000);
    let sheet = |cell: &str| format!("<worksheet><sheetData><row>{cell}</row></sheetData></worksheet>");
    let inline = sheet(&format!("<c t=\"inlineStr\"><is><t>{long}</t></is></c>"));
    assert!(refusal(&xlsx(&inline, STYLES, SHARED), &options).contains("a cell has more than 1000 bytes"));
    let shared = format!("<sst>{}</sst>", "<si><t>abc</t></si>".repeat(2000));
    assert!(refusal(&xlsx(&sheet("<c><v>1</v></c>"), STYLES, &shared), &options).contains("the texts of the workbook"));
    let tag = sheet(&format!("<c><v>1</v></c><c {}/>", "a=\"\" ".repeat(400_000)));
    assert!(refusal(&xlsx(&tag, STYLES, SHARED), &options).contains("a text has more than"));
    let limits = Limits { bytes: 1 << 20, ..Limits::default() };
    let bomb = xlsx(&sheet(&"<c/>".repeat(1 << 19)), STYLES, SHARED);
    assert!(refusal(&bomb, &Options { limits, ..options }).contains("more than 1 MiB together"));
}

#[test]
fn other_documents_are_refused() {
    assert!(refusal(&zip(&[("xl/workbook.bin", b"x"), ("[Content_Types].xml", b"x")]), &options()).contains(".xlsb"));
    assert!(refusal(&zip(&[("word/document.xml", b"x")]), &options()).contains("a document"));
    assert!(refusal(&zip(&[("Index/Document.iwa", b"x")]), &options()).contains("Numbers"));
}

use crate::intake::imports::reading::findings::FindingKind;
use crate::intake::imports::reading::layout::HeaderChoice;
use crate::intake::imports::reading::source::Reading;
use crate::intake::imports::reading::testing::{read, read_table};

fn columns(file: &str) -> Vec<String> {
    read(file.as_bytes()).columns
}

#[test]
fn the_header_is_found() {
    for (case, file, line, first) in [
        ("the first line", "Name,City\nA,Wien\nB,Graz\n", Some(1), "Name"),
        ("titles above", "Report\n\nName;City;Mail\nA;Wien;a@x.de\nB;Graz;b@x.de\n", Some(3), "Name"),
        (
            "pairs above",
            "Date:;2024-01-01;;;\nUser:;Ann;;;\nName;City;Mail;Phone;Note\nA;B;C;D;E\nA;B;C;D;E\nA;B;C;D;E\n",
            Some(3),
            "Name",
        ),
        ("pairs above a gap", "Account;DE1\nPeriod;2024\n\nName;Payee;Amount\nA;B;1,50\nC;D;2,50\n", Some(4), "Name"),
        ("months as names", "Name;01.2024;02.2024\nA;1,5;2\nB;2,5;3\n", Some(1), "Name"),
        ("years as names", "Name,2023,2024\nA,5,6\nB,7,8\n", Some(1), "Name"),
        ("a value that is also a name", "Name,Воронка,Mail\nA,Воронка,a@x.de\nB,Воронка,b@x.de\n", Some(1), "Name"),
        ("one column", "Mail\na@x.de\nb@x.de\n", Some(1), "Mail"),
        ("one row of data", "Name,Mail\nA,a@x.de\n", Some(1), "Name"),
        ("mails in the first line", "Anna,anna@x.de,Wien\nBert,bert@x.de,Graz\n", None, "A"),
        ("a single line of data", "Anna,anna@x.de,+43 664 1234567\n", None, "A"),
        ("figures in the first line", "1,Anna,12.03.2024,99.90\n2,Bert,13.03.2024,12.50\n", None, "A"),
        ("a text that comes again", "Anna,Wien\nBert,Wien\nCarl,Wien\n", None, "A"),
        ("mails in one column", "a@x.de\nb@x.de\n", None, "A"),
    ] {
        let whole = read(file.as_bytes());
        assert_eq!((whole.header_line, whole.columns[0].as_str()), (line, first), "{case}");
        assert_eq!(whole.count(FindingKind::NoHeader), u64::from(line.is_none()), "{case}");
    }
}

#[test]
fn the_header_can_be_chosen() {
    let file = b"Anna,Wien\nBert,Wien\nCarl,Wien\n";
    let chosen = |header| read_table(file, 0, &Reading { header, ..Reading::default() }.into()).unwrap();
    assert_eq!(chosen(HeaderChoice::Line(1)).columns, ["Anna", "Wien"]);
    assert_eq!(chosen(HeaderChoice::Line(2)).rows, [["Carl", "Wien"]]);
    assert_eq!(chosen(HeaderChoice::Absent).rows.len(), 3);
    let known = Reading { known_header: |text| text == "Anna", ..Reading::default() }.into();
    assert_eq!(read_table(file, 0, &known).unwrap().header_line, Some(1));
}

#[test]
fn columns_get_different_names() {
    assert_eq!(columns("Name,,name,Name (2)\na,b,c,d\n"), ["Name", "B", "name (2)", "Name (2) (2)"]);
    assert_eq!(columns("\"E-Mail\n privat\",x\na@x.de,1\n"), ["E-Mail privat", "x"]);
    assert_eq!(columns("B,,C\nx,y,z\n"), ["B", "B (2)", "C"]);
}

#[test]
fn trailing_delimiters_make_no_columns() {
    let whole = read(b"a;b;;\n1;2;;\n3;4;;\n");
    assert_eq!(whole.columns, ["a", "b"]);
    assert_eq!(whole.count(FindingKind::LongRow), 0);
}

#[test]
fn values_behind_the_last_column_are_told() {
    let whole = read(b"a,b\n1,2\n3,4,5\n6,7\n");
    assert_eq!(whole.columns, ["a", "b"]);
    assert_eq!(whole.told(FindingKind::LongRow), [(Some(3), "5".to_owned())]);
    assert_eq!(whole.rows[1], ["3", "4", "5"]);
    assert_eq!(columns("a,b\n1,2,3\n4,5,6\n"), ["a", "b", "C"]);
}

#[test]
fn a_header_that_comes_again_is_skipped() {
    let whole = read(b"Name,City\nA,Wien\nName,City\nB,Graz\n");
    assert_eq!(whole.lines, [2, 4]);
    assert_eq!(whole.told(FindingKind::RepeatedHeader), [(Some(3), "Name | City".to_owned())]);
}

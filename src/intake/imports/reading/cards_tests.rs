use crate::intake::imports::reading::findings::FindingKind;
use crate::intake::imports::reading::row::CellKind;
use crate::intake::imports::reading::testing::read;

const TWO: &str = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Anna Müller\r\nN:Müller;Anna;Maria;Dr.;\r\nORG:ACME;Boats\r\nTITLE:Skipper\r\n\
EMAIL;TYPE=HOME:anna@home.example\r\nEMAIL;TYPE=WORK,pref:anna@acme.example\r\nitem1.TEL:+43 664 1\r\nitem1.X-ABLabel:_$!<Boat>!$_\r\n\
ADR;TYPE=WORK:;;Street 1;Wien;;1010;Austria\r\nBDAY:19850402\r\nNOTE:a very\r\n  long note\\nof two lines\r\nCATEGORIES:vip,fair\r\n\
PHOTO;ENCODING=b:AAAA\r\n BBBB\r\nX-SKYPE:anna\r\nUID:1\r\nEND:VCARD\r\n\
BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Shop\r\nEND:VCARD\r\nBEGIN:VCARD\r\nVERSION:4.0\r\nFN:\r\nEND:VCARD\r\nBEGIN:VCARD\r\nFN:Open\r\n";

#[test]
fn cards_are_rows() {
    let whole = read(TWO.as_bytes());
    let cell = |row: usize, column: &str| {
        let column = whole.columns.iter().position(|name| name == column).unwrap();
        (whole.rows[row][column].as_str(), whole.kinds[row][column])
    };
    for (column, text) in [
        ("Full Name", "Anna Müller"),
        ("First Name", "Anna"),
        ("Middle Name", "Maria"),
        ("Last Name", "Müller"),
        ("Name Prefix", "Dr."),
        ("Organization Name", "ACME"),
        ("Organization Department", "Boats"),
        ("Organization Title", "Skipper"),
        ("Notes", "a very long note\nof two lines"),
        ("Labels", "vip, fair"),
        ("E-mail 1 - Label", "work"),
        ("E-mail 1 - Value", "anna@acme.example"),
        ("E-mail 2 - Value", "anna@home.example"),
        ("Phone 1 - Label", "Boat"),
        ("Phone 1 - Value", "+43 664 1"),
        ("Address 1 - Street", "Street 1"),
        ("Address 1 - City", "Wien"),
        ("Address 1 - Postal Code", "1010"),
        ("Address 1 - Country", "Austria"),
        ("UID", "1"),
    ] {
        assert_eq!(cell(0, column).0, text, "{column}");
    }
    assert_eq!(cell(0, "Birthday"), ("1985-04-02", CellKind::Date));
    assert_eq!(cell(1, "Full Name").0, "Shop");
    assert_eq!(cell(1, "Phone 1 - Value").0, "");
    assert_eq!(whole.lines, [1, 21]);
}

#[test]
fn what_is_not_read_is_told() {
    let whole = read(TWO.as_bytes());
    assert_eq!(whole.told(FindingKind::UnreadProperty), [(Some(1), "PHOTO".into()), (Some(1), "X-SKYPE: anna".into())]);
    assert_eq!(whole.told(FindingKind::EmptyCard).iter().map(|told| told.0).collect::<Vec<_>>(), [Some(25), Some(29)]);
}

#[test]
fn quoted_printable_lines_go_on() {
    let whole = read(b"BEGIN:VCARD\nVERSION:2.1\nFN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Jana=20=\nNov=C3=A1k\nTEL;CELL:1\nEND:VCARD\n");
    assert_eq!(whole.rows, [["Jana Novák", "cell", "1"]]);
}

#[test]
fn a_picture_of_any_size_is_skipped() {
    let picture = " QUJD\r\n".repeat(2_000_000);
    let file =
        format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\r\nPHOTO;ENCODING=b;TYPE=JPEG:QUJD\r\n{picture}END:VCARD\r\n");
    assert_eq!(read(file.as_bytes()).rows, [["A"]]);
}

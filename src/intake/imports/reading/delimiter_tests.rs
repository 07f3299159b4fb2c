use super::{detect, has_escapes, separator_line};

#[test]
fn delimiters_are_detected() {
    for (case, head, delimiter) in [
        ("commas", "a,b\n1,2\n", b','),
        ("semicolons and decimal commas", "Titel;Betrag\nPumpe;1234,56\nVentil;99,90\n", b';'),
        ("decimal commas and a short row", "a;b;c;d;e\n1,5;2;3;4;5\n1,5;2;3;4\n1,5;2;3;4;5\n", b';'),
        ("tabs and commas", "Name\tCity\nLang, Uwe\tKöln\nOk, Ina\tBonn\n", b'\t'),
        ("pipes", "a|b|c\n1|2|3\n", b'|'),
        ("lists with semicolons", "Name,Tags\nA,x;y;z\nB,x;y;z\nC,x;y;z\n", b','),
        ("a title with a comma", "Report, June\n\nName;Value;Stage\nA;1,5;x\nB;2,5;y\nC;3,5;z\n", b';'),
        ("a preamble", "Notes:\n\"a, b\"\n\nFirst,Last,Mail\nA,B,C\nD,E,F\n", b','),
        ("one column", "Name\nA\nB\n", b','),
        ("one column with commas in it", "Name\nLang, Uwe\nOk, Ina\n", b';'),
        ("quoted delimiters", "a;b\n\"1,2,3\";4\n\"1,2,3\";5\n", b';'),
    ] {
        assert_eq!(char::from(detect(head, true)), char::from(delimiter), "{case}");
    }
}

#[test]
fn the_line_of_excel_is_read() {
    for (line, delimiter) in [
        ("sep=;\r\na;b", Some(b';')),
        ("SEP=\t\na", Some(b'\t')),
        ("\"sep=,\"\na", Some(b',')),
        ("sep=;\ra;b", Some(b';')),
        ("sep=\na", None),
        ("separator\n", None),
        ("sep=ab\n", None),
        ("", None),
    ] {
        assert_eq!(separator_line(line), delimiter, "{line:?}");
    }
}

#[test]
fn escapes_of_databases_are_recognised() {
    for (case, head, escapes) in [
        ("escapes", "a,b\n\"x\",\"he said \\\"hi\\\", twice\"\n", true),
        ("doubled marks", "a,b\n\"x\",\"he said \"\"hi\"\", twice\"\n", false),
        ("a folder at the end of a cell", "a,b\n\"C:\\dir\\\",\"x\"\n", false),
        ("nothing", "a,b\n1,2\n", false),
    ] {
        assert_eq!(has_escapes(head, b','), escapes, "{case}");
    }
}

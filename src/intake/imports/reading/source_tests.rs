use super::{FileKind, Reading, Source};
use crate::intake::imports::reading::findings::FindingKind;
use crate::intake::imports::reading::limits::Limits;
use crate::intake::imports::reading::testing::{Options, ods, read, read_table, refusal, source, xlsx, zip};
use encoding_rs::Encoding;
use proptest::prelude::*;

#[test]
fn an_archive_lists_its_tables() {
    let book = xlsx(
        "<worksheet><sheetData><row><c t=\"inlineStr\"><is><t>Name</t></is></c></row><row><c><v>1</v></c></row></sheetData></worksheet>",
        "<x/>",
        "<sst/>",
    );
    let file = zip(&[
        ("export/contacts.csv", b"Name,Mail\nA,a@x.de\n"),
        ("export/../deals\n.csv", b"Title;Amount\nB;1,5\n"),
        ("__MACOSX/._contacts.csv", b"x"),
        ("people.vcf", b"BEGIN:VCARD\nFN:C\nEND:VCARD\n"),
        ("book.xlsx", &book),
        ("photo.png", b"\x89PNG...."),
        ("inner.zip", &zip(&[("a.csv", b"a,b\n1,2\n")])),
        ("empty.csv", b""),
    ]);
    let mut source = source(&file, &Options::default()).unwrap();
    let listed: Vec<_> =
        source.tables().iter().map(|table| (table.kind, table.file.clone().unwrap(), table.sheet.clone())).collect();
    let expected = [
        (FileKind::Csv, "contacts.csv".to_owned(), None),
        (FileKind::Csv, "deals.csv".to_owned(), None),
        (FileKind::Vcard, "people.vcf".to_owned(), None),
        (FileKind::Xlsx, "book.xlsx".to_owned(), Some("One".to_owned())),
        (FileKind::Xlsx, "book.xlsx".to_owned(), Some("Secret".to_owned())),
    ];
    assert_eq!(listed, expected);
    let skipped = source.findings().of(FindingKind::SkippedFile).unwrap();
    let texts: Vec<&str> = skipped.examples.iter().map(|example| example.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "photo.png: the file is a picture",
            "inner.zip: archives in archives are not read",
            "empty.csv: the file is empty"
        ]
    );
    for (table, cell) in [(0, "A"), (1, "B"), (2, "C"), (3, "1"), (0, "A")] {
        let mut table = source.table(table, &Reading::default()).unwrap();
        assert_eq!(table.next_row().unwrap().unwrap().cell(0).text, cell);
    }
}

#[test]
fn a_failure_names_its_place() {
    let file = zip(&[("a.csv", format!("a,b\n1,{}\n", "x".repeat(200_000)).as_bytes())]);
    assert_eq!(
        refusal(&file, &Options::default()),
        "file a.csv, line 2: a cell has more than 100000 bytes; a quotation mark may be unclosed"
    );
}

#[test]
fn files_that_are_no_tables_are_refused() {
    for (case, bytes, detail) in [
        ("nothing", &b""[..], "empty"),
        ("blank lines", b"\n\n  \n", "empty"),
        ("an old workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xlsx without a password"),
        ("a PDF", b"%PDF-1.7", "PDF"),
        ("a web page", b"<html><table><tr><td>a</td></tr></table></html>", "web page"),
        ("XML", b"<?xml version=\"1.0\"?><Workbook/>", "XML"),
        ("zero bytes", b"a,b\n\x001,2\n", "binary"),
        ("a broken archive", b"PK\x03\x04....", "archive"),
        ("an empty archive", &zip(&[]), "empty"),
        ("pictures alone", &zip(&[("a.png", b"\x89PNG")]), "no file that can be read; a.png: the file is a picture"),
    ] {
        let refused = refusal(bytes, &Options::default());
        assert!(refused.contains(detail), "{case}: {refused}");
    }
}

#[test]
fn limits_are_errors_with_their_line() {
    let limits = Limits { rows: 2, columns: 3, cells: 100, cell: 10, ..Limits::default() };
    let refused = |file: &str| refusal(file.as_bytes(), &limits.clone().into());
    assert_eq!(refused("a,b\n1,2\n3,4\n5,6\n"), "line 4: the table has more than 2 rows; split the file");
    assert_eq!(refused("a,b,c,d\n1,2,3,4\n"), "the table has 4 columns; at most 3 are read");
    assert_eq!(refused("a,b\nx,y\nx,y\n1,2,3,4,5\n"), "line 4: the table has more than 2 rows; split the file");
    assert_eq!(
        refused("a,b\n1,12345678901\n"),
        "line 2: a cell has more than 10 bytes; a quotation mark may be unclosed"
    );
    assert_eq!(refused(&",".repeat(20_000)), "line 1: the row has more than 16384 cells");
    let small = Limits { bytes: 10, ..Limits::default() };
    assert!(refusal(b"a,b\n1,2\n3,4\n", &small.into()).contains("split it"));
}

#[test]
fn an_archive_whose_entries_lie_about_their_size_is_refused() {
    let mut file = zip(&[("a.csv", &b"a,b\n".repeat(100_000))]);
    // The uncompressed size, in the local header and in the directory.
    let size = 400_000_u32.to_le_bytes();
    let places: Vec<usize> = (0..file.len() - 4).filter(|at| file[*at..*at + 4] == size).collect();
    places.iter().for_each(|at| file[*at..*at + 4].copy_from_slice(&100_u32.to_le_bytes()));
    assert!(refusal(&file, &Options::default()).contains("damaged"));
}

#[test]
fn a_directory_of_many_entries_is_refused() {
    let names: Vec<String> = (0..20_000).map(|n| format!("{n}.csv")).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    assert!(refusal(&zip(&entries), &Options::default()).contains("entries"));
}

#[test]
fn encoding_and_delimiter_can_be_given() {
    let options = Reading { encoding: Some("macintosh".into()), delimiter: Some('#'), ..Reading::default() }.into();
    let whole = read_table(b"name#city\nZo\x91#Z\x9frich\n", 0, &options).unwrap();
    assert_eq!(whole.rows, [["Zoë", "Zürich"]]);
    let options = Reading { encoding: Some("klingon".into()), ..Reading::default() }.into();
    assert_eq!(refusal(b"a,b\n1,2\n", &options), "no encoding is called klingon");
}

#[test]
fn guards_and_quotes_stay_in_the_cells() {
    let whole = read(b"a,b\n'+49,\"=\"\"007\"\"\"\n=\"008\",x\"y\n");
    assert_eq!(whole.rows, [["'+49", "=\"007\""], ["=\"008\"", "x\"y"]]);
}

#[test]
fn escapes_of_databases_are_taken_off() {
    let whole = read(b"name,note\n\"A\",\"he said \\\"hi\\\", twice\"\n\"B\",\"x\"\n");
    assert_eq!(whole.rows, [["A", "he said \"hi\", twice"], ["B", "x"]]);
}

#[test]
fn a_source_can_be_sent_to_another_thread() {
    fn sent<T: Send>(_: &T) {}
    sent(&source(&ods("<table:table table:name=\"A\"/>"), &Options::default()).unwrap());
}

/// Writes a table as CSV.
fn write(rows: &[Vec<String>], delimiter: char, quote_all: bool, end: &str) -> String {
    let cell = |text: &String| {
        let special = text.is_empty() || text.contains([delimiter, '"', '\n', '\r', ' ']);
        if quote_all || special { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.clone() }
    };
    rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(&delimiter.to_string()) + end).collect()
}

/// The encodings, and letters that each of them has.
const DRESSES: [(&str, &str); 12] = [
    ("utf-8", "aZäß€яЖ氏🙂"),
    ("utf-8+", "aZäß€яЖ氏🙂"),
    ("utf-16le+", "aZäß€яЖ氏🙂"),
    ("utf-16be+", "aZäß€яЖ氏🙂"),
    ("windows-1252", "aZäößéñ"),
    ("windows-1250", "aZłżąęś"),
    ("windows-1251", "aZЖфияйо"),
    ("koi8-r", "aZЖфияйо"),
    ("ibm866", "aZЖфияйо"),
    ("shift_jis", "aZ氏名山田カナ"),
    ("euc-jp", "aZ氏名山田カナ"),
    ("utf-16le", "aZ09bc"),
];

/// The encodings that are usual for a language, and words of it.
const PEOPLE: [(&[&str], [&str; 4]); 4] = [
    (&["utf-8", "utf-8+", "utf-16le+", "windows-1252"], ["Jürgen Groß", "Zoë Köhler", "Gaëlle Lefèvre", "Zürich"]),
    (&["utf-8", "utf-16be+", "windows-1250"], ["Łukasz Żółć", "Małgorzata Wiśniewska", "Dąbrowski", "Kraków"]),
    (&["utf-8", "utf-16le+", "windows-1251", "koi8-r", "ibm866"], ["Пётр Щукин", "Мария Иванова", "Сидоров", "Москва"]),
    (&["utf-8", "utf-16be+", "shift_jis", "euc-jp"], ["山田 太郎", "鈴木 花子", "株式会社サンプル", "東京都港区"]),
];

fn encode(text: &str, dress: &str) -> Vec<u8> {
    let marked = if dress.ends_with('+') { format!("\u{feff}{text}") } else { text.to_owned() };
    match dress.trim_end_matches('+') {
        "utf-16le" => marked.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => marked.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        name => {
            let (bytes, _, lost) = Encoding::for_label(name.as_bytes()).unwrap().encode(&marked);
            assert!(!lost, "{name} {text}");
            bytes.into_owned()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// What was written is what is read, with its lines, in every dress. The encoding is given where few letters
    /// cannot tell it.
    #[test]
    fn tables_round_trip(
        dress in 0..DRESSES.len(),
        delimiter in prop::sample::select(vec![',', ';', '\t', '|']),
        quote_all: bool,
        end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        width in 2..6_usize,
        cells in prop::collection::vec(prop::collection::vec(prop::collection::vec(0..14_usize, 0..8), 6), 1..80),
    ) {
        let (name, letters) = DRESSES[dress];
        let letters: Vec<char> = letters.chars().collect();
        let special = [delimiter, '"', '\n', ' ', '1', '7', '-'];
        let letter = |n: &usize| if *n < 7 { letters[*n % letters.len()] } else { special[*n - 7] };
        let text = |cell: &Vec<usize>| cell.iter().map(letter).collect::<String>().trim().to_owned();
        let mut rows: Vec<Vec<String>> = vec![(0..width).map(|n| format!("Name{n}")).collect()];
        rows.extend(cells.iter().map(|row| {
            let mut row: Vec<String> = row.iter().take(width).map(text).collect();
            row[0] = format!("k{}", row[0]).trim().to_owned();
            row
        }));
        let written = write(&rows, delimiter, quote_all, end);
        let reading = Reading {
            encoding: (!name.starts_with("utf")).then(|| name.to_owned()),
            delimiter: Some(delimiter),
            header: crate::intake::imports::reading::layout::HeaderChoice::Line(1),
            ..Reading::default()
        };
        let whole = read_table(&encode(&written, name), 0, &reading.into()).unwrap();
        prop_assert_eq!(&whole.columns, &rows[0]);
        prop_assert_eq!(&whole.rows, &rows[1..]);
        let mut line: u64 = 1;
        let lines: Vec<u64> = rows.iter().map(|row| {
            let begin = line;
            line += 1 + u64::try_from(row.iter().map(|cell| cell.matches('\n').count()).sum::<usize>()).unwrap();
            begin
        }).skip(1).collect();
        prop_assert_eq!(whole.lines, lines);
    }

    /// Tables of customers are read as they were written, without any setting.
    #[test]
    fn dresses_are_found(
        people in 0..PEOPLE.len(),
        delimiter in prop::sample::select(vec![',', ';', '\t', '|']),
        quote_all: bool,
        comma: bool,
        title: bool,
        end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        picked in prop::collection::vec((0..4_usize, 0..4_usize, 1..100_000_u32, any::<bool>()), 4..60),
    ) {
        let (dresses, words) = PEOPLE[people];
        let mut rows = vec![["Name", "City", "Mail", "Amount", "Note"].map(str::to_owned).to_vec()];
        rows.extend(picked.iter().enumerate().map(|(n, (name, city, amount, noted))| {
            let amount = format!("{}.{:02}", amount / 100, amount % 100);
            let amount = if comma { amount.replace('.', ",") } else { amount };
            let note = if *noted { format!("{}, {}; \"{}\"", words[*city], words[*name], n) } else { String::new() };
            vec![format!("{} {n}", words[*name]), words[*city].to_owned(), format!("a{n}@x.example"), amount, note]
        }));
        let mut written = write(&rows, delimiter, quote_all, end);
        if title {
            written.insert_str(0, &format!("Report{end}{end}"));
        }
        for dress in dresses {
            let whole = read_table(&encode(&written, dress), 0, &Options::default()).unwrap();
            prop_assert_eq!(whole.delimiter(), Some(delimiter), "{}", dress);
            prop_assert_eq!(whole.header_line, Some(if title { 3 } else { 1 }), "{}", dress);
            prop_assert_eq!(&whole.columns, &rows[0], "{}", dress);
            prop_assert_eq!(&whole.rows, &rows[1..], "{} {:?}", dress, whole.format);
        }
    }

    /// No file makes the reader panic.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..600), start in prop::sample::select(vec!["", "PK\u{3}\u{4}", "BEGIN:VCARD\n", "sep=;\n", "a,b\n"])) {
        let file = [start.as_bytes(), &bytes].concat();
        if let Ok(mut source) = Source::open(Box::new(std::io::Cursor::new(file)), &Limits::default())
            && let Ok(mut table) = source.table(0, &Reading::default())
        {
            while let Ok(Some(_)) = table.next_row() {}
        }
    }

    /// A damaged workbook does not make the reader panic.
    #[test]
    fn damaged_workbooks_are_read_or_refused(at in 0..10_000_usize, byte: u8, in_ods: bool) {
        let sheet = "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c s=\"1\"><v>45000</v></c></row></sheetData></worksheet>";
        let mut file = if in_ods {
            ods("<table:table table:name=\"A\"><table:table-row><table:table-cell office:value-type=\"float\" office:value=\"1\"/></table:table-row></table:table>")
        } else {
            xlsx(sheet, "<styleSheet/>", "<sst><si><t>a</t></si></sst>")
        };
        let at = at % file.len();
        file[at] = byte;
        if let Ok(mut source) = Source::open(Box::new(std::io::Cursor::new(file)), &Limits::default())
            && let Ok(mut table) = source.table(0, &Reading::default())
        {
            while let Ok(Some(_)) = table.next_row() {}
        }
    }
}

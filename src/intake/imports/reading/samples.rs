//! Reads the files that people really bring.
use crate::intake::imports::reading::findings::FindingKind;
use crate::intake::imports::reading::source::FileKind;
use crate::intake::imports::reading::testing::{Options, Whole, read, read_table, source};

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/import-samples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn sample(name: &str) -> Whole {
    read(&bytes(name))
}

/// The encoding, the delimiter, the line of the header, the number of columns and of rows of each sample.
#[test]
fn every_sample_is_divided_rightly() {
    let mut wrong = Vec::new();
    for (name, encoding, delimiter, header, columns, rows) in [
        ("amocrm-deals.csv", "utf-8", ',', 1, 19, 3),
        ("booleans.csv", "utf-8", ',', 1, 4, 10),
        ("companies-website.csv", "utf-8", ',', 1, 4, 2),
        ("cp1251-short.csv", "windows-1251", ';', 1, 3, 1),
        ("cp1252-short.csv", "windows-1252", ';', 1, 3, 1),
        ("cp866-1c.csv", "ibm866", ';', 1, 4, 2),
        ("cr-only.csv", "utf-8", ',', 1, 3, 2),
        ("custom.csv", "utf-8", ',', 1, 4, 3),
        ("de-kontakte.csv", "windows-1252", ';', 1, 13, 2),
        ("deal-contact.csv", "utf-8", ',', 1, 4, 2),
        ("excel-de-date-before-amount.csv", "windows-1252", ';', 1, 5, 3),
        ("excel-de-deals.csv", "windows-1252", ';', 1, 6, 3),
        ("excel-de-thousands.csv", "windows-1252", ';', 1, 3, 3),
        ("excel-formula-cells.csv", "utf-8", ',', 1, 4, 3),
        ("excel-fr-phone-before-amount.csv", "utf-8", ';', 1, 3, 2),
        ("excel-scientific-phones.csv", "windows-1252", ';', 1, 4, 3),
        ("excel-sep-line.csv", "utf-8", ';', 2, 3, 2),
        ("excel-unicode-text.txt", "utf-16le", '\t', 1, 3, 2),
        ("fr-contacts.csv", "windows-1252", ';', 1, 9, 2),
        ("full-name-one-column.csv", "utf-8", ',', 1, 4, 3),
        ("google-contacts.csv", "utf-8", ',', 1, 27, 2),
        ("hs-deals-1.csv", "utf-8", ',', 1, 4, 2),
        ("hubspot-contacts.csv", "utf-8", ',', 1, 15, 3),
        ("hubspot-deals.csv", "utf-8", ',', 1, 14, 3),
        ("iso-datetime-leads.csv", "utf-8", ',', 1, 3, 2),
        ("koi8r.csv", "koi8-u", ';', 1, 4, 1),
        ("leading-apostrophe-and-zero.csv", "utf-8", ',', 1, 4, 3),
        ("leads-1.csv", "utf-8", ',', 1, 4, 2),
        ("lifecycle.csv", "utf-8", ',', 1, 2, 3),
        ("lines-crlf.csv", "utf-8", ',', 1, 3, 2),
        ("lines-lf.csv", "utf-8", ',', 1, 3, 2),
        ("linkedin-Connections-no-preamble.csv", "utf-8", ',', 1, 7, 2),
        ("linkedin-Connections.csv", "utf-8", ',', 4, 7, 2),
        ("loss.csv", "utf-8", ',', 1, 6, 1),
        ("mailchimp-audience.csv", "utf-8", ',', 1, 23, 2),
        ("money-de-euro.csv", "windows-1252", ';', 1, 2, 3),
        ("multiline-cells.csv", "utf-8", ',', 1, 4, 2),
        ("own-export-companies.csv", "utf-8", ',', 1, 18, 2),
        ("own-export-contacts.csv", "utf-8", ',', 1, 27, 1),
        ("own-export-deals.csv", "utf-8", ',', 1, 30, 2),
        ("own-export-leads.csv", "utf-8", ',', 1, 33, 1),
        ("owners.csv", "utf-8", ',', 1, 4, 2),
        ("pd-currency.csv", "utf-8", ',', 1, 5, 3),
        ("pipedrive-activities.csv", "utf-8", ',', 1, 11, 2),
        ("pipedrive-deals.csv", "utf-8", ',', 1, 22, 3),
        ("pipedrive-people.csv", "utf-8", ',', 1, 10, 2),
        ("pl-cp1250.csv", "windows-1250", ';', 1, 3, 2),
        ("ru-datetime-leads.csv", "utf-8", ';', 1, 3, 2),
        ("salesforce-dataexport-Lead.csv", "utf-8", ',', 1, 29, 3),
        ("same-email-near-and-far.csv", "utf-8", ',', 1, 3, 603),
        ("several-emails-in-a-cell.csv", "utf-8", ',', 1, 4, 3),
        ("shared-mail.csv", "utf-8", ',', 1, 4, 2),
        ("short-rows.csv", "utf-8", ',', 1, 5, 3),
        ("tags-update.csv", "utf-8", ',', 1, 2, 1),
        ("tags.csv", "utf-8", ',', 1, 4, 3),
        ("title-rows-above-header.csv", "utf-8", ';', 3, 4, 1),
        ("two-phones.csv", "utf-8", ',', 1, 5, 1),
        ("unnamed-column.csv", "utf-8", ',', 1, 4, 2),
        ("us-dates-two-columns.csv", "utf-8", ',', 1, 5, 4),
        ("users.csv", "utf-8", ',', 1, 2, 1),
        ("utf8-with-one-latin1-row.csv", "utf-8", ',', 1, 3, 3),
    ] {
        let whole = sample(name);
        let seen = (whole.encoding(), whole.delimiter(), whole.header_line, whole.columns.len(), whole.rows.len());
        if seen != (encoding, Some(delimiter), Some(header), columns, rows) {
            wrong.push(format!("{name}: {seen:?} {:?}", whole.columns));
        }
        let doubtful = [FindingKind::LongRow, FindingKind::Footer, FindingKind::NoHeader, FindingKind::RepeatedHeader];
        assert!(doubtful.iter().all(|kind| whole.count(*kind) == 0), "{name}: {:?}", whole.findings);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_broken_line_of_a_utf8_file_is_told_and_read_in_the_usual_encoding() {
    let whole = sample("utf8-with-one-latin1-row.csv");
    assert_eq!(whole.rows[0], ["Zoë", "Müller", "zoe@m.example"]);
    assert_eq!(whole.rows[1], ["Łukasz", "Żółć", "l@z.example"]);
    assert_eq!(whole.rows[2], ["René", "Dupré", "rene@d.example"]);
    let told = whole.told(FindingKind::BrokenText);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].0, Some(4));
    assert!(told[0].1.ends_with("read as windows-1252: René,Dupré,rene@d.example"), "{}", told[0].1);
}

#[test]
fn lines_above_the_header_are_told() {
    let whole = sample("title-rows-above-header.csv");
    assert_eq!(whole.columns, ["Vorname", "Nachname", "E-Mail", "Telefon"]);
    assert_eq!(whole.lines, [4]);
    assert_eq!(whole.told(FindingKind::Preamble), [(Some(1), "Kundenliste Stand 01.06.2024".to_owned())]);
    let whole = sample("linkedin-Connections.csv");
    assert_eq!(whole.columns[0], "First Name");
    assert_eq!(whole.lines, [5, 6]);
    assert_eq!(whole.count(FindingKind::Preamble), 2);
    assert_eq!(sample("excel-sep-line.csv").told(FindingKind::SeparatorLine), [(Some(1), "sep=;".to_owned())]);
}

#[test]
fn line_numbers_are_those_of_an_editor() {
    for name in ["lines-lf.csv", "lines-crlf.csv", "cr-only.csv"] {
        assert_eq!(sample(name).lines, [2, 3], "{name}");
    }
    assert_eq!(sample("multiline-cells.csv").lines, [2, 5]);
}

#[test]
fn short_rows_are_filled_and_told() {
    let whole = sample("short-rows.csv");
    assert_eq!(whole.rows[1], ["B", "Two", "b@x.example", "", ""]);
    assert_eq!(whole.told(FindingKind::ShortRow).iter().map(|told| told.0).collect::<Vec<_>>(), [Some(3)]);
}

#[test]
fn a_column_without_a_name_gets_its_letter() {
    let whole = sample("unnamed-column.csv");
    assert_eq!(whole.columns, ["A", "First Name", "Last Name", "Email"]);
    assert_eq!(whole.count(FindingKind::UnnamedColumn), 1);
}

#[test]
fn texts_are_decoded() {
    for (name, row, text) in [
        ("cp1251-short.csv", 0, "Пётр"),
        ("cp1252-short.csv", 0, "Zoë"),
        ("cp866-1c.csv", 1, "Мария"),
        ("koi8r.csv", 0, "Пётр"),
        ("pl-cp1250.csv", 0, "Łukasz"),
        ("excel-unicode-text.txt", 1, "Café – Łódź"),
        ("fr-contacts.csv", 1, "Mme"),
        ("money-de-euro.csv", 0, "A"),
    ] {
        assert_eq!(sample(name).rows[row][0], text, "{name}");
    }
    assert_eq!(sample("money-de-euro.csv").rows[0][1], "1.234,56 €");
}

#[test]
fn the_workbook_is_read_with_its_types() {
    let file = bytes("customers-de.xlsx");
    let source = source(&file, &Options::default()).unwrap();
    let tables = source.tables();
    assert_eq!(tables.iter().map(|table| table.sheet.as_deref().unwrap()).collect::<Vec<_>>(), ["Kunden", "Deals"]);
    assert!(tables.iter().all(|table| table.kind == FileKind::Xlsx && !table.hidden));
    let whole = read(&file);
    assert_eq!(whole.header_line, Some(3));
    assert_eq!(whole.columns, ["Name", "Firma", "E-Mail", "Telefon", "Umsatz", "Erstkontakt", "Newsletter"]);
    assert_eq!(whole.told(FindingKind::Preamble), [(Some(1), "Kundenliste Stand November".to_owned())]);
    assert_eq!(whole.lines, [4, 5]);
    assert_eq!(whole.rows[0][4..], ["12500.5", "2024-03-12", "true"]);
    assert_eq!(whole.shown[0][4].as_deref(), Some("12500.5 €"));
    assert_eq!(whole.rows[1][3..], ["1701234567", "", "2024-12-01T09:30:00", "false"]);
    assert_eq!(whole.told(FindingKind::FormulaWithoutValue), [(Some(5), "E5".to_owned())]);
    let deals = read_table(&file, 1, &Options::default()).unwrap();
    assert_eq!(deals.rows[0], ["Pump north", "1234.56", "EUR", "Quote sent", "2026-12-01", "jana@novak.example"]);
    assert_eq!(deals.rows[1][4], "");
}

#[test]
fn the_card_is_read() {
    let whole = sample("contacts.vcf");
    let columns = [
        "Full Name",
        "First Name",
        "Last Name",
        "Organization Name",
        "E-mail 1 - Label",
        "E-mail 1 - Value",
        "Phone 1 - Label",
        "Phone 1 - Value",
    ];
    assert_eq!(whole.columns, columns);
    let row = [
        "Jana Nováková",
        "Jana",
        "Nováková",
        "Brandt Pumpen GmbH",
        "",
        "jana@novak.example",
        "cell",
        "+420 603 123 456",
    ];
    assert_eq!(whole.rows, [row]);
}

//! Recognises what a file is by its first bytes.
use crate::intake::imports::reading::failure::{Failure, Result};
use encoding_rs::{Encoding, UTF_8};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sniffed {
    /// An archive or a workbook.
    Zip,
    Cards,
    /// Perhaps CSV.
    Text,
}

/// The number of bytes that are looked at.
pub const HEAD: usize = 4096;

/// The first bytes of files that are no tables, and what to do about them.
const REFUSED: [(&[u8], &str); 12] = [
    (
        b"\xd0\xcf\x11\xe0",
        "the file is an old Excel workbook (.xls) or is protected by a password; save it as .xlsx without a password",
    ),
    (b"%PDF", "the file is a PDF, not a table"),
    (b"\x89PNG", "the file is a picture"),
    (b"\xff\xd8\xff", "the file is a picture"),
    (b"GIF8", "the file is a picture"),
    (b"\x1f\x8b", "the file is compressed with gzip; unpack it first"),
    (b"7z\xbc\xaf", "the file is a 7z archive; pack it as a zip archive"),
    (b"Rar!", "the file is a RAR archive; pack it as a zip archive"),
    (b"BZh", "the file is compressed with bzip2; unpack it first"),
    (b"\xfd7zXZ", "the file is compressed with xz; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "the file is compressed with zstd; unpack it first"),
    (b"{\\rtf", "the file is a text document, not a table"),
];

/// Returns what a file is, or why it cannot be read.
pub fn sniff(head: &[u8]) -> Result<Sniffed> {
    if head.is_empty() {
        return Err(Failure::new("the file is empty"));
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Ok(Sniffed::Zip);
    }
    if let Some((_, detail)) = REFUSED.iter().find(|(start, _)| head.starts_with(start)) {
        return Err(Failure::new(*detail));
    }
    let encoding = Encoding::for_bom(head).map_or(UTF_8, |(encoding, _)| encoding);
    let text = encoding.decode_with_bom_removal(head).0;
    let text = text.trim_start().to_ascii_lowercase();
    if text.starts_with("begin:vcard") {
        return Ok(Sniffed::Cards);
    }
    if text.starts_with("begin:vcalendar") {
        return Err(Failure::new("the file is a calendar, not a table"));
    }
    let is_html = ["<html", "<!doctype html", "<table", "<meta"].iter().any(|start| text.starts_with(start));
    if is_html {
        return Err(Failure::new(
            "the file is a web page, whatever its name says; open it in a spreadsheet program and save it as .xlsx",
        ));
    }
    if text.starts_with("<?xml") {
        return Err(Failure::new("the file is XML; open it in a spreadsheet program and save it as .xlsx"));
    }
    Ok(Sniffed::Text)
}

use super::Text;
use crate::intake::imports::reading::encoding::{Survey, named};
use crate::intake::imports::reading::findings::FindingKind;
use encoding_rs::{UTF_8, WINDOWS_1252};
use std::io::Read;

/// A reader that gives its bytes in pieces of a few bytes.
struct Drops<'b>(&'b [u8], usize);

impl Read for Drops<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(self.0.len()).min(buffer.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn decoded(bytes: &[u8], survey: &Survey, drops: usize) -> (String, Vec<(Option<u64>, String)>) {
    let mut text = Text::new(Box::new(Drops(bytes, drops)), survey);
    let mut all = Vec::new();
    loop {
        let piece = text.next_piece().unwrap();
        if piece.is_empty() {
            break;
        }
        all.extend_from_slice(piece);
    }
    let broken = text.findings.of(FindingKind::BrokenText).map(|found| found.examples.clone()).unwrap_or_default();
    (String::from_utf8(all).unwrap(), broken.into_iter().map(|example| (example.line, example.text)).collect())
}

fn of(encoding: &str) -> Survey {
    Survey { encoding: named(encoding).unwrap(), fallback: None, choices: Vec::new() }
}

#[test]
fn pieces_of_any_size_give_the_same_text() {
    let text = "имя\nZoë 🙂 山田\r\nende";
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for drops in [1, 2, 3, 5, 100] {
        assert_eq!(decoded(text.as_bytes(), &of("utf-8"), drops), (text.to_owned(), Vec::new()), "{drops}");
        assert_eq!(decoded(&utf16, &of("utf-16le"), drops).0, text, "{drops}");
    }
}

#[test]
fn the_mark_at_the_beginning_is_removed() {
    assert_eq!(decoded("\u{feff}a".as_bytes(), &of("utf-8"), 10).0, "a");
    assert_eq!(decoded(b"\xff\xfea\0", &of("utf-16le"), 10).0, "a");
}

#[test]
fn broken_places_are_read_in_the_fallback_and_told_once_a_line() {
    let survey = Survey { encoding: UTF_8, fallback: Some(WINDOWS_1252), choices: Vec::new() };
    for drops in [1, 100] {
        let (text, told) = decoded(b"ok\nRen\xe9,Dupr\xe9\n\xc3\xab\n\xe9", &survey, drops);
        assert_eq!(text, "ok\nRené,Dupré\në\né");
        assert_eq!(told.iter().map(|told| told.0).collect::<Vec<_>>(), [Some(2), Some(4)]);
    }
}

#[test]
fn broken_places_without_a_fallback_are_replaced() {
    let (text, told) = decoded(b"a\nRen\xe9 x\n", &of("utf-8"), 100);
    assert_eq!(text, "a\nRen\u{fffd} x\n");
    assert_eq!(told, [(Some(2), "not valid UTF-8, read with replacement characters: Ren\u{fffd} x".to_owned())]);
    let (text, told) = decoded(b"a\n\x81\xff\n", &of("shift_jis"), 100);
    assert!(text.contains('\u{fffd}'), "{text}");
    assert_eq!(told[0].0, Some(2));
}

#[test]
fn many_broken_lines_take_no_more_time() {
    let file = b"\xff\n".repeat(1 << 19);
    let begun = std::time::Instant::now();
    let (text, told) = decoded(&file, &of("utf-8"), 1 << 20);
    assert_eq!(text.chars().filter(|c| *c == '\u{fffd}').count(), 1 << 19);
    assert_eq!(told.len(), 20);
    assert!(begun.elapsed().as_secs() < 5);
}

#[test]
fn a_binary_file_is_refused() {
    let failure = Text::new(Box::new(&b"a\nb\0c"[..]), &of("utf-8")).next_piece().map(<[u8]>::to_vec).unwrap_err();
    assert!(failure.to_string().contains("binary"), "{failure}");
}

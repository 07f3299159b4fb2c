//! Decodes a text file to UTF-8 piece by piece, and tells which lines are broken.
use crate::intake::imports::reading::encoding::{CHUNK, Survey};
use crate::intake::imports::reading::failure::{Failure, Result};
use crate::intake::imports::reading::findings::{FindingKind, Findings};
use crate::intake::imports::reading::lines::Lines;
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};
use std::io::Read;

/// The number of bytes around a broken place that its example shows.
const AROUND: usize = 40;
const REPLACEMENT: &str = "\u{fffd}";
const MARK: &[u8] = "\u{feff}".as_bytes();

enum Mode {
    /// UTF-8, with the encoding of the broken places.
    Utf8(Option<&'static Encoding>),
    Other(Box<Decoder>, &'static str),
}

/// A text file as pieces of UTF-8. A piece can end inside a line.
pub struct Text<'s> {
    input: Box<dyn Read + 's>,
    mode: Mode,
    /// Bytes that are not decoded yet are at its beginning.
    raw: Vec<u8>,
    undecoded: usize,
    ended: bool,
    piece: Vec<u8>,
    started: bool,
    /// The line at the byte `counted` of the piece.
    lines: Lines,
    counted: usize,
    last_broken: u64,
    pub findings: Findings,
}

impl<'s> Text<'s> {
    pub fn new(input: Box<dyn Read + 's>, survey: &Survey) -> Text<'s> {
        let mode = if survey.encoding == UTF_8 {
            Mode::Utf8(survey.fallback)
        } else {
            Mode::Other(Box::new(survey.encoding.new_decoder_without_bom_handling()), survey.encoding.name())
        };
        Text {
            input,
            mode,
            raw: vec![0; CHUNK],
            undecoded: 0,
            ended: false,
            piece: Vec::with_capacity(CHUNK * 3),
            started: false,
            lines: Lines::default(),
            counted: 0,
            last_broken: 0,
            findings: Findings::default(),
        }
    }

    /// Returns the next piece. It is empty at the end of the file.
    pub fn next_piece(&mut self) -> Result<&[u8]> {
        self.piece.clear();
        self.counted = 0;
        while self.piece.is_empty() && !self.ended {
            let room = self.raw.get_mut(self.undecoded..).unwrap_or_default();
            let read = self.input.read(room)?;
            self.ended = read == 0;
            let mut raw = std::mem::take(&mut self.raw);
            let decoded = self.decode(raw.get(..self.undecoded + read).unwrap_or_default());
            raw.copy_within(decoded..self.undecoded + read, 0);
            self.undecoded = self.undecoded + read - decoded;
            self.raw = raw;
            self.strip_mark();
        }
        if memchr::memchr(0, &self.piece).is_some() {
            return Err(Failure::new("the file contains zero bytes: it is binary, not text").at(self.lines.line));
        }
        self.lines.pass(self.piece.get(self.counted..).unwrap_or_default());
        Ok(&self.piece)
    }

    /// Removes the byte order mark.
    fn strip_mark(&mut self) {
        if !self.started && !self.piece.is_empty() {
            self.started = true;
            if self.piece.starts_with(MARK) {
                self.piece.drain(..MARK.len());
                self.counted = self.counted.saturating_sub(MARK.len());
            }
        }
    }

    /// Decodes bytes to the piece. Returns how many; the rest is the beginning of a character.
    fn decode(&mut self, raw: &[u8]) -> usize {
        match &mut self.mode {
            Mode::Utf8(fallback) => {
                let fallback = *fallback;
                self.decode_utf8(raw, fallback)
            }
            Mode::Other(..) => {
                self.decode_other(raw);
                raw.len()
            }
        }
    }

    fn decode_utf8(&mut self, raw: &[u8], fallback: Option<&'static Encoding>) -> usize {
        let mut done = 0;
        while let Some(rest) = raw.get(done..).filter(|rest| !rest.is_empty()) {
            let Err(error) = std::str::from_utf8(rest) else {
                self.piece.extend_from_slice(rest);
                return raw.len();
            };
            let (valid, broken) = rest.split_at_checked(error.valid_up_to()).unwrap_or((rest, &[]));
            self.piece.extend_from_slice(valid);
            done += valid.len();
            let length = match error.error_len() {
                Some(length) => length,
                None if self.ended => broken.len(),
                None => return done,
            };
            let (broken, after) = broken.split_at_checked(length).unwrap_or((broken, &[]));
            let read = fallback.map(|encoding| encoding.decode_without_bom_handling(broken).0.into_owned());
            self.replace(&read.unwrap_or_else(|| REPLACEMENT.to_owned()), after, "UTF-8", fallback);
            done += length;
        }
        done
    }

    fn decode_other(&mut self, raw: &[u8]) {
        let mut rest = raw;
        loop {
            let Mode::Other(decoder, name) = &mut self.mode else { return };
            let name = *name;
            let begin = self.piece.len();
            let room = decoder.max_utf8_buffer_length_without_replacement(rest.len()).unwrap_or(CHUNK * 3) + 16;
            self.piece.resize(begin + room, 0);
            let free = self.piece.get_mut(begin..).unwrap_or_default();
            let (result, read, written) = decoder.decode_to_utf8_without_replacement(rest, free, self.ended);
            self.piece.truncate(begin + written);
            rest = rest.get(read..).unwrap_or_default();
            match result {
                DecoderResult::InputEmpty => return,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => self.replace(REPLACEMENT, rest, name, None),
            }
        }
    }

    /// Adds the text for a broken place to the piece, and tells about the line once.
    fn replace(&mut self, text: &str, after: &[u8], encoding: &str, read_as: Option<&'static Encoding>) {
        let from = self.piece.len().saturating_sub(AROUND);
        self.piece.extend_from_slice(text.as_bytes());
        self.lines.pass(self.piece.get(self.counted..).unwrap_or_default());
        self.counted = self.piece.len();
        let line = self.lines.line;
        if std::mem::replace(&mut self.last_broken, line) != line {
            let before = self.piece.get(from..).unwrap_or_default();
            self.findings.add(FindingKind::BrokenText, Some(line), || around(before, after, encoding, read_as));
        }
    }
}

/// Shows a broken place with the text around it.
fn around(before: &[u8], after: &[u8], encoding: &str, read_as: Option<&'static Encoding>) -> String {
    let is_end = |c: char| matches!(c, '\n' | '\r');
    let before = String::from_utf8_lossy(before);
    let before = before.rsplit(is_end).next().unwrap_or_default();
    let after = after.get(..after.len().min(AROUND)).unwrap_or_default();
    let after = read_as.unwrap_or(UTF_8).decode_without_bom_handling(after).0;
    let after = after.split(is_end).next().unwrap_or_default().trim_end_matches('\u{fffd}');
    let read_as = read_as.map_or("with replacement characters".into(), |read_as| format!("as {}", read_as.name()));
    format!("not valid {encoding}, read {}: {before}{after}", read_as.to_lowercase())
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;

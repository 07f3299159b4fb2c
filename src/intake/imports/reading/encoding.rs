//! Finds the encoding of a text file.
use crate::intake::imports::reading::failure::{Failure, Result};
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{
    Encoding, IBM866, ISO_8859_2, KOI8_R, MACINTOSH, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1250, WINDOWS_1251,
    WINDOWS_1252,
};
use std::io::Read;

/// Bytes that are read at once.
pub const CHUNK: usize = 64 << 10;
/// Bytes from which the encoding is guessed.
const SAMPLE: usize = 1 << 20;
/// A guess from fewer characters than this is doubtful.
const FEW: usize = 40;
/// The encodings that are offered when the guess is doubtful.
const USUAL: [&Encoding; 7] = [WINDOWS_1252, WINDOWS_1250, WINDOWS_1251, MACINTOSH, IBM866, KOI8_R, SHIFT_JIS];
/// The encoding of a file.
#[derive(Clone, Debug)]
pub struct Survey {
    pub encoding: &'static Encoding,
    /// In a UTF-8 file with broken lines: the encoding in which the broken bytes are read.
    pub fallback: Option<&'static Encoding>,
    /// Other encodings in which the text would make sense, if there is too little text to be sure. The chosen one is
    /// the first.
    pub choices: Vec<EncodingChoice>,
}

/// An encoding and how a line of the file would look in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodingChoice {
    pub encoding: String,
    pub sample: String,
}

impl Survey {
    fn sure(encoding: &'static Encoding) -> Survey {
        Survey { encoding, fallback: None, choices: Vec::new() }
    }
}

/// Returns the encoding with this name, such as `windows-1251`, `cp866`, `shift_jis` or `macintosh`.
pub fn named(name: &str) -> Result<&'static Encoding> {
    let known = Encoding::for_label(name.trim().as_bytes());
    let alias = || match name.trim().to_lowercase().replace(['-', '_', ' '], "").as_str() {
        "macroman" | "xmacroman" | "mac" => Some(MACINTOSH),
        "cp1250" | "win1250" => Some(WINDOWS_1250),
        "cp1251" | "win1251" => Some(WINDOWS_1251),
        "cp1252" | "win1252" | "ansi" => Some(WINDOWS_1252),
        "dos866" => Some(IBM866),
        "cp932" | "windows932" => Some(SHIFT_JIS),
        "utf16" => Some(UTF_16LE),
        _ => None,
    };
    known.or_else(alias).ok_or_else(|| Failure::new(format!("no encoding is called {name}")))
}

/// Reads the whole file to find its encoding. The country, such as `pl`, decides between encodings that fit alike.
pub fn survey(mut input: impl Read, country: Option<&str>) -> Result<Survey> {
    let mut scan = Scan::default();
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = input.read(&mut buffer)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        if scan.is_first()
            && let Some(encoding) = by_head(bytes)
        {
            return Ok(Survey::sure(encoding));
        }
        scan.pass(bytes);
    }
    Ok(scan.decide(country))
}

/// Recognises the encoding by a byte order mark, or UTF-16 by its zero bytes.
fn by_head(head: &[u8]) -> Option<&'static Encoding> {
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return Some(encoding);
    }
    let head = head.get(..head.len().min(4096)).unwrap_or(head);
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    // At least each tenth character is a digit, a delimiter or the end of a line.
    let many = |zeros: usize, others: usize| zeros > 2 && zeros > others * 8 && zeros * 20 > head.len();
    match (zeros(0), zeros(1)) {
        (even, odd) if many(even, odd) => Some(UTF_16BE),
        (even, odd) if many(odd, even) => Some(UTF_16LE),
        _ => None,
    }
}

/// What the bytes of a file show.
#[derive(Debug, Default)]
struct Scan {
    started: bool,
    /// Characters of several bytes that are valid UTF-8.
    valid: usize,
    /// Places that are not valid UTF-8.
    broken: usize,
    /// The bytes of a character at the end of a chunk.
    open: Vec<u8>,
    sample: Vec<u8>,
}

impl Scan {
    fn is_first(&self) -> bool {
        !self.started
    }

    fn pass(&mut self, bytes: &[u8]) {
        self.started = true;
        let plain = bytes.is_ascii();
        if self.sample.len() < SAMPLE && !plain {
            self.sample.extend_from_slice(bytes);
        }
        if plain && self.open.is_empty() {
            return;
        }
        let mut joined = std::mem::take(&mut self.open);
        joined.extend_from_slice(bytes);
        let mut rest = joined.as_slice();
        while !rest.is_empty() {
            rest = self.pass_valid(rest);
        }
    }

    /// Passes the valid bytes and the first broken place. Returns what follows.
    fn pass_valid<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let leads = |bytes: &[u8]| bytes.iter().filter(|byte| **byte >= 0xc0).count();
        let Err(error) = std::str::from_utf8(bytes) else {
            self.valid += leads(bytes);
            return &[];
        };
        let (valid, rest) = bytes.split_at_checked(error.valid_up_to()).unwrap_or((bytes, &[]));
        self.valid += leads(valid);
        match error.error_len() {
            Some(length) => {
                self.broken += 1;
                rest.get(length..).unwrap_or_default()
            }
            None => {
                self.open = rest.to_vec();
                &[]
            }
        }
    }

    fn decide(mut self, country: Option<&str>) -> Survey {
        self.broken += usize::from(!self.open.is_empty());
        if self.broken == 0 {
            return Survey::sure(UTF_8);
        }
        let guess = fitting_guess(&self.sample, country);
        let single = guess.is_single_byte();
        let legible = !single && guess.decode_without_bom_handling_and_without_replacement(&self.sample).is_some();
        // A text in another encoding hardly ever has valid UTF-8 characters, unless its own have several bytes.
        if self.valid >= self.broken && !legible {
            return Survey { encoding: UTF_8, fallback: single.then_some(guess), choices: Vec::new() };
        }
        let guess = match guess {
            guess if guess == WINDOWS_1252 && is_mac_roman(&self.sample) => MACINTOSH,
            guess if guess == ISO_8859_2 && is_windows_1250(&self.sample) => WINDOWS_1250,
            guess => guess,
        };
        let choices = if self.broken < FEW || guess == MACINTOSH { choices(&self.sample, guess) } else { Vec::new() };
        Survey { encoding: guess, fallback: None, choices }
    }
}

/// Returns the guess that the country suggests, unless the text has words only in the guess without it.
fn fitting_guess(sample: &[u8], country: Option<&str>) -> &'static Encoding {
    let local = guess(sample, country);
    let fits = |encoding: &'static Encoding| {
        encoding.decode_without_bom_handling_and_without_replacement(sample).is_some_and(|text| is_wordlike(&text))
    };
    let other = guess(sample, None);
    if other != local && !fits(local) && fits(other) { other } else { local }
}

fn guess(sample: &[u8], country: Option<&str>) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, true);
    let country = country.filter(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let country = country.map(str::to_ascii_lowercase);
    detector.guess(country.as_deref().map(str::as_bytes), Utf8Detection::Deny)
}

/// Whether bytes inside words are letters in Mac Roman but signs or capitals in windows-1252, as in `Z\x9frich`.
fn is_mac_roman(sample: &[u8]) -> bool {
    let (mut mac, mut windows) = (0, 0);
    for triple in sample.windows(3) {
        if let [before, byte, after] = triple
            && before.is_ascii_alphabetic()
            && after.is_ascii_lowercase()
        {
            // Without the quotation marks, dashes and rare letters that windows-1252 has there.
            mac += usize::from(matches!(*byte, 0x87..=0x90 | 0x98 | 0x99 | 0x9b | 0x9d | 0x9f));
            windows += usize::from(*byte >= 0xdf && *byte != 0xf7);
        }
    }
    mac > windows
}

/// Whether a text that may be ISO 8859-2 consists of words in windows-1250 too, which spreadsheet programs write. Many
/// letters of ISO 8859-2 are signs there.
fn is_windows_1250(sample: &[u8]) -> bool {
    WINDOWS_1250.decode_without_bom_handling_and_without_replacement(sample).is_some_and(|text| is_wordlike(&text))
}

/// Shows the first line that is not ASCII in each encoding in which it consists of words.
fn choices(sample: &[u8], chosen: &'static Encoding) -> Vec<EncodingChoice> {
    let line = sample.split(|byte| matches!(byte, b'\r' | b'\n')).find(|line| !line.is_ascii()).unwrap_or_default();
    let mut choices: Vec<EncodingChoice> = Vec::new();
    for encoding in std::iter::once(chosen).chain(USUAL) {
        let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(line) else { continue };
        let wordlike = is_wordlike(&text);
        let known = choices.iter().any(|choice| choice.sample == text);
        if !known && (wordlike || encoding == chosen) {
            let sample = text.chars().take(100).collect();
            choices.push(EncodingChoice { encoding: encoding.name().to_lowercase(), sample });
        }
    }
    if choices.len() < 2 { Vec::new() } else { choices }
}

/// Whether a text could be meant: no signs, no capitals inside words, and one script in each word.
fn is_wordlike(text: &str) -> bool {
    let foreign = |c: char| c.is_alphabetic() && c > '\u{24f}';
    let apart = |(before, after): (char, char)| {
        let mixed = before.is_ascii_alphabetic() && foreign(after) || foreign(before) && after.is_ascii_alphabetic();
        mixed || before.is_lowercase() && after.is_uppercase() && !after.is_ascii()
    };
    let signs = text.chars().any(|c| !c.is_ascii() && !c.is_alphanumeric());
    !signs && !text.chars().zip(text.chars().skip(1)).any(apart)
}

#[cfg(test)]
#[path = "encoding_tests.rs"]
mod tests;

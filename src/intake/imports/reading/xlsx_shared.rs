//! The texts that the cells of a workbook refer to by number.
use crate::intake::imports::reading::failure::{Failure, Result};
use crate::intake::imports::reading::limits::Limits;
use crate::intake::imports::reading::spool::Spool;
use crate::intake::imports::reading::xml::{Node, Xml};
use std::borrow::Cow;
use std::io::Read;

/// The bytes of texts that are held in memory; further ones are on disk.
const HELD: usize = 16 << 20;

#[derive(Debug)]
pub struct Shared {
    texts: Spool,
    /// For each text, where it ends.
    ends: Vec<u64>,
}

impl Default for Shared {
    fn default() -> Shared {
        Shared { texts: Spool::new(HELD), ends: Vec::new() }
    }
}

impl Shared {
    pub fn read<'s>(part: Box<dyn Read + 's>, limits: &Limits) -> Result<Shared> {
        let (mut shared, mut xml) = (Shared::default(), Xml::new(part));
        let (mut text, mut reading) = (String::new(), false);
        loop {
            match xml.advance()? {
                Node::Open(tag) => match tag.name() {
                    b"si" => text.clear(),
                    b"t" => reading = true,
                    // How to pronounce a Japanese text.
                    b"rPh" => {
                        drop(tag);
                        xml.skip()?;
                    }
                    _ => {}
                },
                Node::Text(part) if reading => {
                    if text.len() + part.len() > limits.cell {
                        return Err(Failure::new(format!("a cell has more than {} bytes", limits.cell)));
                    }
                    text.push_str(&part);
                }
                Node::Close(end) => match end.name() {
                    b"t" => reading = false,
                    b"si" => shared.push(&unescape(&text), limits)?,
                    _ => {}
                },
                Node::End => return Ok(shared),
                Node::Text(_) => {}
            }
        }
    }

    fn push(&mut self, text: &str, limits: &Limits) -> Result<()> {
        self.texts.push(text.as_bytes())?;
        self.ends.push(self.texts.size());
        let places = u64::try_from(self.ends.len().saturating_mul(size_of::<u64>())).unwrap_or(u64::MAX);
        if self.texts.size().saturating_add(places) > limits.shared_texts {
            let most = limits.shared_texts >> 20;
            let detail =
                format!("the texts of the workbook have more than {most} MiB; split it, or save the sheet as CSV");
            return Err(Failure::new(detail));
        }
        Ok(())
    }

    /// Reads a text into a buffer. Returns whether there is one with this number.
    pub fn read_text(&self, number: usize, into: &mut Vec<u8>) -> Result<bool> {
        let Some(end) = self.ends.get(number) else { return Ok(false) };
        let begin = number.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.texts.read(begin, *end, into)?;
        Ok(true)
    }
}

/// Replaces `_x000D_` and the like, by which Excel writes characters that XML does not allow.
pub fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains("_x") {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("_x") {
        let (before, code) = rest.split_at(at);
        out.push_str(before);
        let digits = code.get(2..6).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let digits = digits.filter(|_| code.get(6..7) == Some("_"));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32) {
            Some(c) => {
                if c != '\r' && c != '\0' {
                    out.push(c);
                }
                rest = code.get(7..).unwrap_or_default();
            }
            None => {
                out.push_str("_x");
                rest = code.get(2..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

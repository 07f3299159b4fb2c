//! The texts that the cells of a workbook refer to by number.
use crate::intake::imports::reading::failure::{Failure, Result};
use crate::intake::imports::reading::limits::Limits;
use crate::intake::imports::reading::xml::{Node, Xml};
use std::borrow::Cow;
use std::io::Read;

/// The size of a block of texts. Blocks are never copied, unlike one growing text.
const BLOCK: usize = 1 << 20;

/// The texts, in few allocations.
#[derive(Debug, Default)]
pub struct Shared {
    blocks: Vec<String>,
    /// For each text: its block, where it begins and where it ends.
    places: Vec<(u16, u32, u32)>,
    bytes: usize,
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
        self.bytes += text.len() + size_of::<(u16, u32, u32)>();
        let block = u16::try_from(self.blocks.len());
        let (true, Ok(_)) = (self.bytes <= limits.shared_texts, block) else {
            let most = limits.shared_texts >> 20;
            let detail =
                format!("the texts of the workbook have more than {most} MiB; split it, or save the sheet as CSV");
            return Err(Failure::new(detail));
        };
        if self.blocks.last().is_none_or(|block| block.len() + text.len() > BLOCK) {
            // The first block of a small workbook is small.
            let size = if self.blocks.is_empty() { 0 } else { BLOCK.max(text.len()) };
            self.blocks.push(String::with_capacity(size));
        }
        let number = u16::try_from(self.blocks.len().saturating_sub(1)).unwrap_or(u16::MAX);
        if let Some(block) = self.blocks.last_mut() {
            let begin = u32::try_from(block.len()).unwrap_or(u32::MAX);
            block.push_str(text);
            self.places.push((number, begin, u32::try_from(block.len()).unwrap_or(u32::MAX)));
        }
        Ok(())
    }

    pub fn get(&self, number: usize) -> Option<&str> {
        let (block, begin, end) = *self.places.get(number)?;
        let range = usize::try_from(begin).ok()?..usize::try_from(end).ok()?;
        self.blocks.get(usize::from(block))?.get(range)
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

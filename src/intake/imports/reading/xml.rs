//! Reads XML as a stream of tags and texts, with bounded memory.
use crate::intake::imports::reading::bounded::Pieces;
use crate::intake::imports::reading::failure::{Failure, Result};
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesEnd, BytesRef, BytesStart, Event};
use std::borrow::Cow;
use std::io::{BufReader, Read};

/// The maximum for a tag or a text, in bytes.
const PIECE: usize = 1 << 20;
/// The maximum number of tags inside each other.
const DEPTH: usize = 256;

pub struct Xml<'s> {
    reader: Reader<Pieces<BufReader<Box<dyn Read + 's>>>>,
    buffer: Vec<u8>,
    depth: usize,
}

/// A tag or a text. Names are without their namespace prefix.
pub enum Node<'x> {
    Open(Tag<'x>),
    Close(End<'x>),
    Text(Cow<'x, str>),
    End,
}

pub struct End<'x>(BytesEnd<'x>);

impl End<'_> {
    pub fn name(&self) -> &[u8] {
        self.0.local_name().into_inner()
    }
}

pub struct Tag<'x>(BytesStart<'x>);

impl Tag<'_> {
    pub fn name(&self) -> &[u8] {
        self.0.local_name().into_inner()
    }

    pub fn has(&self, name: &str) -> bool {
        let mut found = false;
        self.each(|other, _| found |= other == name.as_bytes());
        found
    }

    /// Returns an attribute, whatever its namespace.
    pub fn attribute(&self, name: &str) -> Option<String> {
        let mut found = None;
        self.each(|other, value| {
            if other == name.as_bytes() && found.is_none() {
                let text = std::str::from_utf8(value).ok();
                found = text.and_then(|text| quick_xml::escape::unescape(text).ok().map(Cow::into_owned));
            }
        });
        found
    }

    pub fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        self.attribute(name)?.trim().parse().ok()
    }

    pub fn flag(&self, name: &str) -> bool {
        self.attribute(name).is_some_and(|value| matches!(value.as_str(), "1" | "true"))
    }

    /// Calls a function with each attribute as it is written, without its prefix. It is a good deal faster than the
    /// iterator of the XML reader, which matters for sheets of millions of cells.
    pub fn each(&self, mut tell: impl FnMut(&[u8], &[u8])) {
        let mut rest = self.0.attributes_raw();
        while let Some((name, after)) = memchr::memchr(b'=', rest).and_then(|at| rest.split_at_checked(at)) {
            let after = after.get(1..).unwrap_or_default().trim_ascii_start();
            let Some((quote @ (b'"' | b'\''), value)) = after.split_first() else { return };
            let Some((value, behind)) = memchr::memchr(*quote, value).and_then(|at| value.split_at_checked(at)) else {
                return;
            };
            let name = name.trim_ascii();
            let prefix = memchr::memchr(b':', name).map_or(0, |colon| colon + 1);
            tell(name.get(prefix..).unwrap_or_default(), value);
            rest = behind.get(1..).unwrap_or_default();
        }
    }
}

impl<'s> Xml<'s> {
    pub fn new(input: Box<dyn Read + 's>) -> Xml<'s> {
        let mut reader = Reader::from_reader(Pieces::new(BufReader::with_capacity(64 << 10, input), PIECE));
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = false;
        config.allow_dangling_amp = true;
        Xml { reader, buffer: Vec::new(), depth: 0 }
    }

    pub fn advance(&mut self) -> Result<Node<'_>> {
        self.buffer.clear();
        self.reader.get_mut().mark();
        // The loop over comments is outside of this function, because the borrow checker refuses it here.
        match self.reader.read_event_into(&mut self.buffer).map_err(failure)? {
            Event::Start(tag) | Event::Empty(tag) => {
                self.depth += 1;
                if self.depth > DEPTH {
                    return Err(Failure::new("the file is damaged: its XML is nested too deeply"));
                }
                Ok(Node::Open(Tag(tag)))
            }
            Event::End(tag) => {
                self.depth = self.depth.saturating_sub(1);
                Ok(Node::Close(End(tag)))
            }
            Event::Text(text) => Ok(Node::Text(text.decode().map_err(|_| not_utf8())?)),
            Event::CData(text) => Ok(Node::Text(text.decode().map_err(|_| not_utf8())?)),
            Event::GeneralRef(entity) => Ok(Node::Text(resolve(&entity))),
            Event::Eof => Ok(Node::End),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => Ok(Node::Text(Cow::Borrowed(""))),
        }
    }

    /// Skips everything up to the end of the tag that was opened last.
    pub fn skip(&mut self) -> Result<()> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            if let Node::End = self.advance()? {
                break;
            }
        }
        Ok(())
    }
}

fn resolve(entity: &BytesRef<'_>) -> Cow<'static, str> {
    if let Ok(Some(c)) = entity.resolve_char_ref() {
        return Cow::Owned(c.into());
    }
    entity.decode().ok().and_then(|name| resolve_xml_entity(&name)).map_or(Cow::Borrowed(""), Cow::Borrowed)
}

fn not_utf8() -> Failure {
    Failure::new("the file is damaged: its XML is not UTF-8")
}

fn failure(error: quick_xml::Error) -> Failure {
    match &error {
        quick_xml::Error::Io(inner) => Failure::of_io(inner),
        _ => Failure::new(format!("the file is damaged: its XML cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Node, Xml};

    #[test]
    fn attributes_are_found_in_any_notation() {
        for (tag, value) in [
            ("<a b=\"1\"/>", Some("1")),
            ("<a x='0' n:b = '1 &lt; 2' />", Some("1 < 2")),
            ("<a\n c=\"b='2'\"\tb=\"1\"></a>", Some("1")),
            ("<a bb=\"1\"/>", None),
            ("<a b/>", None),
            ("<a b=1/>", None),
            ("<a/>", None),
        ] {
            let mut xml = Xml::new(Box::new(tag.as_bytes()));
            let Ok(Node::Open(tag)) = xml.advance() else { panic!("{tag}") };
            assert_eq!(tag.attribute("b").as_deref(), value);
        }
    }

    #[test]
    fn texts_are_whole() {
        let mut xml =
            Xml::new(Box::new(&b"<!DOCTYPE a><a>x &amp; y&#10;<!-- no --><![CDATA[<z>]]> & &unknown;</a>"[..]));
        let mut text = String::new();
        loop {
            match xml.advance().unwrap() {
                Node::Text(part) => text.push_str(&part),
                Node::End => break,
                Node::Open(_) | Node::Close(_) => {}
            }
        }
        assert_eq!(text, "x & y\n<z> & ");
    }
}

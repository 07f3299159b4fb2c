//! The number formats of the cells of a workbook.
use crate::intake::imports::reading::failure::Result;
use crate::intake::imports::reading::number_format::Format;
use crate::intake::imports::reading::xml::{Node, Xml};
use std::collections::HashMap;

/// Returns the format of each style, by its number.
pub fn read(part: &str) -> Result<Vec<Format>> {
    let (mut own, mut formats, mut inside) = (HashMap::new(), Vec::new(), false);
    let mut xml = Xml::new(Box::new(part.as_bytes()));
    loop {
        match xml.advance()? {
            Node::Open(tag) => match tag.name() {
                b"numFmt" => {
                    let id = tag.number::<u32>("numFmtId").unwrap_or(0);
                    own.insert(id, Format::parse(&tag.attribute("formatCode").unwrap_or_default()));
                }
                b"cellXfs" => inside = true,
                b"xf" if inside => {
                    let id = tag.number("numFmtId").unwrap_or(0);
                    formats.push(own.get(&id).cloned().unwrap_or_else(|| Format::builtin(id)));
                }
                _ => {}
            },
            Node::Close(end) if end.name() == b"cellXfs" => inside = false,
            Node::End => return Ok(formats),
            _ => {}
        }
    }
}

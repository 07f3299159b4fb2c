//! vCards as rows: one row per card, with the columns of Google's contact export.
use crate::intake::imports::reading::decode::Text;
use crate::intake::imports::reading::failure::{Failure, Result};
use crate::intake::imports::reading::findings::{FindingKind, Findings};
use crate::intake::imports::reading::limits::Limits;
use crate::intake::imports::reading::lines::Lines;
use crate::intake::imports::reading::raw::RawRows;
use crate::intake::imports::reading::row::{CellKind, Row};
use crate::intake::imports::reading::vcard::{self, Property};

/// The most columns of one kind, such as phone numbers.
const SEVERAL: usize = 20;
/// The most properties of one card.
const PROPERTIES: usize = 1_000;

/// Columns that a card has once.
const SINGLE: [&str; 15] = [
    "Full Name",
    "First Name",
    "Middle Name",
    "Last Name",
    "Name Prefix",
    "Name Suffix",
    "Nickname",
    "Organization Name",
    "Organization Department",
    "Organization Title",
    "Role",
    "Birthday",
    "Notes",
    "Labels",
    "UID",
];
/// Columns that a card can have several times: the property, the name of the columns, and their parts.
const MULTIPLE: [(&str, &str, &[&str]); 4] = [
    ("EMAIL", "E-mail", &["Label", "Value"]),
    ("TEL", "Phone", &["Label", "Value"]),
    ("ADR", "Address", &["Label", "PO Box", "Extended Address", "Street", "City", "Region", "Postal Code", "Country"]),
    ("URL", "Website", &["Label", "Value"]),
];
/// Properties that say nothing about the person.
const SILENT: [&str; 8] = ["BEGIN", "END", "VERSION", "PRODID", "REV", "X-ABLABEL", "SORT-STRING", "PROFILE"];

/// The columns that a file needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    single: [bool; SINGLE.len()],
    multiple: [usize; MULTIPLE.len()],
}

impl Columns {
    /// Reads the whole file to find its columns.
    pub fn survey(text: Text<'_>, limits: &Limits) -> Result<Columns> {
        let (mut cards, mut columns) = (Cards::new(text, limits), Columns::default());
        while let Some(card) = cards.next_card()? {
            for (used, value) in columns.single.iter_mut().zip(card.single()) {
                *used |= !value.is_empty();
            }
            for (most, (name, ..)) in columns.multiple.iter_mut().zip(MULTIPLE) {
                *most = (*most).max(card.all(name).count()).min(SEVERAL);
            }
        }
        Ok(columns)
    }

    pub fn names(&self) -> Vec<String> {
        let single = SINGLE.iter().zip(self.single).filter(|(_, used)| *used).map(|(name, _)| (*name).to_owned());
        let multiple = MULTIPLE.iter().zip(self.multiple).flat_map(|((_, name, parts), count)| {
            (1..=count).flat_map(move |n| parts.iter().map(move |part| format!("{name} {n} - {part}")))
        });
        single.chain(multiple).collect()
    }
}

/// A card of a file.
#[derive(Debug, Default)]
struct Card {
    line: u64,
    properties: Vec<Property>,
}

impl Card {
    /// The properties of a name, the preferred ones first.
    fn all<'c>(&'c self, name: &str) -> impl Iterator<Item = &'c Property> {
        let mut found: Vec<&Property> = self.properties.iter().filter(|property| property.name == name).collect();
        found.sort_by_key(|property| !property.is_preferred());
        found.into_iter()
    }

    fn text(&self, name: &str) -> String {
        self.all(name).next().map(Property::text).unwrap_or_default()
    }

    /// The values of the single columns.
    fn single(&self) -> [String; SINGLE.len()] {
        let part = |parts: &[String], n: usize| parts.get(n).cloned().unwrap_or_default();
        let name = self.all("N").next().map(Property::parts).unwrap_or_default();
        let firm = self.all("ORG").next().map(Property::parts).unwrap_or_default();
        let departments = firm.get(1..).unwrap_or_default().iter().filter(|part| !part.is_empty());
        let notes: Vec<String> = self.all("NOTE").map(Property::text).collect();
        let labels: Vec<String> = self.all("CATEGORIES").flat_map(Property::items).collect();
        [
            self.text("FN"),
            part(&name, 1),
            part(&name, 2),
            part(&name, 0),
            part(&name, 3),
            part(&name, 4),
            self.text("NICKNAME"),
            part(&firm, 0),
            departments.cloned().collect::<Vec<_>>().join(", "),
            self.text("TITLE"),
            self.text("ROLE"),
            birthday(&self.text("BDAY")),
            notes.join("\n"),
            labels.join(", "),
            self.text("UID"),
        ]
    }

    /// The kind of an address: its own, or the label that Apple writes beside it.
    fn label(&self, property: &Property) -> String {
        let of_group = |other: &&Property| other.name == "X-ABLABEL" && other.group == property.group;
        let label = self.properties.iter().find(of_group).filter(|_| property.group.is_some()).map(Property::text);
        let label = label.map(|label| label.trim_start_matches("_$!<").trim_end_matches(">!$_").to_owned());
        label.unwrap_or_else(|| property.kinds().join(", "))
    }

    fn is_empty(&self) -> bool {
        let telling = ["FN", "N", "ORG", "EMAIL", "TEL"];
        telling.iter().all(|name| self.all(name).all(|property| property.parts().iter().all(String::is_empty)))
    }
}

/// Writes `19850402` and `1985-04-02T00:00:00Z` as `1985-04-02`.
fn birthday(text: &str) -> String {
    let day = text.split('T').next().unwrap_or_default().trim();
    let digits = day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit());
    match (day.get(..4), day.get(4..6), day.get(6..)) {
        (Some(year), Some(month), Some(of_month)) if digits => format!("{year}-{month}-{of_month}"),
        _ => day.to_owned(),
    }
}

/// Reads cards one after another.
struct Cards<'s> {
    text: Text<'s>,
    limits: Limits,
    piece: Vec<u8>,
    read: usize,
    ended: bool,
    lines: Lines,
    findings: Findings,
    /// The next line, which was read to see whether it continues the one before it.
    ahead: Option<(u64, Vec<u8>)>,
}

impl<'s> Cards<'s> {
    fn new(text: Text<'s>, limits: &Limits) -> Cards<'s> {
        Cards {
            text,
            limits: limits.clone(),
            piece: Vec::new(),
            read: 0,
            ended: false,
            lines: Lines::default(),
            findings: Findings::default(),
            ahead: None,
        }
    }

    /// Reads a line that is not empty, as it is in the file.
    fn physical(&mut self) -> Result<Option<(u64, Vec<u8>)>> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        let (mut line, mut bytes) = (self.lines.line, Vec::new());
        loop {
            if self.read == self.piece.len() && !self.ended {
                let piece = self.text.next_piece()?;
                self.piece.clear();
                self.piece.extend_from_slice(piece);
                (self.read, self.ended) = (0, self.piece.is_empty());
            }
            let rest = self.piece.get(self.read..).unwrap_or_default();
            let end = memchr::memchr2(b'\r', b'\n', rest);
            let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            bytes.extend_from_slice(part);
            let passed = part.len() + usize::from(end.is_some());
            self.lines.pass(rest.get(..passed).unwrap_or_default());
            self.read += passed;
            if bytes.len() > self.limits.row {
                return Err(Failure::new(format!("the line has more than {} bytes", self.limits.row)).at(line));
            }
            match (end.is_some() || self.ended, bytes.is_empty()) {
                (true, false) => return Ok(Some((line, bytes))),
                (true, true) if self.ended => return Ok(None),
                (true, true) => line = self.lines.line,
                (false, _) => {}
            }
        }
    }

    /// Reads a line with those that continue it.
    fn unfolded(&mut self) -> Result<Option<(u64, Vec<u8>)>> {
        let Some((line, mut bytes)) = self.physical()? else { return Ok(None) };
        // Pictures are not kept.
        let binary = is_binary(&bytes);
        while let Some((number, next)) = self.physical()? {
            let folded = matches!(next.first(), Some(b' ' | b'\t'));
            let goes_on = Property::goes_on(&bytes);
            if !folded && !goes_on {
                self.ahead = Some((number, next));
                break;
            }
            if goes_on {
                bytes.pop();
            }
            if !binary {
                bytes.extend_from_slice(next.get(usize::from(folded && !goes_on)..).unwrap_or_default());
            }
            if bytes.len() > self.limits.row {
                return Err(Failure::new(format!("a property has more than {} bytes", self.limits.row)).at(line));
            }
        }
        Ok(Some((line, bytes)))
    }

    fn next_card(&mut self) -> Result<Option<Card>> {
        // Version 2.1 allows cards inside cards, which are not read.
        let (mut card, mut depth) = (Card::default(), 0_usize);
        while let Some((line, bytes)) = self.unfolded()? {
            let Some(property) = Property::parse(&bytes) else { continue };
            let value = property.text().trim().eq_ignore_ascii_case("VCARD");
            match property.name.as_str() {
                "BEGIN" if value => {
                    if depth == 0 {
                        card = Card { line, properties: Vec::new() };
                    }
                    depth += 1;
                }
                "END" if value && depth == 1 => return Ok(Some(card)),
                "END" if value => depth = depth.saturating_sub(1),
                _ if depth == 1 && card.properties.len() < PROPERTIES => card.properties.push(property),
                _ => {}
            }
        }
        if depth > 0 {
            self.findings.add(FindingKind::EmptyCard, Some(card.line), || "the card has no END".to_owned());
        }
        Ok(None)
    }
}

/// Whether the line begins a picture or the like.
fn is_binary(line: &[u8]) -> bool {
    let head = line.get(..line.len().min(300)).unwrap_or_default();
    let end = head.iter().position(|byte| matches!(byte, b':' | b';')).unwrap_or(head.len());
    let name = String::from_utf8_lossy(head.get(..end).unwrap_or_default()).to_uppercase();
    vcard::is_binary(name.rsplit('.').next().unwrap_or_default())
}

pub struct CardRows<'s> {
    cards: Cards<'s>,
    columns: Columns,
}

impl<'s> CardRows<'s> {
    pub fn new(text: Text<'s>, columns: Columns, limits: &Limits) -> CardRows<'s> {
        CardRows { cards: Cards::new(text, limits), columns }
    }

    fn fill(&mut self, card: &Card, row: &mut Row) {
        row.begin(card.line);
        for ((value, used), name) in card.single().iter().zip(self.columns.single).zip(SINGLE) {
            if used {
                let date = name == "Birthday" && value.len() == 10 && !value.starts_with('-');
                row.push(if date { CellKind::Date } else { CellKind::Text }, value);
            }
        }
        for ((name, _, parts), count) in MULTIPLE.iter().zip(self.columns.multiple) {
            let width = row.width() + count * parts.len();
            for property in card.all(name).take(count) {
                row.push(CellKind::Text, &card.label(property));
                let values = if *name == "ADR" { property.parts() } else { vec![property.text()] };
                for n in 0..parts.len() - 1 {
                    row.push(CellKind::Text, values.get(n).map(String::as_str).unwrap_or_default());
                }
            }
            row.fill(width);
        }
    }

    fn tell_unread(&mut self, card: &Card) {
        let read = ["FN", "N", "NICKNAME", "ORG", "TITLE", "ROLE", "BDAY", "NOTE", "CATEGORIES", "UID"];
        for property in &card.properties {
            let name = property.name.as_str();
            let several = MULTIPLE.iter().any(|(other, ..)| *other == name);
            if !read.contains(&name) && !several && !SILENT.contains(&name) {
                self.cards.findings.add(FindingKind::UnreadProperty, Some(card.line), || {
                    if vcard::is_binary(name) { name.to_owned() } else { format!("{name}: {}", property.text()) }
                });
            }
        }
        for (name, title, _) in MULTIPLE {
            for property in card.all(name).skip(SEVERAL) {
                let text = || format!("{title}: {}", property.text());
                self.cards.findings.add(FindingKind::UnreadProperty, Some(card.line), text);
            }
        }
    }
}

impl RawRows for CardRows<'_> {
    fn advance(&mut self, row: &mut Row) -> Result<bool> {
        while let Some(card) = self.cards.next_card()? {
            if card.is_empty() {
                self.cards.findings.add(FindingKind::EmptyCard, Some(card.line), || "the card has no name".to_owned());
                continue;
            }
            self.tell_unread(&card);
            self.fill(&card, row);
            return Ok(true);
        }
        Ok(false)
    }

    fn take_findings(&mut self) -> Findings {
        let mut findings = std::mem::take(&mut self.cards.findings);
        findings.append(std::mem::take(&mut self.cards.text.findings));
        findings
    }
}

#[cfg(test)]
#[path = "cards_tests.rs"]
mod tests;

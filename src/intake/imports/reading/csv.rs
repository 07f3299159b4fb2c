//! CSV files in any encoding and with any delimiter.
use crate::intake::imports::reading::decode::Text;
use crate::intake::imports::reading::delimiter;
use crate::intake::imports::reading::encoding::{self, Survey};
use crate::intake::imports::reading::failure::{Failure, Result};
use crate::intake::imports::reading::findings::{FindingKind, Findings};
use crate::intake::imports::reading::limits::Limits;
use crate::intake::imports::reading::place::Place;
use crate::intake::imports::reading::raw::RawRows;
use crate::intake::imports::reading::records::Records;
use crate::intake::imports::reading::row::Row;
use crate::intake::imports::reading::table::TextFormat;

pub struct CsvRows<'s> {
    records: Records<'s>,
    findings: Findings,
}

/// Finds the encoding of a text file, unless it is given. A given encoding that is also the found one keeps its
/// fallback for broken bytes.
pub fn survey(place: &mut Place<'_>, given: Option<&str>, country: Option<&str>) -> Result<Survey> {
    let given = given.map(encoding::named).transpose()?;
    let found = encoding::survey(place.open()?, country)?;
    Ok(match given {
        Some(encoding) if encoding == found.encoding => Survey { choices: Vec::new(), ..found },
        Some(encoding) => Survey { encoding, fallback: None, choices: Vec::new() },
        None => found,
    })
}

impl<'s> CsvRows<'s> {
    pub fn open(
        mut place: Place<'s>,
        survey: &Survey,
        given: Option<char>,
        limits: &Limits,
    ) -> Result<(CsvRows<'s>, TextFormat)> {
        let (head, complete) = head(Text::new(place.open()?, survey))?;
        let line = delimiter::separator_line(&head);
        let delimiter = match given {
            Some(given) => {
                let byte = u8::try_from(given).ok().filter(u8::is_ascii);
                byte.ok_or_else(|| Failure::new("the delimiter must be one ASCII character"))?
            }
            None => line.unwrap_or_else(|| delimiter::detect(&head, complete)),
        };
        let escapes = delimiter::has_escapes(&head, delimiter);
        let mut records = Records::new(Text::new(place.into_reader()?, survey), delimiter, escapes, limits);
        let mut findings = Findings::default();
        if line.is_some() {
            records.skip_line()?;
            findings.add(FindingKind::SeparatorLine, Some(1), || head.lines().next().unwrap_or_default().to_owned());
        }
        let format = TextFormat {
            encoding: survey.encoding.name().to_lowercase(),
            delimiter: Some(char::from(delimiter)),
            encoding_choices: survey.choices.clone(),
        };
        Ok((CsvRows { records, findings }, format))
    }
}

/// Returns the beginning of a text, and whether it is the whole text.
fn head(mut text: Text<'_>) -> Result<(String, bool)> {
    let mut head = Vec::new();
    while head.len() < delimiter::HEAD {
        let piece = text.next_piece()?;
        if piece.is_empty() {
            return Ok((String::from_utf8_lossy(&head).into_owned(), true));
        }
        head.extend_from_slice(piece);
    }
    Ok((String::from_utf8_lossy(&head).into_owned(), false))
}

impl RawRows for CsvRows<'_> {
    fn advance(&mut self, row: &mut Row) -> Result<bool> {
        self.records.advance(row)
    }

    fn take_findings(&mut self) -> Findings {
        let mut findings = std::mem::take(&mut self.findings);
        findings.append(self.records.take_findings());
        findings
    }
}

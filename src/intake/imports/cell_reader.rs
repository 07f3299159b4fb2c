//! Converts the text of a cell to a member of the record of its row.
use crate::db::tx::Tx;
use crate::intake::imports::column::Column;
use crate::intake::imports::convert::Conversion;
use crate::intake::imports::custom;
use crate::intake::imports::draft::Draft;
use crate::intake::imports::findings::{
    FURTHER_VALUES, NO_DATE, NO_YEAR, RANGE, SCIENTIFIC, UNKNOWN_CHOICE, UNKNOWN_NAME, Warned,
};
use crate::intake::imports::meaning::conventions::{Conventions, is_no_date};
use crate::intake::imports::meaning::doubt::{Note, Read, Refusal, RefusalKind};
use crate::intake::imports::meaning::lists::{self, Mailbox};
use crate::intake::imports::meaning::{outcomes, phone_cells};
use crate::intake::imports::outcome;
use crate::intake::imports::overview::Reading;
use crate::intake::imports::references::References;
use crate::intake::imports::report::ImportReport;
use crate::intake::imports::resource::ImportResource;
use crate::intake::imports::settings::UnknownNames;
use crate::intake::imports::stage_names;
use crate::intake::imports::targets::Target;
use crate::kernel::bodies::shape::Cell;
use crate::kernel::error::{Error, FieldCode};
use crate::kernel::fields::custom::{CustomField, CustomKind};
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::time::DateTime;
use crate::sales::stages::Stage;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use uuid::Uuid;

/// A cell without a value, or an error of the database.
#[derive(Debug)]
pub enum CellError {
    /// The row is refused.
    Refused(FieldCode, String),
    /// The cell is not stored. The report counts it as this kind of warning.
    LeftOut(&'static str),
    Failed(Error),
}

impl From<Refusal> for CellError {
    fn from(refusal: Refusal) -> CellError {
        let code = match refusal.kind {
            RefusalKind::Scientific => return CellError::LeftOut(SCIENTIFIC),
            RefusalKind::OutOfRange => FieldCode::OutOfRange,
            RefusalKind::Unreadable | RefusalKind::TooPrecise | RefusalKind::Ambiguous => FieldCode::InvalidFormat,
        };
        CellError::Refused(code, refusal.detail)
    }
}

impl From<Error> for CellError {
    fn from(error: Error) -> CellError {
        CellError::Failed(error)
    }
}

type Result<T> = std::result::Result<T, CellError>;

/// A cell that is not empty.
#[derive(Clone, Copy, Debug)]
pub struct FilledCell<'c> {
    pub line: u64,
    /// The text as it is in the file.
    pub raw: &'c str,
    /// The text without guards, after the value mapping.
    pub text: &'c str,
    /// The currency that another column of the row names.
    pub currency: Option<&'c str>,
}

/// Converts the cells of a row.
pub struct CellReader<'r, 'c> {
    pub tx: &'r mut Tx<'c>,
    pub resource: ImportResource,
    pub conventions: &'r Conventions,
    pub unknown_names: UnknownNames,
    pub stages: &'r [Stage],
    /// The stages that the file calls by other names.
    pub stage_names: &'r HashMap<String, Stage>,
    pub references: &'r mut References,
    pub report: &'r mut ImportReport,
}

impl CellReader<'_, '_> {
    /// Adds a cell to the draft, and returns how it was read.
    pub fn read(&mut self, column: &Column, cell: &FilledCell<'_>, draft: &mut Draft) -> Result<Reading> {
        let text = cell.text;
        match &column.target {
            Target::Member(member, kind) => return self.member(column, cell, (member.as_str(), *kind), draft),
            Target::Custom(field) => {
                let value = self.custom_value(column, cell, field)?;
                let reading = Reading::of(&value, field.kind == CustomKind::Date);
                custom::put(&mut draft.body, field, value);
                return Ok(if field.refers.is_some() { Reading::Text } else { reading });
            }
            Target::Person(member) => return self.person(column, cell, member, draft),
            Target::Part(whole, n) => drop(draft.parts.insert((*whole, *n), text.to_owned())),
            Target::Id => draft.own_id = text.parse().ok(),
            Target::CreatedAt | Target::ClosedAt | Target::Entered(_) => return self.time(column, cell, draft),
            // Read before the other cells of the row.
            Target::Currency(_) => return Ok(cell.currency.map_or(Reading::Text, |code| Reading::Value(json!(code)))),
            Target::Reference(member, kind) => {
                draft.set_reference(member, *kind, text, self.find(column, *kind, text)?);
            }
            Target::Product => draft.set_product(text, self.find(column, Kind::PRODUCT, text)?),
            Target::DealContact => return self.contacts(column, cell, draft),
            Target::LossReason => draft.loss_reason = Some(self.find(column, Kind::LOSS_REASON, text)?),
            Target::Stage => self.read_stage(column, text, draft)?,
            Target::Status => match outcome::exact_status(text) {
                Some(status) => draft.progress.status = Some(status),
                None => self.read_stage(column, text, draft)?,
            },
        }
        Ok(Reading::Text)
    }

    /// Adds the contacts in a cell, such as `Ina Ok (ina@ok.example); Uwe Lang`.
    fn contacts(&mut self, column: &Column, cell: &FilledCell<'_>, draft: &mut Draft) -> Result<Reading> {
        if let Some(id) = self.references.find(self.tx, Kind::CONTACT, cell.text)? {
            draft.add_contact(id);
            return Ok(Reading::Text);
        }
        let persons = lists::mailboxes(cell.text);
        let alone = persons.len() < 2;
        for Mailbox { name, email } in persons {
            let mut found = None;
            for key in [&email, &name].into_iter().flatten() {
                found = found.or(self.references.find(self.tx, Kind::CONTACT, key)?);
            }
            let named = email.or(name).unwrap_or_default();
            match found.map_or_else(|| self.find(column, Kind::CONTACT, &named), Ok) {
                Ok(id) => draft.add_contact(id),
                Err(CellError::LeftOut(kind)) if !alone => self.warn(column, cell, kind),
                Err(error) => return Err(error),
            }
        }
        Ok(Reading::Text)
    }

    /// Adds a time of the history of the record.
    fn time(&mut self, column: &Column, cell: &FilledCell<'_>, draft: &mut Draft) -> Result<Reading> {
        let at = self.instant(column, cell)?;
        let progress = &mut draft.progress;
        match &column.target {
            Target::CreatedAt => progress.created_at = Some(at),
            Target::ClosedAt => progress.closed_at = Some(at),
            Target::Entered(name) => {
                let stage = self.stages.iter().find(|stage| stage.name == *name);
                progress.entered.extend(stage.map(|stage| (stage.clone(), at)));
            }
            _ => {}
        }
        Ok(Reading::Date(at.to_string()))
    }

    fn member(
        &mut self,
        column: &Column,
        cell: &FilledCell<'_>,
        (member, kind): (&str, Cell),
        draft: &mut Draft,
    ) -> Result<Reading> {
        let values = match (member, kind) {
            ("email", Cell::Text) => emails(cell.text),
            ("phone", Cell::Text) => self.phones(column, cell)?,
            (_, Cell::Words) => {
                let value = self.conversion(column, cell, kind)?;
                let reading = Reading::of(&value, false);
                draft.add_words(member, value);
                return Ok(reading);
            }
            ("time_zone", Cell::Text) => {
                let zone = chrono_tz::TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(cell.text));
                let zone = zone.ok_or_else(|| self.unknown_choice(column, cell))?.name();
                draft.set(member, json!(zone));
                return Ok(Reading::Value(json!(zone)));
            }
            (_, Cell::Text) if !column.choices.is_empty() => {
                let value = self.choice(column, cell)?;
                draft.set(member, json!(value));
                return Ok(Reading::Value(json!(value)));
            }
            _ => {
                let value = self.conversion(column, cell, kind)?;
                let reading = match kind {
                    Cell::Text | Cell::Reference => Reading::Text,
                    kind => Reading::of(&value, matches!(kind, Cell::Date | Cell::Time)),
                };
                draft.set(member, value);
                return Ok(reading);
            }
        };
        if self.resource == ImportResource::Contacts {
            let names = if member == "email" { ("email", "emails") } else { ("phone", "phones") };
            values.iter().for_each(|value| draft.add_address(names, value, column.kind));
            return Ok(Reading::Value(json!(values)));
        }
        let first = self.first(column, cell, values);
        draft.set(member, json!(first));
        Ok(Reading::Value(json!(first)))
    }

    /// Returns the value of a closed set that a cell names in any notation, such as `Marketing Qualified`.
    fn choice(&mut self, column: &Column, cell: &FilledCell<'_>) -> Result<String> {
        let plain = cell.text.to_lowercase().replace([' ', '-'], "_");
        if let Some(known) = column.choices.iter().find(|known| **known == plain) {
            return Ok(known.clone());
        }
        Err(self.unknown_choice(column, cell))
    }

    fn unknown_choice(&mut self, column: &Column, cell: &FilledCell<'_>) -> CellError {
        self.report.count_unknown(&column.name, cell.text, None);
        CellError::LeftOut(UNKNOWN_CHOICE)
    }

    fn person(&mut self, column: &Column, cell: &FilledCell<'_>, member: &str, draft: &mut Draft) -> Result<Reading> {
        let values = match member {
            "email" => emails(cell.text),
            "phone" => self.phones(column, cell)?,
            _ => vec![cell.text.to_owned()],
        };
        let first = self.first(column, cell, values);
        draft.set_person(member, &first);
        Ok(Reading::Value(json!(first)))
    }

    /// Returns the first of several values, and warns of the others.
    fn first(&mut self, column: &Column, cell: &FilledCell<'_>, values: Vec<String>) -> String {
        if values.len() > 1 {
            self.warn(column, cell, FURTHER_VALUES);
        }
        values.into_iter().next().unwrap_or_else(|| cell.text.to_owned())
    }

    fn phones(&mut self, column: &Column, cell: &FilledCell<'_>) -> Result<Vec<String>> {
        // Refuses a number in scientific notation before its comma separates two numbers.
        phone_cells::phone(cell.text)?;
        let mut phones = Vec::new();
        for text in lists::phones(cell.text) {
            let Read { value, notes } = phone_cells::phone(&text)?;
            self.note(column, cell, &notes);
            phones.push(value);
        }
        Ok(phones)
    }

    fn conversion(&mut self, column: &Column, cell: &FilledCell<'_>, kind: Cell) -> Result<Json> {
        if matches!(kind, Cell::Date | Cell::Time) && is_no_date(cell.text) {
            return Err(CellError::LeftOut(NO_DATE));
        }
        if kind == Cell::Date && has_no_year(cell.text) {
            return Err(CellError::LeftOut(NO_YEAR));
        }
        if kind == Cell::Int && is_range(cell.text) {
            return Err(CellError::LeftOut(RANGE));
        }
        let conversion = Conversion { conventions: self.conventions, column, currency: cell.currency };
        let Read { value, notes } = conversion.value(cell.text, kind)?;
        self.note(column, cell, &notes);
        Ok(value)
    }

    fn instant(&mut self, column: &Column, cell: &FilledCell<'_>) -> Result<DateTime> {
        if is_no_date(cell.text) {
            return Err(CellError::LeftOut(NO_DATE));
        }
        let Read { value, notes } = self.conventions.instant(cell.text, column.dates)?;
        self.note(column, cell, &notes);
        Ok(value)
    }

    fn custom_value(&mut self, column: &Column, cell: &FilledCell<'_>, field: &CustomField) -> Result<Json> {
        if let Some(kind) = field.refers {
            return Ok(json!(self.find(column, kind, cell.text)?));
        }
        match field.kind {
            CustomKind::Email => Ok(json!(self.first(column, cell, emails(cell.text)))),
            CustomKind::Phone => {
                let phones = self.phones(column, cell)?;
                Ok(json!(self.first(column, cell, phones)))
            }
            CustomKind::Date if is_no_date(cell.text) => Err(CellError::LeftOut(NO_DATE)),
            _ => {
                let conversion = Conversion { conventions: self.conventions, column, currency: cell.currency };
                let Read { value, notes } = conversion.custom(cell.text, field)?;
                self.note(column, cell, &notes);
                Ok(value)
            }
        }
    }

    fn note(&mut self, column: &Column, cell: &FilledCell<'_>, notes: &[Note]) {
        // A currency sign is a question about the file.
        for note in notes.iter().filter(|note| **note != Note::SignGuessed) {
            self.warn(column, cell, note.as_str());
        }
    }

    fn warn(&mut self, column: &Column, cell: &FilledCell<'_>, kind: &'static str) {
        self.report.warn(&Warned { kind, column: &column.name, line: cell.line, raw: cell.raw });
    }

    /// Finds the record with the name in a cell.
    fn find(&mut self, column: &Column, kind: Kind, text: &str) -> Result<Uuid> {
        if let Some(id) = self.references.find(self.tx, kind, text)? {
            return Ok(id);
        }
        let what = kind.as_str().replace('_', " ");
        let nearest = self.references.nearest(self.tx, kind, text);
        let detail = match &nearest {
            Some(name) => format!("no {what} is called {text}; to use {name} instead, map the value {text} to {name}"),
            None => format!("no {what} is called {text}; import the {} first", kind.path()),
        };
        self.report.count_unknown(&column.name, text, nearest);
        match self.unknown_names {
            UnknownNames::Refuse => Err(CellError::Refused(FieldCode::ReferenceNotFound, detail)),
            UnknownNames::Create | UnknownNames::LeaveOut => Err(CellError::LeftOut(UNKNOWN_NAME)),
        }
    }

    /// Reads the name of a stage, or a status if no stage has this name.
    fn read_stage(&mut self, column: &Column, text: &str, draft: &mut Draft) -> Result<()> {
        let is_named = stage_names::named(self.stages, text).is_some();
        match outcome::status_of(text).filter(|_| !is_named) {
            Some(status) => draft.progress.status = Some(status),
            None => draft.progress.stage = Some(self.stage(column, text)?),
        }
        Ok(())
    }

    fn stage(&mut self, column: &Column, text: &str) -> Result<Stage> {
        if let Some(stage) =
            stage_names::named(self.stages, text).or_else(|| self.stage_names.get(&text.to_lowercase()))
        {
            return Ok(stage.clone());
        }
        let names = || self.stages.iter().map(|stage| stage.name.as_str());
        let fitting = names().filter(|name| outcomes::may_be_offered(text, name));
        let nearest = fitting.max_by(|a, b| strsim::jaro(a, text).total_cmp(&strsim::jaro(b, text)));
        self.report.count_unknown(&column.name, text, nearest.map(str::to_owned));
        let all = names().collect::<Vec<_>>().join(", ");
        let detail = format!("no stage is called {text}; the stages of the pipeline are {all}");
        Err(CellError::Refused(FieldCode::ReferenceNotFound, detail))
    }
}

/// Checks for a range such as `11-50` or `500+`.
fn is_range(text: &str) -> bool {
    let is_number =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | ' '));
    match text.split_once(['-', '–']) {
        Some((from, to)) => is_number(from.trim()) && is_number(to.trim()),
        None => text.strip_suffix('+').is_some_and(|from| is_number(from.trim())),
    }
}

/// Checks for a day and a month alone, such as `04/12` or `24.12.`.
fn has_no_year(text: &str) -> bool {
    let parts: Vec<&str> = text.trim_end_matches('.').split(['/', '.', '-']).collect();
    parts.len() == 2
        && parts.iter().all(|part| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
}

/// Returns the e-mail addresses in a cell, or the text itself if there are none.
fn emails(text: &str) -> Vec<String> {
    let found: Vec<String> = lists::mailboxes(text).into_iter().filter_map(|mailbox| mailbox.email).collect();
    if found.is_empty() { vec![text.to_owned()] } else { found }
}

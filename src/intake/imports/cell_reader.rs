//! Converts the text of a cell to a member of the record of its row.
use crate::db::tx::Tx;
use crate::intake::imports::custom;
use crate::intake::imports::draft::Draft;
use crate::intake::imports::model::ImportReport;
use crate::intake::imports::reading::notation::{Notation, Refusal};
use crate::intake::imports::references::References;
use crate::intake::imports::targets::Target;
use crate::kernel::error::{Error, FieldCode};
use crate::kernel::fields::custom::CustomField;
use crate::kernel::fields::kind::Kind;
use crate::sales::stages::Stage;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use uuid::Uuid;

/// A mapped column.
#[derive(Debug)]
pub struct Column {
    pub index: usize,
    pub name: String,
    pub target: Target,
    /// Values that are replaced by others.
    pub values: HashMap<String, String>,
    pub multiply: i64,
}

/// A refused cell, or an error of the database.
#[derive(Debug)]
pub enum CellError {
    Refused(Refusal),
    Failed(Error),
}

impl From<Refusal> for CellError {
    fn from(refusal: Refusal) -> CellError {
        CellError::Refused(refusal)
    }
}

impl From<Error> for CellError {
    fn from(error: Error) -> CellError {
        CellError::Failed(error)
    }
}

/// Converts the cells of a row.
pub struct CellReader<'r, 'c> {
    pub tx: &'r mut Tx<'c>,
    pub notation: &'r Notation,
    pub stages: &'r [Stage],
    pub references: &'r mut References,
    pub report: &'r mut ImportReport,
}

impl CellReader<'_, '_> {
    /// Adds a cell that is not empty to the draft.
    pub fn read(&mut self, column: &Column, text: &str, draft: &mut Draft) -> Result<(), CellError> {
        match &column.target {
            Target::Member(member, cell) => draft.set(member, self.notation.value(text, *cell, column.multiply)?),
            Target::Reference(member, kind) => {
                draft.set_reference(member, *kind, text, self.find(column, *kind, text)?);
            }
            Target::Custom(field) => {
                let value = self.custom_value(column, field, text)?;
                custom::put(&mut draft.body, field, value);
            }
            Target::Person(member) => draft.set_person(member, text),
            Target::Product => draft.set_product(text, self.find(column, Kind::PRODUCT, text)?),
            Target::DealContact => draft.set_contact(self.find(column, Kind::CONTACT, text)?),
            Target::LossReason => draft.loss_reason = Some(self.find(column, Kind::LOSS_REASON, text)?),
            Target::Stage => draft.progress.stage = Some(self.stage(column, text)?),
            Target::CreatedAt => draft.progress.created_at = Some(self.notation.instant(text)?),
            Target::ClosedAt => draft.progress.closed_at = Some(self.notation.instant(text)?),
            Target::Entered(name) => {
                let at = self.notation.instant(text)?;
                let stage = self.stages.iter().find(|stage| stage.name == *name);
                draft.progress.entered.extend(stage.map(|stage| (stage.clone(), at)));
            }
        }
        Ok(())
    }

    fn custom_value(&mut self, column: &Column, field: &CustomField, text: &str) -> Result<Json, CellError> {
        match field.refers {
            None => Ok(custom::value(self.notation, field, text, column.multiply)?),
            Some(kind) => Ok(json!(self.find(column, kind, text)?)),
        }
    }

    /// Finds the record with the name in a cell.
    fn find(&mut self, column: &Column, kind: Kind, text: &str) -> Result<Uuid, CellError> {
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
        Err(Refusal { code: FieldCode::ReferenceNotFound, detail }.into())
    }

    fn stage(&mut self, column: &Column, text: &str) -> Result<Stage, CellError> {
        if let Some(stage) = self.stages.iter().find(|stage| stage.name.eq_ignore_ascii_case(text)) {
            return Ok(stage.clone());
        }
        let names = || self.stages.iter().map(|stage| stage.name.as_str());
        let nearest = names().max_by(|a, b| strsim::jaro(a, text).total_cmp(&strsim::jaro(b, text)));
        self.report.count_unknown(&column.name, text, nearest.map(str::to_owned));
        let all = names().collect::<Vec<_>>().join(", ");
        let detail = format!("no stage is called {text}; the stages of the pipeline are {all}");
        Err(Refusal { code: FieldCode::ReferenceNotFound, detail }.into())
    }
}

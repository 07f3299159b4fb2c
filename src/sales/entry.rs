//! The move of a record to another stage, as the stores of leads and deals carry it out.
use crate::db::event::Event;
use crate::db::table::Stored;
use crate::db::tx::Tx;
use crate::kernel::access::record::Record;
use crate::kernel::error::{Error, Result};
use crate::kernel::fields::custom::CustomValue;
use crate::kernel::values::money::Money;
use crate::kernel::values::time::DateTime;
use crate::sales::spans::{self, Step};
use crate::sales::stages::{Category, Stage, verb_of_move};
use std::collections::HashMap;
use uuid::Uuid;

/// What a record gets when it enters a stage.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    pub value: Option<Money>,
    pub delivery_date: Option<chrono::NaiveDate>,
    pub loss_reason: Option<Uuid>,
    pub loss_note: Option<String>,
    pub competitor: Option<String>,
    pub fields: Vec<CustomValue>,
    /// The place on the board. The top of the column if absent.
    pub position: Option<i64>,
    /// Whether the move comes from an import. Its file may lack the loss reason.
    pub imported: bool,
}

impl Ending {
    /// Checks the loss reason against the category of the stage.
    pub fn check_reason(&self, stage: &Stage) -> Result<()> {
        if self.imported && self.loss_reason.is_none() { Ok(()) } else { stage.takes_loss_reason(self.loss_reason) }
    }
}

/// A locked record and the stage that it enters. The stage is locked against deletion, and not the current one.
#[derive(Clone, Debug)]
pub struct Entry<'e, R> {
    pub record: &'e R,
    pub stage: &'e Stage,
    /// The time of the move. It may be in the past.
    pub at: DateTime,
    pub ending: Ending,
}

impl<R: Record> Entry<'_, R> {
    fn step(&self) -> Step<'_> {
        Step { record: self.record.id(), stage: self.stage, at: self.at }
    }

    /// Checks whether a closed record becomes open. `before` is its status before the move.
    pub fn reopens(&self, before: Category) -> bool {
        before != Category::Open && self.stage.category == Category::Open
    }
}

/// Writes the spans and the events of moved records, and returns the records in the order of the entries.
pub fn finish<R: Stored>(
    tx: &mut Tx<'_>,
    entries: &[Entry<'_, R>],
    moved: Vec<R>,
    status: fn(&R) -> Category,
) -> Result<Vec<R>> {
    let steps: Vec<Step<'_>> = entries.iter().map(Entry::step).collect();
    spans::advance_each(tx, &steps)?;
    let mut moved: HashMap<Uuid, R> = moved.into_iter().map(|row| (row.id(), row)).collect();
    let mut result = Vec::with_capacity(entries.len());
    for entry in entries {
        let after = moved.remove(&entry.record.id()).ok_or_else(Error::not_found)?;
        let verb = verb_of_move(status(entry.record), status(&after));
        tx.record(Event::changed(verb, entry.record, &after)?);
        result.push(after);
    }
    Ok(result)
}

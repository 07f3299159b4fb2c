//! The move of a record to another stage, as the stores of leads and deals carry it out.
use crate::kernel::access::record::Record;
use crate::kernel::error::Result;
use crate::kernel::fields::custom::CustomValue;
use crate::kernel::values::money::Money;
use crate::kernel::values::time::DateTime;
use crate::sales::spans::Step;
use crate::sales::stages::Stage;
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
    pub fn step(&self) -> Step<'_> {
        Step { record: self.record.id(), stage: self.stage, at: self.at }
    }
}

//! Converts the text of a cell to a JSON value.
use crate::intake::imports::column::Column;
use crate::intake::imports::custom;
use crate::intake::imports::meaning::conventions::Conventions;
use crate::intake::imports::meaning::doubt::{Read, Refusal, RefusalKind};
use crate::intake::imports::meaning::{booleans, lists, probability};
use crate::kernel::bodies::shape::Cell;
use crate::kernel::fields::custom::CustomField;
use serde_json::{Value as Json, json};

/// What the value of a cell depends on, apart from its text.
#[derive(Clone, Copy, Debug)]
pub struct Conversion<'c> {
    pub conventions: &'c Conventions,
    pub column: &'c Column,
    /// The currency that another column of the row names.
    pub currency: Option<&'c str>,
}

impl Conversion<'_> {
    pub fn value(&self, text: &str, cell: Cell) -> Result<Read<Json>, Refusal> {
        let Conversion { conventions, column, currency } = self;
        match cell {
            Cell::Text | Cell::Reference => Ok(Read::plain(json!(text))),
            Cell::Int => match column.scale {
                Some(scale) => Ok(probability::percent(text, scale)?.map(|percent| json!(percent))),
                None => Ok(conventions.integer(text, column.multiply)?.map(|number| json!(number))),
            },
            Cell::Bool => boolean(text).map(|yes| Read::plain(json!(yes))),
            Cell::Date => Ok(conventions.date(text, column.dates)?.map(|date| json!(date))),
            Cell::Time => Ok(conventions.instant(text, column.dates)?.map(|at| json!(at))),
            Cell::Words => Ok(Read::plain(json!(lists::tags(text)))),
            Cell::Money => {
                let amount = conventions.amount(text, *currency, column.multiply)?;
                Ok(amount.map(|amount| json!({ "amount": amount.minor, "currency": amount.currency })))
            }
        }
    }

    /// Returns the value of a custom field.
    pub fn custom(&self, text: &str, field: &CustomField) -> Result<Read<Json>, Refusal> {
        match custom::cell(field.kind) {
            Some(cell) => self.value(text, cell),
            None => Ok(self.conventions.number(text)?.map(|number| json!(number))),
        }
    }
}

fn boolean(text: &str) -> Result<bool, Refusal> {
    let refusal = || Refusal::new(RefusalKind::Unreadable, format!("{text} is not a boolean; use yes or no"));
    booleans::boolean(text).ok_or_else(refusal)
}

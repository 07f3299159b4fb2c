//! A mapped column, and how its cells are read.
use crate::intake::imports::meaning::conventions::DateColumn;
use crate::intake::imports::meaning::decisions::Decisions;
use crate::intake::imports::meaning::probability::Scale;
use crate::intake::imports::settings::ColumnMapping;
use crate::intake::imports::targets::Target;
use crate::people::contacts::reach::AddressKind;
use std::collections::HashMap;

#[derive(Debug)]
pub struct Column {
    pub index: usize,
    pub name: String,
    pub target: Target,
    /// Values that are replaced by others.
    pub values: HashMap<String, String>,
    /// The values that the member can have, if it has a closed set of them.
    pub choices: Vec<String>,
    /// Numbers and amounts are multiplied by this factor.
    pub multiply: i64,
    /// The kind of the addresses of a contact.
    pub kind: Option<AddressKind>,
    pub dates: DateColumn,
    /// The scale of a column of probabilities.
    pub scale: Option<Scale>,
}

impl Column {
    pub fn new(index: usize, mapping: &ColumnMapping, target: Target) -> Column {
        Column {
            index,
            name: mapping.column.clone(),
            target,
            values: mapping.values.iter().map(|value| (value.from.clone(), value.to.clone())).collect(),
            choices: Vec::new(),
            multiply: mapping.multiply.unwrap_or(1),
            kind: mapping.kind,
            dates: DateColumn::default(),
            scale: None,
        }
    }

    /// Takes what was decided about the column.
    pub fn decide(&mut self, decisions: &Decisions) {
        self.dates = decisions.dates.get(&self.name).copied().unwrap_or_default();
        self.scale = decisions.scales.get(&self.name).copied();
    }
}

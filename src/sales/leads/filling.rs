//! Decides which values of a lead are written to the existing records into which it is converted.
use crate::kernel::access::grants::Access;
use crate::kernel::fields::kind::Kind;
use crate::text_enum;
use std::sync::Arc;

/// The maximum number of e-mail addresses, and of phone numbers, of a contact.
const ADDRESSES_MAX: usize = 20;

text_enum! {
    /// How the lead's data change an existing record: fill empty members, overwrite members, or change nothing.
    pub enum OnConflict { FillEmpty = "fill_empty", Overwrite = "overwrite", Keep = "keep", }
}

/// The created records and filled members so far.
#[derive(Default)]
pub(super) struct Made {
    pub(super) created: Vec<String>,
    pub(super) filled: Vec<String>,
    /// Whether the contact was found by an e-mail that the role hides.
    pub(super) found_by_hidden: bool,
}

/// Decides for each member whether the lead's value is written to an existing record.
pub(super) struct Filler<'m> {
    pub(super) mode: OnConflict,
    pub(super) kind: Kind,
    pub(super) access: Arc<Access>,
    pub(super) made: &'m mut Made,
}

impl Filler<'_> {
    pub(super) fn text<T: PartialEq>(&mut self, member: &str, old: Option<&T>, new: Option<T>) -> Option<Option<T>> {
        let new = new?;
        // Filling would reveal whether a hidden member is empty.
        let hidden = self.mode == OnConflict::FillEmpty && self.access.hides(self.kind.path(), member);
        let written = match self.mode {
            _ if hidden => false,
            OnConflict::Keep => false,
            OnConflict::FillEmpty => old.is_none(),
            OnConflict::Overwrite => old != Some(&new),
        };
        if !written {
            return None;
        }
        self.made.filled.push(format!("{}.{member}", self.kind.as_str()));
        Some(Some(new))
    }

    pub(super) fn hides(&self, member: &str) -> bool {
        self.access.hides(self.kind.path(), member)
    }

    /// Returns the list with the new value, if the mode is `fill_empty` and the list has room for it.
    pub(super) fn more<T>(&mut self, member: &str, new: impl FnOnce() -> Vec<T>) -> Option<Vec<T>> {
        if self.mode != OnConflict::FillEmpty || self.hides(member) {
            return None;
        }
        let new = Some(new()).filter(|list| list.len() <= ADDRESSES_MAX)?;
        self.made.filled.push(format!("{}.{member}", self.kind.as_str()));
        Some(new)
    }
}

//! What the rows of a file shall become, and what is known for its recognition.
use crate::intake::imports::remembered::Remembered;
use crate::intake::imports::resource::ImportResource;

#[derive(Clone, Copy, Debug)]
pub struct Wanted<'w> {
    pub resource: ImportResource,
    /// The kinds of records that each row holds.
    pub among: &'w [ImportResource],
    /// The open stages of the default pipeline.
    pub stages: &'w [String],
    pub remembered: &'w Remembered,
}

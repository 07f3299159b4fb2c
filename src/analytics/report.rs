//! The resource of reports.
use crate::kernel::access::resource::{Builtin, Descriptor, Resource};

/// The resource of the permission to read reports.
#[derive(Debug)]
pub struct Report;

impl Resource for Report {
    const DESCRIPTOR: &Descriptor = &Descriptor::calls("analytics", "Reports over pipelines.").shared(
        Builtin::Viewer,
        Builtin::Owner,
        Builtin::Owner,
    );
}

/// What a report or a part of it counts.
#[derive(Debug)]
pub struct Definition {
    /// The name, which is also the name of the report.
    pub name: &'static str,
    /// Grows when the same records give other figures.
    pub version: i32,
    pub text: &'static str,
    /// What the figures leave out, in words.
    pub leaves_out: &'static [&'static str],
}

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

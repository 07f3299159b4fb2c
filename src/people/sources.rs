//! Sources of contacts and leads.
crate::named_resource! {
    /// Where contacts and leads come from, such as a fair, a web form or a referral.
    Source, SourceCreate, SourceUpdate, SourcePage, SourceList;
    table: sources, kind: SOURCE, extra: [channel], unique: "sources_name_key";
    paths: "/sources", "/sources/{source_id}", "source_id";
    operations: "list_sources", "create_source", "get_source", "update_source", "delete_source";
}

use crate::kernel::event_verbs as verbs;
use crate::kernel::resource::{Builtin, Descriptor, Display, Resource};

impl Kind {
    pub const SOURCE: Kind = Kind::new("source", "sources");
}

impl Resource for Source {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::SOURCE, "The sources of contacts, leads and deals.")
        .shared(Builtin::Viewer, Builtin::Manager, Builtin::Manager)
        .events(&[verbs::BASIC])
        .included_as(Display::Column("sources.name"));
}

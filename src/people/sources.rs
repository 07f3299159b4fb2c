//! Sources: where people come from.
crate::named_resource! {
    /// Where people come from: a fair, a web form, a referral.
    Source, SourceCreate, SourceUpdate, SourcePage, SourceList;
    table: sources, kind: Source, extra: [channel], unique: "sources_name_key";
    paths: "/sources", "/sources/{source_id}", "source_id";
    operations: "list_sources", "create_source", "get_source", "update_source", "delete_source";
}

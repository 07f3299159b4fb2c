//! Tags: labels that any record can carry. Records hold the words themselves; this list holds their colours.
crate::names! {
    /// A label.
    Tag, TagCreate, TagUpdate, TagPage, TagList;
    table: tags, kind: Tag, extra: [color], unique: "tags_name_key";
    paths: "/tags", "/tags/{tag_id}", "tag_id";
    operations: "list_tags", "create_tag", "get_tag", "update_tag", "delete_tag";
}

/// Adds the words that a record carries to the list, so that clients can offer them.
pub fn note(tx: &mut Tx<'_>, words: &crate::kernel::tags::Tags) -> Result<()> {
    if words.0.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = words
        .0
        .iter()
        .map(|word| {
            (
                tags::workspace_id.eq(tx.workspace()),
                tags::id.eq(Uuid::now_v7()),
                tags::name.eq(word),
                tags::created_at.eq(tx.now),
                tags::updated_at.eq(tx.now),
            )
        })
        .collect();
    diesel::insert_into(tags::table).values(rows).on_conflict_do_nothing().execute(tx.conn)?;
    Ok(())
}

//! Tags: labels that any record can carry. Records hold the words themselves; this list holds their colours.
crate::names! {
    /// A label.
    Tag, TagCreate, TagUpdate, TagPage, TagList;
    table: tags, kind: Tag, extra: [color], unique: "tags_name_key";
    paths: "/tags", "/tags/{tag_id}", "tag_id";
    operations: "list_tags", "create_tag", "get_tag", "update_tag", "delete_tag";
}

/// Adds the words that records carry to the list, so that clients can offer them; in one order, so that nobody waits in a circle.
pub fn note<'t>(tx: &mut Tx<'_>, carried: impl IntoIterator<Item = &'t crate::kernel::tags::Tags>) -> Result<()> {
    let words: std::collections::BTreeSet<&String> = carried.into_iter().flat_map(|tags| &tags.0).collect();
    if words.is_empty() {
        return Ok(());
    }
    let row = |word: &String| {
        (
            tags::workspace_id.eq(tx.workspace()),
            tags::id.eq(Uuid::now_v7()),
            tags::name.eq(word.clone()),
            tags::created_at.eq(tx.now),
            tags::updated_at.eq(tx.now),
        )
    };
    let rows: Vec<_> = words.into_iter().map(row).collect();
    diesel::insert_into(tags::table).values(rows).on_conflict_do_nothing().execute(tx.conn)?;
    Ok(())
}

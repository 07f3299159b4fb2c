//! The records that an import wrote: noted in the transaction of the chunk, from its events.
use crate::db::event::Event;
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::kernel::error::Result;
use crate::kernel::values::time::DateTime;
use diesel::RunQueryDsl;
use serde_json::Value as Json;
use uuid::Uuid;

/// Notes what a chunk of an import wrote since the time at which it began, with one statement.
pub fn note(tx: &mut Tx<'_>, import: Uuid, since: DateTime) -> Result<()> {
    let events: Vec<&Event> = tx.recorded_events().iter().filter(|event| event.version().is_some()).collect();
    if events.is_empty() {
        return Ok(());
    }
    let texts = |of: fn(&Event) -> String| Part::Texts(events.iter().map(|event| of(event)).collect());
    let note = Statement::new(include_str!("written.sql"))
        .set("workspace", Part::Id(tx.workspace()))
        .set("import", Part::Id(import))
        .set("since", Part::At(since))
        .set("words", Part::Texts(tags_of(&events)))
        .set("kinds", texts(|event| event.kind().as_str().to_owned()))
        .set("records", Part::Ids(events.iter().map(|event| event.record()).collect()))
        .set("versions", texts(|event| event.version().unwrap_or_default().to_string()))
        .set("created", texts(|event| event.is_creation().to_string()));
    note.execute(tx.conn)?;
    Ok(())
}

/// Returns the tags of the records, sorted.
fn tags_of(events: &[&Event]) -> Vec<String> {
    let tags = events.iter().filter_map(|event| event.new_value("tags")?.as_array());
    let mut words: Vec<String> = tags.flatten().filter_map(Json::as_str).map(str::to_owned).collect();
    words.sort_unstable();
    words.dedup();
    words
}

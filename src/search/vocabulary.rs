//! The vocabulary: the distinct words in the records of a workspace. A search for a misspelled word looks for similar
//! words here, so that its cost depends on the number of words and not of records.
//!
//! Requests do not update the vocabulary, because two requests with the same new word would block each other. A
//! worker collects the words from the event feed, and a search also reads the latest records that are not collected
//! yet.
use crate::db::pool::Db;
use crate::db::sql::{Part, Statement};
use crate::db::transaction::in_transaction;
use crate::db::tx::Tx;
use crate::kernel::error::Result;
use crate::schema::vocabularies;
use crate::search::sources::SEARCH_SOURCES;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Uuid as SqlUuid};
use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The number of events that one transaction reads. An erasure may have to wait for the transaction.
const EVENTS_AT_ONCE: i64 = 250;
/// The number of words that one statement adds.
const WORDS_AT_ONCE: usize = 5_000;
/// The time after which other periodic work continues before the remaining events.
const TIME_SLICE: Duration = Duration::from_secs(1);
/// The number of workspaces that one run updates.
const WORKSPACES: i64 = 100;
/// The maximum number of uncollected events that a search reads.
const UNREAD_MAX: i64 = 1_000;

/// The number of characters of a text from which words are taken.
const TEXT_MAX: i64 = 2_000;
/// The length of words that are collected and corrected.
const WORD_LENGTH: Range<usize> = 3..41;
/// The number of words of a query that are corrected.
const QUERY_WORDS_MAX: usize = 8;
/// The number of candidates for one word of a query.
const CANDIDATES_MAX: usize = 6;
/// The number of corrected queries that are tried.
const CORRECTIONS_MAX: usize = 6;

/// A corrected query, and its number of edits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    pub text: String,
    pub edits: usize,
}

/// Collects new words of all workspaces. Returns whether more events may be waiting.
pub fn update(db: &Db) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Unread {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let unread = Statement::new(include_str!("unread.sql")).set("limit", Part::Int(WORKSPACES));
    let workspaces: Vec<Unread> = db.run_blocking(|conn| Ok(unread.load(conn)?))?;
    let (mut more, begun) = (false, Instant::now());
    for workspace in workspaces.iter().take_while(|_| begun.elapsed() < TIME_SLICE) {
        // An error in one workspace must not affect the others.
        match db.run_blocking(|conn| in_transaction(conn, |conn| read_next_events(conn, workspace.id))) {
            Ok(read) => more |= read,
            Err(error) => log::warn!("new words of workspace {} were not collected: {error}", workspace.id),
        }
    }
    Ok(more)
}

/// Adds the words of the next events, if there are any and no other worker is reading. Locks the position first,
/// because an erasure resets it and deletes the words.
fn read_next_events(conn: &mut PgConnection, workspace: Uuid) -> Result<bool> {
    let new = vocabularies::workspace_id.eq(workspace);
    diesel::insert_into(vocabularies::table).values(new).on_conflict_do_nothing().execute(conn)?;
    let position = vocabularies::table.find(workspace).select((vocabularies::xid, vocabularies::seq));
    let Some(read) = position.for_update().skip_locked().first(conn).optional()? else { return Ok(false) };
    let events = events(conn, workspace, read, "and settled(xid) order by xid, seq", EVENTS_AT_ONCE)?;
    let Some(last) = events.last() else { return Ok(false) };
    let words: Vec<String> = words_of(conn, workspace, &events)?.into_iter().collect();
    for some in words.chunks(WORDS_AT_ONCE) {
        Statement::new(
            "insert into words (workspace_id, word) select :workspace, unnest(:words) on conflict do nothing",
        )
        .set("workspace", Part::Id(workspace))
        .set("words", Part::Texts(some.to_vec()))
        .execute(conn)?;
    }
    diesel::update(vocabularies::table.find(workspace))
        .set((vocabularies::xid.eq(last.xid), vocabularies::seq.eq(last.seq)))
        .execute(conn)?;
    Ok(true)
}

#[derive(QueryableByName)]
struct EventRef {
    #[diesel(sql_type = Text)]
    record_kind: String,
    #[diesel(sql_type = SqlUuid)]
    record_id: Uuid,
    #[diesel(sql_type = BigInt)]
    xid: i64,
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

fn events(
    conn: &mut PgConnection,
    workspace: Uuid,
    (xid, seq): (i64, i64),
    order: &'static str,
    limit: i64,
) -> Result<Vec<EventRef>> {
    let statement = Statement::new(include_str!("noted.sql"))
        .set("workspace", Part::Id(workspace))
        .set("xid", Part::Int(xid))
        .set("seq", Part::Int(seq))
        .set("order", Part::Sql(order))
        .set("limit", Part::Int(limit));
    Ok(statement.load(conn)?)
}

/// Returns the words in the current texts of these records, in order.
fn words_of(conn: &mut PgConnection, workspace: Uuid, events: &[EventRef]) -> Result<BTreeSet<String>> {
    #[derive(QueryableByName)]
    struct RecordText {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let mut words = BTreeSet::new();
    for source in &SEARCH_SOURCES {
        let of_kind = events.iter().filter(|event| event.record_kind == source.kind.as_str());
        let ids: HashSet<Uuid> = of_kind.map(|event| event.record_id).collect();
        if ids.is_empty() {
            continue;
        }
        let texts: Vec<RecordText> = Statement::new(
            "select left(:words, :beginning::int) as text from :records \
             where workspace_id = :workspace and id = any(:ids) and deleted_at is null",
        )
        .set("beginning", Part::Int(TEXT_MAX))
        .set("words", Part::Sql((source.words)()))
        .set("records", Part::Sql(source.kind.table()))
        .set("workspace", Part::Id(workspace))
        .set("ids", Part::Ids(ids.into_iter().collect()))
        .load(conn)?;
        for record in &texts {
            words.extend(words_in(&record.text).map(|(_, word)| word.to_owned()));
        }
    }
    Ok(words)
}

/// Returns the words of a text and their positions. A word is a run of letters of a suitable length.
fn words_in(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let runs = text.split(|c: char| !c.is_alphabetic()).filter(|run| WORD_LENGTH.contains(&run.chars().count()));
    runs.map(|run| (run.as_ptr().addr() - text.as_ptr().addr(), run))
}

/// A word of the query and its candidates, including the word itself if a known word begins with it.
struct QueryWord<'a> {
    at: usize,
    word: &'a str,
    /// The most similar first, with their numbers of edits.
    candidates: Vec<(usize, String)>,
}

/// Returns corrected queries, the most similar first, with at most `longest` characters. `text` is folded.
pub fn corrections(tx: &mut Tx<'_>, text: &str, longest: usize) -> Result<Vec<Correction>> {
    let asked: Vec<(usize, &str)> = words_in(text).take(QUERY_WORDS_MAX).collect();
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let near = nearest(tx, &asked.iter().map(|(_, word)| *word).collect())?;
    let candidates = |&(at, word)| QueryWord { at, word, candidates: candidates(word, &near) };
    let mut combinations = combine(text, &asked.iter().map(candidates).collect::<Vec<_>>());
    combinations.retain(|combination| combination.text.chars().count() <= longest);
    Ok(combinations)
}

#[derive(QueryableByName)]
struct Near {
    #[diesel(sql_type = Text)]
    asked: String,
    #[diesel(sql_type = Nullable<Text>)]
    word: Option<String>,
    #[diesel(sql_type = Bool)]
    known: bool,
}

fn nearest(tx: &mut Tx<'_>, asked: &BTreeSet<&str>) -> Result<Vec<Near>> {
    let mut unread_words = unread_words(tx)?;
    unread_words
        .retain(|word| asked.iter().any(|asked| word.starts_with(asked) || edit_distance(asked, word).is_some()));
    let near = Statement::new(include_str!("near_words.sql"))
        .set("workspace", Part::Id(tx.workspace()))
        .set("asked", Part::Texts(asked.iter().map(|word| (*word).to_owned()).collect()))
        .set("fresh", Part::Texts(unread_words.into_iter().collect()));
    Ok(near.load(tx.conn)?)
}

/// Returns the words of records that changed since the vocabulary was read, limited to the latest records.
fn unread_words(tx: &mut Tx<'_>) -> Result<BTreeSet<String>> {
    let workspace = tx.workspace();
    let position = vocabularies::table.find(workspace).select((vocabularies::xid, vocabularies::seq));
    let read = position.first(tx.conn).optional()?.unwrap_or_default();
    let events = events(tx.conn, workspace, read, "order by xid desc, seq desc", UNREAD_MAX)?;
    words_of(tx.conn, workspace, &events)
}

fn candidates(asked: &str, near: &[Near]) -> Vec<(usize, String)> {
    let near = || near.iter().filter(|near| near.asked == asked);
    let words = near().filter_map(|near| near.word.as_ref());
    let mut candidates: Vec<(usize, String)> = words
        .filter_map(|word| Some((edit_distance(asked, word)?, word.clone())))
        .filter(|(edits, _)| *edits > 0)
        .collect();
    // With the same number of edits, transposed letters and an equal beginning indicate the best candidate.
    let likeness = |word: &str| strsim::jaro_winkler(asked, word);
    candidates
        .sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| likeness(y).total_cmp(&likeness(x))).then_with(|| x.cmp(y)));
    candidates.truncate(CANDIDATES_MAX);
    if near().any(|near| near.known) {
        candidates.insert(0, (0, asked.to_owned()));
    }
    candidates
}

/// Returns the number of edits between two words, if it is small enough: at most one insertion, deletion,
/// substitution or transposition, or two in a long word.
fn edit_distance(asked: &str, word: &str) -> Option<usize> {
    let max_edits = if asked.chars().count() > 6 { 2 } else { 1 };
    Some(strsim::osa_distance(asked, word)).filter(|edits| *edits <= max_edits)
}

/// Combines the candidates of all words and keeps the combinations with the fewest edits.
fn combine(text: &str, asked: &[QueryWord<'_>]) -> Vec<Correction> {
    let mut combinations = vec![Correction { text: String::new(), edits: 0 }];
    let mut from = 0;
    for QueryWord { at, word, candidates } in asked {
        let between = text.get(from..*at).unwrap_or_default();
        combinations = combinations
            .iter()
            .flat_map(|combination| {
                let then = |(edits, word): &(usize, String)| Correction {
                    text: format!("{}{between}{word}", combination.text),
                    edits: combination.edits + edits,
                };
                candidates.iter().map(then)
            })
            .collect();
        combinations.sort_by_key(|combination| combination.edits);
        // One more, because the unchanged query may be among them.
        combinations.truncate(CORRECTIONS_MAX + 1);
        from = at + word.len();
    }
    let rest = text.get(from..).unwrap_or_default();
    combinations.iter_mut().for_each(|combination| combination.text.push_str(rest));
    combinations.retain(|combination| combination.edits > 0);
    combinations.truncate(CORRECTIONS_MAX);
    combinations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_letters_in_a_row() {
        let found: Vec<(usize, &str)> = words_in("анна-anna rand799 of x@mail.example").collect();
        assert_eq!(found, [(0, "анна"), (9, "anna"), (14, "rand"), (27, "mail"), (32, "example")]);
    }

    #[test]
    fn the_fewest_slips_come_first() {
        let word = |at, word, candidates: &[(usize, &str)]| QueryWord {
            at,
            word,
            candidates: candidates.iter().map(|(edits, word)| (*edits, (*word).to_owned())).collect(),
        };
        let asked = [word(0, "jonh", &[(1, "john"), (2, "jona")]), word(6, "smyth", &[(0, "smyth"), (1, "smith")])];
        let texts: Vec<(String, usize)> =
            combine("jonh, smyth!", &asked).into_iter().map(|c| (c.text, c.edits)).collect();
        let expected = [("john, smyth!", 1), ("john, smith!", 2), ("jona, smyth!", 2), ("jona, smith!", 3)];
        assert_eq!(texts, expected.map(|(text, edits)| (text.to_owned(), edits)));
        assert_eq!(combine("smyth", &[word(0, "smyth", &[(0, "smyth")])]), []);
        assert_eq!(combine("qqq", &[word(0, "qqq", &[])]), []);
    }
}

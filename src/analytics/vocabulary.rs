//! The words that a workspace's records say, each once. A search for a mistyped word looks for the nearest of these, so that it costs
//! with the words there are and not with the records that say them.
//!
//! Writers do not keep the vocabulary: two who bring the same new word would wait for each other. The worker gathers it from the
//! feed of events, and a search looks itself through the latest records that are not gathered yet.
use crate::analytics::search_sources::SEARCH_SOURCES;
use crate::db::pool::Db;
use crate::db::sql::{Part, Statement};
use crate::db::tx::{Tx, in_transaction};
use crate::kernel::error::Result;
use crate::schema::vocabularies;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Uuid as SqlUuid};
use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Events that are read in one transaction, which an erasure may have to wait for.
const EVENTS_AT_ONCE: i64 = 250;
/// Words that one statement adds.
const WORDS_AT_ONCE: usize = 5_000;
/// After this long, what else there is to do comes before what is left to read.
const TIME_SLICE: Duration = Duration::from_secs(1);
/// Workspaces that are read on in one turn.
const WORKSPACES: i64 = 100;
/// Events that a search reads which the worker has not.
const UNREAD_MAX: i64 = 1_000;

/// Characters of a text from which words are taken.
const TEXT_MAX: i64 = 2_000;
/// Letters of a word that is kept and can be mistyped.
const WORD_LENGTH: Range<usize> = 3..41;
/// Words of a question that are looked at.
const QUERY_WORDS_MAX: usize = 8;
/// Words that are tried for one that was asked.
const CANDIDATES_MAX: usize = 6;
/// Other questions that are tried for the one that was asked.
const CORRECTIONS_MAX: usize = 6;

/// A question that may have been meant, and how many edits it is away from the one that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    pub text: String,
    pub edits: usize,
}

/// Reads on where a worker has stopped, in each workspace; says whether there may be more to read.
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
        // What goes wrong in one workspace is none of the others' business.
        match db.run_blocking(|conn| in_transaction(conn, |conn| read_next_events(conn, workspace.id))) {
            Ok(read) => more |= read,
            Err(error) => log::warn!("new words of workspace {} were not gathered: {error}", workspace.id),
        }
    }
    Ok(more)
}

/// Adds the words of the next events, if there are any and nobody else is at it. The position is locked first: an erasure takes it back and
/// the words with it.
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

/// The words that these records say now, in order.
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
        .set("records", Part::Sql(source.kind.path()))
        .set("workspace", Part::Id(workspace))
        .set("ids", Part::Ids(ids.into_iter().collect()))
        .load(conn)?;
        for record in &texts {
            words.extend(words_in(&record.text).map(|(_, word)| word.to_owned()));
        }
    }
    Ok(words)
}

/// Where words stand in a text: letters in a row, not too few and not too many.
fn words_in(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let runs = text.split(|c: char| !c.is_alphabetic()).filter(|run| WORD_LENGTH.contains(&run.chars().count()));
    runs.map(|run| (run.as_ptr().addr() - text.as_ptr().addr(), run))
}

/// A word that was asked for, and what may stand in its place: itself too when some word begins so.
struct QueryWord<'a> {
    at: usize,
    word: &'a str,
    /// The nearest first, each with its edits.
    candidates: Vec<(usize, String)>,
}

/// What may have been meant by words that are written nowhere, the nearest first, with at most `longest` characters. `text` is folded.
pub fn corrections(tx: &mut Tx<'_>, text: &str, longest: usize) -> Result<Vec<Correction>> {
    let asked: Vec<(usize, &str)> = words_in(text).take(QUERY_WORDS_MAX).collect();
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let near = nearest(tx, &asked.iter().map(|(_, word)| *word).collect())?;
    let candidates = |&(at, word)| QueryWord { at, word, candidates: candidates(word, &near) };
    let mut ways = combine(text, &asked.iter().map(candidates).collect::<Vec<_>>());
    ways.retain(|way| way.text.chars().count() <= longest);
    Ok(ways)
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

/// The words of what was written since the vocabulary was read, of the latest records if these are many.
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
    // Among equally many edits, letters that changed places and a beginning that is right tell most.
    let likeness = |word: &str| strsim::jaro_winkler(asked, word);
    candidates
        .sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| likeness(y).total_cmp(&likeness(x))).then_with(|| x.cmp(y)));
    candidates.truncate(CANDIDATES_MAX);
    if near().any(|near| near.known) {
        candidates.insert(0, (0, asked.to_owned()));
    }
    candidates
}

/// How many edits a word is away from the one that was asked for, if these can be forgiven: a letter too many, too few, another, or
/// two that have changed places; in a long word two of them.
fn edit_distance(asked: &str, word: &str) -> Option<usize> {
    let forgiven = if asked.chars().count() > 6 { 2 } else { 1 };
    Some(strsim::osa_distance(asked, word)).filter(|edits| *edits <= forgiven)
}

/// Puts for each word what may have been meant, in every way, and keeps the ways with the fewest edits.
fn combine(text: &str, asked: &[QueryWord<'_>]) -> Vec<Correction> {
    let mut ways = vec![Correction { text: String::new(), edits: 0 }];
    let mut from = 0;
    for QueryWord { at, word, candidates } in asked {
        let between = text.get(from..*at).unwrap_or_default();
        ways = ways
            .iter()
            .flat_map(|way| {
                let then = |(edits, word): &(usize, String)| Correction {
                    text: format!("{}{between}{word}", way.text),
                    edits: way.edits + edits,
                };
                candidates.iter().map(then)
            })
            .collect();
        ways.sort_by_key(|way| way.edits);
        // The text as it was asked may be the first of them.
        ways.truncate(CORRECTIONS_MAX + 1);
        from = at + word.len();
    }
    let rest = text.get(from..).unwrap_or_default();
    ways.iter_mut().for_each(|way| way.text.push_str(rest));
    ways.retain(|way| way.edits > 0);
    ways.truncate(CORRECTIONS_MAX);
    ways
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

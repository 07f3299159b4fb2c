//! Conditions that were kept under a name, views and segments, as far as a search needs them.
use crate::db::sight::sight;
use crate::db::tx::Tx;
use crate::kernel::actor::Action;
use crate::kernel::cond::Cond;
use crate::kernel::error::{Bad, Error, Result};
use crate::kernel::field::{Fields, Values};
use crate::kernel::kind::Kind;
use crate::kernel::query::Plan;
use crate::kernel::selection::{RecordSelection, SearchRequest, Selection};
use crate::schema::{segments, views};
use crate::text_enum;
use diesel::prelude::*;
use uuid::Uuid;

text_enum! {
    /// How a segment knows its records: by a condition, or by name.
    pub enum SegmentKind { Dynamic = "dynamic", Static = "static", }
}

/// What a view or a segment adds to a search.
#[derive(Debug, Default)]
struct Added {
    conds: Vec<Cond>,
    q: Option<String>,
    sort: Option<String>,
}

/// The plan of a search, with the conditions of the view and the segment that it names.
pub fn search_plan<T>(tx: &mut Tx<'_>, fields: &'static Fields<T>, asked: &SearchRequest) -> Result<Plan<T>> {
    let added = added(tx, fields, asked.view_id, asked.segment_id, "")?;
    let asked =
        SearchRequest { q: asked.q.clone().or(added.q), sort: asked.sort.clone().or(added.sort), ..asked.clone() };
    fields.search_plan(&asked, added.conds, tx.actor)
}

/// The condition of a selection for work on many records.
pub fn condition<T>(tx: &mut Tx<'_>, fields: &'static Fields<T>, which: &RecordSelection) -> Result<Cond> {
    let mut added = added(tx, fields, which.view_id, which.segment_id, "/selection")?;
    let selection = Selection { all: which.all.clone(), any: which.any.clone(), none: which.none.clone() };
    let own = fields.select_beside(&selection, &added.conds, tx.actor);
    let own = own.map_err(|bad| Error::members(within("/selection", bad)))?;
    if let Some(q) = which.q.as_ref().or(added.q.as_ref()) {
        let words = fields.condition_of_words(q, tx.actor);
        let misplaced = |bad: Bad| Error::from(Bad { parameter: None, ..bad }.at_member("/selection/q"));
        added.conds.push(words.map_err(misplaced)?);
    }
    added.conds.push(own);
    Ok(Cond::All(added.conds))
}

/// The same mistakes, further down.
pub fn within(at: &str, bad: Vec<Bad>) -> Vec<Bad> {
    let deeper = |bad: Bad| Bad { pointer: bad.pointer.map(|pointer| format!("{at}{pointer}")), ..bad };
    bad.into_iter().map(deeper).collect()
}

fn added<T>(
    tx: &mut Tx<'_>,
    fields: &'static Fields<T>,
    view: Option<Uuid>,
    segment: Option<Uuid>,
    at: &str,
) -> Result<Added> {
    let mut added = Added::default();
    if let Some(id) = view {
        let seen = sight::<views::table>(tx.actor, Kind::View, Action::Read);
        let own = views::table.filter(views::workspace_id.eq(tx.workspace())).filter(views::id.eq(id)).filter(&seen);
        let own = own.filter(views::resource.eq(fields.kind.path()));
        let found: Option<(Selection, Option<String>, Option<String>)> =
            own.select((views::selection, views::words, views::sort)).first(tx.conn).optional()?;
        let (selection, q, sort) = found.ok_or_else(|| Error::reference(format!("{at}/view_id")))?;
        added = Added { conds: vec![meant(tx, fields, &selection, &format!("{at}/view_id"))?], q, sort };
    }
    if let Some(id) = segment {
        tx.actor.must_read(Kind::Segment.path())?;
        let own = segments::table.find((tx.workspace(), id)).filter(segments::resource.eq(fields.kind.path()));
        let found: Option<(SegmentKind, Selection)> =
            own.select((segments::kind, segments::selection)).first(tx.conn).optional()?;
        let (kind, selection) = found.ok_or_else(|| Error::reference(format!("{at}/segment_id")))?;
        added.conds.push(match kind {
            SegmentKind::Dynamic => meant(tx, fields, &selection, &format!("{at}/segment_id"))?,
            SegmentKind::Static => Cond::Within((&fields.id).into(), members_sql(fields.kind), Values::Uuid(vec![id])),
        });
    }
    Ok(added)
}

/// A kept condition may ask about a field that is there no more.
fn meant<T>(tx: &Tx<'_>, fields: &'static Fields<T>, selection: &Selection, at: &str) -> Result<Cond> {
    fields.select(selection, tx.actor).map_err(|bad| {
        let why: Vec<String> = bad.into_iter().map(|bad| bad.detail).collect();
        Error::member(at, "invalid", format!("cannot be asked any more: {}", why.join("; ")))
    })
}

/// The records of a static segment, up to the comparison with its id.
const fn members_sql(kind: Kind) -> &'static str {
    macro_rules! members {
        ($records:literal) => {
            concat!(
                "select record_id from segment_members where workspace_id = ",
                $records,
                ".workspace_id and segment_id = "
            )
        };
    }
    match kind {
        Kind::Company => members!("companies"),
        Kind::Lead => members!("leads"),
        Kind::Deal => members!("deals"),
        _ => members!("contacts"),
    }
}

//! Reads the saved conditions of views and segments for searches and jobs.
use crate::db::tx::Tx;
use crate::db::visibility::visibility_filter;
use crate::kernel::access::grants::Action;
use crate::kernel::error::{Code, Error, FieldCode, FieldError, Result};
use crate::kernel::fields::cond::Cond;
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::kernel::query::plan::Plan;
use crate::kernel::query::selection::{RecordSelection, SearchRequest, Selection};
use crate::kernel::values::typed::Values;
use crate::schema::{segments, views};
use crate::text_enum;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

text_enum! {
    /// How a segment selects its records: `dynamic` by conditions, `static` by a list of records.
    pub enum SegmentKind { Dynamic = "dynamic", Static = "static", }
}

/// The conditions of a view and a segment, as they were read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SavedConditions {
    view: Option<SavedView>,
    segment: Option<SavedSegment>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Queryable)]
struct SavedView {
    version: i64,
    selection: Selection,
    q: Option<String>,
    sort: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Queryable)]
struct SavedSegment {
    id: Uuid,
    version: i64,
    kind: SegmentKind,
    selection: Selection,
}

/// The versions of a view and a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    pub view: Option<i64>,
    pub segment: Option<i64>,
}

/// Which version of the conditions a job uses. Others may change the view or the segment before it runs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub enum PinnedConditions {
    /// The conditions when the job runs.
    #[default]
    #[serde(alias = "Now")]
    Current,
    /// The conditions when the job was queued.
    #[serde(alias = "Written")]
    Copy(SavedConditions),
    /// The conditions when the job runs. It fails if they no longer have these versions.
    #[serde(alias = "Seen")]
    Versions(Versions),
}

/// The conditions that a view and a segment add to a search.
#[derive(Debug, Default)]
struct Saved {
    conds: Vec<Cond>,
    q: Option<String>,
    sort: Option<String>,
}

/// Returns the plan of a search, with the conditions of its view and its segment.
pub fn search_plan<T>(tx: &mut Tx<'_>, fields: &'static Fields<T>, request: &SearchRequest) -> Result<Plan<T>> {
    let kept = named(tx, fields.kind, request.view_id, request.segment_id, "")?;
    let saved = saved(tx, fields, &kept, "")?;
    let request = SearchRequest {
        q: request.q.clone().or(saved.q),
        sort: request.sort.clone().or(saved.sort),
        ..request.clone()
    };
    fields.search_plan(&request, saved.conds, tx.actor)
}

/// Reads the current conditions of the view and the segment of a selection.
pub fn read(tx: &mut Tx<'_>, kind: Kind, which: &RecordSelection) -> Result<SavedConditions> {
    named(tx, kind, which.view_id, which.segment_id, "/selection")
}

impl SavedConditions {
    pub fn versions(&self) -> Versions {
        Versions {
            view: self.view.as_ref().map(|view| view.version),
            segment: self.segment.as_ref().map(|segment| segment.version),
        }
    }
}

/// Returns the condition of a selection for a bulk operation.
pub fn condition<T>(
    tx: &Tx<'_>,
    fields: &'static Fields<T>,
    which: &RecordSelection,
    kept: &SavedConditions,
) -> Result<Cond> {
    let mut saved = saved(tx, fields, kept, "/selection")?;
    let selection = Selection { all: which.all.clone(), any: which.any.clone(), none: which.none.clone() };
    let own = fields.select_beside(&selection, &saved.conds, tx.actor);
    let own = own.map_err(|bad| Error::members(bad).under("/selection"))?;
    // The words of the request restrict the result further than those of the view alone.
    for (q, at) in [(&which.q, "/selection/q"), (&saved.q, "/selection/view_id")] {
        let Some(q) = q else { continue };
        let words = fields.condition_of_words(q, tx.actor);
        let misplaced = |bad: FieldError| Error::from(FieldError { parameter: None, ..bad }.at_member(at));
        saved.conds.push(words.map_err(misplaced)?);
    }
    saved.conds.push(own);
    Ok(Cond::All(saved.conds))
}

/// Like `condition`, for a job that was queued earlier.
pub fn pinned_plan<T>(
    tx: &mut Tx<'_>,
    fields: &'static Fields<T>,
    which: &RecordSelection,
    pinned: &PinnedConditions,
) -> Result<Cond> {
    let kept = match pinned {
        PinnedConditions::Current => read(tx, fields.kind, which)?,
        PinnedConditions::Copy(kept) => {
            lock(tx, None, which.segment_id)?;
            check_unchanged(tx, kept)?;
            kept.clone()
        }
        PinnedConditions::Versions(versions) => {
            lock(tx, which.view_id, which.segment_id)?;
            let kept = read(tx, fields.kind, which)?;
            if let Some(why) = kept.changed_since(*versions) {
                return Err(Error::new(Code::Conflict, why));
            }
            kept
        }
    };
    condition(tx, fields, which, &kept)
}

impl SavedConditions {
    /// Explains why a rule that was saved with these versions cannot use the current conditions.
    pub fn changed_since(&self, seen: Versions) -> Option<String> {
        let now = self.versions();
        let what = match (now.view == seen.view, now.segment == seen.segment) {
            (true, true) => return None,
            (true, false) => "segment",
            (false, true) => "view",
            (false, false) => "view and the segment",
        };
        let were = if what.contains(' ') { "were" } else { "was" };
        Some(format!(
            "the {what} {were} changed after the rule was saved; check the preview, then save the rule again with its \
             selection"
        ))
    }
}

/// Locks a view and a segment against changes until the end of the transaction.
fn lock(tx: &mut Tx<'_>, view: Option<Uuid>, segment: Option<Uuid>) -> Result<()> {
    if let Some(id) = view {
        let held = views::table.find((tx.workspace(), id)).select(views::id).for_share();
        held.first::<Uuid>(tx.conn).optional()?;
    }
    if let Some(id) = segment {
        let held = segments::table.find((tx.workspace(), id)).select(segments::id).for_share();
        held.first::<Uuid>(tx.conn).optional()?;
    }
    Ok(())
}

/// Checks that a static segment is unchanged. The job does not store its list of records.
fn check_unchanged(tx: &mut Tx<'_>, kept: &SavedConditions) -> Result<()> {
    let Some(segment) = kept.segment.as_ref().filter(|segment| segment.kind == SegmentKind::Static) else {
        return Ok(());
    };
    let version = segments::table.find((tx.workspace(), segment.id)).select(segments::version);
    let version: Option<i64> = version.first(tx.conn).optional()?;
    if version != Some(segment.version) {
        return Err(Error::new(Code::Conflict, "the segment was changed after the request; send the request again"));
    }
    Ok(())
}

/// Prefixes the pointers of errors.
pub fn prefix_pointers(at: &str, bad: Vec<FieldError>) -> Vec<FieldError> {
    bad.into_iter().map(|bad| bad.under(at)).collect()
}

fn named(tx: &mut Tx<'_>, kind: Kind, view: Option<Uuid>, segment: Option<Uuid>, at: &str) -> Result<SavedConditions> {
    let mut kept = SavedConditions::default();
    if let Some(id) = view {
        let seen = visibility_filter::<views::table>(tx.actor, Kind::VIEW, Action::Read);
        let own = views::table.filter(views::workspace_id.eq(tx.workspace())).filter(views::id.eq(id)).filter(&seen);
        let own = own.filter(views::resource.eq(kind.path()));
        let found = own.select((views::version, views::selection, views::words, views::sort)).first(tx.conn);
        kept.view = Some(found.optional()?.ok_or_else(|| Error::reference(format!("{at}/view_id")))?);
    }
    if let Some(id) = segment {
        tx.actor.require_read(Kind::SEGMENT.path())?;
        let own = segments::table.find((tx.workspace(), id)).filter(segments::resource.eq(kind.path()));
        let found = own.select((segments::id, segments::version, segments::kind, segments::selection)).first(tx.conn);
        kept.segment = Some(found.optional()?.ok_or_else(|| Error::reference(format!("{at}/segment_id")))?);
    }
    Ok(kept)
}

fn saved<T>(tx: &Tx<'_>, fields: &'static Fields<T>, kept: &SavedConditions, at: &str) -> Result<Saved> {
    let mut saved = Saved::default();
    if let Some(view) = &kept.view {
        let shown = still_valid(tx, fields, &view.selection, &format!("{at}/view_id"))?;
        saved = Saved { conds: vec![shown], q: view.q.clone(), sort: view.sort.clone() };
    }
    if let Some(segment) = &kept.segment {
        saved.conds.push(match segment.kind {
            SegmentKind::Dynamic => still_valid(tx, fields, &segment.selection, &format!("{at}/segment_id"))?,
            SegmentKind::Static => {
                Cond::Within((&fields.id).into(), members_sql(fields.kind), Values::Uuid(vec![segment.id]))
            }
        });
    }
    Ok(saved)
}

/// Converts saved conditions. They may refer to a field that no longer exists.
fn still_valid<T>(tx: &Tx<'_>, fields: &'static Fields<T>, selection: &Selection, at: &str) -> Result<Cond> {
    fields.select(selection, tx.actor).map_err(|bad| {
        let why: Vec<String> = bad.into_iter().map(|bad| bad.detail).collect();
        Error::member(at, FieldCode::Invalid, format!("its conditions are no longer valid: {}", why.join("; ")))
    })
}

/// Returns the query for the records of a static segment, without the id of the segment at its end.
fn members_sql(kind: Kind) -> &'static str {
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
        Kind::COMPANY => members!("companies"),
        Kind::LEAD => members!("leads"),
        Kind::DEAL => members!("deals"),
        _ => members!("contacts"),
    }
}

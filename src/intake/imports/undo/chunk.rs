//! The records of an import that are taken back in one transaction.
use crate::db::sql::{Part, Statement};
use crate::db::table::Stored;
use crate::db::tx::Tx;
use crate::db::visibility::visibility_filter;
use crate::intake::imports::undo_report::{UndoObstacle, UndoRemainder};
use crate::kernel::access::grants::Action;
use crate::kernel::error::{Error, Result};
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::time::DateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Records per transaction.
const CHUNK: i64 = 500;

/// Records of one kind that an import created, or changed without creating them.
#[derive(Debug)]
pub struct Chunk {
    pub import: Uuid,
    pub kind: Kind,
    /// What the caller must be allowed to do.
    pub action: Action,
    pub records: Vec<Written>,
}

/// A record and the last version that the import gave it.
#[derive(Debug, QueryableByName)]
pub struct Written {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = BigInt)]
    pub version: i64,
}

/// The latest records first, because later ones refer to earlier ones.
const CREATED: &str = "
    select r.record_id as id, (
        select max(w.version) from import_records w
        where w.workspace_id = r.workspace_id and w.import_id = r.import_id and w.kind = r.kind
            and w.record_id = r.record_id
    ) as version
    from import_records r
    where r.workspace_id = :workspace and r.import_id = :import and r.kind = :kind and r.created and not r.undone
        and r.tried_by is distinct from :job
    order by r.record_id desc limit :limit";

const CHANGED: &str = "
    select r.record_id as id, max(r.version) as version
    from import_records r
    where r.workspace_id = :workspace and r.import_id = :import and r.kind = :kind and not r.created and not r.undone
        and r.tried_by is distinct from :job and not exists (
            select from import_records w
            where w.workspace_id = r.workspace_id and w.import_id = r.import_id and w.kind = r.kind
                and w.record_id = r.record_id and w.created
        )
    group by r.record_id order by r.record_id desc limit :limit";

/// Returns the next records that the job has not tried yet.
pub fn next(tx: &mut Tx<'_>, job: Uuid, import: Uuid, kind: Kind, action: Action) -> Result<Chunk> {
    let next = Statement::new(if action == Action::Delete { CREATED } else { CHANGED })
        .set("workspace", Part::Id(tx.workspace()))
        .set("import", Part::Id(import))
        .set("kind", Part::Text(kind.as_str().to_owned()))
        .set("job", Part::Id(job))
        .set("limit", Part::Int(CHUNK));
    Ok(Chunk { import, kind, action, records: next.load(tx.conn)? })
}

const SETTLE: &str = "
    update import_records set undone = undone or record_id <> all(:left), tried_by = :job
    where workspace_id = :workspace and import_id = :import and kind = :kind and record_id = any(:all)";

/// Notes which records of a chunk are done: all but those of which something is left.
pub fn settle(tx: &mut Tx<'_>, job: Uuid, chunk: &Chunk, left: &[UndoRemainder]) -> Result<()> {
    let settle = Statement::new(SETTLE)
        .set("workspace", Part::Id(tx.workspace()))
        .set("import", Part::Id(chunk.import))
        .set("kind", Part::Text(chunk.kind.as_str().to_owned()))
        .set("job", Part::Id(job))
        .set("left", Part::Ids(left.iter().map(|one| one.record_id).collect()))
        .set("all", Part::Ids(chunk.ids()));
    settle.execute(tx.conn)?;
    Ok(())
}

impl Chunk {
    pub fn ids(&self) -> Vec<Uuid> {
        self.records.iter().map(|record| record.id).collect()
    }

    /// Locks the records that still exist and that the caller may change, in the order of the chunk. Adds the others
    /// that still exist to `left`.
    pub fn lock<R: Stored>(&self, tx: &mut Tx<'_>, left: &mut Vec<UndoRemainder>) -> Result<Vec<(R, i64)>> {
        let ids = self.ids();
        let existing: HashSet<Uuid> = R::rows(tx).with_ids(&ids).ids(tx.conn)?.into_iter().collect();
        let allowed = self.allowed::<R>(tx, &ids)?;
        let forbidden = ids.iter().filter(|id| existing.contains(id) && !allowed.contains(id));
        left.extend(forbidden.map(|id| UndoRemainder::record(self.kind, *id, UndoObstacle::Forbidden)));
        let mut locked = R::lock_many(tx, &allowed)?;
        Ok(self.records.iter().filter_map(|record| Some((locked.remove(&record.id)?, record.version))).collect())
    }

    fn allowed<R: Stored>(&self, tx: &mut Tx<'_>, ids: &[Uuid]) -> Result<Vec<Uuid>> {
        if tx.actor.require_action(self.action, self.kind.path()).is_err() {
            return Ok(Vec::new());
        }
        let (seen, may) = (R::visible_to(tx), visibility_filter::<R::Table>(tx.actor, self.kind, self.action));
        Ok(R::rows(tx).with_ids(ids).filter(&seen).filter(&may).ids(tx.conn)?)
    }
}

/// The maximum number of times that refused records are tried again.
const PASSES: usize = 5;

/// Does something to records together; if that is refused, one by one. A refused record may succeed after another one,
/// which frees its e-mail address, so refused records are tried again. Returns the number of records that succeeded,
/// and the refused ones with their codes.
pub fn apply<'t, T>(
    tx: &mut Tx<'_>,
    records: &'t [T],
    work: impl Fn(&mut Tx<'_>, &[T]) -> Result<()>,
) -> Result<(usize, Vec<(&'t T, &'static str)>)> {
    match tx.attempt(|tx| work(tx, records)) {
        Ok(()) => return Ok((records.len(), Vec::new())),
        Err(Error::Problem(_)) => {}
        Err(fault) => return Err(fault),
    }
    let mut waiting: Vec<&T> = records.iter().collect();
    let mut refused = Vec::new();
    for _ in 0..PASSES {
        refused = Vec::new();
        for record in &waiting {
            match tx.attempt(|tx| work(tx, std::slice::from_ref(*record))) {
                Ok(()) => {}
                Err(Error::Problem(problem)) => {
                    let code = problem.errors.first().map_or(problem.code.as_str(), |bad| bad.code.as_str());
                    refused.push((*record, code));
                }
                Err(fault) => return Err(fault),
            }
        }
        if refused.is_empty() || refused.len() == waiting.len() {
            break;
        }
        waiting = refused.iter().map(|(record, _)| *record).collect();
    }
    Ok((records.len() - refused.len(), refused))
}

/// Something that somebody changed after a version of a record; without a member, the whole record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    pub record: Uuid,
    pub version: i64,
    pub member: Option<String>,
}

const LATEST: &str = "
    select distinct on (asked.id, asked.member) asked.id, asked.member, e.actor_id as changed_by, e.at as changed_at
    from unnest(:ids, :members, :versions) asked (id, member, version)
    join events e on e.workspace_id = :workspace and e.record_id = asked.id
        and e.record_version > asked.version::bigint and (asked.member = '' or e.changes ? asked.member)
    order by asked.id, asked.member, e.record_version desc, e.at desc";

#[derive(QueryableByName)]
struct Latest {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    member: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    changed_by: Option<Uuid>,
    #[diesel(sql_type = Timestamptz)]
    changed_at: DateTime,
}

/// Finds out who made the last change of each conflict, with one statement.
pub fn explain(tx: &mut Tx<'_>, kind: Kind, conflicts: Vec<Conflict>) -> Result<Vec<UndoRemainder>> {
    if conflicts.is_empty() {
        return Ok(Vec::new());
    }
    // The event of a change inside a member names the member: `person` for `person.email`.
    let outer = |one: &Conflict| match one.member.as_deref() {
        Some(member) if !member.starts_with("cf.") => member.split('.').next().unwrap_or_default().to_owned(),
        member => member.unwrap_or_default().to_owned(),
    };
    let latest: Vec<Latest> = Statement::new(LATEST)
        .set("workspace", Part::Id(tx.workspace()))
        .set("ids", Part::Ids(conflicts.iter().map(|one| one.record).collect()))
        .set("members", Part::Texts(conflicts.iter().map(outer).collect()))
        .set("versions", Part::Texts(conflicts.iter().map(|one| one.version.to_string()).collect()))
        .load(tx.conn)?;
    let latest: HashMap<(Uuid, String), Latest> =
        latest.into_iter().map(|one| ((one.id, one.member.clone()), one)).collect();
    let explained = conflicts.into_iter().map(|one| {
        let known = latest.get(&(one.record, outer(&one)));
        UndoRemainder {
            changed_by: known.and_then(|known| known.changed_by),
            changed_at: known.map(|known| known.changed_at),
            member: one.member,
            ..UndoRemainder::record(kind, one.record, UndoObstacle::Changed)
        }
    });
    Ok(explained.collect())
}

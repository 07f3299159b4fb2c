//! Takes back the changes of an import to records that it did not create.
use crate::catalog::products::{self, Product, ProductUpdate};
use crate::db::sql::{Part, Statement};
use crate::db::store::{BatchStore, Input};
use crate::db::table::{Expected, Stored};
use crate::db::tx::Tx;
use crate::db::updates::Group;
use crate::identity::directory::users::{self, User, UserUpdate};
use crate::intake::imports::undo::chunk::{self, Chunk, Conflict, explain};
use crate::intake::imports::undo::fields::{self, Plan, Write};
use crate::intake::imports::undo_report::{UndoObstacle, UndoRemainder, UndoReport};
use crate::kernel::bodies::shape::{self, Shape};
use crate::kernel::error::{Error, Result};
use crate::sales::rewind;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Uuid as SqlUuid};
use serde_json::{Map, Value as Json};
use std::collections::HashMap;
use uuid::Uuid;

/// A record whose members can be changed with those of others.
pub trait Changeable: Stored {
    type Changes: Input;

    fn change(tx: &mut Tx<'_>, list: &[(&Self, Self::Changes)]) -> Result<()>;
}

impl<R: BatchStore> Changeable for R {
    type Changes = R::Update;

    fn change(tx: &mut Tx<'_>, list: &[(&R, R::Update)]) -> Result<()> {
        let groups: Vec<Group<'_, R, R::Update>> = list.iter().map(|(row, changes)| (vec![*row], changes)).collect();
        R::change_each(tx, &groups).map(drop)
    }
}

impl Changeable for Product {
    type Changes = ProductUpdate;

    fn change(tx: &mut Tx<'_>, list: &[(&Product, ProductUpdate)]) -> Result<()> {
        list.iter().try_for_each(|(row, changes)| products::update(tx, row.id, Expected::default(), changes).map(drop))
    }
}

impl Changeable for User {
    type Changes = UserUpdate;

    fn change(tx: &mut Tx<'_>, list: &[(&User, UserUpdate)]) -> Result<()> {
        list.iter().try_for_each(|(row, changes)| users::update(tx, row.id, Expected::default(), changes).map(drop))
    }
}

/// Leaves changes that follow from others to these.
pub fn ignore(_: &mut Tx<'_>, _: &Chunk, _: &mut UndoReport) -> Result<Vec<UndoRemainder>> {
    Ok(Vec::new())
}

/// Takes back the changes to the records of a chunk together; if that is refused, one by one. Returns what is left.
pub fn take_back<R: Changeable>(tx: &mut Tx<'_>, chunk: &Chunk, report: &mut UndoReport) -> Result<Vec<UndoRemainder>> {
    let mut left = Vec::new();
    let locked = chunk.lock::<R>(tx, &mut left)?;
    let mut writes = writes(tx, chunk)?;
    let (mut plans, mut conflicts) = (Vec::new(), Vec::new());
    for (row, _) in &locked {
        let own = writes.remove(&row.id()).unwrap_or_default();
        if own.iter().all(|write| write.changes.is_empty()) {
            left.push(UndoRemainder::record(chunk.kind, row.id(), UndoObstacle::Unknown));
            continue;
        }
        let plan = plan::<R>(tx, row, &own)?;
        let conflict = |(member, version): &(String, i64)| Conflict {
            record: row.id(),
            version: *version,
            member: Some(member.clone()),
        };
        conflicts.extend(plan.conflicts.iter().map(conflict));
        let unsettable = plan.unsettable.iter().map(|member| UndoRemainder {
            member: Some(member.clone()),
            ..UndoRemainder::record(chunk.kind, row.id(), UndoObstacle::Unknown)
        });
        left.extend(unsettable);
        if !plan.is_empty() {
            plans.push((row, plan));
        }
    }
    left.extend(explain(tx, chunk.kind, conflicts)?);
    let (changed, refused) = chunk::apply(tx, &plans, apply)?;
    report.count_changed(changed);
    left.extend(refused.into_iter().map(|((row, _), code)| UndoRemainder::refused(chunk.kind, row.id(), code)));
    Ok(left)
}

fn plan<R: Changeable>(tx: &Tx<'_>, row: &R, writes: &[Write]) -> Result<Plan> {
    let record = serde_json::to_value(row).map_err(Error::internal)?;
    let shape = Shape::of::<R::Changes>();
    Ok(fields::plan(&record, writes, &shape.names(), &tx.actor.settings.custom, R::KIND))
}

/// Changes members first, because a move to a former stage does not check them.
fn apply<R: Changeable>(tx: &mut Tx<'_>, plans: &[(&R, Plan)]) -> Result<()> {
    let changed = plans.iter().filter(|(_, plan)| !plan.changes.is_empty());
    let changed = changed.map(|(row, plan)| Ok((*row, shape::read(Json::Object(plan.changes.clone()))?)));
    let changed: Vec<(&R, R::Changes)> = changed.collect::<Result<_>>()?;
    if !changed.is_empty() {
        R::change(tx, &changed)?;
    }
    let moved = plans.iter().filter_map(|(row, plan)| Some((row.id(), plan.place.clone()?)));
    let moved: Vec<(Uuid, Map<String, Json>)> = moved.collect();
    if moved.is_empty() { Ok(()) } else { rewind::rewind::<R>(tx, &moved) }
}

const WRITES: &str = "
    select w.record_id as id, w.version, e.changes from import_records w
    join events e on e.workspace_id = w.workspace_id and e.record_id = w.record_id and e.record_kind = w.kind
        and e.record_version = w.version
    where w.workspace_id = :workspace and w.import_id = :import and w.kind = :kind and w.record_id = any(:ids)
        and not w.undone
    order by w.version desc, e.seq desc";

#[derive(QueryableByName)]
struct Written {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Jsonb)]
    changes: Json,
}

/// Loads the changes of the import to each record, the latest first.
fn writes(tx: &mut Tx<'_>, chunk: &Chunk) -> Result<HashMap<Uuid, Vec<Write>>> {
    let written: Vec<Written> = Statement::new(WRITES)
        .set("workspace", Part::Id(tx.workspace()))
        .set("import", Part::Id(chunk.import))
        .set("kind", Part::Text(chunk.kind.as_str().to_owned()))
        .set("ids", Part::Ids(chunk.ids()))
        .load(tx.conn)?;
    let mut writes: HashMap<Uuid, Vec<Write>> = HashMap::new();
    for Written { id, version, changes } in written {
        let Json::Object(changes) = changes else { continue };
        writes.entry(id).or_default().push(Write { version, changes });
    }
    Ok(writes)
}

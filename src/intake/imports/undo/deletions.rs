//! Deletes the records that an import created and that nobody changed or used since.
use crate::catalog::products::Product;
use crate::db::event::Event;
use crate::db::rows::Rows;
use crate::db::sql::{Part, Statement};
use crate::db::store::BatchStore;
use crate::db::table::{self, Expected, Stored, TableRow};
use crate::db::tx::Tx;
use crate::identity::directory::teams::Team;
use crate::identity::directory::users::User;
use crate::intake::imports::undo::chunk::{self, Chunk, Conflict, explain};
use crate::intake::imports::undo_report::{UndoObstacle, UndoRemainder, UndoReport};
use crate::kernel::access::actor::UserStatus;
use crate::kernel::access::record::Record;
use crate::kernel::error::Result;
use crate::kernel::fields::kind::Kind;
use crate::people::sources::Source;
use crate::records::tags::Tag;
use crate::sales::loss_reasons::LossReason;
use crate::work::activities::Activity;
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use std::collections::HashSet;
use uuid::Uuid;

/// A record that can be deleted with others.
pub trait Removable: Stored {
    fn remove(tx: &mut Tx<'_>, rows: &[Self]) -> Result<()>;

    /// Checks whether the record was used in a way that does not change its version.
    fn is_in_use(&self) -> bool {
        false
    }
}

impl<R: BatchStore> Removable for R {
    fn remove(tx: &mut Tx<'_>, rows: &[R]) -> Result<()> {
        R::delete_many(tx, rows)
    }
}

impl Removable for Activity {
    fn remove(tx: &mut Tx<'_>, rows: &[Activity]) -> Result<()> {
        table::mark_deleted(tx, rows, None)
    }
}

impl Removable for Product {
    fn remove(tx: &mut Tx<'_>, rows: &[Product]) -> Result<()> {
        table::mark_deleted(tx, rows, Some("external_id"))
    }
}

impl Removable for User {
    fn remove(tx: &mut Tx<'_>, rows: &[User]) -> Result<()> {
        delete_unreferenced(tx, rows)
    }

    /// A user who accepted the invitation stays.
    fn is_in_use(&self) -> bool {
        self.status != UserStatus::Invited
    }
}

/// Entries of lists, which are deleted for good.
macro_rules! removable_entries {
    ($($row:ty),*) => {
        $(impl Removable for $row {
            fn remove(tx: &mut Tx<'_>, rows: &[$row]) -> Result<()> {
                delete_unreferenced(tx, rows)
            }
        })*
    };
}
removable_entries!(Team, Source, LossReason);

impl Removable for Tag {
    fn remove(tx: &mut Tx<'_>, rows: &[Tag]) -> Result<()> {
        let ids: Vec<Uuid> = rows.iter().map(Record::id).collect();
        Rows::of(Tag::TABLE, tx.workspace()).with_ids(&ids).delete(tx.conn)?;
        for row in rows {
            tx.record(Event::deleted(row)?);
        }
        Ok(())
    }
}

/// Returns the SQL that selects those of the records `:ids` to which other records refer.
fn uses(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::COMPANY => include_str!("uses_of_companies.sql"),
        Kind::CONTACT => include_str!("uses_of_contacts.sql"),
        Kind::LEAD => include_str!("uses_of_leads.sql"),
        Kind::DEAL => include_str!("uses_of_deals.sql"),
        Kind::PRODUCT => include_str!("uses_of_products.sql"),
        Kind::TAG => include_str!("uses_of_tags.sql"),
        _ => return None,
    })
}

/// Returns the columns that refer to records which are deleted for good. They are cleared in records that an undo
/// deleted, because these would keep the others.
fn references(kind: Kind) -> &'static [(Kind, &'static str)] {
    match kind {
        Kind::SOURCE => &[(Kind::CONTACT, "source_id"), (Kind::LEAD, "source_id"), (Kind::DEAL, "source_id")],
        Kind::LOSS_REASON => &[(Kind::LEAD, "loss_reason_id"), (Kind::DEAL, "loss_reason_id")],
        Kind::USER => &[
            (Kind::COMPANY, "owner_id"),
            (Kind::CONTACT, "owner_id"),
            (Kind::LEAD, "owner_id"),
            (Kind::LEAD, "closed_by_id"),
            (Kind::DEAL, "owner_id"),
            (Kind::DEAL, "closed_by_id"),
            (Kind::TASK, "assignee_id"),
        ],
        _ => &[],
    }
}

fn delete_unreferenced<R: Stored>(tx: &mut Tx<'_>, rows: &[R]) -> Result<()> {
    rows.iter().try_for_each(|row| table::delete_unreferenced::<R>(tx, row.id(), Expected::default()))
}

/// Deletes the records of a chunk together; if that is refused, one by one. Returns what is left.
pub fn delete<R: Removable>(tx: &mut Tx<'_>, chunk: &Chunk, report: &mut UndoReport) -> Result<Vec<UndoRemainder>> {
    let mut left = Vec::new();
    let locked = chunk.lock::<R>(tx, &mut left)?;
    let (same, changed): (Vec<_>, Vec<_>) = locked.into_iter().partition(|(row, version)| row.version() == *version);
    let conflicts = changed.iter().map(|(row, version)| Conflict { record: row.id(), version: *version, member: None });
    left.extend(explain(tx, chunk.kind, conflicts.collect())?);
    let rows = unused(tx, chunk, same.into_iter().map(|(row, _)| row).collect(), &mut left)?;
    release(tx, chunk, &rows)?;
    let (deleted, refused) = chunk::apply(tx, &rows, R::remove)?;
    report.count_deleted(deleted);
    left.extend(refused.into_iter().map(|(row, code)| UndoRemainder::refused(chunk.kind, row.id(), code)));
    Ok(left)
}

#[derive(QueryableByName)]
struct Used {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Returns the rows to which no record refers that stays. Adds the others to `left`. A row that stays may refer to
/// another row, so it asks again until nothing changes.
fn unused<R: Removable>(tx: &mut Tx<'_>, chunk: &Chunk, rows: Vec<R>, left: &mut Vec<UndoRemainder>) -> Result<Vec<R>> {
    let in_use = |row: &R| UndoRemainder::record(chunk.kind, row.id(), UndoObstacle::InUse);
    let (used, mut rows): (Vec<R>, Vec<R>) = rows.into_iter().partition(Removable::is_in_use);
    left.extend(used.iter().map(in_use));
    while let Some(uses) = uses(chunk.kind).filter(|_| !rows.is_empty()) {
        let used: Vec<Used> = Statement::new(uses)
            .set("workspace", Part::Id(tx.workspace()))
            .set("ids", Part::Ids(rows.iter().map(Record::id).collect()))
            .load(tx.conn)?;
        if used.is_empty() {
            break;
        }
        let used: HashSet<Uuid> = used.into_iter().map(|used| used.id).collect();
        let (stay, go): (Vec<R>, Vec<R>) = rows.into_iter().partition(|row| used.contains(&row.id()));
        left.extend(stay.iter().map(in_use));
        rows = go;
    }
    Ok(rows)
}

const RELEASE: &str = "
    update :table t set :column = null
    where t.workspace_id = :workspace and t.:column = any(:ids) and t.deleted_at is not null and exists (
        select from imports i
        join import_records r on r.workspace_id = i.workspace_id and r.import_id = i.id and r.kind = :kind and r.record_id = t.id
        where i.workspace_id = :workspace and r.created and r.undone
    )";

/// Clears the references of records that an undo deleted.
fn release<R: Removable>(tx: &mut Tx<'_>, chunk: &Chunk, rows: &[R]) -> Result<()> {
    for (kind, column) in references(chunk.kind) {
        Statement::new(RELEASE)
            .set("table", Part::Sql(kind.table()))
            .set("column", Part::Sql(column))
            .set("kind", Part::Text(kind.as_str().to_owned()))
            .set("workspace", Part::Id(tx.workspace()))
            .set("ids", Part::Ids(rows.iter().map(Record::id).collect()))
            .execute(tx.conn)?;
    }
    Ok(())
}

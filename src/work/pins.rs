//! Pinned activities, which come first on the timelines of their records.
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::kernel::error::{Error, FieldCode, Result};
use crate::work::related::Related;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use uuid::Uuid;

/// Maximum pinned activities of one record.
pub const PINNED_MAX: i64 = 5;

/// The largest number of other pinned activities on one of the records.
const PINNED: &str = "select coalesce(max(pinned.count), 0) as count from ( \
    select count(*) from activities where workspace_id = :workspace and contact_id = :contact and pinned and deleted_at is null and id <> :id \
    union all \
    select count(*) from activities where workspace_id = :workspace and company_id = :company and pinned and deleted_at is null and id <> :id \
    union all \
    select count(*) from activities where workspace_id = :workspace and lead_id = :lead and pinned and deleted_at is null and id <> :id \
    union all \
    select count(*) from activities where workspace_id = :workspace and deal_id = :deal and pinned and deleted_at is null and id <> :id \
    ) pinned";

/// Two requests that pin on the same record at the same time take turns.
const LOCK: &str = "select pg_advisory_xact_lock(hashtext('pinned'), hashtext(record.id::text)) \
    from unnest(:ids) record (id) order by record.id";

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Checks that another activity can be pinned on its records.
pub fn require_room(tx: &mut Tx<'_>, id: Uuid, related: Related) -> Result<()> {
    let records = [related.contact, related.company, related.lead, related.deal];
    let ids: Vec<Uuid> = records.into_iter().flatten().collect();
    Statement::new(LOCK).set("ids", Part::Ids(ids)).execute(tx.conn)?;
    let pinned: Count = Statement::new(PINNED)
        .set("workspace", Part::Id(tx.workspace()))
        .set("contact", Part::MaybeId(related.contact))
        .set("company", Part::MaybeId(related.company))
        .set("lead", Part::MaybeId(related.lead))
        .set("deal", Part::MaybeId(related.deal))
        .set("id", Part::Id(id))
        .get_result(tx.conn)?;
    if pinned.count < PINNED_MAX {
        return Ok(());
    }
    let detail = format!("a record of the activity has {PINNED_MAX} pinned activities; unpin one of them first");
    Err(Error::member("/pinned", FieldCode::TooMany, detail))
}

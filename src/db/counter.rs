//! Human-readable numbers (`D-1042`), counted per workspace and kind. The row is locked until the commit, so there are
//! no gaps.
use crate::db::tx::Tx;
use crate::kernel::error::Result;
use crate::kernel::fields::kind::Kind;
use crate::schema::counters;
use diesel::prelude::*;

/// Reserves the next `count` numbers and returns the first.
pub fn take(tx: &mut Tx<'_>, kind: Kind, count: i64) -> Result<i64> {
    if tx.unnumbered {
        let (high, _) = uuid::Uuid::new_v4().as_u64_pair();
        return Ok(i64::try_from(high >> 2).unwrap_or(0));
    }
    let last: i64 = diesel::insert_into(counters::table)
        .values((counters::workspace_id.eq(tx.workspace()), counters::kind.eq(kind.as_str()), counters::last.eq(count)))
        .on_conflict((counters::workspace_id, counters::kind))
        .do_update()
        .set(counters::last.eq(counters::last + count))
        .returning(counters::last)
        .get_result(tx.conn)?;
    Ok(last - count + 1)
}

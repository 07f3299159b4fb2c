//! Records that are in a stage of a pipeline: deals and leads.
use crate::db::rows::Rows;
use crate::db::store::{BatchStore, Input};
use crate::db::table::Expected;
use crate::db::tx::Tx;
use crate::kernel::error::Result;
use crate::kernel::values::time::DateTime;
use crate::sales::deals;
use crate::sales::deals::model::{Deal, DealMove};
use crate::sales::leads;
use crate::sales::leads::model::{Lead, LeadMove};
use crate::schema;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::result::QueryResult;
use uuid::Uuid;

/// A record that is in a stage.
pub trait Staged: BatchStore {
    /// The body of a move.
    type Move: Input;

    fn move_to_stage(tx: &mut Tx<'_>, id: Uuid, expected: Expected, to: &Self::Move) -> Result<Self>;

    /// Sets the stage of rows; spans and events are up to the caller.
    fn set_stage(conn: &mut PgConnection, rows: &Rows<'_>, stage: Uuid, now: DateTime) -> QueryResult<Vec<Self>>;
}

/// Implements `Staged` with the store of a resource.
macro_rules! staged {
    ($row:ident, $move:ident, $table:ident) => {
        impl Staged for $row {
            type Move = $move;

            fn move_to_stage(tx: &mut Tx<'_>, id: Uuid, expected: Expected, to: &$move) -> Result<$row> {
                $table::store::move_to_stage(tx, id, expected, to)
            }

            fn set_stage(
                conn: &mut PgConnection,
                rows: &Rows<'_>,
                stage: Uuid,
                now: DateTime,
            ) -> QueryResult<Vec<$row>> {
                use schema::$table as t;
                let stage = (t::stage_id.eq(stage), t::stage_entered_at.eq(now));
                let version = (t::version.eq(t::version + 1), t::updated_at.eq(now));
                let update = diesel::update(t::table.filter(rows.conditions::<t::table>())).set((stage, version));
                update.returning($row::as_returning()).get_results(conn)
            }
        }
    };
}
staged!(Deal, DealMove, deals);
staged!(Lead, LeadMove, leads);

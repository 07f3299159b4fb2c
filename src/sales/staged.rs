//! Records that are in a stage of a pipeline: deals and leads.
use crate::db::rows::Rows;
use crate::db::store::{BatchStore, Input};
use crate::db::table::Expected;
use crate::db::tx::Tx;
use crate::kernel::error::Result;
use crate::kernel::values::time::DateTime;
use crate::sales::board_position::Placed;
use crate::sales::deals;
use crate::sales::deals::model::{Deal, DealMove};
use crate::sales::entry::Entry;
use crate::sales::leads;
use crate::sales::leads::model::{Lead, LeadMove};
use crate::sales::stages::Category;
use crate::schema;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::result::QueryResult;
use uuid::Uuid;

/// Where a record is in its pipeline.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub pipeline: Uuid,
    pub stage: Uuid,
    pub status: Category,
    pub entered_at: DateTime,
}

/// A record that is in a stage.
pub trait Staged: BatchStore {
    /// The body of a move.
    type Move: Input + Placed;

    fn place(&self) -> Place;

    fn move_to_stage(tx: &mut Tx<'_>, id: Uuid, expected: Expected, to: &Self::Move) -> Result<Self>;

    /// Moves locked records with few statements. If one move is refused, all are.
    fn enter_stages(tx: &mut Tx<'_>, entries: &[Entry<'_, Self>]) -> Result<Vec<Self>>;

    /// Sets the stage of rows; spans and events are up to the caller.
    fn set_stage(conn: &mut PgConnection, rows: &Rows<'_>, to: Uuid, at: DateTime) -> QueryResult<Vec<Self>>;
}

/// Sets the stage of rows of a table, and returns them.
macro_rules! set_stage {
    ($row:ident, $table:ident, $conn:expr, $rows:expr, $stage:expr, $now:expr) => {{
        use schema::$table as t;
        let stage = (t::stage_id.eq($stage), t::stage_entered_at.eq($now));
        let version = (t::version.eq(t::version + 1), t::updated_at.eq($now));
        let update = diesel::update(t::table.filter($rows.conditions::<t::table>())).set((stage, version));
        update.returning($row::as_returning()).get_results($conn)
    }};
}

/// Implements `Staged` with the store of a resource.
macro_rules! staged {
    ($row:ident, $move:ident, $table:ident, $enter:ident) => {
        impl Staged for $row {
            type Move = $move;

            fn place(&self) -> Place {
                let (pipeline, stage, entered_at) = (self.pipeline_id, self.stage_id, self.stage_entered_at);
                Place { pipeline, stage, status: self.status, entered_at }
            }

            fn move_to_stage(tx: &mut Tx<'_>, id: Uuid, expected: Expected, to: &$move) -> Result<$row> {
                $table::moves::move_to_stage(tx, id, expected, to)
            }

            fn enter_stages(tx: &mut Tx<'_>, entries: &[Entry<'_, $row>]) -> Result<Vec<$row>> {
                $table::moves::$enter(tx, entries)
            }

            fn set_stage(conn: &mut PgConnection, rows: &Rows<'_>, to: Uuid, at: DateTime) -> QueryResult<Vec<$row>> {
                set_stage!($row, $table, conn, rows, to, at)
            }
        }
    };
}
staged!(Deal, DealMove, deals, enter_stages);
staged!(Lead, LeadMove, leads, enter_unconverted);

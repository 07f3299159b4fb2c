//! The manual order of cards within a column. A card between two others gets a number between theirs; where none is left,
//! the cards below get new numbers.
use crate::db::sql::{Part, Statement};
use crate::db::table::Stored;
use crate::db::tx::Tx;
use crate::db::visibility;
use crate::kernel::access::grants::Action;
use crate::kernel::error::{Error, FieldCode, FieldError, Result};
use crate::kernel::values::time::DateTime;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use uuid::Uuid;

/// Beside which card a card goes.
#[derive(Clone, Copy, Debug)]
pub enum Beside {
    Before(Uuid),
    After(Uuid),
}

impl Beside {
    /// Reads the members of a move.
    pub fn named(before: Option<Uuid>, after: Option<Uuid>) -> Option<Beside> {
        before.map(Beside::Before).or_else(|| after.map(Beside::After))
    }
}

/// Refuses a move that names both neighbours: other cards may lie between them.
pub fn require_one(before: Option<Uuid>, after: Option<Uuid>, bad: &mut Vec<FieldError>) {
    if before.is_some() && after.is_some() {
        bad.push(FieldError::member("/after_id", FieldCode::StatedTwice, "must not be combined with before_id"));
    }
}

/// Numbers per millisecond.
const RESOLUTION: i64 = 1024;
/// The distance from the last card: a minute.
const STEP: i64 = 60_000 * RESOLUTION;
/// How many cards get new numbers at first.
const FEW: i64 = 64;

/// Returns the position at the top of a column, for a card that enters it at this time.
pub fn top(at: DateTime) -> i64 {
    -at.utc().timestamp_millis() * RESOLUTION
}

const LOCK: &str = "select pg_advisory_xact_lock(hashtextextended(:stage, 0))";

/// Lets one transaction at a time change the order of a column. Must come before the lock of the card.
pub fn lock_column(tx: &mut Tx<'_>, stage: Uuid) -> Result<()> {
    Statement::new(LOCK).set("stage", Part::Text(format!("board {stage}"))).execute(tx.conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = BigInt)]
    board_position: i64,
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: Uuid,
}

const ANCHOR: &str = "select board_position, id from :table where :table.workspace_id = :workspace and id = :anchor \
    and stage_id = :stage and deleted_at is null and (:seen)";
const ABOVE: &str = "select board_position, id from :table where workspace_id = :workspace and stage_id = :stage \
    and deleted_at is null and id <> :moving and (board_position, id) < (:position, :anchor) \
    order by board_position desc, id desc limit 1";
const BELOW: &str = "select board_position, id from :table where workspace_id = :workspace and stage_id = :stage \
    and deleted_at is null and id <> :moving and (board_position, id) > (:position, :anchor) \
    order by board_position, id offset :skipped limit 1";
const SPREAD: &str = "update :table set board_position = placed.position from ( \
        select id, :lower + (row_number() over (order by board_position, id) + 1) * :step as position from ( \
            select id, board_position from :table where workspace_id = :workspace and stage_id = :stage \
            and deleted_at is null and id <> :moving and (board_position, id) >= (:position, :anchor) \
            order by board_position, id limit :count \
        ) few \
    ) placed where :table.workspace_id = :workspace and :table.id = placed.id";

/// A locked column and the card that moves in it.
struct Column<'t, 'c> {
    tx: &'t mut Tx<'c>,
    table: &'static str,
    stage: Uuid,
    moving: Uuid,
}

impl Column<'_, '_> {
    fn statement(&self, text: &'static str, at: &Place) -> Statement {
        Statement::new(text)
            .set("table", Part::Sql(self.table))
            .set("workspace", Part::Id(self.tx.workspace()))
            .set("stage", Part::Id(self.stage))
            .set("moving", Part::Id(self.moving))
            .set("position", Part::Int(at.board_position))
            .set("anchor", Part::Id(at.id))
    }

    fn above(&mut self, at: &Place) -> Result<Option<Place>> {
        let found: Vec<Place> = self.statement(ABOVE, at).load(self.tx.conn)?;
        Ok(found.into_iter().next())
    }

    /// Returns the card some places below.
    fn below(&mut self, at: &Place, skipped: i64) -> Result<Option<Place>> {
        let statement = self.statement(BELOW, at).set("skipped", Part::Int(skipped));
        let found: Vec<Place> = statement.load(self.tx.conn)?;
        Ok(found.into_iter().next())
    }

    /// Returns a position between two neighbours, after it made room if there is none.
    fn between(&mut self, lower: i64, upper: &Place) -> Result<i64> {
        let gap = upper.board_position - lower;
        if gap >= 2 {
            return Ok(lower + gap / 2);
        }
        let mut count = FEW;
        let step = loop {
            match self.below(upper, count - 1)? {
                None => break STEP,
                Some(end) if (end.board_position - lower) / (count + 2) >= 1 => {
                    break (end.board_position - lower) / (count + 2);
                }
                Some(_) => count *= 8,
            }
        };
        let spread = self.statement(SPREAD, upper).set("lower", Part::Int(lower));
        spread.set("step", Part::Int(step)).set("count", Part::Int(count)).execute(self.tx.conn)?;
        Ok(lower + step)
    }
}

/// Returns the position directly beside a card of the column, which must be locked. Returns 422 at `/before_id` or
/// `/after_id` if the caller sees no such card there.
pub fn beside<R: Stored>(tx: &mut Tx<'_>, stage: Uuid, moving: Uuid, beside: Beside) -> Result<i64> {
    let (anchor, pointer) = match beside {
        Beside::Before(id) => (id, "/before_id"),
        Beside::After(id) => (id, "/after_id"),
    };
    let seen = visibility::cond(tx.actor, R::KIND, Action::Read);
    let found: Vec<Place> = Statement::new(ANCHOR)
        .set("table", Part::Sql(R::TABLE))
        .set("workspace", Part::Id(tx.workspace()))
        .set("anchor", Part::Id(anchor))
        .set("stage", Part::Id(stage))
        .set("seen", Part::Cond(seen))
        .load(tx.conn)?;
    let refused =
        || Error::member(pointer, FieldCode::ReferenceNotFound, "must be the id of another record in the stage");
    let anchor = found.into_iter().next().filter(|place| place.id != moving).ok_or_else(refused)?;
    let mut column = Column { tx, table: R::TABLE, stage, moving };
    match beside {
        Beside::Before(_) => match column.above(&anchor)? {
            // Not above the top of now: a card that enters later comes first.
            None => Ok(top(column.tx.now).min(anchor.board_position - 1)),
            Some(above) => column.between(above.board_position, &anchor),
        },
        Beside::After(_) => match column.below(&anchor, 0)? {
            None => Ok(anchor.board_position + STEP),
            Some(below) => column.between(anchor.board_position, &below),
        },
    }
}

const SET: &str = "update :table set board_position = :position where :table.workspace_id = :workspace and id = :id";

/// Sets the place of a locked record on the board, if there is a new one. The order of a board is no change of its records:
/// they keep their versions, and there is no event.
pub fn place<R: Stored>(tx: &mut Tx<'_>, record: R, position: Option<i64>) -> Result<R> {
    let Some(position) = position else { return Ok(record) };
    Statement::new(SET)
        .set("table", Part::Sql(R::TABLE))
        .set("workspace", Part::Id(tx.workspace()))
        .set("id", Part::Id(record.id()))
        .set("position", Part::Int(position))
        .execute(tx.conn)?;
    R::find(tx, record.id())
}

/// The body of a move, which can name a place in the column of its stage.
pub trait Placed {
    /// Returns the stage whose order the move changes, if it names a place.
    fn column(&self) -> Option<Uuid>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_cards_are_higher_up() {
        let at = |text: &str| top(text.parse().unwrap());
        assert!(at("2026-01-31T10:00:00.001Z") < at("2026-01-31T10:00:00Z"));
        // JavaScript represents integers exactly up to 2^53.
        assert!(at("9999-12-31T00:00:00Z").abs() < 9_007_199_254_740_991 * 32);
        assert!(at("2200-01-01T00:00:00Z").abs() < 9_007_199_254_740_991);
    }
}

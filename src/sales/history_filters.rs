//! Filters of leads and deals by their history: the stages that they reached, entered and left last.
use crate::db::sql::{Part, Statement};
use crate::kernel::access::actor::Actor;
use crate::kernel::fields::cond::Cond;
use crate::kernel::query::derived::{Derived, DerivedBy};
use crate::kernel::values::time::DateTime;
use std::sync::Arc;
use uuid::Uuid;

const COST: usize = 2;

type ByIds = fn(&Actor, Vec<Uuid>) -> Cond;
type ByNone = fn(&Actor) -> Cond;

pub const fn reached_filter(make: ByIds, none: ByNone) -> Derived {
    Derived {
        name: "reached_stage_id",
        meaning: "A stage that the record was ever in, or passed on its way to a later stage of its pipeline; `none` \
                  if it reached no stage that is not lost.",
        by: DerivedBy::Ids(make, none),
    }
}

pub const fn last_open_filter(make: ByIds, none: ByNone) -> Derived {
    Derived {
        name: "last_open_stage_id",
        meaning: "The open stage in which the record is, or was before it was closed; `none` if it never was in one.",
        by: DerivedBy::Ids(make, none),
    }
}

pub const fn entered_filter(make: fn(&Actor, Uuid, [DateTime; 2]) -> Cond) -> Derived {
    Derived {
        name: "entered",
        meaning: "Whether the record entered this stage, or a stage of this pipeline, in this time: its id, the first \
                  instant, and the instant after the last one, separated by commas.",
        by: DerivedBy::Within(make),
    }
}

pub const fn beginning_filter(make: fn(&Actor) -> Cond) -> Derived {
    Derived {
        name: "without_beginning",
        meaning: "Whether the time of creation is unknown: the record was created as closed, or imported without it.",
        by: DerivedBy::Flag(make),
    }
}

/// `column` is a flag of the record.
pub fn flagged(column: &'static str) -> Cond {
    Cond::Holds(Arc::new(Statement::new(column)), COST)
}

/// `path` is the column of the path of the record.
pub fn reached(actor: &Actor, path: &'static str, stages: Vec<Uuid>) -> Cond {
    let paths = "coalesce(:path in (select id from stage_paths where workspace_id = :workspace and stage_ids && :stages), false)";
    holds(Statement::new(paths).set("path", Part::Sql(path)).set("stages", Part::Ids(stages)), actor)
}

pub fn last_open(actor: &Actor, column: &'static str, stages: Vec<Uuid>) -> Cond {
    let text = "coalesce(:column = any(:stages), false)";
    holds(Statement::new(text).set("column", Part::Sql(column)).set("stages", Part::Ids(stages)), actor)
}

pub fn unknown(actor: &Actor, column: &'static str) -> Cond {
    holds(Statement::new(":column is null").set("column", Part::Sql(column)), actor)
}

/// `record` is the column of the id of the record.
pub fn entered(actor: &Actor, record: &'static str, place: Uuid, [from, to]: [DateTime; 2]) -> Cond {
    let entered = Statement::new(include_str!("entered.sql")).set("record", Part::Sql(record));
    let entered = entered.set("place", Part::Id(place)).set("from", Part::At(from)).set("to", Part::At(to));
    holds(entered, actor)
}

fn holds(statement: Statement, actor: &Actor) -> Cond {
    Cond::Holds(Arc::new(statement.set("workspace", Part::Id(actor.workspace))), COST)
}

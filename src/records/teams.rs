//! The filter of records by the team of their owner.
use crate::db::sql::{Part, Statement};
use crate::kernel::access::actor::Actor;
use crate::kernel::fields::cond::Cond;
use crate::kernel::query::derived::{Derived, DerivedBy};
use std::sync::Arc;
use uuid::Uuid;

const COST: usize = 2;

pub const fn team_filter(make: fn(&Actor, Vec<Uuid>) -> Cond, none: fn(&Actor) -> Cond) -> Derived {
    Derived {
        name: "team_id",
        meaning: "The team of the owner, or `none` for records without an owner or whose owner has no team.",
        by: DerivedBy::Ids(make, none),
    }
}

/// Returns the records of the owners in these teams. `owner` is the column.
pub fn of_teams(actor: &Actor, owner: &'static str, teams: Vec<Uuid>) -> Cond {
    let members = "select id from users where workspace_id = :workspace and team_id = any(:teams)";
    let members = Statement::new(members).set("workspace", Part::Id(actor.workspace)).set("teams", Part::Ids(teams));
    owned_by(actor, owner, members)
}

pub fn of_no_team(actor: &Actor, owner: &'static str) -> Cond {
    let members = "select id from users where workspace_id = :workspace and team_id is not null";
    !owned_by(actor, owner, Statement::new(members).set("workspace", Part::Id(actor.workspace)))
}

/// Without the permission to read teams, nobody is in any.
fn owned_by(actor: &Actor, owner: &'static str, members: Statement) -> Cond {
    if actor.require_read("teams").is_err() {
        return Cond::Any(Vec::new());
    }
    let owned = Statement::new("coalesce(:owner in (:members), false)");
    let owned = owned.set("owner", Part::Sql(owner)).set("members", Part::Nested(Box::new(members)));
    Cond::Holds(Arc::new(owned), COST)
}

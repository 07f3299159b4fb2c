//! Filters for records that need attention: rotting, untouched, unanswered.
use crate::db::sql::{Part, Statement};
use crate::kernel::access::actor::Actor;
use crate::kernel::error::Result;
use crate::kernel::fields::cond::{Cond, Op};
use crate::kernel::fields::field::Field;
use crate::kernel::query::derived::{Derived, DerivedBy};
use crate::kernel::values::time::{DateTime, today};
use crate::kernel::values::typed::Values;
use diesel::RunQueryDsl;
use diesel::pg::PgConnection;
use std::sync::Arc;

pub const fn rotting_filter(make: fn(&Actor) -> Cond) -> Derived {
    Derived {
        name: "rotting",
        meaning: "Whether the record is open and had no activity for longer than its stage allows (`rotting_days`). A \
                  record with a task in the future, or a lead with a later `come_back_on`, is not rotting.",
        by: DerivedBy::Flag(make),
    }
}

pub const fn untouched_filter(make: fn(DateTime) -> Cond) -> Derived {
    Derived {
        name: "untouched_since",
        meaning: "The last activity of a user or a customer was before this day or instant. Also takes relative ones \
                  such as `today-7d`.",
        by: DerivedBy::Since(make),
    }
}

pub fn rotting_deals(actor: &Actor) -> Cond {
    let rotting = rotting(actor, "deals", "deal_id", Statement::new("false"));
    Cond::Holds(Arc::new(rotting), COST)
}

pub fn rotting_leads(actor: &Actor) -> Cond {
    let day = today(DateTime::now(), actor.settings.own_time_zone);
    let later = Statement::new("leads.come_back_on > :today").set("today", Part::Date(day));
    Cond::Holds(Arc::new(rotting(actor, "leads", "lead_id", later)), COST)
}

const COST: usize = 10;

fn rotting(actor: &Actor, table: &'static str, link: &'static str, later: Statement) -> Statement {
    Statement::new(include_str!("rotting.sql"))
        .set("workspace", Part::Id(actor.workspace))
        .set("table", Part::Sql(table))
        .set("link", Part::Sql(link))
        .set("now", Part::At(DateTime::now()))
        .set("later", Part::Nested(Box::new(later)))
}

/// Tells owners of leads that wait for an answer, and of leads and deals that began to rot.
pub fn tell_owners(conn: &mut PgConnection, now: DateTime) -> Result<()> {
    Statement::new(include_str!("leads/tell_unanswered.sql")).set("now", Part::At(now)).execute(conn)?;
    // In every workspace, at the date of UTC: the limits are days.
    let later = Statement::new("leads.come_back_on > (:now)::date").set("now", Part::At(now));
    for (table, kind, link, later) in
        [("deals", "deal", "deal_id", Statement::new("false")), ("leads", "lead", "lead_id", later)]
    {
        let rotting = Statement::new(include_str!("rotting.sql"))
            .set("workspace", Part::Sql(if table == "deals" { "deals.workspace_id" } else { "leads.workspace_id" }))
            .set("table", Part::Sql(table))
            .set("link", Part::Sql(link))
            .set("now", Part::At(now))
            .set("later", Part::Nested(Box::new(later)));
        Statement::new(include_str!("began_to_rot.sql"))
            .set("table", Part::Sql(table))
            .set("kind", Part::Text(kind.to_owned()))
            .set("now", Part::At(now))
            .set("rotting", Part::Nested(Box::new(rotting)))
            .execute(conn)?;
    }
    Ok(())
}

pub fn untouched(last_activity_at: &'static Field, since: DateTime) -> Cond {
    Cond::Is(last_activity_at.into(), Op::Lt, Values::Time(vec![since]))
}

pub fn unanswered(status: &'static Field, first_response_at: &'static Field) -> Cond {
    let open = Cond::Is(status.into(), Op::Eq, Values::Text(vec!["open".into()]));
    Cond::All(vec![open, Cond::Empty(first_response_at.into())])
}

//! Activity: what users did in a period.
use crate::analytics::period;
use crate::analytics::report::{Definition, Report};
use crate::analytics::user_scope::{self, UserScope};
use crate::db::sql::Part;
use crate::db::tx::Tx;
use crate::db::visibility;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::answers::csv;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::answers::table::{Line, Table};
use crate::kernel::error::Result;
use crate::kernel::fields::kind::Kind;
use crate::list_params;
use crate::web::ctx::Ctx;
use crate::web::headers::Format;
use actix_web::get;
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

pub const DEFINITION: Definition = Definition {
    name: "activity",
    version: 1,
    text: "Activities that occurred in the period count for their author, done tasks for the user who completed them in \
           the period. tasks_done_late are the done tasks that were completed after they were due. tasks_overdue are \
           the open tasks that became due in the period and are overdue now; they count for the user to whom they are \
           assigned. Records that you do not see are not counted. Only the present members of a team count for it.",
    leaves_out: &["deleted records", "records that you do not see"],
};

/// What users did in a period.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActivityReport {
    /// What the report counts, in words.
    pub definition: String,
    /// The name of the definition in `GET /analytics/definitions`.
    pub definition_name: String,
    pub definition_version: i32,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    pub time_zone: String,
    pub group_by: String,
    pub groups: Vec<ActivityGroup>,
    /// The same report for the earlier period, with `compare`.
    #[schema(no_recursion)]
    pub comparison: Option<Box<ActivityReport>>,
}
impl NothingHidden for ActivityReport {}

#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct ActivityGroup {
    /// The id or text of the group. Null for what no user did, and if the report is not grouped.
    pub key: Option<String>,
    pub label: Option<String>,
    pub calls: i64,
    /// The duration of the calls, as far as it is known.
    pub call_seconds: i64,
    pub meetings: i64,
    pub visits: i64,
    pub emails: i64,
    pub messages: i64,
    pub notes: i64,
    pub tasks_done: i64,
    pub tasks_done_late: i64,
    pub tasks_overdue: i64,
    pub drill_down: ActivityLists,
}

/// The list queries of the records behind the figures. Null if no list query selects exactly these.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct ActivityLists {
    pub calls: Option<String>,
    pub meetings: Option<String>,
    pub visits: Option<String>,
    pub emails: Option<String>,
    pub messages: Option<String>,
    pub notes: Option<String>,
    pub tasks_done: Option<String>,
}

impl ActivityLists {
    fn of(scope: &UserScope, key: Option<&str>) -> ActivityLists {
        let activities =
            |kind: &str| scope.drill_down(&format!("activities?type={kind}"), "author_id", "occurred_at", key);
        ActivityLists {
            calls: activities("call"),
            meetings: activities("meeting"),
            visits: activities("visit"),
            emails: activities("email"),
            messages: activities("message"),
            notes: activities("note"),
            tasks_done: scope.drill_down("tasks?status=done", "completed_by", "completed_at", key),
        }
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    group_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    group_label: Option<String>,
    #[diesel(sql_type = Text)]
    figure: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = BigInt)]
    seconds: i64,
}

list_params!(ActivityParameters, user_scope::parameters());

pub fn report(tx: &mut Tx<'_>, scope: &UserScope) -> Result<ActivityReport> {
    let mut report = of(tx, scope)?;
    report.comparison = scope.earlier().map(|earlier| of(tx, &earlier)).transpose()?.map(Box::new);
    Ok(report)
}

fn of(tx: &mut Tx<'_>, scope: &UserScope) -> Result<ActivityReport> {
    let seen = |kind| Part::Cond(visibility::readable(tx.actor, kind));
    let statement = scope
        .statement(tx, include_str!("activity.sql"))
        .set("now", Part::At(tx.now))
        .set("activities", seen(Kind::ACTIVITY))
        .set("tasks", seen(Kind::TASK));
    let rows: Vec<Row> = statement.load(tx.conn)?;
    let mut groups: Vec<ActivityGroup> = rows.chunk_by(|a, b| a.group_key == b.group_key).map(group).collect();
    if groups.is_empty() && scope.group.name == "none" {
        groups.push(ActivityGroup::default());
    }
    if let Some(keys) = scope.time_groups()? {
        let empty =
            |key: &str| ActivityGroup { key: Some(key.into()), label: Some(key.into()), ..ActivityGroup::default() };
        groups = period::filled(groups, keys, |group| group.key.as_deref(), empty);
    }
    for group in &mut groups {
        group.drill_down = ActivityLists::of(scope, group.key.as_deref());
    }
    Ok(ActivityReport {
        definition: DEFINITION.text.into(),
        definition_name: DEFINITION.name.into(),
        definition_version: DEFINITION.version,
        from: scope.period.from,
        to: scope.period.to,
        time_zone: scope.zone.name().into(),
        group_by: scope.group.name.into(),
        groups,
        comparison: None,
    })
}

fn group(rows: &[Row]) -> ActivityGroup {
    let mut group = ActivityGroup {
        key: rows.first().and_then(|row| row.group_key.clone()),
        label: rows.first().and_then(|row| row.group_label.clone()),
        ..ActivityGroup::default()
    };
    for row in rows {
        match row.figure.as_str() {
            "call" => (group.calls, group.call_seconds) = (row.count, row.seconds),
            "meeting" => group.meetings = row.count,
            "visit" => group.visits = row.count,
            "email" => group.emails = row.count,
            "message" => group.messages = row.count,
            "note" => group.notes = row.count,
            "done" => group.tasks_done += row.count,
            "done_late" => {
                group.tasks_done += row.count;
                group.tasks_done_late = row.count;
            }
            _ => group.tasks_overdue = row.count,
        }
    }
    group
}

/// Get what users did in the period: activities by kind, done and overdue tasks.
#[utoipa::path(operation_id = "get_activity_report", params(ActivityParameters), responses((status = 200, description = "The activity",
    body = ActivityReport)))]
#[get("/analytics/activity")]
async fn activity(ctx: Ctx<can::Read<Report>>, format: Format) -> Result<Reply> {
    let csv = ctx.wants_csv(format)?;
    let scope = UserScope::read(ctx.query(), &ctx.actor, csv)?;
    ctx.report(move |tx| {
        let report = report(tx, &scope)?;
        let lines: Vec<Line<'_, ActivityGroup>> = report.groups.iter().map(|group| (Vec::new(), group)).collect();
        let table = || Table::new(&[], &[], &lines, &tx.actor.settings.base_currency);
        if csv { Ok(csv::report(&table()?)) } else { Ok(Answer::ok(report)) }
    })
    .await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(activity);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(figure: &str, count: i64, seconds: i64) -> Row {
        Row { group_key: Some("k".into()), group_label: Some("l".into()), figure: figure.into(), count, seconds }
    }

    #[test]
    fn figures_become_members() {
        let found = group(&[
            row("call", 1, 90),
            row("done", 2, 0),
            row("done_late", 3, 0),
            row("email", 4, 0),
            row("meeting", 5, 0),
            row("message", 6, 0),
            row("note", 7, 0),
            row("overdue", 8, 0),
            row("visit", 9, 0),
        ]);
        let ActivityGroup { calls, call_seconds, meetings, visits, emails, messages, notes, .. } = found;
        assert_eq!([calls, call_seconds, meetings, visits, emails, messages, notes], [1, 90, 5, 9, 4, 6, 7]);
        assert_eq!([found.tasks_done, found.tasks_done_late, found.tasks_overdue], [5, 3, 8]);
        assert_eq!(found.key.as_deref(), Some("k"));
        assert_eq!(found.label.as_deref(), Some("l"));
    }
}

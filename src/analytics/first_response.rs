//! First response: how long new leads wait until somebody contacts them.
use crate::about;
use crate::analytics::drill_down::Drill;
use crate::analytics::paper::about::{About, OnPaper};
use crate::analytics::paper::answer::{Wanted, answer};
use crate::analytics::paper::chart::{Chart, Figure, GroupName, Shape, Unit};
use crate::analytics::period;
use crate::analytics::report::{Definition, Report};
use crate::analytics::scope::{COMPARE, ReportQuery, Scope, lead_parameters, ratio};
use crate::db::sql::Part;
use crate::db::tx::Tx;
use crate::identity::directory::workspaces;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::Reply;
use crate::kernel::answers::table::{Line, Table};
use crate::kernel::error::Result;
use crate::kernel::values::time::DateTime;
use crate::kernel::values::working_hours::{Absences, TimeSlot, merged};
use crate::list_params;
use crate::web::ctx::Ctx;
use actix_web::get;
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Nullable, Text, Timestamptz};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

pub const DEFINITION: Definition = Definition {
    name: "first_response",
    version: 1,
    text: "Leads created in the period, and the time until somebody first contacted the person: a call, e-mail, message, \
           meeting or visit that was not inbound. waiting counts the leads that are open and not yet answered. Times are \
           in seconds: elapsed, and in working hours of the workspace without its holidays. within_target counts the \
           leads answered within target_minutes of working time; target_share = within_target / answered. median and \
           p90: half and nine tenths of the times are at most this long, interpolated linearly between two times.",
    leaves_out: &["leads that were not answered, from times", "deleted records"],
};

/// How long leads waited for a first response.
#[derive(Debug, Serialize, ToSchema)]
pub struct FirstResponseReport {
    /// What the report counts, in words.
    pub definition: String,
    /// The name of the definition in `GET /analytics/definitions`.
    pub definition_name: String,
    pub definition_version: i32,
    pub pipeline_id: Uuid,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    pub time_zone: String,
    /// The working time in which leads should be answered.
    pub target_minutes: i64,
    pub group_by: String,
    pub groups: Vec<FirstResponseGroup>,
    /// The same report for the earlier period, with `compare`.
    #[schema(no_recursion)]
    pub comparison: Option<Box<FirstResponseReport>>,
}
impl NothingHidden for FirstResponseReport {}

#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct FirstResponseGroup {
    /// The id or text of the group. Null for records without one, and if the report is not grouped.
    pub key: Option<String>,
    pub label: Option<String>,
    pub leads: i64,
    pub answered: i64,
    /// Open leads without an answer.
    pub waiting: i64,
    pub within_target: i64,
    #[schema(format = "double")]
    pub target_share: Option<f64>,
    pub elapsed: WaitFigures,
    /// In working hours.
    pub working: WaitFigures,
    pub drill_down: FirstResponseLists,
}

/// Times in seconds. Null if no lead was answered.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct WaitFigures {
    #[schema(format = "double")]
    pub mean_seconds: Option<f64>,
    #[schema(format = "double")]
    pub median_seconds: Option<f64>,
    #[schema(format = "double")]
    pub p90_seconds: Option<f64>,
}

/// The list queries of the leads behind the figures. Null if no list query selects exactly these.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct FirstResponseLists {
    pub leads: Option<String>,
    pub answered: Option<String>,
    pub waiting: Option<String>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    group_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    group_label: Option<String>,
    #[diesel(sql_type = BigInt)]
    leads: i64,
    #[diesel(sql_type = BigInt)]
    answered: i64,
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    #[diesel(sql_type = BigInt)]
    within_target: i64,
    #[diesel(sql_type = Nullable<Double>)]
    mean: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    median: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    p90: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    working_mean: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    working_median: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    working_p90: Option<f64>,
}

#[derive(QueryableByName)]
struct Range {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    first: Option<DateTime>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last: Option<DateTime>,
}

const GROUPS: &[&str] = &["owner", "team", "source", "product", "stage", "tag", "day", "week", "month", "quarter"];
/// Minutes of working time, if the query names no target.
const TARGET: i64 = 60;
const TARGET_MAX: i64 = 99_999;

list_params!(
    FirstResponseParameters,
    lead_parameters(
        GROUPS,
        &[
            COMPARE,
            (
                "target_minutes",
                "The working time in which leads should be answered; 60 if absent.",
                "^[1-9][0-9]{0,4}$"
            ),
        ]
    )
);

fn report(tx: &mut Tx<'_>, query: &ReportQuery) -> Result<FirstResponseReport> {
    let (query, target) = query.number("target_minutes", TARGET, TARGET_MAX)?;
    let scope = query.leads(tx, GROUPS)?;
    let mut report = of(tx, &scope, target)?;
    report.comparison = scope.earlier().map(|earlier| of(tx, &earlier, target)).transpose()?.map(Box::new);
    Ok(report)
}

fn of(tx: &mut Tx<'_>, scope: &Scope, target: i64) -> Result<FirstResponseReport> {
    let hours = working_hours(tx, scope)?;
    let statement = scope
        .statement(tx, include_str!("first_response.sql"))
        .set("begins", Part::Times(hours.iter().map(|slot| slot.from).collect()))
        .set("ends", Part::Times(hours.iter().map(|slot| slot.to).collect()))
        .set("target", Part::Int(target * 60));
    let rows: Vec<Row> = statement.load(tx.conn)?;
    let mut groups: Vec<FirstResponseGroup> = rows.into_iter().map(group).collect();
    if groups.is_empty() && scope.group.is_none() {
        groups.push(FirstResponseGroup::default());
    }
    if let Some(keys) = scope.time_groups()? {
        let empty = |key: &str| FirstResponseGroup {
            key: Some(key.into()),
            label: Some(key.into()),
            ..FirstResponseGroup::default()
        };
        groups = period::filled(groups, keys, |group| group.key.as_deref(), empty);
    }
    for group in &mut groups {
        let created = Drill::of_period("created_at");
        let query = |drill: Drill| drill.query(scope, group.key.as_deref());
        group.drill_down = FirstResponseLists {
            leads: query(created.clone()),
            answered: query(created.clone().with("first_response_at__empty", "false")),
            waiting: query(created.with("unanswered", "true")),
        };
    }
    Ok(FirstResponseReport {
        definition: DEFINITION.text.into(),
        definition_name: DEFINITION.name.into(),
        definition_version: DEFINITION.version,
        pipeline_id: scope.pipeline,
        from: scope.from,
        to: scope.to,
        time_zone: scope.zone.name().into(),
        target_minutes: target,
        group_by: scope.group.name.clone(),
        groups,
        comparison: None,
    })
}

/// Returns the working times of the workspace between the first answered lead and the last answer. Without them, nobody
/// waited.
fn working_hours(tx: &mut Tx<'_>, scope: &Scope) -> Result<Vec<TimeSlot>> {
    let range: Range = scope.statement(tx, include_str!("first_response_range.sql")).get_result(tx.conn)?;
    let Some((from, to)) = range.first.zip(range.last).filter(|(from, to)| from < to) else { return Ok(Vec::new()) };
    let workspace = workspaces::find(tx)?;
    let zone = workspace.time_zone.parse().unwrap_or(chrono_tz::Tz::UTC);
    let (hours, period) = (&workspace.working_hours, TimeSlot { from, to });
    Ok(merged(hours.between(period, zone, &workspace.holidays, &Absences::default())))
}

fn group(row: Row) -> FirstResponseGroup {
    FirstResponseGroup {
        key: row.group_key,
        label: row.group_label,
        leads: row.leads,
        answered: row.answered,
        waiting: row.waiting,
        within_target: row.within_target,
        target_share: ratio(row.within_target, row.answered),
        elapsed: WaitFigures { mean_seconds: row.mean, median_seconds: row.median, p90_seconds: row.p90 },
        working: WaitFigures {
            mean_seconds: row.working_mean,
            median_seconds: row.working_median,
            p90_seconds: row.working_p90,
        },
        drill_down: FirstResponseLists::default(),
    }
}

impl OnPaper for FirstResponseReport {
    fn about(&self) -> About {
        about!(self, "first-response", "First response")
    }

    fn table(&self, currency: &str) -> Result<Table> {
        let lines: Vec<Line<'_, FirstResponseGroup>> = self.groups.iter().map(|group| (Vec::new(), group)).collect();
        Table::new(&[], &[], &lines, currency).map(|table| table.rates(&["target_share"]))
    }

    fn chart(&self, _: &str) -> Chart {
        let name = |group: &FirstResponseGroup| {
            GroupName { key: &group.key, label: &group.label, group_by: &self.group_by }.shown()
        };
        let of_answered =
            |group: &FirstResponseGroup| Figure::count(group.within_target).of(&format!("of {}", group.answered));
        let figure = |group: &FirstResponseGroup| {
            group.target_share.map(|share| Figure::rate(share).with(Some(of_answered(group))))
        };
        let labels = self.groups.iter().map(name).collect();
        Chart::new(Shape::Bars, Unit::Rate, "Answered in time", labels).one(self.groups.iter().map(figure).collect())
    }

    fn earlier(&self) -> Option<&Self> {
        self.comparison.as_deref()
    }
}

/// Get how long the leads created in the period waited for a first response.
#[utoipa::path(operation_id = "get_first_response", params(FirstResponseParameters), responses((status = 200, description = "The waiting times",
    body = FirstResponseReport)))]
#[get("/analytics/first-response")]
async fn first_response(ctx: Ctx<can::Read<Report>>, wanted: Wanted) -> Result<Reply> {
    answer(&ctx, wanted, report).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(first_response);
}

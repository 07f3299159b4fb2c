//! Loss reasons: why leads and deals are lost, and in which stage.
use crate::about;
use crate::analytics::drill_down::Drill;
use crate::analytics::paper::about::{About, OnPaper};
use crate::analytics::paper::answer::{Wanted, answer};
use crate::analytics::paper::chart::{Chart, Figure, GroupName, Shape, Unit};
use crate::analytics::period;
use crate::analytics::report::{Definition, Report};
use crate::analytics::scope::{COMPARE, ReportQuery, Scope, parameters_of_both, ratio};
use crate::db::tx::Tx;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::Reply;
use crate::kernel::answers::table::{Cell, Line, Table};
use crate::kernel::error::Result;
use crate::kernel::values::money::Money;
use crate::kernel::values::sums::{Sum, Sums};
use crate::kernel::values::time::DateTime;
use crate::list_params;
use crate::web::ctx::Ctx;
use actix_web::get;
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use std::cmp::Reverse;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

pub const DEFINITION: Definition = Definition {
    name: "loss_reasons",
    version: 1,
    text: "Records lost in the period, by loss reason and by their last open stage, which can be in \
    another pipeline or deleted. share = count / lost of the group, not rounded. Records without an amount are \
    counted but add no value.",
    leaves_out: &["records that are not lost now", "deleted records"],
};

#[derive(Debug, Serialize, ToSchema)]
pub struct LossReasonReport {
    /// What the report counts, in words.
    pub definition: String,
    /// The name of the definition in `GET /analytics/definitions`.
    pub definition_name: String,
    pub definition_version: i32,
    pub pipeline_id: Uuid,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    pub time_zone: String,
    pub group_by: String,
    pub groups: Vec<LossReasonGroup>,
    /// The same report for the earlier period, with `compare`.
    #[schema(no_recursion)]
    pub comparison: Option<Box<LossReasonReport>>,
}
impl NothingHidden for LossReasonReport {}

#[derive(Debug, Default, Serialize, ToSchema)]
pub struct LossReasonGroup {
    /// The id or text of the group. Null for records without one, and if the report is not grouped.
    pub key: Option<String>,
    pub label: Option<String>,
    pub lost: i64,
    pub reasons: Vec<LossReasonFigures>,
    /// The list query of the lost records. Null if no list query selects exactly these.
    pub drill_down: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct LossReasonFigures {
    /// Null if no reason is recorded.
    pub loss_reason_id: Option<Uuid>,
    pub reason: Option<String>,
    pub stage_id: Option<Uuid>,
    /// The last open stage before the loss.
    pub stage: Option<String>,
    pub count: i64,
    #[schema(format = "double")]
    pub share: Option<f64>,
    /// By currency.
    pub value: Vec<Money>,
    /// The pipeline of that stage. It differs from the pipeline of the report if the record moved from there to a
    /// lost stage.
    pub stage_pipeline_id: Option<Uuid>,
    /// The time at which that stage was deleted. Null if it exists.
    pub stage_deleted_at: Option<DateTime>,
    /// The list query of these records. Null if no list query selects exactly these.
    pub drill_down: Option<String>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    group_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    group_label: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    loss_reason_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    stage_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    stage: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    stage_pipeline_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    stage_deleted_at: Option<DateTime>,
    #[diesel(sql_type = Nullable<Text>)]
    currency: Option<String>,
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = Text)]
    amount: Sum,
}

const GROUPS: &[&str] = &[
    "owner",
    "closed_by",
    "team",
    "source",
    "product",
    "tag",
    "sector",
    "day",
    "week",
    "month",
    "quarter",
    "competitor",
];
list_params!(LossReasonParameters, parameters_of_both(GROUPS, &[COMPARE]));

fn report(tx: &mut Tx<'_>, query: &ReportQuery) -> Result<LossReasonReport> {
    let scope = query.scope(tx, GROUPS)?;
    let mut report = of(tx, &scope)?;
    report.comparison = scope.earlier().map(|earlier| of(tx, &earlier)).transpose()?.map(Box::new);
    Ok(report)
}

fn of(tx: &mut Tx<'_>, scope: &Scope) -> Result<LossReasonReport> {
    let rows: Vec<Row> = scope.statement(tx, include_str!("loss_reasons.sql")).load(tx.conn)?;
    let mut groups: Vec<LossReasonGroup> =
        rows.chunk_by(|a, b| a.group_key == b.group_key).map(group).collect::<Result<_>>()?;
    if groups.is_empty() && scope.group.is_none() {
        groups.push(LossReasonGroup::default());
    }
    if let Some(keys) = scope.time_groups()? {
        let empty = |key: &str| LossReasonGroup {
            key: Some(key.into()),
            label: Some(key.into()),
            ..LossReasonGroup::default()
        };
        groups = period::filled(groups, keys, |group| group.key.as_deref(), empty);
    }
    groups.iter_mut().for_each(|group| drill_down(scope, group));
    Ok(LossReasonReport {
        definition: DEFINITION.text.into(),
        definition_name: DEFINITION.name.into(),
        definition_version: DEFINITION.version,
        pipeline_id: scope.pipeline,
        from: scope.from,
        to: scope.to,
        time_zone: scope.zone.name().into(),
        group_by: scope.group.name.clone(),
        groups,
        comparison: None,
    })
}

fn drill_down(scope: &Scope, group: &mut LossReasonGroup) {
    let lost = Drill::of_period("closed_at").with("status", "lost");
    let key = group.key.as_deref();
    group.drill_down = lost.query(scope, key);
    for figures in &mut group.reasons {
        let of_reason =
            lost.clone().with_id("loss_reason_id", figures.loss_reason_id, ("loss_reason_id__empty", "true"));
        let of_stage = of_reason.with_id("last_open_stage_id", figures.stage_id, ("last_open_stage_id", "none"));
        figures.drill_down = of_stage.query(scope, key);
    }
}

fn group(rows: &[Row]) -> Result<LossReasonGroup> {
    let lost = rows.iter().map(|row| row.count).sum();
    let same = |a: &Row, b: &Row| a.loss_reason_id == b.loss_reason_id && a.stage_id == b.stage_id;
    let reasons = rows.chunk_by(same).filter_map(|rows| Some((rows.first()?, rows))).map(|(first, rows)| {
        let (mut count, mut value) = (0, Sums::default());
        for row in rows {
            count += row.count;
            value.add(row.currency.as_deref(), row.amount);
        }
        Ok(LossReasonFigures {
            loss_reason_id: first.loss_reason_id,
            reason: first.reason.clone(),
            stage_id: first.stage_id,
            stage: first.stage.clone(),
            stage_pipeline_id: first.stage_pipeline_id,
            stage_deleted_at: first.stage_deleted_at,
            count,
            share: ratio(count, lost),
            value: value.list()?,
            drill_down: None,
        })
    });
    Ok(LossReasonGroup {
        key: rows.first().and_then(|row| row.group_key.clone()),
        label: rows.first().and_then(|row| row.group_label.clone()),
        lost,
        reasons: reasons.collect::<Result<_>>()?,
        drill_down: None,
    })
}

fn lines(report: &LossReasonReport) -> Vec<Line<'_, LossReasonFigures>> {
    let of = |group: &LossReasonGroup| {
        vec![Cell::from(group.key.clone()), Cell::from(group.label.clone()), Cell::from(group.lost)]
    };
    let reasons = report.groups.iter().flat_map(|group| group.reasons.iter().map(move |reason| (of(group), reason)));
    reasons.collect()
}

/// Returns the reasons of all groups, the most frequent first, each with its numbers in the groups.
fn by_reason(groups: &[LossReasonGroup]) -> Vec<(String, Vec<i64>)> {
    let mut reasons: Vec<(String, Vec<i64>)> = Vec::new();
    for (n, group) in groups.iter().enumerate() {
        for figures in &group.reasons {
            let reason = figures.reason.clone().unwrap_or_else(|| "(no reason)".into());
            let at = reasons.iter().position(|(known, _)| *known == reason).unwrap_or(reasons.len());
            if at == reasons.len() {
                reasons.push((reason, vec![0; groups.len()]));
            }
            let counts = reasons.get_mut(at).and_then(|(_, counts)| counts.get_mut(n));
            counts.into_iter().for_each(|count| *count += figures.count);
        }
    }
    reasons.sort_by_key(|(_, counts)| Reverse(counts.iter().sum::<i64>()));
    reasons
}

impl OnPaper for LossReasonReport {
    fn about(&self) -> About {
        about!(self, "loss-reasons", "Loss reasons")
    }

    fn table(&self, currency: &str) -> Result<Table> {
        Table::new(&["group_id", "group"], &["lost"], &lines(self), currency).map(|table| table.rates(&["share"]))
    }

    fn chart(&self, _: &str) -> Chart {
        let reasons = by_reason(&self.groups);
        let of_group = |(n, group): (usize, &LossReasonGroup)| {
            let name = GroupName { key: &group.key, label: &group.label, group_by: &self.group_by }.shown();
            let share = |count| ratio(count, group.lost).map(Figure::rate);
            let counts = reasons.iter().map(|(_, counts)| counts.get(n).copied());
            (name, counts.map(|count| count.map(|count| Figure::count(count).with(share(count)))).collect())
        };
        let labels = reasons.iter().map(|(reason, _)| reason.clone()).collect();
        Chart::new(Shape::Bars, Unit::Count, "Lost", labels).each(self.groups.iter().enumerate().map(of_group))
    }

    fn earlier(&self) -> Option<&Self> {
        self.comparison.as_deref()
    }
}

/// Get the reasons for which leads or deals were lost in the period, by the stage before the loss.
#[utoipa::path(operation_id = "get_loss_reasons", params(LossReasonParameters), responses((status = 200, description = "The reasons",
    body = LossReasonReport),
        (status = 422, description = "A sum exceeds the largest amount")))]
#[get("/analytics/loss-reasons")]
async fn loss_reasons(ctx: Ctx<can::Read<Report>>, wanted: Wanted) -> Result<Reply> {
    answer(&ctx, wanted, report).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(loss_reasons);
}

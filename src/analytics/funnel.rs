//! The funnel in three readings: cohort, flow, snapshot.
use crate::analytics::scope::{Question, Scope, Sums, parameters, ratio};
use crate::db::sql::Part;
use crate::db::tx::Tx;
use crate::kernel::actor::can;
use crate::kernel::csv;
use crate::kernel::error::{Bad, Error, Result};
use crate::kernel::money::Money;
use crate::kernel::reply::Reply;
use crate::kernel::time::DateTime;
use crate::sales::stages::{self, Category, Stage};
use crate::web::ctx::Ctx;
use crate::{list_params, text_enum};
use actix_web::get;
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

text_enum! {
    pub enum FunnelKind { Cohort = "cohort", Flow = "flow", Snapshot = "snapshot", }
}

impl FunnelKind {
    const fn definition(self) -> &'static str {
        match self {
            FunnelKind::Cohort => {
                "Records created in the period. A stage counts those that ever stood in it or in a later one; lost records stay in. \
                 share = count / total. Lost stages count the records that are lost now."
            }
            FunnelKind::Flow => {
                "Distinct records that entered each stage in the period. left counts departures in the period, left_forward those \
                 to a later stage that is not lost; conversion = left_forward / left."
            }
            FunnelKind::Snapshot => "Open records in each stage at the instant `at`, with the values they have now.",
        }
    }
}

/// A funnel.
#[derive(Debug, Serialize, ToSchema)]
pub struct FunnelReport {
    pub kind: FunnelKind,
    /// What was counted, in words.
    pub definition: String,
    pub pipeline_id: Uuid,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    /// Of a snapshot.
    pub at: Option<DateTime>,
    pub time_zone: String,
    pub group_by: String,
    pub groups: Vec<FunnelGroup>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FunnelGroup {
    /// Id or text of the group; null for records without one, and when nothing is grouped.
    pub key: Option<String>,
    pub label: Option<String>,
    pub total: i64,
    /// Of the total, those that are open now.
    pub open: i64,
    pub won: i64,
    pub lost: i64,
    /// open / total: how unripe the cohort is.
    #[schema(format = "double")]
    pub open_share: Option<f64>,
    pub stages: Vec<FunnelStage>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FunnelStage {
    pub stage_id: Uuid,
    pub name: String,
    pub category: Category,
    pub position: i32,
    pub count: i64,
    #[schema(format = "double")]
    pub share: Option<f64>,
    /// Of a flow: departures in the period.
    pub left: Option<i64>,
    pub left_forward: Option<i64>,
    #[schema(format = "double")]
    pub conversion: Option<f64>,
    /// Value of the counted records, per currency.
    pub value: Vec<Money>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    group_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    group_label: Option<String>,
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = BigInt)]
    open: i64,
    #[diesel(sql_type = BigInt)]
    won: i64,
    #[diesel(sql_type = BigInt)]
    lost: i64,
    #[diesel(sql_type = SqlUuid)]
    stage_id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    currency: Option<String>,
    #[diesel(sql_type = BigInt)]
    reached: i64,
    #[diesel(sql_type = BigInt)]
    amount: i64,
    #[diesel(sql_type = BigInt)]
    gone: i64,
    #[diesel(sql_type = BigInt)]
    gone_on: i64,
}

const GROUPS: &[&str] = &["owner", "team", "source", "product", "stage", "tag", "sector"];
list_params!(
    FunnelParameters,
    parameters(
        GROUPS,
        &[
            ("kind", "`cohort` if absent.", "^(cohort|flow|snapshot)$"),
            ("at", "Of a snapshot: the instant; now if absent.", ""),
        ]
    )
);

fn report(tx: &mut Tx<'_>, question: &Question) -> Result<FunnelReport> {
    let scope = question.funnel(tx, GROUPS)?;
    let kind: FunnelKind = scope
        .view
        .as_deref()
        .unwrap_or("cohort")
        .parse()
        .map_err(|detail| Error::parameters(vec![Bad::parameter("kind", "invalid_choice", detail)]))?;
    let at = scope.at.unwrap_or(tx.now);
    let sql = match kind {
        FunnelKind::Cohort => include_str!("funnel_cohort.sql"),
        FunnelKind::Flow => include_str!("funnel_flow.sql"),
        FunnelKind::Snapshot => include_str!("funnel_snapshot.sql"),
    };
    let rows: Vec<Row> = scope.statement(tx, sql).set("at", Part::At(at)).load(tx.conn)?;
    let stages = stages::of_pipeline(tx, scope.pipeline)?;
    Ok(FunnelReport {
        kind,
        definition: kind.definition().into(),
        pipeline_id: scope.pipeline,
        from: scope.from,
        to: scope.to,
        at: (kind == FunnelKind::Snapshot).then_some(at),
        time_zone: scope.zone.name().into(),
        group_by: scope.group.name.clone(),
        groups: groups(&rows, &stages, kind, &scope),
    })
}

/// Rows come per group, stage and currency; a record has one currency, so counts of the same stage add up.
fn groups(rows: &[Row], stages: &[Stage], kind: FunnelKind, scope: &Scope) -> Vec<FunnelGroup> {
    let mut groups: Vec<FunnelGroup> = rows
        .chunk_by(|a, b| a.group_key == b.group_key)
        .filter_map(|rows| rows.first().map(|first| group(first, rows, stages, kind)))
        .collect();
    // Without grouping there is always one group, be it empty.
    if groups.is_empty() && scope.group.is_none() {
        let nobody = Row {
            group_key: None,
            group_label: None,
            total: 0,
            open: 0,
            won: 0,
            lost: 0,
            stage_id: Uuid::nil(),
            currency: None,
            reached: 0,
            amount: 0,
            gone: 0,
            gone_on: 0,
        };
        groups.push(group(&nobody, &[], stages, kind));
    }
    groups
}

fn group(first: &Row, rows: &[Row], stages: &[Stage], kind: FunnelKind) -> FunnelGroup {
    let shown = stages.iter().filter(|s| kind != FunnelKind::Snapshot || s.category == Category::Open);
    FunnelGroup {
        key: first.group_key.clone(),
        label: first.group_label.clone(),
        total: first.total,
        open: first.open,
        won: first.won,
        lost: first.lost,
        open_share: ratio(first.open, first.total),
        stages: shown.map(|stage| funnel_stage(stage, first.total, rows, kind)).collect(),
    }
}

fn funnel_stage(stage: &Stage, total: i64, rows: &[Row], kind: FunnelKind) -> FunnelStage {
    let (mut count, mut left, mut forward, mut value) = (0, 0, 0, Sums::default());
    for row in rows.iter().filter(|row| row.stage_id == stage.id) {
        count += row.reached;
        left += row.gone;
        forward += row.gone_on;
        value.add(row.currency.as_deref(), row.amount);
    }
    let flow = kind == FunnelKind::Flow;
    FunnelStage {
        stage_id: stage.id,
        name: stage.name.clone(),
        category: stage.category,
        position: stage.position,
        count,
        share: ratio(count, total),
        left: flow.then_some(left),
        left_forward: flow.then_some(forward),
        conversion: flow.then(|| ratio(forward, left)).flatten(),
        value: value.list(),
    }
}

fn lines(report: &FunnelReport) -> Vec<csv::Line<'_, FunnelStage>> {
    let of = |group: &FunnelGroup| vec![group.key.clone(), group.label.clone()];
    let stages = report.groups.iter().flat_map(|group| group.stages.iter().map(move |stage| (of(group), stage)));
    stages.collect()
}

/// The funnel of a pipeline of leads or deals: by cohort, by flow, or as it stood at an instant.
#[utoipa::path(operation_id = "get_funnel", params(FunnelParameters), responses((status = 200, description = "The funnel",
    content((FunnelReport = "application/json"), (String = "text/csv")))))]
#[get("/analytics/funnel")]
async fn funnel(ctx: Ctx<can::analytics::Read>) -> Result<Reply> {
    let (csv, question) = (ctx.wants_csv()?, Question::new(ctx.query(), &ctx.actor)?);
    ctx.report(move |tx| {
        let report = report(tx, &question)?;
        let currency = &tx.actor.settings.base_currency;
        if csv { csv::report(&["group_id", "group"], &lines(&report), currency) } else { Reply::ok(&report) }
    })
    .await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(funnel);
}

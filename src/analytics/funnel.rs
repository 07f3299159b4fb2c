//! The funnel report: cohort, flow and snapshot.
use crate::about;
use crate::analytics::drill_down::Drill;
use crate::analytics::paper::about::{About, OnPaper};
use crate::analytics::paper::answer::{Wanted, answer};
use crate::analytics::paper::chart::{Chart, Figure, GroupName, Series, Shape, Unit};
use crate::analytics::paper::look::Colour;
use crate::analytics::period::{self, wrong};
use crate::analytics::report::{Definition, Report};
use crate::analytics::scope::{COMPARE, CREATED, ReportQuery, Scope, parameters_of_both, ratio};
use crate::db::sql::Part;
use crate::db::tx::Tx;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::Reply;
use crate::kernel::answers::table::{Cell, Line, Table};
use crate::kernel::error::{Error, FieldError, Result};
use crate::kernel::values::money::Money;
use crate::kernel::values::sums::{Sum, Sums};
use crate::kernel::values::time::DateTime;
use crate::sales::stages::{self, Category, KnownStage};
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
    const fn definition(self) -> &'static Definition {
        match self {
            FunnelKind::Cohort => &COHORT,
            FunnelKind::Flow => &FLOW,
            FunnelKind::Snapshot => &SNAPSHOT,
        }
    }
}

pub const COHORT: Definition = Definition {
    name: "funnel_cohort",
    version: 1,
    text: "Records created in the period. A stage counts the records that were ever in it, or in a later stage \
           according to the stage order at the time of the move; lost records are included. share = count / \
           total. Won stages are alternatives: each counts the records that were ever in it. A lost stage \
           counts the records that are in it now. A record whose stage was deleted counts in the stage that it \
           was moved to, but not in the stages in between. Deleted stages are listed with deleted_at if they \
           count any record.",
    leaves_out: &["deleted records"],
};
pub const FLOW: Definition = Definition {
    name: "funnel_flow",
    version: 1,
    text: "Distinct records that entered each stage in the period. left counts departures in the period, \
           left_forward those to a stage of the same pipeline that was later in the stage order at the time of \
           the move and is not lost. A move because a stage was deleted counts in left but not in \
           left_forward. conversion = left_forward / left. Deleted stages are listed with deleted_at if any \
           record entered or left them.",
    leaves_out: &["deleted records"],
};
pub const SNAPSHOT: Definition = Definition {
    name: "funnel_snapshot",
    version: 1,
    text: "Records that were open and not deleted at the time `at`, by their stage at that time, with their \
           current values, owners and tags. Grouped by stage, the stage at that time is used. Stages deleted \
           since are listed with deleted_at if any record was in them.",
    leaves_out: &["records that were closed or deleted at the time"],
};

/// A funnel report.
#[derive(Debug, Serialize, ToSchema)]
pub struct FunnelReport {
    pub kind: FunnelKind,
    /// What the report counts, in words.
    pub definition: String,
    /// The name of the definition in `GET /analytics/definitions`.
    pub definition_name: String,
    pub definition_version: i32,
    pub pipeline_id: Uuid,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    /// The time of a snapshot; null for other kinds.
    pub at: Option<DateTime>,
    pub time_zone: String,
    pub group_by: String,
    pub groups: Vec<FunnelGroup>,
    /// The same report for the earlier period, with `compare`.
    #[schema(no_recursion)]
    pub comparison: Option<Box<FunnelReport>>,
}
impl NothingHidden for FunnelReport {}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FunnelGroup {
    /// The id or text of the group. Null for records without one, and if the report is not grouped.
    pub key: Option<String>,
    pub label: Option<String>,
    pub total: i64,
    /// How many of the total are open now.
    pub open: i64,
    pub won: i64,
    pub lost: i64,
    /// open / total: the share of the cohort without an outcome yet.
    #[schema(format = "double")]
    pub open_share: Option<f64>,
    pub stages: Vec<FunnelStage>,
    pub drill_down: FunnelLists,
}

/// The list queries of the records behind the figures. Null if no list query selects exactly these.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct FunnelLists {
    pub total: Option<String>,
    pub open: Option<String>,
    pub won: Option<String>,
    pub lost: Option<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FunnelStage {
    pub stage_id: Uuid,
    pub name: String,
    pub category: Category,
    pub position: i32,
    pub count: i64,
    #[schema(format = "double")]
    pub share: Option<f64>,
    /// Departures in the period, for a flow.
    pub left: Option<i64>,
    pub left_forward: Option<i64>,
    #[schema(format = "double")]
    pub conversion: Option<f64>,
    /// The value of the counted records, by currency.
    pub value: Vec<Money>,
    /// The time at which the stage was deleted. Null if it exists.
    pub deleted_at: Option<DateTime>,
    /// The list query of the counted records. Null if no list query selects exactly these.
    pub drill_down: Option<String>,
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
    #[diesel(sql_type = Text)]
    amount: Sum,
    #[diesel(sql_type = BigInt)]
    gone: i64,
    #[diesel(sql_type = BigInt)]
    gone_on: i64,
}

impl Row {
    /// Checks whether any record entered or left the stage.
    fn counts(&self) -> bool {
        self.reached > 0 || self.gone > 0
    }
}

const GROUPS: &[&str] =
    &["owner", "team", "source", "product", "stage", "tag", "sector", "day", "week", "month", "quarter"];
list_params!(
    FunnelParameters,
    parameters_of_both(
        GROUPS,
        &[
            ("kind", "`cohort` if absent.", "^(cohort|flow|snapshot)$"),
            COMPARE,
            (
                "at",
                "Only for a snapshot: the time, which must be in the past; now if absent. Excludes `from`, `to` and \
                 filters by stage, status or closing.",
                ""
            ),
        ]
    )
);

pub fn report(tx: &mut Tx<'_>, query: &ReportQuery) -> Result<FunnelReport> {
    let scope = query.funnel(tx, GROUPS)?;
    let kind: FunnelKind = scope
        .view
        .as_deref()
        .unwrap_or("cohort")
        .parse()
        .map_err(|_| Error::parameters(vec![FieldError::not_among(FunnelKind::TEXTS).at_parameter("kind")]))?;
    require_relevant(kind, &scope, tx.now)?;
    let at = scope.at.unwrap_or(tx.now);
    let scope = match kind {
        FunnelKind::Snapshot => {
            query.reject_filters(&OF_TODAY, "must be absent for a snapshot, because it refers to the present")?;
            scope.of_then()
        }
        FunnelKind::Flow => scope,
        FunnelKind::Cohort => scope.by_time(CREATED),
    };
    if kind != FunnelKind::Cohort && scope.group.is_time() {
        return Err(wrong("group_by", "must not be a unit of time: only a cohort has one time for each record"));
    }
    let mut report = of(tx, &scope, kind, at)?;
    report.comparison = scope.earlier().map(|earlier| of(tx, &earlier, kind, at)).transpose()?.map(Box::new);
    Ok(report)
}

fn of(tx: &mut Tx<'_>, scope: &Scope, kind: FunnelKind, at: DateTime) -> Result<FunnelReport> {
    let sql = match kind {
        FunnelKind::Cohort => include_str!("funnel_cohort.sql"),
        FunnelKind::Flow => include_str!("funnel_flow.sql"),
        FunnelKind::Snapshot => include_str!("funnel_snapshot.sql"),
    };
    let rows: Vec<Row> = scope.statement(tx, sql).set("at", Part::At(at)).load(tx.conn)?;
    let mut stages = stages::ever_of_pipeline(tx, scope.pipeline)?;
    stages.retain(|known| {
        known.deleted_at.is_none() || rows.iter().any(|row| row.stage_id == known.stage.id && row.counts())
    });
    Ok(FunnelReport {
        kind,
        definition: kind.definition().text.into(),
        definition_name: kind.definition().name.into(),
        definition_version: kind.definition().version,
        pipeline_id: scope.pipeline,
        from: scope.from,
        to: scope.to,
        at: (kind == FunnelKind::Snapshot).then_some(at),
        time_zone: scope.zone.name().into(),
        group_by: scope.group.name.clone(),
        groups: groups(&rows, &stages, kind, scope)?,
        comparison: None,
    })
}

/// Fields that describe a record now and not at the time of a snapshot.
const OF_TODAY: [&str; 4] = ["stage_id", "status", "closed_at", "stage_entered_at"];

/// Refuses a period for a snapshot, and a time for the other kinds.
fn require_relevant(kind: FunnelKind, scope: &Scope, now: DateTime) -> Result<()> {
    match (kind, scope.from.or(scope.to), scope.at) {
        (FunnelKind::Snapshot, None, Some(at)) if at > now => {
            Err(wrong("at", format!("must not be in the future; the current time is {now}")))
        }
        (FunnelKind::Snapshot, Some(_), _) => {
            let name = if scope.from.is_some() { "from" } else { "to" };
            Err(wrong(name, "must be absent for a snapshot; set its time in at"))
        }
        (FunnelKind::Cohort | FunnelKind::Flow, _, Some(_)) => {
            Err(wrong("at", format!("must be absent for a {}; set its period in from and to", kind.as_str())))
        }
        _ => Ok(()),
    }
}

/// Builds the groups from the rows, one for each group, stage and currency. Counts of one stage can be added, because
/// a record has one currency.
fn groups(rows: &[Row], stages: &[KnownStage], kind: FunnelKind, scope: &Scope) -> Result<Vec<FunnelGroup>> {
    let mut groups: Vec<FunnelGroup> = rows
        .chunk_by(|a, b| a.group_key == b.group_key)
        .map(|rows| group(rows, stages, kind))
        .collect::<Result<_>>()?;
    // Without grouping there is always one group, even an empty one.
    if groups.is_empty() && scope.group.is_none() {
        groups.push(group(&[], stages, kind)?);
    }
    if let Some(keys) = scope.time_groups()? {
        let nothing = group(&[], stages, kind)?;
        let empty = |key: &str| FunnelGroup { key: Some(key.into()), label: Some(key.into()), ..nothing.clone() };
        groups = period::filled(groups, keys, |group| group.key.as_deref(), empty);
    }
    groups.iter_mut().for_each(|group| drill_down(group, kind, scope));
    Ok(groups)
}

fn group(rows: &[Row], stages: &[KnownStage], kind: FunnelKind) -> Result<FunnelGroup> {
    let first = rows.first();
    let of_first = |count: fn(&Row) -> i64| first.map_or(0, count);
    let (total, open) = (of_first(|row| row.total), of_first(|row| row.open));
    let shown = stages.iter().filter(|known| kind != FunnelKind::Snapshot || known.stage.category == Category::Open);
    Ok(FunnelGroup {
        key: first.and_then(|row| row.group_key.clone()),
        label: first.and_then(|row| row.group_label.clone()),
        total,
        open,
        won: of_first(|row| row.won),
        lost: of_first(|row| row.lost),
        open_share: ratio(open, total),
        stages: shown.map(|known| funnel_stage(known, total, rows, kind)).collect::<Result<_>>()?,
        drill_down: FunnelLists::default(),
    })
}

fn funnel_stage(known: &KnownStage, total: i64, rows: &[Row], kind: FunnelKind) -> Result<FunnelStage> {
    let KnownStage { stage, deleted_at } = known;
    let (mut count, mut left, mut forward, mut value) = (0, 0, 0, Sums::default());
    for row in rows.iter().filter(|row| row.stage_id == stage.id) {
        count += row.reached;
        left += row.gone;
        forward += row.gone_on;
        // A record that only left the stage is not counted and adds no value.
        if row.reached > 0 {
            value.add(row.currency.as_deref(), row.amount);
        }
    }
    let flow = kind == FunnelKind::Flow;
    Ok(FunnelStage {
        stage_id: stage.id,
        name: stage.name.clone(),
        category: stage.category,
        position: stage.position,
        deleted_at: *deleted_at,
        count,
        share: ratio(count, total),
        left: flow.then_some(left),
        left_forward: flow.then_some(forward),
        conversion: flow.then(|| ratio(forward, left)).flatten(),
        value: value.list()?,
        drill_down: None,
    })
}

/// Adds the list queries. A snapshot of the past has none: lists show records as they are now.
fn drill_down(group: &mut FunnelGroup, kind: FunnelKind, scope: &Scope) {
    let key = group.key.clone();
    let query = |drill: Drill| drill.query(scope, key.as_deref());
    let Some(all) = of_funnel(kind, scope, scope.pipeline) else { return };
    let with_status = |status: &str| query(all.clone().with("status", status));
    let closed = |status: &str| (kind != FunnelKind::Snapshot).then(|| with_status(status)).flatten();
    group.drill_down = FunnelLists {
        total: if kind == FunnelKind::Snapshot { with_status("open") } else { query(all.clone()) },
        open: with_status("open"),
        won: closed("won"),
        lost: closed("lost"),
    };
    for stage in &mut group.stages {
        let id = stage.stage_id.to_string();
        let drill = match (kind, stage.category) {
            (FunnelKind::Cohort, Category::Lost) => all.clone().with("stage_id", id),
            (FunnelKind::Cohort, _) => all.clone().with("reached_stage_id", id),
            (FunnelKind::Flow, _) => of_funnel(kind, scope, stage.stage_id).unwrap_or_default(),
            (FunnelKind::Snapshot, _) => all.clone().with("stage_id", id).with("status", "open"),
        };
        stage.drill_down = query(drill);
    }
}

/// The records of a funnel; of a flow those that entered `place`, a stage or a pipeline, in the period.
fn of_funnel(kind: FunnelKind, scope: &Scope, place: Uuid) -> Option<Drill> {
    match kind {
        FunnelKind::Cohort => Some(Drill::of_period("created_at")),
        FunnelKind::Flow => {
            let [from, to] = scope.period().instants(scope.zone);
            Some(Drill::default().anywhere().with("entered", format!("{place},{from},{to}")))
        }
        FunnelKind::Snapshot => scope.at.is_none().then(Drill::default),
    }
}

fn lines(report: &FunnelReport) -> Vec<Line<'_, FunnelStage>> {
    let of = |group: &FunnelGroup| {
        let counts = [group.total, group.open, group.won, group.lost].map(Cell::from);
        [group.key.clone().into(), group.label.clone().into()].into_iter().chain(counts).collect()
    };
    let stages = report.groups.iter().flat_map(|group| group.stages.iter().map(move |stage| (of(group), stage)));
    stages.collect()
}

/// Returns the number of records in a stage, with the share if it is known.
fn counted(stage: &FunnelStage) -> Figure {
    Figure::count(stage.count).with(stage.share.map(Figure::rate))
}

/// Returns the bars of the stages, those of each outcome in another colour.
fn by_outcome(stages: &[FunnelStage]) -> Vec<Series> {
    let of = |(name, colour, category): (&str, Colour, Category)| {
        let figures = stages.iter().map(|stage| (stage.category == category).then(|| counted(stage)));
        Series::new(name, colour, figures.collect())
    };
    let outcomes = [
        ("Open", Colour::Blue, Category::Open),
        ("Won", Colour::Green, Category::Won),
        ("Lost", Colour::Vermilion, Category::Lost),
    ];
    let all = outcomes.map(of).into_iter();
    all.filter(|series| series.figures.iter().any(Option::is_some)).collect()
}

impl OnPaper for FunnelReport {
    fn about(&self) -> About {
        about!(self, "funnel", "Funnel")
    }

    fn table(&self, currency: &str) -> Result<Table> {
        let (keys, behind) = (["group_id", "group"], ["total", "open", "won", "lost"]);
        Table::new(&keys, &behind, &lines(self), currency).map(|table| table.rates(&["share", "conversion"]))
    }

    fn chart(&self, _: &str) -> Chart {
        let stages: &[FunnelStage] = self.groups.first().map_or(&[], |group| &group.stages);
        let labels = stages.iter().map(|stage| stage.name.clone()).collect();
        if self.group_by == "none" {
            let series = by_outcome(stages);
            return Chart { series, ..Chart::new(Shape::Funnel, Unit::Count, "Records", labels) };
        }
        let of_group = |group: &FunnelGroup| {
            let name = GroupName { key: &group.key, label: &group.label, group_by: &self.group_by }.shown();
            (name, group.stages.iter().map(|stage| Some(counted(stage))).collect())
        };
        Chart::new(Shape::Bars, Unit::Count, "Records", labels).each(self.groups.iter().map(of_group))
    }

    fn earlier(&self) -> Option<&Self> {
        self.comparison.as_deref()
    }
}

/// Get the funnel of a pipeline of leads or deals: by cohort, by flow, or a snapshot at a point in time.
#[utoipa::path(operation_id = "get_funnel", params(FunnelParameters), responses((status = 200, description = "The funnel",
    body = FunnelReport),
        (status = 422, description = "A sum exceeds the largest amount")))]
#[get("/analytics/funnel")]
async fn funnel(ctx: Ctx<can::Read<Report>>, wanted: Wanted) -> Result<Reply> {
    answer(&ctx, wanted, report).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(funnel);
}

#[cfg(test)]
#[path = "funnel_tests.rs"]
mod tests;

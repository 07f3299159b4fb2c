//! Cycle times: durations from creation to closing, and in each stage.
use crate::about;
use crate::analytics::drill_down::Drill;
use crate::analytics::paper::about::{About, OnPaper};
use crate::analytics::paper::answer::{Wanted, answer};
use crate::analytics::paper::chart::{Chart, Figure, GroupName, Series, Shape, Unit};
use crate::analytics::paper::look::Colour;
use crate::analytics::period;
use crate::analytics::report::{Definition, Report};
use crate::analytics::scope::{COMPARE, ReportQuery, Scope, parameters_of_both};
use crate::db::tx::Tx;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::Reply;
use crate::kernel::answers::table::{Cell, Line, Table};
use crate::kernel::error::Result;
use crate::kernel::values::time::DateTime;
use crate::list_params;
use crate::sales::stages::{self, KnownStage};
use crate::web::ctx::Ctx;
use actix_web::get;
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Nullable, Text};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

pub const DEFINITION: Definition = Definition {
    name: "cycle_time",
    version: 1,
    text: "won and lost: days from creation to closing of the records closed in the period. stages: \
    days of the stays that ended in the period; a record that returned to a stage counts once for each stay. Deleted \
    stages are listed with deleted_at if a stay in them counts. The duration of records that were created as closed, \
    or imported without a start or a closing date, is unknown: they and their first stays are in no figure, and \
    without_beginning counts them. Stays whose end an import does not contain are excluded too. A day is 24 hours; \
    durations are not rounded. median and p75: half and three quarters of the durations are at most this long, \
    interpolated linearly between two durations.",
    leaves_out: &[
        "records whose creation time is unknown: counted in without_beginning",
        "stays whose beginning or end is unknown",
        "deleted records",
    ],
};

#[derive(Debug, Serialize, ToSchema)]
pub struct CycleTimeReport {
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
    pub groups: Vec<CycleTimeGroup>,
    /// The same report for the earlier period, with `compare`.
    #[schema(no_recursion)]
    pub comparison: Option<Box<CycleTimeReport>>,
}
impl NothingHidden for CycleTimeReport {}

#[derive(Debug, Serialize, ToSchema)]
pub struct CycleTimeGroup {
    /// The id or text of the group. Null for records without one, and if the report is not grouped.
    pub key: Option<String>,
    pub label: Option<String>,
    pub won: DurationFigures,
    pub lost: DurationFigures,
    /// Number of records closed in the period whose creation time is unknown. They are in no other figure.
    pub without_beginning: i64,
    pub stages: Vec<StageDuration>,
}

/// Durations in days. Null if nothing was counted.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct DurationFigures {
    pub count: i64,
    #[schema(format = "double")]
    pub mean_days: Option<f64>,
    #[schema(format = "double")]
    pub median_days: Option<f64>,
    /// Three quarters of the durations are at most this long. Interpolated linearly between the two nearest
    /// durations.
    #[schema(format = "double")]
    pub p75_days: Option<f64>,
    /// The list query of the counted records. Null for stages, which count stays, and if no list query selects exactly
    /// these.
    pub drill_down: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct StageDuration {
    pub stage_id: Uuid,
    pub name: String,
    pub position: i32,
    /// The time at which the stage was deleted. Null if it exists.
    pub deleted_at: Option<DateTime>,
    pub duration: DurationFigures,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    group_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    group_label: Option<String>,
    #[diesel(sql_type = Text)]
    what: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = BigInt)]
    without_beginning: i64,
    #[diesel(sql_type = Nullable<Double>)]
    mean: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    median: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    p75: Option<f64>,
}

const GROUPS: &[&str] =
    &["owner", "closed_by", "team", "source", "product", "stage", "tag", "sector", "day", "week", "month", "quarter"];
list_params!(CycleTimeParameters, parameters_of_both(GROUPS, &[COMPARE]));

fn report(tx: &mut Tx<'_>, query: &ReportQuery) -> Result<CycleTimeReport> {
    let scope = query.scope(tx, GROUPS)?;
    let mut report = of(tx, &scope)?;
    report.comparison = scope.earlier().map(|earlier| of(tx, &earlier)).transpose()?.map(Box::new);
    Ok(report)
}

fn of(tx: &mut Tx<'_>, scope: &Scope) -> Result<CycleTimeReport> {
    let closed: Vec<Row> = scope.statement(tx, include_str!("cycle_time.sql")).load(tx.conn)?;
    // Stays are grouped by the time at which they ended.
    let stays: Vec<Row> = scope.by_time("sp.left_at").statement(tx, include_str!("time_in_stage.sql")).load(tx.conn)?;
    let mut stages = stages::ever_of_pipeline(tx, scope.pipeline)?;
    stages.retain(|known| known.deleted_at.is_none() || stays.iter().any(|row| row.what == known.stage.id.to_string()));
    let mut keys: Vec<(&Option<String>, &Option<String>)> = Vec::new();
    for row in closed.iter().chain(&stays) {
        if !keys.iter().any(|(key, _)| *key == &row.group_key) {
            keys.push((&row.group_key, &row.group_label));
        }
    }
    let none = (&None, &None);
    if keys.is_empty() && scope.group.is_none() {
        keys.push(none);
    }
    let mut groups: Vec<CycleTimeGroup> =
        keys.into_iter().map(|(key, label)| group(key, label, &closed, &stays, &stages)).collect();
    if let Some(keys) = scope.time_groups()? {
        let empty = |key: &str| {
            let key = Some(key.to_owned());
            group(&key, &key, &[], &[], &stages)
        };
        groups = period::filled(groups, keys, |group| group.key.as_deref(), empty);
    }
    for group in &mut groups {
        let timed = Drill::of_period("closed_at").with("without_beginning", "false");
        let query = |status: &str| timed.clone().with("status", status).query(scope, group.key.as_deref());
        (group.won.drill_down, group.lost.drill_down) = (query("won"), query("lost"));
    }
    Ok(CycleTimeReport {
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

fn group(
    key: &Option<String>,
    label: &Option<String>,
    closed: &[Row],
    stays: &[Row],
    stages: &[KnownStage],
) -> CycleTimeGroup {
    let figures = |rows: &[Row], what: &str| {
        let row = rows.iter().find(|row| row.group_key == *key && row.what == what);
        row.map_or_else(DurationFigures::default, |row| DurationFigures {
            count: row.count,
            mean_days: row.mean,
            median_days: row.median,
            p75_days: row.p75,
            drill_down: None,
        })
    };
    let of_group = closed.iter().filter(|row| row.group_key == *key);
    let stage = |KnownStage { stage, deleted_at }: &KnownStage| StageDuration {
        stage_id: stage.id,
        name: stage.name.clone(),
        position: stage.position,
        deleted_at: *deleted_at,
        duration: figures(stays, &stage.id.to_string()),
    };
    CycleTimeGroup {
        key: key.clone(),
        label: label.clone(),
        won: figures(closed, "won"),
        lost: figures(closed, "lost"),
        without_beginning: of_group.map(|row| row.without_beginning).sum(),
        stages: stages.iter().map(stage).collect(),
    }
}

fn lines(group: &CycleTimeGroup) -> Vec<Line<'_, DurationFigures>> {
    let of = |stage: Option<Uuid>, what: &str, deleted_at: Option<DateTime>| {
        let keys = [group.key.clone().into(), group.label.clone().into(), Cell::from(stage), Cell::from(what)];
        keys.into_iter().chain([Cell::from(group.without_beginning), Cell::from(deleted_at)]).collect()
    };
    let mut lines = vec![(of(None, "won", None), &group.won), (of(None, "lost", None), &group.lost)];
    let stage = |s: &'_ StageDuration| of(Some(s.stage_id), &s.name, s.deleted_at);
    lines.extend(group.stages.iter().map(|s| (stage(s), &s.duration)));
    lines
}

/// Returns the bars of the chart: of the outcomes of each group and, without groups, of the stages.
fn bars(report: &CycleTimeReport) -> Vec<(String, &DurationFigures)> {
    let mut bars = Vec::new();
    for group in &report.groups {
        if report.group_by == "none" {
            let stayed = group.stages.iter().filter(|stage| stage.duration.count > 0);
            bars.extend([("From creation to won".into(), &group.won), ("From creation to lost".into(), &group.lost)]);
            bars.extend(stayed.map(|stage| (stage.name.clone(), &stage.duration)));
        } else {
            let name = GroupName { key: &group.key, label: &group.label, group_by: &report.group_by }.shown();
            bars.extend([(format!("{name} · won"), &group.won), (format!("{name} · lost"), &group.lost)]);
        }
    }
    bars
}

impl OnPaper for CycleTimeReport {
    fn about(&self) -> About {
        about!(self, "cycle-time", "Cycle time")
    }

    fn table(&self, currency: &str) -> Result<Table> {
        let lines: Vec<Line<'_, DurationFigures>> = self.groups.iter().flat_map(lines).collect();
        let (keys, behind) = (["group_id", "group", "stage_id", "what"], ["without_beginning", "deleted_at"]);
        Table::new(&keys, &behind, &lines, currency)
    }

    fn chart(&self, _: &str) -> Chart {
        let (labels, durations): (Vec<String>, Vec<&DurationFigures>) = bars(self).into_iter().unzip();
        let medians = durations.iter().map(|of| of.median_days.map(Figure::days)).collect();
        let quarters = durations.iter().map(|of| of.p75_days.map(Figure::days)).collect();
        let mut chart = Chart::new(Shape::Bars, Unit::Days, "Median", labels).one(medians);
        chart.marks = Some(Series::new("75th percentile", Colour::Vermilion, quarters));
        chart
    }

    fn earlier(&self) -> Option<&Self> {
        self.comparison.as_deref()
    }
}

/// Get the time until deals or leads are won or lost, and the time that they spend in each stage.
#[utoipa::path(operation_id = "get_cycle_time", params(CycleTimeParameters), responses((status = 200, description = "The durations",
    body = CycleTimeReport)))]
#[get("/analytics/cycle-time")]
async fn cycle_time(ctx: Ctx<can::Read<Report>>, wanted: Wanted) -> Result<Reply> {
    answer(&ctx, wanted, report).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(cycle_time);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sales::stages::{Category, Stage};

    fn row(key: Option<&str>, what: &str, count: i64) -> Row {
        Row {
            group_key: key.map(str::to_owned),
            group_label: None,
            what: what.into(),
            count,
            without_beginning: 10 * count,
            mean: Some(1.5),
            median: Some(2.5),
            p75: Some(3.5),
        }
    }

    fn known(n: u128) -> KnownStage {
        let at: DateTime = "2026-01-31T00:00:00Z".parse().unwrap();
        let stage = Stage {
            id: Uuid::from_u128(n),
            pipeline_id: Uuid::nil(),
            name: format!("stage {n}"),
            category: Category::Open,
            position: 7,
            probability_percent: 50,
            rotting_days: None,
            version: 1,
            created_at: at,
            updated_at: at,
            order_id: None,
        };
        KnownStage { stage, deleted_at: Some(at) }
    }

    fn found() -> CycleTimeGroup {
        let key = Some("a".to_owned());
        let closed =
            [row(Some("b"), "won", 9), row(Some("a"), "won", 1), row(Some("a"), "lost", 2), row(None, "won", 9)];
        let stays =
            [row(Some("b"), &Uuid::from_u128(1).to_string(), 9), row(Some("a"), &Uuid::from_u128(2).to_string(), 3)];
        group(&key, &Some("A".to_owned()), &closed, &stays, &[known(1), known(2)])
    }

    #[test]
    fn a_group_uses_only_its_own_rows() {
        let found = found();
        assert_eq!(found.won.count, 1);
        assert_eq!(found.lost.count, 2);
        assert_eq!(found.without_beginning, 30);
        assert_eq!(found.stages.iter().map(|stage| stage.duration.count).collect::<Vec<_>>(), [0, 3]);
        assert_eq!(found.stages[0].duration.mean_days, None, "a stage in which nothing stayed");
        let stage = &found.stages[1];
        assert_eq!(stage.name, "stage 2");
        assert_eq!(stage.position, 7);
        assert_eq!(stage.duration.mean_days, Some(1.5));
        assert_eq!(stage.duration.median_days, Some(2.5));
        assert_eq!(stage.duration.p75_days, Some(3.5));
    }

    fn shown(cell: &Cell) -> String {
        match cell {
            Cell::Text(text) => text.clone(),
            Cell::Count(count) => count.to_string(),
            Cell::Instant(at) => at.to_string(),
            _ => "-".into(),
        }
    }

    #[test]
    fn csv_lines_name_group_and_stage() {
        let found = found();
        let shown: Vec<String> = lines(&found)
            .iter()
            .map(|(of, figures)| {
                let keys: Vec<String> = of.iter().map(shown).collect();
                format!("{} = {}", keys.join(" "), figures.count)
            })
            .collect();
        let expected = [
            "a A - won 30 - = 1",
            "a A - lost 30 - = 2",
            "a A 00000000-0000-0000-0000-000000000001 stage 1 30 2026-01-31T00:00:00.000Z = 0",
            "a A 00000000-0000-0000-0000-000000000002 stage 2 30 2026-01-31T00:00:00.000Z = 3",
        ];
        assert_eq!(shown, expected);
    }
}

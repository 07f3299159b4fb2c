//! Forecast: the value of open deals by the month of their expected close date.
use crate::about;
use crate::analytics::drill_down::Drill;
use crate::analytics::paper::about::{About, OnPaper};
use crate::analytics::paper::answer::{Wanted, answer};
use crate::analytics::paper::chart::{self, Chart, Figure, GroupName, Series, Shape, Unit};
use crate::analytics::paper::look::Colour;
use crate::analytics::period::{self, Period};
use crate::analytics::report::{Definition, Report};
use crate::analytics::scope::{ReportQuery, Scope, amount_in, parameters};
use crate::db::sql::Part;
use crate::db::tx::Tx;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::Reply;
use crate::kernel::answers::table::{Cell, Line, Table};
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::values::money::Money;
use crate::kernel::values::sums::{Sum, Sums};
use crate::kernel::values::time::today;
use crate::list_params;
use crate::web::ctx::Ctx;
use actix_web::get;
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

pub const DEFINITION: Definition = Definition {
    name: "forecast",
    version: 1,
    text: "Open deals by the month of their expected close date. weighted = sum of value × \
    probability (of the deal, or else of its stage). Deals that should have closed before today are in overdue, and \
    those without a date in no_date, regardless of the period. Lost deals and deals omitted from the forecast are \
    excluded. best_case includes commit. weighted is rounded once for each bucket and currency, half away from zero. \
    Grouped by product, the value of a deal is divided among its products in whole minor units, in proportion to the \
    prices of their items; products with a negative price get nothing. The parts add up to the value (largest \
    remainder method), and weighted uses the parts before rounding.",
    leaves_out: &[
        "deals that are closed, and deals of the category omitted",
        "deals without an amount, from sums: counted in without_amount",
        "deleted records",
    ],
};

#[derive(Debug, Serialize, ToSchema)]
pub struct ForecastReport {
    /// What the report counts, in words.
    pub definition: String,
    /// The name of the definition in `GET /analytics/definitions`.
    pub definition_name: String,
    pub definition_version: i32,
    pub pipeline_id: Uuid,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    /// Deals with an expected close date before this day are overdue.
    pub today: NaiveDate,
    pub time_zone: String,
    pub group_by: String,
    pub groups: Vec<ForecastGroup>,
}
impl NothingHidden for ForecastReport {}

#[derive(Debug, Default, Serialize, ToSchema)]
pub struct ForecastGroup {
    /// The id or text of the group. Null for records without one, and if the report is not grouped.
    pub key: Option<String>,
    pub label: Option<String>,
    pub months: Vec<ForecastMonth>,
    pub overdue: ForecastFigures,
    pub no_date: ForecastFigures,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ForecastMonth {
    /// For example `2026-11`.
    pub month: String,
    pub figures: ForecastFigures,
}

#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct ForecastFigures {
    pub count: i64,
    /// Number of deals without an amount. They are counted but are in no sum.
    pub without_amount: i64,
    /// By currency.
    pub value: Vec<Money>,
    /// By currency.
    pub weighted: Vec<Money>,
    /// The value of the deals in the category commit, by currency.
    pub commit: Vec<Money>,
    /// The value of the deals in the categories commit and best_case, by currency.
    pub best_case: Vec<Money>,
    /// The list query of these deals. Null if no list query selects exactly these.
    pub drill_down: Option<String>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    group_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    group_label: Option<String>,
    #[diesel(sql_type = Text)]
    bucket: String,
    #[diesel(sql_type = Nullable<Text>)]
    currency: Option<String>,
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = BigInt)]
    no_amount: i64,
    #[diesel(sql_type = Text)]
    amount: Sum,
    #[diesel(sql_type = Text)]
    weighted: Sum,
    #[diesel(sql_type = Text)]
    committed: Sum,
    #[diesel(sql_type = Text)]
    best_case: Sum,
}

const GROUPS: &[&str] = &["owner", "team", "source", "product", "stage", "tag", "sector"];
list_params!(ForecastParameters, parameters(GROUPS, &[]));

pub fn report(tx: &mut Tx<'_>, query: &ReportQuery) -> Result<ForecastReport> {
    let scope = query.deals(tx, GROUPS)?;
    if tx.actor.access.hides("deals", "probability_percent") {
        return Err(Error::new(Code::Forbidden, "the forecast uses probabilities, which your role hides"));
    }
    let today = today(tx.now, scope.zone);
    let [first, after] = scope.period().days();
    let statement = scope.statement(tx, include_str!("forecast.sql")).set("today", Part::Date(today));
    let rows: Vec<Row> =
        statement.set("first_day", Part::Date(first)).set("day_after", Part::Date(after)).load(tx.conn)?;
    let mut groups: Vec<ForecastGroup> =
        rows.chunk_by(|a, b| a.group_key == b.group_key).map(group).collect::<Result<_>>()?;
    if groups.is_empty() && scope.group.is_none() {
        groups.push(ForecastGroup::default());
    }
    groups.iter_mut().for_each(|group| drill_down(group, &scope, today));
    Ok(ForecastReport {
        definition: DEFINITION.text.into(),
        definition_name: DEFINITION.name.into(),
        definition_version: DEFINITION.version,
        pipeline_id: scope.pipeline,
        from: scope.from,
        to: scope.to,
        today,
        time_zone: scope.zone.name().into(),
        group_by: scope.group.name.clone(),
        groups,
    })
}

fn group(rows: &[Row]) -> Result<ForecastGroup> {
    let mut group = ForecastGroup {
        key: rows.first().and_then(|row| row.group_key.clone()),
        label: rows.first().and_then(|row| row.group_label.clone()),
        ..ForecastGroup::default()
    };
    for rows in rows.chunk_by(|a, b| a.bucket == b.bucket) {
        let figures = figures(rows)?;
        match rows.first().map(|row| row.bucket.as_str()) {
            Some("overdue") => group.overdue = figures,
            Some("no_date") => group.no_date = figures,
            Some(month) => group.months.push(ForecastMonth { month: month.into(), figures }),
            None => {}
        }
    }
    Ok(group)
}

fn drill_down(group: &mut ForecastGroup, scope: &Scope, today: NaiveDate) {
    let all = Drill::default().with("status", "open").with("forecast_category__ne", "omitted");
    let key = group.key.as_deref();
    group.overdue.drill_down = all.clone().with("expected_close_date__lt", today.to_string()).query(scope, key);
    group.no_date.drill_down = all.clone().with("expected_close_date__empty", "true").query(scope, key);
    for month in &mut group.months {
        let period = Period { from: scope.from.max(Some(today)), to: scope.to };
        let Some(days) = period::unit("month", &month.month).map(|month| month.within(period)) else { continue };
        let bounds = [("expected_close_date__gte", days.from), ("expected_close_date__lt", days.to)];
        let within = bounds.into_iter().filter_map(|(name, day)| Some((name, day?)));
        let drill = within.fold(all.clone(), |drill, (name, day)| drill.with(name, day.to_string()));
        month.figures.drill_down = drill.query(scope, key);
    }
}

fn figures(rows: &[Row]) -> Result<ForecastFigures> {
    let mut sums: [Sums; 4] = Default::default();
    let [value, weighted, commit, best_case] = &mut sums;
    for row in rows {
        let currency = row.currency.as_deref();
        value.add(currency, row.amount);
        weighted.add(currency, row.weighted);
        commit.add(currency, row.committed);
        best_case.add(currency, row.best_case);
    }
    Ok(ForecastFigures {
        count: rows.iter().map(|row| row.count).sum(),
        without_amount: rows.iter().map(|row| row.no_amount).sum(),
        value: value.list()?,
        weighted: weighted.list()?,
        commit: commit.list()?,
        best_case: best_case.list()?,
        drill_down: None,
    })
}

fn lines(report: &ForecastReport) -> Vec<Line<'_, ForecastFigures>> {
    let mut lines = Vec::new();
    for group in &report.groups {
        let of = |bucket: &str| vec![group.key.clone().into(), group.label.clone().into(), Cell::from(bucket)];
        lines.push((of("overdue"), &group.overdue));
        lines.extend(group.months.iter().map(|month| (of(&month.month), &month.figures)));
        lines.push((of("no_date"), &group.no_date));
    }
    lines
}

fn buckets(group: &ForecastGroup) -> Vec<(String, &ForecastFigures)> {
    let months = group.months.iter().map(|month| (month.month.clone(), &month.figures));
    let (overdue, no_date) = (("overdue".into(), &group.overdue), ("no date".into(), &group.no_date));
    [overdue].into_iter().chain(months).chain([no_date]).collect()
}

/// Returns the columns of the chart: the buckets, or the groups over all their buckets.
fn columns(report: &ForecastReport) -> Vec<(String, Vec<&ForecastFigures>)> {
    if report.group_by == "none" {
        let all = report.groups.iter().flat_map(buckets);
        return all.map(|(name, figures)| (name, vec![figures])).collect();
    }
    let name =
        |group: &ForecastGroup| GroupName { key: &group.key, label: &group.label, group_by: &report.group_by }.shown();
    let whole = |group| buckets(group).into_iter().map(|(_, figures)| figures).collect();
    report.groups.iter().map(|group| (name(group), whole(group))).collect()
}

/// Returns the value of the figures in the categories commit, best case, and the rest, and the whole value.
fn parts(figures: &[&ForecastFigures], currency: &str) -> [Money; 4] {
    let sum = |sums: fn(&ForecastFigures) -> &Vec<Money>| -> i64 {
        figures.iter().filter_map(|figures| amount_in(sums(figures), currency)).sum()
    };
    let (commit, best, value) = (sum(|of| &of.commit), sum(|of| &of.best_case), sum(|of| &of.value));
    [commit, best - commit, value - best, value].map(|amount| Money { amount, currency: currency.to_owned() })
}

impl OnPaper for ForecastReport {
    const COMPARES: bool = false;

    fn about(&self) -> About {
        about!(self, "forecast", "Forecast")
    }

    fn table(&self, currency: &str) -> Result<Table> {
        Table::new(&["group_id", "group", "bucket"], &[], &lines(self), currency)
    }

    fn chart(&self, currency: &str) -> Chart {
        let columns = columns(self);
        let labels = columns.iter().map(|(name, _)| name.clone()).collect();
        let values = columns.iter().flat_map(|(_, all)| all.iter().map(|figures| &figures.value));
        let Some((currency, others)) = chart::currency(values, currency) else {
            let count = |all: &[&ForecastFigures]| Figure::count(all.iter().map(|figures| figures.count).sum());
            let figures = columns.iter().map(|(_, all)| Some(count(all))).collect();
            return Chart::new(Shape::Columns, Unit::Count, "Open deals", labels).one(figures);
        };
        let parts: Vec<[Money; 4]> = columns.iter().map(|(_, all)| parts(all, &currency)).collect();
        let of = |name: &str, colour, part: fn(&[Money; 4]) -> &Money| {
            Series::new(name, colour, parts.iter().map(|parts| Some(Figure::money(part(parts)))).collect())
        };
        let mut chart = Chart::new(Shape::Columns, Unit::Money(currency.clone()), "Value of open deals", labels);
        chart.series = vec![
            of("Commit", Colour::Blue, |[commit, ..]| commit),
            of("Best case", Colour::Orange, |[_, best, ..]| best),
            of("Rest", Colour::Grey, |[_, _, rest, _]| rest),
        ];
        chart.marks = Some(of("Total", Colour::Blue, |[.., total]| total));
        chart.noting(others)
    }
}

/// Get the value of open deals by the month of their expected close date.
#[utoipa::path(operation_id = "get_forecast", params(ForecastParameters), responses((status = 200, description = "The forecast",
    body = ForecastReport),
        (status = 422, description = "A sum exceeds the largest amount")))]
#[get("/analytics/forecast")]
async fn forecast(ctx: Ctx<can::Read<Report>>, wanted: Wanted) -> Result<Reply> {
    answer(&ctx, wanted, report).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(forecast);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(bucket: &str, currency: Option<&str>, count: i64, amounts: [i128; 4]) -> Row {
        let [amount, weighted, committed, best_case] = amounts.map(Sum::from);
        Row {
            group_key: Some("key".into()),
            group_label: Some("label".into()),
            bucket: bucket.into(),
            currency: currency.map(str::to_owned),
            count,
            no_amount: if currency.is_none() { count } else { 0 },
            amount,
            weighted,
            committed,
            best_case,
        }
    }

    fn money(amount: i64, currency: &str) -> Money {
        Money { amount, currency: currency.into() }
    }

    #[test]
    fn buckets_are_separated() {
        let found = group(&[
            row("2026-01", Some("EUR"), 1, [100, 50, 0, 100]),
            row("2026-01", Some("USD"), 2, [10, 5, 10, 10]),
            row("2026-02", Some("EUR"), 3, [7, 3, 0, 0]),
            row("no_date", None, 4, [0; 4]),
            row("overdue", Some("EUR"), 5, [9, 9, 9, 9]),
        ])
        .unwrap();
        assert_eq!(found.key.as_deref(), Some("key"));
        assert_eq!(found.label.as_deref(), Some("label"));
        let months: Vec<(&str, i64)> = found.months.iter().map(|one| (one.month.as_str(), one.figures.count)).collect();
        assert_eq!(months, [("2026-01", 3), ("2026-02", 3)]);
        assert_eq!(found.overdue.count, 5);
        assert_eq!(found.no_date.count, 4);
        assert_eq!(found.no_date.without_amount, 4);
        assert_eq!(found.overdue.without_amount, 0);
    }

    #[test]
    fn figures_have_sums_per_currency() {
        let rows = [
            row("2026-01", Some("EUR"), 1, [100, 50, 0, 99]),
            row("2026-01", Some("USD"), 2, [10, 5, 4, 3]),
            row("2026-01", Some("EUR"), 1, [1, 2, 3, 4]),
        ];
        let found = figures(&rows).unwrap();
        assert_eq!(found.count, 4);
        assert_eq!(found.value, [money(101, "EUR"), money(10, "USD")]);
        assert_eq!(found.weighted, [money(52, "EUR"), money(5, "USD")]);
        assert_eq!(found.commit, [money(3, "EUR"), money(4, "USD")]);
        assert_eq!(found.best_case, [money(103, "EUR"), money(3, "USD")]);
    }
}

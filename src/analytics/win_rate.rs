//! Win rate: the share of won records among those closed in a period, by count and by value.
use crate::about;
use crate::analytics::drill_down::Drill;
use crate::analytics::paper::about::{About, OnPaper};
use crate::analytics::paper::answer::{Wanted, answer};
use crate::analytics::paper::chart::{Chart, Figure, GroupName, Shape, Unit};
use crate::analytics::period;
use crate::analytics::report::{Definition, Report};
use crate::analytics::scope::{COMPARE, ReportQuery, Scope, amount_in, parameters_of_both, ratio};
use crate::db::tx::Tx;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::Reply;
use crate::kernel::answers::table::{Line, Table};
use crate::kernel::error::Result;
use crate::kernel::values::money::Money;
use crate::kernel::values::sums::{Sum, Sums};
use crate::list_params;
use crate::web::ctx::Ctx;
use actix_web::get;
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

pub const DEFINITION: Definition = Definition {
    name: "win_rate",
    version: 1,
    text: "Records closed in the period. win_rate = won / (won + lost); open records are not counted. \
    win_rate_by_value is the same for values, if all of them are in one currency and none is negative; records \
    without an amount, which without_amount counts, are not in it. Rates are not rounded. Grouped by product, the \
    value of a deal is divided among its products in whole minor units, in proportion to the prices of their items; \
    products with a negative price get nothing. The parts add up to the value (largest remainder method).",
    leaves_out: &["records that are open", "records without an amount, from values", "deleted records"],
};

#[derive(Debug, Serialize, ToSchema)]
pub struct WinRateReport {
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
    pub groups: Vec<WinRateGroup>,
    /// The same report for the earlier period, with `compare`.
    #[schema(no_recursion)]
    pub comparison: Option<Box<WinRateReport>>,
}
impl NothingHidden for WinRateReport {}

#[derive(Debug, Default, Serialize, ToSchema)]
pub struct WinRateGroup {
    /// The id or text of the group. Null for records without one, and if the report is not grouped.
    pub key: Option<String>,
    pub label: Option<String>,
    pub closed: i64,
    pub won: i64,
    pub lost: i64,
    #[schema(format = "double")]
    pub win_rate: Option<f64>,
    #[schema(format = "double")]
    pub win_rate_by_value: Option<f64>,
    /// By currency.
    pub won_value: Vec<Money>,
    /// By currency.
    pub lost_value: Vec<Money>,
    /// Number of closed records without an amount. They are in no value.
    pub without_amount: i64,
    pub drill_down: WinRateLists,
}

/// The list queries of the records behind the figures. Null if no list query selects exactly these.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct WinRateLists {
    pub closed: Option<String>,
    pub won: Option<String>,
    pub lost: Option<String>,
    pub without_amount: Option<String>,
}

impl WinRateLists {
    fn of(scope: &Scope, key: Option<&str>) -> WinRateLists {
        let list = |status: &str| Drill::of_period("closed_at").with("status", status);
        let query = |drill: Drill| drill.query(scope, key);
        WinRateLists {
            closed: query(list("won,lost")),
            won: query(list("won")),
            lost: query(list("lost")),
            // A list of the caller does not filter by a value that the role hides.
            without_amount: query(list("won,lost").with("value__empty", "true")).filter(|_| !scope.hides_value),
        }
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    group_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    group_label: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    currency: Option<String>,
    #[diesel(sql_type = BigInt)]
    won: i64,
    #[diesel(sql_type = BigInt)]
    lost: i64,
    #[diesel(sql_type = BigInt)]
    no_amount: i64,
    #[diesel(sql_type = Bool)]
    negative: bool,
    #[diesel(sql_type = Text)]
    won_amount: Sum,
    #[diesel(sql_type = Text)]
    lost_amount: Sum,
}

const GROUPS: &[&str] = &[
    "owner",
    "closed_by",
    "team",
    "source",
    "product",
    "stage",
    "tag",
    "sector",
    "day",
    "week",
    "month",
    "quarter",
    "competitor",
];
list_params!(WinRateParameters, parameters_of_both(GROUPS, &[COMPARE]));

pub fn report(tx: &mut Tx<'_>, query: &ReportQuery) -> Result<WinRateReport> {
    let scope = query.scope(tx, GROUPS)?;
    let mut report = of(tx, &scope)?;
    report.comparison = scope.earlier().map(|earlier| of(tx, &earlier)).transpose()?.map(Box::new);
    Ok(report)
}

fn of(tx: &mut Tx<'_>, scope: &Scope) -> Result<WinRateReport> {
    let rows: Vec<Row> = scope.statement(tx, include_str!("win_rate.sql")).load(tx.conn)?;
    let mut groups: Vec<WinRateGroup> =
        rows.chunk_by(|a, b| a.group_key == b.group_key).map(group).collect::<Result<_>>()?;
    if groups.is_empty() && scope.group.is_none() {
        groups.push(WinRateGroup::default());
    }
    if let Some(keys) = scope.time_groups()? {
        let empty =
            |key: &str| WinRateGroup { key: Some(key.into()), label: Some(key.into()), ..WinRateGroup::default() };
        groups = period::filled(groups, keys, |group| group.key.as_deref(), empty);
    }
    for group in &mut groups {
        group.drill_down = WinRateLists::of(scope, group.key.as_deref());
    }
    Ok(WinRateReport {
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

fn group(rows: &[Row]) -> Result<WinRateGroup> {
    let (mut won_value, mut lost_value) = (Sums::default(), Sums::default());
    let (mut won, mut lost) = (0, 0);
    for row in rows {
        won += row.won;
        lost += row.lost;
        won_value.add(row.currency.as_deref(), row.won_amount);
        lost_value.add(row.currency.as_deref(), row.lost_amount);
    }
    let (won_value, lost_value) = (won_value.list()?, lost_value.list()?);
    // With negative amounts, the quotient would not be a share.
    let negative = rows.iter().any(|row| row.negative);
    let by_value = match won_value.as_slice() {
        [only] if !negative => ratio(only.amount, only.amount + amount_in(&lost_value, &only.currency).unwrap_or(0)),
        _ => None,
    };
    Ok(WinRateGroup {
        key: rows.first().and_then(|row| row.group_key.clone()),
        label: rows.first().and_then(|row| row.group_label.clone()),
        closed: won + lost,
        won,
        lost,
        win_rate: ratio(won, won + lost),
        win_rate_by_value: by_value,
        without_amount: rows.iter().map(|row| row.no_amount).sum(),
        won_value,
        lost_value,
        drill_down: WinRateLists::default(),
    })
}

impl OnPaper for WinRateReport {
    fn about(&self) -> About {
        about!(self, "win-rate", "Win rate")
    }

    fn table(&self, currency: &str) -> Result<Table> {
        let lines: Vec<Line<'_, WinRateGroup>> = self.groups.iter().map(|group| (Vec::new(), group)).collect();
        Table::new(&[], &[], &lines, currency).map(|table| table.rates(&["win_rate", "win_rate_by_value"]))
    }

    fn chart(&self, _: &str) -> Chart {
        let name =
            |group: &WinRateGroup| GroupName { key: &group.key, label: &group.label, group_by: &self.group_by }.shown();
        let of_closed = |group: &WinRateGroup| Figure::count(group.won).of(&format!("of {}", group.closed));
        let figure = |group: &WinRateGroup| group.win_rate.map(|rate| Figure::rate(rate).with(Some(of_closed(group))));
        let by_time = ["day", "week", "month", "quarter"].contains(&self.group_by.as_str());
        let shape = if by_time { Shape::Columns } else { Shape::Bars };
        let labels = self.groups.iter().map(name).collect();
        let chart = Chart::new(shape, Unit::Rate, "Win rate", labels).one(self.groups.iter().map(figure).collect());
        Chart { latest: by_time, ..chart }
    }

    fn earlier(&self) -> Option<&Self> {
        self.comparison.as_deref()
    }
}

/// Get the share of won records among those closed in the period.
#[utoipa::path(operation_id = "get_win_rate", params(WinRateParameters), responses((status = 200, description = "The win rate",
    body = WinRateReport),
        (status = 422, description = "A sum exceeds the largest amount")))]
#[get("/analytics/win-rate")]
async fn win_rate(ctx: Ctx<can::Read<Report>>, wanted: Wanted) -> Result<Reply> {
    answer(&ctx, wanted, report).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(win_rate);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(currency: Option<&str>, won: (i64, i128), lost: (i64, i128)) -> Row {
        Row {
            group_key: Some("key".into()),
            group_label: Some("label".into()),
            currency: currency.map(str::to_owned),
            won: won.0,
            lost: lost.0,
            no_amount: 0,
            negative: false,
            won_amount: won.1.into(),
            lost_amount: lost.1.into(),
        }
    }

    fn money(amount: i64, currency: &str) -> Money {
        Money { amount, currency: currency.into() }
    }

    #[test]
    fn win_rates_count_all_rows() {
        let dollars = Row { no_amount: 2, ..row(Some("USD"), (0, 0), (1, 50)) };
        let found = group(&[row(Some("EUR"), (1, 300), (2, 100)), dollars]).unwrap();
        assert_eq!(found.key.as_deref(), Some("key"));
        assert_eq!(found.label.as_deref(), Some("label"));
        assert_eq!(found.won, 1);
        assert_eq!(found.lost, 3);
        assert_eq!(found.closed, 4);
        assert_eq!(found.win_rate, Some(0.25));
        assert_eq!(found.without_amount, 2);
        assert_eq!(found.won_value, [money(300, "EUR"), money(0, "USD")]);
        assert_eq!(found.lost_value, [money(100, "EUR"), money(50, "USD")]);
    }

    #[test]
    fn rates_by_value_need_one_currency_and_no_negative_amounts() {
        for (case, rows, expected) in [
            ("one currency", vec![row(Some("EUR"), (1, 300), (1, 100))], Some(0.75)),
            ("nothing lost", vec![row(Some("EUR"), (1, 300), (0, 0))], Some(1.0)),
            (
                "rows of one currency",
                vec![row(Some("EUR"), (1, 300), (0, 0)), row(Some("EUR"), (0, 0), (1, 900))],
                Some(0.25),
            ),
            ("two currencies", vec![row(Some("EUR"), (1, 300), (0, 0)), row(Some("USD"), (1, 100), (0, 0))], None),
            ("no amount", vec![row(None, (1, 0), (1, 0))], None),
            ("worth nothing", vec![row(Some("EUR"), (1, 0), (1, 0))], None),
            ("less than nothing", vec![Row { negative: true, ..row(Some("EUR"), (1, 300), (1, 100)) }], None),
        ] {
            assert_eq!(group(&rows).unwrap().win_rate_by_value, expected, "{case}");
        }
        assert_eq!(group(&[row(None, (0, 0), (0, 0))]).unwrap().win_rate, None, "a rate of nothing");
    }
}

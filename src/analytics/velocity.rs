//! Velocity: the value that deals bring per day.
use crate::about;
use crate::analytics::drill_down::Drill;
use crate::analytics::paper::about::{About, OnPaper};
use crate::analytics::paper::answer::{Wanted, answer};
use crate::analytics::paper::chart::{Chart, Figure, GroupName, Shape, Unit};
use crate::analytics::report::{Definition, Report};
use crate::analytics::scope::{COMPARE, ReportQuery, Scope, parameters, ratio};
use crate::db::tx::Tx;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::Reply;
use crate::kernel::answers::table::{Cell, Line, Table};
use crate::kernel::error::Result;
use crate::kernel::values::sums::{Sum, Sums};
use crate::list_params;
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
    name: "velocity",
    version: 1,
    text: "per_day = open × win_rate × mean_won / mean_days_to_win, for each currency: open are the open deals in this \
           currency now, mean_won is the mean value of the deals in this currency won in the period, in the minor unit; \
           win_rate = won / (won + lost) and mean_days_to_win (from creation to winning) are those of all deals of the \
           group closed in the period. Not rounded; null if a factor is unknown.",
    leaves_out: &[
        "won deals without an amount, from mean_won",
        "deals whose creation time is unknown, from mean_days_to_win",
        "deleted records",
    ],
};

/// The value that deals bring per day.
#[derive(Debug, Serialize, ToSchema)]
pub struct VelocityReport {
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
    pub groups: Vec<VelocityGroup>,
    /// The same report for the earlier period, with `compare`. Its open deals are those of now.
    #[schema(no_recursion)]
    pub comparison: Option<Box<VelocityReport>>,
}
impl NothingHidden for VelocityReport {}

#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct VelocityGroup {
    /// The id or text of the group. Null for records without one, and if the report is not grouped.
    pub key: Option<String>,
    pub label: Option<String>,
    pub open: i64,
    pub won: i64,
    pub lost: i64,
    #[schema(format = "double")]
    pub win_rate: Option<f64>,
    #[schema(format = "double")]
    pub mean_days_to_win: Option<f64>,
    /// By currency. Empty if the role hides values.
    pub values: Vec<VelocityValue>,
    pub drill_down: VelocityLists,
}

/// The velocity in one currency, in its minor unit.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VelocityValue {
    #[schema(format = "currency")]
    pub currency: String,
    pub open: i64,
    #[schema(format = "double")]
    pub mean_won: Option<f64>,
    #[schema(format = "double")]
    pub per_day: Option<f64>,
}

/// The list queries of the deals behind the figures. Null if no list query selects exactly these.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct VelocityLists {
    pub open: Option<String>,
    pub won: Option<String>,
    pub lost: Option<String>,
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
    open: i64,
    #[diesel(sql_type = BigInt)]
    won: i64,
    #[diesel(sql_type = BigInt)]
    lost: i64,
    #[diesel(sql_type = BigInt)]
    with_amount: i64,
    #[diesel(sql_type = Text)]
    amount: Sum,
    #[diesel(sql_type = BigInt)]
    timed: i64,
    #[diesel(sql_type = Double)]
    days: f64,
}

const GROUPS: &[&str] = &["owner", "team", "source", "tag", "sector"];
list_params!(VelocityParameters, parameters(GROUPS, &[COMPARE]));

pub fn report(tx: &mut Tx<'_>, query: &ReportQuery) -> Result<VelocityReport> {
    let scope = query.deals(tx, GROUPS)?;
    let mut report = of(tx, &scope)?;
    report.comparison = scope.earlier().map(|earlier| of(tx, &earlier)).transpose()?.map(Box::new);
    Ok(report)
}

fn of(tx: &mut Tx<'_>, scope: &Scope) -> Result<VelocityReport> {
    let rows: Vec<Row> = scope.statement(tx, include_str!("velocity.sql")).load(tx.conn)?;
    let mut groups: Vec<VelocityGroup> =
        rows.chunk_by(|a, b| a.group_key == b.group_key).map(group).collect::<Result<_>>()?;
    if groups.is_empty() && scope.group.is_none() {
        groups.push(VelocityGroup::default());
    }
    for group in &mut groups {
        let key = group.key.as_deref();
        let closed = |status: &str| Drill::of_period("closed_at").with("status", status).query(scope, key);
        group.drill_down = VelocityLists {
            open: Drill::default().with("status", "open").query(scope, key),
            won: closed("won"),
            lost: closed("lost"),
        };
    }
    Ok(VelocityReport {
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

fn group(rows: &[Row]) -> Result<VelocityGroup> {
    let sum = |count: fn(&Row) -> i64| rows.iter().map(count).sum::<i64>();
    let (won, lost, timed) = (sum(|row| row.won), sum(|row| row.lost), sum(|row| row.timed));
    let win_rate = ratio(won, won + lost);
    let mean_days = per(rows.iter().map(|row| row.days).sum(), timed);
    let values = rows.iter().filter_map(|row| Some((row, row.currency.clone()?))).map(|(row, currency)| {
        let mean_won = mean(row)?;
        let factors = win_rate.zip(mean_won).zip(mean_days.filter(|days| *days > 0.0));
        let per_day = factors.map(|((rate, won), days)| number(row.open) * rate * won / days);
        Ok(VelocityValue { currency, open: row.open, mean_won, per_day })
    });
    Ok(VelocityGroup {
        key: rows.first().and_then(|row| row.group_key.clone()),
        label: rows.first().and_then(|row| row.group_label.clone()),
        open: sum(|row| row.open),
        won,
        lost,
        win_rate,
        mean_days_to_win: mean_days,
        values: values.collect::<Result<_>>()?,
        drill_down: VelocityLists::default(),
    })
}

/// Returns the mean value of the won deals.
fn mean(row: &Row) -> Result<Option<f64>> {
    let mut sums = Sums::default();
    sums.add(row.currency.as_deref(), row.amount);
    let amount = sums.list()?.first().map_or(0, |money| money.amount);
    Ok(per(number(amount), row.with_amount))
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "counts and amounts are below 2^53")]
fn number(count: i64) -> f64 {
    count as f64
}

/// Returns the quotient, or `None` if nothing was counted.
fn per(sum: f64, count: i64) -> Option<f64> {
    (count > 0).then(|| sum / number(count))
}

impl OnPaper for VelocityReport {
    fn about(&self) -> About {
        about!(self, "velocity", "Velocity")
    }

    fn table(&self, currency: &str) -> Result<Table> {
        let of = |group: &VelocityGroup| {
            let keys = [Cell::from(group.key.clone()), Cell::from(group.label.clone())];
            let number = |value: Option<f64>| value.map_or(Cell::Empty, Cell::Number);
            let counts = [group.open, group.won, group.lost].map(Cell::from);
            keys.into_iter().chain(counts).chain([number(group.win_rate), number(group.mean_days_to_win)]).collect()
        };
        let values = self.groups.iter().flat_map(|group| group.values.iter().map(move |value| (of(group), value)));
        let lines: Vec<Line<'_, VelocityValue>> = values.collect();
        let keys = ["group_id", "group", "open_deals", "won", "lost", "win_rate", "mean_days_to_win"];
        Table::new(&keys, &[], &lines, currency).map(|table| table.rates(&["win_rate"]))
    }

    fn chart(&self, _: &str) -> Chart {
        let name = |group: &VelocityGroup| {
            GroupName { key: &group.key, label: &group.label, group_by: &self.group_by }.shown()
        };
        let figure = |group: &VelocityGroup| group.win_rate.map(Figure::rate);
        let labels = self.groups.iter().map(name).collect();
        Chart::new(Shape::Bars, Unit::Rate, "Win rate", labels).one(self.groups.iter().map(figure).collect())
    }

    fn earlier(&self) -> Option<&Self> {
        self.comparison.as_deref()
    }
}

/// Get the value that the deals of a pipeline bring per day.
#[utoipa::path(operation_id = "get_velocity", params(VelocityParameters), responses((status = 200, description = "The velocity",
    body = VelocityReport),
        (status = 422, description = "A sum exceeds the largest amount")))]
#[get("/analytics/velocity")]
async fn velocity(ctx: Ctx<can::Read<Report>>, wanted: Wanted) -> Result<Reply> {
    answer(&ctx, wanted, report).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(velocity);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(currency: Option<&str>, open: i64, won: i64, lost: i64, amount: i128, days: f64) -> Row {
        Row {
            group_key: None,
            group_label: None,
            currency: currency.map(str::to_owned),
            open,
            won,
            lost,
            with_amount: won,
            amount: amount.into(),
            timed: won,
            days,
        }
    }

    #[test]
    fn the_velocity_multiplies_its_factors() {
        // 6 open × 1/2 × 200 per deal / 10 days = 60 per day.
        let found = group(&[row(Some("EUR"), 6, 2, 2, 400, 20.0)]).unwrap();
        assert_eq!(found.win_rate, Some(0.5));
        assert_eq!(found.mean_days_to_win, Some(10.0));
        assert_eq!(found.values[0].mean_won, Some(200.0));
        assert_eq!(found.values[0].per_day, Some(60.0));
    }

    #[test]
    fn an_unknown_factor_makes_the_velocity_unknown() {
        for (case, rows) in [
            ("nothing closed", vec![row(Some("EUR"), 6, 0, 0, 0, 0.0)]),
            ("won in no time", vec![row(Some("EUR"), 6, 1, 0, 100, 0.0)]),
            ("won in another currency", vec![row(Some("EUR"), 6, 0, 0, 0, 0.0), row(Some("USD"), 0, 1, 0, 100, 5.0)]),
        ] {
            assert_eq!(group(&rows).unwrap().values[0].per_day, None, "{case}");
        }
    }
}

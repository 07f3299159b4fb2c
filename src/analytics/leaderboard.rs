//! Leaderboard: sales by seller and product.
use crate::analytics::drill_down::Drill;
use crate::analytics::paper::about::{About, OnPaper};
use crate::analytics::paper::answer::{Wanted, answer};
use crate::analytics::paper::chart::{self, Chart, Figure, Shape, Unit};
use crate::analytics::report::{Definition, Report};
use crate::analytics::scope::{COMPARE, ReportQuery, Scope, amount_in, parameters, ratio};
use crate::db::tx::Tx;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::Reply;
use crate::kernel::answers::table::{Cell, Line, Table};
use crate::kernel::error::Result;
use crate::kernel::values::money::Money;
use crate::kernel::values::sums::{Sum, Sums};
use crate::list_params;
use crate::web::ctx::Ctx;
use actix_web::get;
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Nullable, Text, Uuid as SqlUuid};
use serde::Serialize;
use std::cmp::Reverse;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

pub const DEFINITION: Definition = Definition {
    name: "leaderboard",
    version: 1,
    text: "Deals closed in the period. A deal counts for its owner at the time of closing. Sellers \
    are ordered by their won value in the base currency of the workspace, then by the number of deals won. A deal \
    with several products counts once in the total of its seller and once for each product. Its value is divided \
    among the products in whole minor units, in proportion to the prices of their items; products with a negative \
    price get nothing. The parts add up to the value (largest remainder method). mean_days_to_win excludes deals \
    whose creation time is unknown; won_without_beginning counts them.",
    leaves_out: &[
        "deals that are open",
        "deals whose creation time is unknown, from mean_days_to_win",
        "deleted records",
    ],
};

#[derive(Debug, Serialize, ToSchema)]
pub struct LeaderboardReport {
    /// What the report counts, in words.
    pub definition: String,
    /// The name of the definition in `GET /analytics/definitions`.
    pub definition_name: String,
    pub definition_version: i32,
    pub pipeline_id: Uuid,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    pub time_zone: String,
    /// The currency that determines the order.
    #[schema(format = "currency")]
    pub base_currency: String,
    pub sellers: Vec<SellerRow>,
    /// The same report for the earlier period, with `compare`.
    #[schema(no_recursion)]
    pub comparison: Option<Box<LeaderboardReport>>,
}
impl NothingHidden for LeaderboardReport {}

#[derive(Debug, Serialize, ToSchema)]
pub struct SellerRow {
    /// Null for imported deals without an owner.
    pub user_id: Option<Uuid>,
    pub user: Option<String>,
    pub total: SalesFigures,
    pub products: Vec<SellerProduct>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SellerProduct {
    /// Null for deals without a product.
    pub product_id: Option<Uuid>,
    pub product: Option<String>,
    pub figures: SalesFigures,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SalesFigures {
    pub won: i64,
    pub lost: i64,
    #[schema(format = "double")]
    pub win_rate: Option<f64>,
    /// By currency.
    pub won_value: Vec<Money>,
    /// Days from creation to winning.
    #[schema(format = "double")]
    pub mean_days_to_win: Option<f64>,
    /// Number of won deals whose creation time is unknown. They are not in the mean.
    pub won_without_beginning: i64,
    pub drill_down: SalesLists,
}

/// The list queries of the deals behind the figures. Null if no list query selects exactly these.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct SalesLists {
    pub won: Option<String>,
    pub lost: Option<String>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    seller_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    seller: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    product_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    product: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    currency: Option<String>,
    #[diesel(sql_type = BigInt)]
    won: i64,
    #[diesel(sql_type = BigInt)]
    lost: i64,
    #[diesel(sql_type = BigInt)]
    timed: i64,
    #[diesel(sql_type = Text)]
    amount: Sum,
    #[diesel(sql_type = Double)]
    days: f64,
}

list_params!(LeaderboardParameters, parameters(&[], &[COMPARE]));

fn report(tx: &mut Tx<'_>, query: &ReportQuery) -> Result<LeaderboardReport> {
    let scope = query.deals(tx, &[])?;
    let mut report = of(tx, &scope)?;
    report.comparison = scope.earlier().map(|earlier| of(tx, &earlier)).transpose()?.map(Box::new);
    Ok(report)
}

fn of(tx: &mut Tx<'_>, scope: &Scope) -> Result<LeaderboardReport> {
    let sql = include_str!("leaderboard.sql");
    let by_product: Vec<Row> = scope.by("product").statement(tx, sql).load(tx.conn)?;
    // A deal with two products is one deal of its seller, so the totals are counted separately.
    let totals: Vec<Row> = scope.statement(tx, sql).load(tx.conn)?;
    let mut sellers: Vec<SellerRow> = totals
        .chunk_by(|a, b| a.seller_id == b.seller_id)
        .filter_map(|rows| rows.first().map(|first| seller(first, rows, &by_product)))
        .collect::<Result<_>>()?;
    sellers.iter_mut().for_each(|seller| drill_down(scope, seller));
    let base = &tx.actor.settings.base_currency;
    sellers.sort_by_key(|seller| Reverse((amount_in(&seller.total.won_value, base).unwrap_or(0), seller.total.won)));
    Ok(LeaderboardReport {
        definition: DEFINITION.text.into(),
        definition_name: DEFINITION.name.into(),
        definition_version: DEFINITION.version,
        pipeline_id: scope.pipeline,
        from: scope.from,
        to: scope.to,
        time_zone: scope.zone.name().into(),
        base_currency: base.clone(),
        sellers,
        comparison: None,
    })
}

fn seller(first: &Row, totals: &[Row], by_product: &[Row]) -> Result<SellerRow> {
    let own: Vec<&Row> = by_product.iter().filter(|row| row.seller_id == first.seller_id).collect();
    let products = own.chunk_by(|a, b| a.product_id == b.product_id);
    let products = products.filter_map(|rows| Some((rows.first()?, rows))).map(|(product, rows)| {
        let figures = figures(rows.iter().copied())?;
        Ok(SellerProduct { product_id: product.product_id, product: product.product.clone(), figures })
    });
    Ok(SellerRow {
        user_id: first.seller_id,
        user: first.seller.clone(),
        total: figures(totals.iter())?,
        products: products.collect::<Result<_>>()?,
    })
}

fn drill_down(scope: &Scope, seller: &mut SellerRow) {
    let closed = |status: &str| {
        let closed = Drill::of_period("closed_at").with("status", status);
        closed.with_id("closed_by_id", seller.user_id, ("closed_by_id__empty", "true"))
    };
    let (won, lost) = (closed("won"), closed("lost"));
    seller.total.drill_down = SalesLists { won: won.query(scope, None), lost: lost.query(scope, None) };
    for sold in &mut seller.products {
        // No list selects the deals without any product.
        let Some(product) = sold.product_id else { continue };
        let of_product = |drill: &Drill| drill.clone().with("product_id", product.to_string()).query(scope, None);
        sold.figures.drill_down = SalesLists { won: of_product(&won), lost: of_product(&lost) };
    }
}

fn figures<'r>(rows: impl Iterator<Item = &'r Row>) -> Result<SalesFigures> {
    let (mut won, mut lost, mut timed, mut days, mut value) = (0, 0, 0, 0.0, Sums::default());
    for row in rows {
        won += row.won;
        lost += row.lost;
        timed += row.timed;
        days += row.days;
        value.add(row.currency.as_deref(), row.amount);
    }
    #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "a count is far below 2^53")]
    let mean_days_to_win = (timed > 0).then(|| days / timed as f64);
    Ok(SalesFigures {
        won,
        lost,
        win_rate: ratio(won, won + lost),
        won_value: value.list()?,
        mean_days_to_win,
        won_without_beginning: won - timed,
        drill_down: SalesLists::default(),
    })
}

fn lines(report: &LeaderboardReport) -> Vec<Line<'_, SalesFigures>> {
    let mut lines = Vec::new();
    for seller in &report.sellers {
        let of = |id: Option<Uuid>, product: Option<String>| {
            vec![seller.user_id.into(), seller.user.clone().into(), Cell::from(id), product.into()]
        };
        lines.push((of(None, Some("all".into())), &seller.total));
        lines.extend(seller.products.iter().map(|sold| (of(sold.product_id, sold.product.clone()), &sold.figures)));
    }
    lines
}

impl OnPaper for LeaderboardReport {
    fn about(&self) -> About {
        About {
            name: "leaderboard",
            title: "Leaderboard",
            definition: self.definition.clone(),
            pipeline_id: self.pipeline_id,
            from: self.from,
            to: self.to,
            time_zone: self.time_zone.clone(),
            group_by: "none".into(),
        }
    }

    fn table(&self, currency: &str) -> Result<Table> {
        let keys = ["seller_id", "seller", "product_id", "product"];
        Table::new(&keys, &[], &lines(self), currency).map(|table| table.rates(&["win_rate"]))
    }

    fn chart(&self, currency: &str) -> Chart {
        let name = |seller: &SellerRow| seller.user.clone().unwrap_or_else(|| "(none)".into());
        let labels = self.sellers.iter().map(name).collect();
        let won = |seller: &SellerRow| Figure::count(seller.total.won).of("won");
        let found = chart::currency(self.sellers.iter().map(|seller| &seller.total.won_value), currency);
        let Some((currency, others)) = found else {
            let figures = self.sellers.iter().map(|seller| Some(won(seller))).collect();
            return Chart::new(Shape::Bars, Unit::Count, "Deals won", labels).one(figures);
        };
        let value = |seller: &SellerRow| chart::sum_in(&seller.total.won_value, &currency).with(Some(won(seller)));
        let figures = self.sellers.iter().map(|seller| Some(value(seller))).collect();
        Chart::new(Shape::Bars, Unit::Money(currency.clone()), "Won value", labels).one(figures).noting(others)
    }

    fn earlier(&self) -> Option<&Self> {
        self.comparison.as_deref()
    }
}

/// Get the sales of each seller in the period, by product.
#[utoipa::path(operation_id = "get_leaderboard", params(LeaderboardParameters), responses((status = 200, description = "The leaderboard",
    body = LeaderboardReport),
        (status = 422, description = "A sum exceeds the largest amount")))]
#[get("/analytics/leaderboard")]
async fn leaderboard(ctx: Ctx<can::Read<Report>>, wanted: Wanted) -> Result<Reply> {
    answer(&ctx, wanted, report).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(leaderboard);
}

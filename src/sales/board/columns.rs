//! The columns of a board: which stages, their counts and sums, and the query of each column's list.
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::db::visibility;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::Action;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::error::{Error, FieldCode, FieldError, Result};
use crate::kernel::fields::cond::Cond;
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::kernel::query::params::{QueryParams, split};
use crate::kernel::query::plan::Plan;
use crate::kernel::values::money::AMOUNT_MAX;
use crate::sales::board::cards::{self, BoardCard};
use crate::sales::pipelines::{self, PipelineKind};
use crate::sales::stages::{self, Category, Stage};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The records of a pipeline by stage.
#[derive(Debug, Serialize, ToSchema)]
pub struct Board {
    pub pipeline_id: Uuid,
    pub columns: Vec<BoardColumn>,
}
impl NothingHidden for Board {}

/// One stage of a board.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoardColumn {
    pub stage_id: Uuid,
    pub name: String,
    pub category: Category,
    pub probability_percent: i32,
    /// The number of records in the stage that match the filters.
    pub count: i64,
    /// Their values by currency. Empty if your role hides values.
    pub values: Vec<BoardValue>,
    /// The first records in the order of the board.
    pub cards: Vec<BoardCard>,
    /// The list query of the column, in the same order.
    #[schema(example = "/api/v1/deals?status=open&stage_id=01a21f8e-f521-7025-a214-d029a246ae7e&sort=board_position")]
    pub list: String,
    pub has_more: bool,
    /// The `cursor` with which the column continues, with `stage_id` of the board or in its `list`; null if there are no
    /// more cards.
    pub next_cursor: Option<String>,
}

/// A sum in one currency, in the minor unit.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoardValue {
    #[schema(format = "currency")]
    pub currency: String,
    /// Null if the sum exceeds the largest amount.
    pub amount: Option<i64>,
    /// Each value multiplied by the probability of its record, or else of the stage.
    pub weighted_amount: Option<i64>,
}

/// The usual number of cards per column, and the largest.
pub const CARDS: (i64, i64) = (20, 100);

/// What a request asks for.
#[derive(Debug)]
pub struct BoardQuery {
    pipeline: Option<Uuid>,
    stages: Option<Vec<Uuid>>,
    statuses: Vec<String>,
    limit: i64,
    /// The position in a column, if there is only one.
    cursor: Option<String>,
    /// The filters, as in a query string.
    filters: String,
}

/// The parameters of lists that a board has no use for.
const OF_LISTS: [&str; 6] = ["sort", "include", "include_total", "columns", "include_deleted", "only_deleted"];

impl BoardQuery {
    pub fn read(query: &str) -> Result<BoardQuery> {
        let mut params = QueryParams::read(query)?;
        let pipeline = params.parsed("pipeline_id", "a UUID")?;
        let limit = params.limit(CARDS.0, CARDS.1)?;
        let uuid = |text: String| {
            let wrong = || FieldError::parameter("stage_id", FieldCode::InvalidFormat, "must be a list of UUIDs");
            text.parse().map_err(|_| Error::parameters(vec![wrong()]))
        };
        let stages = params.take("stage_id").map(|ids| split(&ids).into_iter().map(uuid).collect()).transpose()?;
        let cursor = params.take("cursor");
        if cursor.is_some() && stages.as_ref().is_none_or(|stages: &Vec<Uuid>| stages.len() != 1) {
            let wrong = FieldError::parameter("cursor", FieldCode::Invalid, "requires stage_id with one stage");
            return Err(Error::parameters(vec![wrong]));
        }
        let statuses = params.take("status").map_or_else(|| vec!["open".to_owned()], |list| split(&list));
        if statuses.iter().any(|status| !Category::TEXTS.contains(&status.as_str())) {
            let wrong = FieldError::parameter("status", FieldCode::InvalidChoice, "must be open, won or lost");
            return Err(Error::parameters(vec![wrong.among(Category::TEXTS.iter().copied())]));
        }
        if let Some(name) = params.names().find(|name| OF_LISTS.contains(name)) {
            let wrong = FieldError::parameter(name, FieldCode::UnknownParameter, "is not supported by boards");
            return Err(Error::parameters(vec![wrong]));
        }
        let mut filters = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if !["pipeline_id", "limit", "stage_id", "status", "cursor"].contains(&name.as_ref()) {
                filters.append_pair(&name, &value);
            }
        }
        let filters = filters.finish();
        Ok(BoardQuery { pipeline, stages, statuses, limit, cursor, filters })
    }

    /// Returns the list query of some stages; `rest` follows.
    fn list(&self, stage: Option<Uuid>, rest: &str) -> String {
        let stage = stage.map(|stage| format!("&stage_id={stage}")).unwrap_or_default();
        let joint = if self.filters.is_empty() { "" } else { "&" };
        format!("status={}{stage}{joint}{}{rest}", self.statuses.join(","), self.filters)
    }

    /// Returns the stage, if the request asks for one.
    fn only(&self) -> Option<Uuid> {
        self.stages.as_deref().and_then(|stages| if let [only] = stages { Some(*only) } else { None })
    }

    /// Returns the order and the part of the columns.
    fn window(&self) -> String {
        let cursor = self.cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        format!("&sort=board_position&limit={}{cursor}", self.limit)
    }

    fn shows(&self, stage: &Stage) -> bool {
        self.statuses.iter().any(|status| status == stage.category.as_str())
            && self.stages.as_ref().is_none_or(|asked| asked.contains(&stage.id))
    }

    /// Checks the filters, before a connection is needed.
    pub fn check<T>(&self, fields: &'static Fields<T>, actor: &Actor) -> Result<()> {
        fields.plan(&self.list(self.only(), &self.window()), actor).map(drop)
    }
}

#[derive(QueryableByName)]
struct Total {
    #[diesel(sql_type = SqlUuid)]
    stage_id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    currency: Option<String>,
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    amount: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    weighted: Option<i64>,
}

/// Loads a board with three statements: the stages, their sums, their first cards.
pub fn board<T>(tx: &mut Tx<'_>, fields: &'static Fields<T>, kind: PipelineKind, query: &BoardQuery) -> Result<Board> {
    let pipeline = pipelines::choose(tx, query.pipeline, kind).map_err(|_| {
        let detail = format!("must be the id of a pipeline of {}s", kind.as_str());
        Error::parameters(vec![FieldError::parameter("pipeline_id", FieldCode::ReferenceNotFound, detail)])
    })?;
    let all = stages::of_pipeline(tx, pipeline)?;
    let shown: Vec<Stage> = all.into_iter().filter(|stage| query.shows(stage)).collect();
    let seen = visibility::cond(tx.actor, fields.kind, Action::Read);
    let totals = totals(tx, fields, pipeline, &shown, query, &seen)?;
    let text = query.list(query.only(), &query.window());
    let ids = shown.iter().map(|stage| stage.id).collect();
    let plan = fields.plan(&text, tx.actor)?;
    let mut cards = cards::first(tx, fields, ids, &plan, &seen)?;
    let mut columns = Vec::with_capacity(shown.len());
    for stage in shown {
        let cards = cards.remove(&stage.id).unwrap_or_default();
        let plan = fields.plan(&query.list(Some(stage.id), &query.window()), tx.actor)?;
        columns.push(column(fields, stage, &plan, cards, &totals, query)?);
    }
    Ok(Board { pipeline_id: pipeline, columns })
}

fn column<T>(
    fields: &'static Fields<T>,
    stage: Stage,
    plan: &Plan<T>,
    mut cards: Vec<BoardCard>,
    totals: &[Total],
    query: &BoardQuery,
) -> Result<BoardColumn> {
    let info = plan.cut(&mut cards, 0)?;
    let own = || totals.iter().filter(|total| total.stage_id == stage.id);
    let value = |total: &Total| {
        let (amount, weighted_amount) = (total.amount, total.weighted);
        total.currency.clone().map(|currency| BoardValue { currency, amount, weighted_amount })
    };
    Ok(BoardColumn {
        count: own().map(|total| total.count).sum(),
        values: own().filter_map(value).collect(),
        list: format!("/api/v1/{}?{}", fields.kind.path(), query.list(Some(stage.id), "&sort=board_position")),
        has_more: info.has_more,
        next_cursor: info.next_cursor,
        stage_id: stage.id,
        name: stage.name,
        category: stage.category,
        probability_percent: stage.probability_percent,
        cards,
    })
}

fn totals<T>(
    tx: &mut Tx<'_>,
    fields: &'static Fields<T>,
    pipeline: Uuid,
    shown: &[Stage],
    query: &BoardQuery,
    seen: &Cond,
) -> Result<Vec<Total>> {
    let filter = fields.plan(&query.list(None, ""), tx.actor)?.filter.into_fragment();
    let hidden = tx.actor.access.hides(fields.kind.path(), "value");
    let (amount, currency, probability) = match fields.kind {
        _ if hidden => ("null::bigint", "null::text", "0"),
        Kind::DEAL => {
            ("deals.value_amount", "deals.value_currency", "coalesce(deals.probability_percent, stage.percent)")
        }
        _ => ("leads.value_amount", "leads.value_currency", "stage.percent"),
    };
    // A role that hides the probability of deals sees the one of the stage.
    let own_hidden = tx.actor.access.hides(fields.kind.path(), "probability_percent");
    let probability = if own_hidden && !hidden { "stage.percent" } else { probability };
    Ok(Statement::new(include_str!("totals.sql"))
        .set("table", Part::Sql(fields.kind.table()))
        .set("workspace", Part::Id(tx.workspace()))
        .set("pipeline", Part::Id(pipeline))
        .set("stages", Part::Ids(shown.iter().map(|stage| stage.id).collect()))
        .set("percents", Part::Texts(shown.iter().map(|stage| stage.probability_percent.to_string()).collect()))
        .set("most", Part::Int(AMOUNT_MAX))
        .set("amount", Part::Sql(amount))
        .set("currency", Part::Sql(currency))
        .set("probability", Part::Sql(probability))
        .set("seen", Part::Cond(seen.clone()))
        .set("filter", Part::Cond(filter))
        .load(tx.conn)?)
}

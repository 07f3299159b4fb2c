//! Attention: the leads and deals that are lost from sight, and whose they are.
use crate::analytics::grouping::{TEAM_NAME, USER_NAME};
use crate::analytics::report::{Definition, Report};
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::db::visibility;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::answers::csv;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::answers::table::{Cell, Line, Table};
use crate::kernel::error::{Error, FieldError, Result};
use crate::kernel::query::fields::Fields;
use crate::kernel::query::openapi::{parameter, schema};
use crate::kernel::query::params::QueryParams;
use crate::kernel::values::value_type::ValueType;
use crate::list_params;
use crate::sales::deals::model::DEAL;
use crate::sales::leads::model::LEAD;
use crate::web::ctx::Ctx;
use crate::web::headers::Format;
use actix_web::get;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

pub const DEFINITION: Definition = Definition {
    name: "attention",
    version: 1,
    text: "Open leads and deals that need attention now, by their owner: rotting as the filter of the lists, without a \
           planned task, past their expected close date, leads without a first response, and hot leads without \
           activity for two days. A record can count in several figures. unassigned counts the open ones without an \
           owner.",
    leaves_out: &["deleted records", "records that you do not see"],
};

/// What needs attention now.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttentionReport {
    /// What the report counts, in words.
    pub definition: String,
    /// The name of the definition in `GET /analytics/definitions`.
    pub definition_name: String,
    pub definition_version: i32,
    pub group_by: String,
    pub groups: Vec<AttentionGroup>,
}
impl NothingHidden for AttentionReport {}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AttentionGroup {
    /// The id of the user or team. Null for records without one, and if the report is not grouped.
    pub key: Option<String>,
    pub label: Option<String>,
    pub figures: Vec<AttentionFigure>,
}

/// How many records need attention.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AttentionFigure {
    /// What the records need.
    #[schema(examples("rotting_deals"))]
    pub figure: String,
    pub count: i64,
    /// The list query of these records.
    pub drill_down: String,
}

/// The figures, each with its list query.
const DEALS: [(&str, &str); 5] = [
    ("open_deals", "status=open"),
    ("rotting_deals", "status=open&rotting=true"),
    ("deals_without_task", "status=open&has_next_task=false"),
    ("past_close_deals", "status=open&expected_close_date__lt=today"),
    ("unassigned_deals", "status=open&unassigned=true"),
];
const LEADS: [(&str, &str); 6] = [
    ("open_leads", "status=open"),
    ("rotting_leads", "status=open&rotting=true"),
    ("leads_without_task", "status=open&has_next_task=false"),
    ("unanswered_leads", "status=open&unanswered=true"),
    ("hot_leads", "status=open&rating=hot&untouched_since=today-2d"),
    ("unassigned_leads", "status=open&unassigned=true"),
];

/// A grouping by owner: its name, the key of a record, the label of a key, and the list filter.
type OwnerGroup = (&'static str, &'static str, &'static str, &'static str);

const GROUPS: [OwnerGroup; 3] = [
    ("none", "null::uuid", "null::text", ""),
    ("owner", "u.id", USER_NAME, "owner_id"),
    ("team", "u.team_id", TEAM_NAME, "team_id"),
];

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    figure: String,
    #[diesel(sql_type = Nullable<Text>)]
    group_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    group_label: Option<String>,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

list_params!(AttentionParameters, {
    let names = schema(ValueType::Text).enum_values(Some(GROUPS.map(|group| group.0))).default(Some("none".into()));
    vec![parameter("group_by".into(), "Groups the figures by the owner of the records.".into(), names, None)]
});

/// Parses the query, which has only the grouping.
fn grouping(query: &str, actor: &Actor) -> Result<OwnerGroup> {
    let mut params = QueryParams::read(query)?;
    let name = params.take("group_by").unwrap_or_else(|| "none".into());
    params.finish(&["group_by"])?;
    let names = GROUPS.map(|group| group.0);
    let unknown = || Error::parameters(vec![FieldError::not_among(&names).at_parameter("group_by")]);
    let group = *GROUPS.iter().find(|known| known.0 == name).ok_or_else(unknown)?;
    match group.0 {
        "owner" => actor.require_read("users")?,
        "team" => actor.require_read("teams")?,
        _ => {}
    }
    Ok(group)
}

/// Returns the figures of all records that these list filters select.
pub fn of_all(tx: &mut Tx<'_>, filters: &str) -> Result<Vec<AttentionFigure>> {
    let [none, ..] = GROUPS;
    let filters = if filters.is_empty() { String::new() } else { format!("&{filters}") };
    Ok(report(tx, none, &filters)?.groups.into_iter().next().map(|group| group.figures).unwrap_or_default())
}

fn report(tx: &mut Tx<'_>, group: OwnerGroup, filters: &str) -> Result<AttentionReport> {
    let mut counts = counts(tx.actor, &DEAL, &DEALS, group, filters)?;
    counts.extend(self::counts(tx.actor, &LEAD, &LEADS, group, filters)?);
    let counts = counts.into_iter().reduce(Statement::union_all).unwrap_or_else(|| Statement::new("select"));
    let label = Statement::new(group.2).set("workspace", Part::Id(tx.workspace()));
    let named = Statement::new(include_str!("attention.sql")).set("group_label", Part::Nested(Box::new(label)));
    let rows: Vec<Row> = named.set("counts", Part::Nested(Box::new(counts))).load(tx.conn)?;
    let group_of = |rows: &[Row]| AttentionGroup {
        key: rows.first().and_then(|row| row.group_key.clone()),
        label: rows.first().and_then(|row| row.group_label.clone()),
        figures: figures(tx.actor, group, rows, filters),
    };
    let mut groups: Vec<AttentionGroup> = rows.chunk_by(|a, b| a.group_key == b.group_key).map(group_of).collect();
    if groups.is_empty() && group.0 == "none" {
        groups.push(group_of(&[]));
    }
    Ok(AttentionReport {
        definition: DEFINITION.text.into(),
        definition_name: DEFINITION.name.into(),
        definition_version: DEFINITION.version,
        group_by: group.0.into(),
        groups,
    })
}

/// Returns the statements that count the records of each figure.
fn counts<T>(
    actor: &Actor,
    fields: &'static Fields<T>,
    lists: &[(&'static str, &str)],
    group: OwnerGroup,
    filters: &str,
) -> Result<Vec<Statement>> {
    let count = |(figure, query): &(&'static str, &str)| {
        let plan = fields.plan(&format!("{query}{filters}"), actor)?;
        Ok(Statement::new(include_str!("attention_count.sql"))
            .set("figure", Part::Text((*figure).to_owned()))
            .set("key", Part::Sql(group.1))
            .set("table", Part::Sql(fields.kind.table()))
            .set("workspace", Part::Id(actor.workspace))
            .set("seen", Part::Cond(visibility::readable(actor, fields.kind)))
            .set("filter", Part::Cond(plan.filter.into_fragment())))
    };
    lists.iter().map(count).collect()
}

fn figures(actor: &Actor, group: OwnerGroup, rows: &[Row], filters: &str) -> Vec<AttentionFigure> {
    let key = rows.first().and_then(|row| row.group_key.as_deref());
    let seen = |resource: &str| actor.require_read(resource).is_ok();
    let deals = DEALS.iter().filter(|_| seen("deals")).map(|(figure, query)| ("deals", figure, query));
    let leads = LEADS.iter().filter(|_| seen("leads")).map(|(figure, query)| ("leads", figure, query));
    let figure = |(resource, figure, query): (&str, &&str, &&str)| AttentionFigure {
        figure: (*figure).to_owned(),
        count: rows.iter().find(|row| row.figure == **figure).map_or(0, |row| row.count),
        drill_down: list(resource, &format!("{query}{filters}"), group, key),
    };
    deals.chain(leads).map(figure).collect()
}

/// Returns the list query. The unassigned records already say that they have no owner.
fn list(resource: &str, query: &str, (name, _, _, filter): OwnerGroup, key: Option<&str>) -> String {
    let of_group = match (name, key) {
        ("none", _) => String::new(),
        (_, Some(key)) => format!("&{filter}={key}"),
        ("team", None) => "&team_id=none".into(),
        (_, None) if query.contains("unassigned") => String::new(),
        (_, None) => "&unassigned=true".into(),
    };
    format!("/api/v1/{resource}?{query}{of_group}")
}

fn table(report: &AttentionReport, currency: &str) -> Result<Table> {
    let of = |group: &AttentionGroup| vec![Cell::from(group.key.clone()), Cell::from(group.label.clone())];
    let figures = report.groups.iter().flat_map(|group| group.figures.iter().map(move |figure| (of(group), figure)));
    let lines: Vec<Line<'_, AttentionFigure>> = figures.collect();
    Table::new(&["group_id", "group"], &[], &lines, currency)
}

/// Get how many open leads and deals need attention now, by their owner.
#[utoipa::path(operation_id = "get_attention", params(AttentionParameters), responses((status = 200, description = "The figures",
    body = AttentionReport)))]
#[get("/analytics/attention")]
async fn attention(ctx: Ctx<can::Read<Report>>, format: Format) -> Result<Reply> {
    let csv = ctx.wants_csv(format)?;
    let group = grouping(ctx.query(), &ctx.actor)?;
    ctx.report(move |tx| {
        let report = report(tx, group, "")?;
        let table = || table(&report, &tx.actor.settings.base_currency);
        if csv { Ok(csv::report(&table()?)) } else { Ok(Answer::ok(report)) }
    })
    .await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(attention);
}

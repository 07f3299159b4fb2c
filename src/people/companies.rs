//! Companies: organisations.
use crate::db::constraint::{Explain, Meaning, Meanings};
use crate::db::events::Event;
use crate::db::table::Expected;
use crate::db::tx::Tx;
use crate::db::{refs, sight};
use crate::kernel::actor::can;
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::field::{Fields, Search, field};
use crate::kernel::kind::Kind;
use crate::kernel::merge_patch;
use crate::kernel::money::{Money, columns};
use crate::kernel::next_task::NextTask;
use crate::kernel::reply::Reply;
use crate::kernel::shape::Rules;
use crate::kernel::tags::Tags;
use crate::kernel::time::DateTime;
use crate::records;
use crate::schema::companies;
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id};
use crate::{list, list_params, money_columns, next_task_columns, owned, page, record};
use actix_web::{delete, get, patch, post};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

money_columns!(Revenue = companies(revenue_amount, revenue_currency));

next_task_columns!(CompanyTask = companies);

/// An organisation.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = companies)]
pub struct Company {
    pub id: Uuid,
    pub name: String,
    pub domain: Option<String>,
    pub sector: Option<String>,
    pub employees: Option<i64>,
    /// Of a year.
    #[diesel(embed)]
    #[schema(value_type = Option<Money>)]
    pub revenue: Revenue,
    pub founded_year: Option<i32>,
    pub address: Option<String>,
    pub country: Option<String>,
    pub parent_id: Option<Uuid>,
    pub owner_id: Option<Uuid>,
    #[schema(value_type = Vec<String>)]
    pub tags: Tags,
    pub external_id: Option<String>,
    #[diesel(embed)]
    #[schema(value_type = Option<NextTask>)]
    pub next_task: CompanyTask,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
}
record!(Company, Company);
page!(CompanyPage of Company);

#[derive(Clone, Debug, Deserialize, Insertable, ToSchema)]
#[diesel(table_name = companies, treat_none_as_default_value = false)]
pub struct CompanyCreate {
    #[diesel(skip_insertion)]
    pub id: Option<Uuid>,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[schema(max_length = 253)]
    pub domain: Option<String>,
    #[schema(max_length = 100)]
    pub sector: Option<String>,
    #[schema(minimum = 0, maximum = 100_000_000)]
    pub employees: Option<i64>,
    #[diesel(skip_insertion)]
    pub revenue: Option<Money>,
    #[schema(minimum = 1000, maximum = 9999)]
    pub founded_year: Option<i32>,
    #[schema(max_length = 1000)]
    pub address: Option<String>,
    #[schema(max_length = 100)]
    pub country: Option<String>,
    pub parent_id: Option<Uuid>,
    pub owner_id: Option<Uuid>,
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 50)]
    pub tags: Tags,
    #[schema(max_length = 200)]
    pub external_id: Option<String>,
}
impl Rules for CompanyCreate {}

#[derive(Debug, Default, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = companies)]
pub struct CompanyUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 253)]
    pub domain: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 100)]
    pub sector: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(minimum = 0, maximum = 100_000_000)]
    pub employees: Option<Option<i64>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[diesel(skip_update)]
    pub revenue: Option<Option<Money>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(minimum = 1000, maximum = 9999)]
    pub founded_year: Option<Option<i32>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 1000)]
    pub address: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 100)]
    pub country: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub parent_id: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub owner_id: Option<Option<Uuid>>,
    #[schema(nullable = false, value_type = Option<Vec<String>>, max_items = 50)]
    pub tags: Option<Tags>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 200)]
    pub external_id: Option<Option<String>>,
}
impl Rules for CompanyUpdate {}

pub static COMPANY: Fields<companies::table> = Fields {
    kind: Kind::Company,
    all: &[
        field("name", &companies::name),
        field("domain", &companies::domain),
        field("sector", &companies::sector),
        field("employees", &companies::employees),
        field("revenue", &companies::revenue_amount).at("revenue.amount"),
        field("country", &companies::country),
        field("parent_id", &companies::parent_id).to(Kind::Company),
        field("owner_id", &companies::owner_id).to(Kind::User).hot(),
        field("tags", &companies::tags),
        field("external_id", &companies::external_id),
        field("next_task_at", &companies::next_task_at).at("next_task.due_at"),
        field("created_at", &companies::created_at),
        field("updated_at", &companies::updated_at),
    ],
    default_sort: "-created_at",
    id: field("id", &companies::id),
    search: Some(Search {
        sql: "fold(companies.name || ' ' || coalesce(companies.domain, ''))",
        members: &["name", "domain"],
    }),
    links: &[],
    table: PhantomData,
};
list_params!(CompanyList, COMPANY.parameters());
owned!(soft companies, Company, Company);

const MEANINGS: Meanings = &[
    ("companies_external_id_key", Meaning::Taken(Code::DuplicateExternalId, "/external_id")),
    ("companies_parent_id_fkey", Meaning::Missing("/parent_id")),
    ("companies_owner_id_fkey", Meaning::Missing("/owner_id")),
];

pub fn insert(tx: &mut Tx<'_>, new: &CompanyCreate) -> Result<Company> {
    sight::may_create(tx, Kind::Company, new.owner_id)?;
    refs::must_see(tx, &[(Kind::Company, new.parent_id, "/parent_id")])?;
    let (amount, currency) = columns(new.revenue.as_ref());
    let row = diesel::insert_into(companies::table)
        .values((
            companies::workspace_id.eq(tx.workspace()),
            companies::id.eq(new.id.unwrap_or_else(Uuid::now_v7)),
            new,
            (companies::revenue_amount.eq(amount), companies::revenue_currency.eq(currency)),
            (companies::created_at.eq(tx.now), companies::updated_at.eq(tx.now)),
        ))
        .returning(Company::as_returning())
        .get_result(tx.conn)
        .explain(MEANINGS)?;
    records::tags::note(tx, &row.tags)?;
    tx.record(Event::created(&row)?);
    Ok(row)
}

pub fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &CompanyUpdate) -> Result<Company> {
    let before = lock(tx, id, expected)?;
    if changes.parent_id == Some(Some(id)) {
        return Err(Error::member("/parent_id", "invalid", "cannot be the company itself"));
    }
    refs::must_see(tx, &[(Kind::Company, changes.parent_id.flatten(), "/parent_id")])?;
    let revenue = changes.revenue.as_ref().map(|money| {
        let (amount, currency) = columns(money.as_ref());
        (companies::revenue_amount.eq(amount), companies::revenue_currency.eq(currency))
    });
    let after = diesel::update(companies::table.find((tx.workspace(), id)))
        .set((changes, revenue, companies::version.eq(before.version + 1), companies::updated_at.eq(tx.now)))
        .returning(Company::as_returning())
        .get_result(tx.conn)
        .explain(MEANINGS)?;
    records::tags::note(tx, &after.tags)?;
    tx.record(Event::updated(&before, &after)?);
    Ok(after)
}

pub fn delete(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<()> {
    let row = lock(tx, id, expected)?;
    diesel::update(companies::table.find((tx.workspace(), id)))
        .set((
            companies::deleted_at.eq(tx.now),
            companies::external_id.eq(None::<String>),
            companies::version.eq(row.version + 1),
        ))
        .execute(tx.conn)?;
    tx.record(Event::deleted(&row)?);
    Ok(())
}

/// List companies.
#[utoipa::path(operation_id = "list_companies", params(CompanyList), responses((status = 200, description = "A page of companies", body = CompanyPage)))]
#[get("/companies")]
async fn list(ctx: Ctx<can::companies::Read>) -> Result<Reply> {
    let (plan, link) = (COMPANY.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| {
        let page = list!(tx, companies, Company, &plan => CompanyPage);
        link.reply(&page.page, &page)
    })
    .await
}

/// Create a company.
#[utoipa::path(operation_id = "create_company", request_body = CompanyCreate, responses((status = 201, description = "The company", body = Company)))]
#[post("/companies")]
async fn create(ctx: Ctx<can::companies::Create>, new: Valid<CompanyCreate>) -> Result<Reply> {
    ctx.write(move |tx| Reply::created(&insert(tx, &new)?)).await
}

/// Get a company.
#[utoipa::path(operation_id = "get_company", params(("company_id" = Uuid, Path, description = "Id of the company")),
    responses((status = 200, description = "The company", body = Company)))]
#[get("/companies/{company_id}")]
async fn read(ctx: Ctx<can::companies::Read>, id: Id) -> Result<Reply> {
    ctx.read(move |tx| Reply::record(&find(tx, id.0)?)).await
}

/// Change a company.
#[utoipa::path(operation_id = "update_company", params(("company_id" = Uuid, Path, description = "Id of the company")), request_body = CompanyUpdate,
    responses((status = 200, description = "The company as changed", body = Company)))]
#[patch("/companies/{company_id}")]
async fn change(ctx: Ctx<can::companies::Update>, id: Id, changes: Valid<CompanyUpdate>) -> Result<Reply> {
    let expected = ctx.expected()?;
    ctx.write(move |tx| Reply::record(&update(tx, id.0, expected, &changes)?)).await
}

/// Delete a company. Its contacts, leads and deals stay.
#[utoipa::path(operation_id = "delete_company", params(("company_id" = Uuid, Path, description = "Id of the company")),
    responses((status = 204, description = "Deleted")))]
#[delete("/companies/{company_id}")]
async fn remove(ctx: Ctx<can::companies::Delete>, id: Id) -> Result<Reply> {
    let expected = ctx.expected()?;
    ctx.write(move |tx| delete(tx, id.0, expected).map(|()| Reply::none())).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(remove);
}

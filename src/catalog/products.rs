//! Products.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::events;
use crate::db::table::{self, Expected, Stored};
use crate::db::tx::Tx;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::access::resource::{Builtin, Descriptor, Display, Reference, Resource};
use crate::kernel::answers::page::Page;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::merge_patch;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Code, Result};
use crate::kernel::fields::field::field;
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::{Search, exact};
use crate::kernel::query::fields::Fields;
use crate::kernel::values::event_verbs as verbs;
use crate::kernel::values::money::{Money, columns};
use crate::kernel::values::text_format::TextFormat;
use crate::kernel::values::time::DateTime;
use crate::schema::products;
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id};
use crate::web::headers::{IdempotencyKey, IfMatch};
use crate::{as_it_was, history, import_link, list_params, money_columns, record, restorable, restore, stored};
use actix_web::{delete, get, patch, post};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

money_columns!(Price = products(price_amount, price_currency));

/// A product or service.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = products)]
pub struct Product {
    pub id: Uuid,
    pub name: String,
    /// Stock-keeping unit; unique in the workspace.
    pub sku: Option<String>,
    pub series: Option<String>,
    /// The unit of a quantity, such as a piece, an hour or a kilogram.
    pub unit: Option<String>,
    #[diesel(embed)]
    #[schema(value_type = Option<Money>)]
    pub price: Price,
    pub active: bool,
    pub external_id: Option<String>,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
    /// When the record was deleted. Only lists with `include_deleted` or `only_deleted` contain deleted records.
    pub deleted_at: Option<DateTime>,
}
impl NothingHidden for Product {}
record!(Product, PRODUCT);

impl Kind {
    pub const PRODUCT: Kind = Kind::new("product", "products");
}

impl Resource for Product {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::PRODUCT, "The product catalogue.")
        .shared(Builtin::Viewer, Builtin::Manager, Builtin::Manager)
        .events(&[verbs::SOFT])
        .described(&PRODUCT, "Product")
        .included_as(Display::Column("products.name"))
        .checked(Reference::Visible);
}
pub type ProductPage = Page<Product>;

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ProductCreate {
    pub id: Option<Uuid>,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[schema(min_length = 1, max_length = 100)]
    pub sku: Option<String>,
    #[schema(max_length = 100)]
    pub series: Option<String>,
    #[schema(max_length = 50)]
    pub unit: Option<String>,
    pub price: Option<Money>,
    /// True if absent.
    pub active: Option<bool>,
    #[schema(max_length = 200)]
    pub external_id: Option<String>,
}
impl Rules for ProductCreate {}

#[derive(Debug, Default, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = products)]
pub struct ProductUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(min_length = 1, max_length = 100)]
    pub sku: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 100)]
    pub series: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 50)]
    pub unit: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[diesel(skip_update)]
    pub price: Option<Option<Money>>,
    #[schema(nullable = false)]
    pub active: Option<bool>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 200)]
    pub external_id: Option<Option<String>>,
}
impl Rules for ProductUpdate {
    crate::read_only_members_of!(Product);
}

pub static PRODUCT: Fields<products::table> = Fields {
    kind: Kind::PRODUCT,
    all: &[
        field("name", &products::name),
        field("sku", &products::sku),
        field("series", &products::series),
        field("price", &products::price_amount).at("price.amount").in_currency("price_currency"),
        field("price_currency", &products::price_currency).at("price.currency").formatted(TextFormat::Currency),
        field("active", &products::active),
        field("external_id", &products::external_id),
        field("created_at", &products::created_at),
        field("updated_at", &products::updated_at),
        field("deleted_at", &products::deleted_at),
    ],
    default_sort: "name",
    id: field("id", &products::id),
    search: Some(Search {
        sql: "fold(products.name || ' ' || coalesce(products.sku, ''))",
        members: &["name", "sku"],
        exact: &[exact("fold(products.name) = ", &["name"]), exact("fold(products.sku) = ", &["sku"])],
    }),
    derived: &[],
    links: &[import_link!(PRODUCT)],
    table: PhantomData,
};
list_params!(ProductList, PRODUCT.parameters());
stored!(soft products, Product);
restorable!(products, Product);

const CONSTRAINTS: ConstraintRules = &[
    ("products_sku_key", ConstraintRule::Taken(Code::DuplicateSku, "/sku")),
    ("products_external_id_key", ConstraintRule::Taken(Code::DuplicateExternalId, "/external_id")),
];

pub fn insert(tx: &mut Tx<'_>, new: &ProductCreate) -> Result<Product> {
    let (amount, currency) = columns(new.price.as_ref());
    let row = diesel::insert_into(products::table)
        .values((
            (products::workspace_id.eq(tx.workspace()), products::id.eq(new.id.unwrap_or_else(Uuid::now_v7))),
            (
                products::name.eq(&new.name),
                products::sku.eq(&new.sku),
                products::series.eq(&new.series),
                products::unit.eq(&new.unit),
            ),
            (
                products::price_amount.eq(amount),
                products::price_currency.eq(currency),
                products::active.eq(new.active.unwrap_or(true)),
            ),
            products::external_id.eq(&new.external_id),
            (products::created_at.eq(tx.now), products::updated_at.eq(tx.now)),
        ))
        .returning(Product::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    tx.record(Event::created(&row)?);
    Ok(row)
}

pub fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &ProductUpdate) -> Result<Product> {
    let before = Product::lock(tx, id, expected)?;
    let price = changes.price.as_ref().map(|money| {
        let (amount, currency) = columns(money.as_ref());
        (products::price_amount.eq(amount), products::price_currency.eq(currency))
    });
    let after = diesel::update(products::table.find((tx.workspace(), id)))
        .set((changes, price, products::version.eq(before.version + 1), products::updated_at.eq(tx.now)))
        .returning(Product::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    events::record_change(tx, &before, after)
}

pub fn delete(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<()> {
    let row = Product::lock(tx, id, expected)?;
    table::mark_deleted(tx, &[row], Some("external_id"))
}

/// List products, by name.
#[utoipa::path(operation_id = "list_products", params(ProductList), responses((status = 200, description = "A page of products", body = ProductPage)))]
#[get("/products")]
async fn list(ctx: Ctx<can::Read<Product>>) -> Result<Reply> {
    let (plan, link) = (PRODUCT.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| table::page::<Product>(tx, &plan).map(|page| link.answer(page))).await
}

/// Create a product.
#[utoipa::path(operation_id = "create_product", request_body = ProductCreate, responses((status = 201, description = "The product", body = Product)))]
#[post("/products")]
async fn create(ctx: Ctx<can::Create<Product>>, key: IdempotencyKey, new: Valid<ProductCreate>) -> Result<Reply> {
    ctx.once(key, move |tx| insert(tx, &new).map(Answer::created)).await
}

/// Get a product.
#[utoipa::path(operation_id = "get_product", params(("product_id" = Uuid, Path, description = "Id of the product")),
    responses((status = 200, description = "The product", body = Product)))]
#[get("/products/{product_id}")]
async fn read(ctx: Ctx<can::Read<Product>>, id: Id) -> Result<Reply> {
    ctx.read(move |tx| Product::find(tx, id.0).map(Answer::record)).await
}

/// Change a product.
///
/// Existing line items keep their price.
#[utoipa::path(operation_id = "update_product", params(("product_id" = Uuid, Path, description = "Id of the product")), request_body = ProductUpdate,
    responses((status = 200, description = "The changed product", body = Product)))]
#[patch("/products/{product_id}")]
async fn change(
    ctx: Ctx<can::Update<Product>>,
    id: Id,
    IfMatch(expected): IfMatch,
    changes: Valid<ProductUpdate>,
) -> Result<Reply> {
    ctx.write(move |tx| update(tx, id.0, expected, &changes).map(Answer::record)).await
}

/// Delete a product.
///
/// Line items with the product stay.
#[utoipa::path(operation_id = "delete_product", params(("product_id" = Uuid, Path, description = "Id of the product")),
    responses((status = 204, description = "Deleted")))]
#[delete("/products/{product_id}")]
async fn remove(ctx: Ctx<can::Delete<Product>>, id: Id, IfMatch(expected): IfMatch) -> Result<Reply> {
    ctx.write(move |tx| delete(tx, id.0, expected).map(|()| Answer::none())).await
}

restore!(Product, table::restore, "/products/{product_id}/restore" "restore_product" "product_id");

history!(Product, "/products/{product_id}/history" "list_product_history" "product_id");
as_it_was!(Product, "/products/{product_id}/history/as-it-was" "get_product_as_it_was" "product_id");

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(remove);
    config.service(restored);
    config.service(history).service(as_it_was);
}

//! Custom fields: the fields that a workspace adds to contacts, companies, leads and deals.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::events;
use crate::db::table::{self, Expected, Stored};
use crate::db::tx::Tx;
use crate::identity::actors::Actors;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::access::resource::{Builtin, Descriptor, Resource};
use crate::kernel::answers::page::Page;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::merge_patch;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Code, Error, FieldCode, FieldError, Result};
use crate::kernel::fields::custom::CustomKind;
use crate::kernel::fields::field::field;
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::{Search, exact};
use crate::kernel::query::fields::Fields;
use crate::kernel::values::event_verbs as verbs;
use crate::kernel::values::tags::{Tags, Word, same_set};
use crate::kernel::values::time::DateTime;
use crate::schema::{companies, contacts, custom_fields, deals, leads, stages};
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id};
use crate::web::headers::{IdempotencyKey, RequiredIfMatch};
use crate::{list_params, record, stored, text_enum};
use actix_web::{delete, get, patch, post, web};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Maximum custom fields per resource. More would make every record large.
const FIELDS_MAX: i64 = 100;

text_enum! {
    /// The resources that can have custom fields.
    pub enum CustomFieldResource { Contacts = "contacts", Companies = "companies", Leads = "leads", Deals = "deals", }
}
text_enum! {
    /// The resources that a reference can refer to.
    pub enum ReferredResource {
        Contacts = "contacts",
        Companies = "companies",
        Leads = "leads",
        Deals = "deals",
        Products = "products",
    }
}

/// A custom field of the workspace.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = custom_fields)]
pub struct CustomField {
    pub id: Uuid,
    pub resource: CustomFieldResource,
    /// The name in `custom_fields`, filters (`cf=`), sorts (`cf.key`), conditions and imports. It cannot be changed.
    pub key: String,
    /// The display name.
    pub name: String,
    pub description: Option<String>,
    pub kind: CustomKind,
    /// The options of a choice; empty for other kinds.
    #[schema(value_type = Vec<String>)]
    pub options: Tags,
    /// The resource that a reference refers to; null for other kinds.
    pub refers_to: Option<ReferredResource>,
    /// Forms show the fields of a group together.
    pub group_name: Option<String>,
    pub position: i32,
    /// The stages that a lead or deal can enter only if this field has a value.
    #[schema(value_type = Vec<Uuid>)]
    pub required_stage_ids: Vec<Option<Uuid>>,
    /// When the field was archived. An archived field keeps its values, but can no longer be set, filtered or required.
    pub archived_at: Option<DateTime>,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
}
impl NothingHidden for CustomField {}
record!(CustomField, CUSTOM_FIELD);

impl Kind {
    pub const CUSTOM_FIELD: Kind = Kind::new("custom_field", "custom-fields").in_table("custom_fields");
}

impl Resource for CustomField {
    const DESCRIPTOR: &Descriptor =
        &Descriptor::of(Kind::CUSTOM_FIELD, "Fields that the workspace adds to its records.")
            .shared(Builtin::Viewer, Builtin::Admin, Builtin::Admin)
            .events(&[verbs::BASIC]);
}
pub type CustomFieldPage = Page<CustomField>;

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct CustomFieldCreate {
    pub id: Option<Uuid>,
    pub resource: CustomFieldResource,
    #[schema(pattern = "^[a-z][a-z0-9_]*$", min_length = 1, max_length = 50, example = "region")]
    pub key: String,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[schema(max_length = 1000)]
    pub description: Option<String>,
    pub kind: CustomKind,
    /// Required for a choice.
    #[serde(default)]
    #[schema(value_type = Vec<Word>, max_items = 500, inline)]
    pub options: Tags,
    /// Required for a reference.
    pub refers_to: Option<ReferredResource>,
    #[schema(max_length = 100)]
    pub group_name: Option<String>,
    /// If absent, the field is the last.
    #[schema(minimum = 0, maximum = 10_000)]
    pub position: Option<i32>,
    #[serde(default)]
    #[schema(max_items = 100)]
    pub required_stage_ids: Vec<Uuid>,
}

impl Rules for CustomFieldCreate {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        let chosen = matches!(self.kind, CustomKind::Choice | CustomKind::MultiChoice);
        match (chosen, self.options.0.is_empty()) {
            (true, true) => bad.push(FieldError::member("/options", FieldCode::Required, "is required for a choice")),
            (false, false) => bad.push(FieldError::member(
                "/options",
                FieldCode::Invalid,
                "must be empty if the kind is not a choice",
            )),
            _ => {}
        }
        match (self.kind == CustomKind::Reference, self.refers_to) {
            (true, None) => {
                bad.push(FieldError::member("/refers_to", FieldCode::Required, "is required for a reference"))
            }
            (false, Some(_)) => bad.push(FieldError::member(
                "/refers_to",
                FieldCode::Invalid,
                "must be absent if the kind is not a reference",
            )),
            _ => {}
        }
        let funnel = matches!(self.resource, CustomFieldResource::Leads | CustomFieldResource::Deals);
        if !funnel && !self.required_stage_ids.is_empty() {
            bad.push(FieldError::member(
                "/required_stage_ids",
                FieldCode::Invalid,
                "must be empty, because only leads and deals have stages",
            ));
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct CustomFieldUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 1000)]
    pub description: Option<Option<String>>,
    /// Replaces all options. A choice needs at least one; other kinds have none. An option that records use cannot be
    /// removed.
    #[schema(nullable = false, value_type = Option<Vec<Word>>, max_items = 500, inline)]
    pub options: Option<Tags>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 100)]
    pub group_name: Option<Option<String>>,
    #[schema(nullable = false, minimum = 0, maximum = 10_000)]
    pub position: Option<i32>,
    #[schema(nullable = false, max_items = 100)]
    pub required_stage_ids: Option<Vec<Uuid>>,
    #[schema(nullable = false)]
    pub archived: Option<bool>,
}
impl Rules for CustomFieldUpdate {
    crate::read_only_members_of!(CustomField);
}

static FIELD: Fields<custom_fields::table> = Fields {
    kind: Kind::CUSTOM_FIELD,
    all: &[
        field("resource", &custom_fields::resource).one_of(CustomFieldResource::TEXTS),
        field("key", &custom_fields::key),
        field("name", &custom_fields::name),
        field("kind", &custom_fields::kind).one_of(CustomKind::TEXTS),
        field("group_name", &custom_fields::group_name),
        field("position", &custom_fields::position),
        field("archived_at", &custom_fields::archived_at),
        field("created_at", &custom_fields::created_at),
        field("updated_at", &custom_fields::updated_at),
    ],
    default_sort: "position",
    id: field("id", &custom_fields::id),
    search: Some(Search {
        sql: "fold(custom_fields.name)",
        members: &["name"],
        exact: &[exact("fold(custom_fields.name) = ", &["name"])],
    }),
    derived: &[],
    links: &[],
    table: PhantomData,
};
list_params!(CustomFieldList, FIELD.parameters());
stored!(custom_fields, CustomField);

#[diesel::dsl::auto_type(no_type_alias)]
fn in_workspace(workspace: Uuid) -> _ {
    custom_fields::table.filter(custom_fields::workspace_id.eq(workspace))
}

const CONSTRAINTS: ConstraintRules = &[("custom_fields_key_key", ConstraintRule::Taken(Code::DuplicateName, "/key"))];

fn check_stages(tx: &mut Tx<'_>, ids: &[Uuid]) -> Result<()> {
    let known = stages::table.filter(stages::workspace_id.eq(tx.workspace())).filter(stages::id.eq_any(ids));
    let known: Vec<Uuid> = known.filter(stages::deleted_at.is_null()).select(stages::id).load(tx.conn)?;
    match ids.iter().position(|id| !known.contains(id)) {
        Some(n) => Err(Error::reference(format!("/required_stage_ids/{n}"))),
        None => Ok(()),
    }
}

fn insert(tx: &mut Tx<'_>, new: &CustomFieldCreate) -> Result<CustomField> {
    check_stages(tx, &new.required_stage_ids)?;
    let others = in_workspace(tx.workspace()).filter(custom_fields::resource.eq(new.resource));
    let count: i64 = others.count().get_result(tx.conn)?;
    if count >= FIELDS_MAX {
        return Err(Error::new(
            Code::Conflict,
            format!("{} have the maximum of {FIELDS_MAX} custom fields", new.resource.as_str()),
        ));
    }
    let last: Option<i32> = in_workspace(tx.workspace())
        .filter(custom_fields::resource.eq(new.resource))
        .select(diesel::dsl::max(custom_fields::position))
        .first(tx.conn)?;
    let row: CustomField = diesel::insert_into(custom_fields::table)
        .values((
            (custom_fields::workspace_id.eq(tx.workspace()), custom_fields::id.eq(new.id.unwrap_or_else(Uuid::now_v7))),
            (custom_fields::resource.eq(new.resource), custom_fields::key.eq(&new.key)),
            (custom_fields::name.eq(&new.name), custom_fields::description.eq(&new.description)),
            (custom_fields::kind.eq(new.kind), custom_fields::options.eq(&new.options)),
            (custom_fields::refers_to.eq(new.refers_to), custom_fields::group_name.eq(&new.group_name)),
            custom_fields::position.eq(new.position.unwrap_or_else(|| last.map_or(1, |last| last.saturating_add(1)))),
            custom_fields::required_stage_ids.eq(&new.required_stage_ids),
            (custom_fields::created_at.eq(tx.now), custom_fields::updated_at.eq(tx.now)),
        ))
        .returning(CustomField::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    tx.record(Event::created(&row)?);
    Ok(row)
}

fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &CustomFieldUpdate) -> Result<CustomField> {
    let before = CustomField::lock(tx, id, expected)?;
    if let Some(options) = changes.options.as_ref().filter(|options| **options != before.options) {
        check_options(tx, &before, options)?;
    }
    let kept: Vec<Uuid> = before.required_stage_ids.iter().copied().flatten().collect();
    let stage_ids = changes.required_stage_ids.as_ref().filter(|stage_ids| !same_set(stage_ids, &kept));
    check_stages(tx, stage_ids.map_or(&[][..], Vec::as_slice))?;
    let archived = match changes.archived {
        Some(true) => before.archived_at.or(Some(tx.now)),
        Some(false) => None,
        None => before.archived_at,
    };
    let after: CustomField = diesel::update(custom_fields::table.find((tx.workspace(), id)))
        .set((
            changes.name.as_ref().map(|name| custom_fields::name.eq(name)),
            changes.description.as_ref().map(|text| custom_fields::description.eq(text)),
            changes.options.as_ref().map(|options| custom_fields::options.eq(options)),
            changes.group_name.as_ref().map(|group| custom_fields::group_name.eq(group)),
            changes.position.map(|position| custom_fields::position.eq(position)),
            stage_ids.map(|ids| custom_fields::required_stage_ids.eq(ids)),
            custom_fields::archived_at.eq(archived),
            (custom_fields::version.eq(before.version + 1), custom_fields::updated_at.eq(tx.now)),
        ))
        .returning(CustomField::as_returning())
        .get_result(tx.conn)?;
    events::record_change(tx, &before, after)
}

/// Checks that a choice has options and other kinds have none, and that no record uses a removed option.
fn check_options(tx: &mut Tx<'_>, field: &CustomField, options: &Tags) -> Result<()> {
    if !matches!(field.kind, CustomKind::Choice | CustomKind::MultiChoice) {
        return Err(Error::member("/options", FieldCode::Invalid, "must be empty if the kind is not a choice"));
    }
    if options.0.is_empty() {
        return Err(Error::member("/options", FieldCode::Required, "is required for a choice"));
    }
    macro_rules! chosen {
        ($table:ident, $option:expr) => {{
            let one = serde_json::json!({ field.key.as_str(): { "text": $option } });
            let many = serde_json::json!({ field.key.as_str(): { "options": [$option] } });
            let own = $table::table.filter($table::workspace_id.eq(tx.workspace()));
            let carrying = own.filter($table::custom.contains(one).or($table::custom.contains(many)));
            diesel::select(diesel::dsl::exists(carrying)).get_result(tx.conn)?
        }};
    }
    for option in field.options.0.iter().filter(|option| !options.0.contains(option)) {
        let used: bool = match field.resource {
            CustomFieldResource::Contacts => chosen!(contacts, option),
            CustomFieldResource::Companies => chosen!(companies, option),
            CustomFieldResource::Leads => chosen!(leads, option),
            CustomFieldResource::Deals => chosen!(deals, option),
        };
        if used {
            return Err(Error::new(
                Code::InUse,
                format!("records have the option {option}; give them another one first"),
            ));
        }
    }
    Ok(())
}

/// Deletes a custom field without values.
fn delete(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<()> {
    let row = CustomField::lock(tx, id, expected)?;
    macro_rules! carried {
        ($table:ident) => {{
            let own = $table::table.filter($table::workspace_id.eq(tx.workspace()));
            diesel::select(diesel::dsl::exists(own.filter($table::custom.has_key(&row.key)))).get_result(tx.conn)?
        }};
    }
    let used: bool = match row.resource {
        CustomFieldResource::Contacts => carried!(contacts),
        CustomFieldResource::Companies => carried!(companies),
        CustomFieldResource::Leads => carried!(leads),
        CustomFieldResource::Deals => carried!(deals),
    };
    if used {
        return Err(Error::new(Code::InUse, "records have values of this field; archive it instead"));
    }
    diesel::delete(custom_fields::table.find((tx.workspace(), id))).execute(tx.conn)?;
    tx.record(Event::deleted(&row)?);
    Ok(())
}

/// List the custom fields, by position.
#[utoipa::path(operation_id = "list_custom_fields", params(CustomFieldList), responses((status = 200, description = "A page of fields", body = CustomFieldPage)))]
#[get("/custom-fields")]
async fn list(ctx: Ctx<can::Read<CustomField>>) -> Result<Reply> {
    let (plan, link) = (FIELD.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| table::page::<CustomField>(tx, &plan).map(|page| link.answer(page))).await
}

/// Add a custom field to contacts, companies, leads or deals.
///
/// On other servers it takes effect within seconds.
#[utoipa::path(operation_id = "create_custom_field", request_body = CustomFieldCreate, responses((status = 201, description = "The field", body = CustomField)))]
#[post("/custom-fields")]
async fn create(
    ctx: Ctx<can::Create<CustomField>>,
    key: IdempotencyKey,
    new: Valid<CustomFieldCreate>,
    actors: web::Data<Actors>,
) -> Result<Reply> {
    let reply = ctx.once(key, move |tx| insert(tx, &new).map(Answer::created)).await?;
    actors.forget();
    Ok(reply)
}

/// Get a custom field.
#[utoipa::path(operation_id = "get_custom_field", params(("custom_field_id" = Uuid, Path, description = "Id of the field")),
    responses((status = 200, description = "The field", body = CustomField)))]
#[get("/custom-fields/{custom_field_id}")]
async fn read(ctx: Ctx<can::Read<CustomField>>, id: Id) -> Result<Reply> {
    ctx.read(move |tx| CustomField::find(tx, id.0).map(Answer::record)).await
}

/// Change or archive a custom field.
///
/// Its key and kind cannot be changed.
#[utoipa::path(operation_id = "update_custom_field", params(("custom_field_id" = Uuid, Path, description = "Id of the field")), request_body = CustomFieldUpdate,
    responses((status = 200, description = "The changed field", body = CustomField)))]
#[patch("/custom-fields/{custom_field_id}")]
async fn change(
    ctx: Ctx<can::Update<CustomField>>,
    id: Id,
    if_match: RequiredIfMatch,
    changes: Valid<CustomFieldUpdate>,
    actors: web::Data<Actors>,
) -> Result<Reply> {
    let expected = if_match.version()?;
    let reply = ctx.write(move |tx| update(tx, id.0, expected, &changes).map(Answer::record)).await?;
    actors.forget();
    Ok(reply)
}

/// Delete a custom field.
///
/// Fails if a record has a value of it.
#[utoipa::path(operation_id = "delete_custom_field", params(("custom_field_id" = Uuid, Path, description = "Id of the field")),
    responses((status = 204, description = "Deleted")))]
#[delete("/custom-fields/{custom_field_id}")]
async fn remove(
    ctx: Ctx<can::Delete<CustomField>>,
    id: Id,
    if_match: RequiredIfMatch,
    actors: web::Data<Actors>,
) -> Result<Reply> {
    let expected = if_match.version()?;
    let reply = ctx.write(move |tx| delete(tx, id.0, expected).map(|()| Answer::none())).await?;
    actors.forget();
    Ok(reply)
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(remove);
}

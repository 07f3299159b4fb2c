//! Describes resources: the members of their records, types, filters, and custom fields.
use crate::http::openapi::document::Document;
use crate::http::openapi::members::SchemaField;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::access::resource::{self, DerivedFilter};
use crate::kernel::answers::reply::Reply;
use crate::kernel::error::{Error, Result};
use crate::kernel::fields::custom::{CustomField, CustomKind};
use crate::kernel::fields::field::FieldRef;
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::params::operators;
use crate::kernel::values::value_type::ValueType;
use crate::resources::ResourceSchemas;
use crate::web::ctx::Ctx;
use crate::web::signature::{self, Part};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, get, web};
use serde::Serialize;
use std::future::{Ready, ready};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

#[derive(Debug, Serialize, ToSchema)]
pub struct ResourceSchema {
    pub resource: String,
    pub fields: Vec<SchemaField>,
}
impl NothingHidden for ResourceSchema {}

const fn type_name(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::Text => "text",
        ValueType::Uuid => "uuid",
        ValueType::Time => "instant",
        ValueType::Date => "date",
        ValueType::Int => "integer",
        ValueType::Number => "number",
        ValueType::Bool => "boolean",
        ValueType::TextArray => "words",
    }
}

/// Returns the members of the response, then other fields for filters, then custom fields.
fn describe(document: &Document, kind: Kind, actor: &Actor) -> Vec<SchemaField> {
    let hidden: Vec<&str> = actor.access.hidden_members(kind.path()).collect();
    let members = document.members(kind).iter().filter(|field| !hidden.contains(&field.member.as_str()));
    let mut fields: Vec<SchemaField> = members.cloned().collect();
    let asked = resource::of(kind).described.map(|(fields, _)| fields.visible_to(actor)).unwrap_or_default();
    for asked in asked {
        let own = own_field(&asked);
        let built = fields.iter_mut().find(|field| field.name == asked.name());
        match (built, own) {
            (Some(field), _) => describe_filters(field, &asked),
            (None, Some(own)) => {
                let mut field = custom(own);
                describe_filters(&mut field, &asked);
                fields.push(field);
            }
            (None, None) => {
                let member = match &asked {
                    FieldRef::Built(field) => field.member().to_owned(),
                    FieldRef::Custom(_) | FieldRef::Currency(_) => String::new(),
                };
                let name = asked.name().to_owned();
                let mut field = SchemaField { name, member, nullable: asked.nullable(), ..SchemaField::default() };
                field.r#type = type_name(asked.value_type()).into();
                describe_filters(&mut field, &asked);
                fields.push(field);
            }
        }
    }
    let derived = resource::of(kind).described.map(|(fields, _)| fields.derived_filters()).unwrap_or_default();
    fields.extend(derived.into_iter().map(derived_filter));
    fields
}

/// A filter that no member of the record shows.
fn derived_filter(filter: DerivedFilter) -> SchemaField {
    SchemaField {
        name: filter.name.into(),
        description: Some(filter.meaning.into()),
        r#type: type_name(filter.value_type).into(),
        choices: filter.choices.iter().map(|choice| (*choice).to_owned()).collect(),
        operators: vec!["eq".into()],
        ..SchemaField::default()
    }
}

fn own_field(asked: &FieldRef) -> Option<&CustomField> {
    match asked {
        FieldRef::Custom(field) => Some(field),
        FieldRef::Built(_) | FieldRef::Currency(_) => None,
    }
}

fn describe_filters(field: &mut SchemaField, asked: &FieldRef) {
    field.operators = operators(asked).into_iter().map(str::to_owned).collect();
    field.sortable = asked.value_type() != ValueType::TextArray;
    field.choices = asked.choices().into_iter().map(str::to_owned).collect();
    field.refers_to = asked.refers().map(|kind| kind.path().to_owned());
    field.include = match asked {
        FieldRef::Built(built) => built.include_name().map(str::to_owned),
        FieldRef::Custom(_) | FieldRef::Currency(_) => None,
    };
}

fn custom(own: &CustomField) -> SchemaField {
    let compared = own.kind.compared_as();
    SchemaField {
        name: own.path.clone(),
        label: Some(own.name.clone()),
        r#type: if own.kind == CustomKind::Money { "money" } else { type_name(compared) }.into(),
        member: "custom_fields".into(),
        custom: true,
        nullable: true,
        on_create: true,
        on_update: true,
        required_stage_ids: own.required_stages.clone(),
        group_name: own.group_name.clone(),
        description: own.description.clone(),
        ..SchemaField::default()
    }
}

/// The name of a resource that has a schema.
#[derive(Debug)]
struct DescribedResource;

impl PartialSchema for DescribedResource {
    fn schema() -> RefOr<Schema> {
        let described = resource::all().filter(|resource| resource.described.is_some());
        let names: Vec<&str> = described.map(|resource| resource.name).collect();
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(format!("^({})$", names.join("|")))).into()
    }
}

impl ToSchema for DescribedResource {}

/// The resource in the path, if it has a schema; any other text is not found.
struct DescribedKind(Kind);

impl FromRequest for DescribedKind {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        signature::takes(request, Part::Id);
        let described = |kind: &Kind| resource::of(*kind).described.is_some();
        let name = request.match_info().iter().next().map(|(_, value)| value);
        let kind = name.and_then(resource::kind_at).filter(described);
        ready(kind.map(DescribedKind).ok_or_else(Error::not_found))
    }
}

/// List the fields of a resource that you may see. Also requires the permission to read the resource.
#[utoipa::path(operation_id = "get_resource_schema", params(("resource" = inline(DescribedResource), Path, description = "For example `deals`", example = "deals")),
    responses((status = 200, description = "The fields", body = ResourceSchema)))]
#[get("/schema/{resource}")]
async fn schema(
    ctx: Ctx<can::Read<ResourceSchemas>>,
    DescribedKind(kind): DescribedKind,
    document: web::Data<Document>,
) -> Result<Reply> {
    ctx.actor.require_read(kind.path())?;
    Reply::ok(&ResourceSchema { resource: kind.path().into(), fields: describe(&document, kind, &ctx.actor) })
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(schema);
}

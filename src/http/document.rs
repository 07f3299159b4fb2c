//! Builds the OpenAPI document: utoipa collects it from the operations, and it is completed and written in two
//! versions.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value returns null for an absent member, or adds it")]
use crate::http::complete::complete;
use crate::http::inquiry::signatures;
use crate::http::schema::SchemaField;
use crate::http::single_reads::INCLUDED;
use crate::http::{app, collection, docs, openapi30, validators, workspace_document};
use crate::identity::middleware::authenticate;
use crate::kernel::error::{Bad, Error, ProblemBody, Result};
use crate::kernel::kind::Kind;
use crate::kernel::query_params::QueryParams;
use crate::kernel::resource;
use crate::web::caller::Caller;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpRequest, HttpResponse, web};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, HashMap};
use utoipa::OpenApi;
use utoipa_actix_web::{AppExt, scope};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Voronka",
        description = "A CRM for contacts, leads, deals, tasks and reports.\n\n\
            Send `Authorization: Bearer <token>` with an access token from `/auth/login` or an API key. Lists are paged \
            by `cursor`; every list takes the same filters (`field`, `field__ne`, `field__gte`, …), `sort` and \
            `include`. Errors are `application/problem+json` (RFC 9457) with a stable `code`. Responses with a record have \
            an `ETag`; send it as `If-Match` to detect concurrent changes. Every POST that changes data takes an \
            `Idempotency-Key`. Amounts are integers in the minor unit of their currency.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    servers((url = "/", description = "This server")),
    components(schemas(ProblemBody, Bad))
)]
struct Collected;

/// The finished document in both versions, and its paths for the middleware.
#[derive(Debug)]
pub struct Document {
    v31: web::Bytes,
    v30: web::Bytes,
    paths: Vec<Path>,
    members: HashMap<Kind, Vec<SchemaField>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V31,
    V30,
}

#[derive(Debug)]
struct Path {
    parts: Vec<String>,
    methods: Vec<Method>,
}

#[derive(Debug)]
struct Method {
    name: String,
    /// Whether it has query parameters.
    has_query: bool,
    /// The media types of the response.
    media: Vec<String>,
}

impl Path {
    fn new(path: &str, item: &Json) -> Path {
        let in_query =
            |operation: &Json| operation["parameters"].as_array().into_iter().flatten().any(|p| p["in"] == "query");
        let method = |(name, operation): (&String, &Json)| Method {
            name: name.to_uppercase(),
            has_query: in_query(operation),
            media: media(operation),
        };
        Path {
            parts: path.split('/').map(str::to_owned).collect(),
            methods: item.as_object().into_iter().flatten().map(method).collect(),
        }
    }

    fn fits(&self, asked: &[&str]) -> bool {
        let same = |(known, part): (&String, &&str)| known == part || (known.starts_with('{') && !part.is_empty());
        self.parts.len() == asked.len() && self.parts.iter().zip(asked).all(same)
    }

    fn variables(&self) -> usize {
        self.parts.iter().filter(|part| part.starts_with('{')).count()
    }
}

impl Document {
    /// Builds the document on a separate thread, so that the allocator returns the memory when the thread ends.
    pub fn build() -> Document {
        std::thread::spawn(Document::make).join().unwrap_or_else(|cause| std::panic::resume_unwind(cause))
    }

    fn make() -> Document {
        crate::resources::install();
        let (app, collected) = App::new()
            .into_utoipa_app()
            .openapi(Collected::openapi())
            .service(scope("/api/v1").configure(app::operations))
            .split_for_parts();
        let mut document = serde_json::to_value(&collected).unwrap_or_default();
        let signatures = signatures(app, &document);
        complete(&mut document, &signatures);
        let paths =
            document["paths"].as_object().into_iter().flatten().map(|(path, item)| Path::new(path, item)).collect();
        let text = |document: &Json| web::Bytes::from(pretty(document));
        let members = members(&document);
        Document { v31: text(&document), v30: text(&openapi30::down_convert(&document)), paths, members }
    }

    /// Returns the document as it is committed and served: sorted keys, two spaces, a newline at the end.
    pub fn text(&self) -> &[u8] {
        &self.v31
    }

    pub fn text30(&self) -> &[u8] {
        &self.v30
    }

    /// Returns the document as a Postman collection.
    pub fn collection(&self) -> Vec<u8> {
        let whole: Json = serde_json::from_slice(&self.v31).unwrap_or_default();
        let mut text = serde_json::to_string_pretty(&collection::of(&whole)).unwrap_or_default();
        text.push('\n');
        text.into_bytes()
    }

    /// Finds a path. A path without variables takes precedence: /workspaces/current over /workspaces/{id}.
    fn path(&self, path: &str) -> Option<&Path> {
        let asked: Vec<&str> = path.split('/').collect();
        self.paths.iter().filter(|known| known.fits(&asked)).min_by_key(|known| known.variables())
    }

    /// Returns the methods of a path, or none for an unknown path.
    pub fn methods(&self, path: &str) -> Vec<&str> {
        self.path(path).map(|known| known.methods.iter().map(|m| m.name.as_str()).collect()).unwrap_or_default()
    }

    fn method(&self, method: &str, path: &str) -> Option<&Method> {
        self.path(path)?.methods.iter().find(|known| known.name == method)
    }

    /// Checks whether an operation has no query parameters.
    pub fn takes_no_query(&self, method: &str, path: &str) -> bool {
        self.method(method, path).is_some_and(|known| !known.has_query)
    }

    /// Checks whether an operation can return a media type that the `Accept` header allows. Operations that return
    /// files are not checked.
    pub fn gives(&self, method: &str, path: &str, accept: &str) -> bool {
        let given = self.method(method, path).map_or(&[][..], |method| method.media.as_slice());
        let known = |media: &String| media == JSON || media == CSV;
        !given.iter().any(|media| media == JSON)
            || !given.iter().all(known)
            || given.iter().any(|one| takes(accept, one))
    }

    /// Returns the document, or with `custom=true` the document of the caller's workspace.
    fn asked(&self, request: &HttpRequest, version: Version) -> Result<web::Bytes> {
        let mut params = QueryParams::read(request.query_string())?;
        let own = params.parsed("custom", "true or false")?.unwrap_or(false);
        params.finish(&["custom"])?;
        if !own {
            return Ok(if version == Version::V31 { self.v31.clone() } else { self.v30.clone() });
        }
        let Caller(actor) = Caller::of(request)?;
        let whole = serde_json::from_slice(&self.v31).map_err(Error::internal)?;
        let own = workspace_document::typed(whole, &actor);
        let own = if version == Version::V31 { own } else { openapi30::down_convert(&own) };
        Ok(web::Bytes::from(pretty(&own)))
    }

    /// Returns the members of the records of a resource.
    pub fn members(&self, kind: Kind) -> &[SchemaField] {
        self.members.get(&kind).map_or(&[], Vec::as_slice)
    }

    pub fn service(&self, config: &mut web::ServiceConfig) {
        for (path, version) in [("/openapi.json", Version::V31), ("/openapi-3.0.json", Version::V30)] {
            let show = move |request: HttpRequest, document: web::Data<Document>| {
                let text = document.asked(&request, version);
                async move { text.map(|text| HttpResponse::Ok().content_type("application/json").body(text)) }
            };
            config.service(
                web::resource(path)
                    .wrap(from_fn(validators::tag))
                    .wrap(from_fn(authenticate))
                    .route(web::get().to(show)),
            );
        }
        docs::service(config);
    }
}

/// Returns the name of the referenced schema: directly, in the items of a list, or in one of two choices.
fn named(schema: &Json) -> Option<String> {
    let of = |schema: &Json| schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()).map(str::to_owned);
    let choice = || schema["oneOf"].as_array().into_iter().flatten().find_map(of);
    of(schema).or_else(|| of(&schema["items"])).or_else(choice)
}

const JSON: &str = "application/json";
const CSV: &str = "text/csv";

/// Returns the media types of a successful response. A list that supports CSV has a response 406.
fn media(operation: &Json) -> Vec<String> {
    let answers = operation["responses"].as_object().into_iter().flatten();
    let good = answers.filter(|(status, _)| status.starts_with('2'));
    let named = good.flat_map(|(_, answer)| answer["content"].as_object().into_iter().flatten());
    let csv = operation["responses"]["406"].is_object().then(|| CSV.to_owned());
    named.map(|(media, _)| media.clone()).chain(csv).collect()
}

/// Checks whether a range of an `Accept` header includes a media type (RFC 9110, 12.5.1).
fn takes(accept: &str, media: &str) -> bool {
    let group = media.split('/').next().unwrap_or_default();
    accept.split(',').any(|range| {
        let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
        let name = parts.next().unwrap_or_default();
        let refused = parts.any(|part| part.strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0)));
        let holds = name.is_empty() || name == "*/*" || name == media || name.strip_suffix("/*") == Some(group);
        holds && !refused
    })
}

/// Returns the members of the records of each resource.
fn members(document: &Json) -> HashMap<Kind, Vec<SchemaField>> {
    let schemas = &document["components"]["schemas"];
    let of = |(kind, name): (Kind, &str)| {
        let (create, update) = (&schemas[creation(name)], &schemas[format!("{}Update", plain(name))]);
        let shown = schemas[name]["properties"].as_object().into_iter().flatten();
        let shown = shown.filter(|(member, _)| !matches!(member.as_str(), "custom_fields" | INCLUDED));
        (kind, shown.map(|(member, shown)| member_of(schemas, member, shown, create, update)).collect())
    };
    resource::all().filter_map(|resource| Some((resource.kind?, resource.described?.1))).map(of).collect()
}

/// Returns the name without its prefix: the create body of `CrmTask` is `TaskCreate`.
fn plain(name: &str) -> &str {
    name.trim_start_matches("Crm")
}

fn creation(name: &str) -> String {
    format!("{}Create", plain(name))
}

fn member_of(schemas: &Json, name: &str, shown: &Json, create: &Json, update: &Json) -> SchemaField {
    let types = shown["type"].as_array();
    let of_two = shown["oneOf"].as_array();
    let null = |option: &Json| option["type"] == "null";
    let nullable = types.is_some_and(|t| t.contains(&json!("null"))) || of_two.is_some_and(|o| o.iter().any(null));
    let choices = named(shown).map(|inner| &schemas[&inner]["enum"]).and_then(Json::as_array);
    let text = |json: &Json| json.as_str().map(str::to_owned);
    let given = &create["properties"][name];
    SchemaField {
        name: name.to_owned(),
        member: name.to_owned(),
        description: text(&shown["description"]),
        r#type: type_of(shown, choices.is_some()).into(),
        nullable,
        choices: choices.into_iter().flatten().filter_map(text).collect(),
        required: create["required"].as_array().is_some_and(|required| required.contains(&json!(name))),
        on_create: !given.is_null(),
        on_update: !update["properties"][name].is_null(),
        max_length: given["maxLength"].as_i64().and_then(|length| i32::try_from(length).ok()),
        ..SchemaField::default()
    }
}

/// Returns the type of a member as in `SchemaField`.
fn type_of(schema: &Json, chosen: bool) -> &'static str {
    let first = schema["type"].as_array().and_then(|types| types.iter().find(|t| *t != "null"));
    let kind = first.or(Some(&schema["type"])).and_then(Json::as_str).unwrap_or_default();
    match (kind, schema["format"].as_str().unwrap_or_default()) {
        ("string", "uuid") => "uuid",
        ("string", "date") => "date",
        ("string", "date-time") => "instant",
        ("string", _) => "text",
        ("integer", _) => "integer",
        ("number", _) => "number",
        ("boolean", _) => "boolean",
        ("array", _) if schema["items"]["type"] == "string" => "words",
        ("array", _) => "list",
        _ if chosen => "text",
        _ if named(schema).as_deref() == Some("Money") => "money",
        _ => "object",
    }
}

fn pretty(document: &Json) -> String {
    let mut text = serde_json::to_string_pretty(&sorted(document)).unwrap_or_default();
    text.push('\n');
    text
}

/// Returns the value with the members of all objects sorted by name.
fn sorted(value: &Json) -> Json {
    match value {
        Json::Object(members) => {
            let ordered: BTreeMap<&String, &Json> = members.iter().collect();
            Json::Object(ordered.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect())
        }
        Json::Array(list) => list.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

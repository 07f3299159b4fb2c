//! The OpenAPI document: collected by utoipa from the operations, completed, and written in two versions.
#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member it lacks, and takes a new one")]
use crate::http::complete::complete;
use crate::http::{app, openapi30};
use crate::kernel::error::{Bad, ProblemBody};
use actix_web::{App, HttpResponse, web};
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};
use utoipa::OpenApi;
use utoipa_actix_web::{AppExt, scope};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Voronka",
        description = "Lead management and customer relations: contacts, leads, deals, tasks and the reports over them.\n\n\
            Send `Authorization: Bearer <token>` with an access token from `/auth/login` or an API key. Lists are paged by \
            `cursor`; every list takes the same filters (`field`, `field__ne`, `field__gte`, …), `sort` and `include`. \
            Errors are `application/problem+json` (RFC 9457) with a stable `code`. Changes answer an `ETag`; send it back as \
            `If-Match` to be told when somebody else was faster. Every POST takes an `Idempotency-Key`. Amounts are integers \
            in the minor unit of their currency.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    servers((url = "/", description = "This server")),
    components(schemas(ProblemBody, Bad))
)]
struct Collected;

/// The finished document, in both versions, and its paths for the layers.
#[derive(Debug)]
pub struct Document {
    v31: web::Bytes,
    v30: web::Bytes,
    paths: Vec<Path>,
    shapes: Shapes,
}

/// By schema: its members that are made of other schemas.
pub type Shapes = HashMap<String, Vec<(String, String)>>;

#[derive(Debug)]
struct Path {
    parts: Vec<String>,
    methods: Vec<Method>,
}

#[derive(Debug)]
struct Method {
    name: String,
    /// Whether it takes parameters in the query string.
    asks: bool,
    /// The schema of the JSON it answers.
    answers: Option<String>,
}

impl Path {
    fn new(path: &str, item: &Json) -> Path {
        let in_query =
            |operation: &Json| operation["parameters"].as_array().into_iter().flatten().any(|p| p["in"] == "query");
        let method = |(name, operation): (&String, &Json)| Method {
            name: name.to_uppercase(),
            asks: in_query(operation),
            answers: success(operation),
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
    /// Builds it on a thread of its own: the allocator gives back what the work took when the thread ends.
    pub fn build() -> Document {
        std::thread::spawn(Document::make).join().unwrap_or_else(|cause| std::panic::resume_unwind(cause))
    }

    fn make() -> Document {
        let (_, collected) = App::new()
            .into_utoipa_app()
            .openapi(Collected::openapi())
            .service(scope("/api/v1").configure(app::operations))
            .split_for_parts();
        let mut document = serde_json::to_value(&collected).unwrap_or_default();
        complete(&mut document);
        let paths =
            document["paths"].as_object().into_iter().flatten().map(|(path, item)| Path::new(path, item)).collect();
        let shapes = shapes(&document);
        let text = |document: &Json| web::Bytes::from(pretty(document));
        Document { v31: text(&document), v30: text(&openapi30::down_convert(&document)), paths, shapes }
    }

    /// The document as it is committed and served: sorted keys, two spaces, a newline at the end.
    pub fn text(&self) -> &[u8] {
        &self.v31
    }

    pub fn text30(&self) -> &[u8] {
        &self.v30
    }

    /// A path without variables is meant before one with: /workspaces/current, not /workspaces/{id}.
    fn path(&self, path: &str) -> Option<&Path> {
        let asked: Vec<&str> = path.split('/').collect();
        self.paths.iter().filter(|known| known.fits(&asked)).min_by_key(|known| known.variables())
    }

    /// The methods of a path, if it is one of ours.
    pub fn methods(&self, path: &str) -> Vec<&str> {
        self.path(path).map(|known| known.methods.iter().map(|m| m.name.as_str()).collect()).unwrap_or_default()
    }

    fn method(&self, method: &str, path: &str) -> Option<&Method> {
        self.path(path)?.methods.iter().find(|known| known.name == method)
    }

    /// Whether an operation takes no parameters in the query string.
    pub fn takes_no_query(&self, method: &str, path: &str) -> bool {
        self.method(method, path).is_some_and(|known| !known.asks)
    }

    /// The schema of the JSON that an operation answers.
    pub fn answers(&self, method: &str, path: &str) -> Option<&str> {
        self.method(method, path)?.answers.as_deref()
    }

    pub fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    pub fn service(&self, config: &mut web::ServiceConfig) {
        for (path, text) in [("/openapi.json", &self.v31), ("/openapi-3.0.json", &self.v30)] {
            let text = text.clone();
            config.route(
                path,
                web::get().to(move || {
                    let answer = HttpResponse::Ok().content_type("application/json").body(text.clone());
                    async move { answer }
                }),
            );
        }
        config.service(web::redirect("/docs", "/docs/"));
        let ui = utoipa_swagger_ui::Config::from("/openapi.json").try_it_out_enabled(true).persist_authorization(true);
        config.service(utoipa_swagger_ui::SwaggerUi::new("/docs/{_:.*}").config(ui));
    }
}

/// The last part of a `$ref`, here or in the items of a list or one of two choices.
fn named(schema: &Json) -> Option<String> {
    let of = |schema: &Json| schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()).map(str::to_owned);
    let choice = || schema["oneOf"].as_array().into_iter().flatten().find_map(of);
    of(schema).or_else(|| of(&schema["items"])).or_else(choice)
}

fn success(operation: &Json) -> Option<String> {
    let answers = operation["responses"].as_object()?;
    let good = answers.iter().find(|(status, _)| status.starts_with('2'))?.1;
    named(&good["content"]["application/json"]["schema"])
}

fn shapes(document: &Json) -> Shapes {
    let members = |schema: &Json| {
        let all = schema["properties"].as_object().into_iter().flatten();
        all.filter_map(|(member, inner)| Some((member.clone(), named(inner)?))).collect()
    };
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
    schemas.map(|(name, schema)| (name.clone(), members(schema))).collect()
}

fn pretty(document: &Json) -> String {
    let mut text = serde_json::to_string_pretty(&sorted(document)).unwrap_or_default();
    text.push('\n');
    text
}

/// The same value with the members of every object in the order of their names.
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

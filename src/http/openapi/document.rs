//! The finished OpenAPI document: its text in two versions, and what the middleware asks it about a request.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value returns null for an absent member, or adds it")]
use crate::http::openapi::members::{self, SchemaField};
use crate::http::openapi::{collection, openapi30};
use crate::kernel::answers::reply::{JSON, PNG, SVG, XLSX};
use crate::kernel::fields::kind::Kind;
use actix_web::web;
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};

/// The finished document in both versions, and its paths for the middleware.
#[derive(Debug)]
pub struct Document {
    pub(in crate::http) v31: web::Bytes,
    pub(in crate::http) v30: web::Bytes,
    paths: Vec<Path>,
    members: HashMap<Kind, Vec<SchemaField>>,
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
    /// Writes a complete document in both versions.
    pub(in crate::http) fn of(document: &Json) -> Document {
        let paths =
            document["paths"].as_object().into_iter().flatten().map(|(path, item)| Path::new(path, item)).collect();
        let text = |document: &Json| web::Bytes::from(pretty(document));
        let members = members::of(document);
        Document { v31: text(document), v30: text(&openapi30::down_convert(document)), paths, members }
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
        let known = |media: &String| FORMATS.contains(&media.as_str());
        !given.iter().any(|media| media == JSON)
            || !given.iter().all(known)
            || given.iter().any(|one| takes(accept, one))
    }

    /// Returns the members of the records of a resource.
    pub fn members(&self, kind: Kind) -> &[SchemaField] {
        self.members.get(&kind).map_or(&[], Vec::as_slice)
    }
}

const CSV: &str = "text/csv";
/// The media types between which `Accept` chooses.
const FORMATS: [&str; 5] = [JSON, CSV, XLSX, SVG, PNG];

/// Returns the media types of a successful response. An operation with a response 406 chooses its format itself: lists
/// and reports, whose files the document does not list.
fn media(operation: &Json) -> Vec<String> {
    let answers = operation["responses"].as_object().into_iter().flatten();
    let good = answers.filter(|(status, _)| status.starts_with('2'));
    let named = good.flat_map(|(_, answer)| answer["content"].as_object().into_iter().flatten());
    let chooses = operation["responses"]["406"].is_object();
    let files = FORMATS.iter().filter(|format| chooses && **format != JSON).map(|format| (*format).to_owned());
    named.map(|(media, _)| media.clone()).chain(files).collect()
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

/// Returns the text of a document: sorted keys, two spaces, a newline at the end.
pub(in crate::http) fn pretty(document: &Json) -> String {
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

//! Checks bodies against their schemas in the OpenAPI document, and reports all errors at once. Also normalises bodies:
//! trims texts (NFC), turns 3.0 into an integer and an empty text into null, and treats null as in docs/api-rules.md.
use crate::kernel::bodies::merge_patch;
use crate::kernel::error::{ERRORS_MAX, Error, FieldCode, FieldError, Result, escape, length, not_known};
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::address::{self, is_email, is_web_url, tidied};
use crate::kernel::values::choice::choices_of;
use crate::kernel::values::money;
use crate::kernel::values::phones::is_country;
use crate::kernel::values::time::{DateTime, parse_date};
use regex::Regex;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value as Json};
use std::any::TypeId;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;
use uuid::Uuid;

/// The compiled schema of one body type.
#[derive(Debug)]
pub struct Shape {
    pub(in crate::kernel) root: Node,
    pub(in crate::kernel) named: HashMap<String, Node>,
}

#[derive(Debug)]
pub(in crate::kernel) enum Node {
    Ref(String),
    Object {
        properties: Vec<(String, Node)>,
        required: Vec<String>,
        nullable: bool,
        /// Whether this is the schema of an update of a record.
        patch: bool,
    },
    /// An object with any member names, whose values have one schema.
    Map(Box<Node>),
    Array {
        items: Box<Node>,
        min: Option<u64>,
        max: Option<u64>,
        nullable: bool,
    },
    Text {
        format: Option<String>,
        min: Option<u64>,
        max: Option<u64>,
        choices: Vec<String>,
        pattern: Option<Regex>,
        nullable: bool,
    },
    Int {
        min: Option<i64>,
        max: Option<i64>,
        nullable: bool,
    },
    Number {
        min: Option<i64>,
        max: Option<i64>,
        nullable: bool,
    },
    Bool {
        nullable: bool,
    },
    Nullable(Box<Node>),
    Any,
}

/// The limit of texts whose schema has none.
const TEXT_MAX: u64 = 10_000;
const ARRAY_MAX: u64 = 1_000;

type Shapes = RwLock<HashMap<TypeId, Arc<Shape>>>;
static SHAPES: LazyLock<Shapes> = LazyLock::new(Shapes::default);

impl Shape {
    pub fn of<T: ToSchema + 'static>() -> Arc<Shape> {
        let id = TypeId::of::<T>();
        if let Some(known) = SHAPES.read().ok().and_then(|shapes| shapes.get(&id).cloned()) {
            return known;
        }
        let shape = Arc::new(Shape::build::<T>());
        if let Ok(mut shapes) = SHAPES.write() {
            shapes.insert(id, Arc::clone(&shape));
        }
        shape
    }

    fn build<T: ToSchema>() -> Shape {
        let mut schemas = Vec::new();
        T::schemas(&mut schemas);
        let json = |schema| serde_json::to_value(schema).unwrap_or_default();
        let named = schemas.into_iter().map(|(name, schema)| {
            let compiled = node(&name, &json(schema));
            (name, compiled)
        });
        Shape { named: named.collect(), root: node(&T::name(), &json(T::schema())) }
    }

    /// Checks and normalises a body in place.
    pub fn check(&self, body: &mut Json) -> Result<()> {
        let mut bad = Vec::new();
        self.walk(&self.root, body, &mut String::new(), &mut bad);
        if bad.is_empty() { Ok(()) } else { Err(Error::members(bad)) }
    }

    fn walk(&self, node: &Node, value: &mut Json, at: &mut String, bad: &mut Vec<FieldError>) {
        match (node, value) {
            (Node::Ref(name), value) => {
                if let Some(node) = self.named.get(name) {
                    self.walk(node, value, at, bad);
                }
            }
            (Node::Nullable(inner), value) => {
                if !value.is_null() {
                    self.walk(inner, value, at, bad);
                }
            }
            (node, Json::Null) if node.nullable() => {}
            (_, Json::Null) => bad.push(FieldError::member(at.as_str(), FieldCode::NullNotAllowed, "must not be null")),
            (Node::Object { properties, required, patch, .. }, Json::Object(members)) => {
                let clearable = properties.iter().filter(|(_, node)| node.nullable()).count();
                if !*patch {
                    drop_nulls(members, properties, required);
                } else if clearable > 0 {
                    merge_patch::expand(members, clearable, at, bad);
                }
                self.object(properties, required, members, at, bad);
            }
            (Node::Map(inner), Json::Object(members)) => {
                for (name, value) in members.iter_mut() {
                    self.step(inner, value, at, name, bad);
                }
            }
            (Node::Array { items, min, max, .. }, Json::Array(list)) => {
                bad.extend(
                    length(list.len(), *min, max.or(Some(ARRAY_MAX)), "item").map(|wrong| wrong.at_member(at.as_str())),
                );
                for (n, value) in list.iter_mut().enumerate() {
                    self.step(items, value, at, &n.to_string(), bad);
                }
            }
            (Node::Text { format, min, max, choices, pattern, .. }, Json::String(text)) => {
                if format.as_deref() == Some("email") {
                    *text = address::visible(text);
                } else if format.as_deref() != Some("password") {
                    *text =
                        if max.is_some_and(|max| max <= NAME_MAX) { tidied(text) } else { text.trim().nfc().collect() };
                }
                let limit = (*min, max.or(Some(TEXT_MAX)));
                let wrong = check_text(text, format.as_deref(), limit, choices).err();
                let unlike = pattern.as_ref().filter(|pattern| !pattern.is_match(text));
                let unlike =
                    unlike.map(|pattern| FieldError::new(FieldCode::InvalidFormat, format!("must match {pattern}")));
                bad.extend(wrong.or(unlike).map(|wrong| wrong.at_member(at.as_str())));
            }
            (Node::Int { min, max, .. }, Json::Number(number)) => match as_integer(number) {
                Some(n) if min.is_none_or(|min| n >= min) && max.is_none_or(|max| n <= max) => {}
                None if number.is_f64() => bad.push(FieldError::invalid_type("an integer").at_member(at.as_str())),
                _ => bad.push(FieldError::out_of_range(*min, *max).at_member(at.as_str())),
            },
            (Node::Number { min, max, .. }, Json::Number(number)) => {
                let beyond = |bound: &Option<i64>, order| {
                    let bound = bound.and_then(|bound| bound.to_string().parse::<f64>().ok());
                    bound.zip(number.as_f64()).is_some_and(|(bound, n)| n.partial_cmp(&bound) == Some(order))
                };
                if beyond(min, Ordering::Less) || beyond(max, Ordering::Greater) {
                    bad.push(FieldError::out_of_range(*min, *max).at_member(at.as_str()));
                }
            }
            (Node::Bool { .. }, Json::Bool(_)) | (Node::Any, _) => {}
            (node, _) => bad.push(FieldError::invalid_type(node.noun()).at_member(at.as_str())),
        }
    }

    fn object(
        &self,
        properties: &[(String, Node)],
        required: &[String],
        members: &mut Map<String, Json>,
        at: &mut String,
        bad: &mut Vec<FieldError>,
    ) {
        let earlier = bad.len();
        for (name, value) in members.iter_mut() {
            match properties.iter().find(|(known, _)| known == name) {
                Some((_, node)) => {
                    if node.takes_empty_as_null() && value.as_str().is_some_and(|text| tidied(text).is_empty()) {
                        *value = Json::Null;
                    }
                    self.step(node, value, at, name, bad);
                }
                None if bad.len() >= ERRORS_MAX => {}
                None => {
                    let detail = not_known(name, properties.iter().map(|(n, _)| n.as_str()));
                    bad.push(FieldError::member(format!("{at}/{}", escape(name)), FieldCode::UnknownMember, detail));
                }
            }
        }
        for name in required.iter().filter(|name| !members.contains_key(*name)) {
            bad.push(FieldError::member(format!("{at}/{}", escape(name)), FieldCode::Required, "is required"));
        }
        // In a list of custom fields, the key identifies the value better than its index.
        let own = at.rsplit('/').nth(1) == Some("custom_fields");
        if let Some(key) = members.get("key").and_then(Json::as_str).filter(|_| own) {
            bad.iter_mut().skip(earlier).for_each(|bad| bad.params.key = Some(key.to_owned()));
        }
    }

    fn step(&self, node: &Node, value: &mut Json, at: &mut String, name: &str, bad: &mut Vec<FieldError>) {
        let length = at.len();
        at.push('/');
        at.push_str(&escape(name));
        self.walk(node, value, at, bad);
        at.truncate(length);
    }
}

/// The type of value that a member takes from a spreadsheet cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    Text,
    Int,
    Bool,
    Date,
    Time,
    Money,
    Words,
    Reference,
}

impl Node {
    pub(in crate::kernel) fn nullable(&self) -> bool {
        match self {
            Node::Object { nullable, .. }
            | Node::Array { nullable, .. }
            | Node::Text { nullable, .. }
            | Node::Int { nullable, .. }
            | Node::Number { nullable, .. }
            | Node::Bool { nullable } => *nullable,
            Node::Any | Node::Nullable(_) => true,
            Node::Ref(_) | Node::Map(_) => false,
        }
    }

    /// Checks whether an empty text means null: forms send one for an empty input. Values that are not plain text, such
    /// as dates, must be omitted instead.
    fn takes_empty_as_null(&self) -> bool {
        match self {
            Node::Text { format, choices, nullable: true, .. } => {
                choices.is_empty() && !matches!(format.as_deref(), Some("uuid" | "date" | "date-time" | "password"))
            }
            _ => false,
        }
    }

    fn noun(&self) -> &'static str {
        match self {
            Node::Object { .. } | Node::Map(_) => "an object",
            Node::Array { .. } => "an array",
            Node::Text { .. } => "a string",
            Node::Int { .. } => "an integer",
            Node::Number { .. } => "a number",
            Node::Bool { .. } => "true or false",
            Node::Ref(_) | Node::Nullable(_) | Node::Any => "another value",
        }
    }
}

/// Removes nulls from the body of a creation, where null means absent: some generated clients send null for every unset
/// member.
fn drop_nulls(members: &mut Map<String, Json>, properties: &[(String, Node)], required: &[String]) {
    let optional = |name: &str| {
        let known = properties.iter().any(|(known, node)| known == name && !node.nullable());
        known && !required.iter().any(|required| required == name)
    };
    members.retain(|name, value| !(value.is_null() && optional(name)));
}

/// Converts 3.0 to an integer: JSON Schema considers it one, and some languages write integers that way.
fn as_integer(number: &mut Number) -> Option<i64> {
    if let Some(whole) = number.as_f64().filter(|n| number.is_f64() && n.abs() < EXACT).and_then(float_as_int) {
        *number = whole.into();
    }
    number.as_i64()
}

/// Below 2^53, a float without a fraction represents exactly one integer.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Checks whether a schema describes an update of a record, in which null clears a nullable member.
pub fn is_patch(name: &str) -> bool {
    name.ends_with("Update") && !name.ends_with("BatchUpdate") && !name.ends_with("BulkUpdate")
}

/// Compiles one schema as utoipa generates it.
fn node(name: &str, schema: &Json) -> Node {
    if let Some(name) = schema.get("$ref").and_then(Json::as_str) {
        return Node::Ref(name.rsplit('/').next().unwrap_or_default().to_owned());
    }
    if let Some(options) = schema.get("oneOf").and_then(Json::as_array) {
        let is_null = |s: &&Json| s.get("type").and_then(Json::as_str) == Some("null");
        let inner = options.iter().find(|s| !is_null(s)).map_or(Node::Any, |schema| node("", schema));
        return if options.iter().any(|s| is_null(&s)) { Node::Nullable(Box::new(inner)) } else { inner };
    }
    let types: Vec<&str> = match schema.get("type") {
        Some(Json::String(one)) => vec![one],
        Some(Json::Array(many)) => many.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    };
    let nullable = types.contains(&"null");
    let count = |name: &str| schema.get(name).and_then(Json::as_u64);
    let number = |name: &str| schema.get(name).and_then(|n| n.as_i64().or_else(|| float_as_int(n.as_f64()?)));
    match types.iter().find(|t| **t != "null").copied() {
        Some("object") => {
            match (schema.get("properties").and_then(Json::as_object), schema.get("additionalProperties")) {
                (None, Some(values)) if values.is_object() => Node::Map(Box::new(node("", values))),
                // Another schema checks the content.
                (None, Some(Json::Bool(true))) => Node::Map(Box::new(Node::Any)),
                (properties, _) => Node::Object {
                    properties: properties.into_iter().flatten().map(|(name, s)| (name.clone(), node("", s))).collect(),
                    required: texts(schema.get("required")),
                    nullable,
                    patch: is_patch(name),
                },
            }
        }
        Some("array") => Node::Array {
            items: Box::new(schema.get("items").map_or(Node::Any, |items| node("", items))),
            min: count("minItems"),
            max: count("maxItems"),
            nullable,
        },
        Some("string") => {
            let pattern = schema.get("pattern").and_then(Json::as_str);
            let listed = pattern.and_then(choices_of);
            Node::Text {
                format: schema.get("format").and_then(Json::as_str).map(str::to_owned),
                min: count("minLength"),
                max: count("maxLength"),
                choices: listed.unwrap_or_else(|| texts(schema.get("enum"))),
                pattern: pattern.and_then(|pattern| Regex::new(pattern).ok()),
                nullable,
            }
        }
        Some("integer") => {
            let narrow = schema.get("format").and_then(Json::as_str) == Some("int32");
            let bounds = if narrow { (Some(i32::MIN.into()), Some(i32::MAX.into())) } else { (None, None) };
            Node::Int { min: number("minimum").or(bounds.0), max: number("maximum").or(bounds.1), nullable }
        }
        Some("number") => Node::Number { min: number("minimum"), max: number("maximum"), nullable },
        Some("boolean") => Node::Bool { nullable },
        _ => Node::Any,
    }
}

#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "bounds are whole and below 2^53")]
fn float_as_int(number: f64) -> Option<i64> {
    (number.fract() == 0.0).then_some(number as i64)
}

fn texts(list: Option<&Json>) -> Vec<String> {
    list.and_then(Json::as_array).into_iter().flatten().filter_map(|t| t.as_str().map(str::to_owned)).collect()
}

/// Texts up to this length are names, titles and keys, from which invisible characters are removed.
const NAME_MAX: u64 = 300;

type Limits = (Option<u64>, Option<u64>);

/// Texts whose limit is at most this are names or titles and must not contain line breaks.
pub const LINE_MAX: u64 = 200;

/// Checks one text. `format` is the format in the schema.
fn check_text(text: &str, format: Option<&str>, (min, max): Limits, choices: &[String]) -> Result<(), FieldError> {
    let one_line = max.is_some_and(|max| max <= LINE_MAX);
    if text.chars().any(|c| c.is_control() && (one_line || !matches!(c, '\n' | '\t' | '\r'))) {
        return Err(FieldError::new(FieldCode::InvalidCharacter, "must not contain control characters"));
    }
    if let Some(wrong) = length(text.chars().count(), min, max, "character") {
        return Err(wrong);
    }
    if !choices.is_empty() && !choices.iter().any(|c| c == text) {
        return Err(FieldError::not_among(choices));
    }
    let (fits, what) = match format {
        Some("uuid") => (text.len() == 36 && text.parse::<Uuid>().is_ok(), "must be a UUID"),
        Some("date") => (parse_date(text).is_some(), "must be a date such as 2026-01-31"),
        Some("date-time") => (
            text.parse::<DateTime>().is_ok(),
            "must be an RFC 3339 instant with an offset, such as 2026-01-31T09:00:00Z",
        ),
        Some("email") => (is_email(text), "must be an e-mail address such as ann@example.com"),
        Some("currency") => (money::is_currency(text), "must be an ISO 4217 code such as EUR"),
        Some("time-zone") => {
            (text.parse::<chrono_tz::Tz>().is_ok(), "must be an IANA time zone such as Europe/Tallinn")
        }
        Some("web-url") => (is_web_url(text), "must be an http or https URL"),
        Some("country") => (is_country(text), "must be an ISO 3166 country code of two letters, such as EE"),
        _ => (true, ""),
    };
    if fits { Ok(()) } else { Err(FieldError::new(FieldCode::InvalidFormat, what)) }
}

/// Rules that a schema cannot express, such as "one of these two members".
pub trait Rules {
    fn rules(&self, _bad: &mut Vec<FieldError>) {}

    /// Returns the schema of the response to an update, whose read-only members may be sent back unchanged.
    fn response_shape() -> Option<Arc<Shape>> {
        None
    }

    /// Returns the kind of the updated record.
    fn changed_kind() -> Option<Kind> {
        None
    }

    /// Returns pairs of a derived member and its source; the derived member may be sent back together with the source.
    fn derived_members() -> &'static [(&'static str, &'static str)] {
        &[]
    }
}

/// Checks and deserializes a body that has been parsed as JSON.
pub fn read<T: DeserializeOwned + ToSchema + Rules + 'static>(mut body: Json) -> Result<T> {
    Shape::of::<T>().check(&mut body)?;
    typed(body)
}

/// Deserializes a body that its schema has accepted, and checks the rules of the type.
pub fn typed<T: DeserializeOwned + Rules>(body: Json) -> Result<T> {
    let value: T = serde_path_to_error::deserialize(body).map_err(|error| {
        let path = error.path().to_string().replace('.', "/");
        Error::member(format!("/{path}"), FieldCode::Invalid, error.inner().to_string())
    })?;
    let mut bad = Vec::new();
    value.rules(&mut bad);
    if bad.is_empty() { Ok(value) } else { Err(Error::members(bad)) }
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;

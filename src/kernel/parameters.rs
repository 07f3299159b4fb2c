//! The query parameters of the OpenAPI document, derived from the registry: the document cannot lie about what a list takes.
use crate::kernel::asked::{ASKS, Ask, CUSTOM, LIMIT_DEFAULT, LIMIT_MAX, Q_MAX, applies};
use crate::kernel::custom::CARRIERS;
use crate::kernel::field::{Fields, Kind};
use crate::kernel::kind::Kind as RecordKind;
use crate::kernel::query::FILES;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Required};

/// A user, or the caller.
const USER: &str = "^(me|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$";

impl<T> Fields<T> {
    /// The parameters of the filters alone, for lists and reports.
    pub fn filters(&self) -> Vec<Parameter> {
        let mut list = Vec::new();
        for field in self.all {
            for (suffix, ask, meaning) in ASKS.iter().filter(|a| applies(a.1, &field.into())) {
                let mut one = if *ask == Ask::Empty { schema(Kind::Bool) } else { schema(field.kind) };
                let me = field.refers == Some(RecordKind::User) && matches!(ask, Ask::AnyOf | Ask::NoneOf);
                if me {
                    one = ObjectBuilder::new().schema_type(Type::String).pattern(Some(USER));
                }
                if !field.choices.is_empty() && *ask != Ask::Empty {
                    one = one.pattern(Some(format!("^({})$", field.choices.join("|"))));
                }
                let many = matches!(ask, Ask::AnyOf | Ask::NoneOf | Ask::AllOf).then_some(false);
                let me = if me { " `me` is the caller." } else { "" };
                list.push(parameter(
                    format!("{}{suffix}", field.name),
                    format!("`{}` {meaning}.{me}", field.name),
                    one,
                    many,
                ));
            }
        }
        for link in self.links {
            let meaning = format!("`{}` is linked to it.", link.name.trim_end_matches("_id"));
            list.push(parameter(link.name.into(), meaning, schema(Kind::Uuid), Some(false)));
        }
        if CARRIERS.contains(&self.kind) {
            let meaning = "A field of your own as `key:operator:value`, such as `region:eq:north`; repeat it for more.";
            let one = schema(Kind::Text).pattern(Some("^[a-z][a-z0-9_]*:[a-z_]+:[^\\u0000]*$")).max_length(Some(1000));
            list.push(parameter(CUSTOM.into(), meaning.into(), one, Some(true)));
        }
        if self.search.is_some() {
            let q = schema(Kind::Text).max_length(Some(Q_MAX));
            list.push(parameter(
                "q".into(),
                "Words that must all occur, twelve different ones at most; accents and case do not matter.".into(),
                q,
                None,
            ));
        }
        list
    }

    /// The parameters of a list in the OpenAPI document: derived, so that the document cannot lie.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut list = self.filters();
        let names = self.all.iter().filter(|f| f.sortable()).map(|f| f.name).collect::<Vec<_>>().join("|");
        let own = if CARRIERS.contains(&self.kind) { "|cf\\.[a-z][a-z0-9_]*" } else { "" };
        let sort = schema(Kind::Text)
            .pattern(Some(format!("^-?({names}{own})(,-?({names}{own}))*$")))
            .default(Some(self.default_sort.into()));
        #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "500 is exact")]
        let limit = schema(Kind::Int)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(1))
            .maximum(Some(LIMIT_MAX as f64))
            .default(Some(LIMIT_DEFAULT.into()));
        let mut add =
            |name: &str, meaning: &str, one, many| list.push(parameter(name.into(), meaning.into(), one, many));
        add("sort", "Keys of the order; `-` means descending. Empty values come last.", sort, None);
        add("limit", "Records per page.", limit, None);
        add("cursor", "`page.next_cursor` of the page before.", schema(Kind::Text), None);
        add("include_total", "Count the matching records, up to 10,000.", schema(Kind::Bool), None);
        let includes = self.includes().map(|(name, _)| name).collect::<Vec<_>>().join("|");
        if !includes.is_empty() {
            let one = schema(Kind::Text).pattern(Some(format!("^({includes})$")));
            add("include", "Records to add to `included`.", one, Some(false));
        }
        if FILES.contains(&self.kind) {
            let meaning = "Of a file (`Accept: text/csv`): its columns, in this order; all of them if absent.";
            let one = schema(Kind::Text).pattern(Some("^[a-z][a-z0-9_.]*$"));
            add("columns", meaning, one, Some(false));
        }
        list.extend(self.deleted_parameters());
        list
    }
}

/// `many`: an array, repeated (`true`) or separated by commas (`false`).
pub fn parameter(name: String, meaning: String, one: ObjectBuilder, many: Option<bool>) -> Parameter {
    let schema = match many {
        Some(_) => {
            Schema::Array(ArrayBuilder::new().min_items(Some(1)).items(RefOr::T(Schema::Object(one.build()))).build())
        }
        None => Schema::Object(one.build()),
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(meaning))
        .style(many.map(|_| ParameterStyle::Form))
        .explode(many)
        .schema(Some(schema))
        .build()
}

pub fn schema(kind: Kind) -> ObjectBuilder {
    let (schema_type, format) = match kind {
        Kind::Text | Kind::Words => (Type::String, None),
        Kind::Uuid => (Type::String, Some(KnownFormat::Uuid)),
        Kind::Time => (Type::String, Some(KnownFormat::DateTime)),
        Kind::Date => (Type::String, Some(KnownFormat::Date)),
        Kind::Int => (Type::Integer, Some(KnownFormat::Int64)),
        Kind::Number => (Type::Number, Some(KnownFormat::Double)),
        Kind::Bool => (Type::Boolean, None),
    };
    ObjectBuilder::new().schema_type(schema_type).format(format.map(SchemaFormat::KnownFormat))
}

/// Names a zero-size type whose `utoipa::IntoParams` is the registry: `#[utoipa::path(params(ContactList))]`.
#[macro_export]
macro_rules! list_params {
    ($name:ident, $parameters:expr) => {
        #[derive(Debug)]
        pub struct $name;
        impl utoipa::IntoParams for $name {
            fn into_params(
                _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
            ) -> Vec<utoipa::openapi::path::Parameter> {
                $parameters
            }
        }
    };
}

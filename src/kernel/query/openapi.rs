//! The query parameters of lists in the OpenAPI document, derived from the fields of the resource.
use crate::kernel::access::resource;
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::derived::DerivedBy;
use crate::kernel::query::fields::{Fields, Link, LinkedBy};
use crate::kernel::query::params::{CUSTOM, Comparison, LIMIT_DEFAULT, LIMIT_MAX, OPERATORS, Q_MAX, RELATED, applies};
use crate::kernel::query::soft_delete::{INCLUDE, ONLY};
use crate::kernel::values::text_format::TextFormat;
use crate::kernel::values::value_type::ValueType;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Required};

/// The pattern of a user id or `me`.
const USER: &str = "^(me|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$";

impl<T> Fields<T> {
    /// Returns the parameters of the filters, for lists and reports.
    pub fn filters(&'static self) -> Vec<Parameter> {
        let mut list = Vec::new();
        for field in self.filterable() {
            let choices = field.choices.list();
            for (suffix, comparison, meaning) in OPERATORS.iter().filter(|a| applies(a.1, &field.into())) {
                let mut one =
                    if *comparison == Comparison::Empty { schema(ValueType::Bool) } else { schema(field.value_type) };
                let me =
                    field.refers == Some(Kind::USER) && matches!(comparison, Comparison::AnyOf | Comparison::NoneOf);
                if me {
                    one = ObjectBuilder::new().schema_type(Type::String).pattern(Some(USER));
                }
                if field.text_format == TextFormat::Currency
                    && matches!(comparison, Comparison::AnyOf | Comparison::NoneOf)
                {
                    let format = SchemaFormat::Custom("currency".into());
                    one = one.format(Some(format)).pattern(Some("^[A-Za-z]{3}$"));
                }
                if !choices.is_empty() && *comparison != Comparison::Empty {
                    one = one.enum_values(Some(choices.iter().copied()));
                }
                let many =
                    matches!(comparison, Comparison::AnyOf | Comparison::NoneOf | Comparison::AllOf).then_some(false);
                let me = if me { " `me` is the caller." } else { "" };
                let beside = match field.currency.filter(|_| *comparison != Comparison::Empty) {
                    Some(currency) => format!(" In the minor unit; requires `{currency}` with one value."),
                    None => String::new(),
                };
                list.push(parameter(
                    format!("{}{suffix}", field.name),
                    format!("`{}` {meaning}.{me}{beside}", field.name),
                    one,
                    many,
                ));
            }
        }
        for filter in self.derived {
            let mut one = schema(filter.value_type());
            if filter.value_type() == ValueType::Time {
                // A day or a relative instant is accepted too.
                one = schema(ValueType::Text);
            }
            let many = filter.takes_many().then_some(false);
            if let DerivedBy::Ids(..) = filter.by {
                one = one.pattern(Some(ID_OR_NONE));
            }
            if !filter.choices().is_empty() {
                one = one.enum_values(Some(filter.choices().iter().copied()));
            }
            list.push(parameter(filter.name.into(), filter.meaning.into(), one, many));
        }
        for link in self.links.iter().filter(|link| matches!(link.by, LinkedBy::Table(_) | LinkedBy::Seen(_))) {
            let meaning = format!("`{}` with this id is linked to the record.", link.name.trim_end_matches("_id"));
            list.push(parameter(link.name.into(), meaning, schema(ValueType::Uuid), Some(false)));
        }
        list.extend(self.related_parameter());
        if resource::of(self.kind).custom_fields {
            let meaning =
                "A condition on a custom field as `key:operator:value`, such as `region:eq:north`; may be repeated.";
            let one =
                schema(ValueType::Text).pattern(Some("^[a-z][a-z0-9_]*:[a-z_]+:[^\\u0000]*$")).max_length(Some(1000));
            list.push(parameter(CUSTOM.into(), meaning.into(), one, Some(true)));
        }
        if self.search.is_some() {
            let q = schema(ValueType::Text).max_length(Some(Q_MAX));
            list.push(parameter(
                "q".into(),
                "Words that must all occur, at most 12 different ones; case and accents are ignored.".into(),
                q,
                None,
            ));
        }
        list
    }

    /// Returns the parameter that also selects what belongs to a record through another one.
    fn related_parameter(&self) -> Option<Parameter> {
        let related = |link: &Link| match link.by {
            LinkedBy::Related { always, .. } => Some((link.name, always)),
            _ => None,
        };
        let links: Vec<(&str, bool)> = self.links.iter().filter_map(related).collect();
        let (_, always) = links.first()?;
        let names = links.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let meaning = format!(
            "With {names}: also what belongs to their leads and deals, to a company's contacts, and to a deal's leads."
        );
        Some(parameter(RELATED.into(), meaning, schema(ValueType::Bool).default(Some((*always).into())), None))
    }

    /// Returns all parameters of a list.
    pub fn parameters(&'static self) -> Vec<Parameter> {
        let mut list = self.filters();
        let names = self.all.iter().filter(|f| f.sortable()).map(|f| f.name).collect::<Vec<_>>().join("|");
        let own = if resource::of(self.kind).custom_fields { "|cf\\.[a-z][a-z0-9_]*" } else { "" };
        let sort = schema(ValueType::Text)
            .pattern(Some(format!("^-?({names}{own})(,-?({names}{own}))*$")))
            .default(Some(self.default_sort.into()));
        #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "500 is exact")]
        let limit = schema(ValueType::Int)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(1))
            .maximum(Some(LIMIT_MAX as f64))
            .default(Some(LIMIT_DEFAULT.into()));
        let mut add =
            |name: &str, meaning: &str, one, many| list.push(parameter(name.into(), meaning.into(), one, many));
        let amounts = self
            .all
            .iter()
            .filter_map(|field| Some(format!(" `{}` requires `{}` with one value.", field.name, field.currency?)));
        let order = format!("Sort keys; `-` means descending. Empty values sort last.{}", amounts.collect::<String>());
        add("sort", &order, sort, None);
        add("limit", "The number of records per page.", limit, None);
        add("cursor", "`page.next_cursor` of the previous page.", schema(ValueType::Text), None);
        add("include_total", "Whether to count the matching records, up to 10,000.", schema(ValueType::Bool), None);
        let includes: Vec<&str> = self.includes().map(|(name, _)| name).collect();
        if !includes.is_empty() {
            let one = schema(ValueType::Text).enum_values(Some(includes));
            add("include", "Records to add to `included`.", one, Some(false));
        }
        if resource::of(self.kind).csv {
            let meaning = "For a CSV file (`Accept: text/csv`), its columns in this order; by default all columns.";
            let one = schema(ValueType::Text).pattern(Some("^[a-z][a-z0-9_.]*$"));
            add("columns", meaning, one, Some(false));
        }
        list.extend(self.deleted_parameters());
        list
    }

    /// Returns the parameters for deleted records, if they can be listed.
    fn deleted_parameters(&self) -> Vec<Parameter> {
        if self.deleted_at().is_none() {
            return Vec::new();
        }
        let one = |name: &str, meaning: &str| parameter(name.into(), meaning.into(), schema(ValueType::Bool), None);
        vec![
            one(INCLUDE, "Also returns deleted records; requires the permission to delete."),
            one(ONLY, "Returns only deleted records; requires the permission to delete."),
        ]
    }
}

/// `many` describes an array, repeated (`true`) or separated by commas (`false`).
/// The pattern of an id, or `none`.
const ID_OR_NONE: &str = "^(none|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$";

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

pub fn schema(value_type: ValueType) -> ObjectBuilder {
    let (schema_type, format) = match value_type {
        ValueType::Text | ValueType::TextArray => (Type::String, None),
        ValueType::Uuid => (Type::String, Some(KnownFormat::Uuid)),
        ValueType::Time => (Type::String, Some(KnownFormat::DateTime)),
        ValueType::Date => (Type::String, Some(KnownFormat::Date)),
        ValueType::Int => (Type::Integer, Some(KnownFormat::Int64)),
        ValueType::Number => (Type::Number, Some(KnownFormat::Double)),
        ValueType::Bool => (Type::Boolean, None),
    };
    ObjectBuilder::new().schema_type(schema_type).format(format.map(SchemaFormat::KnownFormat))
}

/// Declares a type that implements `utoipa::IntoParams` with the given parameters:
/// `#[utoipa::path(params(ContactList))]`.
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

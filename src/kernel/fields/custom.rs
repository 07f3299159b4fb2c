//! Custom fields: definitions, values, and the rules of each kind of value.
use crate::kernel::error::{Error, FieldCode, FieldError, not_known};
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::address::{self, is_email, is_web_url};
use crate::kernel::values::money::Money;
use crate::kernel::values::phones;
use crate::kernel::values::tags::same_set;
use crate::kernel::values::text_format::TextFormat;
use crate::kernel::values::typed::{Values, each_type};
use crate::kernel::values::value_type::ValueType;
use crate::text_enum;
use chrono::NaiveDate;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Jsonb, Text};
use diesel::{pg::Pg, result::QueryResult};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// The prefix of the names of custom fields.
pub const OWN_FIELD: &str = "cf.";

text_enum! {
    /// The kind of value of a custom field.
    pub enum CustomKind {
        Text = "text",
        Number = "number",
        Money = "money",
        Date = "date",
        Boolean = "boolean",
        /// One of the options.
        Choice = "choice",
        /// Any number of the options.
        MultiChoice = "multi_choice",
        Url = "url",
        Email = "email",
        Phone = "phone",
        /// A user of the workspace.
        User = "user",
        /// Another record.
        Reference = "reference",
    }
}

impl CustomKind {
    /// Returns the member of a `CustomValue` that holds a value of this kind.
    pub const fn member(self) -> &'static str {
        match self {
            CustomKind::Text | CustomKind::Choice | CustomKind::Url | CustomKind::Email | CustomKind::Phone => "text",
            CustomKind::Number => "number",
            CustomKind::Money => "money",
            CustomKind::Date => "date",
            CustomKind::Boolean => "flag",
            CustomKind::MultiChoice => "options",
            CustomKind::User | CustomKind::Reference => "id",
        }
    }

    /// Returns the type by which values are filtered and sorted.
    pub const fn compared_as(self) -> ValueType {
        match self {
            CustomKind::Text | CustomKind::Choice | CustomKind::Url | CustomKind::Email | CustomKind::Phone => {
                ValueType::Text
            }
            CustomKind::Number => ValueType::Number,
            CustomKind::Money => ValueType::Int,
            CustomKind::Date => ValueType::Date,
            CustomKind::Boolean => ValueType::Bool,
            CustomKind::MultiChoice => ValueType::TextArray,
            CustomKind::User | CustomKind::Reference => ValueType::Uuid,
        }
    }
}

impl CustomKind {
    /// Returns the normal form of the values.
    pub(in crate::kernel) const fn text_format(self) -> TextFormat {
        match self {
            CustomKind::Email => TextFormat::Email,
            CustomKind::Phone => TextFormat::OwnPhone,
            _ => TextFormat::Text,
        }
    }
}

/// The definition of a custom field.
#[derive(Clone, Debug)]
pub struct CustomField {
    pub record: Kind,
    pub key: String,
    /// `cf.` and the key: the name in filters, conditions, sorting and events.
    pub path: String,
    pub name: String,
    pub description: Option<String>,
    pub group_name: Option<String>,
    pub kind: CustomKind,
    pub options: Vec<String>,
    /// For a user or a reference, the kind of record that it refers to.
    pub refers: Option<Kind>,
    pub required_stages: Vec<Uuid>,
    pub archived: bool,
}

/// All custom fields of a workspace.
#[derive(Clone, Debug, Default)]
pub struct CustomFields(pub Vec<Arc<CustomField>>);

impl CustomFields {
    /// Returns the fields of one kind of record, including archived ones.
    pub fn of(&self, record: Kind) -> impl Iterator<Item = &Arc<CustomField>> {
        self.0.iter().filter(move |field| field.record == record)
    }

    /// Returns the fields that are not archived.
    pub fn active(&self, record: Kind) -> impl Iterator<Item = &Arc<CustomField>> {
        self.of(record).filter(|field| !field.archived)
    }
}

/// The value of a custom field: its key, and the member for the kind of the field. A value without that member is
/// cleared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CustomValue {
    #[schema(min_length = 1, max_length = 50, example = "region")]
    pub key: String,
    /// For the kinds `text`, `choice`, `url`, `email`, `phone`.
    #[schema(max_length = 10_000)]
    pub text: Option<String>,
    /// For the kind `number`.
    #[schema(format = "double", minimum = -1_000_000_000_000_000_i64, maximum = 1_000_000_000_000_000_i64)]
    pub number: Option<f64>,
    /// For the kind `money`.
    pub money: Option<Money>,
    /// For the kind `date`.
    pub date: Option<NaiveDate>,
    /// For the kind `boolean`.
    pub flag: Option<bool>,
    /// For the kinds `user` and `reference`.
    pub id: Option<Uuid>,
    /// For the kind `multi_choice`.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub options: Vec<String>,
}

impl CustomValue {
    /// Returns the members that have a value.
    fn given(&self) -> Vec<(&'static str, Stored)> {
        let all = [
            ("text", self.text.clone().filter(|text| !text.is_empty()).map(Stored::Text)),
            ("number", self.number.map(Stored::Number)),
            ("money", self.money.clone().map(Stored::Money)),
            ("date", self.date.map(Stored::Date)),
            ("flag", self.flag.map(Stored::Flag)),
            ("id", self.id.map(Stored::Id)),
            ("options", Some(&self.options).filter(|o| !o.is_empty()).cloned().map(Stored::Options)),
        ];
        all.into_iter().filter_map(|(member, value)| Some((member, value?))).collect()
    }
}

/// A stored value: `{"text": "north"}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stored {
    Text(String),
    Number(f64),
    Money(Money),
    Date(NaiveDate),
    Flag(bool),
    Id(Uuid),
    Options(Vec<String>),
}

impl Stored {
    fn is_as(&self, other: &Stored) -> bool {
        match (self, other) {
            (Stored::Options(one), Stored::Options(other)) => same_set(one, other),
            (one, other) => one == other,
        }
    }
}

/// The values of a record as they are stored; a response shows them as a list of `CustomValue`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub struct CustomValues(BTreeMap<String, Stored>);

/// The stored JSON differs from that of the response.
impl diesel::serialize::ToSql<Jsonb, Pg> for CustomValues {
    fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, Pg>) -> diesel::serialize::Result {
        std::io::Write::write_all(out, &[1])?; // the version of jsonb's wire format
        serde_json::to_writer(out, &self.0)?;
        Ok(diesel::serialize::IsNull::No)
    }
}

impl diesel::deserialize::FromSql<Jsonb, Pg> for CustomValues {
    fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
        match value.as_bytes().get(1..).unwrap_or_default() {
            b"{}" => Ok(CustomValues::default()),
            json => Ok(CustomValues(serde_json::from_slice(json)?)),
        }
    }
}

impl Serialize for CustomValues {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.0.iter().map(|(key, stored)| shown(key, stored)))
    }
}

fn shown(key: &str, stored: &Stored) -> CustomValue {
    let value = CustomValue { key: key.to_owned(), ..CustomValue::default() };
    match stored.clone() {
        Stored::Text(text) => CustomValue { text: Some(text), ..value },
        Stored::Number(number) => CustomValue { number: Some(number), ..value },
        Stored::Money(money) => CustomValue { money: Some(money), ..value },
        Stored::Date(date) => CustomValue { date: Some(date), ..value },
        Stored::Flag(flag) => CustomValue { flag: Some(flag), ..value },
        Stored::Id(id) => CustomValue { id: Some(id), ..value },
        Stored::Options(options) => CustomValue { options, ..value },
    }
}

impl CustomValues {
    /// Removes the value of a field by its path, such as `cf.region`.
    pub fn remove(&mut self, path: &str) {
        if let Some(key) = path.strip_prefix(OWN_FIELD) {
            self.0.remove(key);
        }
    }

    pub fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Returns the values as a list, as in a response.
    pub fn list(&self) -> Vec<CustomValue> {
        self.0.iter().map(|(key, stored)| shown(key, stored)).collect()
    }

    /// Sets or clears the given values and keeps the others. Phone numbers are parsed for this country.
    pub fn with(
        &self,
        given: &[CustomValue],
        fields: &CustomFields,
        record: Kind,
        country: &str,
    ) -> Result<Self, Vec<FieldError>> {
        let (mut values, mut bad) = (self.0.clone(), Vec::new());
        for (n, value) in given.iter().enumerate() {
            let at = |member: &str| format!("/custom_fields/{n}/{member}");
            if given.iter().take(n).any(|earlier| earlier.key == value.key) {
                bad.push(
                    FieldError::member(at("key"), FieldCode::StatedTwice, "must not occur twice").of_field(&value.key),
                );
                continue;
            }
            // A client may send back what a response showed, even if the value would not be accepted now.
            if self.0.get(&value.key).is_some_and(|stored| shown(&value.key, stored) == *value) {
                continue;
            }
            let Some(field) = fields.active(record).find(|field| field.key == value.key) else {
                let known: Vec<&str> = fields.active(record).map(|field| field.key.as_str()).collect();
                let detail = not_known(&value.key, known.iter().copied());
                bad.push(
                    FieldError::member(at("key"), FieldCode::InvalidChoice, detail).among(known).of_field(&value.key),
                );
                continue;
            };
            match field.accept(value, country) {
                // Options are a set, so another order is no change.
                Ok(Some(stored)) if self.0.get(&value.key).is_some_and(|known| known.is_as(&stored)) => {}
                Ok(Some(stored)) => {
                    values.insert(value.key.clone(), stored);
                }
                Ok(None) => {
                    values.remove(&value.key);
                }
                Err((member, wrong)) => bad.push(wrong.at_member(at(member)).of_field(&value.key)),
            }
        }
        if bad.is_empty() { Ok(CustomValues(values)) } else { Err(bad) }
    }

    /// Returns the records that the given values refer to and `before` does not, with their pointers.
    pub fn named<'g>(
        before: Option<&'g CustomValues>,
        given: &'g [CustomValue],
        fields: &'g CustomFields,
        record: Kind,
    ) -> impl Iterator<Item = (Kind, Uuid, String)> + 'g {
        given.iter().enumerate().filter_map(move |(n, value)| {
            let field = fields.active(record).find(|field| field.key == value.key)?;
            let id =
                value.id.filter(|id| before.and_then(|before| before.0.get(&value.key)) != Some(&Stored::Id(*id)))?;
            Some((field.refers?, id, format!("/custom_fields/{n}/id")))
        })
    }
}

type Wrong = (&'static str, FieldError);

/// Adds the keys of the custom fields to errors about the records that the given values refer to.
pub fn about(given: &[CustomValue], error: Error) -> Error {
    error.with(|problem| {
        for bad in &mut problem.errors {
            let rest = bad.pointer.as_deref().and_then(|pointer| pointer.strip_prefix("/custom_fields/"));
            let place = rest.and_then(|rest| rest.split('/').next()?.parse::<usize>().ok());
            bad.params.key = place.and_then(|n| given.get(n)).map(|value| value.key.clone());
        }
    })
}

impl CustomField {
    /// Returns the value to store, or none if it is cleared. Otherwise returns the member that is wrong, and the error.
    fn accept(&self, value: &CustomValue, country: &str) -> Result<Option<Stored>, Wrong> {
        let member = self.kind.member();
        let mut given = value.given();
        if let Some((other, _)) = given.iter().find(|(other, _)| *other != member) {
            let (key, kind) = (&self.key, self.kind.as_str());
            let detail = format!("must be absent: {key} has the kind {kind}, whose value is in {member}");
            return Err((other, FieldError::new(FieldCode::Invalid, detail)));
        }
        let Some((_, stored)) = given.pop() else { return Ok(None) };
        let format = |detail: &str| Err((member, FieldError::new(FieldCode::InvalidFormat, detail)));
        match (self.kind, &stored) {
            (CustomKind::Choice, Stored::Text(text)) => self.require_option(text)?,
            (CustomKind::MultiChoice, Stored::Options(list)) => {
                list.iter().try_for_each(|one| self.require_option(one))?
            }
            (CustomKind::Url, Stored::Text(text)) if !is_web_url(text) => {
                return format("must be an http or https URL");
            }
            (CustomKind::Email, Stored::Text(text)) if !is_email(text) => return format("must be an e-mail address"),
            (CustomKind::Phone, Stored::Text(text)) if text.chars().filter(char::is_ascii_digit).count() < 3 => {
                return format("must be a phone number");
            }
            _ => {}
        }
        Ok(Some(match (self.kind, stored) {
            (CustomKind::Email, Stored::Text(text)) => Stored::Text(address::email(&text)),
            (CustomKind::Phone, Stored::Text(text)) => Stored::Text(phones::own(&text, country)),
            (_, stored) => stored,
        }))
    }

    fn require_option(&self, text: &str) -> Result<(), Wrong> {
        if self.options.iter().any(|option| option == text) {
            return Ok(());
        }
        Err((self.kind.member(), FieldError::not_among(&self.options)))
    }

    /// Returns the value in a serialized record.
    pub fn of<'r>(&self, row: &'r Json) -> Option<&'r Json> {
        let list = row.get("custom_fields")?.as_array()?;
        let value = list.iter().find(|value| value["key"] == self.key.as_str())?.get(self.kind.member())?;
        if self.kind == CustomKind::Money { value.get("amount") } else { Some(value) }
    }

    /// Returns the currency of the amount in a serialized record.
    pub fn currency_of<'r>(&self, row: &'r Json) -> Option<&'r Json> {
        let list = row.get("custom_fields")?.as_array()?;
        list.iter().find(|value| value["key"] == self.key.as_str())?.get(self.kind.member())?.get("currency")
    }

    /// Writes the currency of the amount as SQL.
    pub(in crate::kernel) fn currency<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.piece("(", " -> 'money' ->> 'currency')", out)
    }

    fn piece<'b>(&'b self, before: &str, after: &str, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(before);
        out.push_sql(self.record.path());
        out.push_sql(".custom -> ");
        out.push_bind_param::<Text, _>(&self.key)?;
        out.push_sql(after);
        Ok(())
    }

    /// Writes "has this one value" in the form that the index of the column supports.
    pub(in crate::kernel) fn contains<'b>(
        &'b self,
        value: &'b Values,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        let table = self.record.path();
        for piece in ["(", table, ".custom <> '{}' and ", table, ".custom @> jsonb_build_object("] {
            out.push_sql(piece);
        }
        out.push_bind_param::<Text, _>(&self.key)?;
        for piece in [", jsonb_build_object('", self.kind.member(), "', "] {
            out.push_sql(piece);
        }
        each_type!(value, |list, Sql| list.iter().take(1).try_for_each(|one| out.push_bind_param::<Sql, _>(one)))?;
        out.push_sql(")))");
        Ok(())
    }

    /// Checks whether `contains` can express equality with these values.
    pub(in crate::kernel) fn can_contain(&self, values: &Values) -> bool {
        match values {
            Values::Text(list) => list.len() == 1,
            Values::Uuid(list) => list.len() == 1,
            Values::Bool(list) => list.len() == 1,
            _ => false,
        }
    }
}

/// A custom field as SQL, on the `custom` column of the record's table.
impl QueryFragment<Pg> for CustomField {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let (before, after) = match self.kind {
            CustomKind::Number => ("((", " -> 'number')::float8)"),
            CustomKind::Money => ("((", " -> 'money' -> 'amount')::bigint)"),
            CustomKind::Date => ("((", " ->> 'date')::date)"),
            CustomKind::Boolean => ("((", " -> 'flag')::boolean)"),
            CustomKind::MultiChoice => ("array(select jsonb_array_elements_text(", " -> 'options'))"),
            CustomKind::User | CustomKind::Reference => ("((", " ->> 'id')::uuid)"),
            _ => ("(", " ->> 'text')"),
        };
        self.piece(before, after, out)
    }
}

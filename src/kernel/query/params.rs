//! The names and values of query parameters, and the operators in the suffixes of the names. Each reader removes the
//! parameters that it handles; the remaining ones are reported as unknown.
use crate::kernel::error::{Error, FieldCode, FieldError, Result, not_known};
use crate::kernel::fields::cond::Op;
use crate::kernel::fields::field::FieldRef;
use crate::kernel::values::value_type::ValueType;
use unicode_normalization::UnicodeNormalization;

pub const LIMIT_MAX: i64 = 500;
pub(in crate::kernel) const LIMIT_DEFAULT: i64 = 50;
pub const Q_MAX: usize = 256;

/// The comparison that a parameter makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernel) enum Comparison {
    AnyOf,
    NoneOf,
    AllOf,
    Op(Op),
    Empty,
}

/// The suffix of the parameter, its comparison, and its meaning.
pub(in crate::kernel) const OPERATORS: [(&str, Comparison, &str); 10] = [
    ("", Comparison::AnyOf, "is one of these"),
    ("__ne", Comparison::NoneOf, "is none of these"),
    ("__all", Comparison::AllOf, "contains all of these"),
    ("__gt", Comparison::Op(Op::Gt), "is greater than"),
    ("__gte", Comparison::Op(Op::Gte), "is at least"),
    ("__lt", Comparison::Op(Op::Lt), "is less than"),
    ("__lte", Comparison::Op(Op::Lte), "is at most"),
    ("__contains", Comparison::Op(Op::Contains), "contains, ignoring case"),
    ("__starts_with", Comparison::Op(Op::StartsWith), "starts with, ignoring case"),
    ("__empty", Comparison::Empty, "is empty (true) or not empty (false)"),
];

pub(in crate::kernel) fn applies(comparison: Comparison, field: &FieldRef) -> bool {
    match comparison {
        Comparison::AnyOf | Comparison::NoneOf => true,
        Comparison::AllOf => field.value_type() == ValueType::TextArray,
        Comparison::Op(Op::Contains | Op::StartsWith) => {
            field.value_type() == ValueType::Text && field.choices().is_empty()
        }
        Comparison::Op(_) => {
            matches!(field.value_type(), ValueType::Time | ValueType::Date | ValueType::Int | ValueType::Number)
        }
        Comparison::Empty => field.nullable() || field.value_type() == ValueType::TextArray,
    }
}

/// Returns the comparison for the name of an operator in a condition: `eq`, `in`, `ne`, `not_in`, `gte`, ….
pub(in crate::kernel) fn comparison_named(op: &str) -> Option<Comparison> {
    let suffix = match op {
        "eq" | "in" => "",
        "not_in" => "ne",
        other => other,
    };
    OPERATORS.iter().find(|(known, ..)| known.trim_start_matches("__") == suffix).map(|(_, comparison, _)| *comparison)
}

/// Returns the names of the operators that a field supports.
pub fn operators(field: &FieldRef) -> Vec<&'static str> {
    let applicable = OPERATORS.iter().filter(|(_, comparison, _)| applies(*comparison, field));
    let name = |suffix: &'static str| if suffix.is_empty() { "eq" } else { suffix.trim_start_matches("__") };
    applicable.map(|(suffix, ..)| name(suffix)).collect()
}

/// The parameter for conditions on custom fields: `cf=region:eq:north`, repeated for several conditions.
pub const CUSTOM: &str = "cf";

/// The parameter that also selects what belongs to a record through another one.
pub(in crate::kernel) const RELATED: &str = "related";

/// Checks whether a parameter has a single value. Other parameters may be repeated, as some generated clients do with
/// lists.
fn takes_one(name: &str) -> bool {
    let comparison = OPERATORS
        .iter()
        .find(|(suffix, ..)| !suffix.is_empty() && name.ends_with(suffix))
        .map(|(_, comparison, _)| *comparison);
    matches!(name, "q" | "sort" | "cursor" | "limit" | RELATED)
        || matches!(comparison, Some(Comparison::Op(_) | Comparison::Empty))
}

/// Turns `status=open&status=won` into `status=open,won`.
fn joined(pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    pairs.into_iter().fold(Vec::new(), |mut all: Vec<(String, String)>, (name, value)| {
        match all.iter_mut().find(|(known, _)| *known == name && name != CUSTOM) {
            Some((_, values)) => values.extend([",", &value]),
            None => all.push((name, value)),
        }
        all
    })
}

/// A query string, split into names and values. Each reader removes its parameters; the remaining ones are unknown.
#[derive(Debug)]
pub struct QueryParams(pub(in crate::kernel) Vec<(String, String)>);

impl QueryParams {
    pub fn read(query: &str) -> Result<QueryParams> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.nfc().collect()))
            .collect();
        let mut bad = Vec::new();
        for (n, (name, value)) in pairs.iter().enumerate() {
            // The decoder writes U+FFFD for bytes that are not UTF-8.
            if value.contains(['\u{FFFD}', '\0']) {
                bad.push(FieldError::parameter(name, FieldCode::InvalidCharacter, "must be UTF-8 without NUL"));
            }
            if takes_one(name) && pairs.iter().take(n).any(|(earlier, _)| earlier == name) {
                bad.push(FieldError::parameter(name, FieldCode::StatedTwice, "must occur only once"));
            }
        }
        if bad.is_empty() { Ok(QueryParams(joined(pairs))) } else { Err(Error::parameters(bad)) }
    }

    /// Returns the names of the remaining parameters.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Returns the names and values of the remaining parameters.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    pub fn take(&mut self, name: &str) -> Option<String> {
        self.0.iter().position(|(n, _)| n == name).map(|at| self.0.remove(at).1)
    }

    /// Removes a parameter and parses it; `what` completes "must be …".
    pub fn parsed<V: std::str::FromStr>(&mut self, name: &str, what: &str) -> Result<Option<V>> {
        self.take(name).map(|text| text.parse().map_err(|_| wrong(name, what))).transpose()
    }

    /// Removes and checks `limit`; returns `usual` if it is absent.
    pub fn limit(&mut self, usual: i64, max: i64) -> Result<i64> {
        let Some(text) = self.take("limit") else { return Ok(usual) };
        let within = text.parse().ok().filter(|limit| (1..=max).contains(limit));
        within
            .ok_or_else(|| Error::parameters(vec![FieldError::out_of_range(Some(1), Some(max)).at_parameter("limit")]))
    }

    pub fn date(&mut self, name: &str) -> Result<Option<chrono::NaiveDate>> {
        let read = |text: String| {
            crate::kernel::values::time::parse_date(&text).ok_or_else(|| wrong(name, "a date such as 2026-01-31"))
        };
        self.take(name).map(read).transpose()
    }

    /// Reports all remaining parameters as unknown.
    pub fn finish(self, known: &[&str]) -> Result<()> {
        let unknown = |(name, _): &(String, String)| {
            FieldError::parameter(name, FieldCode::UnknownParameter, not_known(name, known.iter().copied()))
        };
        let bad: Vec<FieldError> = self.0.iter().map(unknown).collect();
        if bad.is_empty() { Ok(()) } else { Err(Error::parameters(bad)) }
    }
}

/// Splits at commas; `\,` stands for a comma and `\\` for a backslash.
pub fn split(text: &str) -> Vec<String> {
    let (mut parts, mut part, mut chars) = (Vec::new(), String::new(), text.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => part.extend(chars.next()),
            ',' => parts.push(std::mem::take(&mut part)),
            c => part.push(c),
        }
    }
    parts.push(part);
    parts
}

fn wrong(name: &str, what: &str) -> Error {
    Error::parameters(vec![FieldError::parameter(name, FieldCode::InvalidFormat, format!("must be {what}"))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::samples::{BOAT, refusals};
    use proptest::prelude::*;

    fn read(query: &str) -> Result<Vec<(String, String)>, Vec<String>> {
        QueryParams::read(query).map(|params| params.0).map_err(|error| refusals(&error))
    }

    #[test]
    fn a_query_string_is_split_and_decoded() {
        for (query, expected) in [
            ("", vec![]),
            ("a=1", vec![("a", "1")]),
            ("a=1&b=&c", vec![("a", "1"), ("b", ""), ("c", "")]),
            ("q=a+b%20c%2Cd", vec![("q", "a b c,d")]),
            ("name=Bu%CC%88cher", vec![("name", "Bücher")]),
            ("a=1&b=2&a=3", vec![("a", "1,3"), ("b", "2")]),
            ("a__ne=1&a__ne=2", vec![("a__ne", "1,2")]),
            ("cf=x:eq:1&cf=y:eq:2", vec![("cf", "x:eq:1"), ("cf", "y:eq:2")]),
        ] {
            let expected = expected.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            assert_eq!(read(query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn single_valued_parameters_cannot_be_repeated() {
        for (name, expected) in [
            ("q", true),
            ("sort", true),
            ("cursor", true),
            ("limit", true),
            ("related", true),
            ("length__gt", true),
            ("length__gte", true),
            ("length__lt", true),
            ("length__lte", true),
            ("name__contains", true),
            ("name__starts_with", true),
            ("name__empty", true),
            ("name", false),
            ("name__ne", false),
            ("tags__all", false),
            ("include", false),
        ] {
            assert_eq!(takes_one(name), expected, "{name}");
            let twice = read(&format!("{name}=1&{name}=2")).err();
            assert_eq!(twice, expected.then(|| vec![format!("{name} stated_twice")]), "{name} given twice");
        }
    }

    #[test]
    fn invalid_utf8_is_rejected() {
        assert_eq!(read("a=%FF&b=1"), Err(vec!["a invalid_character".to_owned()]));
        assert_eq!(read("a=x%00"), Err(vec!["a invalid_character".to_owned()]));
    }

    #[test]
    fn a_limit_has_bounds() {
        for (query, expected) in [
            ("", Some(20)),
            ("limit=1", Some(1)),
            ("limit=30", Some(30)),
            ("limit=31", None),
            ("limit=0", None),
            ("limit=-1", None),
            ("limit=", None),
            ("limit=x", None),
            ("limit=99999999999999999999", None),
        ] {
            let limit = QueryParams::read(query).unwrap().limit(20, 30);
            assert_eq!(limit.as_ref().ok(), expected.as_ref(), "{query}");
            if let Err(error) = limit {
                assert_eq!(refusals(&error), ["limit out_of_range"], "{query}");
            }
        }
    }

    #[test]
    fn unread_parameters_are_unknown() {
        let mut params = QueryParams::read("to=2026-01-31&dry=true&nmae=x").unwrap();
        assert_eq!(params.date("to").unwrap().unwrap().to_string(), "2026-01-31");
        assert_eq!(params.date("to").unwrap(), None);
        assert_eq!(params.parsed::<bool>("dry", "true or false").unwrap(), Some(true));
        assert_eq!(params.take("dry"), None);
        assert_eq!(params.names().collect::<Vec<_>>(), ["nmae"]);
        let error = params.finish(&["name", "to"]).unwrap_err();
        assert_eq!(refusals(&error), ["nmae unknown_parameter"]);
        assert!(error.to_string().contains("did you mean name?"), "{error}");
        assert!(QueryParams::read("").unwrap().finish(&[]).is_ok());
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        let mut params = QueryParams::read("to=31.01.2026&dry=yes").unwrap();
        assert_eq!(refusals(&params.date("to").unwrap_err()), ["to invalid_format"]);
        assert_eq!(refusals(&params.parsed::<bool>("dry", "true or false").unwrap_err()), ["dry invalid_format"]);
    }

    #[test]
    fn operators_have_names() {
        for (name, expected) in [
            ("eq", Some(Comparison::AnyOf)),
            ("in", Some(Comparison::AnyOf)),
            ("ne", Some(Comparison::NoneOf)),
            ("not_in", Some(Comparison::NoneOf)),
            ("all", Some(Comparison::AllOf)),
            ("gt", Some(Comparison::Op(Op::Gt))),
            ("gte", Some(Comparison::Op(Op::Gte))),
            ("lt", Some(Comparison::Op(Op::Lt))),
            ("lte", Some(Comparison::Op(Op::Lte))),
            ("contains", Some(Comparison::Op(Op::Contains))),
            ("starts_with", Some(Comparison::Op(Op::StartsWith))),
            ("empty", Some(Comparison::Empty)),
            ("like", None),
            ("EQ", None),
        ] {
            assert_eq!(comparison_named(name), expected, "{name}");
        }
    }

    #[test]
    fn a_field_takes_the_operators_of_its_type() {
        let order = ["gt", "gte", "lt", "lte"];
        for (name, expected) in [
            ("name", vec!["eq", "ne", "contains", "starts_with"]),
            ("hull", vec!["eq", "ne", "empty"]),
            ("email", vec!["eq", "ne", "contains", "starts_with", "empty"]),
            ("owner_id", vec!["eq", "ne", "empty"]),
            ("length", [&["eq", "ne"], &order[..]].concat()),
            ("sold_on", [&["eq", "ne"], &order[..], &["empty"]].concat()),
            ("created_at", [&["eq", "ne"], &order[..]].concat()),
            ("seaworthy", vec!["eq", "ne"]),
            ("tags", vec!["eq", "ne", "all", "empty"]),
        ] {
            assert_eq!(operators(&BOAT.get(name).unwrap().into()), expected, "{name}");
        }
    }

    #[test]
    fn commas_separate_unless_they_are_escaped() {
        for (text, expected) in [
            ("", vec![""]),
            ("a", vec!["a"]),
            ("a,b", vec!["a", "b"]),
            (",", vec!["", ""]),
            (r"a\,b", vec!["a,b"]),
            (r"a\\,b", vec![r"a\", "b"]),
            (r"\a", vec!["a"]),
            (r"a\", vec!["a"]),
        ] {
            assert_eq!(split(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn escaped_words_are_split_as_they_were(words in prop::collection::vec(r"[a,\\é]{0,5}", 1..5)) {
            let escaped: Vec<String> = words.iter().map(|word| word.replace('\\', r"\\").replace(',', r"\,")).collect();
            prop_assert_eq!(split(&escaped.join(",")), words);
        }
    }
}

//! Values of one type: those of a condition, and those in a serialized row.
use crate::kernel::values::time::{DateTime, parse_date};
use crate::kernel::values::value_type::ValueType;
use chrono::NaiveDate;
use serde_json::Value as Json;
use uuid::Uuid;

/// One or more values of one type. Owned, so that binds can borrow them.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    Text(Vec<String>),
    Uuid(Vec<Uuid>),
    Time(Vec<DateTime>),
    Date(Vec<NaiveDate>),
    Int(Vec<i64>),
    Number(Vec<f64>),
    Bool(Vec<bool>),
}

/// Runs an expression for the type of `values`: `$list` is the vector, `$Sql` its SQL type.
macro_rules! each_type {
    (@ $values:expr, $list:ident, $Sql:ident, $body:expr; $($kind:ident)*) => {
        match $values {
            $($crate::kernel::values::typed::Values::$kind($list) => {
                type $Sql = $crate::kernel::values::typed::sql_of::$kind;
                $body
            })*
        }
    };
    ($values:expr, |$list:ident, $Sql:ident| $body:expr) => {
        $crate::kernel::values::typed::each_type!(@ $values, $list, $Sql, $body; Text Uuid Time Date Int Number Bool)
    };
}
pub(crate) use each_type;

/// The SQL type of each variant of `Values`.
pub(crate) mod sql_of {
    pub use diesel::sql_types::{BigInt as Int, Bool, Date, Double as Number, Text, Timestamptz as Time, Uuid};
}

impl Values {
    /// Reads a member of a serialized row; returns `None` for null and for values of another type.
    pub fn of_json(value_type: ValueType, json: Option<&Json>) -> Option<Values> {
        let json = json?;
        Some(match value_type {
            ValueType::Text => Values::Text(vec![json.as_str()?.to_owned()]),
            ValueType::Uuid => Values::Uuid(vec![json.as_str()?.parse().ok()?]),
            ValueType::Time => Values::Time(vec![json.as_str()?.parse().ok()?]),
            ValueType::Date => Values::Date(vec![parse_date(json.as_str()?)?]),
            ValueType::Int => Values::Int(vec![json.as_i64()?]),
            ValueType::Number => Values::Number(vec![json.as_f64()?]),
            ValueType::Bool => Values::Bool(vec![json.as_bool()?]),
            ValueType::TextArray => {
                Values::Text(json.as_array()?.iter().filter_map(|w| w.as_str().map(str::to_owned)).collect())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_values_are_parsed_by_type() {
        for (value_type, json, expected) in [
            (ValueType::Text, json!("a"), Some(Values::Text(vec!["a".into()]))),
            (ValueType::Text, json!(1), None),
            (ValueType::Int, json!(7), Some(Values::Int(vec![7]))),
            (ValueType::Int, json!("7"), None),
            (ValueType::Number, json!(7), Some(Values::Number(vec![7.0]))),
            (ValueType::Bool, json!(false), Some(Values::Bool(vec![false]))),
            (ValueType::Date, json!("2026-01-31"), Some(Values::Date(vec!["2026-01-31".parse().unwrap()]))),
            (ValueType::Date, json!("31.01.2026"), None),
            (ValueType::TextArray, json!(["a", "b"]), Some(Values::Text(vec!["a".into(), "b".into()]))),
            (ValueType::TextArray, json!([]), Some(Values::Text(vec![]))),
            (ValueType::Text, Json::Null, None),
        ] {
            assert_eq!(Values::of_json(value_type, Some(&json)), expected, "{json} as {value_type:?}");
        }
        assert_eq!(Values::of_json(ValueType::Text, None), None, "what is not there");
    }
}

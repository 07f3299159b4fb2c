use super::*;
use crate::kernel::fields::custom::CustomKind;
use crate::kernel::samples::{BOAT, custom_field, sql};
use proptest::prelude::*;
use serde_json::json;

fn of(name: &str) -> FieldRef {
    BOAT.get(name).unwrap().into()
}

fn text(name: &str, op: Op, value: &str) -> Cond {
    Cond::Is(of(name), op, Values::Text(vec![value.to_owned()]))
}

fn length(op: Op, value: i64) -> Cond {
    Cond::Is(of("length"), op, Values::Int(vec![value]))
}

fn carries(words: &[&str]) -> Cond {
    Cond::Carries(of("tags"), words.iter().map(|word| (*word).to_owned()).collect())
}

fn mentions(pieces: &[&str]) -> Cond {
    Cond::Mentions(BOAT.search.as_ref().unwrap(), pieces.iter().map(|piece| (*piece).to_owned()).collect())
}

#[test]
fn conditions_are_evaluated_in_memory() {
    let day = |day: &str| Values::Date(vec![day.parse().unwrap()]);
    let at = |at: &str| Values::Time(vec![at.parse().unwrap()]);
    let row = json!({
        "name": "Äike 50%_", "hull": null, "length": 7, "sold_on": "2026-01-31", "due_end": "2026-01-31T10:00:00.000Z",
        "seaworthy": false, "tags": ["VIP", "North"], "price": { "amount": 500, "currency": "EUR" },
    });
    for (case, cond, expected) in [
        ("equal", length(Op::Eq, 7), true),
        ("not equal", length(Op::Eq, 8), false),
        ("one of several", Cond::Is(of("length"), Op::Eq, Values::Int(vec![6, 7])), true),
        ("one of none", Cond::Is(of("length"), Op::Eq, Values::Int(vec![])), false),
        ("greater", length(Op::Gt, 6), true),
        ("not greater than itself", length(Op::Gt, 7), false),
        ("at least itself", length(Op::Gte, 7), true),
        ("not at least the next", length(Op::Gte, 8), false),
        ("less", length(Op::Lt, 8), true),
        ("not less than itself", length(Op::Lt, 7), false),
        ("at most itself", length(Op::Lte, 7), true),
        ("not at most the one before", length(Op::Lte, 6), false),
        ("an amount inside its member", Cond::Is(of("price"), Op::Eq, Values::Int(vec![500])), true),
        ("a day before", Cond::Is(of("sold_on"), Op::Lt, day("2026-02-01")), true),
        ("a day is not before itself", Cond::Is(of("sold_on"), Op::Lt, day("2026-01-31")), false),
        ("an instant, to the millisecond", Cond::Is(of("due_end"), Op::Lt, at("2026-01-31T10:00:00.001Z")), true),
        ("an instant in another zone", Cond::Is(of("due_end"), Op::Eq, at("2026-01-31T12:00:00+02:00")), true),
        ("false is false", Cond::Is(of("seaworthy"), Op::Eq, Values::Bool(vec![false])), true),
        ("false is not true", Cond::Is(of("seaworthy"), Op::Eq, Values::Bool(vec![true])), false),
        ("text in another case is not equal", text("name", Op::Eq, "äike 50%_"), false),
        ("text contains in any case", text("name", Op::Contains, "%ÄIKE%"), true),
        ("text contains what is written as a wildcard", text("name", Op::Contains, r"%50\%\_%"), true),
        ("a wildcard that is written stands for itself", text("name", Op::Contains, r"%5\_\%%"), false),
        ("text starts with", text("name", Op::StartsWith, "äi%"), true),
        ("text starts with no inner part", text("name", Op::StartsWith, "ike%"), false),
        ("empty has no value", text("hull", Op::Eq, "wood"), false),
        ("and so it is not that", !text("hull", Op::Eq, "wood"), true),
        ("empty", Cond::Empty(of("hull")), true),
        ("not empty", Cond::Empty(of("name")), false),
        ("a list with something is not empty", Cond::Empty(of("tags")), false),
        ("a tag in another spelling", carries(&["vip"]), true),
        ("one of two tags", carries(&["south", "NORTH"]), true),
        ("none of the tags", carries(&["south"]), false),
        ("no tags asked", carries(&[]), false),
        ("mentions without accents and case", mentions(&["aike", "50%"]), true),
        ("mentions one of two", mentions(&["aike", "60"]), false),
        ("mentions nothing", mentions(&[]), true),
        ("all of none", Cond::All(vec![]), true),
        ("any of none", Cond::Any(vec![]), false),
        ("all of two", Cond::All(vec![length(Op::Eq, 7), length(Op::Eq, 8)]), false),
        ("any of two", Cond::Any(vec![length(Op::Eq, 8), length(Op::Eq, 7)]), true),
        ("not", !length(Op::Eq, 7), false),
    ] {
        assert_eq!(cond.eval(&row), expected, "{case}: {cond:?}");
    }
    assert!(Cond::Empty(of("tags")).eval(&json!({ "tags": [] })), "a list of nothing is empty");
    assert!(Cond::Empty(of("tags")).eval(&json!({})), "no list is empty");
}

/// Whether a selection by the condition leaves some record out: what changes many records at once must.
#[test]
fn only_some_conditions_restrict_a_selection() {
    let hull = |values: &[&str]| {
        Cond::Is(of("hull"), Op::Eq, Values::Text(values.iter().map(|value| (*value).to_owned()).collect()))
    };
    let named = text("name", Op::Eq, "Ann");
    for (case, cond, expected) in [
        ("a value", named.clone(), true),
        ("a value denied", !named.clone(), false),
        ("a range", length(Op::Gte, 0), false),
        ("a part of a text", text("name", Op::Contains, "%a%"), false),
        ("a flag", Cond::Is(of("seaworthy"), Op::Eq, Values::Bool(vec![true])), false),
        ("a currency", text("currency", Op::Eq, "EUR"), false),
        ("some of a closed set", hull(&["steel"]), true),
        ("all of a closed set", hull(&["wood", "steel"]), false),
        ("empty", Cond::Empty(of("hull")), false),
        ("tags", carries(&["vip"]), true),
        ("words", mentions(&["a"]), false),
        ("all, with one that names", Cond::All(vec![length(Op::Gte, 0), named.clone()]), true),
        ("all of what names nothing", Cond::All(vec![length(Op::Gte, 0)]), false),
        ("all of nothing", Cond::All(vec![]), false),
        ("any, where one names nothing", Cond::Any(vec![named.clone(), length(Op::Gte, 0)]), false),
        ("any of what names", Cond::Any(vec![named.clone(), named]), true),
        ("any of nothing", Cond::Any(vec![]), false),
    ] {
        assert_eq!(cond.names_values(), expected, "{case}: {cond:?}");
    }
}

#[test]
fn conditions_on_words_alone_are_recognised() {
    let words = || mentions(&["a"]);
    for (case, cond, expected) in [
        ("words", words(), true),
        ("words in several ways", Cond::Any(vec![words(), words()]), true),
        ("words or a value", Cond::Any(vec![words(), length(Op::Eq, 1)]), false),
        ("nothing", Cond::Any(vec![]), false),
        ("a value", length(Op::Eq, 1), false),
    ] {
        assert_eq!(cond.is_of_words(), expected, "{case}");
    }
}

#[test]
fn a_condition_is_written_as_sql() {
    let own = |kind, options: &[&str]| FieldRef::Custom(Arc::new(custom_field("size", kind, options)));
    let one = |field: FieldRef, values| Cond::Is(field, Op::Eq, values);
    for (case, cond, expected) in [
        ("one value", length(Op::Eq, 7), r#"("boats"."length" = $1) -- binds: [7]"#),
        (
            "several values",
            one(of("length"), Values::Int(vec![7, 8])),
            r#"("boats"."length" = any($1)) -- binds: [[7, 8]]"#,
        ),
        ("no values", one(of("length"), Values::Int(vec![])), r#"("boats"."length" = any($1)) -- binds: [[]]"#),
        ("a range", length(Op::Lte, 7), r#"("boats"."length" <= $1) -- binds: [7]"#),
        ("a part", text("name", Op::Contains, "%a%"), r#"("boats"."name" ilike $1) -- binds: ["%a%"]"#),
        ("not", !length(Op::Gt, 7), r#"(("boats"."length" > $1) is not true) -- binds: [7]"#),
        ("empty", Cond::Empty(of("hull")), r#"("boats"."hull" is null) -- binds: []"#),
        ("an empty list", Cond::Empty(of("tags")), r#"("boats"."tags" = '{}') -- binds: []"#),
        ("tags", carries(&["a"]), r#"(tag_keys("boats"."tags") && tag_keys($1)) -- binds: [["a"]]"#),
        ("all of none", Cond::All(vec![]), "(true) -- binds: []"),
        ("any of none", Cond::Any(vec![]), "(false) -- binds: []"),
        (
            "any of two, each in its parentheses",
            Cond::Any(vec![length(Op::Gt, 7), length(Op::Lt, 1)]),
            r#"(("boats"."length" > $1) or ("boats"."length" < $2)) -- binds: [7, 1]"#,
        ),
        (
            "all of two",
            Cond::All(vec![length(Op::Gte, 7), Cond::Empty(of("hull"))]),
            r#"(("boats"."length" >= $1) and ("boats"."hull" is null)) -- binds: [7]"#,
        ),
        ("no words", mentions(&[]), "(true) -- binds: []"),
        (
            "records of another table",
            Cond::Within(of("owner_id"), "select id from crew where boat = ", Values::Int(vec![1])),
            r#"("boats"."owner_id" in (select id from crew where boat = $1)) -- binds: [1]"#,
        ),
        (
            "a custom number",
            one(own(CustomKind::Number, &[]), Values::Number(vec![2.5])),
            r#"(((boats.custom -> $1 -> 'number')::float8) = $2) -- binds: ["size", 2.5]"#,
        ),
        (
            "a custom text, by the index",
            one(own(CustomKind::Text, &[]), Values::Text(vec!["x".into()])),
            "((boats.custom <> '{}' and boats.custom @> jsonb_build_object($1, jsonb_build_object('text', $2)))) \
             -- binds: [\"size\", \"x\"]",
        ),
        (
            "several custom texts",
            one(own(CustomKind::Text, &[]), Values::Text(vec!["x".into(), "y".into()])),
            r#"((boats.custom -> $1 ->> 'text') = any($2)) -- binds: ["size", ["x", "y"]]"#,
        ),
    ] {
        assert_eq!(sql(&cond), expected, "{case}");
    }
    let words = sql(&mentions(&["a", "b"]));
    assert_eq!(words.matches("fold(boats.name) like ").count(), 2, "{words}");
    assert!(words.ends_with(r#"-- binds: ["a", "b"]"#), "{words}");
}

/// Only what is asked often keeps a prepared statement: nothing, and hot fields by value.
#[test]
fn only_simple_conditions_are_hot() {
    let owner = || Cond::Is(of("owner_id"), Op::Eq, Values::Uuid(vec![]));
    for (case, cond, expected) in [
        ("nothing", Cond::All(vec![]), true),
        ("a hot field by value", owner(), true),
        ("two of them", Cond::All(vec![owner(), owner()]), true),
        ("three of them", Cond::All(vec![owner(), owner(), owner()]), false),
        ("a hot field in a range", Cond::Is(of("owner_id"), Op::Gt, Values::Uuid(vec![])), false),
        ("another field", length(Op::Eq, 7), false),
        ("one of both", Cond::All(vec![owner(), length(Op::Eq, 7)]), false),
        ("any", Cond::Any(vec![]), false),
        ("not", !owner(), false),
    ] {
        assert_eq!(cond.is_hot(), expected, "{case}");
    }
}

#[test]
fn search_text_is_folded() {
    for (text, expected) in
        [("Ärzte", "arzte"), ("CAFE\u{301}", "cafe"), ("Ёлка", "елка"), ("Йод", "йод"), ("50% Off_", "50% off_")]
    {
        assert_eq!(fold(text), expected, "{text}");
    }
}

proptest! {
    /// A person's `%`, `_` and `\` mean themselves, in a pattern and out of it again.
    #[test]
    fn wildcards_in_a_pattern_are_literal(text in r"[ab%_\\]{0,6}", piece in r"[ab%_\\]{0,3}") {
        prop_assert_eq!(like(&text, &pattern(Op::Contains, &piece)), text.contains(&piece));
        prop_assert_eq!(like(&text, &pattern(Op::StartsWith, &piece)), text.starts_with(&piece));
    }

    /// Of two values one order holds, and each operator says what the order says.
    #[test]
    fn operators_agree_with_each_other(value in -2..3_i64, limit in -2..3_i64) {
        let row = json!({ "length": value });
        let holds = |op| length(op, limit).eval(&row);
        prop_assert_eq!(holds(Op::Gte), !holds(Op::Lt));
        prop_assert_eq!(holds(Op::Lte), !holds(Op::Gt));
        prop_assert_eq!(holds(Op::Eq), holds(Op::Gte) && holds(Op::Lte));
        prop_assert_eq!(holds(Op::Gt), value > limit);
    }
}

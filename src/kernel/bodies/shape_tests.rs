use super::*;
use crate::kernel::samples::{refusal, refusals};
use proptest::prelude::*;
use serde_json::json;

fn shape(name: &str, schema: &Json, named: &[(&str, Json)]) -> Shape {
    let named = named.iter().map(|(name, schema)| ((*name).to_owned(), node(name, schema)));
    Shape { root: node(name, schema), named: named.collect() }
}

/// The body as a schema leaves it, or what it refuses.
fn check(shape: &Shape, mut body: Json) -> Result<Json, Vec<String>> {
    shape.check(&mut body).map(|()| body).map_err(|error| refusals(&error))
}

fn checked(schema: &Json, body: Json) -> Result<Json, Vec<String>> {
    check(&shape("Thing", schema, &[]), body)
}

fn refused(refusals: &[&str]) -> Result<Json, Vec<String>> {
    Err(refusals.iter().map(|refusal| (*refusal).to_owned()).collect())
}

/// The whole error of a body that is refused for one reason.
fn wrong(schema: &Json, mut body: Json) -> FieldError {
    match shape("Thing", schema, &[]).check(&mut body) {
        Err(Error::Problem(problem)) => problem.errors.first().unwrap().clone(),
        other => panic!("{other:?} of {body}"),
    }
}

#[test]
fn a_value_of_another_type_is_refused() {
    let values = [
        ("an object", json!({})),
        ("an array", json!([])),
        ("a string", json!("x")),
        ("an integer", json!(1)),
        ("a number", json!(1.5)),
        ("true or false", json!(true)),
    ];
    for (noun, schema) in [
        ("an object", json!({ "type": "object", "properties": {} })),
        ("an object", json!({ "type": "object", "additionalProperties": { "type": "string" } })),
        ("an array", json!({ "type": "array", "items": { "type": "string" } })),
        ("a string", json!({ "type": "string" })),
        ("an integer", json!({ "type": "integer" })),
        ("a number", json!({ "type": "number" })),
        ("true or false", json!({ "type": "boolean" })),
    ] {
        for (other, value) in &values {
            let fits = noun == *other || (noun == "a number" && *other == "an integer");
            if fits {
                assert_eq!(checked(&schema, value.clone()), Ok(value.clone()), "{other} given to {schema}");
            } else {
                let bad = wrong(&schema, value.clone());
                assert_eq!(refusal(&bad), " invalid_type", "{other} given to {schema}");
                assert_eq!(bad.detail, format!("must be {noun}"), "{other} given to {schema}");
            }
        }
    }
}

#[test]
fn null_is_accepted_where_the_schema_allows_it() {
    let nullable = |name: &str| json!({ "type": [name, "null"], "properties": {} });
    for name in ["object", "array", "string", "integer", "number", "boolean"] {
        assert_eq!(checked(&nullable(name), Json::Null), Ok(Json::Null), "nullable {name}");
        let plain = json!({ "type": name, "properties": {} });
        assert_eq!(checked(&plain, Json::Null), refused(&[" null_not_allowed"]), "plain {name}");
    }
    let named = [("Word", json!({ "type": "string", "maxLength": 3 }))];
    let to_word = json!({ "$ref": "#/components/schemas/Word" });
    let or_null = json!({ "oneOf": [{ "type": "null" }, to_word] });
    for (case, schema, body, expected) in [
        ("null of a choice with null", &or_null, Json::Null, Ok(Json::Null)),
        ("a word of a choice with null", &or_null, json!("abc"), Ok(json!("abc"))),
        ("a long word of a choice with null", &or_null, json!("abcd"), refused(&[" too_long"])),
        ("null of a reference", &to_word, Json::Null, refused(&[" null_not_allowed"])),
        ("a word of a reference", &to_word, json!("abc"), Ok(json!("abc"))),
        ("a long word of a reference", &to_word, json!("abcd"), refused(&[" too_long"])),
    ] {
        assert_eq!(check(&shape("Thing", schema, &named), body), expected, "{case}");
    }
}

#[test]
fn texts_and_lists_have_a_length() {
    let text = json!({ "type": "string", "minLength": 2, "maxLength": 4 });
    let list = json!({ "type": "array", "items": { "type": "integer" }, "minItems": 1, "maxItems": 2 });
    let (free, free_list) = (json!({ "type": "string" }), json!({ "type": "array", "items": { "type": "integer" } }));
    for (case, schema, body, expected) in [
        ("too short", &text, json!("a"), Some("too_short")),
        ("shortest", &text, json!("ab"), None),
        ("longest, in letters of two bytes", &text, json!("жжжж"), None),
        ("too long", &text, json!("abcde"), Some("too_long")),
        ("short without the blanks around it", &text, json!("  a  "), Some("too_short")),
        ("empty list", &list, json!([]), Some("too_short")),
        ("shortest list", &list, json!([1]), None),
        ("longest list", &list, json!([1, 2]), None),
        ("long list", &list, json!([1, 2, 3]), Some("too_long")),
        ("text without a limit", &free, json!("x".repeat(10_000)), None),
        ("text beyond the limit of all", &free, json!("x".repeat(10_001)), Some("too_long")),
        ("list without a limit", &free_list, json!(vec![1; 1000]), None),
        ("list beyond the limit of all", &free_list, json!(vec![1; 1001]), Some("too_long")),
    ] {
        let codes = checked(schema, body).err();
        assert_eq!(codes, expected.map(|code| vec![format!(" {code}")]), "{case}");
    }
    let bad = wrong(&text, json!("abcde"));
    assert_eq!(bad.params.min, Some(2));
    assert_eq!(bad.params.max, Some(4));
    assert_eq!(bad.detail, "must have at most 4 characters");
    assert_eq!(wrong(&list, json!([])).detail, "must have at least 1 item");
}

#[test]
fn numbers_have_bounds() {
    let within = json!({ "type": "integer", "minimum": -2, "maximum": 5 });
    let narrow = json!({ "type": "integer", "format": "int32" });
    let wide = json!({ "type": "integer", "format": "int64" });
    let number = json!({ "type": "number", "minimum": -1, "maximum": 1 });
    for (case, schema, body, expected) in [
        ("least", &within, json!(-2), Ok(json!(-2))),
        ("less than the least", &within, json!(-3), refused(&[" out_of_range"])),
        ("greatest", &within, json!(5), Ok(json!(5))),
        ("greater than the greatest", &within, json!(6), refused(&[" out_of_range"])),
        ("whole, with a point", &within, json!(3.0), Ok(json!(3))),
        ("whole and too great, with a point", &within, json!(6.0), refused(&[" out_of_range"])),
        ("with a fraction", &within, json!(2.5), refused(&[" invalid_type"])),
        ("least of 32 bits", &narrow, json!(-2_147_483_648_i64), Ok(json!(-2_147_483_648_i64))),
        ("beyond 32 bits", &narrow, json!(2_147_483_648_i64), refused(&[" out_of_range"])),
        ("greatest of 64 bits", &wide, json!(i64::MAX), Ok(json!(i64::MAX))),
        ("beyond 64 bits", &wide, json!(u64::MAX), refused(&[" out_of_range"])),
        ("a float that is no exact integer", &wide, json!(9_007_199_254_740_992.0), refused(&[" invalid_type"])),
        ("the last float that is one", &wide, json!(9_007_199_254_740_991.0), Ok(json!(9_007_199_254_740_991_i64))),
        ("greatest number", &number, json!(1.0), Ok(json!(1.0))),
        ("too great a number", &number, json!(1.000_001), refused(&[" out_of_range"])),
        ("least number", &number, json!(-1), Ok(json!(-1))),
        ("too small a number", &number, json!(-1.5), refused(&[" out_of_range"])),
    ] {
        assert_eq!(checked(schema, body), expected, "{case}");
    }
    assert_eq!(wrong(&within, json!(6)).detail, "must be from -2 to 5");
}

#[test]
fn texts_are_normalised() {
    let line = json!({ "type": "string", "maxLength": 200 });
    let long = json!({ "type": "string", "maxLength": 301 });
    let email = json!({ "type": "string", "format": "email", "maxLength": 254 });
    let password = json!({ "type": "string", "format": "password" });
    for (case, schema, given, kept) in [
        ("blanks around a name", &line, "  Ann \u{a0}", "Ann"),
        ("a name of composed letters", &line, "Bu\u{308}cher", "Bücher"),
        ("what nobody sees in a name", &line, "An\u{200b}n", "Ann"),
        ("what nobody sees in a long text", &long, "An\u{200b}n ", "An\u{200b}n"),
        ("a long text of composed letters", &long, "u\u{308}", "ü"),
        ("what nobody sees in an address", &email, " ann@\u{200d}x.example", "ann@x.example"),
        ("a password stays as it is", &password, "  u\u{308} ", "  u\u{308} "),
    ] {
        assert_eq!(checked(schema, json!(given)), Ok(json!(kept)), "{case}");
    }
}

#[test]
fn an_empty_text_becomes_null_where_allowed() {
    let member = |schema: Json| json!({ "type": "object", "properties": { "m": schema } });
    let null = Ok(json!({ "m": null }));
    for (case, schema, expected) in [
        ("a text", json!({ "type": ["string", "null"] }), null.clone()),
        ("a web address", json!({ "type": ["string", "null"], "format": "web-url" }), null),
        ("a text that is never null", json!({ "type": "string" }), Ok(json!({ "m": "\u{200b}" }))),
        ("a date", json!({ "type": ["string", "null"], "format": "date" }), refused(&["/m invalid_format"])),
        ("an id", json!({ "type": ["string", "null"], "format": "uuid" }), refused(&["/m invalid_format"])),
        ("a choice", json!({ "type": ["string", "null"], "enum": ["a"] }), refused(&["/m invalid_choice"])),
    ] {
        assert_eq!(checked(&member(schema), json!({ "m": " \u{200b} " })), expected, "{case}");
    }
}

#[test]
fn texts_must_match_their_format() {
    for (format, good, bad) in [
        (
            "uuid",
            vec!["018f0c3e-7b5a-7cc0-8000-000000000001", "018F0C3E-7B5A-7CC0-8000-000000000001"],
            vec!["018f0c3e7b5a7cc08000000000000001", "{018f0c3e-7b5a-7cc0-8000-000000000001}", "x"],
        ),
        (
            "date",
            vec!["2026-01-31", "2024-02-29"],
            vec!["2026-02-29", "2026-1-31", "31.01.2026", "2026-01-31T00:00:00Z"],
        ),
        (
            "date-time",
            vec!["2026-01-31T09:00:00Z", "2026-01-31T09:00:00.123456+05:30"],
            vec!["2026-01-31T09:00:00", "2026-01-31", "0000-01-01T00:00:00Z"],
        ),
        ("email", vec!["ann@x.example"], vec!["ann", "ann@", "Ann <ann@x.example>", "a@b@c.example"]),
        ("currency", vec!["EUR", "JPY"], vec!["eur", "XAU", "ABC", "EURO"]),
        ("time-zone", vec!["Europe/Tallinn", "UTC"], vec!["Tallinn", "+02:00"]),
        (
            "web-url",
            vec!["https://x.example/a?b", "http://x.example"],
            vec!["x.example", "ftp://x.example", "javascript:1"],
        ),
        ("country", vec!["EE"], vec!["ee", "EST", "XX"]),
        ("a-format-nobody-knows", vec!["anything"], vec![]),
    ] {
        let schema = json!({ "type": "string", "format": format });
        for text in good {
            assert_eq!(checked(&schema, json!(text)), Ok(json!(text)), "{format}: {text}");
        }
        for text in bad {
            assert_eq!(checked(&schema, json!(text)), refused(&[" invalid_format"]), "{format}: {text}");
        }
    }
}

#[test]
fn control_characters_are_refused() {
    let (line, lines) = (json!({ "type": "string", "maxLength": 200 }), json!({ "type": "string", "maxLength": 201 }));
    for (case, text, on_a_line, on_lines) in [
        ("a line break", "a\nb", false, true),
        ("a tab", "a\tb", false, true),
        ("a carriage return", "a\r\nb", false, true),
        ("a zero byte", "a\0b", false, false),
        ("an escape", "a\u{1b}b", false, false),
        ("a letter", "ab", true, true),
    ] {
        for (schema, fits) in [(&line, on_a_line), (&lines, on_lines)] {
            let expected = if fits { Ok(json!(text)) } else { refused(&[" invalid_character"]) };
            assert_eq!(checked(schema, json!(text)), expected, "{case} in {schema}");
        }
    }
}

#[test]
fn texts_must_match_choices_and_patterns() {
    let set = json!({ "type": "string", "enum": ["open", "won"] });
    let listed = json!({ "type": "string", "pattern": "^(open|won)$" });
    let pattern = json!({ "type": "string", "pattern": "^[a-z]+$", "maxLength": 4 });
    for (case, schema, text, expected) in [
        ("one of a set", &set, "won", None),
        ("none of a set", &set, "Won", Some("invalid_choice")),
        ("one of a pattern that is a set", &listed, "open", None),
        ("none of a pattern that is a set", &listed, "openwon", Some("invalid_choice")),
        ("like a pattern", &pattern, "abc", None),
        ("unlike a pattern", &pattern, "ab1", Some("invalid_format")),
        ("unlike a pattern and too long: the length is told", &pattern, "ab123", Some("too_long")),
    ] {
        let codes = checked(schema, json!(text)).err();
        assert_eq!(codes, expected.map(|code| vec![format!(" {code}")]), "{case}");
    }
    assert_eq!(wrong(&listed, json!("x")).params.choices, ["open", "won"]);
}

#[test]
fn every_mistake_is_reported_with_its_pointer() {
    let item = json!({ "type": "object", "properties": { "a/b~c": { "type": "integer" } }, "required": ["a/b~c"] });
    let schema = json!({
        "type": "object",
        "properties": {
            "name": { "type": "string" },
            "items": { "type": "array", "items": item },
            "more": { "type": "object", "additionalProperties": { "type": "boolean" } },
        },
        "required": ["name"],
    });
    let body = json!({
        "nmae": 1, "~/": 2, "items": [{ "a/b~c": 1 }, { "a/b~c": "x" }, {}, 7], "more": { "x": true, "y/z": 1 },
    });
    let expected = [
        "/nmae unknown_member",
        "/~0~1 unknown_member",
        "/items/1/a~1b~0c invalid_type",
        "/items/2/a~1b~0c required",
        "/items/3 invalid_type",
        "/more/y~1z invalid_type",
        "/name required",
    ];
    assert_eq!(checked(&schema, body), refused(&expected));
    assert_eq!(wrong(&schema, json!({ "nmae": 1 })).detail, "is unknown; did you mean name?");
    let many: Map<String, Json> = (0..150).map(|n| (format!("m{n}"), json!(1))).collect();
    assert_eq!(checked(&schema, Json::Object(many)).unwrap_err().len(), ERRORS_MAX);
}

#[test]
fn null_is_absent_in_a_creation_and_clears_in_a_change() {
    let schema = json!({
        "type": "object",
        "properties": {
            "name": { "type": "string" },
            "size": { "type": "integer" },
            "note": { "type": ["string", "null"] },
        },
        "required": ["name"],
    });
    let nulls = json!({ "name": null, "size": null, "note": null });
    let cleared = json!({ "name": "x", "clear": ["note"] });
    for (case, type_name, body, expected) in [
        ("nulls of a creation", "Thing", nulls.clone(), refused(&["/name null_not_allowed"])),
        ("nulls of a change", "ThingUpdate", nulls, refused(&["/name null_not_allowed", "/size null_not_allowed"])),
        ("clear in a creation", "Thing", cleared.clone(), refused(&["/clear unknown_member"])),
        ("clear in a change", "ThingUpdate", cleared, Ok(json!({ "name": "x", "note": null }))),
        ("an optional null", "Thing", json!({ "name": "x", "size": null }), Ok(json!({ "name": "x" }))),
    ] {
        assert_eq!(check(&shape(type_name, &schema, &[]), body), expected, "{case}");
    }
}

#[test]
fn update_bodies_are_recognised_by_name() {
    for (name, expected) in [
        ("DealUpdate", true),
        ("DealCreate", false),
        ("DealBatchUpdate", false),
        ("ContactBulkUpdate", false),
        ("Updates", false),
        ("", false),
    ] {
        assert_eq!(is_patch(name), expected, "{name}");
    }
}

#[test]
fn a_mistake_in_a_custom_field_names_its_key() {
    let value =
        json!({ "type": "object", "properties": { "key": { "type": "string" }, "number": { "type": "number" } } });
    let list = |name: &str| json!({ "type": "object", "properties": { name: { "type": "array", "items": value } } });
    let key = |name: &str| {
        let bad = wrong(&list(name), json!({ name: [{ "key": "size", "number": "x" }] }));
        assert_eq!(refusal(&bad), format!("/{name}/0/number invalid_type"));
        bad.params.key
    };
    assert_eq!(key("custom_fields").as_deref(), Some("size"));
    assert_eq!(key("other_things"), None);
}

#[test]
fn members_are_read_from_cells_by_their_type() {
    let text = |format: &str| json!({ "type": ["string", "null"], "format": format });
    let reference =
        |name: &str| json!({ "oneOf": [{ "type": "null" }, { "$ref": format!("#/components/schemas/{name}") }] });
    let schema = json!({ "type": "object", "properties": {
        "text": { "type": "string" }, "mail": text("email"), "day": text("date"), "at": text("date-time"), "id": text("uuid"),
        "count": { "type": "integer" }, "yes": { "type": "boolean" }, "words": { "type": "array", "items": { "type": "string" } },
        "price": reference("Money"), "kind": reference("Kind"), "inner": { "type": "object", "properties": {} },
        "numbers": { "type": "array", "items": { "type": "integer" } },
    }, "required": ["text", "count"] });
    let named = [
        ("Money", json!({ "type": "object", "properties": {} })),
        ("Kind", json!({ "type": "string", "enum": ["a"] })),
    ];
    let shape = shape("Thing", &schema, &named);
    let expected = [
        ("text", Cell::Text),
        ("mail", Cell::Text),
        ("day", Cell::Date),
        ("at", Cell::Time),
        ("id", Cell::Reference),
        ("count", Cell::Int),
        ("yes", Cell::Bool),
        ("words", Cell::Words),
        ("price", Cell::Money),
        ("kind", Cell::Text),
    ];
    assert_eq!(shape.members(), expected);
    assert_eq!(shape.names().len(), 12);
    assert_eq!(shape.required(), ["text", "count"]);
}

proptest! {
    /// RFC 6901: what is escaped is found under its pointer.
    #[test]
    fn a_name_is_found_under_its_escaped_pointer(name in "[a~/01é]{0,8}") {
        let document = json!({ name.as_str(): "found" });
        prop_assert_eq!(document.pointer(&format!("/{}", escape(&name))), Some(&json!("found")));
    }

    /// What was checked once is taken again as it is.
    #[test]
    fn checking_twice_changes_nothing(text in "[ a\u{301}é\u{200b}\u{a0}]{1,8}", long in any::<bool>()) {
        let schema = json!({ "type": "string", "maxLength": if long { 5000 } else { 200 } });
        let once = checked(&schema, json!(text)).unwrap();
        prop_assert_eq!(checked(&schema, once.clone()), Ok(once));
    }
}

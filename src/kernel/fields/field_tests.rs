use super::*;
use crate::kernel::fields::custom::CustomKind;
use crate::kernel::samples::{BOAT, custom_field, refusal};
use serde_json::json;

#[test]
fn query_values_are_parsed_by_field_type() {
    let id = "018f0c3e-7b5a-7cc0-8000-000000000001";
    for (name, text, expected) in [
        ("name", "Ann", Ok(Values::Text(vec!["Ann".into()]))),
        ("name", "a\0b", Err("invalid_format")),
        ("hull", "wood", Ok(Values::Text(vec!["wood".into()]))),
        ("hull", "Wood", Err("invalid_choice")),
        ("owner_id", id, Ok(Values::Uuid(vec![id.parse().unwrap()]))),
        ("owner_id", "me", Err("invalid_format")),
        ("length", "-7", Ok(Values::Int(vec![-7]))),
        ("length", "7.0", Err("invalid_format")),
        ("sold_on", "2026-01-31", Ok(Values::Date(vec!["2026-01-31".parse().unwrap()]))),
        ("sold_on", "today", Err("invalid_format")),
        ("created_at", "2026-01-31T02:00:00+02:00", Ok(Values::Time(vec!["2026-01-31T00:00:00Z".parse().unwrap()]))),
        ("created_at", "2026-01-31", Err("invalid_format")),
        ("seaworthy", "true", Ok(Values::Bool(vec![true]))),
        ("seaworthy", "1", Err("invalid_format")),
        ("currency", "EUR", Ok(Values::Text(vec!["EUR".into()]))),
        ("currency", "XXX", Err("invalid_format")),
    ] {
        let read = Values::parse(&BOAT.get(name).unwrap().into(), vec![text.to_owned()]);
        let read = read.map_err(|bad| refusal(&bad));
        assert_eq!(read, expected.map_err(|code| format!(" {code}")), "{name}={text}");
    }
    let number = FieldRef::Custom(Arc::new(custom_field("size", CustomKind::Number, &[])));
    for (text, expected) in [("2.5", Some(2.5)), ("-1e3", Some(-1000.0)), ("inf", None), ("NaN", None), ("1,5", None)] {
        let read = Values::parse(&number, vec![text.to_owned()]).ok();
        assert_eq!(read, expected.map(|number| Values::Number(vec![number])), "{text}");
    }
    let one_is_wrong = vec!["7".to_owned(), "x".to_owned()];
    assert!(Values::parse(&BOAT.get("length").unwrap().into(), one_is_wrong).is_err(), "one of two is wrong");
}

#[test]
fn fields_are_found_by_path() {
    let row = json!({ "price": { "amount": 5 }, "crew": [{ "id": "a" }], "name": "x" });
    for (name, path, expected) in [
        ("name", "name", Some(json!("x"))),
        ("price", "price.amount", Some(json!(5))),
        ("currency", "price.currency", None),
        ("captain_id", "crew.0.id", Some(json!("a"))),
        ("mate_id", "crew.1.id", None),
        ("deep", "name.first", None),
    ] {
        let field = inside(name, path, Kind::USER);
        assert_eq!(field.of(&row).cloned(), expected, "{path}");
        assert_eq!(Some(field.member()), path.split('.').next(), "{path}");
    }
}

#[test]
fn only_references_can_be_included() {
    assert_eq!(BOAT.get("name").unwrap().include_name(), None);
    assert_eq!(inside("crew", "crew.0", Kind::USER).include_name(), None, "a name without the ending");
}

#[test]
fn tags_ignore_case_and_options_do_not() {
    let tags = FieldRef::from(BOAT.get("tags").unwrap());
    let options = FieldRef::Custom(Arc::new(custom_field("likes", CustomKind::MultiChoice, &["a"])));
    assert!(tags.same("VIP", "vip"));
    assert!(!tags.same("VIP", "vips"));
    assert!(options.same("a", "a"));
    assert!(!options.same("A", "a"));
}

use super::*;
use crate::kernel::samples::{refusal, refusals};
use proptest::prelude::*;
use serde_json::json;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn items(list: Json) -> Items<BatchDeleteItem> {
    Items::new(json!({ "items": list })).unwrap()
}

#[test]
fn a_batch_has_items() {
    let many = |count: u128| json!({ "items": (0..count).map(|n| json!({ "id": id(n) })).collect::<Vec<_>>() });
    for (case, body, expected) in [
        ("one item", many(1), None),
        ("a thousand", many(1000), None),
        ("none", many(0), Some("/items too_short")),
        ("a thousand and one", many(1001), Some("/items too_long")),
        ("no list", json!({ "items": {} }), Some("/items invalid_type")),
        ("nothing", json!({}), Some("/items required")),
        ("no object", json!([]), Some(" invalid_type")),
        ("atomic", json!({ "items": [{ "id": id(1) }], "atomic": true }), None),
        ("perhaps atomic", json!({ "items": [{}], "atomic": 1 }), Some("/atomic invalid_type")),
        ("null for atomic", json!({ "items": [{ "id": id(1) }], "atomic": null }), None),
        ("another member", json!({ "items": [{}], "item/s": 1 }), Some("/item~1s unknown_member")),
    ] {
        let refused = Items::<BatchDeleteItem>::new(body).err().map(|error| refusals(&error));
        assert_eq!(refused, expected.map(|refusal| vec![refusal.to_owned()]), "{case}");
    }
    let atomic = |body| Items::<BatchDeleteItem>::new(body).unwrap().atomic;
    assert!(atomic(json!({ "items": [{}], "atomic": true })));
    assert!(!atomic(json!({ "items": [{}] })));
}

#[test]
fn items_are_read_independently() {
    let read = items(json!([
        { "id": id(1), "version": 7 }, 5, {}, { "id": id(2), "version": "x" }, { "id": id(1) }, { "id": id(3) },
    ]));
    let outcomes: Vec<String> = read
        .items
        .iter()
        .map(|item| match item {
            Ok(item) => format!("{} {:?}", item.id.as_u128(), item.version),
            Err(error) => refusals(error).join(", "),
        })
        .collect();
    let expected =
        ["1 Some(7)", " invalid_type", "/id required", "/version invalid_type", "/id stated_twice", "3 None"];
    assert_eq!(outcomes, expected);
    assert_eq!(read.targets(), [id(1), id(3)]);
}

#[test]
fn results_keep_the_order_of_the_items() {
    let read = items(json!([{ "id": id(1) }, {}, { "id": id(2) }, { "id": id(3) }]));
    let changed = Outcome { id: id(1), version: Some(4), status: 200, unchanged: true };
    let result = read.results(vec![Ok(changed), Err(Error::not_found())], "request");
    assert_eq!(result.succeeded, 1);
    assert_eq!(result.failed, 3);
    let expected = json!([
        { "index": 0, "id": id(1), "status": 200, "version": 4, "unchanged": true, "error": null },
        { "index": 1, "id": null, "status": 422, "version": null, "unchanged": false },
        { "index": 2, "id": id(2), "status": 404, "version": null, "unchanged": false },
        { "index": 3, "id": id(3), "status": 500, "version": null, "unchanged": false },
    ]);
    let codes = [None, Some("validation_failed"), Some("not_found"), Some("internal_error")];
    for (n, code) in codes.into_iter().enumerate() {
        let mut shown = serde_json::to_value(&result.results[n]).unwrap();
        assert_eq!(shown["error"]["code"].as_str(), code, "item {n}");
        if let Some(code) = code {
            assert_eq!(shown["error"]["request_id"], "request", "item {n}, {code}");
            shown.as_object_mut().unwrap().remove("error");
        }
        assert_eq!(shown, expected[n], "item {n}");
    }
}

#[test]
fn errors_of_an_item_have_its_index() {
    let bad = Error::members(vec![
        FieldError::member("/name", FieldCode::Required, "is missing"),
        FieldError::member("", FieldCode::Invalid, "is odd"),
    ]);
    for (case, error, expected) in [
        ("with members", bad, vec!["/items/3/name required", "/items/3 invalid"]),
        ("without members", Error::not_found(), vec!["/items/3 not_found"]),
        ("a fault", Error::internal("x"), vec![]),
    ] {
        assert_eq!(at_item(3, &error).iter().map(refusal).collect::<Vec<_>>(), expected, "{case}");
    }
    let read = items(json!([{ "id": id(1) }, {}, { "id": id(1) }]));
    assert_eq!(refusals(&read.refused()), ["/items/1/id required", "/items/2/id stated_twice"]);
}

#[test]
fn equal_items_are_grouped() {
    for (case, texts, expected) in [
        ("none", vec![], vec![]),
        ("one", vec!["a"], vec![vec![0]]),
        ("all alike", vec!["a", "a", "a"], vec![vec![0, 1, 2]]),
        ("all different", vec!["a", "b", "c"], vec![vec![0], vec![1], vec![2]]),
        ("mixed", vec!["b", "a", "b", "a", "c"], vec![vec![0, 2], vec![1, 3], vec![4]]),
        ("an empty one", vec!["", "a", ""], vec![vec![0, 2], vec![1]]),
    ] {
        assert_eq!(group_equal(texts.into_iter()), expected, "{case}");
    }
}

proptest! {
    /// Every item is in one group, with those that say the same and no others.
    #[test]
    fn every_item_is_in_one_group(texts in prop::collection::vec("[ab]{0,2}", 0..20)) {
        let groups = group_equal(texts.iter().map(String::as_str));
        let mut places: Vec<usize> = groups.iter().flatten().copied().collect();
        places.sort_unstable();
        prop_assert_eq!(places, (0..texts.len()).collect::<Vec<_>>());
        let mut said: Vec<&str> = Vec::new();
        for group in groups {
            let first = texts[group[0]].as_str();
            prop_assert!(group.iter().all(|place| texts[*place] == first), "{:?}", group);
            prop_assert!(group.is_sorted(), "{:?}", group);
            prop_assert!(!said.contains(&first), "{first} makes two groups");
            said.push(first);
        }
    }
}

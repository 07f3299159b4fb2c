//! Boards: columns with counts, sums and cards, paging of a column, and the manual order of its cards.
use crate::attention::sql;
use crate::support::{Client, id, stage, user_with, workspace};
use serde_json::{Value as Json, json};

fn deal(owner: &Client, body: Json) -> String {
    id(&owner.post("/deals", body).created())
}

fn column<'b>(board: &'b Json, name: &str) -> &'b Json {
    board["columns"].as_array().unwrap().iter().find(|column| column["name"] == name).unwrap()
}

fn titles(column: &Json) -> Vec<String> {
    column["cards"].as_array().unwrap().iter().map(|card| card["title"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_board_has_columns_with_sums_and_cards() {
    let owner = workspace();
    let [inquiry, quoted] = ["Active inquiry", "Quote sent"].map(|name| stage(&owner, "deal", name));
    owner.patch(&format!("/stages/{quoted}"), json!({ "probability_percent": 40, "rotting_days": 5 })).ok();
    let company = id(&owner.post("/companies", json!({ "name": "Harbour" })).created());
    let contact = id(&owner.post("/contacts", json!({ "first_name": "Ann", "last_name": "Lee" })).created());
    let eur = |amount: i64| json!({ "amount": amount, "currency": "EUR" });
    let first = deal(
        &owner,
        json!({ "title": "One", "stage_id": quoted, "value": eur(1001), "company_id": company,
            "contacts": [{ "contact_id": contact }], "tags": ["vip"] }),
    );
    deal(&owner, json!({ "title": "Two", "stage_id": quoted, "value": eur(2000), "probability_percent": 50 }));
    deal(&owner, json!({ "title": "Three", "stage_id": quoted, "value": { "amount": 700, "currency": "USD" } }));
    deal(&owner, json!({ "title": "Four", "stage_id": quoted }));
    let won = deal(&owner, json!({ "title": "Won", "stage_id": inquiry }));
    owner.post(&format!("/deals/{won}/win"), json!({})).ok();
    let task = json!({ "title": "Call Ann", "type": "call", "deal_id": first, "due_date": "2031-03-01" });
    owner.post("/tasks", task).created();
    let answer = owner.get("/deals/board");
    assert!(answer.statements() <= 4, "{} statements", answer.statements());
    let board = answer.ok();
    let names: Vec<&str> = board["columns"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Active inquiry", "Quote sent", "Agreed and invoiced"]);
    let sent = column(&board, "Quote sent");
    assert_eq!(sent["count"], 4);
    // 40 % of 10.01 and 50 % of 20.00; 40 % of 7.00.
    let expected = json!([
        { "currency": "EUR", "amount": 3001, "weighted_amount": 1400 },
        { "currency": "USD", "amount": 700, "weighted_amount": 280 }
    ]);
    assert_eq!(sent["values"], expected);
    assert_eq!(titles(sent), ["Four", "Three", "Two", "One"], "the newest is on top");
    let card = &sent["cards"][3];
    assert_eq!([&card["company"]["name"], &card["contact"]["name"]], [&json!("Harbour"), &json!("Ann Lee")]);
    assert_eq!(card["owner"]["name"], "Owner");
    assert_eq!([&card["next_task"]["title"], &card["next_task"]["state"]], [&json!("Call Ann"), &json!("planned")]);
    assert_eq!([&card["tags"], &card["rotting"]], [&json!(["vip"]), &json!(false)]);
    // The filters of the list apply to counts, sums and cards.
    let board = owner.get("/deals/board?value__gte=1500&currency=EUR").ok();
    assert_eq!(
        [&column(&board, "Quote sent")["count"], &column(&board, "Active inquiry")["count"]],
        [&json!(1), &json!(0)]
    );
    let closed = owner.get("/deals/board?status=won,lost").ok();
    assert_eq!(titles(column(&closed, "Payment received")), ["Won"]);
    let one = owner.get(&format!("/deals/board?stage_id={quoted}")).ok();
    assert_eq!(one["columns"].as_array().unwrap().len(), 1);
    sql(format!(
        "update deals set last_activity_at = now() - interval '9 days' where workspace_id = \
        (select workspace_id from deals where id = '{first}')"
    ));
    let rotting: Vec<bool> = column(&owner.get("/deals/board").ok(), "Quote sent")["cards"]
        .as_array()
        .unwrap()
        .iter()
        .map(|card| card["rotting"].as_bool().unwrap())
        .collect();
    assert_eq!(rotting, [true, true, true, false], "one has a planned task");
}

#[test]
fn leads_have_a_board_too() {
    let owner = workspace();
    let body = json!({ "title": "Seats", "rating": "hot", "person": { "name": "Bo" }, "come_back_on": "2031-03-01",
        "value": { "amount": 100, "currency": "EUR" } });
    owner.post("/leads", body).created();
    let board = owner.get("/leads/board").ok();
    let new = column(&board, "New");
    assert_eq!([&new["count"], &new["values"][0]["amount"]], [&json!(1), &json!(100)]);
    let card = &new["cards"][0];
    assert_eq!(
        [&card["person_name"], &card["rating"], &card["day"]],
        [&json!("Bo"), &json!("hot"), &json!("2031-03-01")]
    );
    assert_eq!(card["next_task"]["due_date"], "2031-03-01");
}

#[test]
fn a_column_is_paged_by_its_list() {
    let owner = workspace();
    let quoted = stage(&owner, "deal", "Quote sent");
    let items: Vec<Json> = (0..23).map(|n| json!({ "title": format!("D{n:02}"), "stage_id": quoted })).collect();
    owner.post("/deals/batch-create", json!({ "items": items })).ok();
    let board = owner.get("/deals/board?limit=10&title__starts_with=D").ok();
    let sent = column(&board, "Quote sent");
    let (mut seen, mut cursor) = (titles(sent), sent["next_cursor"].clone());
    assert_eq!([&sent["count"], &sent["has_more"]], [&json!(23), &json!(true)]);
    let list = sent["list"].as_str().unwrap().strip_prefix("/api/v1").unwrap();
    while let Some(text) = cursor.as_str() {
        let page = owner.get(&format!("{list}&limit=10&cursor={text}")).ok();
        seen.extend(page["data"].as_array().unwrap().iter().map(|deal| deal["title"].as_str().unwrap().to_owned()));
        cursor = page["page"]["next_cursor"].clone();
    }
    // The board itself continues a column with cards.
    let next = format!(
        "/deals/board?limit=10&title__starts_with=D&stage_id={quoted}&cursor={}",
        sent["next_cursor"].as_str().unwrap()
    );
    let more = owner.get(&next).ok();
    let more = column(&more, "Quote sent");
    assert_eq!([titles(more), vec![more["count"].to_string()]].concat(), [&seen[10..20], &["23".to_owned()]].concat());
    owner.get("/deals/board?cursor=x").problem(400, "invalid_parameter");
    let mut all = seen.clone();
    all.sort();
    all.dedup();
    assert_eq!([seen.len(), all.len()], [23, 23]);
}

#[test]
fn cards_are_put_in_order_by_hand() {
    let owner = workspace();
    let [inquiry, quoted] = ["Active inquiry", "Quote sent"].map(|name| stage(&owner, "deal", name));
    let ids: Vec<String> =
        (0..4).map(|n| deal(&owner, json!({ "title": format!("D{n}"), "stage_id": quoted }))).collect();
    let order = || titles(column(&owner.get("/deals/board").ok(), "Quote sent"));
    assert_eq!(order(), ["D3", "D2", "D1", "D0"]);
    let place = |who: usize, member: &str, beside: usize| {
        owner.post(&format!("/deals/{}/move", ids[who]), json!({ "stage_id": quoted, member: ids[beside] })).ok()
    };
    let moved = place(0, "before_id", 3);
    assert_eq!(order(), ["D0", "D3", "D2", "D1"]);
    assert_eq!(moved["version"], 1, "the order is no change of the deal");
    place(3, "after_id", 1);
    assert_eq!(order(), ["D0", "D2", "D1", "D3"]);
    place(3, "after_id", 0);
    assert_eq!(order(), ["D0", "D3", "D2", "D1"]);
    // From another stage, directly to its place; without one, to the top.
    let other = deal(&owner, json!({ "title": "E", "stage_id": inquiry }));
    owner.post(&format!("/deals/{other}/move"), json!({ "stage_id": quoted, "after_id": ids[2] })).ok();
    assert_eq!(order(), ["D0", "D3", "D2", "E", "D1"]);
    owner.post(&format!("/deals/{other}/move"), json!({ "stage_id": inquiry })).ok();
    owner.post(&format!("/deals/{other}/move"), json!({ "stage_id": quoted })).ok();
    assert_eq!(order()[0], "E");
    let path = format!("/deals/{other}/move");
    let away = deal(&owner, json!({ "title": "Away", "stage_id": inquiry }));
    for (body, pointer) in [
        (json!({ "stage_id": quoted, "before_id": ids[0], "after_id": ids[1] }), "/after_id"),
        (json!({ "stage_id": quoted, "before_id": other }), "/before_id"),
        (json!({ "stage_id": quoted, "before_id": away }), "/before_id"),
        (json!({ "stage_id": quoted, "after_id": quoted }), "/after_id"),
    ] {
        let refused = owner.post(&path, body).problem(422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], pointer);
    }
    // The caller must see the other card.
    let own = ["deals", "own", "own", "own", "own", "none"];
    let (seller, _) = user_with(&owner, &[own], json!({}));
    let mine = deal(&seller, json!({ "title": "Mine", "stage_id": quoted }));
    let refused = seller.post(&format!("/deals/{mine}/move"), json!({ "stage_id": quoted, "before_id": ids[0] }));
    refused.problem(422, "validation_failed");
    assert_eq!(titles(column(&seller.get("/deals/board").ok(), "Quote sent")), ["Mine"]);
}

/// Always into the same gap, until new numbers are needed again and again.
#[test]
fn there_is_always_room_between_two_cards() {
    let owner = workspace();
    let quoted = stage(&owner, "deal", "Quote sent");
    let ids: Vec<String> =
        (0..5).map(|n| deal(&owner, json!({ "title": format!("D{n}"), "stage_id": quoted }))).collect();
    // All at one place, as after an import of old data.
    sql(format!("update deals set board_position = 7 where stage_id = '{quoted}'"));
    let order = || -> Vec<String> {
        let board = owner.get("/deals/board").ok();
        column(&board, "Quote sent")["cards"].as_array().unwrap().iter().map(id).collect()
    };
    for round in 0..60 {
        let now = order();
        let (last, first) = (now.last().unwrap().clone(), now[1].clone());
        owner.post(&format!("/deals/{last}/move"), json!({ "stage_id": quoted, "before_id": first })).ok();
        let mut expected = now.clone();
        expected.pop();
        expected.insert(1, last);
        assert_eq!(order(), expected, "round {round}");
    }
    assert_eq!(ids.len(), order().len());
}

#[test]
fn drags_at_the_same_time_all_take_effect() {
    let owner = workspace();
    let quoted = stage(&owner, "deal", "Quote sent");
    let anchor = deal(&owner, json!({ "title": "Anchor", "stage_id": quoted }));
    let ids: Vec<String> =
        (0..20).map(|n| deal(&owner, json!({ "title": format!("D{n}"), "stage_id": quoted }))).collect();
    // A narrow gap, so that the drags also have to make room.
    sql(format!("update deals set board_position = 0 where stage_id = '{quoted}'"));
    let (owner, quoted, anchor) = (&owner, &quoted, &anchor);
    std::thread::scope(|scope| {
        for moving in &ids {
            scope.spawn(move || {
                let body = json!({ "stage_id": quoted, "after_id": anchor });
                owner.post(&format!("/deals/{moving}/move"), body).ok();
            });
        }
    });
    let board = owner.get("/deals/board?limit=100").ok();
    let cards = column(&board, "Quote sent")["cards"].as_array().unwrap().clone();
    let positions: Vec<i64> = cards.iter().map(|card| card["board_position"].as_i64().unwrap()).collect();
    assert!(positions.windows(2).all(|two| two[0] < two[1]), "{positions:?}");
    // Each was put directly after the anchor, so the anchor is first and nothing is lost.
    assert_eq!(cards.len(), 21);
    assert_eq!(id(&cards[0]), *anchor);
}

#[test]
fn a_board_shows_what_the_caller_may_see() {
    let owner = workspace();
    let quoted = stage(&owner, "deal", "Quote sent");
    let company = id(&owner.post("/companies", json!({ "name": "Harbour" })).created());
    let body = json!({ "title": "One", "stage_id": quoted, "company_id": company, "value": { "amount": 5, "currency": "EUR" } });
    let one = deal(&owner, body);
    owner.post("/tasks", json!({ "title": "Secret", "deal_id": one, "due_date": "2031-01-01" })).created();
    let hidden = json!({ "hidden_fields": [{ "resource": "deals", "field": "value" }] });
    let (clerk, _) = user_with(&owner, &[["deals", "all", "none", "none", "none", "none"]], hidden);
    let board = clerk.get("/deals/board").ok();
    let sent = column(&board, "Quote sent");
    assert_eq!([&sent["count"], &sent["values"]], [&json!(1), &json!([])]);
    let card = &sent["cards"][0];
    for member in ["value", "company", "owner", "next_task"] {
        assert_eq!(card[member], Json::Null, "{member}");
    }
    let (nobody, _) = user_with(&owner, &[["leads", "all", "none", "none", "none", "none"]], json!({}));
    nobody.get("/deals/board").problem(403, "forbidden");
    for (query, parameter, code) in [
        ("pipeline_id=x", "pipeline_id", "invalid_format"),
        ("pipeline_id=01a21f8e-f569-711b-b916-49484df7b903", "pipeline_id", "reference_not_found"),
        ("stage_id=x", "stage_id", "invalid_format"),
        ("status=new", "status", "invalid_choice"),
        ("limit=101", "limit", "out_of_range"),
        ("value__gte=5", "currency", "required"),
    ] {
        let refused = owner.get(&format!("/deals/board?{query}")).problem(400, "invalid_parameter");
        assert_eq!(refused["errors"][0]["parameter"], parameter, "{query}");
        assert_eq!(refused["errors"][0]["code"], code, "{query}");
    }
    for query in ["sort=title", "include=owner", "colour=red"] {
        owner.get(&format!("/deals/board?{query}")).problem(400, "unknown_parameter");
    }
    // A pipeline of leads is no pipeline of deals.
    let leads = id(&owner.get("/pipelines?kind=lead").ok()["data"][0]);
    owner.get(&format!("/deals/board?pipeline_id={leads}")).problem(400, "invalid_parameter");
}

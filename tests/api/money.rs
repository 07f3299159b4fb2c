//! Money is compared as money: within one currency, whatever its minor unit is.
use crate::support::{Client, database_url, id, workspace};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use serde_json::{Value as Json, json};

/// One yen has no cents, one dinar a thousand fils.
const DEALS: [(&str, i64, &str); 9] = [
    ("y1", 5_000, "JPY"),
    ("y2", 70_000, "JPY"),
    ("e1", 5_000, "EUR"),
    ("e2", 700_000, "EUR"),
    ("e3", -100, "EUR"),
    ("k1", 5_000, "KWD"),
    ("k2", 1, "KWD"),
    ("k3", 9_007_199_254_740_991, "KWD"),
    ("e4", 0, "EUR"),
];

fn funds() -> Client {
    let owner = workspace();
    let item = |(title, amount, currency): (&str, i64, &str)| json!({ "title": title, "value": { "amount": amount, "currency": currency } });
    let mut items: Vec<Json> = DEALS.into_iter().map(item).collect();
    items.push(json!({ "title": "none" }));
    owner.post("/deals/batch-create", json!({ "items": items })).ok();
    owner
}

fn titles(page: &Json) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(|row| row["title"].as_str().unwrap().to_owned()).collect()
}

/// The titles of the deals that fit, by amount.
fn fitting(fits: impl Fn(i64, &str) -> bool) -> Vec<String> {
    let mut deals: Vec<_> = DEALS.into_iter().filter(|(_, amount, currency)| fits(*amount, currency)).collect();
    deals.sort_by_key(|(_, amount, _)| *amount);
    deals.into_iter().map(|(title, ..)| title.to_owned()).collect()
}

type Holds = fn(i64, i64) -> bool;
const OPERATORS: [(&str, Holds); 6] = [
    ("", |a, b| a == b),
    ("gt", |a, b| a > b),
    ("gte", |a, b| a >= b),
    ("lt", |a, b| a < b),
    ("lte", |a, b| a <= b),
    ("ne", |a, b| a != b),
];

#[test]
fn an_amount_is_compared_within_its_currency() {
    let owner = funds();
    for currency in ["JPY", "EUR", "KWD", "USD"] {
        for limit in [-100, 0, 1, 5_000, 700_000, 9_007_199_254_740_991] {
            for (op, holds) in OPERATORS {
                let expected = fitting(|amount, its| its == currency && holds(amount, limit));
                let suffix = if op.is_empty() { String::new() } else { format!("__{op}") };
                let list = owner.get(&format!("/deals?currency={currency}&value{suffix}={limit}&sort=value")).ok();
                assert_eq!(titles(&list), expected, "value{suffix}={limit} {currency}");
                if op == "ne" {
                    continue;
                }
                // Beside the amount the currency is part of the value.
                let named = owner.get(&format!("/deals?value{suffix}={limit}%20{currency}&sort=value")).ok();
                assert_eq!(titles(&named), expected, "value{suffix}={limit} {currency}");
                let op = if op.is_empty() { "eq" } else { op };
                let one = json!({ "field": "value", "op": op, "values": [format!("{limit} {currency}")] });
                let found = owner.post("/deals/search", json!({ "all": [one], "sort": "value" })).ok();
                assert_eq!(titles(&found), expected, "{op} {limit} {currency}");
                let rest = owner.post("/deals/search", json!({ "none": [one], "sort": "title" })).ok();
                assert_eq!(titles(&rest).len(), DEALS.len() + 1 - expected.len(), "none {op} {limit} {currency}");
            }
        }
    }
    // Each in its own currency.
    let any = json!([{ "field": "value", "op": "gte", "values": ["6000 JPY"] }, { "field": "value", "op": "eq", "values": ["5000 KWD", "0 EUR"] }]);
    let found = owner.post("/deals/search", json!({ "any": any, "sort": "title" })).ok();
    assert_eq!(titles(&found), ["e4", "k1", "y2"]);
    let beside = json!([{ "field": "currency", "op": "eq", "values": ["KWD"] }]);
    let any = json!([{ "field": "value", "op": "lt", "values": ["2"] }]);
    let found = owner.post("/deals/search", json!({ "all": beside, "any": any, "sort": "-value" })).ok();
    assert_eq!(titles(&found), ["k2"]);
    assert_eq!(titles(&owner.get("/deals?value__empty=true").ok()), ["none"]);
    // Pages put together are the list.
    let first = owner.get("/deals?currency=EUR&sort=-value&limit=3").ok();
    let cursor = first["page"]["next_cursor"].as_str().unwrap();
    let second = owner.get(&format!("/deals?currency=EUR&sort=-value&limit=3&cursor={cursor}")).ok();
    assert_eq!([titles(&first), titles(&second)].concat(), ["e2", "e1", "e4", "e3"]);
}

#[test]
fn amounts_of_several_currencies_are_not_compared() {
    let owner = funds();
    for (query, parameter) in [
        ("value__gte=5000", "currency"),
        ("value=5000", "currency"),
        ("value__ne=5000", "currency"),
        ("value__gte=5000&currency=EUR,JPY", "currency"),
        ("value__gte=5000&currency__ne=EUR", "currency"),
        ("value=5000,7000%20EUR", "currency"),
        ("sort=value", "sort"),
        ("sort=title,-value", "sort"),
        ("sort=-value&currency=EUR,JPY", "sort"),
        ("sort=-value&value=5000%20EUR,5000%20JPY", "sort"),
        ("value__gte=5%20XYZ", "value__gte"),
        ("value__gte=EUR", "value__gte"),
        ("value__gte=1.5%20EUR", "value__gte"),
    ] {
        let problem = owner.get(&format!("/deals?{query}")).problem(400, "invalid_parameter");
        assert_eq!(problem["errors"][0]["parameter"], parameter, "{query}: {problem}");
    }
    let problem = owner.get("/deals?value__gte=5000").expect(400);
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("currency=EUR"), "{problem}");
    owner.get("/analytics/funnel?value__gte=1").problem(400, "invalid_parameter");
    owner.get("/analytics/funnel?value__gte=1&currency=EUR").ok();
    let leads = owner.get("/pipelines?kind=lead").ok()["data"][0]["id"].as_str().unwrap().to_owned();
    owner.get(&format!("/analytics/funnel?pipeline_id={leads}&value__gte=1")).problem(400, "invalid_parameter");
    let one = |values: Json| json!([{ "field": "value", "op": "gte", "values": values }]);
    for (body, pointer) in [
        (json!({ "all": one(json!(["5"])) }), "/all/0/values"),
        (json!({ "any": one(json!(["5"])) }), "/any/0/values"),
        (json!({ "none": one(json!(["5"])) }), "/none/0/values"),
        (
            json!({ "any": [{ "field": "currency", "op": "eq", "values": ["EUR"] }, one(json!(["5"]))[0]] }),
            "/any/1/values",
        ),
        (json!({ "sort": "-value" }), "/sort"),
    ] {
        let problem = owner.post("/deals/search", body.clone()).problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
    }
    let kept = |more: Json| {
        let mut body =
            json!({ "resource": "deals", "name": "Big", "kind": "dynamic", "selection": { "all": one(json!(["5"])) } });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    owner.post("/segments", kept(json!({}))).problem(422, "validation_failed");
    owner.post("/segments", kept(json!({ "selection": { "all": one(json!(["5 EUR"])) } }))).created();
    let view = |selection: Json| {
        owner.post("/views", json!({ "resource": "deals", "name": "V", "sort": "-value", "selection": selection }))
    };
    view(json!({})).problem(422, "validation_failed");
    view(json!({ "all": one(json!(["5"])) })).problem(422, "validation_failed");
    let view = view(json!({ "all": one(json!(["5 EUR"])) })).created();
    assert_eq!(titles(&owner.post("/deals/search", json!({ "view_id": view["id"] })).ok()), ["e2", "e1"]);
    let all = json!({ "selection": { "all": one(json!(["5"])) } });
    owner.post("/deals/bulk-delete", all).problem(422, "validation_failed");
}

#[test]
fn every_amount_has_its_currency() {
    let owner = workspace();
    for (name, amount, currency) in [("A", 500, "EUR"), ("B", 400, "JPY"), ("C", 600, "JPY")] {
        let money = json!({ "amount": amount, "currency": currency });
        owner.post("/companies", json!({ "name": name, "revenue": money })).created();
        owner.post("/products", json!({ "name": name, "price": money })).created();
        owner.post("/leads", json!({ "title": name, "value": money })).created();
    }
    let names = |path: &str, member: &str| -> Vec<String> {
        let page = owner.get(path).ok();
        page["data"].as_array().unwrap().iter().map(|row| row[member].as_str().unwrap().to_owned()).collect()
    };
    for (path, amount, currency, member) in [
        ("companies", "revenue", "revenue_currency", "name"),
        ("products", "price", "price_currency", "name"),
        ("leads", "value", "currency", "title"),
    ] {
        assert_eq!(names(&format!("/{path}?{amount}__gte=450&{currency}=JPY"), member), ["C"]);
        assert_eq!(names(&format!("/{path}?{currency}=JPY&sort=-{amount}"), member), ["C", "B"]);
        owner.get(&format!("/{path}?{amount}__gte=450")).problem(400, "invalid_parameter");
        owner.get(&format!("/{path}?sort=-{amount}")).problem(400, "invalid_parameter");
    }
    owner
        .post("/custom-fields", json!({ "resource": "deals", "key": "budget", "name": "Budget", "kind": "money" }))
        .created();
    for (title, amount, currency) in [("A", 500, "EUR"), ("B", 400, "KWD"), ("C", 600, "KWD")] {
        let budget = json!([{ "key": "budget", "money": { "amount": amount, "currency": currency } }]);
        owner.post("/deals", json!({ "title": title, "custom_fields": budget })).created();
    }
    assert_eq!(names("/deals?cf=budget:gte:450%20KWD", "title"), ["C"]);
    assert_eq!(names("/deals?cf=budget:gt:0%20KWD&sort=-cf.budget", "title"), ["C", "B"]);
    assert_eq!(names("/deals?cf=budget:eq:500%20EUR,400KWD&sort=title", "title"), ["A", "B"]);
    for query in ["cf=budget:gte:450", "sort=cf.budget", "cf=budget:empty:false&sort=cf.budget"] {
        owner.get(&format!("/deals?{query}")).problem(400, "invalid_parameter");
    }
    let found = owner
        .post(
            "/deals/search",
            json!({ "all": [{ "field": "cf.budget", "op": "lt", "values": ["500 KWD"] }], "sort": "cf.budget" }),
        )
        .ok();
    assert_eq!(titles(&found), ["B"]);
}

#[test]
fn minor_units_are_those_of_the_standard() {
    let all = Client::anonymous().get("/currencies").ok()["data"].as_array().unwrap().clone();
    let exponent = |code: &str| all.iter().find(|c| c["code"] == code).map(|c| c["exponent"].as_i64().unwrap());
    for (digits, codes) in [
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
        (2, "AED AUD BRL CAD CHF CNY CZK DKK EUR GBP HUF INR MXN NOK NZD PLN RUB SEK SGD TRY UAH USD ZAR"),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
    ] {
        for code in codes.split(' ') {
            assert_eq!(exponent(code), Some(digits), "{code}");
        }
    }
    for none in ["XAU", "XTS", "XXX", "DEM"] {
        assert_eq!(exponent(none), None, "{none}");
    }
}

#[test]
fn conditions_that_were_kept_before_mean_the_base_currency() {
    let owner = funds();
    owner
        .post("/custom-fields", json!({ "resource": "deals", "key": "budget", "name": "Budget", "kind": "money" }))
        .created();
    let make = |name: &str| {
        let body = json!({ "resource": "deals", "name": name, "selection": { "all": [{ "field": "title", "op": "eq", "values": ["x"] }] } });
        id(&owner.post("/views", body).created())
    };
    let (big, sorted) = (make("Big"), make("Sorted"));
    let mut conn = PgConnection::establish(database_url()).unwrap();
    let old = r#"{"all": [{"field": "value", "op": "gte", "values": ["5000"]}, {"field": "title", "op": "ne", "values": ["x"]}], "any": [], "none": [{"field": "cf.budget", "op": "eq", "values": ["1", "2"]}]}"#;
    conn.batch_execute(&format!(
        "update views set selection = '{old}', sort = '-value' where id = '{big}'; update views set selection = '{{\"all\": []}}', sort = '-value' where id = '{sorted}';
         update workspaces set base_currency = 'EUR' where id = (select workspace_id from views where id = '{big}')"
    ))
    .unwrap();
    // Sent as one text, the migration is one transaction.
    conn.batch_execute(include_str!("../../migrations/2026-11-28-000013_named_currencies/up.sql")).unwrap();
    let kept = owner.get(&format!("/views/{big}")).ok();
    assert_eq!(kept["selection"]["all"][0]["values"], json!(["5000 EUR"]));
    assert_eq!(kept["selection"]["none"][0]["values"], json!(["1 EUR", "2 EUR"]));
    assert_eq!(titles(&owner.post("/deals/search", json!({ "view_id": big })).ok()), ["e2", "e1"]);
    assert_eq!(owner.get(&format!("/views/{sorted}")).ok()["sort"], Json::Null);
    assert_eq!(titles(&owner.post("/deals/search", json!({ "view_id": sorted })).ok()).len(), DEALS.len() + 1);
}

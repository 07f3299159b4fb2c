//! Amounts are compared within one currency, whatever its minor unit.
use crate::support::{Client, database_url, id, workspace};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use serde_json::{Value as Json, json};

/// The yen has no minor unit, the dinar a thousand fils.
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

/// Returns the titles of the matching deals, by amount.
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
fn amounts_are_compared_within_their_currency() {
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
                // With the amount, the currency is part of the value.
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
    // Amounts sort within their own currency.
    let any = json!([{ "field": "value", "op": "gte", "values": ["6000 JPY"] }, { "field": "value", "op": "eq", "values": ["5000 KWD", "0 EUR"] }]);
    let found = owner.post("/deals/search", json!({ "any": any, "sort": "title" })).ok();
    assert_eq!(titles(&found), ["e4", "k1", "y2"]);
    let beside = json!([{ "field": "currency", "op": "eq", "values": ["KWD"] }]);
    let any = json!([{ "field": "value", "op": "lt", "values": ["2"] }]);
    let found = owner.post("/deals/search", json!({ "all": beside, "any": any, "sort": "-value" })).ok();
    assert_eq!(titles(&found), ["k2"]);
    assert_eq!(titles(&owner.get("/deals?value__empty=true").ok()), ["none"]);
    // The concatenated pages equal the list.
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
fn every_amount_has_a_currency() {
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
fn minor_units_follow_iso_4217() {
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
fn older_saved_conditions_mean_the_base_currency() {
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

/// A list, its name member, and an amount on a related record.
const AWAY: [(&str, &str, &str); 4] = [
    ("contacts", "last_name", "deals.value"),
    ("companies", "name", "deals.value"),
    ("deals", "title", "company.revenue"),
    ("leads", "title", "company.revenue"),
];

/// Creates for each list a record related to 5,000 yen, one to 40.00 euros, and one to 90.00 euros and 1 yen.
fn beside_amounts() -> Client {
    let owner = workspace();
    for (name, amounts) in
        [("yen", vec![(5_000, "JPY")]), ("euro", vec![(4_000, "EUR")]), ("both", vec![(9_000, "EUR"), (1, "JPY")])]
    {
        let money = |(amount, currency): (i64, &str)| json!({ "amount": amount, "currency": currency });
        let contact = id(&owner.post("/contacts", json!({ "last_name": name })).created());
        let firm = id(&owner.post("/companies", json!({ "name": name, "revenue": money(amounts[0]) })).created());
        for amount in amounts {
            let deal = json!({ "title": name, "company_id": firm, "contacts": [{ "contact_id": contact }], "value": money(amount) });
            owner.post("/deals", deal).created();
        }
        owner.post("/leads", json!({ "title": name, "company_id": firm })).created();
    }
    owner
}

#[test]
fn related_amounts_need_one_currency_too() {
    let owner = beside_amounts();
    for (list, member, field) in AWAY {
        let one = |op: &str, values: &[&str]| json!({ "field": field, "op": op, "values": values });
        let found = |selection: Json| -> Vec<String> {
            let page = owner.post(&format!("/{list}/search"), selection).ok();
            let names = page["data"].as_array().unwrap().iter().map(|row| row[member].as_str().unwrap().to_owned());
            let mut names: Vec<String> = names.collect();
            names.sort();
            names.dedup();
            names
        };
        assert_eq!(found(json!({ "all": [one("gte", &["4000 EUR"])] })), ["both", "euro"], "{list}");
        assert_eq!(found(json!({ "all": [one("gte", &["4000 JPY"])] })), ["yen"], "{list}");
        assert_eq!(found(json!({ "all": [one("gt", &["4000eur"])] })), ["both"], "{list}");
        assert_eq!(found(json!({ "any": [one("in", &["4000 EUR", "5000 JPY"])] })), ["euro", "yen"], "{list}");
        assert_eq!(found(json!({ "none": [one("lt", &["5000 EUR"])] })), ["both", "yen"], "{list}");
        assert_eq!(found(json!({ "all": [one("empty", &["false"])] })), ["both", "euro", "yen"], "{list}");
        // A currency given next to the condition may belong to another related record.
        let (path, _) = field.split_once('.').unwrap();
        let currency = if path == "deals" { "deals.currency" } else { "company.revenue_currency" };
        let beside = json!({ "field": currency, "op": "eq", "values": ["EUR"] });
        for (selection, pointer) in [
            (json!({ "all": [one("gte", &["5000"])] }), "/all/0/values"),
            (json!({ "all": [beside, one("gte", &["5000"])] }), "/all/1/values"),
            (json!({ "any": [one("eq", &["5000"])] }), "/any/0/values"),
            (json!({ "none": [one("ne", &["1 EUR", "5000"])] }), "/none/0/values"),
        ] {
            let refused = |path: String, body: Json, at: &str| {
                let problem = owner.post(&path, body).problem(422, "validation_failed");
                assert_eq!(problem["errors"][0]["pointer"], format!("{at}{pointer}"), "{path} {selection}: {problem}");
                assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("50000 EUR"), "{problem}");
            };
            refused(format!("/{list}/search"), selection.clone(), "");
            refused(format!("/{list}/bulk-delete"), json!({ "selection": selection, "dry_run": true }), "/selection");
            let kept = json!({ "resource": list, "name": "N", "selection": selection });
            refused("/views".into(), kept.clone(), "/selection");
            let more = |more: Json| {
                let mut kept = kept.clone();
                kept.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                kept
            };
            refused("/segments".into(), more(json!({ "kind": "dynamic" })), "/selection");
            let rule = more(json!({ "action": "delete", "reason": "Old" }));
            refused("/retention-rules".into(), rule, "/selection");
        }
        let chosen = json!({ "selection": { "all": [one("lt", &["4001 EUR"])] }, "dry_run": true });
        assert_eq!(owner.post(&format!("/{list}/bulk-delete"), chosen).ok()["first"][0]["name"], "euro", "{list}");
    }
}

#[test]
fn older_saved_related_conditions_mean_the_base_currency() {
    let owner = beside_amounts();
    let selection = json!({ "all": [{ "field": "company.revenue", "op": "gte", "values": ["1 EUR"] }] });
    let view = json!({ "resource": "deals", "name": "Big", "selection": selection });
    let view = id(&owner.post("/views", view).created());
    let rule = json!({ "name": "N", "resource": "contacts", "action": "erase", "reason": "Old",
        "selection": { "any": [{ "field": "deals.value", "op": "lt", "values": ["1 EUR"] }] } });
    let rule = id(&owner.post("/retention-rules", rule).created());
    let mut conn = PgConnection::establish(database_url()).unwrap();
    conn.batch_execute(&format!(
        "update views set selection = replace(selection::text, '1 EUR', '3999')::jsonb where id = '{view}';
         update retention_rules set selection = replace(selection::text, '1 EUR', '5000')::jsonb where id = '{rule}';
         update workspaces set base_currency = 'EUR' where id = (select workspace_id from views where id = '{view}')"
    ))
    .unwrap();
    conn.batch_execute(include_str!("../../migrations/2026-11-28-000070_currencies_away/up.sql")).unwrap();
    let kept = owner.get(&format!("/views/{view}")).ok();
    assert_eq!(kept["selection"]["all"][0]["values"], json!(["3999 EUR"]));
    assert_eq!(titles(&owner.post("/deals/search", json!({ "view_id": view, "sort": "title" })).ok())[2..], ["euro"]);
    assert_eq!(owner.get(&format!("/retention-rules/{rule}/preview")).ok()["first"][0]["name"], "euro");
}

#[test]
fn currency_codes_are_case_insensitive() {
    let owner = funds();
    assert_eq!(titles(&owner.get("/deals?currency=eur&sort=-value").ok()), ["e2", "e1", "e4", "e3"]);
    assert_eq!(titles(&owner.get("/deals?currency=Kwd&value__lt=2").ok()), ["k2"]);
    assert_eq!(titles(&owner.get("/deals?value__gte=6000%20jpy").ok()), ["y2"]);
    assert_eq!(titles(&owner.get("/deals?currency__ne=eur,jpy,kwd").ok()), ["none"]);
    let one = json!([{ "field": "currency", "op": "eq", "values": ["jpy"] }]);
    assert_eq!(titles(&owner.post("/deals/search", json!({ "all": one, "sort": "value" })).ok()), ["y1", "y2"]);
    for query in [
        "deals?currency=XYZ",
        "deals?currency__ne=EUR,euro",
        "leads?currency=XAU",
        "companies?revenue_currency=E",
        "products?price_currency=DEM",
        "analytics/funnel?currency=XYZ",
    ] {
        owner.get(&format!("/{query}")).problem(400, "invalid_parameter");
    }
    let wrong = json!([{ "field": "currency", "op": "in", "values": ["EUR", "XYZ"] }]);
    let problem = owner.post("/deals/search", json!({ "all": wrong })).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/all/0/values");
}

/// A view or segment combined with a search may supply its currency.
#[test]
fn a_saved_currency_applies_to_the_combined_request() {
    let owner = funds();
    let in_euros = json!({ "all": [{ "field": "currency", "op": "eq", "values": ["EUR"] }] });
    let view = json!({ "resource": "deals", "name": "V", "sort": "-value", "selection": in_euros });
    let view = id(&owner.post("/views", view).created());
    let segment = json!({ "resource": "deals", "name": "S", "kind": "dynamic", "selection": in_euros });
    let segment = id(&owner.post("/segments", segment).created());
    let more = json!([{ "field": "value", "op": "gt", "values": ["8"] }]);
    for (name, kept) in [("view_id", &view), ("segment_id", &segment)] {
        let found = owner.post("/deals/search", json!({ name: kept, "all": more, "sort": "-value" })).ok();
        assert_eq!(titles(&found), ["e2", "e1"], "{name}");
        let found = owner.post("/deals/search", json!({ name: kept, "none": more, "sort": "-value" })).ok();
        assert_eq!(titles(&found), ["e4", "e3"], "{name}");
        let chosen =
            owner.post("/deals/bulk-delete", json!({ "selection": { name: kept, "all": more }, "dry_run": true }));
        assert_eq!(chosen.ok()["total"], 2, "{name}");
    }
    // A sort order and the currency it needs are checked together, whichever of them changes.
    let path = format!("/views/{view}");
    for changes in [json!({ "selection": { "all": [] } }), json!({ "selection": { "all": more } })] {
        let problem = owner.patch(&path, changes.clone()).problem(422, "validation_failed");
        assert!(!problem["errors"].as_array().unwrap().is_empty(), "{changes}: {problem}");
    }
    owner.patch(&path, json!({ "selection": { "all": [] }, "sort": "title" })).ok();
    owner.patch(&path, json!({ "sort": "-value" })).problem(422, "validation_failed");
    owner.patch(&path, json!({ "name": "W" })).ok();
    owner.patch(&path, json!({ "sort": "-value", "selection": in_euros })).ok();
    assert_eq!(titles(&owner.post("/deals/search", json!({ "view_id": view })).ok()), ["e2", "e1", "e4", "e3"]);
}

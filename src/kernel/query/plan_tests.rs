use super::*;
use crate::kernel::fields::custom::CustomKind;
use crate::kernel::samples::{BOAT, actor, actor_who_may, custom_field, refusals, sql, with_fields, without_field};
use uuid::Uuid;

const ANN: &str = "018f0c3e-7b5a-7cc0-8000-000000000001";

/// What a query asks for, as a condition.
fn asked(query: &str, actor: &Actor) -> Result<String, Vec<String>> {
    let plan = BOAT.plan(query, actor).map_err(|error| refusals(&error))?;
    Ok(format!("{:?}", plan.filter.fragment()))
}

#[test]
fn parameters_become_conditions() {
    let ann = &format!("All([Is(owner_id, Eq, Uuid([{ANN}]))])");
    for (query, expected) in [
        ("", "All([])"),
        ("name=Ann", r#"All([Is(name, Eq, Text(["Ann"]))])"#),
        ("name=Ann,Bob", r#"All([Is(name, Eq, Text(["Ann", "Bob"]))])"#),
        ("name=Ann&name=Bob", r#"All([Is(name, Eq, Text(["Ann", "Bob"]))])"#),
        (r"name=Ann\,Bob", r#"All([Is(name, Eq, Text(["Ann,Bob"]))])"#),
        ("name__ne=Ann", r#"All([Not(Is(name, Eq, Text(["Ann"])))])"#),
        ("name__contains=50%25", r#"All([Is(name, Contains, Text(["%50\\%%"]))])"#),
        ("name__contains=a,b", r#"All([Is(name, Contains, Text(["%a,b%"]))])"#),
        ("name__starts_with=An", r#"All([Is(name, StartsWith, Text(["An%"]))])"#),
        ("hull__empty=true", "All([Empty(hull)])"),
        ("hull__empty=false", "All([Not(Empty(hull))])"),
        ("hull=steel", r#"All([Is(hull, Eq, Text(["steel"]))])"#),
        ("email=ANN@X.example", r#"All([Is(email, Eq, Text(["ann@x.example"]))])"#),
        ("length__gte=10&length__lt=20", "All([Is(length, Gte, Int([10])), Is(length, Lt, Int([20]))])"),
        ("length__gt=-1", "All([Is(length, Gt, Int([-1]))])"),
        ("length__lte=5", "All([Is(length, Lte, Int([5]))])"),
        ("seaworthy=false", "All([Is(seaworthy, Eq, Bool([false]))])"),
        ("sold_on=2026-01-31", "All([Is(sold_on, Eq, Date([2026-01-31]))])"),
        ("tags=vip,north", r#"All([Carries(tags, ["vip", "north"])])"#),
        ("tags__ne=vip", r#"All([Not(Carries(tags, ["vip"]))])"#),
        ("tags__all=vip,north", r#"All([All([Carries(tags, ["vip"]), Carries(tags, ["north"])])])"#),
        (&format!("owner_id={ANN}"), ann),
        (&format!("id={ANN}"), &ann.replace("owner_id", "id")),
        ("q=anna boat", r#"All([Mentions(fold(boats.name), ["anna", "boat"])])"#),
        ("price__gte=500 EUR", r#"All([All([Is(currency, Eq, Text(["EUR"])), Is(price, Gte, Int([500]))])])"#),
        ("price__gte=500&currency=EUR", r#"All([Is(currency, Eq, Text(["EUR"])), Is(price, Gte, Int([500]))])"#),
    ] {
        assert_eq!(asked(query, &actor()), Ok(expected.to_owned()), "{query}");
    }
    let me = asked("owner_id=me", &actor()).unwrap();
    assert_eq!(me, format!("All([Is(owner_id, Eq, Uuid([{}]))])", actor().user));
}

#[test]
fn invalid_parameters_are_rejected() {
    for (query, expected) in [
        ("nmae=x", vec!["nmae unknown_parameter"]),
        ("name__gt=x", vec!["name__gt unknown_parameter"]),
        ("length__contains=1", vec!["length__contains unknown_parameter"]),
        ("name__empty=true", vec!["name__empty unknown_parameter"]),
        ("hull=glass", vec!["hull invalid_choice"]),
        ("hull__empty=yes", vec!["hull__empty invalid_format"]),
        ("length=1.5", vec!["length invalid_format"]),
        ("seaworthy=yes", vec!["seaworthy invalid_format"]),
        ("sold_on=31.01.2026", vec!["sold_on invalid_format"]),
        ("created_at__gt=2026-01-31", vec!["created_at__gt invalid_format"]),
        ("owner_id=you", vec!["owner_id invalid_format"]),
        ("id=me", vec!["id invalid_format"]),
        ("currency=EURO", vec!["currency invalid_format"]),
        ("price__gt=5", vec!["currency required"]),
        ("price__gt=5&currency=EUR,USD", vec!["currency required"]),
        ("length=x&hull=glass", vec!["hull invalid_choice", "length invalid_format"]),
        ("limit=0", vec!["limit out_of_range"]),
        ("limit=501", vec!["limit out_of_range"]),
        ("limit=x", vec!["limit out_of_range"]),
        ("sort=nmae", vec!["sort invalid_choice"]),
        ("sort=tags", vec!["sort invalid_choice"]),
        ("sort=name,-name", vec!["sort stated_twice"]),
        ("sort=price", vec!["sort invalid"]),
        ("include=captain", vec!["include invalid_choice"]),
        ("cursor=x", vec!["cursor cursor_invalid"]),
        ("include_total=1", vec!["include_total invalid_format"]),
        ("columns=name", vec!["columns unknown_parameter"]),
    ] {
        assert_eq!(asked(query, &actor()), Err(expected.into_iter().map(str::to_owned).collect()), "{query}");
    }
}

#[test]
fn searches_have_a_limit_and_partial_texts_are_costly() {
    let words = |count: u8| (0..count).map(|n| char::from(b'a' + n).to_string()).collect::<Vec<_>>().join("+");
    assert!(asked(&format!("q={}", words(12)), &actor()).is_ok());
    assert_eq!(asked(&format!("q={}", words(13)), &actor()), Err(vec!["q too_long".to_owned()]));
    assert_eq!(asked(&format!("q={}", "x".repeat(257)), &actor()), Err(vec!["q too_long".to_owned()]));
    assert!(asked(&format!("q={}", "ж".repeat(256)), &actor()).is_ok());
    let costly = |query: &str| BOAT.plan(query, &actor()).unwrap().costly;
    assert!(!costly("name=a&length=1&seaworthy=true&hull=wood"));
    assert!(costly("name__contains=a"));
}

#[test]
fn a_list_is_sorted_by_its_keys_and_then_by_the_id() {
    for (query, expected) in [
        ("", r#""boats"."created_at" desc, "boats"."id" desc"#),
        ("sort=length", r#""boats"."length", "boats"."id""#),
        ("sort=-length,created_at", r#""boats"."length" desc, "boats"."created_at", "boats"."id""#),
        ("sort=-sold_on", r#""boats"."sold_on" desc nulls last, "boats"."id" desc"#),
        ("sort=name", r#""boats"."name" collate sort_et, "boats"."id""#),
        ("sort=-hull", r#""boats"."hull" desc nulls last, "boats"."id" desc"#),
        ("sort=price&currency=EUR", r#""boats"."price_amount", "boats"."id""#),
    ] {
        let plan = BOAT.plan(query, &actor()).unwrap();
        assert_eq!(sql(plan.order.fragment()), format!("{expected} -- binds: []"), "{query}");
    }
}

#[test]
fn deleted_records_are_for_those_who_may_delete() {
    let hidden = r#""boats"."deleted_at" is null"#;
    for (query, expected) in [
        ("", hidden),
        ("include_deleted=false", hidden),
        ("include_deleted=true", "true"),
        ("only_deleted=true", r#""boats"."deleted_at" is not null"#),
        ("include_deleted=true&only_deleted=true", r#""boats"."deleted_at" is not null"#),
    ] {
        let plan = BOAT.plan(query, &actor()).unwrap();
        assert_eq!(sql(plan.soft_delete.fragment()), format!("{expected} -- binds: []"), "{query}");
    }
    let refused = BOAT.plan("only_deleted=true", &actor_who_may(&[])).unwrap_err();
    assert_eq!(refused.code().as_str(), "forbidden");
    assert!(BOAT.plan("only_deleted=false", &actor_who_may(&[])).is_ok());
}

#[test]
fn hidden_custom_fields_cannot_be_sorted_by() {
    let actor = with_fields(actor(), vec![custom_field("region", CustomKind::Text, &[])]);
    let order = |actor: &Actor| BOAT.plan("sort=cf.region", actor).map(|plan| sql(plan.order.fragment()));
    let expected = r#"(boats.custom -> $1 ->> 'text') collate sort_et, "boats"."id" -- binds: ["region"]"#;
    assert_eq!(order(&actor).unwrap(), expected);
    let refused = order(&without_field(actor, "cf.region")).unwrap_err();
    assert_eq!(refusals(&refused), ["sort invalid_choice"]);
}

#[derive(Serialize)]
struct Row {
    id: Uuid,
    name: String,
    length: i64,
}

/// Rows that sort as they are numbered.
fn rows(count: usize) -> Vec<Row> {
    let row = |n: u8| Row { id: Uuid::from_u128(n.into()), name: format!("boat {n}"), length: n.into() };
    (0..).map(row).take(count).collect()
}

fn next(query: &str, actor: &Actor, fetched: usize) -> PageInfo {
    BOAT.plan(query, actor).unwrap().cut(&mut rows(fetched), 0).unwrap()
}

#[test]
fn a_full_page_has_a_cursor() {
    for (case, fetched, kept, has_more) in
        [("empty", 0, 0, false), ("short", 1, 1, false), ("just full", 2, 2, false), ("one more", 3, 2, true)]
    {
        let mut rows = rows(fetched);
        let page = BOAT.plan("limit=2&sort=length", &actor()).unwrap().cut(&mut rows, 0).unwrap();
        assert_eq!(rows.len(), kept, "{case}");
        assert_eq!(page.has_more, has_more, "{case}");
        assert_eq!(page.next_cursor.is_some(), has_more, "{case}");
    }
}

#[test]
fn a_cursor_continues_after_the_last_row() {
    let cursor = next("limit=2&sort=length", &actor(), 3).next_cursor.unwrap();
    let plan = BOAT.plan(&format!("limit=2&sort=length&cursor={cursor}"), &actor()).unwrap();
    let last = Uuid::from_u128(1);
    let expected = r#"("boats"."length" >= $1 and ("boats"."length" > $2 or ("boats"."id" > $3)))"#;
    assert_eq!(sql(plan.seek.fragment()), format!("{expected} -- binds: [1, 1, {last}]"));
    assert_eq!(sql(BOAT.plan("sort=length", &actor()).unwrap().seek.fragment()), "true -- binds: []");
}

#[test]
fn a_cursor_belongs_to_one_list() {
    let query = "sort=length&limit=2&hull=wood";
    let cursor = next(query, &actor(), 3).next_cursor.unwrap();
    let stranger = Actor { workspace: Uuid::from_u128(9), ..actor() };
    for (case, query, actor, expected) in [
        ("the same list", query, actor(), None),
        ("another order of the parameters", "hull=wood&sort=length&limit=2", actor(), None),
        ("another limit", "sort=length&limit=7&hull=wood", actor(), None),
        ("another filter", "sort=length&limit=2&hull=steel", actor(), Some("cursor cursor_mismatch")),
        ("no filter", "sort=length&limit=2", actor(), Some("cursor cursor_mismatch")),
        ("another sort", "sort=-length&limit=2&hull=wood", actor(), Some("cursor cursor_mismatch")),
        ("deleted ones too", "sort=length&hull=wood&include_deleted=true", actor(), Some("cursor cursor_mismatch")),
        ("another workspace", query, stranger, Some("cursor cursor_mismatch")),
    ] {
        let refused = BOAT.plan(&format!("{query}&cursor={cursor}"), &actor).err().map(|error| refusals(&error));
        assert_eq!(refused, expected.map(|refusal| vec![refusal.to_owned()]), "{case}");
    }
}

#[test]
fn a_ranked_list_continues_with_the_other_records() {
    let ranked = |past_best| Plan { best: Some(On::new(Part::default())), past_best, ..plan_of_two() };
    for (case, plan, best, others, total, limits) in [
        ("no rank", plan_of_two(), 0, 9, 3, vec![3]),
        ("none is best", ranked(false), 0, 9, 3, vec![3, 3]),
        ("one is best", ranked(false), 1, 9, 3, vec![3, 2]),
        ("all are best", ranked(false), 3, 9, 3, vec![3]),
        ("behind the best", ranked(true), 0, 1, 1, vec![3]),
    ] {
        let mut asked = Vec::new();
        let load = |part: &On<_, Part>, _: &On<_, Seek>, limit: i64| {
            let of_best = plan.best.as_ref().is_some_and(|best| std::ptr::eq(best, part));
            asked.push(limit);
            Ok(vec![(); usize::try_from(limit).unwrap().min(if of_best { best } else { others })])
        };
        let (rows, of_best) = plan.load(load).unwrap();
        assert_eq!(rows.len(), total, "{case}: rows");
        assert_eq!(of_best, best, "{case}: best ones");
        assert_eq!(asked, limits, "{case}: limits");
    }
}

fn plan_of_two() -> Plan<crate::kernel::samples::boats::table> {
    BOAT.plan("limit=2", &actor()).unwrap()
}

#[test]
fn a_file_has_its_own_limit() {
    let limit = |query: &str| BOAT.plan(query, &actor()).unwrap().as_file(Cond::Any(Vec::new())).limit;
    assert_eq!(limit(""), 10_000);
    assert_eq!(limit("limit=7"), 7);
    let file = BOAT.plan("hull=wood&include_total=true", &actor()).unwrap().as_file(Cond::Any(Vec::new()));
    assert_eq!(format!("{:?}", file.filter.fragment()), r#"All([All([Is(hull, Eq, Text(["wood"]))]), Any([])])"#);
    assert!(!file.total);
}

#[test]
fn records_are_included_by_name() {
    let names = |query: &str| BOAT.plan(query, &actor()).unwrap().include.iter().map(|f| f.name).collect::<Vec<_>>();
    assert_eq!(names("include=owner"), ["owner_id"]);
    assert_eq!(names("include="), Vec::<&str>::new());
    assert_eq!(BOAT.included("include=owner").unwrap().len(), 1);
    assert_eq!(refusals(&BOAT.included("include=owner&sort=name").unwrap_err()), ["sort unknown_parameter"]);
}

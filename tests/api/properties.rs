//! Property tests: conditions mean the same in SQL and in memory, and concatenated pages equal the sorted list.
use crate::support::{server, unique, workspace};
use diesel::prelude::*;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use voronka::kernel::fields::cond::{Cond, Op, pattern};
use voronka::kernel::fields::field::FieldRef;
use voronka::kernel::fields::kind::Kind;
use voronka::kernel::values::typed::Values;
use voronka::kernel::values::value_type::ValueType;
use voronka::people::contacts::model::{CONTACT, Contact};
use voronka::schema::contacts;

const TEXTS: [&str; 7] = ["Ann", "ann", "Жанна", "50% off_", r"b\c", "email", "hot"];
/// Options that differ only in case are equal.
const CHOICES: [&str; 6] = ["Ann", "Жанна", "50% off_", r"b\c", "email", "hot"];
const TAGS: [&str; 3] = ["vip", "north", "Жук"];
const TIMES: [&str; 3] = ["2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.001Z", "2031-12-31T23:59:59.999Z"];
const DATES: [&str; 2] = ["1990-02-28", "2000-01-01"];

const SIZES: [f64; 4] = [0.5, 2.0, -1.25, 1e12];

/// Creates a workspace with many ties, gaps and custom fields; returns its rows as the API answers them.
fn rows() -> (uuid::Uuid, Vec<Json>) {
    let owner = workspace();
    let me = owner.get("/me").ok();
    for (key, kind) in
        [("motto", "text"), ("size", "number"), ("since", "date"), ("gold", "boolean"), ("buyer", "user")]
    {
        let body = json!({ "resource": "contacts", "key": key, "name": key, "kind": kind });
        owner.post("/custom-fields", body).created();
    }
    for (key, kind) in [("mood", "choice"), ("likes", "multi_choice")] {
        let body = json!({ "resource": "contacts", "key": key, "name": key, "kind": kind, "options": CHOICES });
        owner.post("/custom-fields", body).created();
    }
    for n in 0..60_usize {
        let pick = |salt: usize| (n * 7919 + salt * 104_729) >> 3;
        let maybe = |salt: usize, value: Json| if pick(salt).is_multiple_of(3) { Json::Null } else { value };
        let body = json!({
            "first_name": TEXTS[pick(1) % 7], "last_name": maybe(2, json!(TEXTS[pick(3) % 7])), "position": maybe(4, json!(TEXTS[pick(5) % 7])),
            "custom_fields": [
                { "key": "motto", "text": maybe(20, json!(TEXTS[pick(21) % 7])) }, { "key": "size", "number": maybe(22, json!(SIZES[pick(23) % 4])) },
                { "key": "since", "date": maybe(24, json!(DATES[pick(25) % 2])) }, { "key": "gold", "flag": maybe(26, json!(pick(27).is_multiple_of(2))) },
                { "key": "buyer", "id": maybe(28, me["user"]["id"].clone()) }, { "key": "mood", "text": maybe(29, json!(CHOICES[pick(30) % 6])) },
                { "key": "likes", "options": CHOICES.iter().enumerate().filter(|(t, _)| pick(31 + t).is_multiple_of(3)).map(|(_, text)| *text).collect::<Vec<_>>() },
            ],
            "emails": maybe(6, json!([{ "email": format!("{}@x.io", unique("p")) }, { "email": format!("{}@x.io", unique("s")) }])),
            "phones": maybe(40, json!([{ "phone": format!("+372 5550 10{n}") }, { "phone": format!("(212) 736-50{n}") }])), "birthday": maybe(7, json!(DATES[pick(8) % 2])),
            "preferred_channel": maybe(9, json!("email")), "do_not_contact": pick(10).is_multiple_of(2),
            "owner_id": maybe(11, me["user"]["id"].clone()),
            "first_touch": maybe(40, json!({ "campaign": maybe(41, json!(TEXTS[pick(42) % 7])), "at": TIMES[pick(43) % 3] })),
            "tags": TAGS.iter().enumerate().filter(|(t, _)| pick(12 + t).is_multiple_of(2)).map(|(_, tag)| *tag).collect::<Vec<_>>(),
        });
        owner.post("/contacts", body).created();
    }
    let rows = owner.get("/contacts?limit=500").ok()["data"].as_array().unwrap().clone();
    (me["workspace"]["id"].as_str().unwrap().parse().unwrap(), rows)
}

fn values(field: &FieldRef, count: usize, rows: &[Json]) -> BoxedStrategy<Values> {
    fn many<T: Clone + std::fmt::Debug + 'static>(
        pool: Vec<T>,
        n: usize,
        f: fn(Vec<T>) -> Values,
    ) -> BoxedStrategy<Values> {
        prop::collection::vec(select(pool), n).prop_map(f).boxed()
    }
    let own = |list: &str, member: &str| -> Vec<String> {
        let items = rows.iter().flat_map(|row| row[list].as_array().unwrap()).step_by(5);
        items.filter_map(|item| Some(item[member].as_str()?.trim_start_matches('+').to_owned())).collect()
    };
    match field.value_type() {
        ValueType::Text if field.name() == "email" => many(own("emails", "email"), count, Values::Text),
        ValueType::Text if field.name() == "phone" => many(own("phones", "e164"), count, Values::Text),
        ValueType::Text | ValueType::TextArray => {
            many(TEXTS.iter().map(|t| (*t).to_owned()).collect(), count, Values::Text)
        }
        ValueType::Uuid => {
            let known = rows.iter().filter_map(|r| r["owner_id"].as_str()?.parse().ok()).take(1);
            many(known.chain([uuid::Uuid::nil()]).collect(), count, Values::Uuid)
        }
        ValueType::Time => {
            let known = rows.iter().filter_map(|r| r["created_at"].as_str()?.parse().ok()).take(20);
            many(known.chain(TIMES.iter().map(|t| t.parse().unwrap())).collect(), count, Values::Time)
        }
        ValueType::Date => many(DATES.iter().map(|d| d.parse().unwrap()).collect(), count, Values::Date),
        ValueType::Int => many(vec![0, 1, -1, i64::MAX], count, Values::Int),
        ValueType::Number => many(SIZES.into_iter().chain([0.0]).collect(), count, Values::Number),
        ValueType::Bool => many(vec![true, false], count, Values::Bool),
    }
}

fn leaf(rows: &'static [Json], known: &'static [FieldRef]) -> impl Strategy<Value = Cond> {
    let of = |keep: fn(&FieldRef) -> bool| select(known.iter().filter(|f| keep(f)).cloned().collect::<Vec<_>>());
    let scalar = || of(|f| f.value_type() != ValueType::TextArray);
    let text = select(vec!["an", "", "%", "_", "\\", "Ж", "ЖА", "off_", "50%", "s1", "0736", "55501"]);
    let like = (of(|f| f.value_type() == ValueType::Text), select(vec![Op::Contains, Op::StartsWith]), text);
    let ordered = of(|f| matches!(f.value_type(), ValueType::Time | ValueType::Date | ValueType::Number));
    let compare = (ordered, select(vec![Op::Gt, Op::Gte, Op::Lt, Op::Lte]));
    let words =
        prop::collection::vec(select(TAGS.into_iter().chain(TEXTS).map(str::to_owned).collect::<Vec<_>>()), 0..3);
    let pieces = prop::collection::vec(select(vec!["an", "жан", "off", "%", "\\", "@x.io"]), 0..3);
    let equal = |f: FieldRef, n| values(&f, n, rows).prop_map(move |v| Cond::Is(f.clone(), Op::Eq, v));
    let past = |f: FieldRef, op| values(&f, 1, rows).prop_map(move |v| Cond::Is(f.clone(), op, v));
    prop_oneof![
        (scalar(), 0..4_usize).prop_flat_map(move |(f, n)| equal(f, n)),
        compare.prop_flat_map(move |(f, op)| past(f, op)),
        like.prop_map(|(f, op, text)| Cond::Is(f, op, Values::Text(vec![pattern(op, text)]))),
        of(|f| f.nullable() || f.value_type() == ValueType::TextArray).prop_map(Cond::Empty),
        (of(|f| f.value_type() == ValueType::TextArray), words).prop_map(|(f, words)| Cond::Carries(f, words)),
        pieces
            .prop_map(|p| Cond::Mentions(CONTACT.search.as_ref().unwrap(), p.into_iter().map(str::to_owned).collect())),
    ]
}

fn cond(rows: &'static [Json], known: &'static [FieldRef]) -> impl Strategy<Value = Cond> {
    leaf(rows, known).prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Cond::All),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Cond::Any),
            inner.prop_map(|c| !c),
        ]
    })
}

#[test]
fn a_condition_means_the_same_in_sql_and_in_memory() {
    let (workspace, rows) = rows();
    let rows: &'static [Json] = Box::leak(rows.into_boxed_slice());
    let own = server().db.run_blocking(|conn| voronka::db::custom::load(conn, workspace)).unwrap();
    let own = own.active(Kind::CONTACT).map(|field| FieldRef::Custom(field.clone()));
    let known: Vec<FieldRef> = CONTACT.all.iter().map(FieldRef::Built).chain(own).collect();
    assert!(known.len() > CONTACT.all.len() + 6);
    let known: &'static [FieldRef] = Box::leak(known.into_boxed_slice());
    let telling = std::cell::Cell::new(0);
    let config = Config { cases: 600, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&cond(rows, known), |cond| {
            let expected: BTreeSet<String> =
                rows.iter().filter(|row| cond.eval(row)).map(|r| r["id"].to_string()).collect();
            let filter = CONTACT.on(cond.clone());
            let found: Vec<Contact> = server()
                .db
                .run_blocking(|conn| {
                    let query = contacts::table.filter(contacts::workspace_id.eq(workspace)).filter(&filter);
                    Ok(query.select(Contact::as_select()).load(conn)?)
                })
                .unwrap();
            let found: BTreeSet<String> = found.iter().map(|c| json!(c.id).to_string()).collect();
            telling.set(telling.get() + u32::from((1..rows.len()).contains(&expected.len())));
            prop_assert_eq!(&found, &expected, "{:?}", cond);
            Ok(())
        })
        .unwrap();
    assert!(telling.get() > 100, "only {} of the conditions match some rows but not all", telling.get());
}

#[test]
fn concatenated_pages_equal_the_sorted_list() {
    let owner = workspace();
    for (key, kind) in [("motto", "text"), ("size", "number")] {
        owner
            .post("/custom-fields", json!({ "resource": "contacts", "key": key, "name": key, "kind": kind }))
            .created();
    }
    for n in 0..40_usize {
        let motto = (!n.is_multiple_of(5)).then(|| TEXTS[n % 3]);
        let size = (!n.is_multiple_of(4)).then(|| SIZES[n % 3]);
        let last = (!n.is_multiple_of(3)).then(|| TEXTS[n % 3]);
        let born = (!n.is_multiple_of(4)).then(|| DATES[n % 2]);
        owner
            .post(
                "/contacts",
                json!({ "first_name": TEXTS[n % 4], "last_name": last, "birthday": born, "tags": [TAGS[n % 3]],
                    "custom_fields": [{ "key": "motto", "text": motto }, { "key": "size", "number": size }] }),
            )
            .created();
    }
    for sort in [
        "first_name",
        "-first_name",
        "last_name,-birthday",
        "-birthday,last_name,first_name",
        "-do_not_contact",
        "-created_at",
        "birthday",
        "cf.motto",
        "-cf.size,cf.motto",
    ] {
        for filter in ["", "&tags=vip,north", "&last_name__empty=false"] {
            let all = owner.get(&format!("/contacts?limit=500&sort={sort}{filter}")).ok();
            let all: Vec<&Json> = all["data"].as_array().unwrap().iter().map(|r| &r["id"]).collect();
            for size in [1, 3, 7] {
                let (mut walked, mut cursor) = (Vec::new(), String::new());
                loop {
                    let page = owner.get(&format!("/contacts?limit={size}&sort={sort}{filter}{cursor}")).ok();
                    walked.extend(page["data"].as_array().unwrap().iter().map(|r| r["id"].clone()));
                    let Some(next) = page["page"]["next_cursor"].as_str() else { break };
                    cursor = format!("&cursor={next}");
                }
                assert_eq!(walked.iter().collect::<Vec<_>>(), all, "{sort}{filter} by {size}");
            }
        }
    }
}

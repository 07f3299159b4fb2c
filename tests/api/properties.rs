//! Conditions mean the same in SQL and in memory, and pages put together are the sorted list: random questions, random rows.
use crate::support::{server, unique, workspace};
use diesel::prelude::*;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use voronka::kernel::cond::{Cond, Op, fold, pattern};
use voronka::kernel::field::{Field, Kind, Values};
use voronka::people::contacts::model::{CONTACT, Contact};
use voronka::schema::contacts;

const TEXTS: [&str; 7] = ["Ann", "ann", "Жанна", "50% off_", r"b\c", "email", "hot"];
const TAGS: [&str; 3] = ["vip", "north", "Жук"];
const TIMES: [&str; 3] = ["2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.001Z", "2031-12-31T23:59:59.999Z"];
const DATES: [&str; 2] = ["1990-02-28", "2000-01-01"];

/// A workspace full of ties and gaps, and its rows as the API answers them.
fn rows() -> (uuid::Uuid, Vec<Json>) {
    let owner = workspace();
    let me = owner.get("/me").ok();
    for n in 0..60_usize {
        let pick = |salt: usize| (n * 7919 + salt * 104_729) >> 3;
        let maybe = |salt: usize, value: Json| if pick(salt).is_multiple_of(3) { Json::Null } else { value };
        let body = json!({
            "first_name": TEXTS[pick(1) % 7], "last_name": maybe(2, json!(TEXTS[pick(3) % 7])), "position": maybe(4, json!(TEXTS[pick(5) % 7])),
            "email": maybe(6, json!(format!("{}@x.io", unique("p")))), "birthday": maybe(7, json!(DATES[pick(8) % 2])),
            "preferred_channel": maybe(9, json!("email")), "do_not_contact": pick(10).is_multiple_of(2),
            "owner_id": maybe(11, me["user"]["id"].clone()),
            "tags": TAGS.iter().enumerate().filter(|(t, _)| pick(12 + t).is_multiple_of(2)).map(|(_, tag)| *tag).collect::<Vec<_>>(),
        });
        owner.post("/contacts", body).created();
    }
    let rows = owner.get("/contacts?limit=500").ok()["data"].as_array().unwrap().clone();
    (me["workspace"]["id"].as_str().unwrap().parse().unwrap(), rows)
}

fn values(field: &'static Field, count: usize, rows: &[Json]) -> BoxedStrategy<Values> {
    fn many<T: Clone + std::fmt::Debug + 'static>(
        pool: Vec<T>,
        n: usize,
        f: fn(Vec<T>) -> Values,
    ) -> BoxedStrategy<Values> {
        prop::collection::vec(select(pool), n).prop_map(f).boxed()
    }
    match field.kind {
        Kind::Text | Kind::Words => many(TEXTS.iter().map(|t| (*t).to_owned()).collect(), count, Values::Text),
        Kind::Uuid => {
            let known = rows.iter().filter_map(|r| r["owner_id"].as_str()?.parse().ok()).take(1);
            many(known.chain([uuid::Uuid::nil()]).collect(), count, Values::Uuid)
        }
        Kind::Time => {
            let known = rows.iter().filter_map(|r| r["created_at"].as_str()?.parse().ok()).take(20);
            many(known.chain(TIMES.iter().map(|t| t.parse().unwrap())).collect(), count, Values::Time)
        }
        Kind::Date => many(DATES.iter().map(|d| d.parse().unwrap()).collect(), count, Values::Date),
        Kind::Int => many(vec![0, 1, -1, i64::MAX], count, Values::Int),
        Kind::Bool => many(vec![true, false], count, Values::Bool),
    }
}

fn leaf(rows: &'static [Json]) -> impl Strategy<Value = Cond> {
    let of = |keep: fn(&Field) -> bool| select(CONTACT.all.iter().filter(|f| keep(f)).collect::<Vec<&'static Field>>());
    let scalar = || of(|f| f.kind != Kind::Words);
    let text = select(vec!["an", "", "%", "_", "\\", "Ж", "ЖА", "off_", "50%"]);
    let like = (of(|f| f.kind == Kind::Text), select(vec![Op::Contains, Op::StartsWith]), text);
    let compare = (of(|f| matches!(f.kind, Kind::Time | Kind::Date)), select(vec![Op::Gt, Op::Gte, Op::Lt, Op::Lte]));
    let words = prop::collection::vec(select(TAGS.map(str::to_owned).to_vec()), 0..3);
    let pieces = prop::collection::vec(select(vec!["an", "жан", "off", "%", "\\", "@x.io"]), 0..3);
    prop_oneof![
        (scalar(), 0..4_usize).prop_flat_map(move |(f, n)| values(f, n, rows).prop_map(move |v| Cond::Is(
            f,
            Op::Eq,
            v
        ))),
        compare.prop_flat_map(move |(f, op)| values(f, 1, rows).prop_map(move |v| Cond::Is(f, op, v))),
        like.prop_map(|(f, op, text)| Cond::Is(f, op, Values::Text(vec![pattern(op, text)]))),
        of(|f| f.nullable || f.kind == Kind::Words).prop_map(Cond::Empty),
        words.prop_map(|words| Cond::Carries(CONTACT.get("tags").unwrap(), words)),
        pieces.prop_map(|p| Cond::Mentions(CONTACT.search.as_ref().unwrap(), p.into_iter().map(fold).collect())),
    ]
}

fn cond(rows: &'static [Json]) -> impl Strategy<Value = Cond> {
    leaf(rows).prop_recursive(3, 12, 3, |inner| {
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
    let telling = std::cell::Cell::new(0);
    let config = Config { cases: 400, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&cond(rows), |cond| {
            let expected: BTreeSet<String> =
                rows.iter().filter(|row| cond.eval(row)).map(|r| r["id"].to_string()).collect();
            let filter = CONTACT.on(cond.clone());
            let found: Vec<Contact> = server()
                .db
                .here(|conn| {
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
    assert!(telling.get() > 100, "only {} of the conditions tell some rows from others", telling.get());
}

#[test]
fn pages_put_together_are_the_sorted_list() {
    let owner = workspace();
    for n in 0..40_usize {
        let last = (!n.is_multiple_of(3)).then(|| TEXTS[n % 3]);
        let born = (!n.is_multiple_of(4)).then(|| DATES[n % 2]);
        owner
            .post(
                "/contacts",
                json!({ "first_name": TEXTS[n % 4], "last_name": last, "birthday": born, "tags": [TAGS[n % 3]] }),
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

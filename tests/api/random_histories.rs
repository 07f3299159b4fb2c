//! Property tests over random histories of deals: what the database keeps for reports equals a simple computation from
//! the stage spans, and every figure equals the total of its list query.
use crate::report_figures::{pipeline, reason};
use crate::support::{Client, database_url, id, workspace};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{Connection, PgConnection};
use serde_json::{Value as Json, json};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;
use voronka::db::sql::{Part, Statement};
use voronka::kernel::values::time::DateTime;

/// A generator of small numbers, always with the same numbers for a seed (Knuth, MMIX).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    fn pick<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len())]
    }
}

fn stages_of(owner: &Client, pipeline: &str) -> Vec<Json> {
    owner.get(&format!("/stages?pipeline_id={pipeline}&sort=position")).ok()["data"].as_array().unwrap().clone()
}

/// Creates deals and lets them live: moves, sales, losses, other pipelines, deletions; stages are reordered and deleted.
fn live(owner: &Client, seed: u64) {
    let mut random = Random(seed);
    let stages = ["A", "B", "C", "D"].map(|name| json!({ "name": name }));
    let ends = [json!({ "name": "Won", "category": "won" }), json!({ "name": "Lost", "category": "lost" })];
    let body = json!({ "name": "Second", "kind": "deal", "stages": stages.iter().chain(&ends).collect::<Vec<_>>() });
    let second = id(&owner.post("/pipelines", body).created());
    let pipelines = [id(&pipeline(owner, "deal")), second];
    let why = reason(owner);
    let source = id(&owner.post("/sources", json!({ "name": "Fair" })).created());
    let deal = |n: usize| {
        let currency = if n.is_multiple_of(3) { "USD" } else { "EUR" };
        let value = (!n.is_multiple_of(5)).then(|| json!({ "amount": 100 * n, "currency": currency }));
        let date = (!n.is_multiple_of(4)).then(|| format!("202{}-0{}-15", 5 + n % 4, 1 + n % 9));
        let source = (!n.is_multiple_of(2)).then_some(&source);
        let tags: &[&str] = if n.is_multiple_of(3) { &["vip", "north, west"] } else { &[] };
        json!({ "title": format!("D{n}"), "pipeline_id": pipelines[n % 2], "value": value, "expected_close_date": date,
                "source_id": source, "tags": tags })
    };
    let deals: Vec<String> = (0..24).map(|n| id(&owner.post("/deals", deal(n)).created())).collect();
    for step in 0..140 {
        let of = random.pick(&pipelines).clone();
        let stages = stages_of(owner, &of);
        let deal = random.pick(&deals).clone();
        match random.below(20) {
            0 => {
                let (open, ends): (Vec<&Json>, Vec<&Json>) =
                    stages.iter().partition(|stage| stage["category"] == "open");
                let mut ids: Vec<String> = open.into_iter().map(id).collect();
                let turned = random.below(ids.len());
                ids.rotate_left(turned);
                ids.extend(ends.into_iter().map(id));
                let version = owner.get(&format!("/pipelines/{of}")).ok()["version"].clone();
                let order = json!({ "stage_ids": ids });
                owner
                    .with("If-Match", &format!("\"{version}\""))
                    .put(&format!("/pipelines/{of}/stage-order"), order)
                    .ok();
            }
            1 => {
                owner.post("/stages", json!({ "pipeline_id": of, "name": format!("Added {step}") })).created();
            }
            2 => {
                let open: Vec<String> = stages.iter().filter(|stage| stage["category"] == "open").map(id).collect();
                if let [gone, kept, ..] = open.as_slice() {
                    // 409 while a deal in the trash is in it.
                    owner.delete(&format!("/stages/{gone}?move_to={kept}"));
                }
            }
            3 => {
                // A deleted deal is restored at once or later, or stays deleted.
                owner.delete(&format!("/deals/{deal}"));
            }
            4 => {
                owner.post(&format!("/deals/{deal}/restore"), json!({}));
            }
            _ => {
                let to = random.pick(&stages).clone();
                let why = (to["category"] == "lost").then_some(&why);
                owner.post(
                    &format!("/deals/{deal}/move"),
                    json!({ "stage_id": id(&to), "pipeline_id": of, "loss_reason_id": why }),
                );
            }
        }
    }
}

#[derive(QueryableByName, Clone, Debug)]
struct Span {
    #[diesel(sql_type = SqlUuid)]
    record_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pipeline_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    stage_id: Uuid,
    #[diesel(sql_type = Text)]
    category: String,
    #[diesel(sql_type = Timestamptz)]
    entered_at: DateTime,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    left_at: Option<DateTime>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    order_id: Option<Uuid>,
    #[diesel(sql_type = Bool)]
    left_forward: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    stage_entered_before: Option<DateTime>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pipeline_entered_before: Option<DateTime>,
}

#[derive(QueryableByName)]
struct Kept {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pipeline_id: Uuid,
    #[diesel(sql_type = Nullable<Array<SqlUuid>>)]
    path: Option<Vec<Uuid>>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    last_open_stage_id: Option<Uuid>,
}

#[derive(QueryableByName)]
struct Order {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Array<SqlUuid>)]
    stage_ids: Vec<Uuid>,
}

fn load<T: diesel::deserialize::QueryableByName<diesel::pg::Pg> + 'static>(
    workspace: &str,
    sql: &'static str,
) -> Vec<T> {
    let mut conn = PgConnection::establish(database_url()).unwrap();
    let statement = Statement::new(sql).set("workspace", Part::Id(workspace.parse().unwrap()));
    statement.load(&mut conn).unwrap()
}

/// The simple computation: each rule as the definitions of the reports say it.
struct Histories {
    orders: HashMap<Uuid, Vec<Uuid>>,
    open: BTreeSet<Uuid>,
}

impl Histories {
    fn rank(&self, order: Option<Uuid>, stage: Uuid) -> Option<usize> {
        self.orders.get(&order?)?.iter().position(|known| *known == stage)
    }

    fn passed(&self, span: &Span) -> BTreeSet<Uuid> {
        let before = self.rank(span.order_id, span.stage_id).unwrap_or(0);
        let order = span.order_id.and_then(|order| self.orders.get(&order));
        let earlier = order.into_iter().flatten().take(before).filter(|stage| self.open.contains(stage));
        earlier.copied().chain([span.stage_id]).collect()
    }

    fn forward(&self, span: &Span, next: Option<&Span>) -> bool {
        let Some(next) = next else { return false };
        if span.category != "open" || next.category == "lost" || next.pipeline_id != span.pipeline_id {
            return false;
        }
        let ranks = |order| Some((self.rank(order, span.stage_id)?, self.rank(order, next.stage_id)?));
        let known = next.order_id.and_then(|order| ranks(Some(order)).or_else(|| ranks(span.order_id)));
        known.is_some_and(|(from, to)| to > from)
    }
}

fn check_kept(workspace: &str) -> usize {
    let spans: Vec<Span> = load(
        workspace,
        "select sp.*, s.category from stage_spans sp join stages s on s.workspace_id = sp.workspace_id and s.id = sp.stage_id
         where sp.workspace_id = :workspace order by sp.record_id, sp.entered_at, sp.left_at nulls last, sp.id",
    );
    let orders: Vec<Order> = load(workspace, "select id, stage_ids from stage_orders where workspace_id = :workspace");
    let open = spans.iter().filter(|span| span.category == "open").map(|span| span.stage_id);
    let named: Vec<Order> = load(
        workspace,
        "select gen_random_uuid() as id, array_agg(id) as stage_ids from stages where workspace_id = :workspace and category = 'open'",
    );
    let histories = Histories {
        open: open.chain(named.into_iter().flat_map(|all| all.stage_ids)).collect(),
        orders: orders.into_iter().map(|order| (order.id, order.stage_ids)).collect(),
    };
    let kept: Vec<Kept> = load(
        workspace,
        "select d.id, d.pipeline_id, d.last_open_stage_id, p.stage_ids as path from deals d
         left join stage_paths p on p.workspace_id = d.workspace_id and p.id = d.stage_path_id where d.workspace_id = :workspace",
    );
    for deal in &kept {
        let own: Vec<&Span> = spans.iter().filter(|span| span.record_id == deal.id).collect();
        let reached = own.iter().filter(|span| span.pipeline_id == deal.pipeline_id && span.category != "lost");
        let path: BTreeSet<Uuid> = reached.flat_map(|span| histories.passed(span)).collect();
        assert_eq!(deal.path.clone().unwrap_or_default(), path.into_iter().collect::<Vec<_>>(), "path of {own:#?}");
        let last_open = own.iter().rev().find(|span| span.category == "open").map(|span| span.stage_id);
        assert_eq!(deal.last_open_stage_id, last_open, "last open stage of {own:#?}");
        for (n, span) in own.iter().enumerate() {
            let before = |same: &dyn Fn(&Span) -> bool| own[..n].iter().rev().find(|b| same(b)).map(|b| b.entered_at);
            let forward = histories.forward(span, own.get(n + 1).copied());
            assert_eq!(span.left_forward, forward && span.left_at.is_some(), "{n} of {own:#?}");
            assert_eq!(span.stage_entered_before, before(&|b| b.stage_id == span.stage_id), "{n} of {own:#?}");
            assert_eq!(span.pipeline_entered_before, before(&|b| b.pipeline_id == span.pipeline_id), "{n} of {own:#?}");
        }
    }
    spans.len()
}

/// The figures that a list query explains: the member with the query, and the figure beside it.
fn check_lists(owner: &Client, report: &str, value: &Json, checked: &mut usize) {
    match value {
        Json::Array(list) => list.iter().for_each(|value| check_lists(owner, report, value, checked)),
        Json::Object(members) => {
            let lists = match members.get("drill_down") {
                Some(Json::String(list)) => vec![("count", list)],
                Some(Json::Object(lists)) => {
                    lists.iter().filter_map(|(name, list)| Some((name.as_str(), as_text(list)?))).collect()
                }
                _ => Vec::new(),
            };
            for (name, list) in lists {
                let figure = members.get(name).or_else(|| members.get("lost")).unwrap();
                let path = list.strip_prefix("/api/v1").unwrap();
                let found = owner.get(&format!("{path}&include_total=true&limit=1")).ok();
                assert_eq!(&found["page"]["total"], figure, "{name} of {report}: {list}");
                *checked += 1;
            }
            members.values().for_each(|value| check_lists(owner, report, value, checked));
        }
        _ => {}
    }
}

fn as_text(value: &Json) -> Option<&String> {
    match value {
        Json::String(text) => Some(text),
        _ => None,
    }
}

#[test]
fn reports_of_random_histories_are_right() {
    for seed in [7, 20_261_129] {
        let owner = workspace();
        live(&owner, seed);
        let workspace = id(&owner.get("/me").ok()["workspace"]);
        assert!(check_kept(&workspace) > 100);
        let second = owner.get("/pipelines?kind=deal&is_default=false").ok()["data"][0].clone();
        let mut checked = 0;
        for report in [
            "funnel",
            "funnel?kind=flow",
            "funnel?kind=flow&period=today",
            "funnel?kind=snapshot",
            "funnel?group_by=source",
            "funnel?group_by=tag&period=this_month",
            "win-rate",
            "win-rate?group_by=owner",
            "win-rate?group_by=month&period=this_year",
            "win-rate?group_by=week",
            "win-rate?group_by=stage&currency=EUR",
            "win-rate?group_by=team",
            "loss-reasons?group_by=source",
            "loss-reasons?group_by=day&period=this_month&compare=previous",
            "cycle-time?group_by=tag",
            "forecast",
            "forecast?group_by=source&tags=vip",
            "forecast?from=2027-01-01&to=2027-06-01",
            "leaderboard",
            "funnel?group_by=stage",
            "velocity?group_by=tag&tags__all=vip",
            "velocity?group_by=owner",
        ] {
            for pipeline in [String::new(), format!("pipeline_id={}", id(&second))] {
                let query = format!("{report}{}{pipeline}", if report.contains('?') { '&' } else { '?' });
                let answer = owner.get(&format!("/analytics/{query}")).ok();
                check_lists(&owner, &query, &answer, &mut checked);
            }
        }
        assert!(checked > 200, "only {checked} figures had a list");
    }
}

#[test]
fn definitions_are_listed_and_named() {
    let owner = workspace();
    let all = owner.get("/analytics/definitions").ok()["data"].clone();
    for report in [
        "funnel",
        "funnel?kind=flow",
        "funnel?kind=snapshot",
        "win-rate",
        "cycle-time",
        "loss-reasons",
        "forecast",
        "leaderboard",
    ] {
        let answer = owner.get(&format!("/analytics/{report}")).ok();
        let found = all.as_array().unwrap().iter().find(|one| one["name"] == answer["definition_name"]).unwrap();
        assert_eq!(found["version"], answer["definition_version"], "{report}");
        assert_eq!(found["text"], answer["definition"], "{report}");
    }
}

//! Reports over aged data: random changes through the API, compared with reports computed from the recorded history.
mod counted;
mod world;

use crate::support::Client;
use serde_json::{Value as Json, json};
use world::{DAY, World};

/// The days before today at which the eras of a world begin, oldest first. Nothing happens between the eras.
const BOUNDS: [i64; 5] = [60, 28, 20, 12, 4];

fn day(world: &World, ago: i64) -> String {
    let at = chrono::DateTime::from_timestamp_millis(world.midnight - ago * DAY).unwrap();
    at.date_naive().to_string()
}

fn report(world: &World, name: &str, pipeline: usize, more: &str) -> Json {
    let pipeline = &world.pipelines[pipeline].id;
    world.owner.get(&format!("/analytics/{name}?pipeline_id={pipeline}{more}")).ok()
}

/// Returns `id`, `count` and the given members of the stages that have figures.
fn stages(list: &Json, members: &[&str]) -> Vec<Json> {
    let told = list.as_array().unwrap().iter().map(|stage| {
        let at = |path: &&str| stage.pointer(path).unwrap().clone();
        json!(std::iter::once(stage["stage_id"].clone()).chain(members.iter().map(at)).collect::<Vec<_>>())
    });
    let mut told: Vec<Json> = told
        .filter(|one| one.as_array().unwrap()[1..].iter().any(|v| v != 0 && v != &json!([]) && !v.is_null()))
        .collect();
    told.sort_by_key(ToString::to_string);
    told
}

/// Checks that exactly the deleted stages are marked as deleted.
fn marked(world: &World, pipeline: usize, list: &Json) {
    for stage in list.as_array().unwrap() {
        let living = world.pipelines[pipeline].order.contains(&stage["stage_id"].as_str().unwrap().to_owned());
        assert_eq!(stage["deleted_at"].is_null(), living, "{stage}");
    }
}

fn close(told: &Json, counted: Option<f64>) -> bool {
    match (told.as_f64(), counted) {
        (Some(told), Some(counted)) => (told - counted).abs() <= 1e-9 * counted.abs().max(1.0),
        (None, None) => true,
        _ => false,
    }
}

fn same_durations(told: &Json, days: &[f64], what: &str) {
    let count = i64::try_from(days.len()).unwrap();
    assert_eq!(told["count"], count, "{what}: {told} {days:?}");
    assert!(close(&told["mean_days"], counted::mean(days)), "{what}: {told} {days:?}");
    assert!(close(&told["median_days"], counted::percentile(days, 0.5)), "{what}: {told} {days:?}");
    assert!(close(&told["p75_days"], counted::percentile(days, 0.75)), "{what}: {told} {days:?}");
}

fn compare(world: &World, pipeline: usize, from: Option<i64>, to: Option<i64>) {
    let part = |name: &str, ago: Option<i64>| ago.map(|ago| format!("&{name}={}", day(world, ago))).unwrap_or_default();
    let period = format!("{}{}", part("from", from), part("to", to));
    let edge = |ago: Option<i64>, open: i64| ago.map_or(open, |ago| world.midnight - ago * DAY);
    let span = edge(from, i64::MIN)..edge(to, i64::MAX);
    let what = format!("pipeline {pipeline}{period}");

    let cohort = report(world, "funnel", pipeline, &period)["groups"][0].clone();
    let counted = counted::cohort(world, pipeline, &span);
    assert_eq!(
        [&cohort["total"], &cohort["open"], &cohort["won"], &cohort["lost"]],
        [0, 1, 2, 3].map(|n| &counted.total[n]),
        "{what}"
    );
    assert_eq!(stages(&cohort["stages"], &["/count", "/value"]), counted.stages, "cohort {what}");
    marked(world, pipeline, &cohort["stages"]);

    let flow = report(world, "funnel", pipeline, &format!("&kind=flow{period}"))["groups"][0].clone();
    let counted = counted::flow(world, pipeline, &span);
    assert_eq!(flow["total"], counted.total[0], "{what}");
    assert_eq!(stages(&flow["stages"], &["/count", "/value", "/left", "/left_forward"]), counted.stages, "flow {what}");
    marked(world, pipeline, &flow["stages"]);

    let cycle = report(world, "cycle-time", pipeline, &period)["groups"][0].clone();
    let (won, lost, unknown) = counted::cycle(world, pipeline, &span);
    same_durations(&cycle["won"], &won, &what);
    same_durations(&cycle["lost"], &lost, &what);
    assert_eq!(cycle["without_beginning"], unknown, "{what}");
    let stays = counted::stays(world, pipeline, &span);
    for stage in cycle["stages"].as_array().unwrap() {
        let days = stays.get(stage["stage_id"].as_str().unwrap()).cloned().unwrap_or_default();
        same_durations(&stage["duration"], &days, &format!("{} {what}", stage["name"]));
    }
    let shown = |id: &String| cycle["stages"].as_array().unwrap().iter().any(|stage| stage["stage_id"] == *id);
    assert!(stays.keys().all(shown), "{what}");
    marked(world, pipeline, &cycle["stages"]);

    let rate = report(world, "win-rate", pipeline, &period)["groups"][0].clone();
    let told = json!([rate["won"], rate["lost"], rate["without_amount"], rate["won_value"], rate["lost_value"]]);
    assert_eq!(told, counted::win_rate(world, pipeline, &span), "{what}");

    let losses = report(world, "loss-reasons", pipeline, &period)["groups"][0].clone();
    let told = losses["reasons"].as_array().unwrap().iter();
    let told =
        told.map(|r| json!([r["loss_reason_id"], r["stage_id"], r["stage_pipeline_id"], r["count"], r["value"]]));
    let mut told: Vec<Json> = told.collect();
    told.sort_by_key(ToString::to_string);
    assert_eq!(told, counted::losses(world, pipeline, &span), "{what}");

    let board = report(world, "leaderboard", pipeline, &period);
    let told = board["sellers"].as_array().unwrap().iter().map(|s| {
        json!([
            s["user_id"],
            s["total"]["won"],
            s["total"]["lost"],
            s["total"]["won_value"],
            s["total"]["won_without_beginning"]
        ])
    });
    let told: Vec<Json> = told.collect();
    let counted = counted::leaderboard(world, pipeline, &span);
    let key = |row: &Json| (counted::base(&row[3]), row[1].as_i64());
    assert!(told.iter().map(key).is_sorted_by(|a, b| a >= b), "{what}: {told:?}");
    let sorted = |mut rows: Vec<Json>| {
        rows.sort_by_key(ToString::to_string);
        rows
    };
    assert_eq!(sorted(told), sorted(counted), "{what}");
}

fn compare_snapshots(world: &World, pipeline: usize) {
    for at in world.instants() {
        let text =
            chrono::DateTime::from_timestamp_millis(at).unwrap().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let snapshot = report(world, "funnel", pipeline, &format!("&kind=snapshot&at={text}"))["groups"][0].clone();
        let counted = counted::snapshot(world, pipeline, at);
        assert_eq!(snapshot["total"], counted.total[0], "{pipeline} at {text}");
        assert_eq!(stages(&snapshot["stages"], &["/count", "/value"]), counted.stages, "{pipeline} at {text}");
        marked(world, pipeline, &snapshot["stages"]);
    }
}

fn compare_forecast(world: &World, pipeline: usize) {
    let told = report(world, "forecast", pipeline, "")["groups"][0].clone();
    let figures = &told["no_date"];
    let told = json!([figures["count"], figures["without_amount"], figures["value"], figures["weighted"]]);
    assert_eq!(told, counted::forecast(world, pipeline));
}

#[test]
fn reports_over_aged_data_match_the_history() {
    let (mut removed, mut forward) = (0, 0);
    for seed in [3, 17, 88] {
        let world = World::told(seed);
        for pipeline in 0..world.pipelines.len() {
            for (n, from) in [None].into_iter().chain(BOUNDS.map(Some)).enumerate() {
                for to in BOUNDS[n..].iter().copied().map(Some).chain([None]) {
                    compare(&world, pipeline, from, to);
                }
            }
            compare_snapshots(&world, pipeline);
            compare_forecast(&world, pipeline);
            removed += world.pipelines[pipeline].gone.len();
            forward += counted::flow(&world, pipeline, &(i64::MIN..i64::MAX)).stages.len();
        }
    }
    assert!(removed > 5 && forward > 10, "too few events in the generated data: {removed} {forward}");
}

/// Reads a deal again.
pub fn reread(client: &Client, deal: &str) -> Json {
    client.get(&format!("/deals/{deal}")).ok()
}

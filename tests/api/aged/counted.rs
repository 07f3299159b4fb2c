//! Computes the reports with plain loops over the recorded history.
use super::world::{Deal, Stay, World};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

type Value = BTreeMap<String, i64>;

/// A funnel: the totals, and the id and figures of each stage with a count.
#[derive(Debug, Default)]
pub struct Funnel {
    pub total: Vec<Json>,
    pub stages: Vec<Json>,
}

fn money(value: &Value) -> Json {
    value.iter().map(|(currency, amount)| json!({ "amount": amount, "currency": currency })).collect()
}

fn add(value: &mut Value, deal: &Deal) {
    if let Some((amount, currency)) = &deal.value {
        *value.entry(currency.clone()).or_default() += amount;
    }
}

fn sorted(mut rows: Vec<Json>) -> Vec<Json> {
    rows.sort_by_key(ToString::to_string);
    rows
}

fn living(world: &World) -> impl Iterator<Item = &Deal> + Clone {
    world.deals.iter().filter(|deal| !deal.is_deleted())
}

fn category<'w>(world: &'w World, stage: &str) -> &'w str {
    &world.stages[stage].category
}

fn status<'w>(world: &'w World, deal: &Deal) -> &'w str {
    category(world, &deal.now().stage)
}

fn totals<'d>(world: &World, deals: impl Iterator<Item = &'d Deal> + Clone) -> Vec<Json> {
    let of = |wanted: &str| json!(deals.clone().filter(|deal| status(world, deal) == wanted).count());
    vec![json!(deals.clone().count()), of("open"), of("won"), of("lost")]
}

/// Returns the closed deals of a pipeline, by close date.
fn closed<'w>(world: &'w World, pipeline: usize, span: &'w Range<i64>) -> impl Iterator<Item = &'w Deal> + 'w {
    living(world)
        .filter(move |deal| deal.now().pipeline == pipeline && deal.closed.is_some_and(|at| span.contains(&at)))
}

pub fn cohort(world: &World, pipeline: usize, span: &Range<i64>) -> Funnel {
    let deals = living(world).filter(|deal| deal.now().pipeline == pipeline && span.contains(&deal.created));
    let mut reached: BTreeMap<&str, (i64, Value)> = BTreeMap::new();
    for deal in deals.clone() {
        let mut stages: BTreeSet<&str> = BTreeSet::new();
        for stay in deal.stays.iter().filter(|stay| stay.pipeline == pipeline && category(world, &stay.stage) != "lost")
        {
            // Won and lost are alternatives, so only open stages are passed.
            let passed = stay.order.iter().take_while(|stage| **stage != stay.stage);
            stages.extend(passed.filter(|stage| category(world, stage) == "open").map(String::as_str));
            stages.insert(&stay.stage);
        }
        if status(world, deal) == "lost" {
            stages.insert(&deal.now().stage);
        }
        for stage in stages {
            let (count, value) = reached.entry(stage).or_default();
            *count += 1;
            add(value, deal);
        }
    }
    let stages = reached.iter().map(|(stage, (count, value))| json!([stage, count, money(value)]));
    Funnel { total: totals(world, deals), stages: sorted(stages.collect()) }
}

fn place(order: &[String], stage: &str) -> Option<usize> {
    order.iter().position(|known| known == stage)
}

/// Returns whether a deal moved forward, by the stage order at the time of the move or, if the stage was not part of
/// it, at entry. A deal moved because its stage was removed did not move forward, nor did one that went from one final
/// stage to another.
fn forward(world: &World, from: &Stay, to: &Stay) -> bool {
    let later = |order: &[String]| Some(place(order, &to.stage)? > place(order, &from.stage)?);
    let order = later(&to.order).or_else(|| later(&from.order));
    let moved = from.pipeline == to.pipeline && !to.order.is_empty();
    moved && category(world, &from.stage) == "open" && category(world, &to.stage) != "lost" && order == Some(true)
}

pub fn flow(world: &World, pipeline: usize, span: &Range<i64>) -> Funnel {
    #[derive(Default)]
    struct Tally {
        entered: i64,
        value: Value,
        left: i64,
        forward: i64,
    }
    let mut tally: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut total = 0;
    for deal in living(world) {
        let mut entered: BTreeSet<&str> = BTreeSet::new();
        for (n, stay) in deal.stays.iter().enumerate().filter(|(_, stay)| stay.pipeline == pipeline) {
            if span.contains(&stay.from) {
                entered.insert(&stay.stage);
            }
            if stay.to.is_some_and(|at| span.contains(&at)) {
                let stage = tally.entry(&stay.stage).or_default();
                stage.left += 1;
                stage.forward += i64::from(forward(world, stay, &deal.stays[n + 1]));
            }
        }
        total += i64::from(!entered.is_empty());
        for stage in entered {
            let stage = tally.entry(stage).or_default();
            stage.entered += 1;
            add(&mut stage.value, deal);
        }
    }
    let told = |(stage, t): (&&str, &Tally)| json!([stage, t.entered, money(&t.value), t.left, t.forward]);
    Funnel { total: vec![json!(total)], stages: sorted(tally.iter().map(told).collect()) }
}

pub fn snapshot(world: &World, pipeline: usize, at: i64) -> Funnel {
    let (mut total, mut stood) = (0, BTreeMap::<&str, (i64, Value)>::new());
    for deal in &world.deals {
        let away = deal.deleted.iter().any(|(from, to)| *from <= at && to.is_none_or(|to| at < to));
        let stay = deal.stays.iter().find(|stay| stay.from <= at && stay.to.is_none_or(|to| at < to));
        let Some(stay) =
            stay.filter(|stay| !away && stay.pipeline == pipeline && category(world, &stay.stage) == "open")
        else {
            continue;
        };
        total += 1;
        let (count, value) = stood.entry(&stay.stage).or_default();
        *count += 1;
        add(value, deal);
    }
    let stages = stood.iter().map(|(stage, (count, value))| json!([stage, count, money(value)]));
    Funnel { total: vec![json!(total)], stages: sorted(stages.collect()) }
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "days, not aeons")]
fn days(from: i64, to: i64) -> f64 {
    (to - from) as f64 / super::DAY as f64
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "few")]
pub fn mean(days: &[f64]) -> Option<f64> {
    (!days.is_empty()).then(|| days.iter().sum::<f64>() / days.len() as f64)
}

/// Interpolates linearly between the two nearest values.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::as_conversions,
    reason = "few"
)]
pub fn percentile(days: &[f64], part: f64) -> Option<f64> {
    let mut days = days.to_vec();
    days.sort_by(f64::total_cmp);
    let at = part * (days.len().checked_sub(1)? as f64);
    let (low, high) = (days[at.floor() as usize], days[at.ceil() as usize]);
    Some(low + (high - low) * at.fract())
}

pub fn cycle(world: &World, pipeline: usize, span: &Range<i64>) -> (Vec<f64>, Vec<f64>, i64) {
    let known = |deal: &&Deal| !deal.without_beginning;
    let took = |wanted: &str| {
        let fitting = closed(world, pipeline, span).filter(known).filter(|deal| status(world, deal) == wanted);
        fitting.map(|deal| days(deal.created, deal.closed.unwrap())).collect()
    };
    let unknown = closed(world, pipeline, span).filter(|deal| deal.without_beginning).count();
    (took("won"), took("lost"), i64::try_from(unknown).unwrap())
}

pub fn stays(world: &World, pipeline: usize, span: &Range<i64>) -> BTreeMap<String, Vec<f64>> {
    let mut all: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for deal in living(world) {
        let stays = deal.stays.iter().skip(usize::from(deal.without_beginning));
        for stay in stays.filter(|stay| stay.pipeline == pipeline) {
            if let Some(left) = stay.to.filter(|at| span.contains(at)) {
                all.entry(stay.stage.clone()).or_default().push(days(stay.from, left));
            }
        }
    }
    all
}

pub fn win_rate(world: &World, pipeline: usize, span: &Range<i64>) -> Json {
    let (mut won, mut lost, mut none) = (0, 0, 0);
    let (mut won_value, mut lost_value) = (Value::new(), Value::new());
    for deal in closed(world, pipeline, span) {
        let is_won = status(world, deal) == "won";
        won += i32::from(is_won);
        lost += i32::from(!is_won);
        none += i32::from(deal.value.is_none());
        // A currency that only one of the two has appears in both.
        if let Some((_, currency)) = &deal.value {
            won_value.entry(currency.clone()).or_default();
            lost_value.entry(currency.clone()).or_default();
        }
        add(if is_won { &mut won_value } else { &mut lost_value }, deal);
    }
    json!([won, lost, none, money(&won_value), money(&lost_value)])
}

pub fn losses(world: &World, pipeline: usize, span: &Range<i64>) -> Vec<Json> {
    let mut all: BTreeMap<String, (Json, i64, Value)> = BTreeMap::new();
    for deal in closed(world, pipeline, span).filter(|deal| status(world, deal) == "lost") {
        let last = deal.stays.iter().rev().find(|stay| category(world, &stay.stage) == "open");
        let (stage, of) = last.map(|stay| (stay.stage.clone(), world.pipelines[stay.pipeline].id.clone())).unzip();
        let key = json!([deal.reason, stage, of]);
        let (_, count, value) = all.entry(key.to_string()).or_insert((key, 0, Value::new()));
        *count += 1;
        add(value, deal);
    }
    let row = |(key, count, value): (Json, i64, Value)| json!([key[0], key[1], key[2], count, money(&value)]);
    sorted(all.into_values().map(row).collect())
}

/// Returns the amount in the base currency of the workspace.
pub fn base(value: &Json) -> i64 {
    value
        .as_array()
        .unwrap()
        .iter()
        .find(|money| money["currency"] == "USD")
        .map_or(0, |money| money["amount"].as_i64().unwrap())
}

pub fn leaderboard(world: &World, pipeline: usize, span: &Range<i64>) -> Vec<Json> {
    let mut sellers: BTreeMap<Option<&String>, (i64, i64, Value, i64)> = BTreeMap::new();
    for deal in closed(world, pipeline, span) {
        let (won, lost, value, unknown) = sellers.entry(deal.closed_by.as_ref()).or_default();
        let is_won = status(world, deal) == "won";
        *won += i64::from(is_won);
        *lost += i64::from(!is_won);
        *unknown += i64::from(is_won && deal.without_beginning);
        if let Some((amount, currency)) = &deal.value {
            *value.entry(currency.clone()).or_default() += if is_won { *amount } else { 0 };
        }
    }
    let row = |(seller, (won, lost, value, unknown)): (Option<&String>, (i64, i64, Value, i64))| {
        json!([seller, won, lost, money(&value), unknown])
    };
    sellers.into_iter().map(row).collect()
}

pub fn forecast(world: &World, pipeline: usize) -> Json {
    let (mut count, mut none, mut value, mut hundredths) = (0, 0, Value::new(), Value::new());
    for deal in living(world).filter(|deal| deal.now().pipeline == pipeline && status(world, deal) == "open") {
        count += 1;
        none += i32::from(deal.value.is_none());
        add(&mut value, deal);
        let probability = deal.probability.unwrap_or(world.stages[&deal.now().stage].probability);
        if let Some((amount, currency)) = &deal.value {
            *hundredths.entry(currency.clone()).or_default() += amount * probability;
        }
    }
    let rounded = hundredths.into_iter().map(|(currency, sum)| (currency, (sum + 50) / 100)).collect();
    json!([count, none, money(&value), money(&rounded)])
}

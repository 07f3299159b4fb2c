//! A random world built through the API and recorded in plain vectors, without reading any table.
use super::reread;
use crate::imports::import;
use crate::support::{Client, database_url, id, workspace};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use voronka::kernel::values::time::DateTime;

pub const DAY: i64 = 86_400_000;
/// The age of each era before the next one begins.
const AGE: i64 = 8;

#[derive(Clone, Debug)]
pub struct Stage {
    pub category: String,
    pub probability: i64,
}

#[derive(Debug)]
pub struct Pipeline {
    pub id: String,
    /// The existing stages, in order.
    pub order: Vec<String>,
    pub gone: Vec<String>,
}

/// A stay in a stage, with the stage order when it began.
#[derive(Clone, Debug)]
pub struct Stay {
    pub pipeline: usize,
    pub stage: String,
    /// `None` if the deal was moved here because its stage was removed.
    pub order: Vec<String>,
    pub from: i64,
    pub to: Option<i64>,
}

#[derive(Clone, Debug, Default)]
pub struct Deal {
    pub id: String,
    pub stays: Vec<Stay>,
    pub value: Option<(i64, String)>,
    pub probability: Option<i64>,
    pub owner: Option<String>,
    pub created: i64,
    pub closed: Option<i64>,
    pub closed_by: Option<String>,
    pub reason: Option<String>,
    pub without_beginning: bool,
    /// When the deal was deleted, and when it was restored.
    pub deleted: Vec<(i64, Option<i64>)>,
}

impl Deal {
    pub fn now(&self) -> &Stay {
        self.stays.last().unwrap()
    }

    pub fn is_deleted(&self) -> bool {
        self.deleted.last().is_some_and(|(_, back)| back.is_none())
    }
}

#[derive(Debug)]
pub struct World {
    pub owner: Client,
    pub pipelines: Vec<Pipeline>,
    pub stages: HashMap<String, Stage>,
    pub deals: Vec<Deal>,
    /// The start of today.
    pub midnight: i64,
    users: Vec<String>,
    reasons: Vec<String>,
    seed: u64,
    names: u32,
}

fn millis(text: &Json) -> i64 {
    text.as_str().unwrap().parse::<DateTime>().unwrap().utc().timestamp_millis()
}

impl World {
    /// Builds a world of several eras.
    pub fn told(seed: u64) -> World {
        let owner = workspace();
        let now = DateTime::now().utc().timestamp_millis();
        let mut world = World {
            pipelines: Vec::new(),
            stages: HashMap::new(),
            deals: Vec::new(),
            midnight: now - now % DAY,
            users: vec![owner.get("/me").ok()["user"]["id"].as_str().unwrap().into()],
            reasons: Vec::new(),
            seed,
            names: 0,
            owner,
        };
        world.begin();
        for _ in 0..4 {
            for _ in 0..45 {
                world.act();
            }
            world.age();
        }
        world
    }

    fn begin(&mut self) {
        for name in ["Ann", "Bob"] {
            let email = format!("{}@example.com", crate::support::unique(name));
            let user = json!({ "name": name, "email": email, "role": "seller", "password": "a-long-password" });
            self.users.push(id(&self.owner.post("/users", user).created()));
        }
        for name in ["Dear", "Late"] {
            self.reasons.push(id(&self.owner.post("/loss-reasons", json!({ "name": name })).created()));
        }
        let stage = |name: &str, category: &str| json!({ "name": name, "category": category });
        let stages = [
            stage("One", "open"),
            stage("Two", "open"),
            stage("Done", "won"),
            stage("Gone", "lost"),
            stage("Dead", "lost"),
        ];
        self.owner.post("/pipelines", json!({ "name": "Other", "kind": "deal", "stages": stages })).created();
        let pipelines = self.owner.get("/pipelines?kind=deal&sort=created_at").ok();
        for pipeline in pipelines["data"].as_array().unwrap() {
            self.pipelines.push(Pipeline { id: id(pipeline), order: Vec::new(), gone: Vec::new() });
        }
        let lost = json!({ "pipeline_id": self.pipelines[0].id, "name": "Vanished", "category": "lost" });
        self.owner.post("/stages", lost).created();
        (0..2).for_each(|pipeline| self.look(pipeline));
        self.bring_in();
    }

    /// Reads the stages of a pipeline.
    fn look(&mut self, pipeline: usize) {
        let read = self.owner.get(&format!("/pipelines/{}", self.pipelines[pipeline].id)).ok();
        let stages = read["stages"].as_array().unwrap();
        self.pipelines[pipeline].order = stages.iter().map(id).collect();
        for stage in stages {
            let category = stage["category"].as_str().unwrap().to_owned();
            let probability = stage["probability_percent"].as_i64().unwrap();
            self.stages.insert(id(stage), Stage { category, probability });
        }
    }

    /// Imports deals that were closed elsewhere: with a start date, with zero duration, and without a start date.
    fn bring_in(&mut self) {
        let (opened, closed) = (self.midnight - 50 * DAY, self.midnight - 40 * DAY);
        let date = |at| chrono::DateTime::from_timestamp_millis(at).unwrap().date_naive().to_string();
        let mut csv = String::from("id,stage,opened,closed\n");
        for (name, stage, begin) in [
            ("a", "Payment received", date(opened)),
            ("b", "Payment received", String::new()),
            ("c", "Lost", String::new()),
            ("d", "Lost", date(closed)),
        ] {
            csv += &format!("{name},{stage},{begin},{}\n", date(closed));
        }
        let mapping = [("id", "external_id"), ("stage", "stage"), ("opened", "created_at"), ("closed", "closed_at")];
        let mapping = mapping.map(|(column, field)| json!({ "column": column, "field": field }));
        import(&self.owner, "deals", &csv, json!({ "mapping": mapping }));
        for (name, begin) in [("a", Some(opened)), ("b", None), ("c", None), ("d", Some(closed))] {
            let row = self.owner.get(&format!("/deals?external_id={name}")).ok()["data"][0].clone();
            let order = self.pipelines[0].order.clone();
            let stay = |stage: String, from, to| Stay { pipeline: 0, stage, order: order.clone(), from, to };
            let last = row["stage_id"].as_str().unwrap().to_owned();
            let created = begin.unwrap_or(closed);
            self.deals.push(Deal {
                id: id(&row),
                stays: vec![stay(order[0].clone(), created, Some(closed)), stay(last, closed, None)],
                created,
                closed: Some(closed),
                without_beginning: begin.is_none(),
                ..Deal::default()
            });
        }
    }

    pub fn roll(&mut self, sides: usize) -> usize {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.seed >> 33).unwrap() % sides
    }

    fn pick(&mut self, fits: impl Fn(&Deal) -> bool) -> Option<usize> {
        let fitting: Vec<usize> = (0..self.deals.len()).filter(|n| fits(&self.deals[*n])).collect();
        (!fitting.is_empty()).then(|| fitting[self.roll(fitting.len())])
    }

    fn act(&mut self) {
        match self.roll(20) {
            0..=5 => self.create(),
            6..=12 => self.step(),
            13 => self.reopen(),
            14 => self.delete(),
            15 => self.restore(),
            16 => self.reorder(),
            17 => self.add_stage(),
            18 => self.remove_stage(),
            _ => self.hand_over(),
        }
        // No two events share a millisecond here, so that an instant between them can be queried.
        std::thread::sleep(std::time::Duration::from_millis(2));
    }

    fn create(&mut self) {
        let owner = self.roll(3);
        let owner = self.users[owner].clone();
        let pipeline = self.roll(2);
        let value = ["EUR", "USD", "USD", "JPY", ""][self.roll(5)];
        let amount = i64::try_from(self.roll(1_000_000)).unwrap();
        let probability = (self.roll(3) == 0).then_some(37);
        let mut body = json!({ "title": "D", "owner_id": owner, "pipeline_id": self.pipelines[pipeline].id, "probability_percent": probability });
        if !value.is_empty() {
            body["value"] = json!({ "amount": amount, "currency": value });
        }
        // Some deals are created as won.
        let won = self.roll(8) == 0;
        if won {
            body["stage_id"] = json!(self.of_category(pipeline, "won")[0]);
        }
        let made = self.owner.post("/deals", body).created();
        let order = self.pipelines[pipeline].order.clone();
        let created = millis(&made["created_at"]);
        let stay = Stay { pipeline, stage: made["stage_id"].as_str().unwrap().into(), order, from: created, to: None };
        self.deals.push(Deal {
            id: id(&made),
            stays: vec![stay],
            value: (!value.is_empty()).then(|| (amount, value.to_owned())),
            probability,
            closed: won.then_some(created),
            closed_by: won.then(|| owner.clone()),
            without_beginning: won,
            owner: Some(owner),
            created,
            ..Deal::default()
        });
    }

    /// Records that a deal is in another stage.
    fn note(&mut self, deal: usize, pipeline: usize, order: Vec<String>, after: &Json) {
        let stage = after["stage_id"].as_str().unwrap().to_owned();
        let category = self.stages[&stage].category.clone();
        let deal = &mut self.deals[deal];
        let before = self.stages[&deal.now().stage].category.clone();
        let at = millis(&after["stage_entered_at"]);
        if category != before {
            let me = self.users[0].clone();
            deal.closed = (category != "open").then_some(at);
            deal.closed_by = deal.closed.map(|_| deal.owner.clone().unwrap_or(me));
        }
        deal.reason = after["loss_reason_id"].as_str().map(str::to_owned);
        deal.stays.last_mut().unwrap().to = Some(at);
        deal.stays.push(Stay { pipeline, stage, order, from: at, to: None });
    }

    fn step(&mut self) {
        let Some(deal) = self.pick(|deal| !deal.is_deleted()) else { return };
        let here = self.deals[deal].now().clone();
        let pipeline = if self.roll(6) == 0 { self.roll(2) } else { here.pipeline };
        let order = self.pipelines[pipeline].order.clone();
        let (stage, reason) = (self.roll(order.len()), self.roll(2));
        let (stage, reason) = (order[stage].clone(), self.reasons[reason].clone());
        if stage == here.stage {
            return;
        }
        let mut body = json!({ "stage_id": stage, "pipeline_id": self.pipelines[pipeline].id });
        if self.stages[&stage].category == "lost" {
            body["loss_reason_id"] = json!(reason);
        }
        let after = self.owner.post(&format!("/deals/{}/move", self.deals[deal].id), body).ok();
        self.note(deal, pipeline, order, &after);
    }

    fn reopen(&mut self) {
        let Some(deal) = self.pick(|deal| !deal.is_deleted() && deal.closed.is_some()) else { return };
        let pipeline = self.deals[deal].now().pipeline;
        let after = self.owner.post(&format!("/deals/{}/reopen", self.deals[deal].id), json!({})).ok();
        self.note(deal, pipeline, self.pipelines[pipeline].order.clone(), &after);
    }

    fn delete(&mut self) {
        let Some(deal) = self.pick(|deal| !deal.is_deleted()) else { return };
        let path = self.deals[deal].id.clone();
        self.owner.delete(&format!("/deals/{path}")).gone();
        let gone = self.owner.get("/deals?only_deleted=true&sort=-deleted_at&limit=1").ok()["data"][0].clone();
        assert_eq!(id(&gone), path);
        self.deals[deal].deleted.push((millis(&gone["deleted_at"]), None));
    }

    fn restore(&mut self) {
        let recent = self.midnight - 25 * DAY;
        let Some(deal) = self.pick(|deal| deal.is_deleted() && deal.deleted.last().unwrap().0 > recent) else { return };
        let here = self.deals[deal].now().clone();
        let after = self.owner.post(&format!("/deals/{}/restore", self.deals[deal].id), json!({})).ok();
        self.deals[deal].deleted.last_mut().unwrap().1 = Some(millis(&after["updated_at"]));
        let order = self.pipelines[here.pipeline].order.clone();
        if order.contains(&here.stage) {
            assert_eq!(after["stage_id"], here.stage);
            return;
        }
        // The stage was removed, so the deal goes to the first stage of the same category.
        let category = &self.stages[&here.stage].category;
        let first = order.iter().find(|stage| self.stages[*stage].category == *category).unwrap();
        assert_eq!(after["stage_id"], json!(first));
        assert_eq!(after["status"], json!(category));
        let reason = self.deals[deal].reason.clone();
        self.note(deal, here.pipeline, Vec::new(), &after);
        assert_eq!(self.deals[deal].reason, reason);
    }

    fn of_category(&self, pipeline: usize, category: &str) -> Vec<String> {
        let order = self.pipelines[pipeline].order.iter();
        order.filter(|stage| self.stages[*stage].category == category).cloned().collect()
    }

    fn reorder(&mut self) {
        let pipeline = self.roll(2);
        let mut open = self.of_category(pipeline, "open");
        let turn = self.roll(open.len());
        open.rotate_left(turn);
        let order = [open, self.of_category(pipeline, "won"), self.of_category(pipeline, "lost")].concat();
        let path = format!("/pipelines/{}", self.pipelines[pipeline].id);
        let version = self.owner.get(&path).ok()["version"].to_string();
        let locked = self.owner.with("If-Match", &format!("\"{version}\""));
        locked.put(&format!("{path}/stage-order"), json!({ "stage_ids": order })).ok();
        self.look(pipeline);
        assert_eq!(self.pipelines[pipeline].order, order);
    }

    fn add_stage(&mut self) {
        let pipeline = self.roll(2);
        self.names += 1;
        let category = ["open", "open", "lost", "won"][self.roll(4)];
        let body = json!({ "pipeline_id": self.pipelines[pipeline].id, "name": format!("S{}", self.names), "category": category });
        self.owner.post("/stages", body).created();
        self.look(pipeline);
    }

    fn remove_stage(&mut self) {
        let pipeline = self.roll(2);
        let category = ["open", "open", "lost", "won"][self.roll(4)];
        let mut all = self.of_category(pipeline, category);
        if all.len() < 2 {
            return;
        }
        let gone = all.remove(self.roll(all.len()));
        let target = all[self.roll(all.len())].clone();
        self.owner.delete(&format!("/stages/{gone}?move_to={target}")).gone();
        for deal in 0..self.deals.len() {
            if self.deals[deal].now().stage == gone && !self.deals[deal].is_deleted() {
                let after = reread(&self.owner, &self.deals[deal].id);
                self.note(deal, pipeline, Vec::new(), &after);
            }
        }
        self.look(pipeline);
        self.pipelines[pipeline].gone.push(gone);
    }

    fn hand_over(&mut self) {
        let from = self.roll(3);
        let (from, to) = (self.users[from].clone(), self.users[(from + 1) % 3].clone());
        let closed_too = self.roll(3) == 0;
        self.owner
            .post(&format!("/users/{from}/hand-over"), json!({ "to_user_id": to, "closed_too": closed_too }))
            .ok();
        for deal in self.deals.iter_mut().filter(|deal| !deal.is_deleted() && deal.owner.as_ref() == Some(&from)) {
            if deal.closed.is_none() || closed_too {
                deal.owner = Some(to.clone());
            }
        }
    }

    /// Moves the whole history some days into the past.
    fn age(&mut self) {
        let workspace = self.owner.get("/me").ok()["workspace"]["id"].as_str().unwrap().to_owned();
        let mut conn = PgConnection::establish(database_url()).unwrap();
        let back = |table: &str, columns: &[&str]| {
            let set =
                columns.iter().map(|c| format!("{c} = {c} - interval '{AGE} days'")).collect::<Vec<_>>().join(", ");
            format!("update {table} set {set} where workspace_id = '{workspace}';")
        };
        let deals = ["created_at", "closed_at", "deleted_at", "updated_at", "stage_entered_at", "last_activity_at"];
        let moves = [
            back("deals", &deals),
            back("stage_spans", &["entered_at", "left_at"]),
            back("restorations", &["deleted_at", "restored_at"]),
            back("stages", &["created_at", "deleted_at", "updated_at"]),
        ];
        conn.batch_execute(&moves.concat()).unwrap();
        let age = AGE * DAY;
        for deal in &mut self.deals {
            deal.created -= age;
            deal.closed = deal.closed.map(|at| at - age);
            deal.deleted.iter_mut().for_each(|(from, to)| (*from, *to) = (*from - age, to.map(|to| to - age)));
            deal.stays.iter_mut().for_each(|stay| (stay.from, stay.to) = (stay.from - age, stay.to.map(|to| to - age)));
        }
    }

    /// Returns some of the instants at which something happened.
    pub fn instants(&self) -> Vec<i64> {
        let stays = self.deals.iter().flat_map(|deal| deal.stays.iter().map(|stay| stay.from));
        let ends = self.deals.iter().flat_map(|deal| deal.deleted.iter().flat_map(|(from, to)| [Some(*from), *to]));
        let mut all: Vec<i64> = stays.chain(ends.flatten()).collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter().step_by(7).collect()
    }
}

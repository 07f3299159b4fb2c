//! The fair queue: jobs and mails of one workspace do not wait for all those of another.
use crate::imports::finished;
use crate::support::process::{Process, folder};
use crate::support::{Client, database_url, id, unique};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::{Value as Json, json};
use uuid::Uuid;
use voronka::db::migrations;
use voronka::db::pool::{Db, Size};
use voronka::db::pooler::ConnectionMode;
use voronka::db::queue::{Job, JobFilter, JobKind, Lane};
use voronka::kernel::values::time::DateTime;
use voronka::schema::jobs;

/// Creates a database with a queue that no worker reads.
fn queue() -> Db {
    let name = unique("turns");
    PgConnection::establish(database_url()).unwrap().batch_execute(&format!("create database {name}")).unwrap();
    let url = database_url().replace("/postgres?", &format!("/{name}?"));
    migrations::run(&url).unwrap();
    Db::open(&url, Size { quick: 1, searches: 1, reports: 1, worker_threads: 2 }, ConnectionMode::Direct).unwrap()
}

fn add(db: &Db, workspace: u128, kind: &str, lane: Lane) -> Uuid {
    let (id, now) = (Uuid::now_v7(), DateTime::now());
    let row = (
        (jobs::id.eq(id), jobs::workspace_id.eq(Uuid::from_u128(workspace)), jobs::user_id.eq(Uuid::nil())),
        (jobs::kind.eq(kind), jobs::lane.eq(lane), jobs::args.eq(json!({}))),
        (jobs::created_at.eq(now), jobs::updated_at.eq(now)),
    );
    db.run_blocking(|conn| Ok(diesel::insert_into(jobs::table).values(&row).execute(conn)?)).unwrap();
    id
}

fn end(db: &Db, job: &Job) {
    db.run_blocking(|conn| voronka::db::queue::finish(conn, job, Ok(()))).map(|ended| assert!(ended)).unwrap();
}

const fn filter(lanes: &'static [Lane], share: u32) -> JobFilter {
    JobFilter { lanes, in_order: &[JobKind::Import], share }
}

const WORK: JobFilter = filter(&[Lane::Work], 2);

#[test]
fn workspaces_alternate() {
    let db = queue();
    let many: Vec<Uuid> = (0..10).map(|_| add(&db, 1, "bulk", Lane::Work)).collect();
    let (second, third) = (add(&db, 2, "bulk", Lane::Work), add(&db, 3, "bulk", Lane::Work));
    let take = || db.take_job(WORK).unwrap();
    let taken: Vec<Job> = (0..4).map(|_| take().unwrap()).collect();
    assert_eq!(taken.iter().map(|job| job.id).collect::<Vec<_>>(), [many[0], second, third, many[1]]);
    // The first workspace already has its share running.
    assert!(take().is_none());
    end(&db, &taken[1]);
    assert!(take().is_none());
    end(&db, &taken[0]);
    let fourth = add(&db, 4, "bulk", Lane::Work);
    assert_eq!(take().unwrap().id, fourth);
    assert_eq!(take().unwrap().id, many[2]);
}

#[test]
fn urgent_mails_do_not_wait() {
    let db = queue();
    let invitations: Vec<Uuid> = (0..100).map(|_| add(&db, 1, "letter", Lane::Short)).collect();
    let reset = add(&db, 1, "letter", Lane::Urgent);
    let of_another = add(&db, 2, "letter", Lane::Short);
    assert_eq!(db.take_job(filter(&[Lane::Urgent], 1)).unwrap().unwrap().id, reset);
    let short_jobs = filter(&[Lane::Urgent, Lane::Short], 2);
    let taken: Vec<Uuid> = (0..2).map(|_| db.take_job(short_jobs).unwrap().unwrap().id).collect();
    assert_eq!(taken, [invitations[0], of_another]);
    // Workers for jobs take no mails, and workers for mails take no jobs.
    assert!(db.take_job(WORK).unwrap().is_none());
}

#[test]
fn imports_of_a_workspace_keep_their_order() {
    let db = queue();
    let first = add(&db, 1, "import", Lane::Work);
    let (second, bulk) = (add(&db, 1, "import", Lane::Work), add(&db, 1, "bulk", Lane::Work));
    let import = db.take_job(WORK).unwrap().unwrap();
    assert_eq!(import.id, first);
    assert_eq!(db.take_job(WORK).unwrap().unwrap().id, bulk);
    // A job does not yield to a later import, since that one cannot start yet.
    assert!(!db.yield_turn(&import, true).unwrap());
    let other = add(&db, 2, "import", Lane::Work);
    assert!(db.yield_turn(&import, true).unwrap());
    assert!(!db.yield_turn(&import, true).unwrap(), "the job was already yielded");
    assert_eq!(db.take_job(WORK).unwrap().unwrap().id, other);
    let again = db.take_job(WORK).unwrap().unwrap();
    assert_eq!(again.id, first);
    assert_eq!(again.taken, import.taken + 1);
    end(&db, &again);
    assert_eq!(db.take_job(WORK).unwrap().unwrap().id, second);
}

#[test]
fn a_yielding_job_follows_jobs_that_never_started() {
    let db = queue();
    let long = add(&db, 1, "bulk", Lane::Work);
    let job = db.take_job(WORK).unwrap().unwrap();
    assert!(!db.yield_turn(&job, false).unwrap(), "no other job is waiting");
    let short = add(&db, 1, "bulk", Lane::Work);
    assert!(db.yield_turn(&job, false).unwrap());
    assert_eq!(db.take_job(WORK).unwrap().unwrap().id, short);
    assert_eq!(db.take_job(WORK).unwrap().unwrap().id, long);
}

fn owner(process: &Process) -> Client {
    let at = Client::at(&process.address);
    let email = format!("{}@example.com", unique("turn"));
    let body = json!({ "workspace_name": "Acme", "name": "Ann", "email": email, "password": "a-long-password" });
    let answer = at.post("/auth/register", body).created();
    at.with("Authorization", &format!("Bearer {}", answer["access_token"].as_str().unwrap()))
}

fn people(client: &Client, count: usize) {
    for begin in (0..count).step_by(500) {
        let items: Vec<Json> =
            (begin..count.min(begin + 500)).map(|n| json!({ "last_name": format!("P{n}") })).collect();
        client.post("/contacts/batch-create", json!({ "items": items })).ok();
    }
}

fn bulk(client: &Client, position: &str) -> String {
    let body = json!({ "selection": { "everything": true }, "changes": { "position": position } });
    id(&client.post("/contacts/bulk-update", body).expect(202))
}

/// Uses one worker, a workspace with many long jobs, and one with a short job.
#[test]
fn a_short_job_does_not_wait_for_all_long_jobs_of_another_workspace() {
    let process = Process::start_with(&folder("turns"), &[("VORONKA_JOBS", "1")]);
    let (busy, quiet) = (owner(&process), owner(&process));
    people(&busy, 2_000);
    people(&quiet, 10);
    let long: Vec<String> = (0..6).map(|n| bulk(&busy, &format!("B{n}"))).collect();
    let done = finished(&quiet, &bulk(&quiet, "Q"));
    assert_eq!(done["status"], "succeeded");
    assert_eq!(done["done"], 10);
    let states: Vec<Json> = long.iter().map(|job| busy.get(&format!("/jobs/{job}")).ok()["status"].clone()).collect();
    assert!(states.contains(&json!("queued")), "no long job is left: {states:?}");
    for job in long {
        let done = finished(&busy, &job);
        assert_eq!(done["status"], "succeeded");
        assert_eq!(done["done"], 2000);
        assert_eq!(done["result"]["succeeded"], 2000);
    }
}

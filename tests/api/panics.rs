//! A panic costs only its own request or job. No request can provoke one, so these tests panic themselves.
use crate::support::server::server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable};
use std::net::TcpListener;
use std::sync::Arc;
use uuid::Uuid;
use voronka::db::pool::{Db, Size};
use voronka::db::pooler::ConnectionMode;
use voronka::db::queue::{Job, JobStatus};
use voronka::db::watchdog::WatchedThread;
use voronka::http::cors::Origins;
use voronka::http::layers::outermost;
use voronka::jobs::worker;
use voronka::kernel::error::Code;
use voronka::kernel::values::time::DateTime;
use voronka::schema::jobs;

const ORIGIN: &str = "https://app.example";

fn get(address: &str, path: &str) -> (u16, String, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let request = agent.get(format!("http://{address}{path}")).header("Origin", ORIGIN);
    let mut answer = request.call().unwrap();
    if answer.status().is_server_error() {
        // Scripts on the page's own origin can read the error.
        assert_eq!(answer.headers()["access-control-allow-origin"], ORIGIN);
    }
    let header = |name| answer.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let (media, id) = (header("content-type"), header("x-request-id"));
    let body = answer.body_mut().read_to_string().unwrap();
    assert!(!id.is_empty() && (media.is_empty() || body.contains(&id)), "{id} {body}");
    (answer.status().as_u16(), media, body)
}

#[test]
fn a_panicking_handler_answers_500_and_its_thread_continues() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let app = || {
            let panic = || async { if std::hint::black_box(true) { panic!("on purpose") } else { "" } };
            App::new()
                .app_data(Origins(vec![ORIGIN.into()]))
                .route("/panic", web::get().to(panic))
                .route("/nothing", web::get().to(async || actix_web::HttpResponse::NoContent()))
                .wrap(from_fn(outermost))
        };
        actix_web::rt::System::new().block_on(HttpServer::new(app).workers(1).listen(listener).unwrap().run())
    });
    for _ in 0..3 {
        let (status, media, body) = get(&address, "/panic");
        assert_eq!(status, 500);
        assert_eq!(media.as_str(), "application/problem+json");
        assert!(body.contains("internal_error") && !body.contains("on purpose"), "{body}");
        assert_eq!(get(&address, "/nothing").0, 204);
    }
}

#[test]
fn panicking_database_work_loses_neither_thread_nor_transaction() {
    let db = Db::open(
        &server().database_url,
        Size { quick: 1, searches: 1, reports: 1, worker_threads: 1 },
        ConnectionMode::Direct,
    )
    .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for _ in 0..3 {
        let failed = runtime.block_on(db.run::<(), _>(|conn| {
            conn.batch_execute("begin; create table left_over_of_a_panic ()").unwrap();
            panic!("on purpose")
        }));
        assert_eq!(failed.unwrap_err().code(), Code::Internal);
        let left = runtime.block_on(db.run(|conn| {
            let sql = "pg_current_xact_id_if_assigned() is not null or to_regclass('left_over_of_a_panic') is not null";
            Ok(diesel::select(diesel::dsl::sql::<Nullable<Bool>>(sql)).get_result::<Option<bool>>(conn)?)
        }));
        assert_eq!(left.unwrap(), Some(false));
    }
}

#[test]
fn a_panicking_job_fails_and_its_worker_continues() {
    let mut conn = PgConnection::establish(&server().database_url).unwrap();
    // The job is already claimed, so no other worker takes it.
    let row = (
        (jobs::id.eq(Uuid::now_v7()), jobs::workspace_id.eq(Uuid::nil()), jobs::user_id.eq(Uuid::nil())),
        (jobs::kind.eq("test"), jobs::args.eq(serde_json::json!({})), jobs::status.eq(JobStatus::Running)),
        (jobs::created_at.eq(DateTime::now()), jobs::updated_at.eq(DateTime::now())),
        (jobs::taken.eq(1), jobs::lease_until.eq(DateTime::now().plus(chrono::Duration::days(1)))),
    );
    let job: Job =
        diesel::insert_into(jobs::table).values(row).returning(Job::as_returning()).get_result(&mut conn).unwrap();
    let thread = Arc::new(WatchedThread::default());
    let lost = Job { taken: 0, ..job.clone() };
    worker::run_job(&server().db, &thread, &lost, || panic!("by a worker that has lost it"));
    let status = |conn: &mut PgConnection| {
        jobs::table.find(job.id).select((jobs::status, jobs::error)).first::<(JobStatus, Option<String>)>(conn).unwrap()
    };
    assert_eq!(status(&mut conn), (JobStatus::Running, None));
    worker::run_job(&server().db, &thread, &job, || panic!("on purpose"));
    let (ended, why) = status(&mut conn);
    assert_eq!(ended, JobStatus::Failed);
    assert_eq!(why.as_deref(), Some("an internal error occurred and was logged"));
}

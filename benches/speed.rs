//! How fast, and how far from PostgreSQL itself: fills a workspace, then measures the server beside pgbench running the same
//! statements, prepared, on the same socket, in turns. The load generator shares the machine with both.
//!
//! `scripts/bench [ROWS] [SECONDS]`: 100,000 rows and 4 seconds per turn if absent.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a measurement may panic"
)]
mod load;

use load::{Figures, Load};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 3;
const CLIENTS: usize = 16;
const STAGES: usize = 7;
const OWNERS: usize = 20;

struct Bench {
    server: Child,
    address: String,
    token: String,
    workspace: String,
    user: String,
    pipeline: String,
    stages: Vec<String>,
    socket: PathBuf,
    bin: PathBuf,
    dir: PathBuf,
    rows: usize,
    seconds: u64,
}

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let rows = numbers.first().map_or(100_000, |n| usize::try_from(*n).unwrap());
    let mut bench = Bench::start(rows, numbers.get(1).copied().unwrap_or(4));
    println!("filling {rows} contacts and {rows} deals in {STAGES} stages …");
    bench.fill();
    let idle = bench.memory();
    let mut lines = Vec::new();
    for case in cases(&bench) {
        lines.push(bench.measure(&case));
    }
    let bulk = bench.bulk();
    let (imported, copied) = bench.import();
    println!("\n| {rows} rows | server req/s | p50 ms | p99 ms | pgbench tps | ratio | statements |");
    println!("|---|---|---|---|---|---|---|");
    lines.iter().for_each(|line| println!("{line}"));
    println!(
        "\nimport of 100000 contacts: {imported:.0} rows/s; COPY of the same rows into the same table: {copied:.0} rows/s"
    );
    println!("{bulk}");
    println!("server memory: {idle} MiB after the fill, {} MiB after the load", bench.memory());
    let cold = bench.cold_start();
    println!("cold start to the first answer on the existing cluster: {cold:.2} s");
}

/// However the measurement ends, its server ends too.
impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// One thing to measure: requests, and the same in SQL.
struct Case {
    name: &'static str,
    /// Reports have one connection of their own, so one client asks them; sixteen would measure how long they wait.
    clients: usize,
    request: Box<dyn Fn(usize) -> String + Send + Sync>,
    script: String,
}

impl Bench {
    fn start(rows: usize, seconds: u64) -> Bench {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
        let _ = std::fs::remove_dir_all(&dir);
        let (server, address, _) = serve(&dir);
        let body = format!(
            r#"{{"workspace_name":"Bench","name":"Owner","email":"bench-{}@example.com","password":"a-long-password"}}"#,
            std::process::id()
        );
        let answer = load::once(&address, &load::request("POST", "/auth/register", "", &body));
        let token = load::member(&answer, "access_token");
        let stages = (1..=STAGES - 2).map(|n| format!(r#"{{"name":"Open {n}"}}"#)).collect::<Vec<_>>().join(",");
        let body = format!(
            r#"{{"name":"Bench","kind":"deal","is_default":true,"stages":[{stages},{{"name":"Won","category":"won"}},{{"name":"Lost","category":"lost"}}]}}"#
        );
        let pipeline = load::once(&address, &load::request("POST", "/pipelines", &token, &body));
        let stages = pipeline.split(r#"{"id":""#).skip(2).map(|rest| rest[..36].to_owned()).collect();
        let bin = Command::new("pg_config")
            .arg("--bindir")
            .output()
            .map(|o| String::from_utf8(o.stdout).unwrap().trim().to_owned());
        let bin = bin.map_or_else(|_| PathBuf::from("/usr/lib/postgresql/15/bin"), PathBuf::from);
        Bench {
            server,
            token,
            workspace: load::member(&answer, "workspace_id"),
            user: load::member(&answer, "user_id"),
            pipeline: load::member(&pipeline, "id"),
            address,
            stages,
            socket: dir.join("postgres"),
            bin,
            dir,
            rows,
            seconds,
        }
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.arg("-h").arg(&self.socket).args(["-U", "voronka"]);
        command
    }

    fn sql(&self, text: &str) -> String {
        let output = self
            .tool("psql")
            .args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", text])
            .output()
            .expect("psql");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn fill(&self) {
        let (ws, rows, stages) = (&self.workspace, self.rows, format!("array['{}']::uuid[]", self.stages.join("','")));
        let at = "timestamptz '2025-01-01' + n * interval '5 minutes' / (";
        self.sql(&format!(
            "insert into users (workspace_id, id, name, role, status, created_at, updated_at)
                select '{ws}', {}, 'Seller ' || n, 'seller', 'invited', now(), now() from generate_series(1, {OWNERS}) n;
             insert into contacts (workspace_id, id, first_name, last_name, email, emails, phone, owner_id, created_at, updated_at)
                select '{ws}', {}, 'First ' || n % 1000, 'Last ' || n, n || '@example.com', jsonb_build_array(jsonb_build_object('email', n || '@example.com', 'kind', 'work')),
                    '+3725' || n, {}, {at}{rows} / 100000.0), now() from generate_series(1, {rows}) n;
             insert into deals (workspace_id, id, number, title, pipeline_id, stage_id, status, owner_id, value_amount, value_currency,
                    expected_close_date, closed_at, stage_entered_at, last_activity_at, created_at, updated_at)
                select '{ws}', {}, 'D-' || n, 'Deal ' || n, '{}', ({stages})[1 + n % {STAGES}],
                    case n % {STAGES} when 5 then 'won' when 6 then 'lost' else 'open' end, {}, n * 10, 'USD', date '2026-01-01' + n % 700,
                    case when n % {STAGES} > 4 then {at}{rows} / 100000.0) + interval '30 days' end, {at}{rows} / 100000.0) + interval '30 days',
                    now(), {at}{rows} / 100000.0), now() from generate_series(1, {rows}) n;
             insert into counters (workspace_id, kind, last) values ('{ws}', 'deal', {rows}) on conflict (workspace_id, kind) do update set last = excluded.last;
             insert into stage_spans (workspace_id, id, record_id, pipeline_id, stage_id, entered_at, left_at)
                select d.workspace_id, gen_random_uuid(), d.id, d.pipeline_id, ({stages})[k], d.created_at + (k - 1) * interval '5 days',
                    case when k < w then d.created_at + k * interval '5 days' end
                from deals d join (select id, case when status = 'open' then array_position({stages}, stage_id) else 4 end as w from deals) x using (id),
                    generate_series(1, w) k where d.workspace_id = '{ws}' and (d.status = 'open' or k < 4);
             insert into stage_spans (workspace_id, id, record_id, pipeline_id, stage_id, entered_at)
                select workspace_id, gen_random_uuid(), id, pipeline_id, stage_id, closed_at from deals where workspace_id = '{ws}' and status <> 'open';
             vacuum analyze",
            id("n", 1), id("n", 2), id(&format!("1 + n % {OWNERS}"), 1), id("n", 3), self.pipeline, id(&format!("1 + n % {OWNERS}"), 1)
        ).replace("vacuum analyze", ""));
        self.sql("vacuum analyze");
    }

    /// Server and pgbench in turns; the median of the rounds.
    fn measure(&self, case: &Case) -> String {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            ours.push(self.load(case, round));
            theirs.push(self.pgbench(case));
        }
        ours.sort_by(|a, b| a.rate.total_cmp(&b.rate));
        theirs.sort_by(f64::total_cmp);
        let (figures, tps) = (&ours[ROUNDS / 2], theirs[ROUNDS / 2]);
        let line = format!(
            "| {} | {:.0} | {:.2} | {:.2} | {tps:.0} | {:.2} | {} |",
            case.name,
            figures.rate,
            figures.p50,
            figures.p99,
            figures.rate / tps,
            figures.statements
        );
        println!("{line}");
        line
    }

    fn load(&self, case: &Case, round: usize) -> Figures {
        let load = Load { address: &self.address, clients: case.clients, time: Duration::from_secs(self.seconds) };
        load.run(round, &*case.request)
    }

    fn pgbench(&self, case: &Case) -> f64 {
        let path = self.dir.join("script.sql");
        std::fs::write(&path, &case.script).unwrap();
        let output = self
            .tool("pgbench")
            .args([
                "-n",
                "-M",
                "prepared",
                "-c",
                &case.clients.to_string(),
                "-j",
                &case.clients.min(2).to_string(),
                "-T",
                &self.seconds.to_string(),
                "-f",
            ])
            .arg(&path)
            .arg("postgres")
            .output()
            .expect("pgbench");
        let text = String::from_utf8(output.stdout).unwrap();
        let tps = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        tps.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
    }

    /// A user whose role sees what the team owns; every owner of the workspace is in the team.
    fn team_member(&self) -> String {
        let post = |path: &str, body: &str| load::once(&self.address, &load::request("POST", path, &self.token, body));
        let team = load::member(&post("/teams", r#"{"name":"Everybody"}"#), "id");
        let far = r#""read":"team","create":"own","update":"team","delete":"own","export":"none""#;
        post("/roles", &format!(r#"{{"key":"member","name":"Member","grants":[{{"resource":"deals",{far}}}]}}"#));
        let email = format!("member-{}@example.com", std::process::id());
        let user = format!(
            r#"{{"name":"Member","email":"{email}","role":"member","team_id":"{team}","password":"a-long-password"}}"#
        );
        post("/users", &user);
        self.sql(&format!("update users set team_id = '{team}' where workspace_id = '{}'", self.workspace));
        let login = format!(r#"{{"email":"{email}","password":"a-long-password"}}"#);
        load::member(&load::once(&self.address, &load::request("POST", "/auth/login", "", &login)), "access_token")
    }

    /// Rows per second of batches of a thousand, created and changed, and of the same as one statement per row in pgbench.
    fn bulk(&self) -> String {
        const BATCHES: usize = 20;
        let send = |path: &str, body: &str| load::once(&self.address, &load::request("POST", path, &self.token, body));
        let (mut ids, mut start) = (Vec::new(), Instant::now());
        for batch in 0..BATCHES {
            let item =
                |n: usize| format!(r#"{{"first_name":"Bulk","last_name":"Person","email":"bulk{n}@example.net"}}"#);
            let items: Vec<String> = (0..1000).map(|n| item(batch * 1000 + n)).collect();
            let answer = send("/contacts/batch-create", &format!(r#"{{"items":[{}]}}"#, items.join(",")));
            assert!(answer.contains(r#""failed":0"#), "{answer:.300}");
            ids.push(answer.split(r#""id":""#).skip(1).map(|rest| rest[..36].to_owned()).collect::<Vec<_>>());
        }
        let rows = (BATCHES * 1000) as f64;
        let created = rows / start.elapsed().as_secs_f64();
        start = Instant::now();
        for ids in &ids {
            let item = |id: &String| format!(r#"{{"id":"{id}","changes":{{"position":"CEO"}}}}"#);
            let items: Vec<String> = ids.iter().map(item).collect();
            let answer = send("/contacts/batch-update", &format!(r#"{{"items":[{}]}}"#, items.join(",")));
            assert!(answer.contains(r#""failed":0"#), "{answer:.300}");
        }
        let changed = rows / start.elapsed().as_secs_f64();
        let ws = &self.workspace;
        let insert = Case {
            clients: CLIENTS,
            name: "insert",
            request: Box::new(|_| String::new()),
            script: format!(
                "\\set n random(1, 1000000000)\n\\set m random(1, 1000000000)\ninsert into contacts (workspace_id, id, first_name, last_name, email, emails, phones, consents, \
                 lifecycle, tags, created_at, updated_at) values ('{ws}', gen_random_uuid(), 'Bulk', 'Person', :n::text || 'c' || :m::text || '@example.net', '[]', '[]', '[]', 'lead', '{{}}', now(), now());\n"
            ),
        };
        let update = Case {
            clients: CLIENTS,
            name: "update",
            request: Box::new(|_| String::new()),
            script: format!(
                "\\set n random(1, {})\nupdate contacts set position = 'CEO', version = version + 1, updated_at = now() where workspace_id = '{ws}' and id = {};\n",
                self.rows,
                id(":n", 2)
            ),
        };
        format!(
            "batches of 1000 contacts, with their events: created {created:.0} rows/s, changed {changed:.0} rows/s; one prepared statement per row and \
             transaction in pgbench, without events: inserted {:.0} rows/s, changed {:.0} rows/s",
            self.pgbench(&insert),
            self.pgbench(&update)
        )
    }

    /// Rows per second of an import of 100,000 contacts, and of COPY.
    fn import(&self) -> (f64, f64) {
        let mut csv = String::from("first_name,last_name,email,phone\n");
        for n in 0..100_000 {
            writeln!(csv, "Imported,Person {n},imported{n}@example.org,+37255{n:06}").unwrap();
        }
        let upload = load::once(&self.address, &load::upload(&self.token, "contacts", &csv));
        let path = format!("/imports/{}/run", load::member(&upload, "id"));
        let start = Instant::now();
        let job = load::member(&load::once(&self.address, &load::request("POST", &path, &self.token, "{}")), "id");
        loop {
            let state = load::once(&self.address, &load::request("GET", &format!("/jobs/{job}"), &self.token, ""));
            match load::member(&state, "status").as_str() {
                "succeeded" => break,
                "queued" | "running" => std::thread::sleep(Duration::from_millis(100)),
                other => panic!("the import {other}: {state}"),
            }
        }
        let imported = 100_000.0 / start.elapsed().as_secs_f64();
        let columns = self
            .sql("select string_agg(column_name, ',') from information_schema.columns where table_name = 'contacts'");
        let file = self.dir.join("postgres").join("copy.bin");
        let of = format!("workspace_id = '{}' and email like 'imported%'", self.workspace);
        self.sql(&format!("copy (select {columns} from contacts where {of}) to '{}' (format binary)", file.display()));
        self.sql(&format!("delete from contacts where {of}"));
        let start = Instant::now();
        self.sql(&format!("copy contacts ({columns}) from '{}' (format binary)", file.display()));
        (imported, 100_000.0 / start.elapsed().as_secs_f64())
    }

    /// Resident memory of the server, in MiB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024
    }

    fn cold_start(&mut self) -> f64 {
        Command::new("kill").args(["-TERM", &self.server.id().to_string()]).status().unwrap();
        self.server.wait().unwrap();
        let (server, _, seconds) = serve(&self.dir);
        self.server = server;
        seconds
    }
}

/// Starts the server and returns it with its address and the seconds until its first answer.
fn serve(dir: &Path) -> (Child, String, f64) {
    let start = Instant::now();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let server = Command::new(env!("CARGO_BIN_EXE_voronka"))
        .args(["serve", "--listen", &address, "--data-dir"])
        .arg(dir)
        .env("RUST_LOG", "warn,access=off")
        .env("VORONKA_RATE_PER_MINUTE", "0")
        .env_remove("DATABASE_URL")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !load::is_up(&address) {
        assert!(start.elapsed() < Duration::from_secs(60), "the server does not start");
        std::thread::sleep(Duration::from_millis(5));
    }
    (server, address, start.elapsed().as_secs_f64())
}

/// The id of row `n` of a kind, as SQL.
fn id(n: &str, kind: u8) -> String {
    format!("('0192f0c{kind}-0000-7000-8000-' || lpad(to_hex(({n})::bigint), 12, '0'))::uuid")
}

fn id_text(n: usize, kind: u8) -> String {
    format!("0192f0c{kind}-0000-7000-8000-{n:012x}")
}

/// The screens of a seller, one client at a time: what counts is how long one waits.
fn screens(bench: &Bench) -> Vec<Case> {
    let (ws, pipeline) = (&bench.workspace, &bench.pipeline);
    let get = |path: String, token: &str| load::request("GET", &path, token, "");
    let t = bench.token.clone();
    let mine =
        format!("workspace_id = '{ws}' and deleted_at is null and status = 'open' and owner_id = {}", id(":o", 1));
    let block = |more: &str, order: &str| {
        format!(
            "select (select count(*) from (select from deals where {mine} and {more} limit 10001) few), \
             (select array_agg(title) from (select title from deals where {mine} and {more} order by {order}, id limit 5) first);\n"
        )
    };
    let day = Case {
        clients: 1,
        name: "my day of a seller",
        request: Box::new(move |n| get(format!("/my-day?user_id={}", id_text(1 + n % OWNERS, 1)), &t)),
        script: format!(
            "\\set o random(1, {OWNERS})\n{}{}{}",
            block("last_activity_at < now() - interval '5 days'", "last_activity_at"),
            block("next_task_id is null", "last_activity_at"),
            block("expected_close_date < current_date", "expected_close_date"),
        ),
    };
    let t = bench.token.clone();
    let open = bench.stages.iter().take(STAGES - 2).map(|stage| format!("'{stage}'")).collect::<Vec<_>>().join(",");
    let here =
        format!("workspace_id = '{ws}' and deleted_at is null and status = 'open' and pipeline_id = '{pipeline}'");
    let board = Case {
        clients: 1,
        name: "board of all open deals",
        request: Box::new(move |_| get("/deals/board".to_owned(), &t)),
        script: format!(
            "select stage_id, value_currency, count(*), sum(value_amount), sum(value_amount * coalesce(probability_percent, 50)) \
             from deals where {here} group by 1, 2;\n\
             select stage.id, card.* from unnest(array[{open}]::uuid[]) stage (id) cross join lateral (select id, title, value_amount, owner_id \
             from deals where {here} and stage_id = stage.id order by board_position, id limit 21) card;\n"
        ),
    };
    let t = bench.token.clone();
    let untouched = Case {
        clients: 1,
        name: "list 50 deals without a next task, untouched longest first",
        request: Box::new(move |n| {
            let owner = id_text(1 + n % OWNERS, 1);
            get(format!("/deals?status=open&has_next_task=false&owner_id={owner}&sort=last_activity_at&limit=50"), &t)
        }),
        script: format!(
            "\\set o random(1, {OWNERS})\nselect * from deals where {mine} and next_task_id is null order by last_activity_at, id limit 51;\n"
        ),
    };
    vec![day, board, untouched]
}

fn cases(bench: &Bench) -> Vec<Case> {
    let (rows, token, ws) = (bench.rows, bench.token.clone(), bench.workspace.clone());
    let get = |path: String, token: &str| load::request("GET", &path, token, "");
    let columns = bench.sql(
        "select string_agg(column_name, ', ' order by ordinal_position) from information_schema.columns where table_name = 'deals' and column_name not in ('workspace_id', 'deleted_at')",
    );
    let (stages, stage_list) = (bench.stages.clone(), format!("array['{}']::uuid[]", bench.stages.join("','")));
    let open = stages.len() - 2;
    let t = token.clone();
    let read = Case {
        clients: CLIENTS,
        name: "read a deal",
        request: Box::new(move |n| get(format!("/deals/{}", id_text(1 + n * 7919 % rows, 3)), &t)),
        script: format!(
            "\\set n random(1, {rows})\nselect {columns} from deals where workspace_id = '{ws}' and deleted_at is null and id = {};\n",
            id(":n", 3)
        ),
    };
    let (t, s) = (token.clone(), stages.clone());
    let list = Case {
        clients: CLIENTS,
        name: "list 50 deals by stage and owner, newest first",
        request: Box::new(move |n| {
            let owner = id_text(1 + n % OWNERS, 1);
            get(format!("/deals?stage_id={}&owner_id={owner}&sort=-created_at&limit=50", s[n * 31 % STAGES]), &t)
        }),
        script: format!(
            "\\set o random(1, {OWNERS})\n\\set s random(1, {STAGES})\nselect {columns} from deals where workspace_id = '{ws}' and deleted_at is null \
             and owner_id = {} and stage_id = ({stage_list})[:s::int] order by created_at desc, id desc limit 51;\n",
            id(":o", 1)
        ),
    };
    let t = token.clone();
    let event = |kind: &str, record: &str| {
        format!(
            "insert into events (workspace_id, id, at, type, record_kind, record_id, actor_kind, actor_id, request_id, changes) values \
             ('{ws}', gen_random_uuid(), now(), '{kind}', 'x', {record}, 'user', '{}', 'x', '{{\"first_name\": [null, \"New\"], \"email\": [null, \"x\"]}}');\n",
            bench.user
        )
    };
    let create = Case {
        clients: CLIENTS,
        name: "create a contact",
        request: Box::new(move |n| {
            load::request(
                "POST",
                "/contacts",
                &t,
                &format!(r#"{{"first_name":"New","last_name":"Person","email":"new{n}@example.net"}}"#),
            )
        }),
        script: format!(
            "\\set n random(1, 1000000000)\n\\set m random(1, 1000000000)\nbegin;\ninsert into contacts (workspace_id, id, first_name, last_name, email, emails, phones, \
             consents, lifecycle, tags, created_at, updated_at) values ('{ws}', gen_random_uuid(), 'New', 'Person', :n::text || 'b' || :m::text || '@example.net', \
             '[{{\"kind\": \"work\"}}]', '[]', '[]', 'lead', '{{}}', now(), now()) returning *;\n{}commit;\n",
            event("contact.created", "gen_random_uuid()")
        ),
    };
    let (t, s) = (token.clone(), stages.clone());
    let go = Case {
        clients: CLIENTS,
        name: "move a deal (with its event and span)",
        request: Box::new(move |n| {
            let deal = id_text(1 + n * 7919 % rows, 3);
            load::request(
                "POST",
                &format!("/deals/{deal}/move"),
                &t,
                &format!(r#"{{"stage_id":"{}"}}"#, s[n * 13 % open]),
            )
        }),
        script: format!(
            "\\set n random(1, {rows})\n\\set s random(1, {open})\nbegin;\nselect {columns} from deals where workspace_id = '{ws}' and id = {deal} for update;\n\
             select * from stages where workspace_id = '{ws}' and id = ({stage_list})[:s::int];\n\
             update deals set stage_id = ({stage_list})[:s::int], status = 'open', closed_at = null, stage_entered_at = now(), last_activity_at = now(), version = version + 1, \
             updated_at = now() where workspace_id = '{ws}' and id = {deal} returning {columns};\n\
             with closed as (update stage_spans set left_at = greatest(entered_at, now()) where workspace_id = '{ws}' and record_id = {deal} and left_at is null returning left_at) \
             insert into stage_spans (workspace_id, id, record_id, pipeline_id, stage_id, entered_at) select '{ws}', gen_random_uuid(), {deal}, '{pipeline}', \
             ({stage_list})[:s::int], coalesce(max(left_at), now()) from closed;\n{event}commit;\n",
            deal = id(":n", 3),
            pipeline = bench.pipeline,
            event = event("deal.stage_changed", &id(":n", 3)),
        ),
    };
    // The same two reads by somebody who sees what the team owns, which is all of it.
    let t = bench.team_member();
    let read_as_team = Case {
        clients: CLIENTS,
        name: "read a deal, with the visibility team",
        request: Box::new({
            let t = t.clone();
            move |n| get(format!("/deals/{}", id_text(1 + n * 7919 % rows, 3)), &t)
        }),
        script: read.script.clone(),
    };
    let s = stages.clone();
    let list_as_team = Case {
        clients: CLIENTS,
        name: "list 50 deals, with the visibility team",
        request: Box::new(move |n| {
            let owner = id_text(1 + n % OWNERS, 1);
            get(format!("/deals?stage_id={}&owner_id={owner}&sort=-created_at&limit=50", s[n * 31 % STAGES]), &t)
        }),
        script: list.script.clone(),
    };
    let mut cases = vec![read, read_as_team, list, list_as_team, create, go];
    cases.extend(screens(bench));
    for (name, kind, sql) in [
        ("funnel: cohort", "cohort", include_str!("../src/analytics/funnel_cohort.sql")),
        ("funnel: flow of a month", "flow", include_str!("../src/analytics/funnel_flow.sql")),
        ("funnel: snapshot", "snapshot", include_str!("../src/analytics/funnel_snapshot.sql")),
    ] {
        let period = if kind == "flow" { "&from=2025-06-01&to=2025-07-01" } else { "" };
        let path = format!("/analytics/funnel?kind={kind}&pipeline_id={}{period}", bench.pipeline);
        let t = token.clone();
        let (from, to) = if kind == "flow" { ("2025-06-01", "2025-07-01") } else { ("0001-01-01", "9999-12-31") };
        cases.push(Case {
            name,
            clients: 1,
            request: Box::new(move |_| get(path.clone(), &t)),
            script: plain(sql, bench, from, to),
        });
    }
    cases
}

/// A report's statement with its names filled in, on one line, as pgbench wants it.
fn plain(sql: &str, bench: &Bench, from: &str, to: &str) -> String {
    let quoted = |text: &str| format!("'{text}'");
    let text: Vec<&str> = sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let mut text = text.join(" ");
    for (name, value) in [
        (":records", "deals".to_owned()),
        (":amount", "deals.value_amount".into()),
        (":currency", "deals.value_currency".into()),
        (":workspace", quoted(&bench.workspace)),
        (":pipeline", quoted(&bench.pipeline)),
        (":group_join", String::new()),
        (":group_key", "null::text".into()),
        (":group_label", "null::text".into()),
        (":share", "1::numeric".into()),
        (":filter", "true".into()),
        (":from", format!("timestamptz '{from}'")),
        (":to", format!("timestamptz '{to}'")),
        (":at", "now()".into()),
    ] {
        text = text.replace(name, &value);
    }
    format!("{text};\n")
}

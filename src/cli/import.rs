//! `voronka import`: imports a file through the API, with a progress bar.
use crate::cli::settings::Import;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value as Json, json};
use std::time::Duration;
use ureq::Agent;

type Outcome<T = ()> = Result<T, String>;

/// The connection to a server.
struct Server<'a> {
    agent: Agent,
    options: &'a Import,
}

const BOUNDARY: &str = "voronka-import-boundary";

pub fn run(options: &Import) -> Outcome {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let server = Server { agent, options };
    let content = std::fs::read(&options.file).map_err(|e| format!("{}: {e}", options.file.display()))?;
    let import = server.upload(&content)?;
    let detected = member(&import, "detected");
    let text = |name: &str| member(detected, name).as_str().unwrap_or("none").to_owned();
    println!(
        "{} rows, {}, delimiter {:?}, dates {}",
        member(detected, "rows"),
        text("encoding"),
        text("delimiter"),
        text("date_format")
    );
    let id = member(&import, "id").as_str().unwrap_or_default().to_owned();
    let settings = settings(options, &import)?;
    for mapping in member(&settings, "mapping").as_array().into_iter().flatten() {
        println!("  {} → {}", member(mapping, "column"), member(mapping, "field"));
    }
    let job = server.send(
        "POST",
        &format!("/imports/{id}/run"),
        Some(json!({ "dry_run": options.dry_run, "settings": settings })),
    )?;
    server.watch(member(&job, "id").as_str().unwrap_or_default())?;
    let report = member(&server.send("GET", &format!("/imports/{id}"), None)?, "report").clone();
    print_report(&report, options.dry_run);
    let with_problems = ["failed", "without_record"].map(|count| member(&report, count).as_i64().unwrap_or(0));
    if with_problems.iter().sum::<i64>() > 0 {
        let problems = server.send("GET", &format!("/imports/{id}/problems?limit=20"), None)?;
        for problem in member(&problems, "data").as_array().into_iter().flatten() {
            let column = member(problem, "column").as_str().map(|c| format!(", column {c}")).unwrap_or_default();
            println!(
                "  line {}{column}: {}",
                member(problem, "row"),
                member(problem, "detail").as_str().unwrap_or_default()
            );
        }
        println!("for all problems: GET /api/v1/imports/{id}/problems");
    }
    Ok(())
}

fn member<'j>(value: &'j Json, name: &str) -> &'j Json {
    value.get(name).unwrap_or(&Json::Null)
}

fn print_report(report: &Json, dry_run: bool) {
    let would = if dry_run { "would be " } else { "" };
    let count = |name: &str| member(report, name).to_string();
    println!(
        "{} {would}created, {} {would}updated, {} unchanged, {} skipped, {} refused, {} repeated",
        count("created"),
        count("updated"),
        count("unchanged"),
        count("skipped"),
        count("failed"),
        count("repeated")
    );
    for unknown in member(report, "unknown_values").as_array().into_iter().flatten() {
        let (column, value) = (
            member(unknown, "column").as_str().unwrap_or_default(),
            member(unknown, "value").as_str().unwrap_or_default(),
        );
        let hint = member(unknown, "nearest")
            .as_str()
            .map(|n| format!("; to use {n} instead: --value '{column}:{value}={n}'"));
        println!("  {column}: unknown value {value} ({} rows){}", member(unknown, "rows"), hint.unwrap_or_default());
    }
}

/// Returns the settings from the flags. With `--value` only, the values are added to the suggested mapping.
fn settings(options: &Import, import: &Json) -> Outcome<Json> {
    let mut mapping: Vec<Json> = Vec::new();
    for one in &options.mapping {
        let (column, field) =
            one.split_once('=').ok_or_else(|| format!("--map {one}: must have the form COLUMN=FIELD"))?;
        mapping.push(json!({ "column": column, "field": field, "values": [] }));
    }
    if mapping.is_empty() {
        mapping = member(member(import, "settings"), "mapping").as_array().cloned().unwrap_or_default();
    }
    for one in &options.values {
        let wrong = || format!("--value {one}: must have the form COLUMN:FROM=TO");
        let (column, rest) = one.split_once(':').ok_or_else(wrong)?;
        let (from, to) = rest.split_once('=').ok_or_else(wrong)?;
        let found = mapping.iter_mut().find(|m| member(m, "column") == column);
        let values = found.and_then(|m| m.get_mut("values")).and_then(Json::as_array_mut);
        values
            .ok_or_else(|| format!("--value {one}: the column {column} is not mapped"))?
            .push(json!({ "from": from, "to": to }));
    }
    for mapping in mapping.iter_mut().filter_map(Json::as_object_mut) {
        mapping.retain(|_, value| !value.is_null());
    }
    let mut settings = json!({ "mapping": mapping });
    let extra = [
        ("pipeline_id", &options.pipeline),
        ("date_format", &options.date_format),
        ("mode", &options.mode),
        ("tags", &options.tags),
        ("empty_cells", &options.empty_cells),
    ];
    if let Some(members) = settings.as_object_mut() {
        if !options.match_by.is_empty() {
            members.insert("match_by".to_owned(), json!(options.match_by));
        }
        members.extend(extra.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?)))));
    }
    Ok(settings)
}

impl Server<'_> {
    fn upload(&self, content: &[u8]) -> Outcome<Json> {
        let name = self.options.file.file_name().unwrap_or_default().to_string_lossy().replace('"', "");
        let part = |head: &str| format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n").into_bytes();
        let mut body = part("name=\"resource\"");
        body.extend(self.options.resource.as_bytes());
        body.extend(b"\r\n");
        body.extend(part(&format!("name=\"file\"; filename=\"{name}\"")));
        body.extend(content);
        body.extend(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        self.call("POST", "/imports", body, &format!("multipart/form-data; boundary={BOUNDARY}"))
    }

    fn send(&self, method: &str, path: &str, body: Option<Json>) -> Outcome<Json> {
        let bytes = body.map(|b| b.to_string().into_bytes()).unwrap_or_default();
        self.call(method, path, bytes, "application/json")
    }

    /// Sends a request, and returns a problem as text.
    fn call(&self, method: &str, path: &str, body: Vec<u8>, content_type: &str) -> Outcome<Json> {
        let uri = format!("{}/api/v1{path}", self.options.server.trim_end_matches('/'));
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(&uri)
            .header("Authorization", format!("Bearer {}", self.options.token))
            .header("Content-Type", content_type);
        let answer = match method {
            "GET" => self.agent.run(request.body(()).map_err(|e| e.to_string())?),
            _ => self.agent.run(request.body(body).map_err(|e| e.to_string())?),
        };
        let mut answer = answer.map_err(|e| format!("{uri}: {e}"))?;
        let status = answer.status();
        let json: Json = answer.body_mut().read_json().map_err(|e| format!("{uri}: {e}"))?;
        if status.is_success() {
            return Ok(json);
        }
        let mut words = member(&json, "detail").as_str().unwrap_or("the server refused the request").to_owned();
        for error in member(&json, "errors").as_array().into_iter().flatten() {
            let (pointer, detail) = (
                member(error, "pointer").as_str().unwrap_or_default(),
                member(error, "detail").as_str().unwrap_or_default(),
            );
            words.push_str(&format!("\n  {pointer} {detail}"));
        }
        Err(words)
    }

    /// Shows the progress of the job until it ends.
    fn watch(&self, job: &str) -> Outcome {
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} rows, {per_sec}, {eta} left")
            .map_err(|e| e.to_string())?;
        let bar = ProgressBar::new(0).with_style(style);
        loop {
            let state = self.send("GET", &format!("/jobs/{job}"), None)?;
            bar.set_length(member(&state, "total").as_u64().unwrap_or(0));
            bar.set_position(member(&state, "done").as_u64().unwrap_or(0));
            match member(&state, "status").as_str() {
                Some("queued" | "running") => std::thread::sleep(Duration::from_millis(200)),
                Some("succeeded") => {
                    bar.finish();
                    return Ok(());
                }
                _ => {
                    bar.abandon();
                    return Err(member(&state, "error").as_str().unwrap_or("the job was cancelled").to_owned());
                }
            }
        }
    }
}

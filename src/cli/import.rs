//! `voronka import`: imports a file through the API, with a progress bar.
use crate::cli::import_report::{self, member};
use crate::cli::import_settings;
use crate::cli::settings::Import;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value as Json, json};
use std::process::ExitCode;
use std::time::Duration;
use ureq::Agent;

type Outcome<T = ()> = Result<T, String>;

/// The exit code of an import that refused rows, or left out rows without a record.
const ROWS_REFUSED: u8 = 3;

/// The connection to a server.
struct Server<'a> {
    agent: Agent,
    options: &'a Import,
}

const BOUNDARY: &str = "voronka-import-boundary";

/// Imports the file. Succeeds only if every row came in.
pub fn run(options: &Import) -> Outcome<ExitCode> {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let server = Server { agent, options };
    let content = std::fs::read(&options.file).map_err(|e| format!("{}: {e}", options.file.display()))?;
    let import = server.upload(&content)?;
    let parts = server.parts(&import)?;
    for part in &parts {
        import_report::print_place(part);
        import_report::print_detected(member(part, "detected"));
    }
    if member(&import, "resource").is_null() {
        import_report::print_findings(member(&import, "detected"));
    }
    let id = member(&import, "id").as_str().unwrap_or_default().to_owned();
    let settings = import_settings::settings(options, member(member(&import, "settings"), "mapping"))?;
    let body = json!({ "dry_run": options.dry_run, "settings": settings });
    let job = server.send("POST", &format!("/imports/{id}/run"), Some(body))?;
    server.watch(member(&job, "id").as_str().unwrap_or_default())?;
    let import = server.send("GET", &format!("/imports/{id}"), None)?;
    let mut complete = true;
    for part in server.parts(&import)? {
        import_report::print_place(&part);
        import_report::print_report(member(&part, "report"), options.dry_run);
        complete &= server.print_problems(&part)?;
    }
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::from(ROWS_REFUSED) })
}

impl Server<'_> {
    /// Returns the parts of an import, or the import itself if it has none.
    fn parts(&self, import: &Json) -> Outcome<Vec<Json>> {
        let parts = member(import, "parts").as_array().cloned().unwrap_or_default();
        if parts.is_empty() {
            return Ok(vec![import.clone()]);
        }
        let part = |part: &Json| {
            let id = member(part, "import_id").as_str().unwrap_or_default();
            self.send("GET", &format!("/imports/{id}"), None)
        };
        parts.iter().map(part).collect()
    }

    /// Prints the first problems of a part. Returns whether all of its rows came in.
    fn print_problems(&self, part: &Json) -> Outcome<bool> {
        let report = member(part, "report");
        let refused = ["failed", "without_record"].map(|count| member(report, count).as_i64().unwrap_or(0));
        if refused.iter().sum::<i64>() == 0 {
            return Ok(true);
        }
        let id = member(part, "id").as_str().unwrap_or_default();
        import_report::print_problems(&self.send("GET", &format!("/imports/{id}/problems?limit=20"), None)?);
        println!("for all problems: GET /api/v1/imports/{id}/problems");
        Ok(false)
    }

    fn upload(&self, content: &[u8]) -> Outcome<Json> {
        let name = self.options.file.file_name().unwrap_or_default().to_string_lossy().replace('"', "");
        let part = |head: &str| format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n").into_bytes();
        let texts = [("resource", &self.options.resource), ("sheet", &self.options.reading.sheet)];
        let mut body = Vec::new();
        for (name, text) in texts.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?))) {
            body.extend(part(&format!("name=\"{name}\"")));
            body.extend(text.as_bytes());
            body.extend(b"\r\n");
        }
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
        import_report::print_decisions(member(&json, "decisions"));
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

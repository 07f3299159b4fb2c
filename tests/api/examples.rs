//! Runs the examples of the documentation: the spreadsheet import, the tour in the README, and the pages for clients.
use crate::support::{Client, client::Answer, server};
use serde_json::{Value as Json, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs the example over a folder; returns a client of the new workspace, and its pipeline.
fn from_spreadsheet(address: &str, data: &Path) -> (Client, String) {
    let output = Command::new("bash")
        .arg(root().join("examples/from_spreadsheet.sh"))
        .args([&format!("http://{address}"), &data.display().to_string()])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let last: Json = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let token = format!("Bearer {}", last["access_token"].as_str().unwrap());
    (Client::at(address).with("Authorization", &token), last["pipeline_id"].as_str().unwrap().to_owned())
}

fn get(client: &Client, report: &str, pipeline: &str, more: &str) -> Json {
    let answer: Answer = client.get(&format!("/analytics/{report}?pipeline_id={pipeline}{more}"));
    answer.ok()
}

/// Uses the public data set if present; the expected figures were computed directly from its files.
#[test]
fn the_real_spreadsheet_gives_correct_figures() {
    let data = root().join("../shared/data/crm-sales-opportunities");
    if !data.is_dir() {
        return the_small_spreadsheet_gives_the_same_reports();
    }
    let (client, pipeline) = from_spreadsheet(&server().address, &data);
    let cohort = get(&client, "funnel", &pipeline, "");
    let group = &cohort["groups"][0];
    assert_eq!(group["total"], 8800);
    assert_eq!(group["won"], 4238);
    assert_eq!(group["lost"], 2473);
    assert_eq!(group["open"], 2089);
    let now = get(&client, "funnel", &pipeline, "&kind=snapshot");
    let standing: Vec<&Json> = now["groups"][0]["stages"].as_array().unwrap().iter().map(|s| &s["count"]).collect();
    assert_eq!(standing, [&json!(500), &json!(1589)]);
    let rate = get(&client, "win-rate", &pipeline, "")["groups"][0].clone();
    assert_eq!(rate["won_value"], json!([{ "amount": 1_000_553_400, "currency": "USD" }]));
    assert_eq!(format!("{:.5}", rate["win_rate"].as_f64().unwrap()), "0.63150");
    let quarters = get(&client, "win-rate", &pipeline, "&group_by=quarter");
    assert_eq!(
        figures(&quarters),
        "2017-Q1 647 0.8207 1134672\n2017-Q2 2032 0.6171 3086111\n2017-Q3 2047 0.6141 2982255\n2017-Q4 1985 0.6025 2802496\n"
    );
    let products = get(&client, "win-rate", &pipeline, "&group_by=product");
    assert_eq!(
        figures(&products),
        "GTK 500 25 0.6000 400612\nGTX Basic 1436 0.6372 499263\nGTX Plus Basic 1051 0.6213 705275\nGTX Plus Pro 745 0.6430 2629651\n\
         GTX Pro 1147 0.6356 3510578\nMG Advanced 1084 0.6033 2216387\nMG Special 1223 0.6484 43768\n"
    );
    // A quarter given as a period equals the quarter given as dates.
    let q1 = get(&client, "win-rate", &pipeline, "&from=2017-01-01&to=2017-04-01");
    assert_eq!(q1["groups"][0]["closed"], 647);
    let days = get(&client, "cycle-time", &pipeline, "")["groups"][0].clone();
    let day = |what: &str, figure: &str| format!("{:.2}", days[what][figure].as_f64().unwrap());
    assert_eq!(day("won", "mean_days"), "51.78");
    assert_eq!(day("won", "median_days"), "57.00");
    assert_eq!(day("lost", "mean_days"), "41.48");
    assert_eq!(day("lost", "median_days"), "14.00");
    let without = client.get("/deals?company_id__empty=true&include_total=true&limit=1").ok();
    assert_eq!(without["page"]["total"], 1425);
}

fn figures(report: &Json) -> String {
    report["groups"].as_array().unwrap().iter().fold(String::new(), |mut text, group| {
        let (rate, won) = (group["win_rate"].as_f64().unwrap(), group["won_value"][0]["amount"].as_i64().unwrap());
        writeln!(text, "{} {} {rate:.4} {}", group["label"].as_str().unwrap(), group["closed"], won / 100).unwrap();
        text
    })
}

#[test]
fn the_small_spreadsheet_gives_the_same_reports() {
    small_spreadsheet(&server().address, "small-spreadsheet");
}

/// Runs the small spreadsheet on any server.
pub fn small_spreadsheet(address: &str, folder: &str) -> Client {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(folder);
    std::fs::create_dir_all(&dir).unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.join(name), text).unwrap();
    write("sales_teams.csv", "sales_agent,manager,regional_office\nAnn Lee,Max,North\nBob Ray,Max,South\n");
    write(
        "accounts.csv",
        "account,sector,year_established,revenue,employees,office_location,subsidiary_of\nAcme,technolgy,1996,1100.04,28,Kenya,\nBeta,retail,2001,1,5,Peru,Acme\n",
    );
    write("products.csv", "product,series,sales_price\nGTX Pro,GTX,4821\nMG,MG,55\n");
    write(
        "sales_pipeline.csv",
        "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value\n\
         1,Ann Lee,GTXPro,Acme,Won,01-01-17,11-01-17,5000\n2,Ann Lee,MG,,Lost,01-01-17,03-01-17,0\n3,Bob Ray,MG,Beta,Engaging,05-01-17,,\n4,Bob Ray,MG,Beta,Prospecting,,,\n",
    );
    let (client, pipeline) = from_spreadsheet(address, &dir);
    let rate = get(&client, "win-rate", &pipeline, "")["groups"][0].clone();
    assert_eq!(rate["win_rate"], json!(0.5));
    assert_eq!(rate["won_value"][0]["amount"], 500_000);
    let standing = get(&client, "funnel", &pipeline, "&kind=snapshot");
    let counts: Vec<&Json> = standing["groups"][0]["stages"].as_array().unwrap().iter().map(|s| &s["count"]).collect();
    assert_eq!(counts, [&json!(1), &json!(1)]);
    let by_sector = get(&client, "win-rate", &pipeline, "&group_by=sector");
    assert_eq!(by_sector["groups"][0]["label"], "technology");
    assert_eq!(by_sector["groups"][1]["label"], Json::Null);
    let by_team = get(&client, "win-rate", &pipeline, "&group_by=team");
    assert_eq!(by_team["groups"][0]["label"], "North");
    let company = client.get("/companies?name=Beta&include=parent").ok();
    assert_eq!(company["included"]["companies"][0]["name"], "Acme");
    assert_eq!(company["data"][0]["revenue"]["amount"], 100_000_000);
    client
}

#[test]
fn the_tour_of_the_readme_works() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    execute(readme.split("## Five minutes with curl").nth(1).unwrap().split("\n## ").next().unwrap());
}

#[test]
fn the_pages_for_clients_work() {
    let pages = std::fs::read_dir(root().join("docs/clients")).unwrap();
    for page in pages {
        execute(&std::fs::read_to_string(page.unwrap().path()).unwrap());
    }
}

/// Runs every `sh` block of a page as one script; each `# => text` must occur in the output, in order.
fn execute(section: &str) {
    let mut script = String::from("set -euo pipefail\n");
    for block in section.split("```sh\n").skip(1) {
        script.push_str(block.split("```").next().unwrap());
    }
    let email = format!("{}@example.com", crate::support::unique("tour"));
    let script = script
        .replace("http://127.0.0.1:8080", &format!("http://{}", server().address))
        .replace("anna@example.com", &email)
        // Other tests have long transactions, and a change waits for them in the feed.
        .replace("sleep 2 ", "sleep 8 ");
    let output = Command::new("bash").arg("-c").arg(&script).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let expected: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("# => ")).collect();
    assert!(expected.len() >= 5, "{section}");
    let mut rest = text.as_str();
    for words in expected {
        let at = rest.find(words).unwrap_or_else(|| panic!("{words} is not in\n{rest}"));
        rest = &rest[at..];
    }
}

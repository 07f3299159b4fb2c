//! Reports as workbooks and pictures, compared with the same reports as JSON.
mod workbook;

use crate::attention::sql;
use crate::support::process::{Process, folder};
use crate::support::{Answer, Client, id, user_with, workspace};
use resvg::tiny_skia::Pixmap;
use serde_json::{Value as Json, json};
use workbook::{Book, Cell, walk};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const SVG: &str = "image/svg+xml";
const PNG: &str = "image/png";
const REPORTS: [&str; 6] = ["funnel", "win-rate", "cycle-time", "loss-reasons", "forecast", "leaderboard"];

/// Names in several scripts, and what a spreadsheet or a browser could run.
const NAMES: [&str; 7] = [
    "=HYPERLINK(\"x\")",
    "<script>alert('1 & \"2\"')</script>",
    "日本の営業部",
    "فريق المبيعات",
    "Отдел продаж",
    "@SUM(1+1)",
    "-5+\u{ff1d}2",
];

/// Returns a file of a report.
fn file(client: &Client, media: &str, path: &str) -> Answer {
    let answer = client.with("Accept", media).get(&format!("/analytics/{path}"));
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    assert_eq!(answer.header("content-type"), media, "{path}");
    answer
}

fn book(client: &Client, path: &str) -> Book {
    Book::open(&file(client, XLSX, path).bytes)
}

/// Creates deals with one product each, in several currencies: won, lost and open.
fn sales() -> Client {
    let owner = workspace();
    let reason = id(&owner.post("/loss-reasons", json!({ "name": "+too dear" })).created());
    for (n, name) in NAMES.iter().enumerate() {
        let product = id(&owner.post("/products", json!({ "name": name })).created());
        for (currency, amount) in [("EUR", 123_456), ("JPY", 500), ("KWD", 1_234)] {
            let price = json!({ "amount": amount + i64::try_from(n).unwrap(), "currency": currency });
            let items = json!([{ "product_id": product, "price": price }]);
            let deal = |day: &str| json!({ "title": "D", "line_items": items, "expected_close_date": day });
            let won = id(&owner.post("/deals", deal("2026-01-31")).created());
            owner.post(&format!("/deals/{won}/win"), json!({})).ok();
            let lost = id(&owner.post("/deals", deal("2026-01-31")).created());
            owner.post(&format!("/deals/{lost}/lose"), json!({ "loss_reason_id": reason })).ok();
            owner.post("/deals", deal("2099-03-01")).created();
        }
    }
    owner
}

/// Checks that a cell holds the value of a member of the report.
fn assert_cell(cell: Option<&Cell>, expected: &Json, what: &str) {
    match expected {
        Json::Null => assert_eq!(cell, None, "{what}"),
        Json::String(text) => assert_eq!(cell.map(|c| (c.kind.as_str(), &c.value)), Some(("s", text)), "{what}"),
        number => {
            let cell = cell.unwrap_or_else(|| panic!("{what}: no cell"));
            assert_eq!(cell.kind, "", "{what}");
            let (found, expected) = (cell.value.parse::<f64>().unwrap(), number.as_f64().unwrap());
            assert!((found - expected).abs() < 1e-9, "{what}: {found} is not {expected}");
        }
    }
}

fn amount(sums: &Json, currency: &str) -> Option<i64> {
    sums.as_array().unwrap().iter().find(|m| m["currency"] == currency).map(|m| m["amount"].as_i64().unwrap())
}

#[test]
fn a_workbook_has_the_figures_of_the_report() {
    let owner = sales();
    let report = owner.get("/analytics/win-rate?group_by=product").ok();
    let book = book(&owner, "win-rate?group_by=product");
    assert_eq!(book.names(), ["Figures", "Chart", "About"]);
    let rows = book.rows("Figures");
    let groups = report["groups"].as_array().unwrap();
    assert_eq!((rows.len(), groups.len()), (NAMES.len(), NAMES.len()));
    for (row, group) in rows.iter().zip(groups) {
        for name in ["key", "label", "closed", "won", "lost", "win_rate", "win_rate_by_value", "without_amount"] {
            assert_cell(row.get(name), &group[name], name);
        }
        assert_eq!((row["win_rate"].format.as_str(), row["closed"].format.as_str()), ("0.0%", "#,##0"));
        for (currency, unit, format) in [("EUR", 100, "#,##0.00"), ("JPY", 1, "#,##0"), ("KWD", 1_000, "#,##0.000")] {
            let cell = &row[&format!("won_value_{currency}")];
            let minor = cell.value.parse::<f64>().unwrap() * f64::from(unit);
            let expected = amount(&group["won_value"], currency).unwrap();
            assert!((minor - i32::try_from(expected).map(f64::from).unwrap()).abs() < 1e-6, "{currency}: {minor}");
            assert_eq!(cell.format, format, "{currency}");
        }
    }
    // The names that look like formulas are texts; a formula would have ended the test.
    for name in NAMES {
        assert!(rows.iter().any(|row| row["label"].value == name), "{name}");
    }
    for sheet in ["Figures", "Chart"] {
        assert!(book.sheet(sheet).contains("<pane ySplit=\"1\" topLeftCell=\"A2\""), "{sheet}: {}", book.sheet(sheet));
    }
    assert!(book.sheet("Figures").contains("<cols>"), "columns have widths");
}

#[test]
fn a_workbook_says_what_it_is_about() {
    let owner = sales();
    let path = "win-rate?group_by=owner&from=2020-01-01&to=2100-01-01&time_zone=Asia/Tokyo";
    let report = owner.get(&format!("/analytics/{path}")).ok();
    let cells = book(&owner, path).cells("About");
    let told = |name: &str| {
        let (at, _) = cells.iter().find(|(at, cell)| at.starts_with('A') && cell.value == name).unwrap();
        cells.get(&at.replace('A', "B")).cloned().unwrap_or_default()
    };
    for (name, expected) in [
        ("Report", "Win rate by owner"),
        ("Definition", report["definition"].as_str().unwrap()),
        ("Pipeline id", report["pipeline_id"].as_str().unwrap()),
        ("Time zone", "Asia/Tokyo"),
        ("Grouped by", "owner"),
    ] {
        assert_eq!(told(name).value, expected, "{name}");
    }
    assert!(!told("Pipeline").value.is_empty());
    // A date is the number of days since the end of 1899.
    let day = told("First day");
    assert_eq!((day.kind.as_str(), day.value.as_str(), day.format.as_str()), ("", "43831", "yyyy-mm-dd"));
}

#[test]
fn a_workbook_has_a_chart_of_its_own_numbers() {
    let owner = sales();
    let report = owner.get("/analytics/leaderboard").ok();
    let book = book(&owner, "leaderboard");
    let value = amount(&report["sellers"][0]["total"]["won_value"], "EUR").unwrap();
    let row = &book.rows("Chart")[0];
    assert_cell(row.get("Won value"), &json!(i32::try_from(value).map(f64::from).unwrap() / 100.0), "the chart");
    let drawing = book.part("xl/charts/chart1.xml");
    for range in ["Chart!$A$2", "Chart!$B$2", "Chart!$B$1"] {
        assert!(drawing.contains(&format!("<c:f>{range}</c:f>")), "{range}: {drawing}");
    }
    assert!(drawing.contains("Leaderboard"), "{drawing}");
}

#[test]
fn a_workbook_has_the_earlier_period() {
    let owner = sales();
    sql(format!(
        "update deals set closed_at = '2026-02-10T12:00:00Z', created_at = '2026-02-01T12:00:00Z' where closed_at is not null and workspace_id = '{}'",
        owner.get("/workspaces/current").ok()["id"].as_str().unwrap()
    ));
    for path in ["win-rate", "funnel", "cycle-time", "loss-reasons", "leaderboard"] {
        let query = format!("{path}?from=2026-03-01&to=2026-04-01&compare=previous");
        let book = book(&owner, &query);
        assert_eq!(book.names(), ["Figures", "Earlier period", "Chart", "About"], "{path}");
        for media in ["text/csv", SVG, PNG] {
            owner.with("Accept", media).get(&format!("/analytics/{query}")).problem(400, "invalid_parameter");
        }
    }
    let book = book(&owner, "win-rate?from=2026-03-01&to=2026-04-01&compare=previous");
    assert_cell(book.rows("Figures")[0].get("won"), &json!(0), "now");
    assert_cell(book.rows("Earlier period")[0].get("won"), &json!(3 * NAMES.len()), "before");
}

/// The texts of a picture: the visible ones, those that the pointer shows, the title and the description.
#[derive(Default)]
struct Picture {
    seen: Vec<String>,
    pointed: Vec<String>,
    title: String,
    description: String,
}

impl Picture {
    fn read(svg: &str) -> Picture {
        let (mut picture, mut inside) = (Picture::default(), String::new());
        walk(svg, |name, start, text| {
            let text = text.replace(['\u{2068}', '\u{2069}'], "");
            match (name, start) {
                (_, Some(_)) if name != "title" => name.clone_into(&mut inside),
                ("text", None) => picture.seen.push(text),
                ("title", None) if inside == "rect" => picture.pointed.push(text),
                ("title", None) => picture.title = text,
                ("desc", None) => picture.description = text,
                ("script", _) => panic!("a script in {svg}"),
                _ => {}
            }
        });
        picture
    }
}

fn picture(client: &Client, path: &str) -> Picture {
    let answer = file(client, SVG, path);
    assert!(answer.text.contains("role=\"img\""), "{}", answer.text);
    Picture::read(&answer.text)
}

#[test]
fn a_picture_has_the_figures_of_the_report() {
    let owner = sales();
    let report = owner.get("/analytics/win-rate?group_by=product").ok();
    let shown = picture(&owner, "win-rate?group_by=product&width=2000");
    assert_eq!(shown.title, "Win rate by product");
    for group in report["groups"].as_array().unwrap() {
        let (label, won, closed) = (group["label"].as_str().unwrap(), &group["won"], &group["closed"]);
        let figure = format!("{:.1}\u{a0}% · {won} of {closed}", group["win_rate"].as_f64().unwrap() * 100.0);
        assert!(shown.seen.contains(&figure), "{figure}: {:?}", shown.seen);
        assert!(shown.seen.iter().any(|text| text == label), "{label}: {:?}", shown.seen);
        assert!(shown.pointed.contains(&format!("{label}: {figure}")), "{label}: {:?}", shown.pointed);
        assert!(shown.description.contains(&format!("{label}: Win rate {figure}")), "{}", shown.description);
    }
}

#[test]
fn pictures_of_every_report_have_its_numbers() {
    let owner = sales();
    let json = |path: &str| owner.get(&format!("/analytics/{path}")).ok();
    let has = |picture: &Picture, text: &str| {
        assert!(picture.description.contains(text), "no {text:?} in {}", picture.description);
    };
    let (funnel, report) = (picture(&owner, "funnel"), json("funnel"));
    for stage in report["groups"][0]["stages"].as_array().unwrap() {
        has(&funnel, &format!("{}: ", stage["name"].as_str().unwrap()));
        let share = stage["share"].as_f64().unwrap() * 100.0;
        has(&funnel, &format!(" {} · {share:.1}\u{a0}%", stage["count"]));
    }
    let (reasons, report) = (picture(&owner, "loss-reasons"), json("loss-reasons"));
    has(&reasons, &format!("+too dear: All {} · 100.0\u{a0}%", report["groups"][0]["lost"]));
    let (days, report) = (picture(&owner, "cycle-time"), json("cycle-time"));
    let median = report["groups"][0]["won"]["median_days"].as_f64().unwrap();
    has(&days, &format!("From creation to won: Median {median:.1}\u{a0}d, 75th percentile {median:.1}\u{a0}d"));
    let (forecast, report) = (picture(&owner, "forecast"), json("forecast"));
    let value = amount(&report["groups"][0]["months"][0]["figures"]["value"], "EUR").unwrap();
    let written = format!("{}\u{a0}{:03}.{:02}\u{a0}EUR", value / 100_000, value / 100 % 1_000, value % 100);
    has(&forecast, &format!("2099-03: Commit 0.00\u{a0}EUR, Best case 0.00\u{a0}EUR, Rest {written}, Total {written}"));
    has(&forecast, "without the amounts in JPY, KWD");
    let (board, report) = (picture(&owner, "leaderboard"), json("leaderboard"));
    has(&board, &format!(" · {} won", report["sellers"][0]["total"]["won"]));
}

#[test]
fn every_report_has_every_format() {
    let owner = sales();
    for report in REPORTS {
        let groups: &[&str] =
            if report == "leaderboard" { &[""] } else { &["", "?group_by=owner", "?group_by=product"] };
        for group in groups {
            let path = format!("{report}{group}");
            for (media, ending) in [("text/csv; charset=utf-8", "csv"), (XLSX, "xlsx"), (SVG, "svg")] {
                let accept = media.split(';').next().unwrap();
                let answer = owner.with("Accept", accept).get(&format!("/analytics/{path}"));
                assert_eq!((answer.status, answer.header("content-type")), (200, media), "{path}: {}", answer.text);
                let name = format!("attachment; filename=\"{report}.{ending}\"");
                assert_eq!(answer.header("content-disposition"), name, "{path}");
                let tag = answer.header("etag").to_owned();
                let again = owner.with("Accept", accept).with("If-None-Match", &tag);
                assert_eq!(again.get(&format!("/analytics/{path}")).status, 304, "{path} as {media}");
            }
        }
        owner
            .with("Accept", "application/pdf, text/html")
            .get(&format!("/analytics/{report}"))
            .problem(406, "not_acceptable");
    }
}

#[test]
fn a_png_has_the_size_that_was_asked_for() {
    let owner = workspace();
    let deal = id(&owner.post("/deals", json!({ "title": "D" })).created());
    owner.post(&format!("/deals/{deal}/win"), json!({})).ok();
    for report in REPORTS {
        let answer = file(&owner, PNG, &format!("{report}?width=500&height=321"));
        let pixels = Pixmap::decode_png(&answer.bytes).unwrap();
        assert_eq!((pixels.width(), pixels.height()), (500, 321), "{report}");
        let colours: std::collections::HashSet<u32> =
            pixels.pixels().iter().map(|p| u32::from_be_bytes([p.red(), p.green(), p.blue(), p.alpha()])).collect();
        assert!(colours.len() > 20, "{report} is blank: {} colours", colours.len());
        let corner = pixels.pixel(2, 2).unwrap();
        assert_eq!((corner.red(), corner.green(), corner.blue()), (255, 255, 255), "{report}");
    }
    let dark = Pixmap::decode_png(&file(&owner, PNG, "win-rate?theme=dark").bytes).unwrap();
    assert_eq!((dark.width(), dark.height()), (960, 540));
    assert!(dark.pixel(2, 2).unwrap().red() < 64, "a dark background");
}

#[test]
fn pictures_have_parameters_of_their_own() {
    let owner = workspace();
    for query in ["width=319", "width=2001", "height=0", "height=x", "theme=blue", "theme=light&theme=dark"] {
        let name = query.split('=').next().unwrap();
        for media in [SVG, PNG] {
            let answer = owner.with("Accept", media).get(&format!("/analytics/funnel?{query}"));
            let problem = answer.problem(400, "invalid_parameter");
            assert_eq!(problem["errors"][0]["parameter"], name, "{query}");
        }
    }
    for media in ["application/json", "text/csv", XLSX] {
        let answer = owner.with("Accept", media).get("/analytics/funnel?width=500");
        assert_eq!(answer.problem(400, "invalid_parameter")["errors"][0]["parameter"], "width");
    }
    // A problem is JSON whatever is accepted.
    for media in [XLSX, SVG, PNG] {
        let client = owner.with("Accept", media);
        client.get("/analytics/funnel?widht=500").problem(400, "unknown_parameter");
        client.get("/analytics/win-rate?group_by=shoe").problem(400, "invalid_parameter");
        Client::anonymous().with("Accept", media).get("/analytics/funnel").problem(401, "unauthorized");
    }
}

#[test]
fn files_need_the_permission_to_export() {
    let owner = sales();
    let grants = |export| {
        let read = ["analytics", "all", "none", "none", "none", export];
        [read, ["deals", "all", "none", "none", "none", "none"], ["users", "all", "none", "none", "none", "none"]]
    };
    let hidden = json!({ "hidden_fields": [{ "resource": "deals", "field": "value" }] });
    let (reader, _) = user_with(&owner, &grants("none"), json!({}));
    let (blind, _) = user_with(&owner, &grants("all"), hidden);
    for report in REPORTS {
        reader.get(&format!("/analytics/{report}")).ok();
        for media in [XLSX, SVG, PNG] {
            reader.with("Accept", media).get(&format!("/analytics/{report}")).problem(403, "forbidden");
        }
        // What the role hides is in no format.
        let book = book(&blind, report);
        for sheet in book.names() {
            for (at, cell) in book.cells(&sheet) {
                assert!(!cell.value.starts_with("1234"), "{report} {sheet} {at}: {cell:?}");
            }
        }
        let svg = file(&blind, SVG, report).text;
        for trace in ["1\u{a0}234", "EUR", "KWD"] {
            assert!(!svg.contains(trace), "{report}: {trace} in {svg}");
        }
    }
}

#[test]
fn a_server_without_fonts_refuses_png() {
    let fonts = folder("no-fonts");
    std::fs::create_dir_all(&fonts).unwrap();
    let process = Process::start_with(&folder("without-fonts"), &[("VORONKA_FONTS", fonts.to_str().unwrap())]);
    let at = Client::at(&process.address);
    let body =
        json!({ "workspace_name": "A", "name": "Ann", "email": "ann@example.com", "password": "a-long-password" });
    let token = at.post("/auth/register", body).created()["access_token"].as_str().unwrap().to_owned();
    let ann = at.with("Authorization", &format!("Bearer {token}"));
    let problem = ann.with("Accept", PNG).get("/analytics/funnel").problem(406, "not_acceptable");
    assert!(problem["detail"].as_str().unwrap().contains("VORONKA_FONTS"), "{problem}");
    file(&ann, SVG, "funnel");
}

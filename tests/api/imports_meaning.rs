//! Imports: the values that the cells of other programs' files become, and questions about files that can be read in
//! several ways.
use crate::imports::{finished, import};
use crate::support::{Client, id, user_with, workspace};
use serde_json::{Value as Json, json};

/// Creates a German workspace with a short pipeline of deals.
pub fn home() -> Client {
    let owner = workspace();
    let settings = json!({ "country": "DE", "base_currency": "EUR", "time_zone": "Europe/Berlin" });
    owner.patch("/workspaces/current", settings).ok();
    let stages = [("New", "open"), ("Proposal", "open"), ("Won", "won"), ("Lost", "lost")];
    let stages = stages.map(|(name, category)| json!({ "name": name, "category": category }));
    owner
        .post("/pipelines", json!({ "name": "Short", "kind": "deal", "is_default": true, "stages": stages }))
        .created();
    owner
}

fn mapping(columns: &[(&str, &str)]) -> Json {
    let columns = columns.iter().map(|(column, field)| json!({ "column": column, "field": field }));
    columns.collect()
}

/// Runs an import without waiting, and returns the response.
fn start(owner: &Client, import: &str, settings: &Json, dry_run: bool) -> crate::support::Answer {
    owner.post(&format!("/imports/{import}/run"), json!({ "dry_run": dry_run, "settings": settings }))
}

/// Uploads a file, tries it and returns the report.
fn tried(owner: &Client, resource: &str, csv: &str, settings: &Json) -> Json {
    let import = id(&owner.upload(resource, "file.csv", csv.as_bytes()).created());
    let job = start(owner, &import, settings, true).expect(202);
    assert_eq!(finished(owner, &id(&job))["status"], "succeeded");
    owner.get(&format!("/imports/{import}")).ok()["report"].clone()
}

/// Returns a member of all records, by the value of another.
fn members(owner: &Client, path: &str, key: &str, pointer: &str) -> Json {
    let records = owner.get(&format!("{path}?limit=100")).ok()["data"].clone();
    let one = |record: &Json| (record[key].as_str().unwrap().to_owned(), record.pointer(pointer).unwrap().clone());
    records.as_array().unwrap().iter().map(one).collect::<serde_json::Map<_, _>>().into()
}

/// The kinds of the warnings of a report.
fn kinds(report: &Json) -> Vec<String> {
    let warnings = report["warnings"].as_array().unwrap();
    let mut kinds: Vec<String> = warnings.iter().map(|w| w["kind"].as_str().unwrap().to_owned()).collect();
    kinds.sort();
    kinds
}

struct Sample {
    name: &'static str,
    resource: &'static str,
    csv: &'static str,
    columns: &'static [(&'static str, &'static str)],
    /// The member of the records that must have the values.
    member: &'static str,
    values: &'static [(&'static str, &'static str)],
    warnings: &'static [&'static str],
}

const DEAL: &[(&str, &str)] = &[
    ("title", "title"),
    ("created", "created_at"),
    ("amount", "value"),
    ("stage", "stage"),
    ("closed", "closed_at"),
    ("currency", "value.currency"),
];
const LEAD: &[(&str, &str)] =
    &[("title", "title"), ("created", "created_at"), ("amount", "value"), ("phone", "person.phone")];
const CONTACT: &[(&str, &str)] = &[
    ("first", "first_name"),
    ("last", "last_name"),
    ("phone", "phone"),
    ("tags", "tags"),
    ("blocked", "do_not_contact"),
    ("born", "birthday"),
];

const SAMPLES: &[Sample] = &[
    Sample {
        name: "a German date before the amount",
        resource: "deals",
        csv: "title;created;amount;stage;closed\nPumpe;12.03.2024;1234,56;Won;01.06.2024\n\
            Ventil;02.04.2024;99,90;New;\nDichtung;05.01.2024;12500,00;Won;02.02.2024\n",
        columns: DEAL,
        member: "/value/amount",
        values: &[("Pumpe", "123456"), ("Ventil", "9990"), ("Dichtung", "1250000")],
        warnings: &[],
    },
    Sample {
        name: "a French phone number before the amount",
        resource: "leads",
        csv: "title;phone;amount\nPompe;01.23.45.67.89;1234,56\nVanne;01.98.76.54.32;99,90\n",
        columns: LEAD,
        member: "/value/amount",
        values: &[("Pompe", "123456"), ("Vanne", "9990")],
        warnings: &[],
    },
    Sample {
        name: "nothing but thousands",
        resource: "deals",
        csv: "title;amount;stage\nPumpe;1.500;New\nVentil;12.500;New\nDichtung;980;New\n",
        columns: DEAL,
        member: "/value/amount",
        values: &[("Pumpe", "150000"), ("Ventil", "1250000"), ("Dichtung", "98000")],
        warnings: &["decimal_guessed"],
    },
    Sample {
        name: "American dates in two columns, one of which shows the order",
        resource: "deals",
        csv: "title,stage,amount,created,closed\nAlpha,Won,\"1,000.00\",1/13/2024,4/3/2024\n\
            Beta,Won,\"2,000.00\",2/5/2024,5/6/2024\nGamma,Won,\"3,000.00\",3/27/2024,6/7/2024\n",
        columns: DEAL,
        member: "/closed_at",
        values: &[
            ("Alpha", "2024-04-02T22:00:00.000Z"),
            ("Beta", "2024-05-05T22:00:00.000Z"),
            ("Gamma", "2024-06-06T22:00:00.000Z"),
        ],
        warnings: &[],
    },
    Sample {
        name: "dates that do not show their order",
        resource: "leads",
        csv: "title,created\nA,3/4/2024\nB,5/6/2024\n",
        columns: LEAD,
        member: "/created_at",
        values: &[("A", "2024-04-02T22:00:00.000Z"), ("B", "2024-06-04T22:00:00.000Z")],
        warnings: &["date_order_guessed"],
    },
    Sample {
        name: "a currency column",
        resource: "deals",
        csv: "title,amount,currency,stage\nPerrin,12000,EUR,Proposal\nBluebay,8000,USD,Proposal\nTokyo,5000000,JPY,New\n\
            Own,10 £,EUR,New\nPlain,5,,New\n",
        columns: DEAL,
        member: "/value/currency",
        values: &[("Perrin", "EUR"), ("Bluebay", "USD"), ("Tokyo", "JPY"), ("Own", "GBP"), ("Plain", "EUR")],
        warnings: &[],
    },
    Sample {
        name: "the smallest units of a currency column",
        resource: "deals",
        csv: "title,amount,currency,stage\nBerlin,12000,EUR,Proposal\nOsaka,5000000,JPY,New\n",
        columns: DEAL,
        member: "/value/amount",
        values: &[("Berlin", "1200000"), ("Osaka", "5000000")],
        warnings: &[],
    },
    Sample {
        name: "euro signs",
        resource: "deals",
        csv: "title;amount\nA;1.234,56 €\nB;-99,90 €\nC;€ 12.500\nD;(5,00)\nE;1 000 EUR\n",
        columns: DEAL,
        member: "/value/amount",
        values: &[("A", "123456"), ("B", "-9990"), ("C", "1250000"), ("D", "-500"), ("E", "100000")],
        warnings: &[],
    },
    Sample {
        name: "dollar signs in a workspace without dollars",
        resource: "deals",
        csv: "title,amount\nA,\"$1,234.50\"\n",
        columns: DEAL,
        member: "/value/currency",
        values: &[("A", "USD")],
        warnings: &["currency_sign_guessed"],
    },
    Sample {
        name: "booleans in many languages",
        resource: "contacts",
        csv: "last,blocked\nA,Ja\nB,Nein\nC,Oui\nD,Non\nE,Sí\nF,TRUE\nG,WAHR\nH,FAUX\nI,Да\nJ,Vero\n",
        columns: CONTACT,
        member: "/do_not_contact",
        values: &[
            ("A", "true"),
            ("B", "false"),
            ("C", "true"),
            ("D", "false"),
            ("E", "true"),
            ("F", "true"),
            ("G", "true"),
            ("H", "false"),
            ("I", "true"),
            ("J", "true"),
        ],
        warnings: &[],
    },
    Sample {
        name: "dates with times",
        resource: "leads",
        csv: "title;created\nIso;2024-03-12 09:14\nOffset;2024-03-12T09:14:00-05:00\nRussian;12.03.2024 09:14:33\n\
            Month;12. März 2024\nEnglish;Mar 12, 2024 9:14 PM\n",
        columns: LEAD,
        member: "/created_at",
        values: &[
            ("Iso", "2024-03-12T08:14:00.000Z"),
            ("Offset", "2024-03-12T14:14:00.000Z"),
            ("Russian", "2024-03-12T08:14:33.000Z"),
            ("Month", "2024-03-11T23:00:00.000Z"),
            ("English", "2024-03-12T20:14:00.000Z"),
        ],
        warnings: &[],
    },
    Sample {
        name: "American times",
        resource: "leads",
        csv: "title,created\nA,3/12/2024 9:14 AM\nB,3/13/2024 10:00 PM\n",
        columns: LEAD,
        member: "/created_at",
        values: &[("A", "2024-03-12T08:14:00.000Z"), ("B", "2024-03-13T21:00:00.000Z")],
        warnings: &[],
    },
    Sample {
        name: "dates as numbers of a spreadsheet",
        resource: "leads",
        csv: "title,created\nA,45363\nB,45364.5\n",
        columns: LEAD,
        member: "/created_at",
        values: &[("A", "2024-03-11T23:00:00.000Z"), ("B", "2024-03-13T11:00:00.000Z")],
        warnings: &[],
    },
    Sample {
        name: "a birthday with two digits for the year",
        resource: "contacts",
        csv: "last,born\nA,12.03.55\nB,01.02.1990 00:00\n",
        columns: CONTACT,
        member: "/birthday",
        values: &[("A", "1955-03-12"), ("B", "1990-02-01")],
        warnings: &["century_guessed"],
    },
    Sample {
        name: "formulas, errors and words for nothing",
        resource: "contacts",
        csv: "first,last,phone\n\"=\"\"007\"\"\",A,\"=\"\"0170 1234567\"\"\"\n#N/A,B,#REF!\nNULL,C,n/a\n",
        columns: CONTACT,
        member: "/first_name",
        values: &[("A", "007"), ("B", "null"), ("C", "null")],
        warnings: &["empty_word", "empty_word", "spreadsheet_error", "spreadsheet_error"],
    },
    Sample {
        name: "phone numbers in scientific notation",
        resource: "contacts",
        csv: "last;phone\nKarl;4,91705E+11\nUwe;4.91705E+11\nIna;+491701234567\n",
        columns: CONTACT,
        member: "/phone",
        values: &[("Karl", "null"), ("Uwe", "null"), ("Ina", "+491701234567")],
        warnings: &["scientific"],
    },
    Sample {
        name: "apostrophes against formulas",
        resource: "contacts",
        csv: "last,phone\nSchmidt,'+49 170 1234567\nLang,'0170 1234568\n",
        columns: CONTACT,
        member: "/phone",
        values: &[("Schmidt", "+491701234567"), ("Lang", "+491701234568")],
        warnings: &[],
    },
    Sample {
        name: "tags with any separator",
        resource: "contacts",
        csv: "last,tags\nOne,\"vip, fair 2024\"\nTwo,vip;fair 2024\nThree,vip|fair 2024\n",
        columns: CONTACT,
        member: "/tags",
        values: &[
            ("One", r#"["vip","fair 2024"]"#),
            ("Two", r#"["vip","fair 2024"]"#),
            ("Three", r#"["vip","fair 2024"]"#),
        ],
        warnings: &[],
    },
];

#[test]
fn the_files_of_other_programs_are_read_right() {
    let owner = home();
    for sample in SAMPLES {
        let header = sample.csv.lines().next().unwrap();
        let columns: Vec<_> = sample.columns.iter().filter(|(column, _)| header.contains(column)).copied().collect();
        let report = import(&owner, sample.resource, sample.csv, json!({ "mapping": mapping(&columns) }));
        let expected = i64::try_from(sample.values.len()).unwrap();
        assert_eq!(report["created"], expected, "{}: {report}", sample.name);
        assert_eq!(kinds(&report), sample.warnings, "{}: {report}", sample.name);
        let (path, key) =
            (format!("/{}", sample.resource), if sample.resource == "contacts" { "last_name" } else { "title" });
        let found = members(&owner, &path, key, sample.member);
        for (name, value) in sample.values {
            let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
            assert_eq!(found[name], value, "{}: {name}", sample.name);
        }
        for record in owner.get(&format!("{path}?limit=100")).ok()["data"].as_array().unwrap() {
            owner.delete(&format!("{path}/{}", id(record))).gone();
        }
    }
}

#[test]
fn a_cell_with_several_addresses_becomes_several() {
    let owner = home();
    let csv = "first,email,phone\nKarl,karl@a.example; k@b.example,+49 170 1234567; +49 40 123456\n\
        Ina,Ina Ok <ina@ok.example>,+49 170 1234569\n";
    let columns = [("first", "first_name"), ("email", "email"), ("phone", "phone")];
    let settings = json!({ "mapping": mapping(&columns) });
    assert_eq!(import(&owner, "contacts", csv, settings.clone())["created"], 2);
    let karl = owner.get("/contacts?email=k@b.example").ok()["data"][0].clone();
    assert_eq!(karl["emails"][0]["email"], "karl@a.example");
    assert_eq!(karl["emails"][1]["email"], "k@b.example");
    assert_eq!(karl["phones"][1]["e164"], "+4940123456");
    assert_eq!(owner.get("/contacts?email=ina@ok.example").ok()["data"][0]["first_name"], "Ina");
    let again = import(&owner, "contacts", csv, settings.clone());
    assert_eq!(again["unchanged"], 2, "{again}");
    let more = "first,email\nKarl,karl@a.example; third@c.example\n";
    let settings = json!({ "mapping": mapping(&columns[..2]) });
    assert_eq!(import(&owner, "contacts", more, settings)["updated"], 1);
    let karl = owner.get("/contacts?email=third@c.example").ok()["data"][0].clone();
    assert_eq!(karl["emails"].as_array().unwrap().len(), 3, "{karl}");
}

#[test]
fn several_values_for_one_address_are_told() {
    let owner = home();
    let csv = "title,mail\nA,a@x.example; b@x.example\n";
    let settings = json!({ "mapping": mapping(&[("title", "title"), ("mail", "person.email")]) });
    let report = import(&owner, "leads", csv, settings);
    assert_eq!(kinds(&report), ["further_values"], "{report}");
    assert_eq!(owner.get("/leads").ok()["data"][0]["person"]["email"], "a@x.example");
}

/// Dates whose columns contradict each other: 13 is a day in one and a month in no calendar.
const CONTRADICTION: &str = "title,created,amount\nA,1/13/2024,5\nB,13/1/2024,7\n";

#[test]
fn a_file_that_contradicts_itself_is_a_question() {
    let owner = home();
    let columns = mapping(&[("title", "title"), ("created", "created_at"), ("amount", "value")]);
    let upload = owner.upload("leads", "file.csv", CONTRADICTION.as_bytes()).created();
    assert_eq!(upload["detected"]["decisions"][0]["key"], "date_order", "{upload}");
    let (import, settings) = (id(&upload), json!({ "mapping": columns }));
    let problem = start(&owner, &import, &settings, false).problem(422, "decision_needed");
    let decision = &problem["decisions"][0];
    assert_eq!(decision["key"], "date_order");
    let choices: Vec<&Json> = decision["choices"].as_array().unwrap().iter().map(|choice| &choice["value"]).collect();
    assert_eq!(choices, ["dmy", "mdy"]);
    assert_eq!(decision["evidence"][0]["column"], "created");
    assert_eq!(owner.get(&format!("/imports/{import}")).ok()["status"], "uploaded");
    let job = start(&owner, &import, &settings, true).expect(202);
    finished(&owner, &id(&job));
    let report = owner.get(&format!("/imports/{import}")).ok()["report"].clone();
    assert_eq!(report["decisions"][0]["key"], "date_order", "{report}");
    let answered = json!({ "mapping": columns, "date_order": "mdy" });
    let job = start(&owner, &import, &answered, false).expect(202);
    finished(&owner, &id(&job));
    let report = owner.get(&format!("/imports/{import}")).ok()["report"].clone();
    assert_eq!((&report["created"], &report["failed"]), (&json!(1), &json!(1)), "{report}");
    assert_eq!(report["decisions"], json!([]));
}

#[test]
fn guesses_can_be_accepted() {
    let owner = home();
    let csv = "title,amount\nA,\"1.234,5\"\nB,\"7.50\"\nC,\"8.50\"\n";
    let columns = mapping(&[("title", "title"), ("amount", "value")]);
    let upload = id(&owner.upload("leads", "file.csv", csv.as_bytes()).created());
    let refused = start(&owner, &upload, &json!({ "mapping": columns }), false);
    assert_eq!(refused.problem(422, "decision_needed")["decisions"][0]["key"], "decimal");
    let report = import(&owner, "leads", csv, json!({ "mapping": columns, "accept_guesses": true }));
    assert_eq!((&report["created"], &report["failed"]), (&json!(2), &json!(1)), "{report}");
    assert_eq!(members(&owner, "/leads", "title", "/value/amount"), json!({ "B": 750, "C": 850 }));
}

#[test]
fn settings_answer_before_there_is_a_question() {
    let owner = home();
    let columns = mapping(&[("title", "title"), ("created", "created_at"), ("amount", "value")]);
    let csv = "title,created,amount\nA,3/4/2024,\"$1,500\"\n";
    for (n, (settings, created, amount, currency)) in [
        (json!({}), "2024-04-02T22:00:00.000Z", 150_000, "USD"),
        (json!({ "date_format": "mm/dd/yyyy" }), "2024-03-03T23:00:00.000Z", 150_000, "USD"),
        (json!({ "date_order": "mdy", "decimal": "," }), "2024-03-03T23:00:00.000Z", 150, "USD"),
        (json!({ "currency_signs": [{ "sign": "$", "currency": "CAD" }] }), "2024-04-02T22:00:00.000Z", 150_000, "CAD"),
        (json!({ "currency": "AUD" }), "2024-04-02T22:00:00.000Z", 150_000, "AUD"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut settings = settings;
        settings["mapping"] = columns.clone();
        let title = format!("Lead{n}");
        import(&owner, "leads", &csv.replace("\nA,", &format!("\n{title},")), settings.clone());
        assert_eq!(members(&owner, "/leads", "title", "/created_at")[&title], created, "{settings}");
        let value = json!({ "amount": amount, "currency": currency });
        assert_eq!(members(&owner, "/leads", "title", "/value")[&title], value, "{settings}");
    }
}

#[test]
fn a_percentage_is_a_probability() {
    let owner = home();
    let columns = mapping(&[("title", "title"), ("chance", "probability_percent")]);
    for (n, (cells, expected)) in
        [(["0.9", "1"], [90, 100]), (["90", "5"], [90, 5]), (["90 %", "12,5%"], [90, 12])].into_iter().enumerate()
    {
        let csv = format!("title;chance\nA{n};{}\nB{n};{}\n", cells[0], cells[1]);
        import(&owner, "deals", &csv, json!({ "mapping": columns }));
        let found = members(&owner, "/deals", "title", "/probability_percent");
        assert_eq!([&found[format!("A{n}")], &found[format!("B{n}")]], [expected[0], expected[1]], "{cells:?}");
    }
}

#[test]
fn a_wrong_cell_refuses_its_row() {
    let owner = home();
    let csv = "title,created,amount,currency\nA,31.02.2024,5,EUR\nB,01.02.2024,five,EUR\nC,01.02.2024,5,XYZ\nD,01.02.2024,5,EUR\n";
    let columns = [("title", "title"), ("created", "created_at"), ("amount", "value"), ("currency", "value.currency")];
    let import = id(&owner.upload("leads", "file.csv", csv.as_bytes()).created());
    let job = start(&owner, &import, &json!({ "mapping": mapping(&columns) }), false).expect(202);
    finished(&owner, &id(&job));
    let problems = owner.get(&format!("/imports/{import}/problems")).ok()["data"].clone();
    let told: Vec<_> = problems.as_array().unwrap().iter().map(|p| (p["row"].clone(), p["column"].clone())).collect();
    let expected = [(2, "created"), (3, "amount"), (4, "currency")];
    assert_eq!(told, expected.map(|(row, column)| (json!(row), json!(column))), "{problems}");
    assert_eq!(members(&owner, "/leads", "title", "/value/amount"), json!({ "D": 500 }));
}

const DEALS: &str = "title,created,amount,currency,stage\nA,2024-03-12,\"1,500.50\",EUR,New\nB,2024-01-02,10,USD,New\n\
    C,2024-02-01,20.25,USD,Proposal\n";

#[test]
fn a_dry_run_shows_what_the_rows_become() {
    let owner = home();
    let columns: Vec<_> = DEAL.iter().filter(|(column, _)| *column != "closed").copied().collect();
    let report = tried(&owner, "deals", DEALS, &json!({ "mapping": mapping(&columns) }));
    assert_eq!(report["preview"].as_array().unwrap().len(), 3);
    let first = &report["preview"][0];
    assert_eq!(first["line"], 2);
    assert_eq!(first["record"]["title"], "A");
    assert_eq!(first["record"]["value"], json!({ "amount": 150_050, "currency": "EUR" }));
    assert_eq!(first["record"]["stage"], "New");
    assert_eq!(first["record"]["created_at"], "2024-03-11T23:00:00.000Z");
    let total =
        |currency: &str, count, sum| json!({ "column": "amount", "currency": currency, "count": count, "sum": sum });
    assert_eq!(report["totals"], json!([total("EUR", 1, 150_050), total("USD", 2, 3_025)]));
    let stage = |stage: &str, rows| json!({ "stage": stage, "outcome": "open", "rows": rows });
    assert_eq!(report["stages"], json!([stage("New", 2), stage("Proposal", 1)]));
    let created = report["columns"].as_array().unwrap().iter().find(|c| c["column"] == "created").unwrap();
    assert_eq!(created["earliest"], "2024-01-01T23:00:00.000Z");
    assert_eq!(created["latest"], "2024-03-11T23:00:00.000Z");
    let amount = report["columns"].as_array().unwrap().iter().find(|c| c["column"] == "amount").unwrap();
    assert_eq!(amount["values"][0], json!({ "line": 2, "value": "1,500.50", "reading": "1500.50 EUR" }));
}

#[test]
fn what_a_role_hides_is_not_shown() {
    let owner = home();
    let hidden = json!({ "hidden_fields": [{ "resource": "deals", "field": "value" }] });
    let all = |resource| [resource, "all", "all", "all", "all", "none"];
    let (manager, _) = user_with(&owner, &[all("users"), all("imports"), all("deals")], hidden);
    let columns: Vec<_> = DEAL.iter().filter(|(column, _)| *column != "closed").copied().collect();
    let csv = DEALS.replace("20.25", "\"20,25\"");
    let import = id(&owner.upload("deals", "file.csv", csv.as_bytes()).created());
    let job = start(&owner, &import, &json!({ "mapping": mapping(&columns) }), true).expect(202);
    finished(&owner, &id(&job));
    let seen = manager.get(&format!("/imports/{import}"));
    if seen.status == 404 {
        return;
    }
    let text = seen.ok()["report"].to_string();
    assert!(text.contains("\"New\""), "{text}");
    for secret in ["1,500.50", "1500.50", "150050", "20,25"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[test]
fn a_hint_never_names_the_opposite() {
    let owner = home();
    let csv = "title,stage\nA,Closed Won\nB,Closed Lost\n";
    let settings = json!({ "mapping": mapping(&[("title", "title"), ("stage", "stage")]) });
    let report = tried(&owner, "deals", csv, &settings);
    for unknown in report["unknown_values"].as_array().unwrap() {
        let opposite = if unknown["value"] == "Closed Won" { "Lost" } else { "Won" };
        assert_ne!(unknown["nearest"], opposite, "{report}");
    }
}

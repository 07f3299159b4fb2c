use super::*;
use crate::kernel::samples::refusals;
use uuid::Uuid;

const NOW: &str = "2026-06-30";

fn at(day: &str) -> DateTime {
    format!("{day}T00:00:00Z").parse().unwrap()
}

/// New, Quote and Payment, and then Won and Lost.
fn pipeline() -> Vec<Stage> {
    let categories = [Category::Open, Category::Open, Category::Open, Category::Won, Category::Lost];
    let names = ["New", "Quote", "Payment", "Won", "Lost"];
    let stage = |(position, (name, category)): (i32, (&str, Category))| Stage {
        id: Uuid::from_u128(position.unsigned_abs().into()),
        pipeline_id: Uuid::nil(),
        name: name.to_owned(),
        category,
        position,
        probability_percent: 50,
        rotting_days: None,
        version: 1,
        created_at: at("2020-01-01"),
        updated_at: at("2020-01-01"),
        order_id: None,
    };
    (1..).zip(names.into_iter().zip(categories)).map(stage).collect()
}

fn funnel() -> Funnel {
    Funnel { stages: pipeline(), ..Funnel::default() }
}

fn stage(name: &str) -> Stage {
    pipeline().into_iter().find(|stage| stage.name == name).unwrap()
}

/// What a file tells of a deal: in which stage it is, when it was made, when closed, and when it entered stages.
#[derive(Clone, Copy, Default)]
struct Told {
    stage: Option<&'static str>,
    created: Option<&'static str>,
    closed: Option<&'static str>,
    entered: &'static [(&'static str, &'static str)],
}

fn row(told: Told) -> Progress {
    Progress {
        stage: told.stage.map(stage),
        created_at: told.created.map(at),
        closed_at: told.closed.map(at),
        entered: told.entered.iter().map(|(name, day)| (stage(name), at(day))).collect(),
        ..Progress::default()
    }
}

fn past(told: Told) -> History {
    of_deal(&row(told), &funnel(), at(NOW)).unwrap()
}

/// The stages of a history: `New 2026-01-01, Won 2026-03-01`.
fn stages(history: &History) -> String {
    let stay = |(stage, at): &(Stage, DateTime)| format!("{} {}", stage.name, at.utc().date_naive());
    history.stages.iter().map(stay).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_history_of_a_deal_follows_the_file() {
    let nothing = Told::default();
    let made = Told { created: Some("2026-01-01"), ..nothing };
    let won = Told { stage: Some("Won"), closed: Some("2026-03-01"), ..nothing };
    for (case, told, expected) in [
        ("nothing: it begins now", nothing, "New 2026-06-30"),
        ("when it was made", made, "New 2026-01-01"),
        ("its stage: it was there from the beginning", Told { stage: Some("Quote"), ..made }, "Quote 2026-01-01"),
        (
            "when it entered another stage: it was in the first before",
            Told { entered: &[("Quote", "2026-02-01")], ..made },
            "New 2026-01-01, Quote 2026-02-01",
        ),
        (
            "when it entered the first stage: it was there from the beginning",
            Told { entered: &[("New", "2026-02-01")], ..made },
            "New 2026-01-01",
        ),
        (
            "it was made after it entered a stage: that is the beginning",
            Told { entered: &[("Quote", "2025-12-01")], ..made },
            "Quote 2025-12-01",
        ),
        (
            "stages in another order than in the file",
            Told { entered: &[("Payment", "2026-03-01"), ("New", "2026-01-10"), ("Quote", "2026-02-01")], ..nothing },
            "New 2026-01-10, Quote 2026-02-01, Payment 2026-03-01",
        ),
        (
            "stages of one day: as in the pipeline",
            Told { entered: &[("Quote", "2026-02-01"), ("New", "2026-02-01")], ..nothing },
            "New 2026-02-01, Quote 2026-02-01",
        ),
        (
            "a stage that it entered nobody knows when",
            Told { stage: Some("Payment"), entered: &[("New", "2026-01-10"), ("Quote", "2026-02-01")], ..nothing },
            "New 2026-01-10, Quote 2026-02-01, Payment 2026-02-01",
        ),
        ("won, made and closed", Told { created: Some("2026-01-01"), ..won }, "New 2026-01-01, Won 2026-03-01"),
        ("won and closed alone", won, "New 2026-03-01, Won 2026-03-01"),
        (
            "won after stages",
            Told { entered: &[("New", "2026-01-05"), ("Quote", "2026-02-01")], ..won },
            "New 2026-01-05, Quote 2026-02-01, Won 2026-03-01",
        ),
        (
            "won on the day of its last stage",
            Told { entered: &[("Quote", "2026-03-01")], ..won },
            "Quote 2026-03-01, Won 2026-03-01",
        ),
        (
            "lost",
            Told { stage: Some("Lost"), created: Some("2026-01-01"), closed: Some("2026-01-02"), ..nothing },
            "New 2026-01-01, Lost 2026-01-02",
        ),
    ] {
        let history = past(told);
        assert_eq!(stages(&history), expected, "{case}");
        assert!(!history.value_from_lines, "{case}: a past value stays");
    }
}

#[test]
fn a_closed_deal_was_in_the_open_stage_that_its_row_names() {
    let told = Told { stage: Some("Quote"), created: Some("2026-01-01"), closed: Some("2026-03-01"), entered: &[] };
    let of = |told: Told| Progress { category: Some(Category::Won), ..row(told) };
    let history = of_deal(&of(told), &funnel(), at(NOW)).unwrap();
    assert_eq!(stages(&history), "Quote 2026-01-01, Won 2026-03-01");
    let dated = Told { entered: &[("New", "2026-01-01"), ("Payment", "2026-02-01")], ..told };
    let history = of_deal(&of(dated), &funnel(), at(NOW)).unwrap();
    assert_eq!(stages(&history), "New 2026-01-01, Payment 2026-02-01, Won 2026-03-01");
}

#[test]
fn undated_stages_are_marked() {
    let nothing = Told::default();
    let won = Told { stage: Some("Won"), closed: Some("2026-03-01"), ..nothing };
    for (case, told, without_beginning, last_undated) in [
        ("an open deal", nothing, false, false),
        ("an open deal in a stage", Told { stage: Some("Quote"), ..nothing }, false, false),
        (
            "an open deal in a stage behind one that is dated",
            Told { stage: Some("Quote"), entered: &[("New", "2026-01-10")], ..nothing },
            false,
            true,
        ),
        ("an open deal in its dated stage", Told { entered: &[("Quote", "2026-01-10")], ..nothing }, false, false),
        ("a won deal without a beginning", won, true, false),
        ("a won deal that was made", Told { created: Some("2026-01-01"), ..won }, false, false),
        ("a won deal with a dated stage", Told { entered: &[("Quote", "2026-01-10")], ..won }, false, false),
        ("won, nobody knows when", Told { created: Some("2026-01-01"), closed: None, ..won }, true, true),
    ] {
        let history = past(told);
        assert_eq!(history.without_beginning, without_beginning, "{case}: without a beginning");
        assert_eq!(history.last_undated, last_undated, "{case}: last undated");
    }
}

#[test]
fn an_impossible_history_is_rejected() {
    let nothing = Told::default();
    for (case, told, expected) in [
        ("made in the future", Told { created: Some("2026-07-01"), ..nothing }, "/created_at out_of_range"),
        (
            "closed in the future",
            Told { stage: Some("Won"), closed: Some("2026-07-01"), ..nothing },
            "/closed_at out_of_range",
        ),
        (
            "a stage in the future",
            Told { entered: &[("Quote", "2026-07-01")], ..nothing },
            "/entered.Quote out_of_range",
        ),
        (
            "closed before it was made",
            Told { stage: Some("Won"), created: Some("2026-02-01"), closed: Some("2026-01-31"), ..nothing },
            "/closed_at out_of_range",
        ),
        (
            "closed before a stage",
            Told {
                stage: Some("Won"),
                created: Some("2026-01-01"),
                closed: Some("2026-03-01"),
                entered: &[("Quote", "2026-04-01")],
            },
            "/closed_at out_of_range",
        ),
        (
            "in a stage that it left",
            Told { stage: Some("Quote"), entered: &[("Quote", "2026-02-01"), ("Payment", "2026-03-01")], ..nothing },
            "/stage invalid",
        ),
    ] {
        let error = of_deal(&row(told), &funnel(), at(NOW)).unwrap_err();
        assert_eq!(refusals(&error), [expected], "{case}");
    }
    let on_the_day = Told { stage: Some("Won"), created: Some(NOW), closed: Some(NOW), entered: &[] };
    assert_eq!(stages(&past(on_the_day)), "New 2026-06-30, Won 2026-06-30", "all of it at this instant");
}

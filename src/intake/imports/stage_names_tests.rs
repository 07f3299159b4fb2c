use super::*;
use crate::intake::imports::settings::StageName;
use uuid::Uuid;

fn stage(id: u128, name: &str, category: Category) -> Stage {
    let at = "2026-06-30T00:00:00Z".parse().unwrap();
    Stage {
        id: Uuid::from_u128(id),
        pipeline_id: Uuid::nil(),
        name: name.to_owned(),
        category,
        position: 1,
        probability_percent: 50,
        rotting_days: None,
        version: 1,
        created_at: at,
        updated_at: at,
        order_id: None,
    }
}

fn stages() -> Vec<Stage> {
    vec![
        stage(1, "New", Category::Open),
        stage(2, "Proposal", Category::Open),
        stage(3, "Won", Category::Won),
        stage(4, "Lost", Category::Lost),
    ]
}

fn text(text: &str) -> StageText {
    StageText { column: "Stage".into(), line: 2, text: text.into() }
}

#[test]
fn the_best_guess_is_similar_or_the_first_open_stage() {
    for (name, expected) in [("Proposal Made", "Proposal"), ("Negotiation", "New"), ("Contract sent", "New")] {
        let (known, doubts) = decide(&[text(name)], &ImportSettings::default(), &stages()).unwrap();
        assert_eq!(known[&name.to_lowercase()].name, expected, "{name}");
        assert_eq!(doubts[0].key, format!("stage_names.{name}"));
    }
}

#[test]
fn names_and_outcomes_are_no_question() {
    let texts = ["new", "Closed Won", "verloren", &Uuid::from_u128(2).to_string()].map(text);
    let (known, doubts) = decide(&texts, &ImportSettings::default(), &stages()).unwrap();
    assert!(known.is_empty() && doubts.is_empty(), "{doubts:?}");
}

#[test]
fn settings_answer() {
    let answer = |stage: &str| ImportSettings {
        stage_names: Some(vec![StageName { name: "negotiation".into(), stage: stage.into() }]),
        ..ImportSettings::default()
    };
    let (known, doubts) = decide(&[text("Negotiation")], &answer("Proposal"), &stages()).unwrap();
    assert_eq!(known["negotiation"].name, "Proposal");
    assert!(doubts.is_empty());
    assert!(decide(&[], &answer("Missing"), &stages()).is_err());
}

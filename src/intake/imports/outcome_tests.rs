use super::*;
use uuid::Uuid;

const NOW: &str = "2026-06-30T00:00:00Z";

fn at(text: &str) -> DateTime {
    text.parse().unwrap()
}

#[test]
fn the_outcome_follows_from_the_columns() {
    let nothing = Testimony::default();
    let past = Some(at("2026-01-01T00:00:00Z"));
    let future = Some(at("2027-01-01T00:00:00Z"));
    let (open, won, lost) = (Some(Category::Open), Some(Category::Won), Some(Category::Lost));
    for (case, testimony, expected) in [
        ("nothing", nothing, None),
        ("an open stage", Testimony { stage: open, ..nothing }, open),
        ("a won stage", Testimony { stage: won, ..nothing }, won),
        ("won", Testimony { status: Some(Status::Won), ..nothing }, won),
        ("won from an open stage", Testimony { stage: open, status: Some(Status::Won), ..nothing }, won),
        ("lost in a lost stage", Testimony { stage: lost, status: Some(Status::Lost), ..nothing }, lost),
        ("not won, in a lost stage", Testimony { stage: lost, status: Some(Status::NotWon), ..nothing }, lost),
        ("not won", Testimony { status: Some(Status::NotWon), ..nothing }, None),
        ("a loss reason", Testimony { has_loss_reason: true, ..nothing }, lost),
        ("lost with a reason", Testimony { stage: lost, has_loss_reason: true, ..nothing }, lost),
        ("a closing date", Testimony { closed_at: past, ..nothing }, None),
        ("a probability", Testimony { probability: Some(100), ..nothing }, None),
        ("100 % and closed", Testimony { probability: Some(100), closed_at: past, ..nothing }, won),
        ("0 % and closed", Testimony { probability: Some(0), closed_at: past, ..nothing }, lost),
        ("100 % and not closed yet", Testimony { probability: Some(100), closed_at: future, ..nothing }, None),
        ("open with 100 %", Testimony { stage: open, probability: Some(100), closed_at: past, ..nothing }, open),
        ("won with 100 %", Testimony { stage: won, probability: Some(100), ..nothing }, won),
    ] {
        assert_eq!(testimony.category(at(NOW)), Ok(expected), "{case}");
    }
}

#[test]
fn columns_that_contradict_are_named() {
    use Witness::{LossReason, Probability, Stage, Status as Word};
    let nothing = Testimony::default();
    let (open, won, lost) = (Some(Category::Open), Some(Category::Won), Some(Category::Lost));
    for (case, testimony, expected) in [
        ("lost in a won stage", Testimony { stage: won, status: Some(Status::Lost), ..nothing }, (Word, Stage)),
        ("open in a lost stage", Testimony { stage: lost, status: Some(Status::Open), ..nothing }, (Word, Stage)),
        ("not won in a won stage", Testimony { stage: won, status: Some(Status::NotWon), ..nothing }, (Word, Stage)),
        ("won with 0 %", Testimony { stage: won, probability: Some(0), ..nothing }, (Stage, Probability)),
        (
            "lost with 100 %",
            Testimony { status: Some(Status::Lost), probability: Some(100), ..nothing },
            (Word, Probability),
        ),
        ("open with a loss reason", Testimony { stage: open, has_loss_reason: true, ..nothing }, (Stage, LossReason)),
        (
            "won with a loss reason",
            Testimony { status: Some(Status::Won), has_loss_reason: true, ..nothing },
            (Word, LossReason),
        ),
    ] {
        assert_eq!(testimony.category(at(NOW)), Err(Contradiction(expected.0, expected.1)), "{case}");
    }
}

#[test]
fn words_for_a_status_are_parsed() {
    for (text, expected) in [
        ("open", Some(Status::Open)),
        ("Won", Some(Status::Won)),
        ("LOST", Some(Status::Lost)),
        ("Qualified", Some(Status::Won)),
        ("Disqualified", Some(Status::Lost)),
        ("true", Some(Status::Won)),
        ("False", Some(Status::NotWon)),
        ("New", None),
        ("", None),
    ] {
        assert_eq!(exact_status(text), expected, "{text}");
    }
    for (text, expected) in [
        ("In progress", Some(Status::Open)),
        ("Gewonnen", Some(Status::Won)),
        ("Closed Lost", Some(Status::Lost)),
        ("Ja", Some(Status::Won)),
        ("Proposal", None),
    ] {
        assert_eq!(status_of(text), expected, "{text}");
    }
}

fn stage(id: u128, category: Category) -> Stage {
    Stage {
        id: Uuid::from_u128(id),
        pipeline_id: Uuid::nil(),
        name: id.to_string(),
        category,
        position: 1,
        probability_percent: 50,
        rotting_days: None,
        version: 1,
        created_at: at(NOW),
        updated_at: at(NOW),
        order_id: None,
    }
}

#[test]
fn a_known_record_goes_where_its_row_sees_it() {
    let stages =
        [stage(1, Category::Open), stage(2, Category::Open), stage(3, Category::Won), stage(4, Category::Lost)];
    let place = |n: usize| Place {
        pipeline: Uuid::nil(),
        stage: stages[n].id,
        status: stages[n].category,
        entered_at: at(NOW),
    };
    let (open, won, lost) = (Some(Category::Open), Some(Category::Won), Some(Category::Lost));
    for (case, from, category, named, expected) in [
        ("the row does not say", 0, None, None, "stay"),
        ("another stage", 0, open, Some(1), "2"),
        ("the same stage", 1, open, Some(1), "stay"),
        ("won", 0, won, None, "3"),
        ("won, with its last open stage", 0, won, Some(1), "3"),
        ("won already", 2, won, Some(1), "stay"),
        ("lost instead of won", 2, lost, None, "4"),
        ("open, in any stage", 1, open, None, "stay"),
        ("open again", 3, open, None, "reopen"),
        ("open again in a stage", 3, open, Some(1), "2"),
    ] {
        let named: Option<usize> = named;
        let found = match next(&place(from), category, named.map(|n| &stages[n]), &stages).unwrap() {
            Next::Stay => "stay".to_owned(),
            Next::To(stage) => stage.name.clone(),
            Next::Reopen => "reopen".to_owned(),
        };
        assert_eq!(found, expected, "{case}");
    }
}

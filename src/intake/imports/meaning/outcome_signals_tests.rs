use super::*;
use proptest::prelude::*;

#[test]
fn signals_are_combined() {
    let none = Signals::default();
    let status = |outcome| Signals { status: Some(outcome), ..none };
    let stage = |outcome| Signals { stage: Some(outcome), ..none };
    for (case, signals, expected) in [
        ("nothing", none, RowOutcome::Unnamed),
        ("a status", status(Outcome::Won), RowOutcome::Known(Outcome::Won, Signal::Status)),
        ("a stage", stage(Outcome::Lost), RowOutcome::Known(Outcome::Lost, Signal::Stage)),
        (
            "a won deal in its last open stage",
            Signals { stage: Some(Outcome::Open), ..status(Outcome::Won) },
            RowOutcome::Known(Outcome::Won, Signal::Status),
        ),
        (
            "status and stage exclude each other",
            Signals { stage: Some(Outcome::Lost), ..status(Outcome::Won) },
            RowOutcome::Contradiction((Outcome::Won, Signal::Status), (Outcome::Lost, Signal::Stage)),
        ),
        (
            "an open status and a won stage",
            Signals { stage: Some(Outcome::Won), ..status(Outcome::Open) },
            RowOutcome::Contradiction((Outcome::Open, Signal::Status), (Outcome::Won, Signal::Stage)),
        ),
        (
            "a won deal with a reason for a loss",
            Signals { loss_reason: true, ..stage(Outcome::Won) },
            RowOutcome::Contradiction((Outcome::Won, Signal::Stage), (Outcome::Lost, Signal::LossReason)),
        ),
        (
            "an open deal with an old reason",
            Signals { loss_reason: true, ..stage(Outcome::Open) },
            RowOutcome::Known(Outcome::Open, Signal::Stage),
        ),
        ("a reason alone", Signals { loss_reason: true, ..none }, RowOutcome::Known(Outcome::Lost, Signal::LossReason)),
        (
            "closed, with a reason",
            Signals { loss_reason: true, ..status(Outcome::Closed) },
            RowOutcome::Known(Outcome::Lost, Signal::LossReason),
        ),
        (
            "closed, certain",
            Signals { probability: Some(100), ..status(Outcome::Closed) },
            RowOutcome::Known(Outcome::Won, Signal::Probability),
        ),
        (
            "closed, impossible",
            Signals { probability: Some(0), ..status(Outcome::Closed) },
            RowOutcome::Known(Outcome::Lost, Signal::Probability),
        ),
        ("closed somehow", status(Outcome::Closed), RowOutcome::ClosedSomehow),
        (
            "closed in an open stage",
            Signals { stage: Some(Outcome::Open), ..status(Outcome::Closed) },
            RowOutcome::ClosedSomehow,
        ),
        (
            "a closing date and certainty",
            Signals { closed: true, probability: Some(100), ..none },
            RowOutcome::Known(Outcome::Won, Signal::Probability),
        ),
        ("a closing date alone", Signals { closed: true, ..none }, RowOutcome::Unnamed),
        ("certainty alone", Signals { probability: Some(100), ..none }, RowOutcome::Unnamed),
        (
            "a probability of an open deal",
            Signals { probability: Some(0), ..stage(Outcome::Open) },
            RowOutcome::Known(Outcome::Open, Signal::Stage),
        ),
    ] {
        assert_eq!(combined(&signals), expected, "{case}");
    }
}

fn outcomes() -> impl Strategy<Value = Option<Outcome>> {
    proptest::sample::select(vec![
        None,
        Some(Outcome::Open),
        Some(Outcome::Won),
        Some(Outcome::Lost),
        Some(Outcome::Converted),
        Some(Outcome::Qualified),
        Some(Outcome::Disqualified),
        Some(Outcome::Closed),
    ])
}

proptest! {
    /// No combination turns what a status or a stage says into its opposite without telling.
    #[test]
    fn nothing_becomes_its_opposite(
        status in outcomes(), stage in outcomes(), probability in proptest::option::of(0..=100_i64), loss_reason: bool, closed: bool,
    ) {
        let read = combined(&Signals { status, stage, probability, loss_reason, closed });
        if let (RowOutcome::Known(read, _), Some(status)) = (read, status) {
            prop_assert!(status == Outcome::Closed || !contradict(read, status));
        }
        if let (RowOutcome::Known(read, _), Some(stage)) = (read, stage) {
            prop_assert!(matches!(stage, Outcome::Closed | Outcome::Open) || !contradict(read, stage));
        }
    }
}

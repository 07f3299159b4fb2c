//! The outcome of a row, from everything in it that names one.
use crate::intake::imports::meaning::outcomes::{Outcome, contradict};

/// What the cells of a row say about its outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// Of the status column.
    pub status: Option<Outcome>,
    /// The category of the stage, or the outcome that the name of an unknown stage has.
    pub stage: Option<Outcome>,
    /// In percent.
    pub probability: Option<i64>,
    /// There is a reason for a loss.
    pub loss_reason: bool,
    /// There is a closing date, and it is not in the future. A date in the future is the expected one.
    pub closed: bool,
}

/// The cell that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    Status,
    Stage,
    Probability,
    LossReason,
}

impl Signal {
    pub fn as_str(self) -> &'static str {
        match self {
            Signal::Status => "status",
            Signal::Stage => "stage",
            Signal::Probability => "probability",
            Signal::LossReason => "loss_reason",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowOutcome {
    /// Nothing names an outcome.
    Unnamed,
    Known(Outcome, Signal),
    /// Two cells exclude each other. The first is the best guess.
    Contradiction((Outcome, Signal), (Outcome, Signal)),
    /// The row is closed, but nothing says how.
    ClosedSomehow,
}

/// Combines the signals of a row. A status counts more than a stage, because systems with a status leave a closed deal
/// in its last open stage. A probability or a reason decides only what these two leave open.
pub fn combined(signals: &Signals) -> RowOutcome {
    let status = signals.status.filter(|outcome| *outcome != Outcome::Closed).map(|outcome| (outcome, Signal::Status));
    let stage = signals.stage.filter(|outcome| *outcome != Outcome::Closed).map(|outcome| (outcome, Signal::Stage));
    let named = match (status, stage) {
        (Some(status), Some(stage)) if stage.0 != Outcome::Open && contradict(status.0, stage.0) => {
            return RowOutcome::Contradiction(status, stage);
        }
        (Some(status), _) => Some(status),
        (None, stage) => stage,
    };
    let lost = (Outcome::Lost, Signal::LossReason);
    match named {
        // A reason stays behind when a lost deal is opened again.
        Some((Outcome::Won | Outcome::Converted, _)) if signals.loss_reason => {
            named.map_or(RowOutcome::Unnamed, |named| RowOutcome::Contradiction(named, lost))
        }
        Some((Outcome::Open, Signal::Stage)) if signals.is_closed() => undecided(signals),
        Some((outcome, signal)) => RowOutcome::Known(outcome, signal),
        None => undecided(signals),
    }
}

impl Signals {
    /// Checks whether a status or a stage says that the row is closed, without saying how.
    fn is_closed(&self) -> bool {
        [self.status, self.stage].contains(&Some(Outcome::Closed))
    }
}

/// Decides what status and stage leave open.
fn undecided(signals: &Signals) -> RowOutcome {
    let closed = signals.is_closed() || signals.closed;
    match (signals.loss_reason, signals.probability) {
        (true, Some(100)) => {
            RowOutcome::Contradiction((Outcome::Won, Signal::Probability), (Outcome::Lost, Signal::LossReason))
        }
        (true, _) => RowOutcome::Known(Outcome::Lost, Signal::LossReason),
        (false, Some(100)) if closed => RowOutcome::Known(Outcome::Won, Signal::Probability),
        (false, Some(0)) if closed => RowOutcome::Known(Outcome::Lost, Signal::Probability),
        _ if signals.is_closed() => RowOutcome::ClosedSomehow,
        _ => RowOutcome::Unnamed,
    }
}

#[cfg(test)]
#[path = "outcome_signals_tests.rs"]
mod tests;

//! Derives the outcome of a lead or deal from its row.
use crate::intake::imports::draft::Draft;
use crate::intake::imports::outcome::{Contradiction, Testimony, Witness};
use crate::intake::imports::resource::ImportResource;
use crate::kernel::values::time::{self, DateTime};
use crate::sales::stages::Category;
use serde_json::Value as Json;

/// Sets the category of a row, and turns the closing date of an open deal into its expected close date.
pub fn settle(
    draft: &mut Draft,
    resource: ImportResource,
    now: DateTime,
    zone: chrono_tz::Tz,
) -> Result<(), Contradiction> {
    let testimony = Testimony {
        stage: draft.progress.stage.as_ref().map(|stage| stage.category),
        status: draft.progress.status,
        probability: draft.body.get("probability_percent").and_then(Json::as_i64),
        closed_at: draft.progress.closed_at,
        has_loss_reason: draft.loss_reason().is_some(),
    };
    draft.progress.category = testimony.category(now)?;
    let Some(closed_at) = draft.progress.closed_at else { return Ok(()) };
    match (resource, draft.progress.category) {
        (ImportResource::Deals, None | Some(Category::Open)) => {
            draft.progress.expected_close = Some(time::today(closed_at, zone));
            draft.progress.closed_at = None;
            Ok(())
        }
        (ImportResource::Leads, Some(Category::Open)) => {
            let witness = if testimony.status.is_some() { Witness::Status } else { Witness::Stage };
            Err(Contradiction(witness, Witness::ClosedAt))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::imports::history::Progress;
    use crate::intake::imports::outcome::Status;

    fn settled(resource: ImportResource, progress: Progress) -> Result<Progress, Contradiction> {
        let mut draft = Draft { progress, ..Draft::new(2) };
        let now = "2026-06-30T00:00:00Z".parse().unwrap();
        settle(&mut draft, resource, now, chrono_tz::Europe::Berlin).map(|()| draft.progress)
    }

    #[test]
    fn the_closing_date_of_an_open_deal_is_expected() {
        let closed_at = "2026-11-30T23:00:00Z".parse().ok();
        for (case, status, expected) in [
            ("nothing is said", None, Some("2026-12-01")),
            ("open", Some(Status::Open), Some("2026-12-01")),
            ("won", Some(Status::Won), None),
        ] {
            let row = Progress { status, closed_at, ..Progress::default() };
            let found = settled(ImportResource::Deals, row).unwrap();
            assert_eq!(found.expected_close.map(|day| day.to_string()).as_deref(), expected, "{case}");
            assert_eq!(found.closed_at.is_none(), expected.is_some(), "{case}");
        }
    }

    #[test]
    fn an_open_lead_has_no_closing_date() {
        let row = Progress {
            status: Some(Status::Open),
            closed_at: "2026-01-01T00:00:00Z".parse().ok(),
            ..Progress::default()
        };
        let refused = settled(ImportResource::Leads, row).unwrap_err();
        assert_eq!(refused, Contradiction(Witness::Status, Witness::ClosedAt));
    }
}

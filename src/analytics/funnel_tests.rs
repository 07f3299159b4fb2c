use super::*;
use crate::sales::stages::Stage;

fn stage(n: u128, category: Category) -> KnownStage {
    let at: DateTime = "2026-01-31T00:00:00Z".parse().unwrap();
    let stage = Stage {
        id: Uuid::from_u128(n),
        pipeline_id: Uuid::nil(),
        name: format!("stage {n}"),
        category,
        position: i32::try_from(n).unwrap(),
        probability_percent: 50,
        rotting_days: None,
        version: 1,
        created_at: at,
        updated_at: at,
        order_id: None,
    };
    KnownStage { stage, deleted_at: None }
}

fn row(stage: u128, currency: Option<&str>, reached: i64, amount: i128) -> Row {
    Row {
        group_key: Some("key".into()),
        group_label: Some("label".into()),
        total: 8,
        open: 2,
        won: 5,
        lost: 1,
        stage_id: Uuid::from_u128(stage),
        currency: currency.map(str::to_owned),
        reached,
        amount: amount.into(),
        gone: 4,
        gone_on: 1,
    }
}

#[test]
fn a_stage_adds_the_rows_of_all_currencies() {
    let rows =
        [row(1, Some("EUR"), 1, 100), row(1, Some("USD"), 3, 7), row(1, Some("CHF"), 0, 9), row(2, Some("EUR"), 8, 5)];
    let found = funnel_stage(&stage(1, Category::Open), 8, &rows, FunnelKind::Flow).unwrap();
    assert_eq!(found.count, 4);
    assert_eq!(found.share, Some(0.5));
    assert_eq!(found.left, Some(12));
    assert_eq!(found.left_forward, Some(3));
    assert_eq!(found.conversion, Some(0.25));
    let value: Vec<String> = found.value.iter().map(|money| format!("{} {}", money.amount, money.currency)).collect();
    assert_eq!(value, ["100 EUR", "7 USD"], "what only left has no value here");
}

#[test]
fn only_flows_count_departures() {
    for (kind, left, conversion) in
        [(FunnelKind::Flow, Some(4), Some(0.25)), (FunnelKind::Cohort, None, None), (FunnelKind::Snapshot, None, None)]
    {
        let found = funnel_stage(&stage(1, Category::Open), 8, &[row(1, None, 1, 0)], kind).unwrap();
        assert_eq!(found.left, left, "{kind:?}");
        assert_eq!(found.conversion, conversion, "{kind:?}");
    }
    let nothing = funnel_stage(&stage(1, Category::Open), 0, &[], FunnelKind::Flow).unwrap();
    assert_eq!(nothing.left, Some(0), "of nothing");
    assert_eq!(nothing.conversion, None, "of nothing");
    assert_eq!(nothing.share, None, "of nothing");
}

#[test]
fn a_group_has_totals_and_all_stages() {
    let stages = [stage(1, Category::Open), stage(2, Category::Won), stage(3, Category::Lost)];
    let found = group(&[row(1, None, 1, 0)], &stages, FunnelKind::Cohort).unwrap();
    assert_eq!(found.key.as_deref(), Some("key"));
    assert_eq!(found.label.as_deref(), Some("label"));
    assert_eq!(found.total, 8);
    assert_eq!(found.open, 2);
    assert_eq!(found.won, 5);
    assert_eq!(found.lost, 1);
    assert_eq!(found.open_share, Some(0.25));
    assert_eq!(found.stages.iter().map(|stage| stage.count).collect::<Vec<_>>(), [1, 0, 0]);
    let snapshot = group(&[], &stages, FunnelKind::Snapshot).unwrap();
    assert_eq!(snapshot.total, 0);
    assert_eq!(snapshot.stages.len(), 1, "a snapshot shows open stages alone");
}

#[test]
fn stages_without_records_are_recognised() {
    for (reached, gone, expected) in [(0, 0, false), (1, 0, true), (0, 1, true)] {
        assert_eq!(Row { gone, ..row(1, None, reached, 0) }.counts(), expected, "{reached} reached, {gone} gone");
    }
}

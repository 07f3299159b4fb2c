use super::*;
use serde_json::json;

/// What earlier versions stored must still be read.
#[test]
fn the_oldest_stored_forms_are_read() {
    let detected = json!({
        "encoding": "utf-8", "delimiter": ",", "date_format": null, "decimal": ".", "rows": 1,
        "columns": [{ "name": "email", "samples": ["a@x.example"], "filled": 1, "suggested_field": "email" }],
        "fields": [{ "name": "email", "kind": "text", "required": false, "hint": "text" }],
    });
    let detected: DetectedFile = serde_json::from_value(detected).unwrap();
    assert_eq!((detected.kind.as_str(), detected.findings.len()), ("csv", 0));
    let settings = json!({
        "mapping": [{ "column": "email", "field": "email", "values": [], "multiply": null }], "pipeline_id": null,
        "currency": null, "encoding": "utf-8", "delimiter": ",", "date_format": null, "decimal": ".",
        "on_existing": "skip",
    });
    let settings: ImportSettings = serde_json::from_value(settings).unwrap();
    assert!(!settings.changes_existing());
    let report = json!({
        "dry_run": false, "rows": 1, "created": 1, "updated": 0, "unchanged": 0, "skipped": 0, "failed": 0,
        "columns": [{ "column": "email", "field": "email", "filled": 1, "empty": 0 }], "mapped_values": [],
        "unknown_values": [], "added_names": [], "without_date": 0,
    });
    let report: ImportReport = serde_json::from_value(report).unwrap();
    assert_eq!((report.created, report.preview.len(), report.columns[0].values.len()), (1, 0, 0));
}

//! What came in with a file: the filter by import, and the tag of an import.
use crate::imports_undo::{all, import, one};
use crate::support::{id, user, workspace};
use serde_json::json;
use uuid::Uuid;

#[test]
fn lists_are_filtered_by_import() {
    let owner = workspace();
    for (resource, first, second) in [
        ("companies", "name\nAcme\n", "name,sector\nAcme,retail\nBeta,\n"),
        ("contacts", "external_id,last_name\na,A\n", "external_id,last_name\na,B\nb,B\n"),
        ("leads", "external_id,title\na,A\n", "external_id,title\na,B\nb,B\n"),
        ("deals", "external_id,title\na,A\n", "external_id,title\na,B\nb,B\n"),
        ("products", "name,series\nBoat,1\n", "name,series\nBoat,2\nOar,2\n"),
        ("users", "name,team\nMoses,East\n", "name,team\nMoses,West\nZane,\n"),
    ] {
        let (first, _) = import(&owner, resource, first, json!({}));
        let (second, _) = import(&owner, resource, second, json!({}));
        let of = |import: &str| all(&owner, &format!("/{resource}?import_id={import}")).len();
        assert_eq!((of(&first), of(&second)), (1, 2), "{resource}");
        assert_eq!(of(&format!("{first},{second}")), 2, "{resource}");
        assert_eq!(of(&Uuid::now_v7().to_string()), 0, "{resource}");
    }
    let (leads, _) = import(&owner, "leads", "title,come_back_on\nHull,2031-05-01\n", json!({}));
    assert_eq!(all(&owner, &format!("/tasks?import_id={leads}")).len(), 1);
}

#[test]
fn searches_segments_and_csv_files_are_filtered_by_import() {
    let owner = workspace();
    let (import, _) = import(&owner, "contacts", "last_name\nAnn\nBob\n", json!({}));
    owner.post("/contacts", json!({ "last_name": "Eve" })).created();
    let selection = json!({ "all": [{ "field": "import_id", "op": "eq", "values": [import] }] });
    let found = owner.post("/contacts/search", selection.clone()).ok();
    assert_eq!(found["data"].as_array().unwrap().len(), 2, "{found}");
    let segment = json!({ "resource": "contacts", "name": "Came in", "kind": "dynamic", "selection": selection });
    let segment = id(&owner.post("/segments", segment).created());
    let found = owner.post("/contacts/search", json!({ "segment_id": segment })).ok();
    assert_eq!(found["data"].as_array().unwrap().len(), 2, "{found}");
    let csv = owner.with("Accept", "text/csv").get(&format!("/contacts?import_id={import}"));
    assert_eq!(csv.text.lines().count(), 3, "{}", csv.text);
}

#[test]
fn the_filter_is_closed_to_imports_that_the_caller_does_not_see() {
    let owner = workspace();
    let seller = user(&owner, "manager");
    let (import, _) = import(&owner, "contacts", "last_name\nAnn\n", json!({}));
    let path = format!("/contacts?import_id={import}");
    assert_eq!(all(&owner, &path).len(), 1);
    assert_eq!(all(&seller, "/contacts").len(), 1);
    assert_eq!(all(&seller, &path).len(), 0);
    assert_eq!(all(&workspace(), &path).len(), 0);
}

#[test]
fn the_record_of_every_row_gets_the_tag_of_the_import() {
    let owner = workspace();
    import(&owner, "contacts", "external_id,last_name,tags\na,A,old\nb,B,old\n", json!({}));
    let csv = "external_id,last_name\na,A\nb,B2\nc,C\n";
    let (_, report) = import(&owner, "contacts", csv, json!({ "tag": "Fair 2026" }));
    assert_eq!(report["tagged"], 3, "{report}");
    let tags = |key: &str| one(&owner, &format!("/contacts?external_id={key}"))["tags"].clone();
    assert_eq!(tags("a"), json!(["old", "Fair 2026"]));
    assert_eq!(tags("b"), json!(["old", "Fair 2026"]));
    assert_eq!(tags("c"), json!(["Fair 2026"]));
    assert_eq!(all(&owner, "/tags?name=Fair%202026").len(), 1);
    let (_, again) = import(&owner, "contacts", csv, json!({ "tag": "Fair 2026" }));
    assert_eq!([&again["tagged"], &again["unchanged"]], [3, 3], "{again}");
    let products = id(&owner.upload("products", "p.csv", b"name\nBoat\n").created());
    let body = json!({ "settings": { "tag": "x" } });
    let problem = owner.post(&format!("/imports/{products}/run"), body).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/settings/tag");
}

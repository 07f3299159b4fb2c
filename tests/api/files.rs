//! Files on records and activities: stored, typed by content, visible with their record.
use crate::support::process::folder;
use crate::support::server::{files, server};
use crate::support::{Answer, Client, id, key, user_with, workspace};
use serde_json::{Value as Json, json};
use std::time::Duration;
use uuid::Uuid;
use voronka::jobs::housekeeping::remove_orphans;
use voronka::records::files::blobs::{Blobs, Settings};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01";

/// Uploads a file with a name and other form parts.
pub fn upload(client: &Client, name: &str, content: &[u8], parts: &[(&str, &str)]) -> Answer {
    let mut body = Vec::new();
    for (part, text) in parts {
        body.extend(format!("--b0undary\r\nContent-Disposition: form-data; name=\"{part}\"\r\n\r\n{text}\r\n").bytes());
    }
    body.extend(
        format!("--b0undary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n").bytes(),
    );
    body.extend(content);
    body.extend(b"\r\n--b0undary--\r\n");
    client.send("POST", "/files", Some(body), "multipart/form-data; boundary=b0undary")
}

fn pointers(problem: &Json) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect()
}

#[test]
fn a_file_is_stored_and_typed_by_content() {
    let owner = workspace();
    let deal = id(&owner.post("/deals", json!({ "title": "D" })).created());
    let file = upload(&owner, "../../etc/Предложение.pdf", PNG, &[("deal_id", &deal)]).created();
    assert_eq!(file["name"], "Предложение.pdf");
    assert_eq!(file["content_type"], "image/png");
    assert_eq!(file["size"], json!(PNG.len()));
    assert_eq!(file["deal_id"], json!(deal));
    let path = format!("/files/{}", id(&file));
    let content = owner.get(&format!("{path}/content"));
    assert_eq!(content.status, 200);
    assert_eq!(content.header("content-type"), "application/octet-stream");
    assert_eq!(content.header("x-content-type-options"), "nosniff");
    assert!(
        content.header("content-disposition").starts_with("attachment; filename*=UTF-8''"),
        "{}",
        content.header("content-disposition")
    );
    assert!(content.header("content-security-policy").starts_with("sandbox"));
    // A caller that already has the bytes does not get them again.
    let tag = content.header("etag");
    for known in [tag.to_owned(), format!("\"x\", W/{tag}"), "*".into()] {
        let again = owner.with("If-None-Match", &known).get(&format!("{path}/content"));
        assert_eq!(again.status, 304, "{known}");
        assert_eq!(again.text.as_str(), "", "{known}");
        assert_eq!(again.header("etag"), tag, "{known}");
    }
    assert_eq!(owner.with("If-None-Match", "\"x\"").get(&format!("{path}/content")).status, 200);
    assert_eq!(owner.get(&format!("/files?deal_id={deal}")).ok()["data"].as_array().unwrap().len(), 1);
    owner.patch(&path, json!({ "name": "Offer.png" })).ok();
    owner.delete(&path).gone();
    owner.get(&format!("{path}/content")).problem(404, "not_found");
    owner.post(&format!("{path}/restore"), json!({})).ok();
    assert_eq!(owner.get(&format!("{path}/content")).status, 200);
    for (name, content, kind) in [
        ("a.png", &b"<!DOCTYPE html><script>alert(1)</script>"[..], "text/html"),
        ("a.txt", b"plain words", "text/plain"),
        ("a", b"\0\x01\x02", "application/octet-stream"),
    ] {
        let file = upload(&owner, name, content, &[("deal_id", &deal)]).created();
        assert_eq!(file["content_type"], kind, "{name}");
    }
}

#[test]
fn invalid_upload_forms_are_refused() {
    let owner = workspace();
    let deal = id(&owner.post("/deals", json!({ "title": "D" })).created());
    assert_eq!(
        pointers(&upload(&owner, "a", b"", &[("deal_id", "x")]).problem(422, "validation_failed")),
        ["/deal_id", "/file"]
    );
    assert_eq!(pointers(&upload(&owner, "a", b"x", &[]).problem(422, "validation_failed")), ["/contact_id"]);
    let nobody = "0192f0c1-2d3e-7a4b-8c5d-6e7f80910000";
    assert_eq!(
        pointers(&upload(&owner, "a", b"x", &[("lead_id", nobody)]).problem(422, "validation_failed")),
        ["/lead_id"]
    );
    assert_eq!(
        pointers(&upload(&owner, "a", b"x", &[("activity_id", nobody)]).problem(422, "validation_failed")),
        ["/activity_id"]
    );
    upload(&owner, "a", b"x", &[("deal", &deal)]).problem(400, "unknown_member");
    upload(&owner, "a", b"x", &[("deal_id", &deal), ("deal_id", &deal)]).problem(422, "validation_failed");
    upload(&owner, "a", &vec![b'x'; (25 << 20) + 1], &[("deal_id", &deal)]).problem(413, "payload_too_large");
    owner.post("/files", json!({})).problem(415, "unsupported_media_type");
    assert_eq!(owner.get("/files").ok()["data"], json!([]));
    let keyed = owner.with("Idempotency-Key", "once");
    let first = upload(&keyed, "a", b"x", &[("deal_id", &deal)]).created();
    assert_eq!(upload(&keyed, "a", b"x", &[("deal_id", &deal)]).created(), first);
    upload(&keyed, "a", b"y", &[("deal_id", &deal)]).problem(422, "idempotency_key_reused");
    assert_eq!(owner.get(&format!("/files/{}/content", id(&first))).text, "x");
}

#[test]
fn a_file_is_visible_with_its_record() {
    let owner = workspace();
    let own = |resource| [resource, "own", "own", "own", "own", "none"];
    let grants = ["deals", "activities", "files"].map(own);
    let ((ann, ann_id), (bob, _)) = (user_with(&owner, &grants, json!({})), user_with(&owner, &grants, json!({})));
    let deal = id(&owner.post("/deals", json!({ "title": "D", "owner_id": ann_id })).created());
    let call = id(&owner.post("/activities", json!({ "type": "call", "deal_id": deal })).created());
    let file = upload(&owner, "call.txt", b"words", &[("activity_id", &call)]).created();
    assert_eq!(file["deal_id"], json!(deal), "the records of the activity are those of the file");
    let path = format!("/files/{}", id(&file));
    assert_eq!(ann.get(&format!("{path}/content")).text, "words");
    ann.patch(&path, json!({ "name": "mine" })).problem(403, "forbidden");
    bob.get(&path).problem(404, "not_found");
    bob.get(&format!("{path}/content")).problem(404, "not_found");
    assert_eq!(bob.get("/files").ok()["data"], json!([]));
    assert_eq!(
        pointers(&upload(&bob, "a", b"x", &[("deal_id", &deal)]).problem(422, "validation_failed")),
        ["/deal_id"]
    );
    workspace().get(&format!("{path}/content")).problem(404, "not_found");
    key(&owner, &["deals:read"]).get(&path).problem(403, "insufficient_scope");
}

#[test]
fn unreferenced_bytes_are_deleted_after_a_month() {
    let owner = workspace();
    let deal = id(&owner.post("/deals", json!({ "title": "D" })).created());
    let file: Uuid = id(&upload(&owner, "a", b"x", &[("deal_id", &deal)]).created()).parse().unwrap();
    let workspace: Uuid = owner.get("/me").ok()["workspace"]["id"].as_str().unwrap().parse().unwrap();
    let settings = Settings { folder: folder("orphans"), ..files(None) };
    let (old, young) = (Uuid::now_v7(), Uuid::now_v7());
    // Bytes of a workspace unknown to this database are not removed.
    let all = [(workspace, file), (workspace, old), (workspace, young), (Uuid::now_v7(), Uuid::now_v7())];
    let place = |(workspace, id): (Uuid, Uuid)| settings.folder.join(workspace.to_string()).join(id.to_string());
    for one in all {
        std::fs::create_dir_all(place(one).parent().unwrap()).unwrap();
        let age = Duration::from_secs(24 * 3_600 * if one.1 == young { 29 } else { 31 });
        let bytes = std::fs::File::create(place(one)).unwrap();
        bytes.set_modified(std::time::SystemTime::now() - age).unwrap();
    }
    remove_orphans(&server().db, &Blobs::new(&settings).unwrap()).unwrap();
    assert_eq!(all.map(|one| place(one).exists()), [true, false, true, true]);
}

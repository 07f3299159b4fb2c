//! The OpenAPI document equals the committed one and follows the rules that generated clients need.
use crate::support::{Client, client::DOCUMENT, schemas::validator, server};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use voronka::http::app;

fn operations() -> Vec<(String, String, &'static Json)> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &'static Json)| -> Vec<(String, String, &'static Json)> {
        item.as_object().unwrap().iter().map(|(method, op)| (path.clone(), method.clone(), op)).collect()
    };
    paths.iter().flat_map(of).collect()
}

fn schemas() -> &'static serde_json::Map<String, Json> {
    DOCUMENT["components"]["schemas"].as_object().unwrap()
}

/// Calls `check` with every object in the document and its path.
fn walk(value: &Json, at: &str, check: &mut dyn FnMut(&str, &serde_json::Map<String, Json>)) {
    match value {
        Json::Object(members) => {
            check(at, members);
            members.iter().for_each(|(name, value)| walk(value, &format!("{at}/{name}"), check));
        }
        Json::Array(list) => list.iter().enumerate().for_each(|(n, value)| walk(value, &format!("{at}/{n}"), check)),
        _ => {}
    }
}

#[test]
fn the_document_equals_the_committed_one() {
    let built = app::document();
    let collection = built.collection();
    for (path, text) in [
        ("openapi/openapi.json", built.text()),
        ("openapi/openapi-3.0.json", built.text30()),
        ("openapi/voronka.postman_collection.json", &collection),
    ] {
        let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, text).unwrap();
        }
        let committed = std::fs::read(&path).unwrap_or_default();
        assert!(
            committed == text,
            "{path} differs from the generated document; run UPDATE=1 cargo test --test api document"
        );
    }
}

#[test]
fn the_server_serves_it() {
    let answer = Client::anonymous().send("GET", "//openapi.json", None, "");
    assert_eq!(answer.text.as_bytes(), app::document().text());
    let old = Client::anonymous().send("GET", "//openapi-3.0.json", None, "").ok();
    assert_eq!(old["openapi"], "3.0.3");
    assert!(!old.to_string().contains("\"null\""));
    let page = Client::anonymous().send("GET", "//docs/", None, "");
    assert!(page.text.contains("page.js") && page.header("content-type").starts_with("text/html"));
    let guides = Client::anonymous().send("GET", "//docs/guides.json", None, "").ok();
    assert!(
        guides.as_array().unwrap().iter().any(|guide| guide["text"].as_str().unwrap().contains("`version_conflict`"))
    );
    // Every page for client developers is served.
    let pages = ["clients", "languages"].map(|folder| format!("{}/docs/{folder}", env!("CARGO_MANIFEST_DIR")));
    for page in pages.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()) {
        let text = std::fs::read_to_string(page.unwrap().path()).unwrap();
        assert!(
            guides.as_array().unwrap().iter().any(|guide| guide["text"] == text),
            "{}",
            text.lines().next().unwrap()
        );
    }
    assert!(!server().address.is_empty());
}

#[test]
fn operations_follow_the_rules() {
    assert_eq!(DOCUMENT["openapi"], "3.1.0");
    assert!(DOCUMENT.get("webhooks").is_none() && DOCUMENT["info"]["license"]["name"].is_string());
    let declared: BTreeSet<&str> =
        DOCUMENT["tags"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    let mut ids = BTreeSet::new();
    for (path, method, op) in operations() {
        let what = format!("{method} {path}");
        let id = op["operationId"].as_str().unwrap_or_else(|| panic!("{what} has no operationId"));
        assert!(ids.insert(id), "{id} is used twice");
        assert!(id.contains('_') || matches!(id, "login" | "logout"), "{id} is not verb_noun");
        assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{id}");
        let tags = op["tags"].as_array().unwrap();
        assert!(tags.len() == 1 && declared.contains(tags[0].as_str().unwrap()), "{what}: {tags:?}");
        assert!(op["summary"].as_str().is_some_and(|s| !s.is_empty()), "{what} has no summary");
        let responses = op["responses"].as_object().unwrap();
        assert!(responses.contains_key("default"), "{what}");
        // Generated clients handle one success schema, so two success answers share it.
        let good: Vec<&Json> =
            responses.iter().filter(|(s, _)| s.starts_with('2')).map(|(_, answer)| &answer["content"]).collect();
        assert!(!good.is_empty() && good.iter().all(|content| *content == good[0]), "{what}");
        for (status, response) in responses {
            assert!(response["description"].as_str().is_some_and(|d| !d.is_empty()), "{what} {status}");
            if !status.starts_with('2') {
                assert!(response["content"]["application/problem+json"].is_object(), "{what} {status}");
            }
        }
        let public = op["security"] == serde_json::json!([]);
        // Operations on the caller's own sessions, account and notifications need no permission except a valid token. Of
        // a day, each part needs the permission to its records, and is null without it.
        let own = ["auth", "me", "notifications", "my-day"].iter().any(|tag| op["tags"][0] == *tag);
        assert!(public || own || op["x-required-scope"].is_string(), "{what} names no scope");
        assert!(public || own || op["x-required-permission"].is_string(), "{what} names no permission");
        for parameter in op["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] == "query") {
            let name = parameter["name"].as_str().unwrap();
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{what}: {name}");
            let schema = &parameter["schema"];
            let one = if schema["type"] == "array" { &schema["items"] } else { schema };
            let plain = one["type"].is_string() && one["type"] != "object" && one.get("enum").is_none();
            assert!(plain || one["$ref"].is_string(), "{what}: {name}: {schema}");
            assert!(name == "cursor" || !parameter["example"].is_null(), "{what}: {name} has no example");
        }
    }
}

#[test]
fn schemas_follow_the_rules() {
    const RESERVED: [&str; 12] =
        ["File", "Set", "Map", "Type", "String", "Object", "Function", "Task", "Error", "Event", "Result", "Job_"];
    const WORDS: [&str; 7] = ["name", "ordinal", "values", "entries", "class", "in", "default"];
    for (name, schema) in schemas() {
        assert!(
            name.starts_with(|c: char| c.is_ascii_uppercase()) && name.bytes().all(|b| b.is_ascii_alphanumeric()),
            "{name}"
        );
        assert!(!RESERVED.contains(&name.as_str()), "{name}");
        for word in schema["enum"].as_array().into_iter().flatten() {
            let word = word.as_str().unwrap();
            assert!(
                word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
                    && !WORDS.contains(&word),
                "{name}: {word}"
            );
        }
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        for (member, property) in schema["properties"].as_object().into_iter().flatten() {
            let what = format!("{name}.{member}");
            assert_ne!(
                member.replace('_', ""),
                name.to_lowercase(),
                "{what}: a generated client names a variable after each"
            );
            assert!(member.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{what}");
            let inline =
                property["type"] == "object" || property["items"]["type"] == "object" || property.get("enum").is_some();
            assert!(!inline, "{what} is inline");
            let has_ref = property.get("$ref").is_some()
                || property["items"].get("$ref").is_some()
                || property.get("oneOf").is_some();
            assert!(
                has_ref || property.get("example").is_some() || property["format"] == "binary",
                "{what} has no example"
            );
            if name.ends_with("Create") {
                assert!(!property.to_string().contains("\"null\""), "{what} admits null");
            }
        }
        if ["Page", "Report", "List"].iter().any(|end| name.ends_with(end))
            || schemas().contains_key(&format!("{name}Page"))
        {
            // Included only when a single record is read with `include`.
            let asked = |member: &&String| *member == "included" && schema["properties"]["version"].is_object();
            let members = schema["properties"].as_object().into_iter().flat_map(serde_json::Map::keys);
            assert_eq!(
                required.len(),
                members.filter(|member| !asked(member)).count(),
                "{name}: an answer has every member"
            );
        }
    }
}

#[test]
fn numbers_have_formats_and_references_have_targets() {
    walk(&DOCUMENT, "", &mut |at, object| {
        if at.ends_with("/example") || at.contains("/example/") {
            return;
        }
        if let Some(target) = object.get("$ref").and_then(Json::as_str) {
            let found = target.strip_prefix('#').and_then(|pointer| DOCUMENT.pointer(pointer));
            assert!(found.is_some(), "{at}: {target} leads nowhere");
        }
        let types: Vec<&str> = match object.get("type") {
            Some(Json::String(one)) => vec![one],
            Some(Json::Array(many)) => many.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        };
        let format = object.get("format").and_then(Json::as_str).unwrap_or_default();
        if types.contains(&"integer") {
            assert!(matches!(format, "int32" | "int64"), "{at}: integer as {format}");
        }
        if types.contains(&"number") {
            assert_eq!(format, "double", "{at}");
        }
        for word in ["const", "prefixItems", "writeOnly", "readOnly", "anyOf"] {
            assert!(!object.contains_key(word), "{at}: {word}");
        }
    });
}

#[test]
fn examples_are_valid() {
    for (path, method, op) in operations() {
        for parameter in op["parameters"].as_array().into_iter().flatten().filter(|p| !p["example"].is_null()) {
            assert!(
                validator(&parameter["schema"]).is_valid(&parameter["example"]),
                "{method} {path} {}: {}",
                parameter["name"],
                parameter["example"]
            );
        }
    }
    for (path, method, op) in operations() {
        let media = &op["requestBody"]["content"]["application/json"];
        if media.is_null() {
            continue;
        }
        let validator = validator(&media["schema"]);
        let errors: Vec<String> = validator.iter_errors(&media["example"]).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{method} {path}: {}: {errors:?}", media["example"]);
    }
    for (name, schema) in schemas() {
        for (member, property) in schema["properties"].as_object().into_iter().flatten() {
            let Some(example) = property.get("example") else { continue };
            assert!(validator(property).is_valid(example), "{name}.{member}: {example}");
        }
    }
}

#[test]
fn every_operation_in_the_code_is_in_the_document() {
    fn lines(dir: &std::path::Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
        let of = |path: std::path::PathBuf| match path.is_dir() {
            true => lines(&path),
            false => std::fs::read_to_string(&path).unwrap_or_default().lines().map(|l| l.trim().to_owned()).collect(),
        };
        entries.flat_map(of).collect()
    }
    let lines = lines(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let count = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
    // A macro that defines operations appears once and is used several times.
    let macros = [
        "batch_create!(",
        "batch_update!(",
        "batch_delete!(",
        "batch_upsert!(",
        "batch_move!(",
        "bulk_update!(",
        "bulk_delete!(",
        "search_records!(",
        "restore!(",
        "history!(",
        "as_it_was!(",
    ];
    let made: usize = macros.iter().map(|name| count(name) - 1).sum();
    assert_eq!(count("#[utoipa::path(") + made, operations().len());
}

/// Go uses one namespace for types, functions and enum values.
#[test]
fn generated_names_do_not_clash() {
    let mut names = BTreeSet::new();
    for (name, schema) in schemas() {
        let words = schema["enum"].as_array().map_or(0, Vec::len);
        let named = schema["x-enum-varnames"].as_array().into_iter().flatten().filter_map(Json::as_str);
        let named: Vec<&str> = named.collect();
        assert_eq!(named.len(), words, "{name}");
        for generated in [name.clone(), format!("New{name}"), format!("Nullable{name}")] {
            assert!(names.insert(generated), "{name} clashes");
        }
        for word in named {
            assert!(names.insert(word.to_owned()), "{name}: {word} clashes");
        }
    }
    walk(&DOCUMENT, "", &mut |at, object| {
        let binary = object.get("format").is_some_and(|format| format == "binary");
        assert!(!binary || (object.get("minLength").is_none() && object.get("maxLength").is_none()), "{at}");
    });
}

/// Examples use the same id for one kind of record everywhere, and different ids for different kinds.
#[test]
fn example_ids_are_consistent() {
    let example = |schema: &str, member: &str| schemas()[schema]["properties"][member]["example"].clone();
    for (schema, member, other) in [
        ("Deal", "company_id", "Company"),
        ("Deal", "stage_id", "Stage"),
        ("Deal", "pipeline_id", "Pipeline"),
        ("Contact", "company_id", "Company"),
        ("CrmTask", "deal_id", "Deal"),
        ("Lead", "owner_id", "User"),
        ("LineItem", "product_id", "Product"),
    ] {
        assert_eq!(example(schema, member), example(other, "id"), "{schema}.{member}");
    }
    let kinds = [
        "Contact",
        "Company",
        "Lead",
        "Deal",
        "CrmTask",
        "Activity",
        "Product",
        "User",
        "Team",
        "Stage",
        "Pipeline",
        "StoredFile",
    ];
    let ids: BTreeSet<String> = kinds.iter().map(|kind| example(kind, "id").to_string()).collect();
    assert_eq!(ids.len(), kinds.len());
    for (name, schema) in schemas() {
        let properties = &schema["properties"];
        assert!(schema["required"].is_null() || properties["deleted_at"]["example"].is_null(), "{name} is deleted");
    }
    for (name, example) in DOCUMENT["components"]["examples"].as_object().unwrap() {
        let schema = serde_json::json!({ "$ref": "#/components/schemas/Problem" });
        assert!(validator(&schema).is_valid(&example["value"]), "{name}");
    }
}

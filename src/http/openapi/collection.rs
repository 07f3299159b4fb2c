//! Converts the document to a Postman collection (v2.1): one folder for each tag, and one request for each operation
//! with the examples of the document.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value returns null for an absent member, or adds it")]
use crate::http::openapi::examples;
use serde_json::{Map, Value as Json, json};

const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
/// Operations whose responses contain the token for the other requests.
const SIGNING_IN: [&str; 2] = ["register_workspace", "login"];
/// Members that are added to an example even if the schema does not require them.
const DESCRIPTIVE: [&str; 4] = ["name", "title", "first_name", "type"];
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

pub fn of(document: &Json) -> Json {
    let folder = |tag: &Json| {
        let mut requests = Vec::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for method in METHODS.iter().filter(|method| item[**method]["tags"][0] == tag["name"]) {
                requests.push(request(document, path, method, &item[*method]));
            }
        }
        json!({ "name": tag["name"], "description": tag["description"], "item": requests })
    };
    let folders: Vec<Json> = document["tags"].as_array().into_iter().flatten().map(folder).collect();
    json!({
        "info": { "name": document["info"]["title"], "description": document["info"]["description"], "schema": SCHEMA },
        "auth": { "type": "bearer", "bearer": [{ "key": "token", "value": "{{token}}", "type": "string" }] },
        "variable": [{ "key": "base_url", "value": "http://127.0.0.1:8080" }, { "key": "token", "value": "" }],
        "item": folders,
    })
}

fn request(document: &Json, path: &str, method: &str, operation: &Json) -> Json {
    let id = operation["operationId"].as_str().unwrap_or_default();
    let mut headers = Vec::new();
    let mut asked = json!({
        "method": method.to_uppercase(),
        "url": url(path, operation),
        "description": operation["description"],
    });
    let content = &operation["requestBody"]["content"];
    if let Some(schema) = content.get("application/json").map(|json| &json["schema"]) {
        headers.push(json!({ "key": "Content-Type", "value": "application/json" }));
        let body = serde_json::to_string_pretty(&example(document, schema)).unwrap_or_default();
        asked["body"] = json!({ "mode": "raw", "raw": body, "options": { "raw": { "language": "json" } } });
    } else if let Some(schema) = content.get("multipart/form-data").map(|form| &form["schema"]) {
        asked["body"] = json!({ "mode": "formdata", "formdata": form(document, schema) });
    }
    asked["header"] = json!(headers);
    if operation["security"] == json!([]) {
        asked["auth"] = json!({ "type": "noauth" });
    }
    let mut item = json!({ "name": operation["summary"], "id": id, "request": asked });
    if SIGNING_IN.contains(&id) {
        let keep = "if (pm.response.code < 300) pm.collectionVariables.set('token', pm.response.json().access_token)";
        item["event"] = json!([{ "listen": "test", "script": { "type": "text/javascript", "exec": [keep] } }]);
    }
    item
}

/// Returns the URL with path variables from the examples. Query parameters are listed but disabled.
fn url(path: &str, operation: &Json) -> Json {
    let parts: Vec<String> =
        path.trim_start_matches('/').split('/').map(|part| part.replace('{', ":").replace('}', "")).collect();
    let of = |place: &'static str| {
        operation["parameters"].as_array().into_iter().flatten().filter(move |parameter| parameter["in"] == place)
    };
    let text = |example: &Json| match example {
        Json::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(","),
        other => plain(other),
    };
    let query: Vec<Json> = of("query")
        .map(|p| json!({ "key": p["name"], "value": text(&p["example"]), "description": p["description"], "disabled": true }))
        .collect();
    let variables: Vec<Json> = of("path")
        .map(|p| json!({ "key": p["name"], "value": text(&p["example"]), "description": p["description"] }))
        .collect();
    json!({ "raw": format!("{{{{base_url}}}}/{}", parts.join("/")), "host": ["{{base_url}}"], "path": parts, "query": query, "variable": variables })
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
}

fn resolved<'d>(document: &'d Json, schema: &'d Json) -> &'d Json {
    match schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        Some(name) => &document["components"]["schemas"][name],
        None => schema,
    }
}

/// Returns a body with the required members, and with a name or title if there is one.
pub fn example(document: &Json, schema: &Json) -> Json {
    let title = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()).unwrap_or_default();
    if let Some(body) = examples::body(title) {
        return body;
    }
    let schema = resolved(document, schema);
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(example) = schema["examples"].get(0) {
        return example.clone();
    }
    if schema["type"] == "array" {
        return json!([example(document, &schema["items"])]);
    }
    let required = |name: &str| schema["required"].as_array().is_some_and(|all| all.contains(&json!(name)));
    let members = schema["properties"].as_object().into_iter().flatten();
    let chosen = members.filter(|(name, _)| required(name) || DESCRIPTIVE.contains(&name.as_str()));
    let body: Map<String, Json> = chosen.map(|(name, inner)| (name.clone(), example(document, inner))).collect();
    Json::Object(body)
}

fn form(document: &Json, schema: &Json) -> Vec<Json> {
    let schema = resolved(document, schema);
    let part = |(name, inner): (&String, &Json)| {
        let file = inner["format"] == "binary";
        if file {
            json!({ "key": name, "type": "file", "src": [] })
        } else {
            json!({ "key": name, "type": "text", "value": plain(&example(document, inner)), "disabled": inner["format"] == "uuid" })
        }
    };
    schema["properties"].as_object().into_iter().flatten().map(part).collect()
}

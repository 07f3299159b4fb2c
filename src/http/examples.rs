//! Examples for the document, by the name of the member: one table, so that a name means the same thing everywhere.
use serde_json::{Value as Json, json};

/// An example for a member; `schema` decides where the name does not.
pub fn of(name: &str, schema: &Json) -> Option<Json> {
    if let Some(choice) = schema.get("enum").and_then(|e| e.get(0)) {
        return Some(choice.clone());
    }
    let format = schema.get("format").and_then(Json::as_str).unwrap_or_default();
    let kind = match schema.get("type") {
        Some(Json::Array(types)) => types.iter().find_map(|t| t.as_str().filter(|t| *t != "null")),
        other => other.and_then(Json::as_str),
    };
    Some(match (kind?, format) {
        ("string", "uuid") => json!("0192f0c1-2d3e-7a4b-8c5d-6e7f80910213"),
        // In the future for a long time.
        ("string", "date-time") if name == "expires_at" => json!("2099-12-31T21:00:00.000Z"),
        ("string", "date-time") => json!("2026-11-22T09:30:00.000Z"),
        ("string", "date") if name == "from" => json!("2026-11-01"),
        ("string", "date") => json!("2026-11-30"),
        ("string", "email") => json!("anna@example.com"),
        ("string", "currency") => json!("EUR"),
        ("string", "country") => json!("EE"),
        ("string", "time-zone") => json!("Europe/Tallinn"),
        ("string", "web-url") => json!("https://example.com"),
        ("string", "password") => json!("correct horse battery"),
        ("string", "binary") => return None,
        ("string", _) => text(name),
        ("integer", _) => number(name),
        ("number", _) => json!(0.63),
        ("boolean", _) => json!(matches!(name, "active" | "is_default")),
        _ => return None,
    })
}

/// The `n`th of several examples: ids are different ones.
pub fn another(example: &Json, n: u64) -> Json {
    match example.as_str().filter(|text| text.len() == 36) {
        Some(id) => json!(format!("{}{n:04}", id.split_at(32).0)),
        None => example.clone(),
    }
}

fn text(name: &str) -> Json {
    json!(match name {
        "first_name" => "Anna",
        "last_name" => "Tamm",
        "name" | "company_name" => "Acme",
        "workspace_name" => "Acme Sales",
        "title" => "Ten workstations",
        "phone" | "number_text" => "+372 555 0101",
        "e164" => "+3725550101",
        "number" => "D-1042",
        "domain" => "example.com",
        "sector" => "retail",
        "token_type" => "Bearer",
        "access_token" => "eyJhbGciOiJIUzI1NiJ9.e30.x",
        "refresh_token" => "rt_4f9c1b7e",
        "key" => "vrk_a1b2c3d4_example",
        "prefix" => "a1b2c3d4",
        "scopes" => "contacts:read",
        "time_zone" => "Europe/Tallinn",
        "currency" | "base_currency" => "EUR",
        "country" => "EE",
        "locale" => "et-EE",
        "code" => "validation_failed",
        "type" => "call",
        "pointer" => "/email",
        "parameter" => "limit",
        "cursor" | "next_cursor" => "q83vEjRWeJCrze8BI0VniQ",
        "tags" | "tags_add" => "vip",
        "tags_remove" => "new",
        "sku" => "WS-10",
        "channel" => "web",
        "color" => "teal",
        "external_id" => "A-17",
        "text" | "notes" | "description" => "Asked for a quote by Friday",
        "request_id" => "0192f0c1-2d3e-7a4b-8c5d-6e7f80910213",
        "resource" => "deals",
        "file_name" => "deals.csv",
        "decimal" => ".",
        "delimiter" => ",",
        "encoding" => "utf-8",
        "date_format" => "dd.mm.yyyy",
        "sort" => "-created_at",
        "cf" => "region:eq:north",
        "group_by" => "owner",
        "include" => "owner",
        "role" => "seller",
        _ => "text",
    })
}

fn number(name: &str) -> Json {
    json!(match name {
        "status" => 422,
        "amount" | "value" | "won_value" => 125_000,
        "probability_percent" => 40,
        "expires_in" => 900,
        "limit" => 50,
        "founded_year" => 1996,
        "version" => 7,
        _ => 3,
    })
}

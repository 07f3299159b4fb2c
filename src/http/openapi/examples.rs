//! Examples of the document by member name, so that a name has the same example everywhere.
use serde_json::{Value as Json, json};

/// Returns an example for a member of the schema `title`, by its name or else by its own schema.
pub fn of(title: &str, name: &str, schema: &Json) -> Option<Json> {
    if let Some(choice) = schema.get("enum").and_then(|e| e.get(0)) {
        return Some(choice.clone());
    }
    let format = schema.get("format").and_then(Json::as_str).unwrap_or_default();
    let kind = match schema.get("type") {
        Some(Json::Array(types)) => types.iter().find_map(|t| t.as_str().filter(|t| *t != "null")),
        other => other.and_then(Json::as_str),
    };
    Some(match (kind?, format) {
        ("string", "uuid") => json!(id(title, name)),
        // Must be in the future.
        ("string", "date-time") if name == "expires_at" => json!("2099-12-31T21:00:00.000Z"),
        ("string", "date-time") => json!("2026-11-22T09:30:00.000Z"),
        ("string", "date") if name == "from" => json!("2026-11-01"),
        ("string", "date") => json!("2026-11-30"),
        ("string", "email") if matches!(plain(title), "User") => json!("mart@example.com"),
        ("string", "email") => json!("anna@example.com"),
        ("string", "currency") => json!("EUR"),
        ("string", "country") => json!("EE"),
        ("string", "time-zone") => json!("Europe/Tallinn"),
        ("string", "web-url") => json!("https://example.com"),
        ("string", "password") => json!("correct horse battery"),
        ("string", "binary") => return None,
        ("string", _) => text(plain(title), name),
        ("integer", _) => number(name),
        ("number", _) => json!(0.63),
        ("boolean", _) => json!(matches!(name, "active" | "is_default")),
        _ => return None,
    })
}

/// Returns the `n`th of several examples. Ids are made different.
pub fn another(example: &Json, n: u64) -> Json {
    match example.as_str().filter(|text| n > 0 && text.len() == 36) {
        Some(id) => json!(format!("{}-7{n:03x}{}", id.split_at(13).0, id.split_at(18).1)),
        None => example.clone(),
    }
}

/// Returns the name of the record: `ContactCreate` and `ContactUpdate` belong to `Contact`.
fn plain(title: &str) -> &str {
    ["Create", "Update", "Input"].iter().fold(title, |title, end| title.strip_suffix(end).unwrap_or(title))
}

/// Returns the example id of a kind of record. It is the same for every reference, so that examples fit together.
fn id(title: &str, name: &str) -> String {
    let kind = match name.trim_end_matches("_ids").trim_end_matches("_id") {
        "id" => {
            let own = ["Crm", "Stored", "Next", "Issued", "Bulk"]
                .iter()
                .fold(plain(title), |title, start| title.trim_start_matches(start));
            let ends = ["BatchUpdateItem", "MoveItem"].iter();
            snake(ends.fold(own, |title, end| title.strip_suffix(end).unwrap_or(title)))
        }
        "owner" | "author" | "actor" | "assignee" | "to_user" | "created_by" | "completed_by" | "erased_by"
        | "recorded_by" => "user".to_owned(),
        "record" => "deal".to_owned(),
        "existing" | "primary_contact" => "contact".to_owned(),
        "converted_deal" => "deal".to_owned(),
        "required_stage" => "stage".to_owned(),
        "last_job" => "job".to_owned(),
        "parent" => format!("{}_above", snake(plain(title))),
        other => other.to_owned(),
    };
    let sum = kind.bytes().fold(0x811c_u16, |sum, byte| (sum ^ u16::from(byte)).wrapping_mul(0x0193));
    format!("0192f0c1-2d3e-7a4b-8c5d-6e7f8091{sum:04x}")
}

fn snake(title: &str) -> String {
    let letter = |(n, letter): (usize, char)| {
        let gap = (n > 0 && letter.is_uppercase()).then_some('_');
        gap.into_iter().chain(letter.to_lowercase())
    };
    title.chars().enumerate().flat_map(letter).collect()
}

/// Members that are null in an open, unfinished record.
const EMPTY: [&str; 28] = [
    "deleted_at",
    "closed_at",
    "closed_by_id",
    "completed_at",
    "completed_by",
    "archived_at",
    "redacted_at",
    "file_removed_at",
    "loss_reason_id",
    "loss_note",
    "competitor",
    "converted_at",
    "converted_deal_id",
    "come_back_on",
    "parent_id",
    "lead_id",
    "activity_id",
    "rule_id",
    "due_date",
    "recording_url",
    "external_id",
    "error",
    "next_cursor",
    "current_version",
    "existing_id",
    "required_scope",
    "parameter",
    "refers_to",
];

/// Returns an example for a member whose name alone would be misleading. `null` says whether a member of a response
/// can be null.
pub fn special(title: &str, name: &str, null: Option<bool>) -> Option<Json> {
    if null == Some(true) && (EMPTY.contains(&name) || (title == "PageInfo" && name == "total")) {
        return Some(Json::Null);
    }
    let value = |name: &str| matches!(name, "number" | "money" | "date" | "flag" | "id");
    Some(match (plain(title), name) {
        ("Included", _) => json!([]),
        ("CustomValue", "text") => json!("north"),
        ("CustomValue", name) if null.is_some() && value(name) => Json::Null,
        ("CustomValue", "options") if null.is_some() => json!([]),
        ("User" | "Membership", "status") if null.is_some() => json!("active"),
        // An open task has no result.
        ("CrmTask", "result") if null.is_some() => Json::Null,
        ("Activity", "type") if null.is_some() => json!("call"),
        ("Activity", "direction") if null.is_some() => json!("outbound"),
        ("Contact" | "ContactPhone", "phone") if null.is_some() => json!("+3725550101"),
        ("Pipeline", "kind") if null.is_some() => json!("deal"),
        ("View" | "CustomField" | "Import", "resource") if null.is_some() => json!("deals"),
        ("CustomField", "kind") if null.is_some() => json!("choice"),
        ("SearchResult", name) if null.is_some() => hits(name),
        (title, "key") if title.ends_with("Group") => json!(id("", "user")),
        ("Job", "status") => json!("succeeded"),
        ("Import", "status") => json!("done"),
        ("BatchItemResult", "status") => json!(200),
        ("CompositeItemResult", "status") => json!(201),
        ("BatchItemResult" | "CompositeItemResult", "index") | ("BatchResult" | "JobResult", "failed") => json!(0),
        ("BatchResult" | "JobResult", "succeeded") => json!(1),
        ("ConversionResult", "created") => json!(["contact", "company", "deal"]),
        ("ConversionResult", "filled") => json!([]),
        ("ErrorParams", "choices") => json!(["open", "won", "lost"]),
        ("ErrorParams", "min") => json!(1),
        ("ErrorParams", "max") => json!(200),
        ("Consent" | "ConsentRecord", "granted") => json!(true),
        _ => return None,
    })
}

/// Returns one search hit for each kind, with a suitable name.
fn hits(list: &str) -> Json {
    let (kind, name) = match list {
        "contacts" => ("contact", "Anna Tamm"),
        "companies" => ("company", "Acme"),
        "activities" => ("activity", "Asked for a quote by Friday"),
        "leads" => ("lead", "Ten workstations"),
        _ => ("deal", "Ten workstations"),
    };
    json!([{ "id": id("", kind), "name": name, "score": 2.5 }])
}

/// Returns the example of a report's definition.
fn definition(report: &str) -> &'static str {
    match report {
        "CycleTimeReport" => "Days from the creation to the winning of deals",
        "ForecastReport" => "Open deals by the month of their expected close date",
        "LeaderboardReport" => "Deals won in the period, by owner at the time of closing",
        "LossReasonReport" => "Deals lost in the period, by loss reason",
        "ActivityReport" => "Activities by their author, and tasks by the user who completed them",
        "FirstResponseReport" => "Leads created in the period, and the time until somebody contacted the person",
        "AttentionReport" => "Open leads and deals that need attention now, by their owner",
        "VelocityReport" => "Open deals × win rate × mean won value / mean days to win",
        "WinRateReport" => "The share of won deals among those closed in the period",
        _ => "Deals by their stage at the end of the period",
    }
}

/// Returns an example name.
fn name_of(title: &str) -> &'static str {
    match title {
        "User" => "Mart Kask",
        "Team" | "Pipeline" => "Sales",
        "Role" => "Seller",
        "Stage" | "NewStage" | "FunnelStage" | "StageDuration" => "Negotiation",
        "Product" => "Workstation",
        "Source" => "Website",
        "LossReason" => "Price",
        "Tag" => "vip",
        "ApiKey" | "IssuedApiKey" => "Reporting",
        "Segment" => "Customers in the north",
        "View" => "My open deals",
        "RetentionRule" => "Old leads",
        "CustomField" => "Region",
        "CurrencyInfo" => "Euro",
        "StoredFile" | "File" => "offer.pdf",
        "SchemaField" => "title",
        "DetectedColumn" => "E-mail",
        "ImportField" => "email",
        "LeadPerson" | "Registration" | "SearchHit" => "Anna Tamm",
        _ => "Acme",
    }
}

fn text(title: &str, name: &str) -> Json {
    json!(match (title, name) {
        (_, "name") => name_of(title),
        ("Problem", "type") => "/api/v1/error-codes#validation_failed",
        ("Problem", "title") => "Validation failed",
        ("Problem" | "FieldError" | "ImportProblem" | "JobProblem", "detail") =>
            "must be an e-mail address such as ann@example.com",
        ("FieldError" | "ImportProblem" | "JobProblem", "code") => "invalid_format",
        ("ErrorCode", "title") => "Validation failed",
        ("ChangeEvent" | "AuditEvent", "type") => "deal.won",
        ("SchemaField", "type") => "text",
        ("Role", "key") => "support",
        ("CustomField" | "CustomValue" | "ErrorParams", "key") => "region",
        ("CurrencyInfo", "code") => "EUR",
        ("SessionInfo" | "AuditEvent", "address") => "203.0.113.7",
        ("MemberChange", "member") => "status",
        ("MemberChange", "before") => "\"open\"",
        ("MemberChange", "after") => "\"won\"",
        ("Job" | "BulkJob", "kind") => "bulk",
        ("Lead", "number") => "L-1042",
        (report, "definition") => definition(report),
        (_, "definition_name") => "win_rate",
        (_, "drill_down") => "/api/v1/deals?status=won",
        ("AttentionFigure", "figure") => "rotting_deals",
        ("TimelineItem", "kind") => "activity",
        ("DealContact", "role") => "decision maker",
        ("User", "email") => "mart@example.com",
        ("WorkingTime", "from") => "09:00",
        ("WorkingTime", "to") => "18:00",
        (_, name) => common(name),
    })
}

fn common(name: &str) -> &'static str {
    match name {
        "email" => "anna@example.com",
        "address" => "Narva mnt 5, Tallinn",
        "position" => "Head of purchasing",
        "actor_kind" => "user",
        "record_kind" => "deal",
        "user_agent" => "curl/8.5",
        "content_type" => "application/pdf",
        "sha256" => "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "unit" => "piece",
        "series" => "Pro",
        "campaign" => "Spring fair",
        "how" => "Took a brochure at the stand",
        "outcome" => "Wants an offer",
        "result" => "Sent the offer",
        "reason" => "Requested by e-mail",
        "next_step" => "Send the offer",
        "group_name" => "Logistics",
        "user" | "label" => "Mart Kask",
        "product" => "Workstation",
        "stage" => "Negotiation",
        "month" => "2026-11",
        "column" => "E-mail",
        "field" | "suggested_field" | "member" => "email",
        "samples" | "value" => "anna@example.com",
        "columns" => "id",
        "period" => "last_month",
        "untouched_since" => "today-7d",
        "from" => "2026-11-30",
        "to" => "2026-12-07",
        "recurrence" => "FREQ=WEEKLY;BYDAY=MO",
        "rating" => "hot",
        "q" => "workstation",
        "detail" => "must not be empty",
        "options" | "nearest" => "north",
        "operators" => "eq",
        "created" | "filled" => "contact",
        "first_name" => "Anna",
        "last_name" => "Tamm",
        "company_name" => "Acme",
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
        "request_id" => "0192f0c1-2d3e-7a4b-8c5d-6e7f8091a1d0",
        "resource" => "deals",
        "file_name" => "deals.csv",
        "decimal" => ".",
        "delimiter" => ",",
        "target_minutes" => "60",
        "encoding" => "utf-8",
        "date_format" => "dd.mm.yyyy",
        "sort" => "-created_at",
        "cf" => "region:eq:north",
        "group_by" => "owner",
        "include" => "owner",
        "role" => "seller",
        _ => "text",
    }
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
        "size" => 48_213,
        "duration_seconds" => 300,
        "exponent" => 2,
        "max_length" => 200,
        _ => 3,
    })
}

/// Returns a complete body where a body with only the required members would be refused or unhelpful.
pub fn body(title: &str) -> Option<Json> {
    let value = json!({ "amount": 125_000, "currency": "EUR" });
    // Matches no records, so that trying the operation deletes nothing.
    let none = json!({ "all": [{ "field": "created_at", "op": "lt", "values": ["2000-01-01T00:00:00Z"] }] });
    Some(match title.strip_suffix("Input").unwrap_or(title) {
        "NotificationsRead" => json!({ "until": "2026-11-22T09:30:00.000Z" }),
        "Registration" => json!({ "workspace_name": "Acme Sales", "name": "Anna Tamm", "email": "anna@example.com",
            "password": "correct horse battery" }),
        "Credentials" => json!({ "email": "anna@example.com", "password": "correct horse battery" }),
        "PasswordChange" => {
            json!({ "current_password": "correct horse battery", "new_password": "another horse battery" })
        }
        "ContactCreate" => json!({ "first_name": "Eva", "last_name": "Stone", "position": "Head of purchasing" }),
        "CompanyCreate" => json!({ "name": "Stone Boats", "country": "EE" }),
        "LeadCreate" => json!({ "title": "Ten workstations", "value": value,
            "person": { "name": "Eva Stone", "company_name": "Stone Boats" } }),
        "DealCreate" => json!({ "title": "Ten workstations", "value": value }),
        "ActivityCreate" => {
            json!({ "type": "note", "text": "Asked for a quote by Friday", "contact_id": id("", "contact") })
        }
        "LineItemReplacement" => {
            json!({ "line_items": [{ "product_id": id("", "product"), "quantity": 2, "price": value }] })
        }
        "FileUpload" => json!({ "contact_id": id("", "contact"), "file": "the bytes of the file" }),
        "ErasureCreate" => json!({ "contact_id": id("", "contact"), "reason": "Requested by e-mail" }),
        "CompositeRequest" => json!({ "items": [
            { "action": "create", "resource": "companies", "ref": "boats", "body": { "name": "Stone Boats" } },
            { "action": "create", "resource": "contacts", "body": { "first_name": "Eva", "company_id": "@boats" } },
        ] }),
        "TaskCreate" => json!({ "title": "Send the offer", "due_date": "2026-11-30" }),
        "TaskUpdate" => json!({ "title": "Send the new offer" }),
        "RecordSelection" => none,
        "SearchRequest" => {
            json!({ "all": [{ "field": "created_at", "op": "gte", "values": ["this_month"] }], "limit": 50 })
        }
        "SegmentCreate" => json!({ "resource": "deals", "name": "Boats", "kind": "dynamic",
            "selection": { "all": [{ "field": "title", "op": "contains", "values": ["boat"] }] } }),
        "RetentionRuleCreate" => {
            json!({ "resource": "contacts", "name": "Old contacts", "action": "delete", "reason": "No longer needed",
            "selection": { "all": [{ "field": "updated_at", "op": "lt", "values": ["today-9y"] }] }, "active": false })
        }
        "CustomFieldCreate" => json!({ "resource": "deals", "key": "region", "name": "Region", "kind": "text" }),
        "RoleCreate" => {
            json!({ "key": "support", "name": "Support", "grants": [{ "resource": "contacts", "read": "all", "create": "own", "update": "own", "delete": "none", "export": "none" }] })
        }
        "ApiKeyCreate" => json!({ "name": "Reporting", "scopes": ["deals:read", "analytics:read"] }),
        "DealWin" | "DealReopening" | "LeadConversion" => json!({}),
        _ => return None,
    })
}

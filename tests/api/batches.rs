//! A batch uses the same number of statements whatever its items hold and however many there are.
use crate::support::{Answer, Client, id, key, unique, workspace};
use serde_json::{Value as Json, json};

/// The records that items refer to.
struct World {
    owner: Client,
    companies: Vec<String>,
    contacts: Vec<String>,
    deals: Vec<String>,
    products: Vec<String>,
    sources: Vec<String>,
    user: String,
}

fn made(owner: &Client, list: &str, items: Vec<Json>) -> Vec<String> {
    let answer = owner.post(&format!("/{list}/batch-create"), json!({ "items": items })).ok();
    answer["results"].as_array().unwrap().iter().map(id).collect()
}

/// Creates a workspace whose records have a custom field of every kind.
fn world() -> World {
    let owner = workspace();
    for resource in ["contacts", "companies", "leads", "deals"] {
        for kind in
            ["text", "number", "money", "date", "boolean", "choice", "multi_choice", "url", "email", "phone", "user"]
        {
            let mut field = json!({ "resource": resource, "key": kind, "name": kind, "kind": kind });
            if kind.ends_with("choice") {
                field["options"] = json!(["a", "b"]);
            }
            owner.post("/custom-fields", field).created();
        }
        for to in ["contacts", "companies", "deals", "products"] {
            let field = json!({ "resource": resource, "key": to, "name": to, "kind": "reference", "refers_to": to });
            owner.post("/custom-fields", field).created();
        }
    }
    let named = |list: &str, name: &str| made(&owner, list, (0..7).map(|n| json!({ name: format!("R{n}") })).collect());
    let one = |list: &str, n: usize| id(&owner.post(list, json!({ "name": format!("One {n}") })).created());
    World {
        companies: named("companies", "name"),
        contacts: named("contacts", "last_name"),
        deals: named("deals", "title"),
        products: (0..3).map(|n| one("/products", n)).collect(),
        sources: (0..3).map(|n| one("/sources", n)).collect(),
        user: owner.get("/me").ok()["user"]["id"].as_str().unwrap().to_owned(),
        owner,
    }
}

impl World {
    fn of(list: &[String], n: usize) -> &str {
        &list[n % list.len()]
    }

    /// Returns a value for each custom field.
    fn own(&self, n: usize) -> Json {
        json!([
            { "key": "text", "text": format!("text {n}") },
            { "key": "number", "number": n },
            { "key": "money", "money": { "amount": n, "currency": "EUR" } },
            { "key": "date", "date": "2031-03-01" },
            { "key": "boolean", "flag": n.is_multiple_of(2) },
            { "key": "choice", "text": "a" },
            { "key": "multi_choice", "options": ["a", "b"] },
            { "key": "url", "text": format!("https://x.example/{n}") },
            { "key": "email", "text": format!("own{n}@x.example") },
            { "key": "phone", "text": "+37255501011" },
            { "key": "user", "id": self.user },
            { "key": "contacts", "id": World::of(&self.contacts, n) },
            { "key": "companies", "id": World::of(&self.companies, n + 1) },
            { "key": "deals", "id": World::of(&self.deals, n + 2) },
            { "key": "products", "id": World::of(&self.products, n) },
        ])
    }

    fn tags(&self, n: usize) -> Json {
        json!([format!("tag {}", n % 9), "all"])
    }

    /// Returns a record with every optional member.
    fn item(&self, list: &str, n: usize) -> Json {
        let (company, contact, deal) =
            (World::of(&self.companies, n), World::of(&self.contacts, n), World::of(&self.deals, n));
        let (product, source) = (World::of(&self.products, n), World::of(&self.sources, n));
        let value = json!({ "amount": 100 + n, "currency": "EUR" });
        match list {
            "contacts" => json!({
                "last_name": format!("C{n}"), "company_id": company, "owner_id": self.user, "source_id": source, "tags": self.tags(n),
                "emails": [{ "email": format!("{}@x.example", unique("a")), "kind": "work" }, { "email": format!("{}@x.example", unique("b")), "kind": "home" }],
                "phones": [{ "phone": format!("+3725550{:04}", n), "kind": "work" }, { "phone": format!("+3725551{:04}", n), "kind": "mobile" }],
                "consents": [{ "channel": "email", "granted": true, "at": "2026-01-31T10:00:00Z", "how": "form", "text": "yes" },
                    { "channel": "phone", "granted": n.is_multiple_of(2), "at": "2026-01-31T10:00:00Z" }],
                "first_touch": { "source_id": World::of(&self.sources, n + 1), "campaign": format!("c{n}"), "channel": "web", "at": "2026-01-31T10:00:00Z" },
                "custom_fields": self.own(n), "external_id": unique("e"),
            }),
            "companies" => json!({
                "name": format!("C{n}"), "domain": format!("d{n}.example"), "parent_id": company, "owner_id": self.user, "revenue": value,
                "tags": self.tags(n), "custom_fields": self.own(n), "external_id": unique("e"),
            }),
            "leads" => json!({
                "title": format!("L{n}"), "contact_id": contact, "company_id": company, "product_id": product, "source_id": source, "value": value,
                "come_back_on": "2031-03-01", "tags": self.tags(n), "custom_fields": self.own(n), "external_id": unique("e"),
            }),
            "deals" => json!({
                "title": format!("D{n}"), "company_id": company, "source_id": source, "tags": self.tags(n), "custom_fields": self.own(n),
                "contacts": [{ "contact_id": contact, "role": "buyer" }, { "contact_id": World::of(&self.contacts, n + 1) }],
                "line_items": [{ "product_id": product, "quantity": 2, "price": { "amount": 100, "currency": "EUR" } },
                    { "product_id": World::of(&self.products, n + 1), "price": { "amount": n, "currency": "EUR" }, "discount_percent": 5 }],
                "external_id": unique("e"),
            }),
            _ => json!({
                "title": format!("T{n}"), "contact_id": contact, "company_id": company, "deal_id": deal, "assignee_id": self.user,
                "due_date": "2031-03-01", "notes": format!("n{n}"),
            }),
        }
    }

    /// Returns a different full change for each record.
    fn changes(&self, list: &str, n: usize) -> Json {
        let mut item = self.item(list, n + 1);
        let members = item.as_object_mut().unwrap();
        for fixed in ["external_id", "first_touch", "line_items"] {
            members.remove(fixed);
        }
        if list == "leads" {
            members.insert("come_back_on".into(), json!(format!("2031-04-{:02}", 1 + n % 28)));
        }
        item
    }

    fn batch(&self, list: &str, way: &str, items: Vec<Json>) -> Answer {
        let count = items.len();
        let answer = self.owner.post(&format!("/{list}/{way}"), json!({ "items": items }));
        assert_eq!(answer.json()["succeeded"], count, "{list} {way}: {}", answer.text);
        answer
    }
}

#[test]
fn the_number_of_statements_of_a_batch_is_constant() {
    let world = world();
    for list in ["contacts", "companies", "leads", "deals", "tasks"] {
        let cost = |count: usize| {
            let items: Vec<Json> = (0..count).map(|n| world.item(list, n)).collect();
            let keys: Vec<Json> = items.clone();
            let made = world.batch(list, "batch-create", items);
            let created = made.statements();
            let ids: Vec<Json> =
                made.json()["results"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
            let change = |(n, id): (usize, &Json)| json!({ "id": id, "changes": world.changes(list, n) });
            let changed = world.batch(list, "batch-update", ids.iter().enumerate().map(change).collect()).statements();
            let upserted = (list != "tasks" && list != "deals").then(|| {
                let again = |(n, item): (usize, &Json)| {
                    let mut item = item.clone();
                    for (member, value) in world.changes(list, n + 1).as_object().unwrap() {
                        item[member] = value.clone();
                    }
                    item
                };
                world.batch(list, "batch-upsert", keys.iter().enumerate().map(again).collect()).statements()
            });
            let gone: Vec<Json> = ids.iter().map(|id| json!({ "id": id })).collect();
            (created, changed, upserted, world.batch(list, "batch-delete", gone).statements())
        };
        // The first batch fills the caches of tags and the like.
        cost(1);
        let (few, many) = (cost(5), cost(90));
        assert_eq!(few, many, "{list}: created, changed, upserted, deleted");
        assert!(many.0 < 40 && many.1 < 40 && many.3 < 20, "{list}: {many:?}");
    }
}

/// One statement resolves all references; each wrong one gets its own error.
#[test]
fn wrong_references_in_a_batch_are_reported_per_item() {
    let world = world();
    let nobody = "0192f0c1-2d3e-7a4b-8c5d-6e7f80910000";
    let wrong: [(&str, &str, Json); 5] = [
        (
            "contacts",
            "/custom_fields/0/id",
            json!({ "last_name": "X", "custom_fields": [{ "key": "deals", "id": nobody }] }),
        ),
        (
            "contacts",
            "/first_touch/source_id",
            json!({ "last_name": "X", "first_touch": { "source_id": nobody, "at": "2026-01-31T10:00:00Z" } }),
        ),
        (
            "companies",
            "/custom_fields/1/id",
            json!({ "name": "X", "custom_fields": [{ "key": "text", "text": "t" }, { "key": "user", "id": nobody }] }),
        ),
        (
            "leads",
            "/custom_fields/0/id",
            json!({ "title": "X", "custom_fields": [{ "key": "companies", "id": nobody }] }),
        ),
        (
            "deals",
            "/custom_fields/0/id",
            json!({ "title": "X", "custom_fields": [{ "key": "products", "id": nobody }] }),
        ),
    ];
    for (list, pointer, bad) in wrong {
        let good = world.item(list, 1);
        let result = world.owner.post(&format!("/{list}/batch-create"), json!({ "items": [good, bad] })).ok();
        assert_eq!(result["results"][0]["status"], 201, "{result}");
        assert_eq!(result["results"][1]["status"], 422, "{result}");
        assert_eq!(result["results"][1]["error"]["errors"][0]["pointer"], pointer, "{list}");
        let first = &result["results"][0]["id"];
        let custom = json!([{ "key": "contacts", "id": nobody }]);
        let change = json!({ "items": [{ "id": first, "changes": { "custom_fields": custom } }] });
        let result = world.owner.post(&format!("/{list}/batch-update"), change).ok();
        assert_eq!(result["results"][0]["error"]["errors"][0]["code"], "reference_not_found", "{list}: {result}");
    }
}

/// A batch writes the consent history of each contact.
#[test]
fn a_batch_records_all_consents() {
    let world = world();
    let made = world.batch("contacts", "batch-create", (0..6).map(|n| world.item("contacts", n)).collect()).json();
    let ids: Vec<String> = made["results"].as_array().unwrap().iter().map(id).collect();
    let none = |id: &String| json!({ "id": id, "changes": { "consents": [], "tags": [id] } });
    world.batch("contacts", "batch-update", ids.iter().map(none).collect());
    for (n, id) in ids.iter().enumerate() {
        let history = world.owner.get(&format!("/contacts/{id}/consents")).ok()["data"].clone();
        let told: Vec<(&str, bool)> = history
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["channel"].as_str().unwrap(), one["granted"].as_bool().unwrap()))
            .collect();
        let given = 1 + usize::from(n.is_multiple_of(2));
        assert_eq!(told.iter().filter(|(_, granted)| *granted).count(), given, "{told:?}");
        assert_eq!(told.len(), 2 + given, "a granted consent is revoked: {told:?}");
    }
}

/// A cycle of parent companies is refused, whether one change or several close it.
#[test]
fn a_company_cannot_be_its_own_ancestor() {
    let owner = workspace();
    let ids = made(&owner, "companies", (0..4).map(|n| json!({ "name": format!("C{n}") })).collect());
    let change = |of: usize, parent: usize| json!({ "id": ids[of], "changes": { "parent_id": ids[parent] } });
    let result = |items: Vec<Json>| {
        let answer = owner.post("/companies/batch-update", json!({ "items": items, "atomic": true }));
        answer.status
    };
    assert_eq!(result(vec![change(0, 0)]), 422);
    assert_eq!(result(vec![change(0, 1), change(1, 2), change(2, 0)]), 422);
    assert_eq!(result(vec![change(0, 1), change(1, 2), change(2, 3)]), 200);
    assert_eq!(result(vec![change(3, 0)]), 422);
    owner.patch(&format!("/companies/{}", ids[3]), json!({ "parent_id": ids[0] })).problem(422, "validation_failed");
    owner.patch(&format!("/companies/{}", ids[3]), json!({ "parent_id": ids[3] })).problem(422, "validation_failed");
}

/// The storage quota is counted and shown, and concurrent uploads cannot exceed it.
#[test]
fn files_have_a_quota() {
    use crate::support::process::{Process, folder};
    let process = Process::start_with(&folder("quota"), &[("VORONKA_FILES_QUOTA", "1000")]);
    let at = Client::at(&process.address);
    let register = |name: &str| {
        let body = json!({ "workspace_name": name, "name": "O", "email": format!("{name}@example.com"), "password": "a-long-password" });
        let token = at.post("/auth/register", body).created()["access_token"].as_str().unwrap().to_owned();
        let owner = at.with("Authorization", &format!("Bearer {token}"));
        let deal = id(&owner.post("/deals", json!({ "title": "D" })).created());
        (owner, deal)
    };
    let upload = |owner: &Client, deal: &str, bytes: usize| {
        let form = format!(
            "--b\r\nContent-Disposition: form-data; name=\"deal_id\"\r\n\r\n{deal}\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n{}\r\n--b--\r\n",
            "x".repeat(bytes)
        );
        owner.send("POST", "/files", Some(form.into_bytes()), "multipart/form-data; boundary=b")
    };
    let (owner, deal) = register("one");
    assert_eq!(owner.get("/files/usage").ok(), json!({ "files": 0, "bytes": 0, "quota_bytes": 1000 }));
    let first = id(&upload(&owner, &deal, 400).created());
    upload(&owner, &deal, 601).problem(413, "quota_exceeded");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..6).map(|_| scope.spawn(|| upload(&owner, &deal, 200).status)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 3, "{statuses:?}");
    assert_eq!(owner.get("/files/usage").ok(), json!({ "files": 4, "bytes": 1000, "quota_bytes": 1000 }));
    // The bytes of a deleted file stay as long as it can be restored.
    owner.delete(&format!("/files/{first}")).gone();
    upload(&owner, &deal, 1).problem(413, "quota_exceeded");
    owner.post(&format!("/files/{first}/restore"), json!({})).ok();
    // Other workspaces have their own quota. A key that reads files sees the usage.
    let (other, deal) = register("two");
    let keyed = other.with("Idempotency-Key", "once");
    let kept = upload(&keyed, &deal, 1000).created();
    assert_eq!(upload(&keyed, &deal, 1000).created(), kept, "the stored answer is returned again");
    let made = other.post("/api-keys", json!({ "name": "k", "scopes": ["files:read"] })).created();
    let reader = at.with("Authorization", &format!("Bearer {}", made["key"].as_str().unwrap()));
    assert_eq!(reader.get("/files/usage").ok()["bytes"], 1000);
    key(&workspace(), &["deals:read"]).get("/files/usage").problem(403, "insufficient_scope");
    // The shared server has the default quota.
    assert_eq!(workspace().get("/files/usage").ok()["quota_bytes"], 10_i64 << 30);
}

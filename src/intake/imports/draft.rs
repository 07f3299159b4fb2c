//! A row that is being converted to a record.
use crate::intake::imports::history::Progress;
use crate::kernel::fields::kind::Kind;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

/// The body of a create request, so that imports follow the rules of the API, and what only an import can set.
#[derive(Debug, Default)]
pub struct Draft {
    /// The line of the file on which the row begins.
    pub line: u64,
    pub body: Map<String, Json>,
    pub progress: Progress,
    /// The reason for the disqualification of a lead.
    pub loss_reason: Option<Uuid>,
    /// The tag that all records of the import get.
    pub tag: Option<String>,
    /// The names of the product and the company, for the title of a deal that has none.
    names: Vec<String>,
}

impl Draft {
    pub fn new(line: u64) -> Draft {
        Draft { line, ..Draft::default() }
    }

    /// Returns the body that creates the record.
    pub fn creation(&self) -> Json {
        let mut body = self.body.clone();
        if let Some(tag) = &self.tag {
            let tags = body.entry("tags").or_insert_with(|| json!([]));
            if let Some(tags) = tags.as_array_mut() {
                tags.push(json!(tag));
            }
        }
        Json::Object(body)
    }

    pub fn set(&mut self, member: &str, value: Json) {
        self.body.insert(member.to_owned(), value);
    }

    pub fn text(&self, member: &str) -> Option<&str> {
        self.body.get(member).and_then(Json::as_str)
    }

    pub fn external_id(&self) -> Option<&str> {
        self.text("external_id")
    }

    /// Adds an e-mail address or phone number: the first to the member `single`, several to the list.
    pub fn add_address(&mut self, (single, list): (&str, &str), text: &str) {
        let item = json!({ single: text });
        if let Some(known) = self.body.get_mut(list).and_then(Json::as_array_mut) {
            if !known.contains(&item) {
                known.push(item);
            }
            return;
        }
        match self.text(single).map(str::to_owned) {
            None => self.set(single, json!(text)),
            Some(known) if known == text => {}
            Some(known) => {
                self.body.remove(single);
                self.set(list, json!([{ single: known }, item]));
            }
        }
    }

    /// Returns all e-mail addresses.
    pub fn emails(&self) -> impl Iterator<Item = &str> {
        let list = self.body.get("emails").and_then(Json::as_array).into_iter().flatten();
        self.text("email").into_iter().chain(list.filter_map(|item| item.get("email")?.as_str()))
    }

    /// Sets a member `…_id` to the record that the file calls `name`.
    pub fn set_reference(&mut self, member: &str, kind: Kind, name: &str, id: Uuid) {
        if kind == Kind::COMPANY {
            self.names.push(name.to_owned());
        }
        self.set(member, json!(id));
    }

    /// Adds a product as the line item of a deal.
    pub fn set_product(&mut self, name: &str, id: Uuid) {
        self.names.insert(0, name.to_owned());
        self.set("line_items", json!([{ "product_id": id }]));
    }

    pub fn set_contact(&mut self, id: Uuid) {
        self.set("contacts", json!([{ "contact_id": id }]));
    }

    pub fn set_person(&mut self, member: &str, text: &str) {
        let person = self.body.entry("person").or_insert_with(|| json!({}));
        person[member] = json!(text);
    }

    /// Returns the product of the line item, and the line item.
    pub fn line_item(&mut self) -> Option<(Uuid, &mut Json)> {
        let item = self.body.get_mut("line_items")?.get_mut(0)?;
        Some((item.get("product_id")?.as_str()?.parse().ok()?, item))
    }

    /// Sets a title such as "GTX Pro for Acme", or without product and company the external id.
    pub fn set_default_title(&mut self) {
        if self.body.contains_key("title") {
            return;
        }
        let title = if self.names.is_empty() {
            self.external_id().unwrap_or_default().to_owned()
        } else {
            self.names.join(" for ")
        };
        self.set("title", json!(title.chars().take(300).collect::<String>()));
    }
}

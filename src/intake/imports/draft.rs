//! A row on its way to a record.
use crate::intake::imports::history::Progress;
use crate::kernel::kind::Kind;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

/// What a row becomes: the body of a creation, the same that the API takes, and what only an import can tell.
#[derive(Debug, Default)]
pub struct Draft {
    /// The line of the file on which the row begins.
    pub line: u64,
    pub body: Map<String, Json>,
    pub progress: Progress,
    /// Why a lead was disqualified.
    pub loss_reason: Option<Uuid>,
    /// What a deal without a title is named after: its product, then its company.
    names: Vec<String>,
}

impl Draft {
    pub fn new(line: u64) -> Draft {
        Draft { line, ..Draft::default() }
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

    /// A member `…_id` gets the id of a record that the file calls `name`.
    pub fn set_reference(&mut self, member: &str, kind: Kind, name: &str, id: Uuid) {
        if kind == Kind::COMPANY {
            self.names.push(name.to_owned());
        }
        self.set(member, json!(id));
    }

    /// A product becomes the line item of a deal.
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

    /// The line item, with the product in it.
    pub fn line_item(&mut self) -> Option<(Uuid, &mut Json)> {
        let item = self.body.get_mut("line_items")?.get_mut(0)?;
        Some((item.get("product_id")?.as_str()?.parse().ok()?, item))
    }

    /// A deal without a title is called "GTX Pro for Acme"; if it has neither product nor company, after its external id.
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

//! A row that is being converted to a record.
use crate::intake::imports::claims::Stated;
use crate::intake::imports::history::Progress;
use crate::kernel::fields::kind::Kind;
use crate::people::contacts::reach::AddressKind;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A member that an empty cell clears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cleared {
    Member(String),
    /// A member of the `person` of a lead.
    Person(&'static str),
    /// A custom field, by key.
    Custom(String),
}

/// A text that is put together from several columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whole {
    /// The address of a contact.
    Address,
    /// The name of the person of a lead.
    PersonName,
}

impl Whole {
    /// The fields of the parts, in their order in the text.
    pub const fn parts(self) -> &'static [&'static str] {
        match self {
            Whole::Address => {
                &["address.street", "address.postal_code", "address.city", "address.region", "address.country"]
            }
            Whole::PersonName => &["person.first_name", "person.last_name"],
        }
    }

    const fn separator(self) -> &'static str {
        match self {
            Whole::Address => ", ",
            Whole::PersonName => " ",
        }
    }
}

/// The body of a create request, so that imports follow the rules of the API, and what only an import can set.
#[derive(Debug, Default)]
pub struct Draft {
    /// The line of the file on which the row begins.
    pub line: u64,
    pub body: Map<String, Json>,
    pub progress: Progress,
    /// The reason for the disqualification of a lead.
    pub loss_reason: Option<Uuid>,
    /// An external id derived from the row, for a record that has no other key. It is never written to an existing
    /// record.
    pub derived_id: Option<String>,
    /// Its cells, to compare it with other rows of the same record.
    pub stated: Vec<Stated>,
    /// The members that its empty cells clear.
    pub cleared: Vec<Cleared>,
    /// The id that the row gives for its record.
    pub own_id: Option<Uuid>,
    /// The parts of texts that are put together from several columns.
    pub parts: BTreeMap<(Whole, usize), String>,
    /// Whether a new record needs a title: a lead can be without one, a deal cannot.
    pub needs_title: bool,
    /// The tag that all records of the import get.
    pub tag: Option<String>,
    /// The names of the product and the company, for the title of a deal that has none.
    pub names: Vec<String>,
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

    /// Adds an e-mail address or phone number: the first to the member `single`, several to the list.
    pub fn add_address(&mut self, (single, list): (&str, &str), text: &str, kind: Option<AddressKind>) {
        let mut item = json!({ single: text });
        if let (Some(item), Some(kind)) = (item.as_object_mut(), kind) {
            item.insert("kind".into(), json!(kind));
        }
        if let Some(known) = self.body.get_mut(list).and_then(Json::as_array_mut) {
            if !known.iter().any(|known| known.get(single) == item.get(single)) {
                known.push(item);
            }
            return;
        }
        match self.text(single).map(str::to_owned) {
            None if kind.is_none() => self.set(single, json!(text)),
            None => self.set(list, json!([item])),
            Some(known) if known == text => {}
            Some(known) => {
                self.body.remove(single);
                self.set(list, json!([{ single: known }, item]));
            }
        }
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

    pub fn add_contact(&mut self, id: Uuid) {
        let contact = json!({ "contact_id": id });
        match self.body.entry("contacts").or_insert_with(|| json!([])).as_array_mut() {
            Some(contacts) if !contacts.contains(&contact) => contacts.push(contact),
            _ => {}
        }
    }

    /// Adds words to a member, such as tags.
    pub fn add_words(&mut self, member: &str, words: Json) {
        let known = self.body.entry(member).or_insert_with(|| json!([]));
        if let (Some(known), Json::Array(words)) = (known.as_array_mut(), words) {
            known.extend(words);
        }
    }

    /// Puts the parts of texts together. A text in a column of its own goes first.
    pub fn join_parts(&mut self) {
        for whole in [Whole::Address, Whole::PersonName] {
            let parts = self.parts.iter().filter(|((of, _), _)| *of == whole).map(|(_, part)| part.as_str());
            let text = parts.collect::<Vec<_>>().join(whole.separator());
            match whole {
                _ if text.is_empty() => {}
                Whole::Address if self.text("address").is_none() => self.set("address", json!(text)),
                Whole::PersonName if self.person_name().is_empty() => self.set_person("name", &text),
                Whole::Address | Whole::PersonName => {}
            }
        }
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

    /// Returns the name of the person: of a contact, or of the person of a lead.
    pub fn person_name(&self) -> String {
        let person = self.body.get("person").and_then(|person| person.get("name")).and_then(Json::as_str);
        let names = [self.text("first_name"), self.text("last_name"), person];
        names.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// Returns the e-mail addresses or phone numbers of a contact or a user, or of the person of a lead. `member` is
    /// `email` or `phone`.
    pub fn addresses<'d>(&'d self, member: &'d str) -> impl Iterator<Item = &'d str> {
        let list = self.body.get(&format!("{member}s")).and_then(Json::as_array).into_iter().flatten();
        let single = self.text(member).or_else(|| self.body.get("person")?.get(member)?.as_str());
        single.into_iter().chain(list.filter_map(move |item| item.get(member)?.as_str()))
    }

    /// Returns the loss reason of a lead or deal.
    pub fn loss_reason(&self) -> Option<Uuid> {
        self.loss_reason.or_else(|| self.text("loss_reason_id")?.parse().ok())
    }

    /// Returns the body for a new record with this id. What the file lacks gets a default: the external id, the title
    /// of a deal, the expected close date of an open deal.
    pub fn creation(&self, id: Uuid) -> Map<String, Json> {
        let mut body = self.body.clone();
        let derived = self.derived_id.as_ref().map(|derived| json!(derived));
        let expected = self.progress.expected_close.map(|day| json!(day));
        let defaults = [("external_id", derived), ("title", self.default_title()), ("expected_close_date", expected)];
        for (member, value) in defaults {
            if let (Some(value), false) = (value, body.contains_key(member)) {
                body.insert(member.to_owned(), value);
            }
        }
        body.insert("id".to_owned(), json!(id));
        if let Some(tag) = &self.tag {
            let tags = body.entry("tags").or_insert_with(|| json!([]));
            if let Some(tags) = tags.as_array_mut() {
                tags.push(json!(tag));
            }
        }
        body
    }

    /// Returns a title for a deal, such as "GTX Pro for Acme", or without product and company the external id.
    fn default_title(&self) -> Option<Json> {
        if !self.needs_title {
            return None;
        }
        let title = if self.names.is_empty() {
            self.external_id().or(self.derived_id.as_deref()).unwrap_or_default().to_owned()
        } else {
            self.names.join(" for ")
        };
        Some(json!(title.chars().take(300).collect::<String>()))
    }
}

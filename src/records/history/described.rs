//! Values and changes of fields, with labels, names and words.
use crate::kernel::access::actor::Actor;
use crate::kernel::fields::kind::Kind;
use crate::records::history::language::Language;
use crate::records::history::references::{NamedRecord, Names, referred};
use crate::records::history::written::Writer;
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;
use uuid::Uuid;

/// A field before and after a change.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldChange {
    /// The member of the record, such as `stage_id`, or `cf.` with the key of a custom field.
    #[schema(example = "stage_id")]
    pub field: String,
    /// The name of the field for people.
    #[schema(example = "Stage")]
    pub label: String,
    /// The value before, as JSON text: `"Anna"`, `125000`, `null`.
    #[schema(example = "\"0192f0c1-2d3e-7a4b-8c5d-6e7f80914b0e\"")]
    pub from: String,
    /// The value after, as JSON text.
    #[schema(example = "\"0192f0c1-2d3e-7a4b-8c5d-6e7f80914b0f\"")]
    pub to: String,
    /// The records that the value before refers to.
    pub from_records: Vec<NamedRecord>,
    /// The records that the value after refers to.
    pub to_records: Vec<NamedRecord>,
    /// The change in the language of `in_words`.
    #[schema(example = "Stage: Quote sent → Agreed and invoiced")]
    pub in_words: Option<String>,
}

/// A field with a value.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldValue {
    /// The member of the record, such as `stage_id`, or `cf.` with the key of a custom field.
    #[schema(example = "stage_id")]
    pub field: String,
    /// The name of the field for people.
    #[schema(example = "Stage")]
    pub label: String,
    /// As JSON text.
    #[schema(example = "\"0192f0c1-2d3e-7a4b-8c5d-6e7f80914b0e\"")]
    pub value: String,
    /// The records that the value refers to.
    pub records: Vec<NamedRecord>,
    /// The value in the language of `in_words`.
    #[schema(example = "Quote sent")]
    pub in_words: Option<String>,
}

/// Describes the fields of records of one kind.
#[derive(Debug)]
pub struct Describer<'a> {
    pub actor: &'a Actor,
    pub kind: Kind,
    pub language: Option<Language>,
    pub names: &'a Names,
}

impl Describer<'_> {
    fn writer(&self) -> Writer<'_> {
        let language = self.language.unwrap_or(Language::En);
        Writer { actor: self.actor, kind: self.kind, language, names: self.names }
    }

    fn named(&self, field: &str, value: &Json) -> Vec<NamedRecord> {
        let referred: Vec<(Kind, Uuid)> = referred(self.actor, self.kind, field, value);
        self.names.named(&referred)
    }

    pub fn change(&self, field: &str, from: &Json, to: &Json) -> FieldChange {
        let writer = self.writer();
        let label = writer.label(field);
        let words = || format!("{label}: {} → {}", writer.value(field, from), writer.value(field, to));
        FieldChange {
            field: field.to_owned(),
            from: from.to_string(),
            to: to.to_string(),
            from_records: self.named(field, from),
            to_records: self.named(field, to),
            in_words: self.language.map(|_| words()),
            label,
        }
    }

    pub fn value(&self, field: &str, value: &Json) -> FieldValue {
        let writer = self.writer();
        FieldValue {
            field: field.to_owned(),
            label: writer.label(field),
            value: value.to_string(),
            records: self.named(field, value),
            in_words: self.language.map(|_| writer.value(field, value)),
        }
    }
}

//! The resources that the search covers, and their searched texts.
use crate::kernel::access::actor::Actor;
use crate::kernel::error::FieldError;
use crate::kernel::fields::cond::Cond;
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::people::companies::model::COMPANY;
use crate::people::contacts::model::CONTACT;
use crate::sales::deals::model::DEAL;
use crate::sales::leads::model::LEAD;
use crate::work::activities::ACTIVITY;

/// A resource that the search covers.
pub struct SearchSource {
    pub kind: Kind,
    /// The SQL of the name of a hit.
    pub name: &'static str,
    /// The SQL of the searched text, folded.
    pub words: fn() -> &'static str,
    /// Returns the condition that a record contains the words of a query.
    pub mentions: fn(&str, &Actor) -> Result<Cond, FieldError>,
    pub prefixes: &'static [PrefixIndex],
}

/// A text with an index for prefix searches.
pub struct PrefixIndex {
    pub key: &'static str,
    /// The SQL of the score of a text that begins with the query but is longer.
    pub score: &'static str,
}

pub const SEARCH_SOURCES: [SearchSource; 5] = [
    SearchSource {
        kind: Kind::COMPANY,
        name: "companies.name",
        words: || words_of(&COMPANY),
        mentions: |q, actor| COMPANY.condition_of_words(q, actor),
        prefixes: &[PrefixIndex { key: "fold(companies.name)", score: "2.5" }],
    },
    SearchSource {
        kind: Kind::CONTACT,
        name: "coalesce(nullif(concat_ws(' ', contacts.first_name, contacts.last_name), ''), '')",
        words: || words_of(&CONTACT),
        mentions: |q, actor| CONTACT.condition_of_words(q, actor),
        prefixes: &[
            PrefixIndex {
                key: "fold(btrim(coalesce(contacts.first_name, '') || ' ' || coalesce(contacts.last_name, '')))",
                score: "2.5",
            },
            PrefixIndex { key: "fold(contacts.last_name)", score: "2.0" },
            PrefixIndex { key: "contacts.email", score: "2.0" },
        ],
    },
    SearchSource {
        kind: Kind::LEAD,
        name: "leads.title",
        words: || words_of(&LEAD),
        mentions: |q, actor| LEAD.condition_of_words(q, actor),
        prefixes: &[PrefixIndex { key: "fold(leads.title)", score: "2.5" }],
    },
    SearchSource {
        kind: Kind::DEAL,
        name: "deals.title",
        words: || words_of(&DEAL),
        mentions: |q, actor| DEAL.condition_of_words(q, actor),
        prefixes: &[PrefixIndex { key: "fold(deals.title)", score: "2.5" }],
    },
    SearchSource {
        kind: Kind::ACTIVITY,
        name: "left(coalesce(activities.text, ''), 120)",
        words: || words_of(&ACTIVITY),
        mentions: |q, actor| ACTIVITY.condition_of_words(q, actor),
        prefixes: &[],
    },
];

fn words_of<T>(fields: &'static Fields<T>) -> &'static str {
    fields.search.as_ref().map_or("''", |search| search.sql)
}

//! What is exactly the text that was asked for comes before what only mentions it. A ranked list is two lists in the order of the list, one
//! after the other: so each can be read in steps, and an index finds the exact ones among any number of others.
use crate::kernel::kind::Kind;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::Text;
use diesel::{pg::Pg, result::QueryResult};

/// A text of a record that has an index: SQL before and behind the folded question, and the members it is made of.
#[derive(Debug)]
struct Exact {
    before: &'static str,
    after: &'static str,
    members: &'static [&'static str],
}

const fn exact(before: &'static str, members: &'static [&'static str]) -> Exact {
    Exact { before, after: "", members }
}

const CONTACT: &[Exact] = &[
    exact(
        "fold(btrim(coalesce(contacts.first_name, '') || ' ' || coalesce(contacts.last_name, ''))) = ",
        &["first_name", "last_name"],
    ),
    exact("fold(contacts.first_name) = ", &["first_name"]),
    exact("fold(contacts.last_name) = ", &["last_name"]),
    exact("jsonb_path_query_array(contacts.emails, '$[*].email') ? ", &["email"]),
];
const COMPANY: &[Exact] = &[exact("fold(companies.name) = ", &["name"]), exact("companies.domain = ", &["domain"])];
const LEAD: &[Exact] = &[
    exact("fold(leads.title) = ", &["title"]),
    Exact { before: "leads.number = upper(", after: ")", members: &["number"] },
];
const DEAL: &[Exact] = &[
    exact("fold(deals.title) = ", &["title"]),
    Exact { before: "deals.number = upper(", after: ")", members: &["number"] },
];
const PRODUCT: &[Exact] = &[exact("fold(products.name) = ", &["name"]), exact("fold(products.sku) = ", &["sku"])];
const USER: &[Exact] = &[exact("fold(users.name) = ", &["name"]), exact("users.email = ", &["email"])];
const TASK: &[Exact] = &[exact("fold(tasks.title) = ", &["title"])];
const FILE: &[Exact] = &[exact("fold(files.name) = ", &["name"])];
const TAG: &[Exact] = &[exact("fold(tags.name) = ", &["name"])];
const SOURCE: &[Exact] = &[exact("fold(sources.name) = ", &["name"])];
const LOSS_REASON: &[Exact] = &[exact("fold(loss_reasons.name) = ", &["name"])];
const TEAM: &[Exact] = &[exact("fold(teams.name) = ", &["name"])];
const ROLE: &[Exact] = &[exact("fold(roles.name) = ", &["name"])];
const VIEW: &[Exact] = &[exact("fold(views.name) = ", &["name"])];
const SEGMENT: &[Exact] = &[exact("fold(segments.name) = ", &["name"])];
const CUSTOM_FIELD: &[Exact] = &[exact("fold(custom_fields.name) = ", &["name"])];

const fn texts(kind: Kind) -> &'static [Exact] {
    match kind {
        Kind::Contact => CONTACT,
        Kind::Company => COMPANY,
        Kind::Lead => LEAD,
        Kind::Deal => DEAL,
        Kind::Product => PRODUCT,
        Kind::User => USER,
        Kind::Task => TASK,
        Kind::File => FILE,
        Kind::Tag => TAG,
        Kind::Source => SOURCE,
        Kind::LossReason => LOSS_REASON,
        Kind::Team => TEAM,
        Kind::Role => ROLE,
        Kind::View => VIEW,
        Kind::Segment => SEGMENT,
        Kind::CustomField => CUSTOM_FIELD,
        _ => &[],
    }
}

/// A condition on the rows of a list that is ranked, or is not.
#[derive(Clone, Debug, Default)]
pub struct Part {
    texts: Vec<&'static Exact>,
    text: String,
    /// Those that are the text exactly; otherwise those that are not.
    best: bool,
}

impl Part {
    /// Those that are a text exactly, where there is such a text that is not hidden.
    pub(in crate::kernel) fn best(kind: Kind, text: &str, hides: impl Fn(&str) -> bool) -> Option<Part> {
        let shown = |text: &&Exact| !text.members.iter().any(|&member| hides(member));
        let texts: Vec<&Exact> = texts(kind).iter().filter(shown).collect();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!texts.is_empty() && !text.is_empty()).then_some(Part { texts, text, best: true })
    }

    pub(in crate::kernel) fn others(&self) -> Part {
        Part { best: false, ..self.clone() }
    }
}

impl QueryFragment<Pg> for Part {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if self.texts.is_empty() {
            out.push_sql("true");
            return Ok(());
        }
        out.unsafe_to_cache_prepared();
        for (n, text) in self.texts.iter().enumerate() {
            out.push_sql(if n == 0 { "((" } else { " or " });
            out.push_sql(text.before);
            out.push_sql("fold(");
            out.push_bind_param::<Text, _>(&self.text)?;
            out.push_sql(")");
            out.push_sql(text.after);
        }
        out.push_sql(if self.best { "))" } else { ") is not true)" });
        Ok(())
    }
}

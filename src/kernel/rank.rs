//! Ranked lists: exact matches come before other matches. A ranked list consists of two lists in the same order, one
//! after the other. So each can be read in pages, and an index finds the exact matches among any number of other
//! records.
use crate::kernel::actor::Actor;
use crate::kernel::kind::Kind;
use crate::kernel::text_format::TextFormat;
use crate::kernel::{address, phones};
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, Text};
use diesel::{pg::Pg, result::QueryResult};

/// An indexed text of a record: the SQL before and after the search text, which has the normal form of the field, and
/// the members of the text.
#[derive(Debug)]
struct Exact {
    before: &'static str,
    after: &'static str,
    members: &'static [&'static str],
    text_format: TextFormat,
}

const fn exact(before: &'static str, members: &'static [&'static str]) -> Exact {
    Exact { before, after: "", members, text_format: TextFormat::Text }
}

const fn number(before: &'static str) -> Exact {
    Exact { before, after: ")", members: &["number"], text_format: TextFormat::Number }
}

impl Exact {
    const fn formatted(mut self, text_format: TextFormat) -> Exact {
        self.text_format = text_format;
        self
    }
}

const CONTACT: &[Exact] = &[
    exact(
        "fold(btrim(coalesce(contacts.first_name, '') || ' ' || coalesce(contacts.last_name, ''))) = ",
        &["first_name", "last_name"],
    ),
    exact("fold(contacts.first_name) = ", &["first_name"]),
    exact("fold(contacts.last_name) = ", &["last_name"]),
    exact("jsonb_path_query_array(contacts.emails, '$[*].email') ? ", &["email"]).formatted(TextFormat::Email),
    exact("contacts.phone_keys ?| ", &["phone"]).formatted(TextFormat::Phone),
];
const COMPANY: &[Exact] = &[
    exact("fold(companies.name) = ", &["name"]),
    exact("companies.domain = ", &["domain"]).formatted(TextFormat::Domain),
];
const LEAD: &[Exact] = &[
    exact("fold(leads.title) = ", &["title"]),
    number("leads.number = upper("),
    exact("fold(leads.person ->> 'name') = ", &["person"]),
    exact("(leads.person ->> 'email') = ", &["person"]).formatted(TextFormat::Email),
    exact("leads.phone_keys ?| ", &["person"]).formatted(TextFormat::Phone),
];
const DEAL: &[Exact] = &[exact("fold(deals.title) = ", &["title"]), number("deals.number = upper(")];
const PRODUCT: &[Exact] = &[exact("fold(products.name) = ", &["name"]), exact("fold(products.sku) = ", &["sku"])];
const USER: &[Exact] =
    &[exact("fold(users.name) = ", &["name"]), exact("users.email = ", &["email"]).formatted(TextFormat::Email)];
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

fn texts(kind: Kind) -> &'static [Exact] {
    match kind {
        Kind::CONTACT => CONTACT,
        Kind::COMPANY => COMPANY,
        Kind::LEAD => LEAD,
        Kind::DEAL => DEAL,
        Kind::PRODUCT => PRODUCT,
        Kind::USER => USER,
        Kind::TASK => TASK,
        Kind::FILE => FILE,
        Kind::TAG => TAG,
        Kind::SOURCE => SOURCE,
        Kind::LOSS_REASON => LOSS_REASON,
        Kind::TEAM => TEAM,
        Kind::ROLE => ROLE,
        Kind::VIEW => VIEW,
        Kind::SEGMENT => SEGMENT,
        Kind::CUSTOM_FIELD => CUSTOM_FIELD,
        _ => &[],
    }
}

/// A condition on the rows of a list, ranked or not.
#[derive(Clone, Debug, Default)]
pub struct Part {
    texts: Vec<&'static Exact>,
    text: String,
    email: String,
    domain: String,
    numbers: Vec<String>,
    /// Selects the exact matches; otherwise the other rows.
    best: bool,
}

impl Part {
    /// Returns the part with the exact matches, if the kind has a text that is not hidden from the caller.
    pub(in crate::kernel) fn best(kind: Kind, text: &str, actor: &Actor) -> Option<Part> {
        let hides = |text: &Exact| text.members.iter().any(|member| actor.access.hides(kind.path(), member));
        let digits = text.contains(char::is_numeric);
        let can_be = |text: &&Exact| !hides(text) && (text.text_format != TextFormat::Phone || digits);
        let texts: Vec<&Exact> = texts(kind).iter().filter(can_be).collect();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (email, domain) = (address::email(&text), address::domain(&text));
        let numbers = if digits { phones::search_keys(&text, &actor.settings.country) } else { Vec::new() };
        (!texts.is_empty() && !text.is_empty()).then_some(Part { texts, text, email, domain, numbers, best: true })
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
            match text.text_format {
                TextFormat::Email => out.push_bind_param::<Text, _>(&self.email)?,
                TextFormat::Domain => out.push_bind_param::<Text, _>(&self.domain)?,
                TextFormat::Phone | TextFormat::OwnPhone => out.push_bind_param::<Array<Text>, _>(&self.numbers)?,
                TextFormat::Text | TextFormat::Number | TextFormat::Currency => {
                    out.push_sql("fold(");
                    out.push_bind_param::<Text, _>(&self.text)?;
                    out.push_sql(")");
                }
            }
            out.push_sql(text.after);
        }
        out.push_sql(if self.best { "))" } else { ") is not true)" });
        Ok(())
    }
}

//! What is exactly the text that was asked for comes before what only mentions it. A ranked list is two lists in the order of the list, one
//! after the other: so each can be read in steps, and an index finds the exact ones among any number of others.
use crate::kernel::actor::Actor;
use crate::kernel::kind::Kind;
use crate::kernel::text_format::TextFormat;
use crate::kernel::{address, phones};
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, Text};
use diesel::{pg::Pg, result::QueryResult};

/// A text of a record that has an index: SQL before and behind the question in the form of the text, and the members it is made of.
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

/// A condition on the rows of a list that is ranked, or is not.
#[derive(Clone, Debug, Default)]
pub struct Part {
    texts: Vec<&'static Exact>,
    text: String,
    email: String,
    domain: String,
    numbers: Vec<String>,
    /// Those that are the text exactly; otherwise those that are not.
    best: bool,
}

impl Part {
    /// Those that are a text exactly, where there is such a text that is not hidden.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::samples::{actor, sql};

    const NAME: &Exact = &exact("fold(boats.name) = ", &["name"]);
    const NUMBER: &Exact = &number("boats.number = upper(");
    const EMAIL: &Exact = &exact("boats.email = ", &["email"]).formatted(TextFormat::Email);
    const PHONE: &Exact = &exact("boats.phone_keys ?| ", &["phone"]).formatted(TextFormat::Phone);

    fn part(texts: &[&'static Exact], best: bool) -> Part {
        Part {
            texts: texts.to_vec(),
            text: "Ann".into(),
            email: "ann@x.example".into(),
            domain: "x.example".into(),
            numbers: vec!["1".into(), "2".into()],
            best,
        }
    }

    #[test]
    fn the_best_are_the_text_and_the_others_are_not() {
        for (case, part, expected) in [
            ("no texts", part(&[], true), "true -- binds: []"),
            ("best by a name", part(&[NAME], true), r#"((fold(boats.name) = fold($1))) -- binds: ["Ann"]"#),
            (
                "others by a name",
                part(&[NAME], false),
                r#"((fold(boats.name) = fold($1)) is not true) -- binds: ["Ann"]"#,
            ),
            (
                "best by several",
                part(&[NUMBER, EMAIL, PHONE], true),
                r#"((boats.number = upper(fold($1)) or boats.email = $2 or boats.phone_keys ?| $3)) -- binds: ["Ann", "ann@x.example", ["1", "2"]]"#,
            ),
        ] {
            assert_eq!(sql(&part), expected, "{case}");
        }
        assert!(!part(&[NAME], true).others().best, "the others of the best");
    }

    #[test]
    fn numbers_are_the_best_where_the_text_has_digits() {
        let has_phone = |text: &str| {
            let best = Part::best(Kind::CONTACT, text, &actor()).unwrap();
            best.texts.iter().any(|text| text.text_format == TextFormat::Phone)
        };
        assert!(has_phone("555 01011"));
        assert!(!has_phone("Ann"));
        assert!(Part::best(Kind::CONTACT, "  ", &actor()).is_none(), "of no words");
        assert!(Part::best(Kind::new("x", "xs"), "Ann", &actor()).is_none(), "of a list that is not ranked");
        assert_eq!(Part::best(Kind::CONTACT, " Ann  Lee ", &actor()).unwrap().text, "Ann Lee");
    }
}

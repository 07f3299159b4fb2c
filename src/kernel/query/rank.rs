//! Ranked lists: exact matches come before other matches. A ranked list consists of two lists in the same order, one
//! after the other. So each can be read in pages, and an index finds the exact matches among any number of other
//! records.
use crate::kernel::access::actor::Actor;
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::Exact;
use crate::kernel::values::address;
use crate::kernel::values::phones;
use crate::kernel::values::text_format::TextFormat;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, Text};
use diesel::{pg::Pg, result::QueryResult};

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
    pub(in crate::kernel) fn best(kind: Kind, exact: &'static [Exact], text: &str, actor: &Actor) -> Option<Part> {
        let hides = |text: &Exact| text.members.iter().any(|member| actor.access.hides(kind.path(), member));
        let digits = text.contains(char::is_numeric);
        let can_be = |text: &&Exact| !hides(text) && (text.text_format != TextFormat::Phone || digits);
        let texts: Vec<&Exact> = exact.iter().filter(can_be).collect();
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
                TextFormat::Text | TextFormat::Account | TextFormat::Number | TextFormat::Currency => {
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
    use crate::kernel::fields::search::{exact, number};
    use crate::kernel::samples::{BOATS, actor, sql, without_field};

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
    fn exact_matches_and_others_are_complementary() {
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
    fn phone_numbers_are_searched_where_the_text_has_digits() {
        const TEXTS: &[Exact] = &[
            exact("fold(boats.name) = ", &["name"]),
            exact("boats.phone_keys ?| ", &["phone"]).formatted(TextFormat::Phone),
            exact("boats.custom ->> 'region' = ", &["cf.region"]),
        ];
        let members = |text: &str, actor: &Actor| -> Vec<&str> {
            let best = Part::best(BOATS, TEXTS, text, actor).unwrap();
            best.texts.iter().flat_map(|text| text.members.iter().copied()).collect()
        };
        assert_eq!(members("555 01011", &actor()), ["name", "phone", "cf.region"]);
        assert_eq!(members("Ann", &actor()), ["name", "cf.region"]);
        assert_eq!(members("Ann", &without_field(actor(), "cf.region")), ["name"], "without a hidden member");
        assert!(Part::best(BOATS, TEXTS, "  ", &actor()).is_none(), "no words");
        assert!(Part::best(BOATS, &[], "Ann", &actor()).is_none(), "a list without ranking");
        assert_eq!(Part::best(BOATS, TEXTS, " Ann  Lee ", &actor()).unwrap().text, "Ann Lee");
    }
}

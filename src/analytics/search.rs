//! One search over everything: names, addresses and phones of people and firms, titles, notes.
use crate::db::sight;
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::kernel::actor::{Action, Actor, can};
use crate::kernel::asked::Asked;
use crate::kernel::cond::{Cond, fold, pattern};
use crate::kernel::error::{Bad, Error, Result};
use crate::kernel::field::{Fields, Kind as FieldKind, Search};
use crate::kernel::kind::Kind;
use crate::kernel::parameters::{parameter, schema};
use crate::kernel::query::split;
use crate::kernel::reply::Reply;
use crate::list_params;
use crate::people::companies::model::COMPANY;
use crate::people::contacts::model::CONTACT;
use crate::sales::deals::model::DEAL;
use crate::sales::leads::model::LEAD;
use crate::web::ctx::Ctx;
use crate::work::activities::ACTIVITY;
use actix_web::get;
use diesel::prelude::*;
use diesel::sql_types::{Double, Text, Uuid as SqlUuid};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// A record that was found.
#[derive(Debug, Serialize, QueryableByName, ToSchema)]
pub struct SearchHit {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// A person's or firm's name, a title, the beginning of a note.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// 3: the name itself; 2.5: the name begins so; 2: a word begins so; 1.5: somewhere inside; below 1: the likeness.
    #[diesel(sql_type = Double)]
    #[schema(format = "double")]
    pub score: f64,
}

/// What was found, by kind, the best first.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct SearchResult {
    pub companies: Vec<SearchHit>,
    pub contacts: Vec<SearchHit>,
    pub leads: Vec<SearchHit>,
    pub deals: Vec<SearchHit>,
    pub activities: Vec<SearchHit>,
}

/// A kind of record that can be searched.
struct Place {
    kind: Kind,
    /// What a hit is called.
    name: &'static str,
}

const PLACES: [Place; 5] = [
    Place { kind: Kind::Company, name: "companies.name" },
    Place {
        kind: Kind::Contact,
        name: "coalesce(nullif(concat_ws(' ', contacts.first_name, contacts.last_name), ''), '')",
    },
    Place { kind: Kind::Lead, name: "leads.title" },
    Place { kind: Kind::Deal, name: "deals.title" },
    Place { kind: Kind::Activity, name: "left(coalesce(activities.text, ''), 120)" },
];

struct Question {
    q: String,
    kinds: Vec<Kind>,
    limit: i64,
}

fn read(query: &str) -> Result<Question> {
    let mut asked = Asked::read(query)?;
    let q = asked.take("q").unwrap_or_default();
    let types = asked.take("types").map(|types| split(&types));
    let limit = asked.parsed("limit", "a number from 1 to 50")?.unwrap_or(10);
    asked.finish(&["q", "types", "limit"])?;
    let wrong = |name, detail: String| Error::parameters(vec![Bad::parameter(name, "invalid", detail)]);
    if q.trim().is_empty() {
        return Err(wrong("q", "is what to look for".into()));
    }
    if !(1..=50).contains(&limit) {
        return Err(wrong("limit", "must be from 1 to 50".into()));
    }
    let kind = |name: &String| PLACES.iter().map(|place| place.kind).find(|kind| kind.as_str() == name);
    let known = || PLACES.iter().map(|place| place.kind.as_str()).collect::<Vec<_>>().join(", ");
    let all = || Ok(PLACES.iter().map(|place| place.kind).collect());
    let kinds = types.map_or_else(all, |types| {
        let named = |name: &String| {
            kind(name).ok_or_else(|| wrong("types", format!("cannot be {name}; it can be {}", known())))
        };
        types.iter().map(named).collect()
    })?;
    Ok(Question { q, kinds, limit })
}

/// The condition of the words, and the text they are looked for in; nothing when the kind has no words.
fn words(kind: Kind, q: &str, actor: &Actor) -> Result<(Cond, Option<&'static Search>)> {
    fn of<T>(fields: &'static Fields<T>, q: &str, actor: &Actor) -> Result<(Cond, Option<&'static Search>)> {
        let cond = fields.condition_of_words(q, actor).map_err(|bad| Error::parameters(vec![bad]))?;
        // Likeness looks at the whole text, which must not hold what the role hides.
        let whole = matches!(cond, Cond::Mentions(..));
        Ok((cond, fields.search.as_ref().filter(|_| whole)))
    }
    match kind {
        Kind::Company => of(&COMPANY, q, actor),
        Kind::Contact => of(&CONTACT, q, actor),
        Kind::Lead => of(&LEAD, q, actor),
        Kind::Deal => of(&DEAL, q, actor),
        _ => of(&ACTIVITY, q, actor),
    }
}

fn hits(tx: &mut Tx<'_>, place: &Place, question: &Question) -> Result<Vec<SearchHit>> {
    // What one may not read is simply not found.
    if !question.kinds.contains(&place.kind) || tx.actor.must_read(place.kind.path()).is_err() {
        return Ok(Vec::new());
    }
    let (mentions, search) = words(place.kind, &question.q, tx.actor)?;
    let q = fold(question.q.trim());
    let nothing = Statement::new("false");
    let likely = search.map_or(nothing, |search| {
        Statement::new(":q <% :words").set("q", Part::Text(q.clone())).set("words", Part::Sql(search.sql))
    });
    // Prefixes are escaped for LIKE.
    let escaped = pattern(crate::kernel::cond::Op::StartsWith, &q);
    let statement = Statement::new(include_str!("search.sql"))
        .set("records", Part::Sql(place.kind.path()))
        .set("workspace", Part::Id(tx.workspace()))
        .set("name", Part::Sql(place.name))
        .set("words", Part::Sql(search.map_or("''", |search| search.sql)))
        .set("q", Part::Text(q))
        .set("pattern", Part::Text(escaped.trim_end_matches('%').to_owned()))
        .set("mentions", Part::Cond(mentions))
        .set("seen", Part::Cond(sight::cond(tx.actor, place.kind, Action::Read)))
        .set("limit", Part::Int(question.limit));
    // An e-mail address that is there is meant as it is; what shares its domain would be weighed for long, and is not asked for.
    if question.q.contains('@') {
        let found: Vec<SearchHit> = statement.clone().set("likely", Part::Sql("false")).load(tx.conn)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(statement.set("likely", Part::Nested(Box::new(likely))).load(tx.conn)?)
}

list_params!(SearchParameters, {
    let text = || schema(FieldKind::Text);
    let types = PLACES.iter().map(|place| place.kind.as_str()).collect::<Vec<_>>().join("|");
    let limit = schema(FieldKind::Int).minimum(Some(1)).maximum(Some(50)).default(Some(10.into()));
    let mut q = parameter(
        "q".into(),
        "Words, an address, or the digits of a phone.".into(),
        text().max_length(Some(256)),
        None,
    );
    q.required = utoipa::openapi::Required::True;
    let one = text().pattern(Some(format!("^({types})$")));
    vec![
        q,
        parameter("types".into(), "Only these kinds; all if absent.".into(), one, Some(false)),
        parameter("limit".into(), "Hits per kind.".into(), limit, None),
    ]
});

/// Search everything at once. Accents and case do not matter, words may be cut short, and a typing error is forgiven.
#[utoipa::path(operation_id = "search_everything", params(SearchParameters), responses((status = 200, description = "What was found", body = SearchResult)))]
#[get("/search")]
async fn everything(ctx: Ctx<can::search::Read>) -> Result<Reply> {
    let question = read(ctx.query())?;
    ctx.read(move |tx| {
        let mut result = SearchResult::default();
        for place in &PLACES {
            let list = match place.kind {
                Kind::Company => &mut result.companies,
                Kind::Contact => &mut result.contacts,
                Kind::Lead => &mut result.leads,
                Kind::Deal => &mut result.deals,
                _ => &mut result.activities,
            };
            *list = hits(tx, place, &question)?;
        }
        Reply::ok(&result)
    })
    .await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(everything);
}

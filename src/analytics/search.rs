//! One search over everything: names, addresses and phones of people and firms, titles, notes.
use crate::analytics::search_sources::{SEARCH_SOURCES, SearchSource};
use crate::analytics::vocabulary;
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::db::visibility;
use crate::kernel::actor::{Action, can};
use crate::kernel::cond::{Cond, Op, pattern};
use crate::kernel::error::{Bad, Error, FieldCode, Result};
use crate::kernel::kind::Kind;
use crate::kernel::parameters::{parameter, schema};
use crate::kernel::query::split;
use crate::kernel::query_params::{Q_MAX, QueryParams};
use crate::kernel::reply::Reply;
use crate::kernel::resource::{Builtin, Descriptor, Resource};
use crate::kernel::value_type::ValueType;
use crate::list_params;
use crate::web::ctx::Ctx;
use actix_web::get;
use diesel::prelude::*;
use diesel::sql_types::{Double, Text, Uuid as SqlUuid};
use serde::Serialize;
use std::collections::HashSet;
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
    /// 3: the name, last name or address itself; 2.5: the name begins so; 2: a word begins so; 1.5: somewhere inside; below 1: it says a word that is nearly so.
    #[diesel(sql_type = Double)]
    #[schema(format = "double")]
    pub score: f64,
}

/// What a hit is worth that is the text itself.
const BEST: f64 = 3.0;

/// What was found, by kind, the best first.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct SearchResult {
    pub companies: Vec<SearchHit>,
    pub contacts: Vec<SearchHit>,
    pub leads: Vec<SearchHit>,
    pub deals: Vec<SearchHit>,
    pub activities: Vec<SearchHit>,
}

impl Resource for SearchResult {
    const DESCRIPTOR: &Descriptor =
        &Descriptor::calls("search").shared(Builtin::Viewer, Builtin::Owner, Builtin::Owner);
}

impl SearchResult {
    fn list(&mut self, kind: Kind) -> &mut Vec<SearchHit> {
        match kind {
            Kind::COMPANY => &mut self.companies,
            Kind::CONTACT => &mut self.contacts,
            Kind::LEAD => &mut self.leads,
            Kind::DEAL => &mut self.deals,
            _ => &mut self.activities,
        }
    }

    fn is_empty(&self) -> bool {
        [&self.companies, &self.contacts, &self.leads, &self.deals, &self.activities].iter().all(|hits| hits.is_empty())
    }
}

struct SearchQuery {
    /// Folded, as the texts are in which it is looked for.
    q: String,
    kinds: Vec<Kind>,
    limit: i64,
}

diesel::define_sql_function! { fn fold(text: Text) -> Text; }

/// Reads the question as it was typed.
fn read(query: &str) -> Result<SearchQuery> {
    let mut params = QueryParams::read(query)?;
    let q = params.take("q").unwrap_or_default();
    let types = params.take("types").map(|types| split(&types));
    let limit = params.limit(10, 50)?;
    params.finish(&["q", "types", "limit"])?;
    if q.trim().is_empty() {
        return Err(Error::parameters(vec![Bad::parameter("q", FieldCode::Required, "is what to look for")]));
    }
    let kind = |name: &String| SEARCH_SOURCES.iter().map(|source| source.kind).find(|kind| kind.as_str() == name);
    let known = || SEARCH_SOURCES.iter().map(|source| source.kind.as_str()).collect::<Vec<_>>();
    let all = || Ok(SEARCH_SOURCES.iter().map(|source| source.kind).collect());
    let kinds = types.map_or_else(all, |types| {
        let named = |name: &String| {
            kind(name).ok_or_else(|| Error::parameters(vec![Bad::not_among(&known()).at_parameter("types")]))
        };
        types.iter().map(named).collect()
    })?;
    Ok(SearchQuery { q, kinds, limit })
}

/// What says the words as they are written.
fn hits(tx: &mut Tx<'_>, source: &SearchSource, query: &SearchQuery) -> Result<Vec<SearchHit>> {
    // What one may not read is simply not found.
    if !query.kinds.contains(&source.kind) || tx.actor.require_read(source.kind.path()).is_err() {
        return Ok(Vec::new());
    }
    let mentions = (source.mentions)(&query.q, tx.actor).map_err(|bad| Error::parameters(vec![bad]))?;
    if !mentions.is_of_words() {
        // Some of the text is hidden from the role: what is found must not be weighed by it.
        return ranked_hits(tx, source, query, "''", mentions);
    }
    let prefix_hits = prefix_hits(tx, source, query)?;
    if is_enough(&prefix_hits, query) {
        return Ok(prefix_hits);
    }
    let ranked = ranked_hits(tx, source, query, (source.words)(), mentions)?;
    Ok(merge(prefix_hits, ranked, query))
}

/// What begins as it is written.
fn prefix_hits(tx: &mut Tx<'_>, source: &SearchSource, query: &SearchQuery) -> Result<Vec<SearchHit>> {
    let mut hits = Vec::new();
    for prefix in source.prefixes {
        let statement = statement(tx, source, query, include_str!("prefixes.sql"))
            .set("key", Part::Sql(prefix.key))
            .set("score", Part::Sql(prefix.score));
        let found: Vec<SearchHit> = statement.load(tx.conn)?;
        hits = merge(hits, found, query);
    }
    Ok(hits)
}

/// What fits, weighed by the text it fits in.
fn ranked_hits(
    tx: &mut Tx<'_>,
    source: &SearchSource,
    query: &SearchQuery,
    words: &'static str,
    fits: Cond,
) -> Result<Vec<SearchHit>> {
    // Prefixes are escaped for LIKE.
    let escaped = pattern(Op::StartsWith, &query.q);
    let statement = statement(tx, source, query, include_str!("search.sql"))
        .set("words", Part::Sql(words))
        .set("pattern", Part::Text(escaped.strip_suffix('%').unwrap_or(&escaped).to_owned()))
        .set("fits", Part::Cond(fits));
    Ok(statement.load(tx.conn)?)
}

/// What both ways to look have in common.
fn statement(tx: &Tx<'_>, source: &SearchSource, query: &SearchQuery, text: &'static str) -> Statement {
    Statement::new(text)
        .set("records", Part::Sql(source.kind.path()))
        .set("workspace", Part::Id(tx.workspace()))
        .set("name", Part::Sql(source.name))
        .set("q", Part::Text(query.q.clone()))
        .set("seen", Part::Cond(visibility::cond(tx.actor, source.kind, Action::Read)))
        .set("limit", Part::Int(query.limit))
}

/// Nothing better can come: the list is full, or it holds the e-mail address that was asked for.
fn is_enough(hits: &[SearchHit], query: &SearchQuery) -> bool {
    let full = i64::try_from(hits.len()).is_ok_and(|count| count >= query.limit);
    full || query.q.contains('@') && hits.iter().any(|hit| hit.score >= BEST)
}

/// The best of two lists; a record that is in both counts as what it is worth most.
fn merge(mut hits: Vec<SearchHit>, more: Vec<SearchHit>, query: &SearchQuery) -> Vec<SearchHit> {
    hits.extend(more);
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.name.cmp(&b.name)).then_with(|| a.id.cmp(&b.id)));
    let mut seen = HashSet::new();
    hits.retain(|hit| seen.insert(hit.id));
    hits.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
    hits
}

fn search(tx: &mut Tx<'_>, query: &SearchQuery) -> Result<SearchResult> {
    let mut result = SearchResult::default();
    for source in &SEARCH_SOURCES {
        *result.list(source.kind) = hits(tx, source, query)?;
    }
    Ok(result)
}

/// What says words that are nearly those that were asked for: with the fewest edits of which anything is found.
fn search_corrected(tx: &mut Tx<'_>, query: &SearchQuery) -> Result<SearchResult> {
    let text = &query.q;
    let (mut result, mut edits) = (SearchResult::default(), 0);
    for correction in vocabulary::corrections(tx, text, Q_MAX)? {
        if !result.is_empty() && correction.edits > edits {
            break;
        }
        edits = correction.edits;
        let likeness = strsim::normalized_damerau_levenshtein(text, &correction.text);
        let corrected = SearchQuery { q: correction.text, kinds: query.kinds.clone(), limit: query.limit };
        let mut found = search(tx, &corrected)?;
        for source in &SEARCH_SOURCES {
            let mut hits = std::mem::take(found.list(source.kind));
            hits.iter_mut().for_each(|hit| hit.score *= likeness / BEST);
            let list = result.list(source.kind);
            *list = merge(std::mem::take(list), hits, query);
        }
    }
    Ok(result)
}

list_params!(SearchParameters, {
    let text = || schema(ValueType::Text);
    let limit = schema(ValueType::Int).minimum(Some(1)).maximum(Some(50)).default(Some(10.into()));
    let mut q = parameter(
        "q".into(),
        "Words, an address, or the digits of a phone.".into(),
        text().max_length(Some(256)),
        None,
    );
    q.required = utoipa::openapi::Required::True;
    let one = text().enum_values(Some(SEARCH_SOURCES.iter().map(|source| source.kind.as_str())));
    vec![
        q,
        parameter("types".into(), "Only these kinds; all if absent.".into(), one, Some(false)),
        parameter("limit".into(), "Hits per kind.".into(), limit, None),
    ]
});

/// Search everything at once. Accents and case do not matter and words may be cut short. What is written nowhere is taken for a
/// typing error, and what is nearest to it is found.
#[utoipa::path(operation_id = "search_everything", params(SearchParameters), responses((status = 200, description = "What was found", body = SearchResult)))]
#[get("/search")]
async fn everything(ctx: Ctx<can::Read<SearchResult>>) -> Result<Reply> {
    let typed = read(ctx.query())?;
    ctx.search(move |tx| {
        let q = diesel::select(fold(typed.q.trim())).get_result(tx.conn)?;
        let query = SearchQuery { q, kinds: typed.kinds.clone(), limit: typed.limit };
        let written = search(tx, &query)?;
        // Where the words are written nobody has mistyped them.
        let result = if written.is_empty() { search_corrected(tx, &query)? } else { written };
        Reply::ok(&result)
    })
    .await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(everything);
}

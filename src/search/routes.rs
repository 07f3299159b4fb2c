//! The search over all resources: names, addresses, phone numbers, titles and notes.
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::db::visibility;
use crate::kernel::access::grants::Action;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::access::resource::{Builtin, Descriptor, Resource};
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::{Error, FieldCode, FieldError, Result};
use crate::kernel::fields::cond::{Cond, Op, pattern};
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::openapi::{parameter, schema};
use crate::kernel::query::params::{Q_MAX, QueryParams, split};
use crate::kernel::values::value_type::ValueType;
use crate::list_params;
use crate::search::sources::{SEARCH_SOURCES, SearchSource};
use crate::search::vocabulary;
use crate::web::ctx::Ctx;
use actix_web::get;
use diesel::prelude::*;
use diesel::sql_types::{Double, Text, Uuid as SqlUuid};
use serde::Serialize;
use std::collections::HashSet;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// A record that matches.
#[derive(Debug, Serialize, QueryableByName, ToSchema)]
pub struct SearchHit {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The name of the contact or company, the title, or the beginning of the note.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// The quality of the match. 3: equal to the name, last name or address; 2.5: the name begins with the text; 2: a
    /// word begins with it; 1.5: it occurs inside a word; below 1: a similar word occurs.
    #[diesel(sql_type = Double)]
    #[schema(format = "double")]
    pub score: f64,
}

/// The score of a text that equals the query.
const BEST: f64 = 3.0;

/// The matching records by resource, the best first.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct SearchResult {
    pub companies: Vec<SearchHit>,
    pub contacts: Vec<SearchHit>,
    pub leads: Vec<SearchHit>,
    pub deals: Vec<SearchHit>,
    pub activities: Vec<SearchHit>,
}
impl NothingHidden for SearchResult {}

impl Resource for SearchResult {
    const DESCRIPTOR: &Descriptor = &Descriptor::calls("search", "Search over all resources.").shared(
        Builtin::Viewer,
        Builtin::Owner,
        Builtin::Owner,
    );
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
    /// The folded query. The searched texts are folded in the same way.
    q: String,
    kinds: Vec<Kind>,
    limit: i64,
}

diesel::define_sql_function! { fn fold(text: Text) -> Text; }

/// Parses the query parameters.
fn read(query: &str) -> Result<SearchQuery> {
    let mut params = QueryParams::read(query)?;
    let q = params.take("q").unwrap_or_default();
    let types = params.take("types").map(|types| split(&types));
    let limit = params.limit(10, 50)?;
    params.finish(&["q", "types", "limit"])?;
    if q.trim().is_empty() {
        return Err(Error::parameters(vec![FieldError::parameter("q", FieldCode::Required, "q must not be empty")]));
    }
    let kind = |name: &String| SEARCH_SOURCES.iter().map(|source| source.kind).find(|kind| kind.as_str() == name);
    let known = || SEARCH_SOURCES.iter().map(|source| source.kind.as_str()).collect::<Vec<_>>();
    let all = || Ok(SEARCH_SOURCES.iter().map(|source| source.kind).collect());
    let kinds = types.map_or_else(all, |types| {
        let named = |name: &String| {
            kind(name).ok_or_else(|| Error::parameters(vec![FieldError::not_among(&known()).at_parameter("types")]))
        };
        types.iter().map(named).collect()
    })?;
    Ok(SearchQuery { q, kinds, limit })
}

/// Returns the records of a source that contain the words of the query.
fn hits(tx: &mut Tx<'_>, source: &SearchSource, query: &SearchQuery) -> Result<Vec<SearchHit>> {
    // Records that the caller may not read are not found.
    if !query.kinds.contains(&source.kind) || tx.actor.require_read(source.kind.path()).is_err() {
        return Ok(Vec::new());
    }
    let mentions = (source.mentions)(&query.q, tx.actor).map_err(|bad| Error::parameters(vec![bad]))?;
    if !mentions.is_of_words() {
        // Part of the text is hidden from the role, so the text must not influence the score.
        return ranked_hits(tx, source, query, "''", mentions);
    }
    let prefix_hits = prefix_hits(tx, source, query)?;
    if is_enough(&prefix_hits, query) {
        return Ok(prefix_hits);
    }
    let ranked = ranked_hits(tx, source, query, (source.words)(), mentions)?;
    Ok(merge(prefix_hits, ranked, query))
}

/// Returns the records with a text that begins with the query.
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

/// Returns the matching records with scores from the searched text.
fn ranked_hits(
    tx: &mut Tx<'_>,
    source: &SearchSource,
    query: &SearchQuery,
    words: &'static str,
    fits: Cond,
) -> Result<Vec<SearchHit>> {
    // The pattern is an escaped LIKE prefix without its final wildcard.
    let escaped = pattern(Op::StartsWith, &query.q);
    let statement = statement(tx, source, query, include_str!("search.sql"))
        .set("words", Part::Sql(words))
        .set("pattern", Part::Text(escaped.strip_suffix('%').unwrap_or(&escaped).to_owned()))
        .set("fits", Part::Cond(fits));
    Ok(statement.load(tx.conn)?)
}

/// Returns a statement with the parameters that all searches share.
fn statement(tx: &Tx<'_>, source: &SearchSource, query: &SearchQuery, text: &'static str) -> Statement {
    Statement::new(text)
        .set("records", Part::Sql(source.kind.table()))
        .set("workspace", Part::Id(tx.workspace()))
        .set("name", Part::Sql(source.name))
        .set("q", Part::Text(query.q.clone()))
        .set("seen", Part::Cond(visibility::cond(tx.actor, source.kind, Action::Read)))
        .set("limit", Part::Int(query.limit))
}

/// Checks whether further hits cannot be better: the list is full, or contains the given e-mail address.
fn is_enough(hits: &[SearchHit], query: &SearchQuery) -> bool {
    let full = i64::try_from(hits.len()).is_ok_and(|count| count >= query.limit);
    full || query.q.contains('@') && hits.iter().any(|hit| hit.score >= BEST)
}

/// Merges two lists and keeps the best hits. A record in both lists keeps its higher score.
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

/// Searches for the most similar known words. Stops at the smallest number of edits with any hit.
fn search_corrected(tx: &mut Tx<'_>, query: &SearchQuery) -> Result<SearchResult> {
    let text = &query.q;
    let (mut result, mut edits) = (SearchResult::default(), 0);
    for correction in vocabulary::corrections(tx, text, Q_MAX)? {
        if !result.is_empty() && correction.edits > edits {
            break;
        }
        edits = correction.edits;
        let similarity = strsim::normalized_damerau_levenshtein(text, &correction.text);
        let corrected = SearchQuery { q: correction.text, kinds: query.kinds.clone(), limit: query.limit };
        let mut found = search(tx, &corrected)?;
        for source in &SEARCH_SOURCES {
            let mut hits = std::mem::take(found.list(source.kind));
            hits.iter_mut().for_each(|hit| hit.score *= similarity / BEST);
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
        "Words, an e-mail address, or digits of a phone number.".into(),
        text().max_length(Some(256)),
        None,
    );
    q.required = utoipa::openapi::Required::True;
    let one = text().enum_values(Some(SEARCH_SOURCES.iter().map(|source| source.kind.as_str())));
    vec![
        q,
        parameter("types".into(), "The resources to search; all if absent.".into(), one, Some(false)),
        parameter("limit".into(), "The maximum number of hits for each resource.".into(), limit, None),
    ]
});

/// Search all resources. Ignores accents and case, and finds words by their beginning. If nothing matches, the words
/// are treated as misspelled and the most similar known words are searched.
#[utoipa::path(operation_id = "search_everything", params(SearchParameters), responses((status = 200, description = "The matching records", body = SearchResult)))]
#[get("/search")]
async fn search_all(ctx: Ctx<can::Read<SearchResult>>) -> Result<Reply> {
    let typed = read(ctx.query())?;
    ctx.search(move |tx| {
        let q = diesel::select(fold(typed.q.trim())).get_result(tx.conn)?;
        let query = SearchQuery { q, kinds: typed.kinds.clone(), limit: typed.limit };
        let written = search(tx, &query)?;
        // Corrections are tried only if no record contains the words as given.
        let result = if written.is_empty() { search_corrected(tx, &query)? } else { written };
        Ok(Answer::ok(result))
    })
    .await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(search_all);
}

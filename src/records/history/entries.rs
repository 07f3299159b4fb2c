//! The history of a record: a page of its changes, latest first.
use crate::db::event::recorded_members;
use crate::db::sql::{Part, Statement};
use crate::db::table::Stored;
use crate::db::tx::Tx;
use crate::kernel::access::actor::{Actor, ActorKind};
use crate::kernel::access::hide::Hide;
use crate::kernel::access::permission::Permission;
use crate::kernel::answers::page::Paged;
use crate::kernel::answers::reply::Reply;
use crate::kernel::error::{Code, Error, FieldCode, FieldError, Result, not_known};
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::openapi::{parameter, schema};
use crate::kernel::query::params::{QueryParams, split};
use crate::kernel::query::plan::PageInfo;
use crate::kernel::query::seek::{seal, unseal};
use crate::kernel::values::relative;
use crate::kernel::values::time::{DateTime, day_start, parse_date};
use crate::kernel::values::value_type::ValueType;
use crate::list_params;
use crate::records::history::described::{Describer, FieldChange};
use crate::records::history::language::Language;
use crate::records::history::record::{self, language, language_parameter, retain_shown, shows};
use crate::records::history::references::{NamedRecord, Names, referred};
use crate::web::ctx::Ctx;
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use serde_json::{Value as Json, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// Who made a change.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeAuthor {
    /// `user`, `api_key`, `import`, `bulk_job`, or `system` for changes by a new version of the program; more may be
    /// added.
    #[schema(example = "user")]
    pub kind: String,
    /// The user, also if an API key, an import or a job acted for the user.
    pub user_id: Option<Uuid>,
    /// The name of the user; null if you may not read users.
    pub name: Option<String>,
    /// The API key. Its name is shown to its user and to callers who may change all users.
    pub api_key: Option<NamedRecord>,
    pub job_id: Option<Uuid>,
}

/// A change of a record.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryEntry {
    pub id: Uuid,
    pub at: DateTime,
    /// The type of the event, such as `deal.stage_changed`; more may be added.
    pub r#type: String,
    /// What happened, such as "Moved".
    #[schema(example = "Moved")]
    pub label: String,
    pub record_kind: String,
    /// The version of the record after the change.
    pub record_version: Option<i64>,
    pub author: ChangeAuthor,
    pub changes: Vec<FieldChange>,
    /// When the values were removed because a person was erased.
    pub redacted_at: Option<DateTime>,
}

impl Hide for HistoryEntry {
    fn hide(&mut self, actor: &Actor) {
        retain_shown(&mut self.changes, &self.record_kind, actor, |change| &change.field);
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryPage {
    pub data: Vec<HistoryEntry>,
    pub page: PageInfo,
}

impl Hide for HistoryPage {
    fn hide(&mut self, actor: &Actor) {
        self.data.hide(actor);
    }
}

impl Paged for HistoryPage {
    fn info(&self) -> &PageInfo {
        &self.page
    }
}

list_params!(HistoryParameters, {
    let limit = schema(ValueType::Int).minimum(Some(1)).maximum(Some(500)).default(Some(50.into()));
    let p = |name: &str, meaning: &str, one, many| parameter(name.into(), meaning.into(), one, many);
    let field = schema(ValueType::Text).max_length(Some(100));
    vec![
        p("limit", "Changes per page.", limit, None),
        p("cursor", "`page.next_cursor` of the previous page.", schema(ValueType::Text), None),
        p("field", "Only changes of these members, such as `stage_id` or `cf.region`.", field, Some(false)),
        p("actor_id", "Only changes by these users.", schema(ValueType::Uuid), Some(false)),
        p("at__gte", "Only changes since this instant, or since the beginning of this day.", instant_schema(), None),
        p("at__lt", "Only changes before this instant, or before this day.", instant_schema(), None),
        language_parameter(),
    ]
});

fn instant_schema() -> utoipa::openapi::schema::ObjectBuilder {
    schema(ValueType::Text).examples([json!("2026-03-31")])
}

/// The requested page.
#[derive(Debug)]
struct Window {
    limit: i64,
    before: Option<(DateTime, Uuid)>,
    fields: Vec<String>,
    actors: Vec<Uuid>,
    since: Option<DateTime>,
    until: Option<DateTime>,
    language: Option<Language>,
}

impl Window {
    fn read(query: &str, record: Uuid, zone: Tz) -> Result<Window> {
        let mut params = QueryParams::read(query)?;
        let invalid = || FieldError::parameter("cursor", Code::CursorInvalid, "must be a cursor of this history");
        let read = |text: String| {
            let (kind, of, at, id): (String, Uuid, DateTime, Uuid) =
                serde_json::from_value(unseal(&text)?).map_err(|_| invalid())?;
            if kind == "history" && of == record { Ok((at, id)) } else { Err(invalid()) }
        };
        let window = Window {
            limit: params.limit(50, 500)?,
            before: params.take("cursor").map(read).transpose().map_err(|bad| Error::parameters(vec![bad]))?,
            fields: params.take("field").map(|text| split(&text)).unwrap_or_default(),
            actors: params.take("actor_id").map(|text| ids(&text)).transpose()?.unwrap_or_default(),
            since: instant(&mut params, "at__gte", zone)?,
            until: instant(&mut params, "at__lt", zone)?,
            language: language(&mut params)?,
        };
        params.finish(&["limit", "cursor", "field", "actor_id", "at__gte", "at__lt", "in_words"])?;
        Ok(window)
    }

    /// Refuses members that the record does not have, which would match nothing.
    fn require_known_fields(&self, actor: &Actor, kind: Kind, row: &Json) -> Result<()> {
        let own = actor.settings.custom.of(kind).map(|own| own.path.clone());
        let known: Vec<String> = recorded_members(row).into_iter().map(|(name, _)| name).chain(own).collect();
        let known = || known.iter().map(String::as_str).filter(|name| shows(actor, kind, name));
        match self.fields.iter().find(|name| !known().any(|known| known == *name)) {
            Some(name) => {
                let detail = format!("{name} {}", not_known(name, known()));
                let bad = FieldError::parameter("field", FieldCode::InvalidChoice, detail).among(known());
                Err(Error::parameters(vec![bad]))
            }
            None => Ok(()),
        }
    }

    fn asks_for(&self, field: &str) -> bool {
        self.fields.is_empty() || self.fields.iter().any(|asked| asked == field)
    }

    /// Returns the place before which the page begins: that of the cursor or that of `at__lt`.
    fn end(&self) -> (DateTime, Uuid) {
        let last = || (DateTime::now().plus(chrono::Duration::days(365_000)), Uuid::max());
        let until = self.until.map_or_else(last, |until| (until, Uuid::nil()));
        self.before.map_or(until, |before| before.min(until))
    }
}

fn ids(text: &str) -> Result<Vec<Uuid>> {
    let wrong =
        |_| Error::parameters(vec![FieldError::parameter("actor_id", FieldCode::InvalidFormat, "must be a UUID")]);
    split(text).iter().map(|id| id.parse().map_err(wrong)).collect()
}

/// Reads an instant, or a day as its first instant.
fn instant(params: &mut QueryParams, name: &str, zone: Tz) -> Result<Option<DateTime>> {
    let Some(text) = params.take(name) else { return Ok(None) };
    let day = || parse_date(&text).map(|day| day_start(day, zone));
    let read = relative::instant(&text, zone).or_else(day).map_or_else(|| text.parse(), Ok);
    let detail = "must be a day such as 2026-01-31, an instant with an offset, or relative such as today-7d";
    read.map(Some).map_err(|_| Error::parameters(vec![FieldError::parameter(name, FieldCode::InvalidFormat, detail)]))
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime,
    #[diesel(sql_type = Text)]
    type_: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    record_version: Option<i64>,
    #[diesel(sql_type = Text)]
    actor_kind: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    actor_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    api_key_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    job_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    redacted_at: Option<DateTime>,
    #[diesel(sql_type = Jsonb)]
    changes: Json,
}

impl Row {
    /// Returns the changed fields with their values before and after, by name.
    fn pairs(&self, window: &Window) -> Vec<(&str, &Json, &Json)> {
        const NONE: &Json = &Json::Null;
        let all = self.changes.as_object().into_iter().flatten().filter(|(name, _)| window.asks_for(name));
        let mut pairs: Vec<_> =
            all.map(|(name, pair)| (name.as_str(), pair.get(0).unwrap_or(NONE), pair.get(1).unwrap_or(NONE))).collect();
        pairs.sort_unstable_by_key(|(name, ..)| *name);
        pairs
    }

    fn author_kind(&self) -> &'static str {
        match self.actor_kind.parse() {
            Ok(ActorKind::Migration) => "system",
            Ok(ActorKind::Import) => "import",
            _ if self.job_id.is_some() => "bulk_job",
            Ok(ActorKind::ApiKey) => "api_key",
            _ => "user",
        }
    }

    /// Returns the API key, and whether the caller sees its name.
    fn key(&self, actor: &Actor) -> Option<(Uuid, bool)> {
        Some((self.api_key_id?, actor.manages_users() || self.actor_id == Some(actor.user)))
    }

    fn author(&self, actor: &Actor, names: &Names) -> ChangeAuthor {
        let key = self.key(actor).map(|(id, seen)| NamedRecord {
            kind: Kind::API_KEY.as_str().to_owned(),
            id,
            name: names.of(Kind::API_KEY, id).filter(|_| seen).map(str::to_owned),
        });
        ChangeAuthor {
            kind: self.author_kind().to_owned(),
            user_id: self.actor_id,
            name: self.actor_id.and_then(|id| names.of(Kind::USER, id)).map(str::to_owned),
            api_key: key,
            job_id: self.job_id,
        }
    }

    /// Returns the records whose names the entry shows.
    fn referred(&self, actor: &Actor, kind: Kind, window: &Window) -> Vec<(Kind, Uuid)> {
        let user = self.actor_id.map(|id| (Kind::USER, id));
        let key = self.key(actor).filter(|(_, seen)| *seen).map(|(id, _)| (Kind::API_KEY, id));
        let values = self.pairs(window).into_iter().filter(|(field, ..)| shows(actor, kind, field));
        let values = values.flat_map(|(field, from, to)| {
            [from, to].into_iter().flat_map(move |value| referred(actor, kind, field, value))
        });
        user.into_iter().chain(key).chain(values).collect()
    }

    fn entry(&self, describer: &Describer<'_>, window: &Window) -> HistoryEntry {
        let change = |(field, from, to): (&str, &Json, &Json)| describer.change(field, from, to);
        HistoryEntry {
            id: self.id,
            at: self.at,
            r#type: self.type_.clone(),
            label: window.language.unwrap_or(Language::En).event(&self.type_),
            record_kind: describer.kind.as_str().to_owned(),
            record_version: self.record_version,
            author: self.author(describer.actor, describer.names),
            changes: self.pairs(window).into_iter().map(change).collect(),
            redacted_at: self.redacted_at,
        }
    }
}

fn load(tx: &mut Tx<'_>, kind: Kind, id: Uuid, window: &Window) -> Result<HistoryPage> {
    let (at, last) = window.end();
    let mut rows: Vec<Row> = Statement::new(include_str!("history.sql"))
        .set("workspace", Part::Id(tx.workspace()))
        .set("record", Part::Id(id))
        .set("kind", Part::Text(kind.as_str().to_owned()))
        .set("at", Part::At(at))
        .set("last", Part::Id(last))
        .set("since", Part::MaybeAt(window.since))
        .set("fields", Part::Texts(window.fields.clone()))
        .set("actors", Part::Ids(window.actors.clone()))
        .set("limit", Part::Int(window.limit + 1))
        .load(tx.conn)?;
    let limit = usize::try_from(window.limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| has_more).map(|row| seal(&json!(["history", id, row.at, row.id])));
    let wanted: Vec<(Kind, Uuid)> = rows.iter().flat_map(|row| row.referred(tx.actor, kind, window)).collect();
    let names = Names::load(tx, &wanted)?;
    let describer = Describer { actor: tx.actor, kind, language: window.language, names: &names };
    let data = rows.iter().map(|row| row.entry(&describer, window)).collect();
    Ok(HistoryPage { data, page: PageInfo { next_cursor, has_more, total: None, total_capped: false } })
}

/// Answers the history of a record.
pub async fn answer<R: Stored + 'static, P: Permission>(ctx: &Ctx<P>, id: Uuid) -> Result<Reply> {
    let window = Window::read(ctx.query(), id, ctx.actor.settings.own_time_zone)?;
    let link = ctx.next_link();
    ctx.read(move |tx| {
        let row = record::find::<R>(tx, id)?;
        window.require_known_fields(tx.actor, R::KIND, &row)?;
        load(tx, R::KIND, id, &window).map(|page| link.answer(page))
    })
    .await
}

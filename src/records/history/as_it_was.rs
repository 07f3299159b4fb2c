//! A record as it was at an instant. Each field is computed twice: from the changes until the instant, and from the
//! present value and the changes after it. If neither is known, or they differ, the field is named instead of guessed.
use crate::db::event::{recorded_members, silent_members};
use crate::db::sql::{Part, Statement};
use crate::db::table::Stored;
use crate::db::tx::Tx;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::hide::Hide;
use crate::kernel::access::permission::Permission;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::{Error, Result};
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::openapi::parameter;
use crate::kernel::query::openapi::schema;
use crate::kernel::values::time::{DateTime, day_start, today};
use crate::kernel::values::value_type::ValueType;
use crate::list_params;
use crate::records::history::described::{Describer, FieldValue};
use crate::records::history::language::Language;
use crate::records::history::record::{self, invalid, language, language_parameter, retain_shown, shows};
use crate::records::history::references::{Names, referred};
use crate::web::ctx::Ctx;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Jsonb, Nullable, Text, Timestamptz};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use std::collections::{BTreeSet, HashMap};
use utoipa::ToSchema;
use uuid::Uuid;

/// A record at an instant in the past.
#[derive(Debug, Serialize, ToSchema)]
pub struct AsItWas {
    /// The instant; for a day, its last millisecond.
    pub at: DateTime,
    #[schema(example = "deal")]
    pub record_kind: String,
    pub record_id: Uuid,
    /// Whether the record was deleted then.
    pub deleted: bool,
    pub fields: Vec<FieldValue>,
    /// The fields whose values are not known, because their changes are not recorded or were removed when a person was
    /// erased.
    #[schema(example = json!(["last_activity_at", "next_task", "updated_at", "version"]))]
    pub unknown: Vec<String>,
}

impl Hide for AsItWas {
    fn hide(&mut self, actor: &Actor) {
        retain_shown(&mut self.fields, &self.record_kind, actor, |value| &value.field);
        retain_shown(&mut self.unknown, &self.record_kind, actor, |field| field);
    }
}

list_params!(AsItWasParameters, {
    let p = |name: &str, meaning: &str, one| parameter(name.into(), meaning.into(), one, None);
    vec![
        p(
            "on",
            "A day in your time zone: the record at its end. The present, if neither `on` nor `at` is given.",
            schema(ValueType::Date),
        ),
        p("at", "An instant, instead of a day.", schema(ValueType::Time)),
        language_parameter(),
    ]
});

#[derive(Debug)]
struct Asked {
    /// The last instant that counts.
    at: DateTime,
    language: Option<Language>,
}

impl Asked {
    fn read<P: Permission>(ctx: &Ctx<P>) -> Result<Asked> {
        let mut params = ctx.query_params()?;
        let zone = ctx.actor.settings.own_time_zone;
        let (on, now) = (params.date("on")?, DateTime::now());
        let instant: Option<DateTime> = params.parsed("at", "an RFC 3339 instant such as 2026-01-31T00:00:00Z")?;
        let language = language(&mut params)?;
        params.finish(&["on", "at", "in_words"])?;
        let at = match (on, instant) {
            (Some(day), None) if day > today(now, zone) => return Err(invalid("on", "must not be in the future")),
            (Some(day), None) => {
                let next = day.succ_opt().unwrap_or(day);
                day_start(next, zone).plus(chrono::Duration::milliseconds(-1))
            }
            (None, Some(at)) if at > now => return Err(invalid("at", "must not be in the future")),
            (None, Some(at)) => at,
            (None, None) => now,
            (Some(_), Some(_)) => return Err(invalid("on", "must not be combined with `at`")),
        };
        Ok(Asked { at, language })
    }
}

#[derive(QueryableByName)]
struct Facts {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    created_at: Option<DateTime>,
    #[diesel(sql_type = Bool)]
    redacted_until: bool,
    #[diesel(sql_type = Bool)]
    redacted_after: bool,
    #[diesel(sql_type = Bool)]
    deleted: bool,
}

#[derive(QueryableByName)]
struct Side {
    /// Whether the value was set until the instant, or was there before a change after it.
    #[diesel(sql_type = Bool)]
    until: bool,
    #[diesel(sql_type = Text)]
    member: String,
    #[diesel(sql_type = Nullable<Jsonb>)]
    value: Option<Json>,
}

/// The values that the events of a record give at an instant.
struct Past {
    facts: Facts,
    until: HashMap<String, Json>,
    after: HashMap<String, Json>,
}

impl Past {
    fn load(tx: &mut Tx<'_>, kind: Kind, id: Uuid, at: DateTime) -> Result<Past> {
        let about = |text| {
            let about = Statement::new(text).set("workspace", Part::Id(tx.actor.workspace)).set("record", Part::Id(id));
            about.set("kind", Part::Text(kind.as_str().to_owned())).set("at", Part::At(at))
        };
        let (facts, sides) = (about(include_str!("facts.sql")), about(include_str!("as_it_was.sql")));
        let facts: Facts = facts.get_result(tx.conn)?;
        let sides: Vec<Side> = sides.load(tx.conn)?;
        let (until, after): (Vec<Side>, Vec<Side>) = sides.into_iter().partition(|side| side.until);
        let by_member = |sides: Vec<Side>| -> HashMap<String, Json> {
            sides.into_iter().map(|side| (side.member, side.value.unwrap_or_default())).collect()
        };
        Ok(Past { facts, until: by_member(until), after: by_member(after) })
    }

    /// Returns the value of a member, if the events give one; `now` is its present value.
    fn value(&self, member: &str, now: &Json) -> Option<Json> {
        // A creation records every member that has a value.
        let empty_since_creation = || self.facts.created_at.map(|_| Json::Null);
        let forwards = self.until.get(member).cloned().or_else(empty_since_creation);
        let forwards = forwards.filter(|_| !self.facts.redacted_until);
        let backwards = self.after.get(member).unwrap_or(now).clone();
        let backwards = Some(backwards).filter(|_| !self.facts.redacted_after);
        match (forwards, backwards) {
            (Some(one), Some(other)) => (one == other || (is_empty(&one) && is_empty(&other))).then_some(other),
            (one, other) => one.or(other),
        }
    }
}

fn is_empty(value: &Json) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn load(tx: &mut Tx<'_>, kind: Kind, id: Uuid, row: &Json, asked: &Asked) -> Result<AsItWas> {
    let past = Past::load(tx, kind, id, asked.at)?;
    let written = || row.get("created_at").and_then(Json::as_str).and_then(|text| text.parse().ok());
    if past.facts.created_at.or_else(written).is_none_or(|created| created > asked.at) {
        return Err(Error::not_found());
    }
    let present = recorded_members(row);
    let (values, mut unknown) = values(&past, &present);
    unknown.extend(silent_members(row));
    unknown.sort_unstable();
    let wanted = values.iter().filter(|(field, _)| shows(tx.actor, kind, field));
    let wanted: Vec<(Kind, Uuid)> = wanted.flat_map(|(field, value)| referred(tx.actor, kind, field, value)).collect();
    let names = Names::load(tx, &wanted)?;
    let describer = Describer { actor: tx.actor, kind, language: asked.language, names: &names };
    let fields = values.iter().map(|(field, value)| describer.value(field, value)).collect();
    let record_kind = kind.as_str().to_owned();
    Ok(AsItWas { at: asked.at, record_kind, record_id: id, deleted: past.facts.deleted, fields, unknown })
}

/// Members that the answer gives in another way.
const ELSEWHERE: [&str; 2] = ["id", "deleted_at"];

/// Returns the values of the members and the names of those without a known value.
fn values(past: &Past, present: &Map<String, Json>) -> (Vec<(String, Json)>, Vec<String>) {
    let recorded = past.until.keys().chain(past.after.keys());
    let own: BTreeSet<&String> = recorded.filter(|name| name.starts_with("cf.")).collect();
    let own = own.into_iter().filter(|name| !present.contains_key(*name)).map(|name| (name, &Json::Null));
    let (mut values, mut unknown) = (Vec::new(), Vec::new());
    for (member, now) in present.iter().chain(own).filter(|(name, _)| !ELSEWHERE.contains(&name.as_str())) {
        match past.value(member, now) {
            // Custom fields without a value are left out, as in the record.
            Some(value) if member.starts_with("cf.") && is_empty(&value) => {}
            Some(value) => values.push((member.clone(), value)),
            None => unknown.push(member.clone()),
        }
    }
    (values, unknown)
}

/// Answers a record as it was.
pub async fn answer<R: Stored + 'static, P: Permission>(ctx: &Ctx<P>, id: Uuid) -> Result<Reply> {
    let asked = Asked::read(ctx)?;
    ctx.read(move |tx| {
        let row = record::find::<R>(tx, id)?;
        load(tx, R::KIND, id, &row, &asked).map(Answer::ok)
    })
    .await
}

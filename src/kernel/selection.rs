//! The condition language as a body: what `POST /…/search` takes, and what views, segments and bulk work keep.
use crate::kernel::actor::Actor;
use crate::kernel::cond::Cond;
use crate::kernel::error::{Bad, Error, Result, not_known};
use crate::kernel::field::{FieldRef, Fields, Values};
use crate::kernel::query::{Plan, Window, applies, ask_named, operators, question};
use crate::kernel::shape::Rules;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One question about one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Condition {
    /// As in the filters of the list; `cf.` and the key for a field of your own.
    #[schema(min_length = 1, max_length = 100, example = "created_at")]
    pub field: String,
    /// `eq` or `in`: is one of the values; `ne` or `not_in`: is none of them; `all`: carries all of them; the others take one.
    #[schema(pattern = "^(eq|in|ne|not_in|all|gt|gte|lt|lte|contains|starts_with|empty)$", example = "gte")]
    pub op: String,
    /// Always texts, as in a query string. Dates and instants may be relative, in the workspace's time zone: `today`,
    /// `this_week`, `this_month`, `this_quarter`, `this_year`, moved by `+3d`, `-1w`, `-6m`, `+1y`; instants also `now-36h`.
    #[schema(min_items = 1, max_items = 500, example = json!(["this_month"]))]
    pub values: Vec<String>,
}

/// Which records: those that meet all of `all`, one of `any` (unless it is empty) and none of `none`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Selection {
    #[serde(default)]
    #[schema(max_items = 50)]
    pub all: Vec<Condition>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub any: Vec<Condition>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub none: Vec<Condition>,
}

/// A selection, and which page of it.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SearchRequest {
    #[serde(default)]
    #[schema(max_items = 50)]
    pub all: Vec<Condition>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub any: Vec<Condition>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub none: Vec<Condition>,
    /// Words that must all occur, as `q=` of the list.
    #[schema(max_length = 256)]
    pub q: Option<String>,
    /// As `sort=` of the list.
    #[schema(max_length = 500)]
    pub sort: Option<String>,
    #[schema(minimum = 1, maximum = 500)]
    pub limit: Option<i32>,
    /// `page.next_cursor` of the page before.
    #[schema(max_length = 4000)]
    pub cursor: Option<String>,
    /// As `include=` of the list.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub include: Vec<String>,
    #[serde(default)]
    pub include_total: bool,
}
impl Rules for SearchRequest {}

impl SearchRequest {
    fn selection(&self) -> Selection {
        Selection { all: self.all.clone(), any: self.any.clone(), none: self.none.clone() }
    }
}

impl<T> Fields<T> {
    /// The condition that a selection makes; every mistake is reported with its pointer.
    pub fn select(&'static self, selection: &Selection, actor: &Actor) -> Result<Cond, Vec<Bad>> {
        let mut bad = Vec::new();
        let mut read = |list: &[Condition], name: &str| -> Vec<Cond> {
            let one =
                |(n, condition)| self.one(condition, &format!("/{name}/{n}"), actor).map_err(|e| bad.push(e)).ok();
            list.iter().enumerate().filter_map(one).collect()
        };
        let (mut conds, any) = (read(&selection.all, "all"), read(&selection.any, "any"));
        conds.extend(read(&selection.none, "none").into_iter().map(|cond| !cond));
        if !selection.any.is_empty() {
            conds.push(Cond::Any(any));
        }
        if bad.is_empty() { Ok(Cond::All(conds)) } else { Err(bad) }
    }

    fn one(&'static self, condition: &Condition, pointer: &str, actor: &Actor) -> Result<Cond, Bad> {
        let wrong = |member: &str, detail: String| Bad::member(format!("{pointer}/{member}"), "invalid_choice", detail);
        if let Some(link) = self.links.iter().find(|link| link.name == condition.field)
            && matches!(condition.op.as_str(), "eq" | "in")
        {
            let ids = Values::parse(&FieldRef::Built(&self.id), condition.values.clone());
            return Ok(Cond::Within((&self.id).into(), link.sql, ids.map_err(|detail| wrong("values", detail))?));
        }
        let Some(field) = self.named(&condition.field, actor) else {
            let names: Vec<String> = self.known(actor).map(|field| field.name().to_owned()).collect();
            return Err(wrong("field", not_known(&condition.field, names.iter().map(String::as_str))));
        };
        let ask = ask_named(&condition.op).filter(|ask| applies(*ask, &field));
        let takes = || operators(&field).join(", ");
        let ask =
            ask.ok_or_else(|| wrong("op", format!("cannot be {}; {} takes {}", condition.op, field.name(), takes())))?;
        question(field, ask, condition.values.clone(), actor)
            .map_err(|detail| Bad::member(format!("{pointer}/values"), "invalid_format", detail))
    }

    /// As `plan`, for a body.
    pub fn search_plan(&'static self, asked: &SearchRequest, actor: &Actor) -> Result<Plan<T>> {
        let selection = asked.selection();
        let words = asked.q.as_ref().map(|q| self.condition_of_words(q, actor)).transpose();
        let filter = match (self.select(&selection, actor), words) {
            (Ok(cond), Ok(words)) => Ok(words.into_iter().chain([cond]).collect()),
            (selected, words) => Err(selected.err().into_iter().flatten().chain(words.err()).collect()),
        };
        let window = Window {
            limit: asked.limit.map(i64::from),
            cursor: asked.cursor.clone(),
            sort: asked.sort.clone(),
            include: asked.include.clone(),
            total: asked.include_total,
        };
        let as_member = |bad: Bad| Bad {
            pointer: bad.pointer.or_else(|| Some(format!("/{}", bad.parameter.as_deref()?))),
            parameter: None,
            ..bad
        };
        self.assemble(window, filter, &format!("{selection:?} {:?}", asked.q), actor)
            .map_err(|list| Error::members(list.into_iter().map(as_member).collect()))
    }
}

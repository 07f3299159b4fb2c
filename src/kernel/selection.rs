//! The condition language as a body: what `POST /…/search` takes, and what views, segments and bulk work keep.
use crate::kernel::actor::Actor;
use crate::kernel::amounts;
use crate::kernel::comparison::compare_in;
use crate::kernel::cond::Cond;
use crate::kernel::cost::Spent;
use crate::kernel::error::{Bad, Error, FieldCode, Result, not_known};
use crate::kernel::field::{FieldRef, Fields, Values};
use crate::kernel::query::{Plan, Window};
use crate::kernel::query_params::{applies, comparison_named, operators};
use crate::kernel::shape::Rules;
use crate::kernel::soft_delete::{DELETED_AT, DeletedFilter};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// One question about one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Condition {
    /// As in the filters of the list; `cf.` and the key for a field of your own; of a record one step away its name and the field, as
    /// `company.sector`.
    #[schema(min_length = 1, max_length = 100, example = "created_at")]
    pub field: String,
    /// `eq` or `in`: is one of the values; `ne` or `not_in`: is none of them; `all`: carries all of them; the others take one.
    #[schema(pattern = "^(eq|in|ne|not_in|all|gt|gte|lt|lte|contains|starts_with|empty)$", example = "gte")]
    pub op: String,
    /// Always texts, as in a query string. Dates and instants may be relative, in the workspace's time zone: `today`,
    /// `this_week`, `this_month`, `this_quarter`, `this_year`, moved by `+3d`, `-1w`, `-6m`, `+1y`; instants also `now-36h`. With `eq`,
    /// `in`, `ne` and `not_in` they mean the whole period, with the others its beginning. Amounts are in the minor unit and name their
    /// currency, as `50000 EUR`, unless another condition of `all` does; those of a record one step away always name it.
    #[schema(min_items = 1, max_items = 500, example = json!(["this_month"]))]
    pub values: Vec<String>,
}

/// Which records: those that meet all of `all`, one of `any` (unless it is empty) and none of `none`. Together the conditions may weigh 100:
/// `contains` and `starts_with` 5 each, every other one 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow, ToSchema)]
#[diesel(sql_type = Jsonb)]
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

crate::jsonb!(Selection, RecordSelection);

/// A selection, and which page of it. Conditions may weigh 100 together, of which `contains` and `starts_with` take 5 each and every other
/// one 1.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
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
    /// And what this saved view shows; its words and order too, unless others are given.
    pub view_id: Option<Uuid>,
    /// And what belongs to this segment.
    pub segment_id: Option<Uuid>,
    /// Words that must all occur, as `q=` of the list: twelve different ones at most.
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
    /// As `columns=` of the list, for a file.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub columns: Vec<String>,
}
impl Rules for SearchRequest {}

/// The records of work on many: a selection, which must leave some out or say `everything`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow, ToSchema)]
#[diesel(sql_type = Jsonb)]
pub struct RecordSelection {
    #[serde(default)]
    #[schema(max_items = 50)]
    pub all: Vec<Condition>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub any: Vec<Condition>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub none: Vec<Condition>,
    /// What this saved view shows.
    pub view_id: Option<Uuid>,
    /// What belongs to this segment.
    pub segment_id: Option<Uuid>,
    /// Words that must all occur, as `q=` of the list: twelve different ones at most.
    #[schema(min_length = 1, max_length = 256)]
    pub q: Option<String>,
    /// Every record may be meant. Needed without a condition, and where the conditions leave no record out: otherwise that is refused.
    #[serde(default)]
    pub everything: bool,
}

impl RecordSelection {
    /// A forgotten condition, or one that says nothing, must not mean everything.
    pub fn require_selection(&self, bad: &mut Vec<Bad>) {
        if *self == RecordSelection::default() {
            let detail = "say which records; all of them: {\"everything\": true}";
            bad.push(Bad::member("/selection", FieldCode::Required, detail));
        }
        if self.q.as_ref().is_some_and(|words| words.trim().is_empty()) {
            bad.push(Bad::member("/selection/q", FieldCode::TooShort, "has no words"));
        }
        Selection { all: self.all.clone(), any: self.any.clone(), none: self.none.clone() }
            .require_searchable_text(bad);
    }
}

impl Selection {
    /// Each text that is looked for must have letters: every text contains the empty one.
    pub fn require_searchable_text(&self, bad: &mut Vec<Bad>) {
        for (name, list) in [("all", &self.all), ("any", &self.any), ("none", &self.none)] {
            for (n, condition) in list.iter().enumerate() {
                let partial = matches!(condition.op.as_str(), "contains" | "starts_with");
                if partial && condition.values.iter().any(|value| value.trim().is_empty()) {
                    let pointer = format!("/selection/{name}/{n}/values/0");
                    bad.push(Bad::member(pointer, FieldCode::TooShort, "must have a letter or digit to look for"));
                }
            }
        }
    }
}

/// Which records to delete.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct BulkDelete {
    pub selection: RecordSelection,
    /// Only count the records and show the first.
    #[serde(default)]
    pub dry_run: bool,
}

impl Rules for BulkDelete {
    fn rules(&self, bad: &mut Vec<Bad>) {
        self.selection.require_selection(bad);
    }
}

impl SearchRequest {
    fn selection(&self) -> Selection {
        Selection { all: self.all.clone(), any: self.any.clone(), none: self.none.clone() }
    }
}

const WITH_EACH: &str = "compares amounts of different currencies: give the currency with each, such as 50000 EUR";

/// The conditions of a list that compare amounts of whatever currency; those of `around` hold with each of them.
fn without_currency<'c>(name: &'c str, list: &'c [Cond], around: &'c [&'c Cond]) -> impl Iterator<Item = Bad> + 'c {
    list.iter().enumerate().filter_map(move |(n, cond)| {
        let amount = amounts::unnamed(cond, around)?;
        let beside = match amount {
            FieldRef::Built(field) => format!(", or add to all that {} is one", field.currency.unwrap_or_default()),
            _ => String::new(),
        };
        Some(Bad::member(format!("/{name}/{n}/values"), FieldCode::Required, format!("{WITH_EACH}{beside}")))
    })
}

impl<T> Fields<T> {
    /// The condition that a selection makes; every mistake is reported with its pointer.
    pub fn select(&'static self, selection: &Selection, actor: &Actor) -> Result<Cond, Vec<Bad>> {
        self.select_beside(selection, &[], actor)
    }

    /// As `select`, beside conditions that hold too, and may name the currency of its amounts.
    pub fn select_beside(
        &'static self,
        selection: &Selection,
        beside: &[Cond],
        actor: &Actor,
    ) -> Result<Cond, Vec<Bad>> {
        let (mut bad, mut spent) = (Vec::new(), Spent::default());
        let mut read = |list: &[Condition], name: &str| -> Vec<Cond> {
            let one = |(n, condition)| {
                let pointer = format!("/{name}/{n}");
                let cond = self.one(condition, &pointer, actor).and_then(|cond| match spent.add(&cond) {
                    Ok(()) => Ok(cond),
                    Err(bad) => Err(bad.at_member(pointer)),
                });
                cond.map_err(|e| bad.push(e)).ok()
            };
            list.iter().enumerate().filter_map(one).collect()
        };
        let (mut conds, any) = (read(&selection.all, "all"), read(&selection.any, "any"));
        let none = read(&selection.none, "none");
        if bad.is_empty() {
            let around: Vec<&Cond> = conds.iter().chain(beside).collect();
            bad.extend(
                [("all", &conds), ("any", &any), ("none", &none)]
                    .into_iter()
                    .flat_map(|(name, list)| without_currency(name, list, &around)),
            );
        }
        conds.extend(none.into_iter().map(|cond| !cond));
        if !selection.any.is_empty() {
            conds.push(Cond::Any(any));
        }
        if bad.is_empty() { Ok(Cond::All(conds)) } else { Err(bad) }
    }

    fn one(&'static self, condition: &Condition, pointer: &str, actor: &Actor) -> Result<Cond, Bad> {
        let wrong =
            |member: &str, detail: String| Bad::member(format!("{pointer}/{member}"), FieldCode::InvalidChoice, detail);
        let ids = || {
            let ids = Values::parse(&FieldRef::Built(&self.id), condition.values.clone());
            ids.map_err(|bad| bad.at_member(format!("{pointer}/values")))
        };
        if matches!(condition.op.as_str(), "eq" | "in")
            && let Some(linked) = self.linked(&condition.field, ids, actor)
        {
            return linked;
        }
        let away = self.away(actor).find(|(name, ..)| *name == condition.field);
        let (away, named) = match away {
            Some((_, (field, currency), found)) => (Some((currency, found)), Some(field.into())),
            None => (None, self.named(&condition.field, actor).or_else(|| self.id_named(&condition.field))),
        };
        // A search looks at living records alone.
        let named = named.filter(|field| field.name() != DELETED_AT);
        let Some(field) = named else {
            let names = self.visible_fields(actor).map(|field| field.name().to_owned());
            let names: Vec<String> = names.chain(self.away(actor).map(|(name, ..)| name)).collect();
            return Err(wrong("field", not_known(&condition.field, names.iter().map(String::as_str))).among(names));
        };
        let comparison = comparison_named(&condition.op).filter(|comparison| applies(*comparison, &field));
        let own = field.name().strip_prefix("cf.").map(str::to_owned);
        let about = |bad: Bad| match &own {
            Some(key) => bad.of_field(key),
            None => bad,
        };
        let comparison = comparison.ok_or_else(|| {
            let takes = operators(&field);
            let detail = format!("cannot be {}; {} takes {}", condition.op, condition.field, takes.join(", "));
            about(wrong("op", detail).among(takes))
        })?;
        let (values, at) = (condition.values.clone(), format!("{pointer}/values"));
        let Some((currency, found)) = away else {
            return self.compare(field, comparison, values, actor).map_err(|bad| about(bad.at_member(at)));
        };
        // The currency must be that of the same record, so no condition beside this one can name it.
        match compare_in(currency.map(FieldRef::Built), field, comparison, values, actor) {
            Ok(cond) if amounts::unnamed(&cond, &[]).is_some() => Err(Bad::member(at, FieldCode::Required, WITH_EACH)),
            Ok(cond) => Ok(found(actor, cond)),
            Err(bad) => Err(bad.at_member(at)),
        }
    }

    /// As `plan`, for a body, with conditions that come from elsewhere.
    pub fn search_plan(&'static self, request: &SearchRequest, more: Vec<Cond>, actor: &Actor) -> Result<Plan<T>> {
        let selection = request.selection();
        let words = request.q.as_ref().map(|q| self.condition_of_words(q, actor)).transpose();
        let filter = match (self.select_beside(&selection, &more, actor), words) {
            (Ok(cond), Ok(words)) => Ok(words.into_iter().chain([cond]).chain(more.clone()).collect()),
            (selected, words) => Err(selected.err().into_iter().flatten().chain(words.err()).collect()),
        };
        let window = Window {
            limit: request.limit.map(i64::from),
            cursor: request.cursor.clone(),
            sort: request.sort.clone(),
            include: request.include.clone(),
            total: request.include_total,
            deleted: DeletedFilter::Hidden,
            words: request.q.clone(),
            columns: (!request.columns.is_empty()).then(|| request.columns.clone()),
        };
        let as_member = |bad: Bad| Bad {
            pointer: bad.pointer.or_else(|| Some(format!("/{}", bad.parameter.as_deref()?))),
            parameter: None,
            ..bad
        };
        self.assemble(window, filter, &format!("{selection:?} {:?} {more:?}", request.q), actor)
            .map_err(|list| Error::members(list.into_iter().map(as_member).collect()))
    }
}

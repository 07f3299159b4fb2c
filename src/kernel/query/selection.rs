//! The condition language in bodies: in `POST /…/search`, views, segments and jobs on a selection.
use crate::kernel::access::actor::Actor;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Error, FieldCode, FieldError, Result, not_known};
use crate::kernel::fields::cond::Cond;
use crate::kernel::fields::field::FieldRef;
use crate::kernel::query::amounts;
use crate::kernel::query::comparison::compare_in;
use crate::kernel::query::cost::Spent;
use crate::kernel::query::fields::Fields;
use crate::kernel::query::params::{applies, comparison_named, operators};
use crate::kernel::query::plan::{Plan, Window};
use crate::kernel::query::soft_delete::{DELETED_AT, DeletedFilter};
use crate::kernel::values::typed::Values;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A condition on one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Condition {
    /// The name of a filter of the list; `cf.` and the key for a custom field; for a record one step away the name of
    /// the link and the field, as in `company.sector`.
    #[schema(min_length = 1, max_length = 100, example = "created_at")]
    pub field: String,
    /// `eq` or `in`: equals one of the values; `ne` or `not_in`: equals none of them; `all`: contains all of them. The
    /// other operators take one value.
    #[schema(pattern = "^(eq|in|ne|not_in|all|gt|gte|lt|lte|contains|starts_with|empty)$", example = "gte")]
    pub op: String,
    /// Always texts, as in a query string. Dates and instants may be relative to today in the caller's time zone:
    /// `today`, `this_week`, `this_month`, `this_quarter`, `this_year`, with an offset such as `+3d`, `-1w`, `-6m`,
    /// `+1y`; instants also `now-36h`. With `eq`, `in`, `ne` and `not_in` they stand for the whole period, otherwise
    /// for its beginning. Amounts are in the minor unit and include their currency, as in `50000 EUR`, unless another
    /// condition of `all` sets it; amounts of a record one step away always include it.
    #[schema(min_items = 1, max_items = 500, example = json!(["this_month"]))]
    pub values: Vec<String>,
}

/// Selects the records that match all of `all`, one of `any` (unless it is empty) and none of `none`. The conditions
/// may cost at most 100 together: `contains` and `starts_with` cost 5 each, every other condition 1.
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

/// A selection and the requested page. The conditions may cost at most 100 together: `contains` and `starts_with` cost
/// 5 each, every other condition 1.
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
    /// Also applies the conditions of this saved view, and its `q` and `sort` unless the request has its own.
    pub view_id: Option<Uuid>,
    /// Also requires that the records belong to this segment.
    pub segment_id: Option<Uuid>,
    /// Words that must all occur, as in `q` of the list, at most 12 different ones.
    #[schema(max_length = 256)]
    pub q: Option<String>,
    /// As in `sort` of the list.
    #[schema(max_length = 500)]
    pub sort: Option<String>,
    #[schema(minimum = 1, maximum = 500)]
    pub limit: Option<i32>,
    /// `page.next_cursor` of the previous page.
    #[schema(max_length = 4000)]
    pub cursor: Option<String>,
    /// As in `include` of the list.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub include: Vec<String>,
    #[serde(default)]
    pub include_total: bool,
    /// As in `columns` of the list, for a CSV file.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub columns: Vec<String>,
}
impl Rules for SearchRequest {}

/// The records of a job: a selection, which must exclude some records or set `everything`.
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
    /// The records that match this saved view.
    pub view_id: Option<Uuid>,
    /// The records that belong to this segment.
    pub segment_id: Option<Uuid>,
    /// Words that must all occur, as in `q` of the list, at most 12 different ones.
    #[schema(min_length = 1, max_length = 256)]
    pub q: Option<String>,
    /// Allows the selection to match all records. Required without conditions, and if the conditions match all records.
    #[serde(default)]
    pub everything: bool,
}

impl RecordSelection {
    /// Checks that the selection is not empty, so that a forgotten condition does not select all records.
    pub fn require_selection(&self, bad: &mut Vec<FieldError>) {
        if *self == RecordSelection::default() {
            let detail = "must not be empty; send {\"everything\": true} to select all records";
            bad.push(FieldError::member("/selection", FieldCode::Required, detail));
        }
        if self.q.as_ref().is_some_and(|words| words.trim().is_empty()) {
            bad.push(FieldError::member("/selection/q", FieldCode::TooShort, "must not be empty"));
        }
        Selection { all: self.all.clone(), any: self.any.clone(), none: self.none.clone() }
            .require_searchable_text(bad);
    }
}

impl Selection {
    /// Checks that no search text is empty, because every text contains the empty one.
    pub fn require_searchable_text(&self, bad: &mut Vec<FieldError>) {
        for (name, list) in [("all", &self.all), ("any", &self.any), ("none", &self.none)] {
            for (n, condition) in list.iter().enumerate() {
                let partial = matches!(condition.op.as_str(), "contains" | "starts_with");
                if partial && condition.values.iter().any(|value| value.trim().is_empty()) {
                    let pointer = format!("/selection/{name}/{n}/values/0");
                    bad.push(FieldError::member(pointer, FieldCode::TooShort, "must not be empty"));
                }
            }
        }
    }
}

/// A request to delete the selected records.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct BulkDelete {
    pub selection: RecordSelection,
    /// Whether to only count the records and return the first ones.
    #[serde(default)]
    pub dry_run: bool,
}

impl Rules for BulkDelete {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        self.selection.require_selection(bad);
    }
}

impl SearchRequest {
    fn selection(&self) -> Selection {
        Selection { all: self.all.clone(), any: self.any.clone(), none: self.none.clone() }
    }
}

const WITH_EACH: &str = "must name the currency of each amount, such as 50000 EUR";

/// Returns the errors of conditions on amounts without a currency; the conditions of `around` apply together with each.
fn without_currency<'c>(
    name: &'c str,
    list: &'c [Cond],
    around: &'c [&'c Cond],
) -> impl Iterator<Item = FieldError> + 'c {
    list.iter().enumerate().filter_map(move |(n, cond)| {
        let amount = amounts::unnamed(cond, around)?;
        let beside = match amount {
            FieldRef::Built(field) => format!(", or add a condition on {} to all", field.currency.unwrap_or_default()),
            _ => String::new(),
        };
        Some(FieldError::member(format!("/{name}/{n}/values"), FieldCode::Required, format!("{WITH_EACH}{beside}")))
    })
}

impl<T> Fields<T> {
    /// Builds the condition of a selection. Reports all errors with their pointers.
    pub fn select(&'static self, selection: &Selection, actor: &Actor) -> Result<Cond, Vec<FieldError>> {
        self.select_beside(selection, &[], actor)
    }

    /// Like `select`, together with conditions that apply too and may name the currency of amounts.
    pub fn select_beside(
        &'static self,
        selection: &Selection,
        beside: &[Cond],
        actor: &Actor,
    ) -> Result<Cond, Vec<FieldError>> {
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

    fn one(&'static self, condition: &Condition, pointer: &str, actor: &Actor) -> Result<Cond, FieldError> {
        let wrong = |member: &str, detail: String| {
            FieldError::member(format!("{pointer}/{member}"), FieldCode::InvalidChoice, detail)
        };
        let ids = || {
            let ids = Values::parse(&FieldRef::Built(&self.id), condition.values.clone());
            ids.map_err(|bad| bad.at_member(format!("{pointer}/values")))
        };
        if matches!(condition.op.as_str(), "eq" | "in")
            && let Some(linked) = self.linked(&condition.field, ids, actor)
        {
            return linked;
        }
        if let Some(derived) = self.derived(&condition.field, &condition.values, actor) {
            if !matches!(condition.op.as_str(), "eq" | "in") {
                let detail = format!("does not accept {}; {} supports eq", condition.op, condition.field);
                return Err(wrong("op", detail).among(vec!["eq"]));
            }
            return derived.map_err(|bad| bad.at_member(format!("{pointer}/values")));
        }
        let away = self.related_fields(actor).find(|(name, ..)| *name == condition.field);
        let (away, named) = match away {
            Some((_, (field, currency), found)) => (Some((currency, found)), Some(field.into())),
            None => (None, self.named(&condition.field, actor).or_else(|| self.id_named(&condition.field))),
        };
        // A search covers only records that are not deleted.
        let named = named.filter(|field| field.name() != DELETED_AT);
        let Some(field) = named else {
            let names = self.visible_fields(actor).map(|field| field.name().to_owned());
            let derived = self.derived.iter().map(|filter| filter.name.to_owned());
            let away = self.related_fields(actor).map(|(name, ..)| name);
            let names: Vec<String> = names.chain(derived).chain(away).collect();
            return Err(wrong("field", not_known(&condition.field, names.iter().map(String::as_str))).among(names));
        };
        let comparison = comparison_named(&condition.op).filter(|comparison| applies(*comparison, &field));
        let own = field.name().strip_prefix("cf.").map(str::to_owned);
        let about = |bad: FieldError| match &own {
            Some(key) => bad.of_field(key),
            None => bad,
        };
        let comparison = comparison.ok_or_else(|| {
            let takes = operators(&field);
            let detail = format!("does not accept {}; {} supports {}", condition.op, condition.field, takes.join(", "));
            about(wrong("op", detail).among(takes))
        })?;
        let (values, at) = (condition.values.clone(), format!("{pointer}/values"));
        let Some((currency, found)) = away else {
            return self.compare(field, comparison, values, actor).map_err(|bad| about(bad.at_member(at)));
        };
        // The currency must be that of the same record, so no other condition can name it.
        match compare_in(currency.map(FieldRef::Built), field, comparison, values, actor) {
            Ok(cond) if amounts::unnamed(&cond, &[]).is_some() => {
                Err(FieldError::member(at, FieldCode::Required, WITH_EACH))
            }
            Ok(cond) => Ok(found(actor, cond)),
            Err(bad) => Err(bad.at_member(at)),
        }
    }

    /// Like `plan`, for a body, with additional conditions.
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
        let as_member = |bad: FieldError| FieldError {
            pointer: bad.pointer.or_else(|| Some(format!("/{}", bad.parameter.as_deref()?))),
            parameter: None,
            ..bad
        };
        self.assemble(window, filter, &format!("{selection:?} {:?} {more:?}", request.q), actor)
            .map_err(|list| Error::members(list.into_iter().map(as_member).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::fields::cond::Op;
    use crate::kernel::samples::{BOAT, actor, refusal, refusals};

    fn condition(field: &str, op: &str, values: &[&str]) -> Condition {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Condition { field: field.into(), op: op.into(), values }
    }

    fn all(conditions: Vec<Condition>) -> Selection {
        Selection { all: conditions, ..Selection::default() }
    }

    fn selected(selection: &Selection) -> Result<String, Vec<String>> {
        let cond = BOAT.select(selection, &actor());
        cond.map(|cond| format!("{cond:?}")).map_err(|bad| bad.iter().map(refusal).collect())
    }

    #[test]
    fn selections_become_conditions() {
        let name = |name: &str| condition("name", "eq", &[name]);
        let is = |name: &str| format!(r#"Is(name, Eq, Text(["{name}"]))"#);
        for (case, selection, expected) in [
            ("nothing", Selection::default(), "All([])".to_owned()),
            ("all of two", all(vec![name("a"), name("b")]), format!("All([{}, {}])", is("a"), is("b"))),
            (
                "any of two",
                Selection { any: vec![name("a"), name("b")], ..Selection::default() },
                format!("All([Any([{}, {}])])", is("a"), is("b")),
            ),
            (
                "none of two",
                Selection { none: vec![name("a"), name("b")], ..Selection::default() },
                format!("All([Not({}), Not({})])", is("a"), is("b")),
            ),
            (
                "one of each",
                Selection { all: vec![name("a")], any: vec![name("b")], none: vec![name("c")] },
                format!("All([{}, Not({}), Any([{}])])", is("a"), is("c"), is("b")),
            ),
            (
                "not in a list",
                all(vec![condition("name", "not_in", &["a", "b"])]),
                r#"All([Not(Is(name, Eq, Text(["a", "b"])))])"#.to_owned(),
            ),
            ("empty", all(vec![condition("hull", "empty", &["false"])]), "All([Not(Empty(hull))])".to_owned()),
            (
                "an amount beside its currency",
                Selection {
                    all: vec![condition("currency", "eq", &["EUR"])],
                    any: vec![condition("price", "gt", &["5"])],
                    none: vec![],
                },
                r#"All([Is(currency, Eq, Text(["EUR"])), Any([Is(price, Gt, Int([5]))])])"#.to_owned(),
            ),
        ] {
            assert_eq!(selected(&selection), Ok(expected), "{case}");
        }
    }

    #[test]
    fn every_mistake_in_a_selection_is_reported() {
        let selection = Selection {
            all: vec![
                condition("nmae", "eq", &["a"]),
                condition("length", "contains", &["1"]),
                condition("length", "gt", &["x"]),
                condition("deleted_at", "empty", &["true"]),
            ],
            any: vec![condition("hull", "eq", &["glass"])],
            none: vec![condition("name", "like", &["a"]), condition("length", "gt", &["1", "2"])],
        };
        let expected = [
            "/all/0/field invalid_choice",
            "/all/1/op invalid_choice",
            "/all/2/values invalid_format",
            "/all/3/field invalid_choice",
            "/any/0/values invalid_choice",
            "/none/0/op invalid_choice",
            "/none/1/values invalid_format",
        ];
        assert_eq!(selected(&selection), Err(expected.map(str::to_owned).to_vec()));
    }

    #[test]
    fn amounts_without_a_currency_are_rejected() {
        let amount = || condition("price", "gt", &["5"]);
        let euros = || condition("currency", "eq", &["EUR"]);
        for (case, selection, expected) in [
            ("in all", all(vec![amount()]), vec!["/all/0/values required"]),
            ("with its own currency", all(vec![condition("price", "gt", &["5 EUR"])]), vec![]),
            (
                "with a currency as another choice",
                Selection { any: vec![euros(), amount()], ..Selection::default() },
                vec!["/any/1/values required"],
            ),
            (
                "with a currency that it has not",
                Selection { all: vec![amount()], none: vec![euros()], any: vec![] },
                vec!["/all/0/values required"],
            ),
            (
                "in none, with a currency in all",
                Selection { all: vec![euros()], none: vec![amount()], any: vec![] },
                vec![],
            ),
        ] {
            let refused = selected(&selection).err().unwrap_or_default();
            assert_eq!(refused, expected, "{case}");
        }
        let beside = Cond::Is(BOAT.get("currency").unwrap().into(), Op::Eq, Values::Text(vec!["EUR".into()]));
        assert!(BOAT.select_beside(&all(vec![amount()]), &[beside], &actor()).is_ok(), "with a currency beside it");
    }

    #[test]
    fn selections_have_a_cost_limit() {
        let texts = |count| all(vec![condition("name", "contains", &["a"]); count]);
        assert!(selected(&texts(20)).is_ok());
        assert_eq!(selected(&texts(21)), Err(vec!["/all/20 too_long".to_owned()]));
    }

    #[test]
    fn bulk_selections_must_be_explicit() {
        let selection = RecordSelection::default;
        let text = |value: &str| RecordSelection { all: vec![condition("name", "contains", &[value])], ..selection() };
        for (case, selection, expected) in [
            ("nothing", selection(), vec!["/selection required"]),
            ("everything", RecordSelection { everything: true, ..selection() }, vec![]),
            ("words", RecordSelection { q: Some("a".into()), ..selection() }, vec![]),
            ("no words", RecordSelection { q: Some(" ".into()), ..selection() }, vec!["/selection/q too_short"]),
            ("a view", RecordSelection { view_id: Some(Uuid::nil()), ..selection() }, vec![]),
            ("a part of a text", text("a"), vec![]),
            ("an empty part of a text", text(" "), vec!["/selection/all/0/values/0 too_short"]),
            ("an empty value", RecordSelection { none: vec![condition("name", "eq", &[""])], ..selection() }, vec![]),
        ] {
            let mut bad = Vec::new();
            selection.require_selection(&mut bad);
            assert_eq!(bad.iter().map(refusal).collect::<Vec<_>>(), expected, "{case}");
        }
    }

    #[test]
    fn errors_of_a_search_have_pointers() {
        let request = SearchRequest {
            all: vec![condition("nmae", "eq", &["a"])],
            sort: Some("nmae".into()),
            limit: Some(0),
            include: vec!["captain".into()],
            cursor: Some("x".into()),
            q: Some("x".repeat(257)),
            ..SearchRequest::default()
        };
        let mut refused = refusals(&BOAT.search_plan(&request, Vec::new(), &actor()).unwrap_err());
        refused.sort_unstable();
        let expected = [
            "/all/0/field invalid_choice",
            "/cursor cursor_invalid",
            "/include invalid_choice",
            "/limit out_of_range",
            "/q too_long",
            "/sort invalid_choice",
        ];
        assert_eq!(refused, expected);
    }
}

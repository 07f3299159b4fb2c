//! Parses the query string of a list according to the resource's fields: `name=a,b`, `created_at__gte=…`,
//! `owner_id__empty=true`, `tags__all=vip`, `q=anna`, `sort=-created_at`, `include=owner`. `openapi` derives the OpenAPI
//! parameters from the same table of operators.
use crate::kernel::access::actor::Actor;
use crate::kernel::access::resource;
use crate::kernel::error::{Error, FieldCode, FieldError, Result, not_known};
use crate::kernel::fields::cond::{Cond, Op, pattern};
use crate::kernel::fields::field::{Field, FieldRef};
use crate::kernel::fields::search::Search;
use crate::kernel::query::amounts;
use crate::kernel::query::cost::{self, Spent};
use crate::kernel::query::fields::{Fields, IncludePath};
use crate::kernel::query::members::pick;
use crate::kernel::query::on::On;
use crate::kernel::query::params::{
    CUSTOM, Comparison, LIMIT_DEFAULT, LIMIT_MAX, OPERATORS, QueryParams, applies, comparison_named, operators, split,
};
use crate::kernel::query::rank::Part;
use crate::kernel::query::seek::{Key, Order, Seek};
use crate::kernel::query::soft_delete::{DeletedFilter, SoftDelete};
use crate::kernel::query::words::search_terms;
use crate::kernel::values::hex::hex;
use crate::kernel::values::typed::Values;
use crate::kernel::values::value_type::ValueType;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The parameters of a list other than its filters: page, order, included records and columns.
#[derive(Debug)]
pub(in crate::kernel) struct Window {
    pub limit: Option<i64>,
    pub cursor: Option<String>,
    pub sort: Option<String>,
    pub include: Vec<String>,
    pub total: bool,
    pub deleted: DeletedFilter,
    /// The value of `q`.
    pub words: Option<String>,
    pub columns: Option<Vec<String>>,
}

/// A parsed list request. Its parts are passed to diesel by reference.
#[derive(Debug)]
pub struct Plan<T> {
    pub filter: On<T, Cond>,
    pub seek: On<T, Seek>,
    pub order: On<T, Order>,
    pub limit: i64,
    pub total: bool,
    /// The query may be slow; it runs on the threads for searches.
    pub costly: bool,
    pub include: Vec<&'static Field>,
    /// Which records are listed by their deletion state.
    pub soft_delete: On<T, SoftDelete>,
    /// In a ranked list, selects the exact matches, which come first; `others` selects the rest. None if the list is
    /// not ranked.
    best: Option<On<T, Part>>,
    others: On<T, Part>,
    /// The cursor is after the exact matches.
    past_best: bool,
    /// For a CSV file, the requested columns.
    pub columns: Option<Vec<String>>,
    /// Whether the request has a `limit`.
    limited: bool,
    mark: String,
}

/// Marks a cursor that is among the exact matches of a ranked list.
const AMONG_BEST: &str = "!";

/// The position in a list, and whether more records follow.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PageInfo {
    /// The `cursor` of the next page; null on the last page.
    pub next_cursor: Option<String>,
    pub has_more: bool,
    /// With `include_total=true`, the number of matching records, exact up to 10,000.
    pub total: Option<i64>,
    /// Whether counting stopped at 10,000.
    pub total_capped: bool,
}

/// The number of rows of a file without a `limit`.
const FILE_ROWS: i64 = 10_000;

impl<T> Plan<T> {
    /// Turns the list into a CSV file of many rows, restricted to the records that the caller may export.
    pub fn as_file(self, may: Cond) -> Plan<T> {
        let filter = On::new(Cond::All(vec![self.filter.into_fragment(), may]));
        let (best, others) = (None, On::new(Part::default()));
        let limit = if self.limited { self.limit } else { FILE_ROWS };
        Plan { filter, limit, total: false, best, others, ..self }
    }

    /// Loads the rows of the page and one more, and returns them with the number of exact matches. `load` takes the
    /// part of the list, the position in it, and the number of rows.
    pub fn load<R>(
        &self,
        mut load: impl FnMut(&On<T, Part>, &On<T, Seek>, i64) -> Result<Vec<R>>,
    ) -> Result<(Vec<R>, usize)> {
        let Some(best) = self.best.as_ref().filter(|_| !self.past_best) else {
            return Ok((load(&self.others, &self.seek, self.limit + 1)?, 0));
        };
        let mut rows = load(best, &self.seek, self.limit + 1)?;
        let (count, missing) = (rows.len(), self.limit + 1 - i64::try_from(rows.len()).unwrap_or(self.limit));
        if missing > 0 {
            rows.extend(load(&self.others, &On::new(Seek::default()), missing)?);
        }
        Ok((rows, count))
    }

    /// Truncates at most `limit + 1` rows to the page. The first `best` rows are exact matches; the cursor is made from
    /// the last row kept.
    pub fn cut<R: Serialize>(&self, rows: &mut Vec<R>, best: usize) -> Result<PageInfo> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = match rows.last() {
            Some(row) if has_more => {
                let order = self.order.fragment();
                let row = pick(row, &order.members())?;
                let among_best = if rows.len() <= best { AMONG_BEST } else { "" };
                Some(order.cursor(&row, &format!("{}{among_best}", self.mark)))
            }
            _ => None,
        };
        Ok(PageInfo { next_cursor, has_more, total: None, total_capped: false })
    }
}

impl<T> Fields<T> {
    /// Binds a condition to this table.
    pub fn on(&self, cond: Cond) -> On<T, Cond> {
        On::new(cond)
    }

    /// Parses the query string of a list. Reports every parameter that is not valid; ignores none.
    pub fn plan(&'static self, query: &str, actor: &Actor) -> Result<Plan<T>> {
        let mut params = QueryParams::read(query)?;
        // A limit that is not a number becomes 0, which is out of range.
        let limit = params.take("limit").map(|l| l.parse().unwrap_or(0));
        let total = params.parsed("include_total", "true or false")?.unwrap_or(false);
        let (sort, cursor, include) = (params.take("sort"), params.take("cursor"), params.take("include"));
        let columns = resource::of(self.kind).csv.then(|| params.take("columns")).flatten().map(|names| split(&names));
        let deleted = self.deleted_filter(&mut params, actor)?;
        let words = params.0.iter().find(|(name, _)| name == "q").map(|(_, text)| text.clone());
        let include = split(&include.unwrap_or_default());
        let window = Window { limit, cursor, sort, include, total, deleted, words, columns };
        let text = format!("{:?} {}", sorted(&params.0), deleted.mark());
        let related = self.related(&mut params, actor)?;
        let filter = self.filter(params, actor, &[]).map(|conds| conds.into_iter().chain(related).collect());
        self.assemble(window, filter, &text, actor).map_err(Error::parameters)
    }

    /// Builds a plan; `text` describes the filters, so that a cursor belongs to them.
    pub(in crate::kernel) fn assemble(
        &'static self,
        window: Window,
        filter: Result<Vec<Cond>, Vec<FieldError>>,
        text: &str,
        actor: &Actor,
    ) -> Result<Plan<T>, Vec<FieldError>> {
        let mut bad = Vec::new();
        let limit = window.limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            bad.push(FieldError::out_of_range(Some(1), Some(LIMIT_MAX)).at_parameter("limit"));
        }
        let keys = self.order(window.sort.as_deref().unwrap_or(self.default_sort), actor);
        let mark_of = format!("{} {:?} {text} {keys:?}", actor.workspace, self.kind);
        // The mark is not signed itself, because the cursor that contains it is.
        let mark = hex(Sha256::digest(mark_of.as_bytes()).get(..12).unwrap_or_default());
        let order = Order(keys.map_err(|e| bad.push(e)).unwrap_or_default());
        let best = window
            .words
            .filter(|_| window.sort.is_none())
            .zip(self.search.as_ref())
            .and_then(|(words, search)| Part::best(self.kind, search.exact, &words, actor).map(On::new));
        let others = On::new(best.as_ref().map(|best: &On<T, Part>| best.fragment().others()).unwrap_or_default());
        let among_best = best.as_ref().zip(window.cursor.as_ref());
        let among_best = among_best.and_then(|(_, cursor)| order.seek(cursor, &format!("{mark}{AMONG_BEST}")).ok());
        let past_best = window.cursor.is_some() && among_best.is_none();
        let seek = match (among_best, window.cursor) {
            (Some(seek), _) => Ok(seek),
            (None, cursor) => cursor.map_or(Ok(Seek::default()), |cursor| order.seek(&cursor, &mark)),
        };
        let seek = seek.map_err(|e| bad.push(e)).unwrap_or_default();
        let include = self.include(&window.include).map_err(|e| bad.push(e)).unwrap_or_default();
        let conds = filter.map_err(|e| bad.extend(e)).unwrap_or_default();
        let sorted_by = order.0.iter().map(|key| &key.field).filter(|field| field.is_amount());
        let mixed = sorted_by.filter(|amount| !conds.iter().any(|cond| amounts::fixes(cond, amount)));
        bad.extend(mixed.map(|amount| {
            let detail = format!("cannot be {}: {}", amount.name(), amount.how_to_name_currency());
            FieldError::parameter("sort", FieldCode::Invalid, detail)
        }));
        if !bad.is_empty() {
            return Err(bad);
        }
        Ok(Plan {
            costly: cost::is_costly(&conds),
            filter: On::new(Cond::All(conds)),
            seek: On::new(seek),
            order: On::new(order),
            limit,
            total: window.total,
            include,
            soft_delete: On::new(self.soft_delete(window.deleted)),
            best,
            others,
            past_best,
            columns: window.columns,
            limited: window.limit.is_some(),
            mark,
        })
    }

    /// Builds the condition from the remaining parameters, for a report that has parameters of its own.
    pub fn condition(&'static self, params: QueryParams, actor: &Actor, own: &[&str]) -> Result<Cond> {
        self.filter(params, actor, own).map(Cond::All).map_err(Error::parameters)
    }

    fn filter(&'static self, params: QueryParams, actor: &Actor, own: &[&str]) -> Result<Vec<Cond>, Vec<FieldError>> {
        let (mut conds, mut bad, mut spent) = (Vec::new(), Vec::new(), Spent::default());
        for (name, value) in sorted(&params.0) {
            let cond = self.parameter(name, value, actor, own).and_then(|cond| {
                // Words have a separate limit.
                let added = if name == "q" { Ok(()) } else { spent.add(&cond) };
                added.map(|()| cond).map_err(|bad| bad.at_parameter(name))
            });
            cond.map_or_else(|e| bad.push(e), |cond| conds.push(cond));
        }
        if !bad.is_empty() {
            return Err(bad);
        }
        let around: Vec<&Cond> = conds.iter().collect();
        match conds.iter().find_map(|cond| amounts::unnamed(cond, &around)) {
            Some(FieldRef::Built(field)) => {
                let (name, how) = (field.currency.unwrap_or_default(), FieldRef::Built(field).how_to_name_currency());
                Err(vec![FieldError::parameter(name, FieldCode::Required, format!("is required: {how}"))])
            }
            Some(field) => {
                let detail = format!("must name a currency: {}", field.how_to_name_currency());
                Err(vec![FieldError::parameter(CUSTOM, FieldCode::Required, detail)])
            }
            None => Ok(conds),
        }
    }

    fn parameter(&'static self, name: &str, value: &str, actor: &Actor, own: &[&str]) -> Result<Cond, FieldError> {
        if let ("q", Some(search)) = (name, &self.search) {
            return self.words(search, value, actor);
        }
        if name == CUSTOM && resource::of(self.kind).custom_fields {
            return self.own_field(value, actor);
        }
        if let Some(linked) = self.linked(name, || self.ids(name, value), actor) {
            return linked;
        }
        let of_choice = self.derived.iter().any(|filter| filter.name == name && filter.takes_many());
        let texts = if of_choice { split(value) } else { vec![value.into()] };
        if let Some(derived) = self.derived(name, &texts, actor) {
            return derived.map_err(|bad| bad.at_parameter(name));
        }
        let parse = |field: &'static Field| {
            let suffix = name.strip_prefix(field.name)?;
            let comparison = OPERATORS.iter().find(|a| a.0 == suffix && applies(a.1, &field.into()))?.1;
            Some((field, comparison))
        };
        let shown = |(field, _): &(&Field, Comparison)| self.shows(actor, field);
        let Some((field, comparison)) = self.filterable().find_map(parse).filter(shown) else {
            let known: Vec<String> = self.parameters().into_iter().map(|p| p.name).collect();
            let known = known.iter().map(String::as_str).chain(own.iter().copied());
            return Err(FieldError::parameter(name, FieldCode::UnknownParameter, not_known(name, known)));
        };
        let texts = if matches!(comparison, Comparison::AnyOf | Comparison::NoneOf | Comparison::AllOf) {
            split(value)
        } else {
            vec![value.into()]
        };
        self.compare(field.into(), comparison, texts, actor).map_err(|bad| bad.at_parameter(name))
    }

    /// Parses a condition on a custom field: `region:eq:north`, `budget:gte:5000`, `region:empty:true`.
    fn own_field(&'static self, text: &str, actor: &Actor) -> Result<Cond, FieldError> {
        let wrong = |code, detail: String| FieldError::parameter(CUSTOM, code, detail);
        let mut parts = text.splitn(3, ':');
        let (Some(key), Some(op), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong(FieldCode::InvalidFormat, "must be key:operator:value, such as region:eq:north".into()));
        };
        let known = || self.visible_fields(actor).filter(|field| matches!(field, FieldRef::Custom(_)));
        let Some(field) = known().find(|field| field.name().strip_prefix("cf.") == Some(key)) else {
            let names: Vec<String> = known().map(|field| field.name().trim_start_matches("cf.").to_owned()).collect();
            let detail = not_known(key, names.iter().map(String::as_str));
            return Err(wrong(FieldCode::UnknownField, format!("{key} {detail}")));
        };
        let Some(comparison) = comparison_named(op).filter(|comparison| applies(*comparison, &field)) else {
            let takes = operators(&field);
            let detail = format!("{key} does not support the operator {op}; supported operators: {}", takes.join(", "));
            return Err(wrong(FieldCode::InvalidChoice, detail).among(takes).of_field(key));
        };
        let many = matches!(comparison, Comparison::AnyOf | Comparison::NoneOf | Comparison::AllOf);
        let texts = if many { split(value) } else { vec![value.into()] };
        self.compare(field, comparison, texts, actor).map_err(|bad| {
            let detail = format!("{key} {}", bad.detail);
            FieldError { detail, ..bad }.at_parameter(CUSTOM).of_field(key)
        })
    }

    /// Parses `-created_at,name`. Adds the id with the direction of the last key, so that one index serves both
    /// directions.
    fn order(&'static self, sort: &str, actor: &Actor) -> Result<Vec<Key>, FieldError> {
        let mut keys: Vec<Key> = Vec::new();
        for part in sort.split(',') {
            let (name, desc) = part.strip_prefix('-').map_or((part, false), |name| (name, true));
            let known = || self.visible_fields(actor).filter(|field| field.value_type() != ValueType::TextArray);
            let field = known().find(|field| field.name() == name).ok_or_else(|| {
                let names: Vec<String> = known().map(|field| field.name().to_owned()).collect();
                let detail = format!("does not accept {name}; accepted values: {}", names.join(", "));
                FieldError::parameter("sort", FieldCode::InvalidChoice, detail).among(names)
            })?;
            if keys.iter().any(|key| key.field.name() == name) {
                return Err(FieldError::parameter(
                    "sort",
                    FieldCode::StatedTwice,
                    format!("must not contain {name} twice"),
                ));
            }
            keys.push(Key::new(field, desc, &actor.settings.country));
        }
        let desc = keys.last().is_some_and(|key| key.desc);
        keys.push(Key::new((&self.id).into(), desc, &actor.settings.country));
        Ok(keys)
    }

    /// Builds the condition of `q` in a body.
    pub fn condition_of_words(&'static self, text: &str, actor: &Actor) -> Result<Cond, FieldError> {
        match &self.search {
            Some(search) => self.words(search, text, actor),
            None => Err(FieldError::parameter("q", FieldCode::Invalid, "is not supported by this list")),
        }
    }

    /// Builds a condition that requires all words. If the caller's role hides a part of the searchable text, searches
    /// the other members one by one.
    fn words(&'static self, search: &'static Search, text: &str, actor: &Actor) -> Result<Cond, FieldError> {
        let search_terms = search_terms(text, actor)?;
        let hides = |path: &&str| actor.access.hides(self.kind.path(), path.split('.').next().unwrap_or(path));
        if !search.members.iter().any(hides) {
            let mut search_terms: Vec<Cond> =
                search_terms.into_iter().map(|pieces| Cond::Mentions(search, pieces)).collect();
            return Ok(if search_terms.len() > 1 {
                Cond::Any(search_terms)
            } else {
                search_terms.pop().unwrap_or(Cond::All(Vec::new()))
            });
        }
        let fields = || self.all.iter().filter(|f| search.members.contains(&f.name) && self.shows(actor, f));
        let holds = |piece: &String, field: &'static Field| {
            Cond::Is(field.into(), Op::Contains, Values::Text(vec![pattern(Op::Contains, piece)]))
        };
        let all = |pieces: &Vec<String>| {
            Cond::All(pieces.iter().map(|piece| Cond::Any(fields().map(|f| holds(piece, f)).collect())).collect())
        };
        Ok(Cond::Any(search_terms.iter().map(all).collect()))
    }

    /// Parses `include=` of a single read, which also accepts paths such as `contacts.company`.
    pub fn included(&'static self, query: &str) -> Result<Vec<IncludePath>> {
        let mut params = QueryParams::read(query)?;
        let names = params.take("include").map(|text| split(&text)).unwrap_or_default();
        params.finish(&["include"])?;
        let find = |name: &String| {
            let path = self.include_paths().find(|path| path.name() == *name);
            path.ok_or_else(|| unknown_include(name, self.include_paths().map(|path| path.name()).collect()))
        };
        let paths = names.iter().filter(|name| !name.is_empty()).map(find).collect::<Result<_, _>>();
        paths.map_err(|bad| Error::parameters(vec![bad]))
    }

    fn include(&'static self, names: &[String]) -> Result<Vec<&'static Field>, FieldError> {
        let find = |name: &String| {
            let found = self.includes().find(|(n, _)| n == name).map(|(_, field)| field);
            found.ok_or_else(|| unknown_include(name, self.includes().map(|(n, _)| n.to_owned()).collect()))
        };
        names.iter().filter(|name| !name.is_empty()).map(find).collect()
    }
}

fn unknown_include(name: &str, known: Vec<String>) -> FieldError {
    if known.is_empty() {
        return FieldError::parameter("include", FieldCode::UnknownParameter, "is not supported here");
    }
    let detail = format!("does not accept {name}; accepted values: {}", known.join(", "));
    FieldError::parameter("include", FieldCode::InvalidChoice, detail).among(known.iter().map(String::as_str))
}

fn sorted(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    let mut pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    pairs.sort_unstable();
    pairs
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;

//! The scope of a report: pipeline, period, time zone, filter and grouping.
use crate::analytics::grouping::{Figures, Group};
use crate::analytics::paper::look::{self, Look};
use crate::analytics::period::{self, Period, wrong};
use crate::db::sql::{Part, Statement};
use crate::db::table::Stored;
use crate::db::tx::Tx;
use crate::db::visibility;
use crate::kernel::access::actor::{Actor, Settings};
use crate::kernel::access::grants::Action;
use crate::kernel::error::{Error, FieldError, Result};
use crate::kernel::fields::cond::Cond;
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::openapi::{parameter, schema};
use crate::kernel::query::params::QueryParams;
use crate::kernel::values::money::Money;
use crate::kernel::values::time::{DateTime, day_start};
use crate::kernel::values::value_type::ValueType;
use crate::sales::deals::model::DEAL;
use crate::sales::leads::model::LEAD;
use crate::sales::pipelines::{self, PipelineKind};
use chrono::NaiveDate;
use chrono_tz::Tz;
use diesel::RunQueryDsl;
use utoipa::openapi::path::Parameter;
use uuid::Uuid;

/// The parsed parameters of a report.
#[derive(Clone, Debug)]
pub struct Scope {
    pub pipeline: Uuid,
    pub kind: PipelineKind,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    /// The period with which the report compares its own.
    earlier: Option<Period>,
    pub zone: Tz,
    pub group: Group,
    pub at: Option<DateTime>,
    pub view: Option<String>,
    filter: Cond,
    /// The filters as they were asked, if a list of the caller takes them as the report does. Days in filters of lists
    /// begin in the caller's own time zone.
    asked: Option<Vec<(String, String)>>,
    /// The column by which the report groups by time.
    pub time: &'static str,
    /// Whether the role hides the value of the records.
    pub hides_value: bool,
}

/// The unparsed query of a report. Its construction needs no database.
#[derive(Debug)]
pub struct ReportQuery {
    query: String,
    actor: Actor,
    /// Whether the report has the parameter `compare`.
    compares: bool,
}

/// The times of a record by which a report groups.
const CLOSED: &str = ":records.closed_at";
pub const CREATED: &str = ":records.created_at";

/// The parameters of every report besides filters.
const OWN: [&str; 5] = ["pipeline_id", "from", "to", "period", "time_zone"];

impl ReportQuery {
    pub fn new(query: &str, actor: &Actor) -> Result<ReportQuery> {
        QueryParams::read(query)?;
        Ok(ReportQuery { query: query.to_owned(), actor: actor.clone(), compares: false })
    }

    /// Like `new`, for a report that can compare its period with an earlier one.
    pub fn comparing(query: &str, actor: &Actor, one_period: bool) -> Result<ReportQuery> {
        let compares = QueryParams::read(query)?.names().any(|name| name == COMPARE.0);
        if compares && one_period {
            return Err(wrong(COMPARE.0, "must be absent for a CSV file or a picture, which have one period"));
        }
        ReportQuery::new(query, actor).map(|query| ReportQuery { compares: true, ..query })
    }

    /// Parses the query. `groupings` are the groupings of this report.
    pub fn scope(&self, tx: &mut Tx<'_>, groupings: &[&str]) -> Result<Scope> {
        let (params, scope) = self.read(tx, groupings)?;
        self.filtered(params, scope, groupings)
    }

    /// Parses the query of the funnel, which also has the parameters `kind` and `at`.
    pub fn funnel(&self, tx: &mut Tx<'_>, groupings: &[&str]) -> Result<Scope> {
        let (mut params, scope) = self.read(tx, groupings)?;
        let at = params.parsed("at", "an RFC 3339 instant such as 2026-01-31T00:00:00Z")?;
        let view = params.take("kind");
        self.filtered(params, Scope { at, view, ..scope }, groupings)
    }

    /// Refuses filters by these fields, with any operator.
    pub fn reject_filters(&self, fields: &[&str], why: &str) -> Result<()> {
        let about = |name: &&str| fields.iter().any(|field| name.split("__").next() == Some(*field));
        match QueryParams::read(&self.query)?.names().find(about) {
            Some(name) => Err(wrong(name, why)),
            None => Ok(()),
        }
    }

    fn read(&self, tx: &mut Tx<'_>, groupings: &[&str]) -> Result<(QueryParams, Scope)> {
        let mut params = QueryParams::read(&self.query)?;
        Look::set_aside(&mut params);
        let named: Option<Uuid> = params.parsed("pipeline_id", "a UUID")?;
        let zone = params
            .parsed("time_zone", "an IANA time zone such as Europe/Tallinn")?
            .unwrap_or(self.actor.settings.own_time_zone);
        let period = Period::read(&mut params, zone)?;
        let earlier = if self.compares { period.compared(&mut params)? } else { None };
        let Period { from, to } = period;
        // A report that cannot group does not know the parameter.
        let group = if groupings.is_empty() { None } else { params.take("group_by") };
        let (pipeline, kind) = pipeline(tx, named)?;
        let resource = if kind == PipelineKind::Deal { "deals" } else { "leads" };
        self.actor.require_read(resource)?;
        join_by_hash_where_small(tx)?;
        let group = Group::read(group.as_deref().unwrap_or("none"), groupings, kind, &self.actor)?;
        let filter = Cond::All(Vec::new());
        Ok((
            params,
            Scope {
                pipeline,
                kind,
                from,
                to,
                earlier,
                zone,
                group,
                at: None,
                view: None,
                filter,
                asked: None,
                time: CLOSED,
                hides_value: self.actor.access.hides(resource, "value"),
            },
        ))
    }

    /// Adds the condition from the remaining parameters.
    fn filtered(&self, params: QueryParams, scope: Scope, groupings: &[&str]) -> Result<Scope> {
        let kind = scope.kind;
        let mut own = [OWN.as_slice(), &look::OWN].concat();
        own.extend(self.compares.then_some("compare"));
        own.extend((!groupings.is_empty()).then_some("group_by"));
        // Days in filters begin in the time zone of the report.
        let same_days = scope.zone == self.actor.settings.own_time_zone || params.pairs().is_empty();
        let asked = same_days.then(|| params.pairs().to_vec());
        let settings = Settings { own_time_zone: scope.zone, ..self.actor.settings.clone() };
        let actor = Actor { settings, ..self.actor.clone() };
        let filter = match kind {
            PipelineKind::Deal => DEAL.condition(params, &actor, &own)?,
            PipelineKind::Lead => LEAD.condition(params, &actor, &own)?,
        };
        let records = if kind == PipelineKind::Deal { Kind::DEAL } else { Kind::LEAD };
        let filter = Cond::All(vec![filter, visibility::cond(&self.actor, records, Action::Read)]);
        Ok(Scope { filter, asked, ..scope })
    }

    /// Parses the query of a report that supports only leads; without a pipeline, of the default pipeline of leads.
    pub fn leads(&self, tx: &mut Tx<'_>, groupings: &[&str]) -> Result<Scope> {
        let named = QueryParams::read(&self.query)?.names().any(|name| name == "pipeline_id");
        let query = if named {
            self.query.clone()
        } else {
            let default = pipelines::choose(tx, None, PipelineKind::Lead)?;
            format!("pipeline_id={default}&{}", self.query)
        };
        let scope = ReportQuery { query, actor: self.actor.clone(), ..*self }.scope(tx, groupings)?;
        if scope.kind == PipelineKind::Lead {
            return Ok(Scope { time: CREATED, ..scope });
        }
        Err(wrong("pipeline_id", "must be a pipeline of leads"))
    }

    /// Returns the query without a parameter of this report alone, and its value: a whole number from 1.
    pub fn number(&self, name: &'static str, usual: i64, most: i64) -> Result<(ReportQuery, i64)> {
        let mut params = QueryParams::read(&self.query)?;
        let number = params.take(name).map_or(Ok(usual), |text| {
            let within = text.parse().ok().filter(|number| (1..=most).contains(number));
            let range = || FieldError::out_of_range(Some(1), Some(most)).at_parameter(name);
            within.ok_or_else(|| Error::parameters(vec![range()]))
        })?;
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(params.pairs()).finish();
        Ok((ReportQuery { query, actor: self.actor.clone(), ..*self }, number))
    }

    /// Parses the query of a report that supports only deals.
    pub fn deals(&self, tx: &mut Tx<'_>, groupings: &[&str]) -> Result<Scope> {
        let scope = self.scope(tx, groupings)?;
        if scope.kind == PipelineKind::Deal {
            Ok(scope)
        } else {
            Err(wrong("pipeline_id", "must be a pipeline of deals"))
        }
    }
}

fn join_by_hash_where_small(tx: &mut Tx<'_>) -> Result<()> {
    let advice = Statement::new(include_str!("join_advice.sql")).set("workspace", Part::Id(tx.workspace()));
    advice.execute(tx.conn).map(drop).map_err(Error::from)
}

fn pipeline(tx: &mut Tx<'_>, named: Option<Uuid>) -> Result<(Uuid, PipelineKind)> {
    match named {
        None => Ok((pipelines::choose(tx, None, PipelineKind::Deal)?, PipelineKind::Deal)),
        Some(id) => {
            let found =
                pipelines::Row::find(tx, id).map_err(|_| wrong("pipeline_id", "must be the id of a pipeline"))?;
            Ok((id, found.kind))
        }
    }
}

impl Scope {
    /// Returns the scope of a snapshot.
    #[must_use]
    pub fn of_then(self) -> Scope {
        Scope { group: self.group.clone().of_then(), ..self }
    }

    /// Returns the keys of all groups of a bounded period that is grouped by time, those without records too.
    pub fn time_groups(&self) -> Result<Option<Vec<String>>> {
        period::time_groups(&self.group.name, self.period())
    }

    /// Returns the scope of the earlier period, if the report compares.
    pub fn earlier(&self) -> Option<Scope> {
        let Period { from, to } = self.earlier?;
        Some(Scope { from, to, earlier: None, ..self.clone() })
    }

    /// Returns the scope with another time for groups by time.
    pub fn by_time(&self, time: &'static str) -> Scope {
        Scope { time, ..self.clone() }
    }

    /// Returns the scope with another grouping.
    pub fn by(&self, name: &str) -> Scope {
        let group = Group::named(name).unwrap_or_else(|| self.group.clone());
        Scope { group, view: None, ..self.clone() }
    }

    pub fn period(&self) -> Period {
        Period { from: self.from, to: self.to }
    }

    /// Returns the instants of the days of a group, for a list filter by a time; absent limits are absent.
    pub fn instants_of(&self, key: Option<&str>) -> [Option<DateTime>; 2] {
        let days = self.group.days(key).map_or(self.period(), |unit| unit.within(self.period()));
        [days.from, days.to].map(|day| day.map(|day| day_start(day, self.zone)))
    }

    /// Returns the filters of the caller that a list takes with the same meaning.
    pub fn asked(&self) -> Option<&[(String, String)]> {
        self.asked.as_deref()
    }

    /// Returns the statement of a report with the parameters of the scope.
    pub fn statement(&self, tx: &Tx<'_>, text: &'static str) -> Statement {
        let (records, value, currency) = match self.kind {
            PipelineKind::Deal => ("deals", "deals.value_amount", "deals.value_currency"),
            PipelineKind::Lead => ("leads", "leads.value_amount", "leads.value_currency"),
        };
        // A role that hides values also hides their sums.
        let (value, currency) = if self.hides_value { ("null::bigint", "null::text") } else { (value, currency) };
        let [from, to] = self.period().instants(self.zone);
        let statement = Statement::new(text)
            .set("records", Part::Sql(records))
            .set("value", Part::Sql(value))
            .set("currency", Part::Sql(currency))
            .set("workspace", Part::Id(tx.workspace()))
            .set("pipeline", Part::Id(self.pipeline))
            .set("from", Part::At(from))
            .set("to", Part::At(to))
            .set("zone", Part::Text(self.zone.name().into()))
            .set("filter", Part::Cond(self.filter.clone()));
        let figures = Figures { workspace: tx.workspace(), records, value, time: self.time, zone: self.zone.name() };
        self.group.set(statement, &figures)
    }
}

/// The parameter of a report that can compare its period with an earlier one, for `parameters`.
pub const COMPARE: (&str, &str, &str) = (
    "compare",
    "Adds the same report for an earlier period: the one just before, or the same one of the year before.",
    "^(previous|year)$",
);

/// Returns the parameters of a report over leads.
pub fn lead_parameters(groupings: &[&str], extra: &[(&str, &str, &str)]) -> Vec<Parameter> {
    let mut list = own_parameters("The pipeline. If absent, the default pipeline of leads.", groupings, extra);
    list.extend(LEAD.filters().into_iter().filter(|p| p.name != "pipeline_id"));
    list
}

/// Returns the parameters of a report over deals or leads: those of `parameters` and the filters that only leads
/// have.
pub fn parameters_of_both(groupings: &[&str], extra: &[(&str, &str, &str)]) -> Vec<Parameter> {
    let mut list = parameters(groupings, extra);
    let own = LEAD.filters().into_iter().filter(|p| list.iter().all(|known| known.name != p.name));
    let described = own.map(|mut p| {
        p.description = p.description.map(|meaning| format!("{meaning} Only for a pipeline of leads."));
        p
    });
    let described: Vec<Parameter> = described.collect();
    list.extend(described);
    list
}

/// Returns the parameters of a report: its own, then the filters of deals.
pub fn parameters(groupings: &[&str], extra: &[(&str, &str, &str)]) -> Vec<Parameter> {
    let mut list = own_parameters("The pipeline. If absent, the default pipeline of deals.", groupings, extra);
    list.extend(DEAL.filters().into_iter().filter(|p| p.name != "pipeline_id"));
    list
}

fn own_parameters(pipeline: &str, groupings: &[&str], extra: &[(&str, &str, &str)]) -> Vec<Parameter> {
    let text = || schema(ValueType::Text);
    let mut list = vec![parameter("pipeline_id".into(), pipeline.into(), schema(ValueType::Uuid), None)];
    list.extend(period::parameters());
    if !groupings.is_empty() {
        let pattern = format!("^(none|{}|cf\\.[a-z][a-z0-9_]*)$", groupings.join("|"));
        list.push(parameter(
            "group_by".into(),
            "Groups the figures, also by a custom field such as `cf.region`.".into(),
            text().pattern(Some(pattern)).default(Some("none".into())),
            None,
        ));
    }
    for (name, meaning, pattern) in extra {
        let one = if pattern.is_empty() { schema(ValueType::Time) } else { text().pattern(Some(*pattern)) };
        list.push(parameter((*name).into(), (*meaning).into(), one, None));
    }
    list.extend(look::parameters());
    list
}

/// Returns the amount in a currency.
pub fn amount_in(sums: &[Money], currency: &str) -> Option<i64> {
    sums.iter().find(|money| money.currency == currency).map(|money| money.amount)
}

/// Returns the quotient, or `None` if the divisor is 0.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "counts and amounts are below 2^53, two of them below 2^54"
)]
pub fn ratio(part: i64, whole: i64) -> Option<f64> {
    (whole != 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_of_nothing_are_unknown() {
        for (part, whole, expected) in
            [(1, 2, Some(0.5)), (0, 2, Some(0.0)), (2, 2, Some(1.0)), (-1, 4, Some(-0.25)), (0, 0, None), (1, 0, None)]
        {
            assert_eq!(ratio(part, whole), expected, "{part} of {whole}");
        }
    }

    fn scope(from: Option<&str>, to: Option<&str>) -> Scope {
        Scope {
            pipeline: Uuid::nil(),
            kind: PipelineKind::Deal,
            from: from.map(|day| day.parse().unwrap()),
            to: to.map(|day| day.parse().unwrap()),
            zone: chrono_tz::Europe::Tallinn,
            group: Group::named("none").unwrap(),
            at: None,
            view: Some("flow".into()),
            filter: Cond::All(Vec::new()),
            earlier: None,
            asked: Some(Vec::new()),
            time: CLOSED,
            hides_value: false,
        }
    }

    /// Days begin in the zone of the report, 23 hours before the next on the day on which clocks go forward.
    #[test]
    fn periods_begin_at_midnight_in_the_time_zone() {
        for (case, from, to, begin, end) in [
            (
                "a winter day",
                Some("2026-01-31"),
                Some("2026-02-01"),
                "2026-01-30T22:00:00.000Z",
                "2026-01-31T22:00:00.000Z",
            ),
            (
                "a short day",
                Some("2026-03-29"),
                Some("2026-03-30"),
                "2026-03-28T22:00:00.000Z",
                "2026-03-29T21:00:00.000Z",
            ),
            (
                "a long day",
                Some("2026-10-25"),
                Some("2026-10-26"),
                "2026-10-24T21:00:00.000Z",
                "2026-10-25T22:00:00.000Z",
            ),
            ("all days", None, None, "0001-01-01T00:00:00.000Z", "9999-12-31T00:00:00.000Z"),
            ("until a day", None, Some("2026-02-01"), "0001-01-01T00:00:00.000Z", "2026-01-31T22:00:00.000Z"),
        ] {
            let scope = scope(from, to);
            let [first, after] = scope.period().instants(scope.zone);
            assert_eq!(first.to_string(), begin, "{case}: beginning");
            assert_eq!(after.to_string(), end, "{case}: end");
        }
    }

    #[test]
    fn a_scope_can_be_regrouped() {
        let scope = scope(Some("2026-01-31"), None);
        assert_eq!(scope.by("owner").group.name, "owner");
        assert_eq!(scope.by("nothing of the kind").group.name, "none");
        assert_eq!(scope.by("owner").from, scope.from);
        assert_eq!(scope.by("owner").view, None);
    }

    #[test]
    fn unsupported_filters_are_rejected() {
        let query = |text: &str| ReportQuery::new(text, &crate::kernel::samples::actor()).unwrap();
        let rejected = |text: &str| query(text).reject_filters(&["status", "closed_at"], "is of no use").is_err();
        for (text, expected) in [
            ("status=open", true),
            ("status__ne=open", true),
            ("owner_id=me&closed_at__gte=today", true),
            ("status_of=open", false),
            ("owner_id=me", false),
            ("", false),
        ] {
            assert_eq!(rejected(text), expected, "{text}");
        }
    }
}

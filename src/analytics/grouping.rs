//! Groupings of reports: built-in ones and custom fields.
use crate::analytics::period::{self, DAY, MONTH, Period, QUARTER, Unit, WEEK, wrong};
use crate::db::sql::{Part, Statement};
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::{Action, Visibility};
use crate::kernel::error::{Error, FieldCode, FieldError, Result};
use crate::kernel::fields::custom::CustomKind;
use crate::kernel::fields::field::FieldRef;
use crate::kernel::query::params::CUSTOM;
use crate::sales::deals::model::DEAL;
use crate::sales::leads::model::LEAD;
use crate::sales::pipelines::PipelineKind;
use uuid::Uuid;

/// A grouping: the name in `group_by`, and its SQL fragments.
#[derive(Debug)]
struct Grouping {
    name: &'static str,
    join: &'static str,
    /// The key of the group of a record. Records are counted by it before texts and labels are found.
    key: &'static str,
    /// The text of a `key`.
    text: &'static str,
    /// The label of a `key`.
    label: &'static str,
    /// The part of the value of a record that belongs to the group, in minor units; and the same times `:percent`.
    /// Divisions come last to keep the precision.
    amount: &'static str,
    weighted: &'static str,
    /// Whether the grouping also applies to leads.
    leads: bool,
    /// How a list is restricted to the records of one group.
    filter: GroupFilter,
}

/// The list filter of a grouping.
#[derive(Clone, Copy, Debug)]
enum GroupFilter {
    /// There is only one group.
    Whole,
    /// The filter by a field, and the pair that selects records without a group.
    Field(&'static str, (&'static str, &'static str)),
    /// The unit of time in which the record was closed.
    Time,
    Custom,
    /// No list filter selects the records of a group.
    Unlisted,
}

/// A grouping whose keys are texts that need no label, by itself a single group.
const TEXT: Grouping = Grouping {
    name: "none",
    join: "",
    key: "null::text",
    text: "key",
    label: "key",
    amount: ":value",
    weighted: ":value * :percent",
    leads: true,
    filter: GroupFilter::Whole,
};

/// The names of a `key`, the id of a user or team.
pub const USER_NAME: &str = "(select g.name from users g where g.workspace_id = :workspace and g.id = key)";
pub const TEAM_NAME: &str = "(select g.name from teams g where g.workspace_id = :workspace and g.id = key)";

const USER: Grouping = Grouping { text: "key::text", label: USER_NAME, ..TEXT };
const TEAM: Grouping = Grouping { label: TEAM_NAME, ..USER };
const SOURCE: Grouping =
    Grouping { label: "(select g.name from sources g where g.workspace_id = :workspace and g.id = key)", ..USER };
const STAGE: Grouping =
    Grouping { label: "(select g.name from stages g where g.workspace_id = :workspace and g.id = key)", ..USER };
const PRODUCT: Grouping =
    Grouping { label: "(select g.name from products g where g.workspace_id = :workspace and g.id = key)", ..USER };

/// A grouping by a unit of the time of a record.
const fn of_time(unit: Unit) -> Grouping {
    Grouping { name: unit.name, key: unit.key, text: unit.text, label: unit.text, filter: GroupFilter::Time, ..TEXT }
}

/// Joins the products of a deal, each with its weight and its part of the value. The weight is the price of its
/// items, at least 0, or 1 for all if all prices are 0. The parts are rounded down, and the remaining units go to the
/// parts with the largest remainders, so that the sum equals the value.
const BY_PRODUCT: &str = "left join lateral ( \
       select product_id, weight, whole, (low + (row_number() over (order by abs(:value * weight - low * whole) desc, product_id) \
         <= :value - sum(low) over ())::int)::bigint as part \
       from (select product_id, weight, whole, \
               div(:value * weight, whole) - (mod(:value * weight, whole) <> 0 and sign(:value * weight) <> sign(whole))::int as low \
             from (select product_id, case when sum(w) over () = 0 then 1 else w end as weight, \
                     case when sum(w) over () = 0 then count(*) over () else sum(w) over () end as whole \
                   from (select product_id, greatest(sum(quantity::numeric * price_amount * (100 - discount_percent)), 0) as w from line_items \
                         where workspace_id = :records.workspace_id and deal_id = :records.id group by product_id) own) weighed) lowered \
     ) li on true";

/// The probability of a deal; `s` is its stage.
const PERCENT: &str = "coalesce(deals.probability_percent, s.probability_percent)";

/// `:records` stands for the table, deals or leads.
const GROUPINGS: &[Grouping] = &[
    TEXT,
    Grouping {
        name: "owner",
        key: ":records.owner_id",
        filter: GroupFilter::Field("owner_id", ("owner_id__empty", "true")),
        ..USER
    },
    Grouping {
        name: "closed_by",
        key: ":records.closed_by_id",
        filter: GroupFilter::Field("closed_by_id", ("closed_by_id__empty", "true")),
        ..USER
    },
    Grouping {
        name: "team",
        join: "left join users o on o.workspace_id = :records.workspace_id and o.id = :records.owner_id",
        key: "o.team_id",
        filter: GroupFilter::Field("team_id", ("team_id", "none")),
        ..TEAM
    },
    Grouping {
        name: "source",
        key: ":records.source_id",
        filter: GroupFilter::Field("source_id", ("source_id__empty", "true")),
        ..SOURCE
    },
    Grouping {
        name: "product",
        join: BY_PRODUCT,
        key: "li.product_id",
        amount: "case when li.product_id is null then :value else li.part end",
        weighted: "case when li.product_id is null then :value::numeric * :percent \
                   else :value * :percent * 1.00000000000000000000 * li.weight / li.whole end",
        filter: GroupFilter::Unlisted,
        ..PRODUCT
    },
    Grouping {
        name: "stage",
        key: ":records.stage_id",
        filter: GroupFilter::Field("stage_id", ("stage_id__empty", "true")),
        ..STAGE
    },
    Grouping {
        name: "tag",
        join: "left join lateral unnest(:records.tags) g(name) on true",
        key: "g.name",
        filter: GroupFilter::Field("tags__all", ("tags__empty", "true")),
        ..TEXT
    },
    Grouping {
        name: "sector",
        join: "left join companies g on g.workspace_id = :records.workspace_id and g.id = :records.company_id",
        key: "g.sector",
        filter: GroupFilter::Unlisted,
        ..TEXT
    },
    of_time(DAY),
    of_time(WEEK),
    of_time(MONTH),
    of_time(QUARTER),
    Grouping {
        name: "competitor",
        key: ":records.competitor",
        leads: false,
        filter: GroupFilter::Field("competitor", ("competitor__empty", "true")),
        ..TEXT
    },
];

/// Groups leads by their product.
const LEADS_BY_PRODUCT: &Grouping = &Grouping {
    name: "product",
    key: ":records.product_id",
    filter: GroupFilter::Field("product_id", ("product_id__empty", "true")),
    ..PRODUCT
};

/// Groups by the stage in which a record was at the time of a snapshot; `sp` is the stage span.
const BY_STAGE_OF_THEN: &Grouping =
    &Grouping { name: "stage", key: "sp.stage_id", filter: GroupFilter::Unlisted, ..STAGE };

/// Returns the grouping by a custom field, whose key is `:own`, if its kind has few values. Texts, numbers, amounts
/// and dates differ in nearly every record.
fn by_own(kind: CustomKind) -> Option<&'static Grouping> {
    const CHOICE: &Grouping =
        &Grouping { name: "choice", key: ":records.custom -> :own ->> 'text'", filter: GroupFilter::Custom, ..TEXT };
    const FLAG: &Grouping =
        &Grouping { name: "flag", key: ":records.custom -> :own ->> 'flag'", filter: GroupFilter::Custom, ..TEXT };
    const OPTIONS: &Grouping = &Grouping {
        name: "options",
        join: "left join lateral (select distinct jsonb_array_elements_text(:records.custom -> :own -> 'options') as name) g on true",
        key: "g.name",
        filter: GroupFilter::Custom,
        ..TEXT
    };
    const OWN_USER: &Grouping = &Grouping {
        name: "user",
        key: "(:records.custom -> :own ->> 'id')::uuid",
        filter: GroupFilter::Custom,
        ..USER
    };
    match kind {
        CustomKind::Choice => Some(CHOICE),
        CustomKind::Boolean => Some(FLAG),
        CustomKind::MultiChoice => Some(OPTIONS),
        CustomKind::User => Some(OWN_USER),
        _ => None,
    }
}

/// What the fragments of a grouping refer to: the table of the records, the value of a record, and so on.
#[derive(Debug)]
pub struct Figures<'f> {
    pub workspace: Uuid,
    pub records: &'static str,
    pub value: &'static str,
    /// The time of a record, for groups by time. It may contain `:records`.
    pub time: &'static str,
    pub zone: &'f str,
}

/// The requested grouping.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: String,
    pieces: &'static Grouping,
    /// The key of the custom field.
    own: String,
}

impl Group {
    /// Parses `group_by`. `possible` are the groupings of the report besides custom fields.
    pub fn read(name: &str, possible: &[&str], kind: PipelineKind, actor: &Actor) -> Result<Group> {
        if let Some(key) = name.strip_prefix(CUSTOM).and_then(|rest| rest.strip_prefix('.')) {
            return own(name, key, kind, actor);
        }
        let known = |g: &&Grouping| g.name == name && (g.name == "none" || possible.contains(&g.name));
        let pieces = GROUPINGS.iter().find(known).filter(|g| g.leads || kind == PipelineKind::Deal);
        let pieces = pieces.ok_or_else(|| not_a_group(possible, kind))?;
        may_group(actor, pieces.name)?;
        let pieces = if kind == PipelineKind::Lead && name == "product" { LEADS_BY_PRODUCT } else { pieces };
        Ok(Group { name: name.to_owned(), pieces, own: String::new() })
    }

    /// Returns the same grouping for a snapshot, which groups by the stages at that time.
    #[must_use]
    pub fn of_then(self) -> Group {
        let pieces = if self.pieces.name == "stage" { BY_STAGE_OF_THEN } else { self.pieces };
        Group { pieces, ..self }
    }

    /// Returns a built-in grouping by a valid name.
    pub fn named(name: &str) -> Option<Group> {
        let pieces = GROUPINGS.iter().find(|g| g.name == name)?;
        Some(Group { name: name.to_owned(), pieces, own: String::new() })
    }

    /// Returns the list filters that select the records of a group, or none if no list can. Groups by time are selected
    /// by their days instead, see `days`.
    pub fn filters(&self, key: Option<&str>) -> Option<Vec<(String, String)>> {
        let pair = |name: &str, value: &str| Some(vec![(name.to_owned(), value.to_owned())]);
        match (self.pieces.filter, key) {
            (GroupFilter::Whole, _) => Some(Vec::new()),
            (GroupFilter::Field(name, _), Some(key)) => pair(name, &escaped(key)),
            (GroupFilter::Field(_, (name, value)), None) => pair(name, value),
            (GroupFilter::Custom, Some(key)) => pair(CUSTOM, &format!("{}:eq:{}", self.own, escaped(key))),
            (GroupFilter::Custom, None) => pair(CUSTOM, &format!("{}:empty:true", self.own)),
            (GroupFilter::Time, Some(_)) => Some(Vec::new()),
            (GroupFilter::Time, None) | (GroupFilter::Unlisted, _) => None,
        }
    }

    /// Returns the days of a group by time.
    pub fn days(&self, key: Option<&str>) -> Option<Period> {
        period::unit(&self.name, key?)
    }

    /// Checks whether the report is not grouped.
    pub fn is_none(&self) -> bool {
        self.name == "none"
    }

    /// Checks whether the groups are units of time.
    pub fn is_time(&self) -> bool {
        matches!(self.pieces.filter, GroupFilter::Time)
    }

    /// Sets the fragments of the grouping in the statement of a report. `:group_text` and `:group_label` belong to a
    /// `key` that is already counted.
    pub fn set(&self, statement: Statement, group: &Figures<'_>) -> Statement {
        let piece = |sql: &'static str| {
            let nested =
                Statement::new(sql).set("records", Part::Sql(group.records)).set("value", Part::Sql(group.value));
            let nested = nested.set("zone", Part::Text(group.zone.to_owned())).set("percent", Part::Sql(PERCENT));
            let time = Statement::new(group.time).set("records", Part::Sql(group.records));
            let nested = nested.set("time", Part::Nested(Box::new(time))).set("workspace", Part::Id(group.workspace));
            Part::Nested(Box::new(nested.set("own", Part::Text(self.own.clone()))))
        };
        statement
            .set("group_join", piece(self.pieces.join))
            .set("group_key", piece(self.pieces.key))
            .set("group_text", piece(self.pieces.text))
            .set("group_label", piece(self.pieces.label))
            .set("amount", piece(self.pieces.amount))
            .set("weighted", piece(self.pieces.weighted))
    }
}

/// Returns a value for a filter that takes several, separated by commas.
fn escaped(key: &str) -> String {
    key.replace('\\', "\\\\").replace(',', "\\,")
}

/// Returns the error for an unknown grouping, with those that fit the records of the pipeline.
fn not_a_group(possible: &[&str], kind: PipelineKind) -> Error {
    let fits = |g: &&Grouping| possible.contains(&g.name) && (g.leads || kind == PipelineKind::Deal);
    let names: Vec<&str> = std::iter::once("none").chain(GROUPINGS.iter().filter(fits).map(|g| g.name)).collect();
    Error::parameters(vec![FieldError::not_among(&names).at_parameter("group_by")])
}

fn own(name: &str, key: &str, kind: PipelineKind, actor: &Actor) -> Result<Group> {
    let field = match kind {
        PipelineKind::Deal => DEAL.named(name, actor),
        PipelineKind::Lead => LEAD.named(name, actor),
    };
    let Some(FieldRef::Custom(field)) = field else {
        let bad = FieldError::parameter(
            "group_by",
            FieldCode::UnknownField,
            format!("must be a known field; {key} is not one"),
        );
        return Err(Error::parameters(vec![bad.of_field(key)]));
    };
    let pieces = by_own(field.kind)
        .ok_or_else(|| wrong("group_by", format!("cannot be a field of the kind {}: {key}", field.kind.as_str())))?;
    if field.kind == CustomKind::User {
        actor.require_read("users")?;
    }
    Ok(Group { name: name.to_owned(), pieces, own: key.to_owned() })
}

/// Checks that the caller may see the records whose names or members the groups show.
fn may_group(actor: &Actor, name: &str) -> Result<()> {
    match name {
        "owner" | "closed_by" => actor.require_read("users"),
        "team" => actor.require_read("teams"),
        "source" => actor.require_read("sources"),
        "product" => actor.require_read("products"),
        "stage" => actor.require_read("stages"),
        "sector" if actor.visibility("companies", Action::Read) != Visibility::All => {
            Err(wrong("group_by", "must not be sector, because you do not see all companies"))
        }
        "sector" => actor.require_read("companies"),
        "competitor" if actor.access.hides("deals", "competitor") => {
            Err(wrong("group_by", "must not be competitor, because your role hides it"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::fields::custom::CustomField;
    use crate::kernel::fields::kind::Kind;
    use crate::kernel::samples::{actor_who_may, custom_field, refusals, sql, with_fields};

    const POSSIBLE: &[&str] = &["owner", "product", "stage", "month", "competitor", "sector"];

    fn read(name: &str, kind: PipelineKind, readable: &[&str]) -> Result<Group, Vec<String>> {
        Group::read(name, POSSIBLE, kind, &actor_who_may(readable)).map_err(|error| match &error {
            Error::Problem(problem) if problem.errors.is_empty() => vec![problem.code.as_str().to_owned()],
            _ => refusals(&error),
        })
    }

    /// A piece of a grouping of deals, as SQL.
    fn piece(group: &Group, name: &'static str) -> String {
        let figures = Figures {
            workspace: Uuid::nil(),
            records: "deals",
            value: "deals.value_amount",
            time: ":records.closed_at",
            zone: "Europe/Tallinn",
        };
        sql(&group.set(Statement::new(name), &figures))
    }

    #[test]
    fn groupings_are_validated() {
        for (case, name, kind, readable, expected) in [
            ("nothing", "none", PipelineKind::Deal, vec![], None),
            ("months", "month", PipelineKind::Lead, vec![], None),
            ("owners", "owner", PipelineKind::Deal, vec!["users"], None),
            ("owners, without the right to users", "owner", PipelineKind::Deal, vec!["teams"], Some("forbidden")),
            ("products, without the right to them", "product", PipelineKind::Lead, vec![], Some("forbidden")),
            ("sectors", "sector", PipelineKind::Deal, vec!["companies"], None),
            (
                "sectors of companies that are not all seen",
                "sector",
                PipelineKind::Deal,
                vec![],
                Some("group_by invalid"),
            ),
            ("a way of another report", "quarter", PipelineKind::Deal, vec![], Some("group_by invalid_choice")),
            ("no way", "colour", PipelineKind::Deal, vec![], Some("group_by invalid_choice")),
            ("competitors of deals", "competitor", PipelineKind::Deal, vec![], None),
            ("competitors of leads", "competitor", PipelineKind::Lead, vec![], Some("group_by invalid_choice")),
            ("a field that there is not", "cf.size", PipelineKind::Deal, vec![], Some("group_by unknown_field")),
        ] {
            let refused = read(name, kind, &readable).err();
            assert_eq!(refused, expected.map(|refusal| vec![refusal.to_owned()]), "{case}");
        }
        let Err(Error::Problem(problem)) = Group::read("x", POSSIBLE, PipelineKind::Lead, &actor_who_may(&[])) else {
            panic!("x is no group")
        };
        assert_eq!(problem.errors[0].params.choices, ["none", "owner", "product", "stage", "sector", "month"]);
    }

    #[test]
    fn a_grouping_sets_its_sql() {
        let group = |name| read(name, PipelineKind::Deal, &["users", "stages"]).unwrap();
        let month = "date_trunc('month', deals.closed_at at time zone $1) -- binds: [\"Europe/Tallinn\"]";
        let name = "(select g.name from users g where g.workspace_id = $1 and g.id = key) \
                    -- binds: [00000000-0000-0000-0000-000000000000]";
        for (case, group, name, expected) in [
            ("no key", group("none"), ":group_key", "null::text -- binds: []"),
            ("a key", group("owner"), ":group_key", "deals.owner_id -- binds: []"),
            ("the text of a key", group("owner"), ":group_text", "key::text -- binds: []"),
            ("a label", group("owner"), ":group_label", name),
            ("a month in the zone", group("month"), ":group_key", month),
            ("an amount", group("owner"), ":amount", "deals.value_amount -- binds: []"),
            ("a stage", group("stage"), ":group_key", "deals.stage_id -- binds: []"),
            ("a stage of then", group("stage").of_then(), ":group_key", "sp.stage_id -- binds: []"),
            ("an owner of then", group("owner").of_then(), ":group_key", "deals.owner_id -- binds: []"),
        ] {
            assert_eq!(piece(&group, name), expected, "{case}");
        }
        let weighted = "deals.value_amount * coalesce(deals.probability_percent, s.probability_percent)";
        assert_eq!(piece(&group("none"), ":weighted"), format!("{weighted} -- binds: []"));
    }

    #[test]
    fn leads_and_deals_join_products_differently() {
        let join = |kind| piece(&read("product", kind, &["products"]).unwrap(), ":group_join");
        assert!(join(PipelineKind::Deal).contains("from line_items"), "deals by their items");
        assert!(!join(PipelineKind::Lead).contains("from line_items"), "leads by their product");
    }

    #[test]
    fn custom_fields_with_few_values_can_be_grouped_by() {
        let read = |kind: CustomKind| {
            let field = CustomField { record: Kind::DEAL, ..custom_field("size", kind, &["a"]) };
            Group::read("cf.size", &[], PipelineKind::Deal, &with_fields(actor_who_may(&["users"]), vec![field]))
        };
        for (kind, expected) in [
            (CustomKind::Choice, Some("deals.custom -> $1 ->> 'text'")),
            (CustomKind::Boolean, Some("deals.custom -> $1 ->> 'flag'")),
            (CustomKind::MultiChoice, Some("g.name")),
            (CustomKind::User, Some("(deals.custom -> $1 ->> 'id')::uuid")),
            (CustomKind::Text, None),
            (CustomKind::Number, None),
            (CustomKind::Money, None),
            (CustomKind::Date, None),
            (CustomKind::Reference, None),
        ] {
            let key = read(kind).map(|group| piece(&group, ":group_key").split(" -- ").next().unwrap().to_owned());
            assert_eq!(key.ok().as_deref(), expected, "{kind:?}");
        }
        assert_eq!(refusals(&read(CustomKind::Text).unwrap_err()), ["group_by invalid"]);
    }
}

//! What the figures of a report can be grouped by: the fields it names, and the workspace's own.
use crate::db::sql::{Part, Statement};
use crate::kernel::access::Visibility;
use crate::kernel::actor::{Action, Actor};
use crate::kernel::custom::CustomKind;
use crate::kernel::error::{Bad, Error, FieldCode, Result};
use crate::kernel::field::FieldRef;
use crate::kernel::query_params::CUSTOM;
use crate::sales::deals::model::DEAL;
use crate::sales::leads::model::LEAD;
use crate::sales::pipelines::PipelineKind;

/// A way to group: the name in `group_by`, and the pieces of SQL for deals.
#[derive(Debug)]
struct Grouping {
    name: &'static str,
    join: &'static str,
    key: &'static str,
    label: &'static str,
    /// What of a record's value belongs to the group, in whole minor units; and the same with its fraction, weighed by `:percent`. What is
    /// divided is divided last, and no digit that matters is lost.
    amount: &'static str,
    weighted: &'static str,
    /// Whether leads can be grouped by it.
    leads: bool,
}

const WHOLE: &str = ":value";
const WHOLE_WEIGHTED: &str = ":value::numeric * :percent / 100.00";
/// The products of a deal, each with its weight (what its items cost, or nothing where they are a rebate; all weigh the same when nothing
/// costs anything) and its part of the value, which lies between nothing and the whole. The parts are rounded down, and what is left goes,
/// unit by unit, to those that lost most: together they are the value.
const BY_PRODUCT: &str = "left join lateral ( \
       select product_id, weight, whole, (low + (row_number() over (order by abs(:value * weight - low * whole) desc, product_id) \
         <= :value - sum(low) over ())::int)::bigint as part \
       from (select product_id, weight, whole, \
               div(:value * weight, whole) - (mod(:value * weight, whole) <> 0 and sign(:value * weight) <> sign(whole))::int as low \
             from (select product_id, case when sum(w) over () = 0 then 1 else w end as weight, \
                     case when sum(w) over () = 0 then count(*) over () else sum(w) over () end as whole \
                   from (select product_id, greatest(sum(quantity::numeric * price_amount * (100 - discount_percent)), 0) as w from line_items \
                         where workspace_id = :records.workspace_id and deal_id = :records.id group by product_id) own) weighed) lowered \
     ) li on true \
     left join products g on g.workspace_id = :records.workspace_id and g.id = li.product_id";

/// That a deal is won; `s` is its stage.
const PERCENT: &str = "coalesce(deals.probability_percent, s.probability_percent)";

/// `:records` is the table, deals or leads.
const GROUPINGS: &[Grouping] = &[
    Grouping {
        name: "none",
        join: "",
        key: "null::text",
        label: "null::text",
        amount: WHOLE,
        weighted: WHOLE_WEIGHTED,
        leads: true,
    },
    Grouping {
        name: "owner",
        join: "left join users g on g.workspace_id = :records.workspace_id and g.id = :records.owner_id",
        key: "g.id::text",
        label: "g.name",
        amount: WHOLE,
        weighted: WHOLE_WEIGHTED,
        leads: true,
    },
    Grouping {
        name: "closed_by",
        join: "left join users g on g.workspace_id = :records.workspace_id and g.id = :records.closed_by_id",
        key: "g.id::text",
        label: "g.name",
        amount: WHOLE,
        weighted: WHOLE_WEIGHTED,
        leads: true,
    },
    Grouping {
        name: "team",
        join: "left join users o on o.workspace_id = :records.workspace_id and o.id = :records.owner_id \
               left join teams g on g.workspace_id = o.workspace_id and g.id = o.team_id",
        key: "g.id::text",
        label: "g.name",
        amount: WHOLE,
        weighted: WHOLE_WEIGHTED,
        leads: true,
    },
    Grouping {
        name: "source",
        join: "left join sources g on g.workspace_id = :records.workspace_id and g.id = :records.source_id",
        key: "g.id::text",
        label: "g.name",
        amount: WHOLE,
        weighted: WHOLE_WEIGHTED,
        leads: true,
    },
    Grouping {
        name: "product",
        join: BY_PRODUCT,
        key: "g.id::text",
        label: "g.name",
        amount: "case when li.product_id is null then :value else li.part end",
        weighted: "case when li.product_id is null then :value::numeric * :percent / 100.00 \
                   else :value * :percent * 1.00000000000000000000 * li.weight / (li.whole * 100) end",
        leads: true,
    },
    Grouping {
        name: "stage",
        join: "left join stages g on g.workspace_id = :records.workspace_id and g.id = :records.stage_id",
        key: "g.id::text",
        label: "g.name",
        amount: WHOLE,
        weighted: WHOLE_WEIGHTED,
        leads: true,
    },
    Grouping {
        name: "tag",
        join: "left join lateral unnest(:records.tags) g(name) on true",
        key: "g.name",
        label: "g.name",
        amount: WHOLE,
        weighted: WHOLE_WEIGHTED,
        leads: true,
    },
    Grouping {
        name: "sector",
        join: "left join companies g on g.workspace_id = :records.workspace_id and g.id = :records.company_id",
        key: "g.sector",
        label: "g.sector",
        amount: WHOLE,
        weighted: WHOLE_WEIGHTED,
        leads: true,
    },
    Grouping {
        name: "month",
        join: "",
        key: "to_char(:records.closed_at at time zone :zone, 'YYYY-MM')",
        label: "to_char(:records.closed_at at time zone :zone, 'YYYY-MM')",
        amount: WHOLE,
        weighted: WHOLE_WEIGHTED,
        leads: true,
    },
    Grouping {
        name: "quarter",
        join: "",
        key: "to_char(:records.closed_at at time zone :zone, 'YYYY\"-Q\"Q')",
        label: "to_char(:records.closed_at at time zone :zone, 'YYYY\"-Q\"Q')",
        amount: WHOLE,
        weighted: WHOLE_WEIGHTED,
        leads: true,
    },
    Grouping {
        name: "competitor",
        join: "",
        key: ":records.competitor",
        label: ":records.competitor",
        amount: WHOLE,
        weighted: WHOLE_WEIGHTED,
        leads: false,
    },
];

/// A lead has one product.
const LEADS_BY_PRODUCT: &Grouping = &Grouping {
    name: "product",
    join: "left join products g on g.workspace_id = :records.workspace_id and g.id = :records.product_id",
    key: "g.id::text",
    label: "g.name",
    amount: WHOLE,
    weighted: WHOLE_WEIGHTED,
    leads: true,
};

/// The stage in which a record stood at the instant of a snapshot; `sp` is that stay.
const BY_STAGE_OF_THEN: &Grouping = &Grouping {
    name: "stage",
    join: "left join stages g on g.workspace_id = sp.workspace_id and g.id = sp.stage_id",
    key: "g.id::text",
    label: "g.name",
    amount: WHOLE,
    weighted: WHOLE_WEIGHTED,
    leads: true,
};

/// By a field of the workspace's own, whose key is `:own`, if it has few values. Of texts, numbers, amounts and dates nearly each record
/// has another.
fn by_own(kind: CustomKind) -> Option<&'static Grouping> {
    const CHOICE: &Grouping = &Grouping {
        name: "choice",
        join: "",
        key: ":records.custom -> :own ->> 'text'",
        label: ":records.custom -> :own ->> 'text'",
        amount: WHOLE,
        weighted: WHOLE_WEIGHTED,
        leads: true,
    };
    const FLAG: &Grouping = &Grouping {
        name: "flag",
        join: "",
        key: ":records.custom -> :own ->> 'flag'",
        label: ":records.custom -> :own ->> 'flag'",
        amount: WHOLE,
        weighted: WHOLE_WEIGHTED,
        leads: true,
    };
    const OPTIONS: &Grouping = &Grouping {
        name: "options",
        join: "left join lateral (select distinct jsonb_array_elements_text(:records.custom -> :own -> 'options') as name) g on true",
        key: "g.name",
        label: "g.name",
        amount: WHOLE,
        weighted: WHOLE_WEIGHTED,
        leads: true,
    };
    const USER: &Grouping = &Grouping {
        name: "user",
        join: "left join users g on g.workspace_id = :records.workspace_id and g.id = (:records.custom -> :own ->> 'id')::uuid",
        key: "g.id::text",
        label: "g.name",
        amount: WHOLE,
        weighted: WHOLE_WEIGHTED,
        leads: true,
    };
    match kind {
        CustomKind::Choice => Some(CHOICE),
        CustomKind::Boolean => Some(FLAG),
        CustomKind::MultiChoice => Some(OPTIONS),
        CustomKind::User => Some(USER),
        _ => None,
    }
}

/// The grouping that was asked for.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: String,
    pieces: &'static Grouping,
    /// The key of the workspace's own field.
    own: String,
}

impl Group {
    /// Reads `group_by`; `possible` are the ways the report can group, besides own fields.
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

    /// The same for a snapshot, in which records are in the stages of then.
    #[must_use]
    pub fn of_then(self) -> Group {
        let pieces = if self.pieces.name == "stage" { BY_STAGE_OF_THEN } else { self.pieces };
        Group { pieces, ..self }
    }

    /// One of the product's, by a name that is known to be right.
    pub fn named(name: &str) -> Option<Group> {
        let pieces = GROUPINGS.iter().find(|g| g.name == name)?;
        Some(Group { name: name.to_owned(), pieces, own: String::new() })
    }

    /// Whether nothing was asked for.
    pub fn is_none(&self) -> bool {
        self.name == "none"
    }

    /// Sets what a report's statement needs of it.
    pub fn set(&self, statement: Statement, records: &'static str, value: &'static str, zone: &str) -> Statement {
        let piece = |sql: &'static str| {
            let nested = Statement::new(sql).set("records", Part::Sql(records)).set("value", Part::Sql(value));
            let nested = nested.set("zone", Part::Text(zone.to_owned())).set("percent", Part::Sql(PERCENT));
            Part::Nested(Box::new(nested.set("own", Part::Text(self.own.clone()))))
        };
        statement
            .set("group_join", piece(self.pieces.join))
            .set("group_key", piece(self.pieces.key))
            .set("group_label", piece(self.pieces.label))
            .set("amount", piece(self.pieces.amount))
            .set("weighted", piece(self.pieces.weighted))
    }
}

/// Of the ways a report can group, those that fit the records of the pipeline.
fn not_a_group(possible: &[&str], kind: PipelineKind) -> Error {
    let fits = |g: &&Grouping| possible.contains(&g.name) && (g.leads || kind == PipelineKind::Deal);
    let names: Vec<&str> = std::iter::once("none").chain(GROUPINGS.iter().filter(fits).map(|g| g.name)).collect();
    Error::parameters(vec![Bad::not_among(&names).at_parameter("group_by")])
}

fn own(name: &str, key: &str, kind: PipelineKind, actor: &Actor) -> Result<Group> {
    let field = match kind {
        PipelineKind::Deal => DEAL.named(name, actor),
        PipelineKind::Lead => LEAD.named(name, actor),
    };
    let Some(FieldRef::Custom(field)) = field else {
        let bad = Bad::parameter("group_by", FieldCode::UnknownField, format!("there is no field {key}"));
        return Err(Error::parameters(vec![bad.of_field(key)]));
    };
    let pieces = by_own(field.kind)
        .ok_or_else(|| wrong("group_by", format!("{key} is a {}, which makes no groups", field.kind.as_str())))?;
    if field.kind == CustomKind::User {
        actor.require_read("users")?;
    }
    Ok(Group { name: name.to_owned(), pieces, own: key.to_owned() })
}

/// A group shows a name or a member of other records: the caller must be allowed to see those.
fn may_group(actor: &Actor, name: &str) -> Result<()> {
    match name {
        "owner" | "closed_by" => actor.require_read("users"),
        "team" => actor.require_read("teams"),
        "source" => actor.require_read("sources"),
        "product" => actor.require_read("products"),
        "stage" => actor.require_read("stages"),
        "sector" if actor.visibility("companies", Action::Read) != Visibility::All => {
            Err(wrong("group_by", "cannot be sector: you do not see all companies"))
        }
        "sector" => actor.require_read("companies"),
        "competitor" if actor.access.hides("deals", "competitor") => {
            Err(wrong("group_by", "cannot be competitor: your role hides it"))
        }
        _ => Ok(()),
    }
}

pub fn wrong(name: &str, detail: impl Into<String>) -> Error {
    Error::parameters(vec![Bad::parameter(name, FieldCode::Invalid, detail)])
}

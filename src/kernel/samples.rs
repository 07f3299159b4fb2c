//! What unit tests share: an actor, a resource with a field of every type, SQL as text, and refusals in one line each.
use crate::kernel::access::actor::{Actor, ActorKind, Settings};
use crate::kernel::access::grants::{Access, Grant, Grants, HiddenField, HiddenFields, Visibility};
use crate::kernel::error::{Error, FieldError};
use crate::kernel::fields::cond::{Cond, Op};
use crate::kernel::fields::custom::{CustomField, CustomFields, CustomKind};
use crate::kernel::fields::field::{Field, field};
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::Search;
use crate::kernel::query::derived::{Derived, DerivedBy};
use crate::kernel::query::fields::Fields;
use crate::kernel::values::text_format::TextFormat;
use crate::kernel::values::typed::Values;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use std::marker::PhantomData;
use std::sync::Arc;
use uuid::Uuid;

diesel::table! {
    boats (id) {
        id -> Uuid,
        name -> Text,
        hull -> Nullable<Text>,
        email -> Nullable<Text>,
        owner_id -> Nullable<Uuid>,
        length -> Integer,
        price_amount -> Nullable<BigInt>,
        price_currency -> Nullable<Text>,
        sold_on -> Nullable<Date>,
        due_end -> Nullable<Timestamptz>,
        due_on -> Nullable<Date>,
        seaworthy -> Bool,
        tags -> Array<Nullable<Text>>,
        created_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

pub const BOATS: Kind = Kind::new("boat", "boats");

static DUE_ON: Field = field("due_on", &boats::due_on);
static OWNER_ID: Field = field("owner_id", &boats::owner_id);
static SOLD_ON: Field = field("sold_on", &boats::sold_on);
static CREATED_AT: Field = field("created_at", &boats::created_at);

pub static BOAT: Fields<boats::table> = Fields {
    kind: BOATS,
    all: &[
        field("name", &boats::name),
        field("hull", &boats::hull).one_of(&["steel", "wood"]),
        field("email", &boats::email).formatted(TextFormat::Email),
        field("owner_id", &boats::owner_id).to(Kind::USER).hot(),
        field("length", &boats::length),
        field("price", &boats::price_amount).at("price.amount").in_currency("currency"),
        field("currency", &boats::price_currency).at("price.currency").formatted(TextFormat::Currency),
        field("sold_on", &boats::sold_on),
        field("due_end", &boats::due_end).of_day(&DUE_ON),
        field("seaworthy", &boats::seaworthy),
        field("tags", &boats::tags),
        field("created_at", &boats::created_at),
        field("deleted_at", &boats::deleted_at),
    ],
    default_sort: "-created_at",
    id: field("id", &boats::id),
    search: Some(Search { sql: "fold(boats.name)", members: &["name"], exact: &[] }),
    derived: &[
        Derived {
            name: "ownerless",
            meaning: "Whether the boat has no owner.",
            by: DerivedBy::Flag(|_| Cond::Empty((&OWNER_ID).into())),
        },
        Derived {
            name: "state",
            meaning: "Whether the boat is sold.",
            by: DerivedBy::Choice(&["kept", "sold"], |_, state| {
                let kept = Cond::Empty((&SOLD_ON).into());
                if state == "kept" { kept } else { !kept }
            }),
        },
        Derived {
            name: "unchanged_since",
            meaning: "The boat did not change since this instant.",
            by: DerivedBy::Since(|at| Cond::Is((&CREATED_AT).into(), Op::Lt, Values::Time(vec![at]))),
        },
    ],
    links: &[],
    table: PhantomData,
};

/// A user of a workspace in Estonia who may do everything with boats.
pub fn actor() -> Actor {
    actor_who_may(&["boats"])
}

/// A user who may do everything with these resources and nothing with others.
pub fn actor_who_may(resources: &[&str]) -> Actor {
    let grant = |resource: &&str| Grant {
        resource: (*resource).to_owned(),
        read: Visibility::All,
        create: Visibility::All,
        update: Visibility::All,
        delete: Visibility::All,
        export: Visibility::All,
    };
    let access = Access::new("sample", &Grants(resources.iter().map(grant).collect()), &HiddenFields::default());
    let user = Uuid::from_u128(2);
    Actor {
        workspace: Uuid::from_u128(1),
        user,
        actor_kind: ActorKind::User,
        principal: user,
        session: None,
        access: Arc::new(access),
        team_members: Arc::new(vec![user]),
        scopes: None,
        settings: Settings {
            time_zone: chrono_tz::UTC,
            own_time_zone: chrono_tz::Europe::Tallinn,
            base_currency: "EUR".into(),
            country: "EE".into(),
            custom: Arc::default(),
        },
    }
}

/// The actor of a workspace that added fields to boats.
pub fn with_fields(actor: Actor, fields: Vec<CustomField>) -> Actor {
    let custom = Arc::new(CustomFields(fields.into_iter().map(Arc::new).collect()));
    Actor { settings: Settings { custom, ..actor.settings.clone() }, ..actor }
}

/// The actor, from whom a field of boats is hidden.
pub fn without_field(actor: Actor, field: &str) -> Actor {
    let hidden = HiddenField { resource: BOATS.path().into(), field: field.into() };
    let access = Access::new("sample", &Grants(Vec::new()), &HiddenFields(vec![hidden]));
    Actor { access: Arc::new(access), ..actor }
}

/// A field that the workspace added to boats.
pub fn custom_field(key: &str, kind: CustomKind, options: &[&str]) -> CustomField {
    CustomField {
        record: BOATS,
        key: key.into(),
        path: format!("cf.{key}"),
        name: key.into(),
        description: None,
        group_name: None,
        kind,
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        refers: None,
        required_stages: Vec::new(),
        archived: false,
    }
}

/// The SQL of a fragment, and its binds.
pub fn sql(fragment: &impl QueryFragment<Pg>) -> String {
    diesel::debug_query::<Pg, _>(fragment).to_string()
}

/// Where a refusal is, and its code: `/name too_long`.
pub fn refusal(bad: &FieldError) -> String {
    let place = bad.pointer.as_deref().or(bad.parameter.as_deref()).unwrap_or_default();
    let code = serde_json::to_value(bad).unwrap()["code"].clone();
    format!("{place} {}", code.as_str().unwrap())
}

/// Every refusal in an error that lists them.
pub fn refusals(error: &Error) -> Vec<String> {
    match error {
        Error::Problem(problem) => problem.errors.iter().map(refusal).collect(),
        other => panic!("no problem of the caller: {other}"),
    }
}

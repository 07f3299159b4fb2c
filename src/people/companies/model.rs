//! The row of a company, its request bodies and its fields.
use crate::db::related;
use crate::kernel::access::next_task::{NextTask, NextTaskFields, Shown};
use crate::kernel::access::resource;
use crate::kernel::access::resource::{Builtin, Descriptor, Display, Reach, Reference, Resource};
use crate::kernel::answers::page::Page;
use crate::kernel::bodies::merge_patch;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::fields::custom::{CustomValue, CustomValues};
use crate::kernel::fields::field::{Field, field};
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::{Search, exact};
use crate::kernel::query::fields::Fields;
use crate::kernel::values::money::Money;
use crate::kernel::values::tags::{Tags, Word};
use crate::kernel::values::text_format::TextFormat;
use crate::kernel::values::time::DateTime;
use crate::kernel::values::{address, event_verbs as verbs};
use crate::records::teams;
use crate::schema::companies;
use crate::{
    attention_filters, hideable, hideable_changes, import_link, list_params, money_columns, next_task_columns,
    next_task_fields, record, related_records,
};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use uuid::Uuid;

money_columns!(Revenue = companies(revenue_amount, revenue_currency));

next_task_columns!(CompanyTask = companies, Company);

/// A company or another organisation.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = companies)]
pub struct Company {
    pub id: Uuid,
    pub name: String,
    pub domain: Option<String>,
    pub sector: Option<String>,
    pub employees: Option<i64>,
    /// Annual revenue.
    #[diesel(embed)]
    #[schema(value_type = Option<Money>)]
    pub revenue: Revenue,
    pub founded_year: Option<i32>,
    pub address: Option<String>,
    pub country: Option<String>,
    pub parent_id: Option<Uuid>,
    pub owner_id: Option<Uuid>,
    #[schema(value_type = Vec<String>)]
    pub tags: Tags,
    /// The values of the custom fields; fields without a value are omitted.
    #[serde(rename = "custom_fields")]
    #[schema(value_type = Vec<CustomValue>)]
    pub custom: CustomValues,
    pub external_id: Option<String>,
    #[diesel(embed)]
    #[schema(value_type = Option<NextTask>)]
    pub next_task: CompanyTask,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
    /// When the record was deleted. Only lists with `include_deleted` or `only_deleted` contain deleted records.
    pub deleted_at: Option<DateTime>,
}
record!(Company, COMPANY);
hideable!(custom Company: revenue => [revenue], employees => [employees], address => [address]);

impl Kind {
    pub const COMPANY: Kind = Kind::new("company", "companies");
}

static OWNER: Field = field("owner_id", &companies::owner_id).hot();

impl Resource for Company {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::COMPANY, "Companies and other organisations.")
        .owned(Reach::Owner(&OWNER), Builtin::Viewer, Builtin::Seller, Builtin::Seller)
        .events(&[verbs::SOFT])
        .described(&COMPANY, "Company")
        .included_as(Display::Column("companies.name"))
        .checked(Reference::Visible)
        .with_csv()
        .with_custom_fields()
        .hiding(Company::HIDEABLE);
}
pub type CompanyPage = Page<Company>;

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct CompanyCreate {
    pub id: Option<Uuid>,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// Stored without scheme, `www` and path: `https://www.Acme.example/about` becomes `acme.example`.
    #[serde(default, deserialize_with = "address::given_domain")]
    #[schema(max_length = 253)]
    pub domain: Option<String>,
    #[schema(max_length = 100)]
    pub sector: Option<String>,
    #[schema(minimum = 0, maximum = 100_000_000)]
    pub employees: Option<i64>,
    pub revenue: Option<Money>,
    #[schema(minimum = 1000, maximum = 9999)]
    pub founded_year: Option<i32>,
    #[schema(max_length = 1000)]
    pub address: Option<String>,
    #[schema(max_length = 100)]
    pub country: Option<String>,
    pub parent_id: Option<Uuid>,
    /// If absent, null; or yourself if you may only create records of some owners.
    pub owner_id: Option<Uuid>,
    #[serde(default)]
    #[schema(value_type = Vec<Word>, max_items = 50, inline)]
    pub tags: Tags,
    /// The values of custom fields.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub custom_fields: Vec<CustomValue>,
    #[schema(max_length = 200)]
    pub external_id: Option<String>,
}
impl Rules for CompanyCreate {}

#[derive(Debug, Default, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = companies)]
pub struct CompanyUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// Stored without scheme, `www` and path: `https://www.Acme.example/about` becomes `acme.example`.
    #[serde(default, deserialize_with = "address::changed_domain")]
    #[schema(max_length = 253)]
    pub domain: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 100)]
    pub sector: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(minimum = 0, maximum = 100_000_000)]
    pub employees: Option<Option<i64>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[diesel(skip_update)]
    pub revenue: Option<Option<Money>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(minimum = 1000, maximum = 9999)]
    pub founded_year: Option<Option<i32>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 1000)]
    pub address: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 100)]
    pub country: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub parent_id: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub owner_id: Option<Option<Uuid>>,
    /// Replaces all tags.
    #[diesel(skip_update)]
    #[schema(nullable = false, value_type = Option<Vec<Word>>, max_items = 50, inline)]
    pub tags: Option<Tags>,
    /// Adds tags.
    #[diesel(skip_update)]
    #[schema(nullable = false, value_type = Option<Vec<Word>>, max_items = 50, inline)]
    pub tags_add: Option<Tags>,
    /// Removes tags, if the record has them.
    #[diesel(skip_update)]
    #[schema(nullable = false, value_type = Option<Vec<Word>>, max_items = 50, inline)]
    pub tags_remove: Option<Tags>,
    /// Sets these custom fields, or clears them if they have no value. The other fields stay.
    #[diesel(skip_update)]
    #[schema(nullable = false, max_items = 100)]
    pub custom_fields: Option<Vec<CustomValue>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 200)]
    pub external_id: Option<Option<String>>,
}
crate::tag_change!(CompanyUpdate);

impl Rules for CompanyUpdate {
    crate::read_only_members_of!(Company);
}
hideable_changes!(CompanyUpdate of COMPANY: revenue, employees, address);

static NEXT_TASK: NextTaskFields = next_task_fields!(companies, Company);

pub static COMPANY: Fields<companies::table> = Fields {
    kind: Kind::COMPANY,
    all: &[
        field("name", &companies::name),
        field("domain", &companies::domain).formatted(TextFormat::Domain),
        field("sector", &companies::sector),
        field("employees", &companies::employees),
        field("revenue", &companies::revenue_amount).at("revenue.amount").in_currency("revenue_currency"),
        field("revenue_currency", &companies::revenue_currency).at("revenue.currency").formatted(TextFormat::Currency),
        field("country", &companies::country),
        field("parent_id", &companies::parent_id).to(Kind::COMPANY),
        field("owner_id", &companies::owner_id).to(Kind::USER).hot(),
        field("tags", &companies::tags),
        field("external_id", &companies::external_id),
        field("next_task_at", &companies::next_task_at)
            .at("next_task.due_at")
            .shown(&Shown::<companies::next_task_at, Company>::NEW)
            .of_day(&NEXT_TASK.on),
        field("created_at", &companies::created_at),
        field("updated_at", &companies::updated_at),
        field("deleted_at", &companies::deleted_at),
    ],
    default_sort: "-created_at",
    id: field("id", &companies::id),
    search: Some(Search {
        sql: "fold(companies.name || ' ' || coalesce(companies.domain, ''))",
        members: &["name", "domain"],
        exact: &[
            exact("fold(companies.name) = ", &["name"]),
            exact("companies.domain = ", &["domain"]).formatted(TextFormat::Domain),
        ],
    }),
    derived: attention_filters!(
        OWNER,
        NEXT_TASK,
        teams::team_filter(
            |actor, teams| teams::of_teams(actor, "companies.owner_id", teams),
            |actor| teams::of_no_team(actor, "companies.owner_id"),
        ),
    ),
    links: &[
        import_link!(COMPANY),
        related_records!("contacts", resource::fields_of(Kind::CONTACT), CONTACT by &COMPANY.id, in CONTACTS_OF_COMPANIES),
        related_records!("deals", &related::DEALS, DEAL by &COMPANY.id, in DEALS_OF_COMPANIES),
    ],
    table: PhantomData,
};
list_params!(CompanyList, COMPANY.parameters());

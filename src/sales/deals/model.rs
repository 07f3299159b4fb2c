//! The deal, the bodies that create and change it, and its fields.
use crate::kernel::access::next_task::{NextTask, NextTaskFields, Shown};
use crate::kernel::access::resource::{Builtin, Descriptor, Display, Reach, Reference, Resource};
use crate::kernel::answers::page::Page;
use crate::kernel::bodies::merge_patch;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{FieldCode, FieldError};
use crate::kernel::fields::custom::{CustomValue, CustomValues};
use crate::kernel::fields::field::{Field, field, inside};
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::{Search, exact, number};
use crate::kernel::query::fields::{Fields, Link, LinkedBy};
use crate::kernel::values::event_verbs as verbs;
use crate::kernel::values::money::Money;
use crate::kernel::values::tags::{Tags, Word};
use crate::kernel::values::text_format::TextFormat;
use crate::kernel::values::time::DateTime;
use crate::people::companies::model::COMPANY;
use crate::people::contacts::model::CONTACT;
use crate::records::teams;
use crate::sales::attention;
use crate::sales::board_position::{self, Placed};
use crate::sales::deals::line_items::LineItemInput;
use crate::sales::history_filters;
use crate::sales::stages::Category;
use crate::schema::deals;
use crate::{
    attention_filters, hideable, hideable_changes, import_link, jsonb, list_params, money_columns, next_task_columns,
    next_task_fields, record, related_records, text_enum,
};
use chrono::NaiveDate;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use uuid::Uuid;

text_enum! {
    /// How likely the seller considers the deal, for the forecast.
    pub enum ForecastCategory {
        Pipeline = "pipeline",
        BestCase = "best_case",
        Commit = "commit",
        Closed = "closed",
        Omitted = "omitted",
    }
}

/// A contact of a deal and the contact's role in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DealContact {
    pub contact_id: Uuid,
    /// For example "decides", "uses" or "pays".
    #[schema(max_length = 100)]
    pub role: Option<String>,
}

/// The contacts of a deal, as stored in its row for responses; `deal_contacts` stores the same as links.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(transparent)]
pub struct DealContacts(pub Vec<DealContact>);
jsonb!(DealContacts);

money_columns!(DealValue = deals(value_amount, value_currency));
next_task_columns!(DealTask = deals, Deal);

/// A deal: open, won or lost.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = deals)]
pub struct Deal {
    pub id: Uuid,
    /// A number for people, such as `D-1042`.
    pub number: String,
    pub title: String,
    pub pipeline_id: Uuid,
    pub stage_id: Uuid,
    /// The category of the stage.
    pub status: Category,
    pub company_id: Option<Uuid>,
    pub owner_id: Option<Uuid>,
    pub source_id: Option<Uuid>,
    #[diesel(embed)]
    #[schema(value_type = Option<Money>)]
    pub value: DealValue,
    /// The deal's own probability. Null means that the probability of its stage applies.
    pub probability_percent: Option<i32>,
    pub expected_close_date: Option<NaiveDate>,
    pub forecast_category: ForecastCategory,
    /// The time at which the deal was won or lost.
    pub closed_at: Option<DateTime>,
    /// The owner at the time of closing, or the user who closed a deal without an owner. A later change of the owner
    /// does not change it.
    pub closed_by_id: Option<Uuid>,
    pub delivery_date: Option<NaiveDate>,
    pub loss_reason_id: Option<Uuid>,
    pub loss_note: Option<String>,
    pub competitor: Option<String>,
    pub next_step: Option<String>,
    #[schema(value_type = Vec<String>)]
    pub tags: Tags,
    #[schema(value_type = Vec<DealContact>)]
    pub contacts: DealContacts,
    /// Values of custom fields. Fields without a value are omitted.
    #[serde(rename = "custom_fields")]
    #[schema(value_type = Vec<CustomValue>)]
    pub custom: CustomValues,
    pub external_id: Option<String>,
    pub stage_entered_at: DateTime,
    /// The last activity of a user or a customer. Changes with an API key do not count.
    pub last_activity_at: DateTime,
    #[diesel(embed)]
    #[schema(value_type = Option<NextTask>)]
    pub next_task: DealTask,
    /// The place on the board, within the stage: a lower number is higher up.
    pub board_position: i64,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
    /// Null unless the request asks for deleted records with `include_deleted` or `only_deleted`.
    pub deleted_at: Option<DateTime>,
}
record!(Deal, DEAL);
hideable!(custom Deal:
    value => [value], probability_percent => [probability_percent], loss_note => [loss_note],
    competitor => [competitor], next_step => [next_step]
);

impl Kind {
    pub const DEAL: Kind = Kind::new("deal", "deals");
}

static OWNER: Field = field("owner_id", &deals::owner_id).hot();

impl Resource for Deal {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::DEAL, "Deals: open, won and lost.")
        .owned(Reach::Owner(&OWNER), Builtin::Viewer, Builtin::Seller, Builtin::Seller)
        .events(&[verbs::SOFT, verbs::MOVED, &["line_items_changed"]])
        .described(&DEAL, "Deal")
        .included_as(Display::Column("deals.title"))
        .checked(Reference::Visible)
        .with_csv()
        .with_custom_fields()
        .hiding(Deal::HIDEABLE);
}
pub type DealPage = Page<Deal>;

#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct DealCreate {
    pub id: Option<Uuid>,
    #[schema(min_length = 1, max_length = 300)]
    pub title: String,
    /// The default pipeline of deals, if absent.
    pub pipeline_id: Option<Uuid>,
    /// The first open stage, if absent.
    pub stage_id: Option<Uuid>,
    pub company_id: Option<Uuid>,
    /// The caller, if absent.
    pub owner_id: Option<Uuid>,
    pub source_id: Option<Uuid>,
    /// The total of the line items, if absent.
    pub value: Option<Money>,
    #[schema(minimum = 0, maximum = 100)]
    pub probability_percent: Option<i32>,
    pub expected_close_date: Option<NaiveDate>,
    /// `pipeline` if absent.
    pub forecast_category: Option<ForecastCategory>,
    pub delivery_date: Option<NaiveDate>,
    /// Required if the deal is created in a lost stage.
    pub loss_reason_id: Option<Uuid>,
    #[schema(max_length = 2000)]
    pub loss_note: Option<String>,
    #[schema(max_length = 200)]
    pub competitor: Option<String>,
    #[schema(max_length = 1000)]
    pub next_step: Option<String>,
    #[serde(default)]
    #[schema(value_type = Vec<Word>, max_items = 50, inline)]
    pub tags: Tags,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub contacts: Vec<DealContact>,
    #[serde(default)]
    #[schema(max_items = 200)]
    pub line_items: Vec<LineItemInput>,
    /// Values of custom fields.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub custom_fields: Vec<CustomValue>,
    #[schema(max_length = 200)]
    pub external_id: Option<String>,
}

impl Rules for DealCreate {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        distinct_contacts(&self.contacts, bad);
    }
}

pub fn distinct_contacts(contacts: &[DealContact], bad: &mut Vec<FieldError>) {
    for (n, contact) in contacts.iter().enumerate() {
        if contacts.iter().take(n).any(|c| c.contact_id == contact.contact_id) {
            bad.push(FieldError::member(
                format!("/contacts/{n}/contact_id"),
                FieldCode::StatedTwice,
                "must not occur twice",
            ));
        }
    }
}

#[derive(Debug, Default, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = deals)]
pub struct DealUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 300)]
    pub title: Option<String>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub company_id: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub owner_id: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub source_id: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[diesel(skip_update)]
    pub value: Option<Option<Money>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(minimum = 0, maximum = 100)]
    pub probability_percent: Option<Option<i32>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub expected_close_date: Option<Option<NaiveDate>>,
    #[schema(nullable = false)]
    pub forecast_category: Option<ForecastCategory>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub delivery_date: Option<Option<NaiveDate>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 200)]
    pub competitor: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 1000)]
    pub next_step: Option<Option<String>>,
    /// Replaces all tags.
    #[diesel(skip_update)]
    #[schema(nullable = false, value_type = Option<Vec<Word>>, max_items = 50, inline)]
    pub tags: Option<Tags>,
    /// Tags to add.
    #[diesel(skip_update)]
    #[schema(nullable = false, value_type = Option<Vec<Word>>, max_items = 50, inline)]
    pub tags_add: Option<Tags>,
    /// Tags to remove. Tags that the record does not have are ignored.
    #[diesel(skip_update)]
    #[schema(nullable = false, value_type = Option<Vec<Word>>, max_items = 50, inline)]
    pub tags_remove: Option<Tags>,
    /// Replaces all contacts. An empty list removes them.
    #[diesel(skip_update)]
    #[schema(nullable = false, max_items = 50)]
    pub contacts: Option<Vec<DealContact>>,
    /// Sets the given custom fields, or clears those without a value. Other custom fields do not change.
    #[diesel(skip_update)]
    #[schema(nullable = false, max_items = 100)]
    pub custom_fields: Option<Vec<CustomValue>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 200)]
    pub external_id: Option<Option<String>>,
}

hideable_changes!(DealUpdate of DEAL: value, probability_percent, competitor, next_step);
crate::tag_change!(DealUpdate);

impl Rules for DealUpdate {
    crate::read_only_members_of!(Deal);

    fn rules(&self, bad: &mut Vec<FieldError>) {
        distinct_contacts(self.contacts.as_deref().unwrap_or_default(), bad);
    }
}

/// The new stage of a deal. A lost stage requires `loss_reason_id`.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct DealMove {
    pub stage_id: Uuid,
    /// The pipeline of the stage, if it differs from the pipeline of the deal.
    pub pipeline_id: Option<Uuid>,
    pub loss_reason_id: Option<Uuid>,
    #[schema(max_length = 2000)]
    pub loss_note: Option<String>,
    #[schema(max_length = 200)]
    pub competitor: Option<String>,
    /// Values of custom fields to set with the move. A stage can require custom fields.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub custom_fields: Vec<CustomValue>,
    /// Puts the record directly before this one on the board. By default it comes first in a new stage.
    pub before_id: Option<Uuid>,
    /// Puts the record directly after this one on the board.
    pub after_id: Option<Uuid>,
}

impl Rules for DealMove {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        board_position::require_one(self.before_id, self.after_id, bad);
    }
}

impl Placed for DealMove {
    fn column(&self) -> Option<Uuid> {
        self.before_id.or(self.after_id).map(|_| self.stage_id)
    }
}

#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct DealWin {
    /// The final value, if it has changed.
    pub value: Option<Money>,
    pub delivery_date: Option<NaiveDate>,
    /// Values of custom fields to set with the move. A stage can require custom fields.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub custom_fields: Vec<CustomValue>,
}
impl Rules for DealWin {}

#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct DealLoss {
    pub loss_reason_id: Uuid,
    #[schema(max_length = 2000)]
    pub loss_note: Option<String>,
    /// The competitor that won the deal.
    #[schema(max_length = 200)]
    pub competitor: Option<String>,
    /// Values of custom fields to set with the move. A stage can require custom fields.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub custom_fields: Vec<CustomValue>,
}
impl Rules for DealLoss {}

#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct DealReopening {
    /// An open stage. If absent, the last open stage of the deal.
    pub stage_id: Option<Uuid>,
    /// Values of custom fields to set with the move. A stage can require custom fields.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub custom_fields: Vec<CustomValue>,
}
impl Rules for DealReopening {}

static COMPANY_ID: Field = field("company_id", &deals::company_id);
static LAST_ACTIVITY_AT: Field = field("last_activity_at", &deals::last_activity_at);

pub static NEXT_TASK: NextTaskFields = next_task_fields!(deals, Deal);

pub static DEAL: Fields<deals::table> = Fields {
    kind: Kind::DEAL,
    all: &[
        field("number", &deals::number).formatted(TextFormat::Number),
        field("title", &deals::title),
        field("pipeline_id", &deals::pipeline_id).to(Kind::PIPELINE).hot(),
        field("stage_id", &deals::stage_id).to(Kind::STAGE).hot(),
        field("status", &deals::status).one_of(Category::TEXTS).hot(),
        field("company_id", &deals::company_id).to(Kind::COMPANY).hot(),
        field("owner_id", &deals::owner_id).to(Kind::USER).hot(),
        field("source_id", &deals::source_id).to(Kind::SOURCE),
        field("value", &deals::value_amount).at("value.amount").in_currency("currency"),
        field("currency", &deals::value_currency).at("value.currency").formatted(TextFormat::Currency),
        field("probability_percent", &deals::probability_percent),
        field("expected_close_date", &deals::expected_close_date),
        field("forecast_category", &deals::forecast_category).one_of(ForecastCategory::TEXTS),
        field("closed_at", &deals::closed_at),
        field("closed_by_id", &deals::closed_by_id).to(Kind::USER),
        field("delivery_date", &deals::delivery_date),
        field("loss_reason_id", &deals::loss_reason_id).to(Kind::LOSS_REASON),
        field("competitor", &deals::competitor),
        field("tags", &deals::tags),
        field("external_id", &deals::external_id).hot(),
        field("stage_entered_at", &deals::stage_entered_at),
        field("last_activity_at", &deals::last_activity_at),
        field("next_task_at", &deals::next_task_at)
            .at("next_task.due_at")
            .shown(&Shown::<deals::next_task_at, Deal>::NEW)
            .of_day(&NEXT_TASK.on),
        field("board_position", &deals::board_position),
        field("created_at", &deals::created_at),
        field("updated_at", &deals::updated_at),
        field("deleted_at", &deals::deleted_at),
    ],
    default_sort: "-created_at",
    id: field("id", &deals::id),
    search: Some(Search {
        sql: "fold(deals.title || ' ' || deals.number)",
        members: &["title", "number"],
        exact: &[exact("fold(deals.title) = ", &["title"]), number("deals.number = upper(")],
    }),
    derived: attention_filters!(
        OWNER,
        NEXT_TASK,
        attention::rotting_filter(attention::rotting_deals),
        attention::untouched_filter(|at| attention::untouched(&LAST_ACTIVITY_AT, at)),
        teams::team_filter(
            |actor, teams| teams::of_teams(actor, "deals.owner_id", teams),
            |actor| teams::of_no_team(actor, "deals.owner_id"),
        ),
        history_filters::reached_filter(
            |actor, stages| history_filters::reached(actor, "deals.stage_path_id", stages),
            |actor| history_filters::unknown(actor, "deals.stage_path_id"),
        ),
        history_filters::last_open_filter(
            |actor, stages| history_filters::last_open(actor, "deals.last_open_stage_id", stages),
            |actor| history_filters::unknown(actor, "deals.last_open_stage_id"),
        ),
        history_filters::beginning_filter(|_| history_filters::flagged("deals.without_beginning")),
        history_filters::entered_filter(|actor, place, period| {
            history_filters::entered(actor, "deals.id", place, period)
        }),
    ),
    links: &[
        Link {
            name: "contact_id",
            by: LinkedBy::Table(
                "select deal_id from deal_contacts where workspace_id = deals.workspace_id and contact_id = ",
            ),
            includes: &[
                inside("contacts", "contacts", Kind::CONTACT),
                inside("primary_contact", "contacts.0.contact_id", Kind::CONTACT),
            ],
        },
        Link {
            name: "product_id",
            by: LinkedBy::Table(
                "select deal_id from line_items where workspace_id = deals.workspace_id and product_id = ",
            ),
            includes: &[],
        },
        import_link!(DEAL),
        related_records!("company", COMPANY.all, COMPANY by &COMPANY_ID, in COMPANIES),
        related_records!("contacts", CONTACT.all, CONTACT by &DEAL.id, in CONTACTS_OF_DEALS),
    ],
    table: PhantomData,
};
list_params!(DealList, DEAL.parameters());

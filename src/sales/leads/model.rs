//! The lead, the bodies that create and change it, and its fields.
use crate::kernel::access::next_task::{NextTask, NextTaskFields, Shown};
use crate::kernel::access::resource::{Builtin, Descriptor, Display, Reach, Reference, Resource};
use crate::kernel::answers::page::Page;
use crate::kernel::bodies::merge_patch;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{FieldCode, FieldError};
use crate::kernel::fields::custom::{CustomValue, CustomValues};
use crate::kernel::fields::field::{Field, field};
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::{Search, exact, number};
use crate::kernel::query::derived::{Derived, DerivedBy};
use crate::kernel::query::fields::Fields;
use crate::kernel::values::address;
use crate::kernel::values::event_verbs as verbs;
use crate::kernel::values::money::Money;
use crate::kernel::values::phones;
use crate::kernel::values::tags::{Tags, Word};
use crate::kernel::values::text_format::TextFormat;
use crate::kernel::values::time::DateTime;
use crate::people::companies::model::COMPANY;
use crate::people::contacts::model::CONTACT;
use crate::records::teams;
use crate::sales::attention;
use crate::sales::board_position::{self, Placed};
use crate::sales::history_filters;
use crate::sales::stages::Category;
use crate::schema::leads;
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
use serde_json::Value as Json;
use std::marker::PhantomData;
use utoipa::ToSchema;
use uuid::Uuid;

text_enum! {
    /// How interested the person is.
    pub enum Rating { Hot = "hot", Warm = "warm", Cold = "cold", }
}

/// The data of a person who is not a contact yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow, ToSchema)]
#[diesel(sql_type = Jsonb)]
pub struct LeadPerson {
    #[schema(max_length = 200)]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "address::given_email")]
    #[schema(format = "email", max_length = 254)]
    pub email: Option<String>,
    #[schema(max_length = 50)]
    pub phone: Option<String>,
    #[schema(max_length = 200)]
    pub company_name: Option<String>,
}
jsonb!(LeadPerson);

impl LeadPerson {
    /// Returns the search keys of the phone number, in a workspace of this country.
    pub fn phone_keys(&self, country: &str) -> Json {
        phones::all_keys(self.phone.iter().map(|phone| (phone.as_str(), phones::e164(phone, country))))
    }
}

money_columns!(LeadValue = leads(value_amount, value_currency));
next_task_columns!(LeadTask = leads, Lead);

/// A lead: an interest that is not qualified yet.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = leads)]
pub struct Lead {
    pub id: Uuid,
    /// A number for people, such as `L-1042`.
    pub number: String,
    pub title: String,
    pub description: Option<String>,
    pub pipeline_id: Uuid,
    pub stage_id: Uuid,
    /// The category of the stage: `won` means qualified, `lost` means disqualified.
    pub status: Category,
    pub contact_id: Option<Uuid>,
    pub company_id: Option<Uuid>,
    pub person: Option<LeadPerson>,
    pub product_id: Option<Uuid>,
    #[diesel(embed)]
    #[schema(value_type = Option<Money>)]
    pub value: LeadValue,
    pub rating: Option<Rating>,
    pub owner_id: Option<Uuid>,
    pub source_id: Option<Uuid>,
    /// The day on which to contact the person again. Until then the lead does not count as neglected.
    pub come_back_on: Option<NaiveDate>,
    pub loss_reason_id: Option<Uuid>,
    pub closed_at: Option<DateTime>,
    /// The owner at the time of closing, or the user who closed a lead without an owner. A later change of the owner
    /// does not change it.
    pub closed_by_id: Option<Uuid>,
    /// The time of the conversion. A converted lead cannot be changed.
    pub converted_at: Option<DateTime>,
    pub converted_deal_id: Option<Uuid>,
    #[schema(value_type = Vec<String>)]
    pub tags: Tags,
    /// Values of custom fields. Fields without a value are omitted.
    #[serde(rename = "custom_fields")]
    #[schema(value_type = Vec<CustomValue>)]
    pub custom: CustomValues,
    pub external_id: Option<String>,
    pub stage_entered_at: DateTime,
    /// The last activity of a user or a customer. Changes with an API key do not count.
    pub last_activity_at: DateTime,
    /// When a user first contacted the person: the first call, message, meeting or visit that is not inbound, or the
    /// creation of the lead if that was earlier.
    pub first_response_at: Option<DateTime>,
    #[diesel(embed)]
    #[schema(value_type = Option<NextTask>)]
    pub next_task: LeadTask,
    /// The place on the board, within the stage: a lower number is higher up.
    pub board_position: i64,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
    /// Null unless the request asks for deleted records with `include_deleted` or `only_deleted`.
    pub deleted_at: Option<DateTime>,
}
record!(Lead, LEAD);
hideable!(custom Lead: person => [person], value => [value]);

impl Kind {
    pub const LEAD: Kind = Kind::new("lead", "leads");
}

static OWNER: Field = field("owner_id", &leads::owner_id).hot();

impl Resource for Lead {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::LEAD, "Leads: interests that are not qualified yet.")
        .owned(Reach::Owner(&OWNER), Builtin::Viewer, Builtin::Seller, Builtin::Seller)
        .events(&[verbs::SOFT, verbs::MOVED, &["converted", "unconverted", "erased"]])
        .described(&LEAD, "Lead")
        .included_as(Display::Column("leads.title"))
        .checked(Reference::Visible)
        .announced_as("new_lead")
        .with_csv()
        .with_custom_fields()
        .hiding(Lead::HIDEABLE);
}
pub type LeadPage = Page<Lead>;

#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct LeadCreate {
    pub id: Option<Uuid>,
    /// What the person wants, in a few words. If absent, the name of the person or of the company, or else `Lead` and
    /// the number. If a role of the workspace hides `person`, always `Lead` and the number.
    #[schema(min_length = 1, max_length = 300)]
    pub title: Option<String>,
    #[schema(max_length = 10_000)]
    pub description: Option<String>,
    /// The default pipeline of leads, if absent.
    pub pipeline_id: Option<Uuid>,
    /// The first open stage, if absent.
    pub stage_id: Option<Uuid>,
    pub contact_id: Option<Uuid>,
    pub company_id: Option<Uuid>,
    /// The data of a person who is not a contact yet.
    pub person: Option<LeadPerson>,
    pub product_id: Option<Uuid>,
    /// The estimated value.
    pub value: Option<Money>,
    pub rating: Option<Rating>,
    /// The caller, if absent.
    pub owner_id: Option<Uuid>,
    pub source_id: Option<Uuid>,
    /// Also creates a task for that day.
    pub come_back_on: Option<NaiveDate>,
    #[serde(default)]
    #[schema(value_type = Vec<Word>, max_items = 50, inline)]
    pub tags: Tags,
    /// Values of custom fields.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub custom_fields: Vec<CustomValue>,
    #[schema(max_length = 200)]
    pub external_id: Option<String>,
}

impl LeadCreate {
    /// Returns the title, or else the name of the person or company, or else one with the number. An e-mail address
    /// or phone number is not used. If a role hides `person`, its names are not used either, because the title is
    /// visible to everyone.
    pub fn title_of(&self, number: &str, hidden: bool) -> String {
        let person = self.person.as_ref().filter(|_| !hidden);
        let name = person.and_then(|person| person.name.as_deref());
        let company = person.and_then(|person| person.company_name.as_deref());
        let mut texts = [self.title.as_deref(), name, company].into_iter().flatten();
        texts.find(|text| !text.is_empty()).map_or_else(|| format!("Lead {number}"), str::to_owned)
    }

    pub fn has_title(&self) -> bool {
        self.title.as_ref().is_some_and(|title| !title.is_empty())
    }

    /// Checks whether the body has a title or any data of the person.
    fn says_something(&self) -> bool {
        let person = self.person.clone().unwrap_or_default();
        let texts = [self.title.clone(), person.name, person.company_name, person.email, person.phone];
        texts.into_iter().flatten().any(|text| !text.is_empty())
    }
}

impl Rules for LeadCreate {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        if !self.says_something() {
            bad.push(FieldError::member(
                "/title",
                FieldCode::Required,
                "is required unless person has a name, company_name, email or phone",
            ));
        }
    }
}

#[derive(Debug, Default, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = leads)]
pub struct LeadUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 300)]
    pub title: Option<String>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 10_000)]
    pub description: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub contact_id: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub company_id: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub person: Option<Option<LeadPerson>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub product_id: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[diesel(skip_update)]
    pub value: Option<Option<Money>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub rating: Option<Option<Rating>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub owner_id: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub source_id: Option<Option<Uuid>>,
    /// Also moves the task for that day, or deletes it when the day is cleared.
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub come_back_on: Option<Option<NaiveDate>>,
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
    /// Sets the given custom fields, or clears those without a value. Other custom fields do not change.
    #[diesel(skip_update)]
    #[schema(nullable = false, max_items = 100)]
    pub custom_fields: Option<Vec<CustomValue>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 200)]
    pub external_id: Option<Option<String>>,
}
crate::tag_change!(LeadUpdate);

impl Rules for LeadUpdate {
    crate::read_only_members_of!(Lead);
}
hideable_changes!(LeadUpdate of LEAD: person, value);

/// The new stage of a lead. A lost stage requires `loss_reason_id`.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct LeadMove {
    pub stage_id: Uuid,
    /// The pipeline of the stage, if it differs from the pipeline of the lead.
    pub pipeline_id: Option<Uuid>,
    pub loss_reason_id: Option<Uuid>,
    /// Values of custom fields to set with the move. A stage can require custom fields.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub custom_fields: Vec<CustomValue>,
    /// Puts the record directly before this one on the board. By default it comes first in a new stage.
    pub before_id: Option<Uuid>,
    /// Puts the record directly after this one on the board.
    pub after_id: Option<Uuid>,
}

impl Rules for LeadMove {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        board_position::require_one(self.before_id, self.after_id, bad);
    }
}

impl Placed for LeadMove {
    fn column(&self) -> Option<Uuid> {
        self.before_id.or(self.after_id).map(|_| self.stage_id)
    }
}

#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct LeadDisqualification {
    pub loss_reason_id: Uuid,
    /// Also creates a note on the lead.
    #[schema(min_length = 1, max_length = 10_000)]
    pub note: Option<String>,
    /// Values of custom fields to set with the move. A stage can require custom fields.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub custom_fields: Vec<CustomValue>,
}
impl Rules for LeadDisqualification {}

/// A disqualified lead gets another chance at a later date.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct LeadRecycling {
    /// The day on which to contact the person again. Also creates a task for that day.
    pub come_back_on: NaiveDate,
    /// An open stage of the lead's pipeline; the first one if absent.
    pub stage_id: Option<Uuid>,
    /// The reason. Creates a note on the lead.
    #[schema(min_length = 1, max_length = 10_000)]
    pub note: Option<String>,
}
impl Rules for LeadRecycling {}

static COMPANY_ID: Field = field("company_id", &leads::company_id);
static STATUS: Field = field("status", &leads::status);
static LAST_ACTIVITY_AT: Field = field("last_activity_at", &leads::last_activity_at);
static FIRST_RESPONSE_AT: Field = field("first_response_at", &leads::first_response_at);
static CONTACT_ID: Field = field("contact_id", &leads::contact_id);

pub static NEXT_TASK: NextTaskFields = next_task_fields!(leads, Lead);

pub static LEAD: Fields<leads::table> = Fields {
    kind: Kind::LEAD,
    all: &[
        field("number", &leads::number).formatted(TextFormat::Number),
        field("title", &leads::title),
        field("pipeline_id", &leads::pipeline_id).to(Kind::PIPELINE).hot(),
        field("stage_id", &leads::stage_id).to(Kind::STAGE).hot(),
        field("status", &leads::status).one_of(Category::TEXTS).hot(),
        field("contact_id", &leads::contact_id).to(Kind::CONTACT).hot(),
        field("company_id", &leads::company_id).to(Kind::COMPANY).hot(),
        field("product_id", &leads::product_id).to(Kind::PRODUCT),
        field("value", &leads::value_amount).at("value.amount").in_currency("currency"),
        field("currency", &leads::value_currency).at("value.currency").formatted(TextFormat::Currency),
        field("rating", &leads::rating).one_of(Rating::TEXTS),
        field("owner_id", &leads::owner_id).to(Kind::USER).hot(),
        field("source_id", &leads::source_id).to(Kind::SOURCE),
        field("come_back_on", &leads::come_back_on),
        field("loss_reason_id", &leads::loss_reason_id).to(Kind::LOSS_REASON),
        field("closed_at", &leads::closed_at),
        field("closed_by_id", &leads::closed_by_id).to(Kind::USER),
        field("converted_at", &leads::converted_at),
        field("converted_deal_id", &leads::converted_deal_id).to(Kind::DEAL),
        field("tags", &leads::tags),
        field("external_id", &leads::external_id).hot(),
        field("stage_entered_at", &leads::stage_entered_at),
        field("last_activity_at", &leads::last_activity_at),
        field("first_response_at", &leads::first_response_at),
        field("next_task_at", &leads::next_task_at)
            .at("next_task.due_at")
            .shown(&Shown::<leads::next_task_at, Lead>::NEW)
            .of_day(&NEXT_TASK.on),
        field("board_position", &leads::board_position),
        field("created_at", &leads::created_at),
        field("updated_at", &leads::updated_at),
        field("deleted_at", &leads::deleted_at),
    ],
    default_sort: "-created_at",
    id: field("id", &leads::id),
    search: Some(Search {
        sql: "fold(leads.title || ' ' || leads.number || ' ' || coalesce(leads.person ->> 'name', '') || ' ' || \
              coalesce(leads.person ->> 'company_name', '') || ' ' || coalesce(leads.person ->> 'email', '') || ' ' || \
              coalesce(leads.person ->> 'phone', '') || ' ' || \
              translate(leads.phone_keys::text, '[]\",', '') || together(leads.person ->> 'name', null))",
        members: &["title", "number", "person.name", "person.company_name", "person.email", "person.phone"],
        exact: &[
            exact("fold(leads.title) = ", &["title"]),
            number("leads.number = upper("),
            exact("fold(leads.person ->> 'name') = ", &["person"]),
            exact("(leads.person ->> 'email') = ", &["person"]).formatted(TextFormat::Email),
            exact("leads.phone_keys ?| ", &["person"]).formatted(TextFormat::Phone),
        ],
    }),
    derived: attention_filters!(
        OWNER,
        NEXT_TASK,
        attention::rotting_filter(attention::rotting_leads),
        attention::untouched_filter(|at| attention::untouched(&LAST_ACTIVITY_AT, at)),
        teams::team_filter(
            |actor, teams| teams::of_teams(actor, "leads.owner_id", teams),
            |actor| teams::of_no_team(actor, "leads.owner_id"),
        ),
        history_filters::reached_filter(
            |actor, stages| history_filters::reached(actor, "leads.stage_path_id", stages),
            |actor| history_filters::unknown(actor, "leads.stage_path_id"),
        ),
        history_filters::last_open_filter(
            |actor, stages| history_filters::last_open(actor, "leads.last_open_stage_id", stages),
            |actor| history_filters::unknown(actor, "leads.last_open_stage_id"),
        ),
        history_filters::beginning_filter(|_| history_filters::flagged("leads.without_beginning")),
        history_filters::entered_filter(|actor, place, period| {
            history_filters::entered(actor, "leads.id", place, period)
        }),
        Derived {
            name: "unanswered",
            meaning: "Whether the lead is open and nobody has contacted the person since it was created.",
            by: DerivedBy::Flag(|_| attention::unanswered(&STATUS, &FIRST_RESPONSE_AT)),
        },
    ),
    links: &[
        import_link!(LEAD),
        related_records!("company", COMPANY.all, COMPANY by &COMPANY_ID, in COMPANIES),
        related_records!("contact", CONTACT.all, CONTACT by &CONTACT_ID, in CONTACTS),
    ],
    table: PhantomData,
};
list_params!(LeadList, LEAD.parameters());

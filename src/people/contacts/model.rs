//! The row of a contact, its request bodies and its fields.
use crate::db::related;
use crate::kernel::access::grants::Access;
use crate::kernel::access::next_task::{NextTask, NextTaskFields, Shown};
use crate::kernel::access::resource::{Builtin, Descriptor, Display, Reach, Reference, Resource};
use crate::kernel::answers::page::Page;
use crate::kernel::bodies::merge_patch;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{FieldCode, FieldError};
use crate::kernel::fields::custom::{CustomValue, CustomValues};
use crate::kernel::fields::field::{AllValues, Field, Sql, expression, field};
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::{Search, exact};
use crate::kernel::query::fields::{Fields, Link, LinkedBy};
use crate::kernel::values::event_verbs as verbs;
use crate::kernel::values::phones;
use crate::kernel::values::tags::{Tags, Word};
use crate::kernel::values::text_format::TextFormat;
use crate::kernel::values::time::DateTime;
use crate::kernel::values::value_type::ValueType;
use crate::people::companies::model::COMPANY;
use crate::people::contacts::reach::{
    self, Accounts, Channel, Channels, ContactAccount, ContactAccountInput, ContactEmail, ContactPhone,
    ContactPhoneInput, Emails, Phones, QuietHours,
};
use crate::records::teams;
use crate::schema::contacts;
use crate::{
    attention_filters, hideable, hideable_changes, import_link, jsonb, list_params, next_task_columns,
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
    /// The stage of the relationship.
    pub enum Lifecycle {
        Subscriber = "subscriber",
        Lead = "lead",
        Qualified = "qualified",
        Customer = "customer",
        Advocate = "advocate",
        Lost = "lost",
    }
}
/// Whether a person has agreed to be contacted through a channel, with the proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Consent {
    pub channel: Channel,
    pub granted: bool,
    pub at: DateTime,
    /// How it was given, such as a form, a call or a signature.
    #[schema(max_length = 200)]
    pub how: Option<String>,
    /// The text that the person agreed to.
    #[schema(max_length = 2000)]
    pub text: Option<String>,
}

/// The first touch: how a person was first met. It cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow, ToSchema)]
#[diesel(sql_type = Jsonb)]
pub struct FirstTouch {
    pub source_id: Option<Uuid>,
    #[schema(max_length = 200)]
    pub campaign: Option<String>,
    /// Such as `fair`, `web`, `phone`.
    #[schema(max_length = 100)]
    pub channel: Option<String>,
    pub at: DateTime,
    /// Such as "took a brochure at the stand".
    #[schema(max_length = 1000)]
    pub how: Option<String>,
}

/// The consents of a contact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(transparent)]
pub struct Consents(pub Vec<Consent>);
jsonb!(FirstTouch, Consents);

next_task_columns!(ContactTask = contacts, Contact);

/// A person.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = contacts)]
pub struct Contact {
    pub id: Uuid,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// The primary e-mail: the first of `emails`. A filter by `email` searches all of them.
    pub email: Option<String>,
    /// The primary phone: the first of `phones`, in E.164 if it can be parsed. A filter by `phone` searches all of
    /// them, in national and international form, with any separators.
    pub phone: Option<String>,
    #[schema(value_type = Vec<ContactEmail>)]
    pub emails: Emails,
    #[schema(value_type = Vec<ContactPhone>)]
    pub phones: Phones,
    /// Accounts in messengers and networks.
    #[schema(value_type = Vec<ContactAccount>)]
    pub accounts: Accounts,
    pub company_id: Option<Uuid>,
    /// The position at the company.
    pub position: Option<String>,
    pub address: Option<String>,
    pub birthday: Option<NaiveDate>,
    pub locale: Option<String>,
    pub time_zone: Option<String>,
    pub preferred_channel: Option<Channel>,
    /// Calls and letters to the person cannot be planned.
    pub do_not_contact: bool,
    /// Channels that must not be used.
    #[schema(value_type = Vec<Channel>)]
    pub do_not_contact_channels: Channels,
    /// The hours for which no call or letter can be planned, in the time zone of the contact or of the workspace.
    pub quiet_hours: Option<QuietHours>,
    #[schema(value_type = Vec<Consent>)]
    pub consents: Consents,
    pub lifecycle: Lifecycle,
    /// The source of the contact.
    pub source_id: Option<Uuid>,
    pub first_touch: Option<FirstTouch>,
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
    pub next_task: ContactTask,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
    /// When the record was deleted. Only lists with `include_deleted` or `only_deleted` contain deleted records.
    pub deleted_at: Option<DateTime>,
}
record!(Contact, CONTACT);
hideable!(custom Contact:
    email => [email, emails], phone => [phone, phones], accounts => [accounts], address => [address], birthday => [birthday],
    consents => [consents], first_touch => [first_touch]
);

impl Kind {
    pub const CONTACT: Kind = Kind::new("contact", "contacts");
}

static OWNER: Field = field("owner_id", &contacts::owner_id).hot();

/// The name of a contact, or else an address that the role shows.
fn display_name(access: &Access) -> &'static str {
    macro_rules! name {
        ($($address:literal)*) => {
            concat!("coalesce(nullif(concat_ws(' ', contacts.first_name, contacts.last_name), '')", $(", ", $address,)* ", '')")
        };
    }
    let shows = |member| !access.hides(Kind::CONTACT.path(), member);
    match (shows("email"), shows("phone")) {
        (true, true) => name!("contacts.email" "contacts.phone"),
        (true, false) => name!("contacts.email"),
        (false, true) => name!("contacts.phone"),
        (false, false) => name!(),
    }
}

impl Resource for Contact {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::CONTACT, "People, such as customers.")
        .owned(Reach::Owner(&OWNER), Builtin::Viewer, Builtin::Seller, Builtin::Seller)
        .events(&[verbs::SOFT, &["exported", "erased"]])
        .described(&CONTACT, "Contact")
        .included_as(Display::ByRole(display_name))
        .checked(Reference::Visible)
        .with_csv()
        .with_custom_fields()
        .hiding(Contact::HIDEABLE);
}
pub type ContactPage = Page<Contact>;

#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct ContactCreate {
    pub id: Option<Uuid>,
    #[schema(max_length = 100)]
    pub first_name: Option<String>,
    #[schema(max_length = 100)]
    pub last_name: Option<String>,
    /// The only e-mail. For several, use `emails` instead.
    #[schema(format = "email", max_length = 254)]
    pub email: Option<String>,
    /// The only phone. For several, use `phones` instead.
    #[schema(max_length = 50)]
    pub phone: Option<String>,
    /// All addresses or numbers; the first is the primary one.
    #[schema(max_items = 20)]
    pub emails: Option<Vec<ContactEmail>>,
    /// All addresses or numbers; the first is the primary one.
    #[schema(max_items = 20)]
    pub phones: Option<Vec<ContactPhoneInput>>,
    /// Accounts in messengers and networks.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub accounts: Vec<ContactAccountInput>,
    pub company_id: Option<Uuid>,
    #[schema(max_length = 200)]
    pub position: Option<String>,
    #[schema(max_length = 1000)]
    pub address: Option<String>,
    pub birthday: Option<NaiveDate>,
    #[schema(max_length = 35)]
    pub locale: Option<String>,
    #[schema(format = "time-zone", max_length = 64)]
    pub time_zone: Option<String>,
    pub preferred_channel: Option<Channel>,
    #[serde(default)]
    pub do_not_contact: bool,
    #[serde(default)]
    #[schema(value_type = Vec<Channel>, max_items = 10)]
    pub do_not_contact_channels: Channels,
    pub quiet_hours: Option<QuietHours>,
    #[serde(default)]
    #[schema(max_items = 20)]
    pub consents: Vec<Consent>,
    /// `lead` if absent.
    pub lifecycle: Option<Lifecycle>,
    /// The source of the contact. If `first_touch` is absent, it also becomes the source of the first touch.
    pub source_id: Option<Uuid>,
    pub first_touch: Option<FirstTouch>,
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

const NAMELESS: &str = "a contact must have a name, an e-mail or a phone";

impl Rules for ContactCreate {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        let texts = [&self.first_name, &self.last_name, &self.email, &self.phone];
        let lists =
            self.emails.as_ref().is_some_and(|e| !e.is_empty()) || self.phones.as_ref().is_some_and(|p| !p.is_empty());
        if !lists && texts.iter().all(|t| t.as_ref().is_none_or(String::is_empty)) {
            bad.push(FieldError::member("/last_name", FieldCode::Required, NAMELESS));
        }
        not_both(self.email.is_some(), self.emails.is_some(), "/email", bad);
        not_both(self.phone.is_some(), self.phones.is_some(), "/phone", bad);
        reach::check(&self.accounts, bad);
    }
}

fn not_both(one: bool, many: bool, pointer: &str, bad: &mut Vec<FieldError>) {
    if one && many {
        bad.push(FieldError::member(pointer, FieldCode::StatedTwice, "must not be sent together with the list"));
    }
}

#[derive(Debug, Default, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = contacts)]
pub struct ContactUpdate {
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 100)]
    pub first_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 100)]
    pub last_name: Option<Option<String>>,
    /// Replaces the primary e-mail; the others stay. Null removes it, and the next one becomes primary.
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[diesel(skip_update)]
    #[schema(format = "email", max_length = 254)]
    pub email: Option<Option<String>>,
    /// Replaces the primary phone; the others stay. Null removes it, and the next one becomes primary.
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[diesel(skip_update)]
    #[schema(max_length = 50)]
    pub phone: Option<Option<String>>,
    /// Replaces the whole list; the first is the primary one.
    #[diesel(skip_update)]
    #[schema(nullable = false, max_items = 20)]
    pub emails: Option<Vec<ContactEmail>>,
    /// Replaces the whole list; the first is the primary one.
    #[diesel(skip_update)]
    #[schema(nullable = false, max_items = 20)]
    pub phones: Option<Vec<ContactPhoneInput>>,
    /// Replaces all accounts.
    #[diesel(skip_update)]
    #[schema(nullable = false, max_items = 20)]
    pub accounts: Option<Vec<ContactAccountInput>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub company_id: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 200)]
    pub position: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 1000)]
    pub address: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub birthday: Option<Option<NaiveDate>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 35)]
    pub locale: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(format = "time-zone", max_length = 64)]
    pub time_zone: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub preferred_channel: Option<Option<Channel>>,
    #[schema(nullable = false)]
    pub do_not_contact: Option<bool>,
    #[schema(nullable = false, value_type = Option<Vec<Channel>>, max_items = 10)]
    pub do_not_contact_channels: Option<Channels>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub quiet_hours: Option<Option<QuietHours>>,
    #[diesel(skip_update)]
    #[schema(nullable = false, max_items = 20)]
    pub consents: Option<Vec<Consent>>,
    #[schema(nullable = false)]
    pub lifecycle: Option<Lifecycle>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub source_id: Option<Option<Uuid>>,
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

hideable_changes!(ContactUpdate of CONTACT: email, emails, phone, phones, accounts, address, birthday, consents);
crate::tag_change!(ContactUpdate);

impl Rules for ContactUpdate {
    crate::read_only_members_of!(Contact);

    fn derived_members() -> &'static [(&'static str, &'static str)] {
        &[("email", "emails"), ("phone", "phones")]
    }

    fn rules(&self, bad: &mut Vec<FieldError>) {
        not_both(self.email.is_some(), self.emails.is_some(), "/email", bad);
        not_both(self.phone.is_some(), self.phones.is_some(), "/phone", bad);
        reach::check(self.accounts.as_deref().unwrap_or_default(), bad);
    }
}

static COMPANY_ID: Field = field("company_id", &contacts::company_id);
static ALL_EMAILS: AllValues = AllValues {
    is_any: "jsonb_path_query_array(contacts.emails, '$[*].email') ?| ",
    each: "jsonb_array_elements_text(jsonb_path_query_array(contacts.emails, '$[*].email'))",
    of: |row| texts(row, "emails", "email").collect(),
};

static ALL_PHONES: AllValues = AllValues {
    is_any: "contacts.phone_keys ?| ",
    each: "jsonb_array_elements_text(contacts.phone_keys)",
    of: |row| {
        let numbers = texts(row, "phones", "phone").zip(row["phones"].as_array().into_iter().flatten());
        numbers.flat_map(|(written, phone)| phones::keys(&written, phone["e164"].as_str())).collect()
    },
};

static ALL_ACCOUNTS: AllValues = AllValues {
    is_any: "jsonb_path_query_array(contacts.accounts, '$[*].key') ?| ",
    each: "jsonb_array_elements_text(jsonb_path_query_array(contacts.accounts, '$[*].key'))",
    of: |row| texts(row, "accounts", "key").collect(),
};

fn texts<'r>(row: &'r Json, list: &str, member: &'r str) -> impl Iterator<Item = String> + 'r {
    let items = row.get(list).and_then(Json::as_array).into_iter().flatten();
    items.filter_map(move |item| item.get(member)?.as_str().map(str::to_owned))
}

static NEXT_TASK: NextTaskFields = next_task_fields!(contacts, Contact);

pub static CONTACT: Fields<contacts::table> = Fields {
    kind: Kind::CONTACT,
    all: &[
        field("first_name", &contacts::first_name),
        field("last_name", &contacts::last_name),
        field("email", &contacts::email).formatted(TextFormat::Email).first_of(&ALL_EMAILS).hot(),
        field("phone", &contacts::phone).formatted(TextFormat::Phone).first_of(&ALL_PHONES).hot(),
        expression("account", ValueType::Text, &Sql("(contacts.accounts -> 0 ->> 'key')"))
            .at("accounts.0.key")
            .formatted(TextFormat::Account)
            .first_of(&ALL_ACCOUNTS),
        field("company_id", &contacts::company_id).to(Kind::COMPANY).hot(),
        field("position", &contacts::position),
        field("birthday", &contacts::birthday),
        field("preferred_channel", &contacts::preferred_channel).one_of(Channel::TEXTS),
        field("do_not_contact", &contacts::do_not_contact),
        field("lifecycle", &contacts::lifecycle).one_of(Lifecycle::TEXTS),
        field("source_id", &contacts::source_id).to(Kind::SOURCE),
        expression("first_touch_source_id", ValueType::Uuid, &Sql("((contacts.first_touch ->> 'source_id')::uuid)"))
            .at("first_touch.source_id"),
        expression("first_touch_campaign", ValueType::Text, &Sql("(contacts.first_touch ->> 'campaign')"))
            .at("first_touch.campaign"),
        expression("first_touch_channel", ValueType::Text, &Sql("(contacts.first_touch ->> 'channel')"))
            .at("first_touch.channel"),
        expression("first_touch_at", ValueType::Time, &Sql("((contacts.first_touch ->> 'at')::timestamptz)"))
            .at("first_touch.at"),
        // The channels whose latest consent is granted.
        expression("consents", ValueType::TextArray, &Sql("agreed(contacts.consents)")).one_of(Channel::TEXTS),
        field("owner_id", &contacts::owner_id).to(Kind::USER).hot(),
        field("tags", &contacts::tags),
        field("external_id", &contacts::external_id).hot(),
        field("next_task_at", &contacts::next_task_at)
            .at("next_task.due_at")
            .shown(&Shown::<contacts::next_task_at, Contact>::NEW)
            .of_day(&NEXT_TASK.on),
        field("created_at", &contacts::created_at),
        field("updated_at", &contacts::updated_at),
        field("deleted_at", &contacts::deleted_at),
    ],
    default_sort: "-created_at",
    id: field("id", &contacts::id),
    search: Some(Search {
        sql: "fold(coalesce(contacts.first_name, '') || ' ' || coalesce(contacts.last_name, '') || ' ' || \
              translate(jsonb_path_query_array(contacts.emails, '$[*].email')::text, '[]\",', '') || ' ' || \
              translate(contacts.phone_keys::text, '[]\",', '') || together(contacts.last_name, contacts.first_name) || \
              together(contacts.first_name, contacts.last_name))",
        members: &["first_name", "last_name", "email", "phone"],
        exact: &[
            exact(
                "fold(btrim(coalesce(contacts.first_name, '') || ' ' || coalesce(contacts.last_name, ''))) = ",
                &["first_name", "last_name"],
            ),
            exact("fold(contacts.first_name) = ", &["first_name"]),
            exact("fold(contacts.last_name) = ", &["last_name"]),
            exact("jsonb_path_query_array(contacts.emails, '$[*].email') ? ", &["email"]).formatted(TextFormat::Email),
            exact("contacts.phone_keys ?| ", &["phone"]).formatted(TextFormat::Phone),
        ],
    }),
    derived: attention_filters!(
        OWNER,
        NEXT_TASK,
        teams::team_filter(
            |actor, teams| teams::of_teams(actor, "contacts.owner_id", teams),
            |actor| teams::of_no_team(actor, "contacts.owner_id"),
        ),
    ),
    links: &[
        Link {
            name: "deal_id",
            by: LinkedBy::Seen(|actor, deals| related::people_of_deals(&CONTACT, actor, deals)),
            includes: &[],
        },
        import_link!(CONTACT),
        related_records!("company", COMPANY.all, COMPANY by &COMPANY_ID, in COMPANIES),
        related_records!("deals", &related::DEALS, DEAL by &CONTACT.id, in DEALS_OF_CONTACTS),
    ],
    table: PhantomData,
};
list_params!(ContactList, CONTACT.parameters());

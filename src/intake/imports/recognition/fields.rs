//! The fields to which columns can be mapped, per resource, and the kind of values that each takes. A path names a field
//! of the record of the row (`title`), of a record that comes with it (`contact.email`), or of a part (`address.city`).

/// The kinds of record that a row can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    Contacts,
    Companies,
    Leads,
    Deals,
    Tasks,
    Activities,
    Users,
    Products,
}

impl Resource {
    pub const ALL: [Resource; 8] = [
        Resource::Contacts,
        Resource::Companies,
        Resource::Leads,
        Resource::Deals,
        Resource::Tasks,
        Resource::Activities,
        Resource::Users,
        Resource::Products,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Resource::Contacts => "contacts",
            Resource::Companies => "companies",
            Resource::Leads => "leads",
            Resource::Deals => "deals",
            Resource::Tasks => "tasks",
            Resource::Activities => "activities",
            Resource::Users => "users",
            Resource::Products => "products",
        }
    }

    pub const fn singular(self) -> &'static str {
        match self {
            Resource::Contacts => "contact",
            Resource::Companies => "company",
            Resource::Leads => "lead",
            Resource::Deals => "deal",
            Resource::Tasks => "task",
            Resource::Activities => "activity",
            Resource::Users => "user",
            Resource::Products => "product",
        }
    }

    pub fn of_text(text: &str) -> Option<Resource> {
        Resource::ALL.into_iter().find(|resource| resource.as_str() == text || resource.singular() == text)
    }
}

/// The kind of an address, number or e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AddressKind {
    Work,
    Home,
    Mobile,
    Other,
}

impl AddressKind {
    pub const ALL: [AddressKind; 4] = [AddressKind::Work, AddressKind::Home, AddressKind::Mobile, AddressKind::Other];

    pub const fn as_str(self) -> &'static str {
        match self {
            AddressKind::Work => "work",
            AddressKind::Home => "home",
            AddressKind::Mobile => "mobile",
            AddressKind::Other => "other",
        }
    }

    pub fn of_text(text: &str) -> Option<AddressKind> {
        AddressKind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The kind of values that a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    Text,
    /// The name of a record.
    Name,
    Email,
    Phone,
    Url,
    Date,
    Time,
    /// A time of day.
    Clock,
    Duration,
    Money,
    Integer,
    Percent,
    Boolean,
    Currency,
    Id,
    Uuid,
    /// Tags.
    Words,
    /// One of a few values.
    Choice,
}

/// A field. Several columns can feed a field that is `many`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    pub value: Value,
    pub many: bool,
}

type Row = (&'static str, Value, bool);

const ONE: bool = false;
const MANY: bool = true;

const REACH: &[Row] = &[
    ("email", Value::Email, MANY),
    ("email.kind", Value::Choice, MANY),
    ("phone", Value::Phone, MANY),
    ("phone.kind", Value::Choice, MANY),
    ("fax", Value::Phone, MANY),
    ("fax.kind", Value::Choice, MANY),
    ("website", Value::Url, MANY),
    ("linkedin", Value::Url, ONE),
    ("messenger", Value::Text, MANY),
    ("address", Value::Text, MANY),
    ("address.kind", Value::Choice, MANY),
    ("address.street", Value::Text, ONE),
    ("address.house_number", Value::Text, ONE),
    ("address.street2", Value::Text, ONE),
    ("address.po_box", Value::Text, ONE),
    ("address.city", Value::Text, ONE),
    ("address.district", Value::Text, ONE),
    ("address.region", Value::Text, ONE),
    ("address.postal_code", Value::Text, ONE),
    ("address.country", Value::Text, ONE),
    ("address.latitude", Value::Text, ONE),
    ("address.longitude", Value::Text, ONE),
];

const RECORD: &[Row] = &[
    ("id", Value::Uuid, ONE),
    ("external_id", Value::Id, ONE),
    ("owner", Value::Name, ONE),
    ("team", Value::Name, ONE),
    ("tags", Value::Words, MANY),
    ("note", Value::Text, MANY),
    ("created_at", Value::Time, ONE),
    ("source", Value::Name, ONE),
    ("source_detail", Value::Text, ONE),
    ("campaign", Value::Name, ONE),
    ("utm.medium", Value::Text, ONE),
    ("utm.content", Value::Text, ONE),
    ("utm.term", Value::Text, ONE),
    ("is_deleted", Value::Choice, ONE),
];

const CONTACTS: &[Row] = &[
    ("name", Value::Name, ONE),
    ("first_name", Value::Name, ONE),
    ("middle_name", Value::Name, ONE),
    ("last_name", Value::Name, ONE),
    ("name_prefix", Value::Text, ONE),
    ("name_suffix", Value::Text, ONE),
    ("nickname", Value::Text, ONE),
    ("position", Value::Text, ONE),
    ("department", Value::Text, ONE),
    ("company", Value::Name, ONE),
    ("birthday", Value::Date, ONE),
    ("gender", Value::Choice, ONE),
    ("locale", Value::Text, ONE),
    ("time_zone", Value::Text, ONE),
    ("preferred_channel", Value::Choice, ONE),
    ("do_not_contact", Value::Boolean, ONE),
    ("do_not_call", Value::Boolean, ONE),
    ("consent.email", Value::Choice, ONE),
    ("consent.email_at", Value::Time, ONE),
    ("consent.email_denied", Value::Boolean, ONE),
    ("lifecycle", Value::Choice, ONE),
    ("first_touch.at", Value::Date, ONE),
    ("deal", Value::Name, MANY),
];

const COMPANIES: &[Row] = &[
    ("name", Value::Name, ONE),
    ("domain", Value::Url, ONE),
    ("sector", Value::Text, ONE),
    ("employees", Value::Integer, ONE),
    ("revenue", Value::Money, ONE),
    ("revenue.currency", Value::Currency, ONE),
    ("founded_year", Value::Integer, ONE),
    ("country", Value::Text, ONE),
    ("parent", Value::Name, ONE),
    ("contact", Value::Name, MANY),
    ("deal", Value::Name, MANY),
    ("vat_number", Value::Id, ONE),
    ("lifecycle", Value::Choice, ONE),
    ("company_kind", Value::Text, ONE),
];

const LEADS: &[Row] = &[
    ("title", Value::Text, ONE),
    ("description", Value::Text, MANY),
    ("stage", Value::Name, ONE),
    ("status", Value::Choice, ONE),
    ("pipeline", Value::Name, ONE),
    ("company", Value::Name, ONE),
    ("contact", Value::Name, ONE),
    ("value", Value::Money, ONE),
    ("value.currency", Value::Currency, ONE),
    ("rating", Value::Choice, ONE),
    ("product", Value::Name, ONE),
    ("come_back_on", Value::Date, ONE),
    ("closed_at", Value::Time, ONE),
    ("converted_at", Value::Time, ONE),
    ("is_converted", Value::Boolean, ONE),
    ("loss_reason", Value::Name, ONE),
    ("stage_entered_at", Value::Time, ONE),
    ("person.company_name", Value::Name, ONE),
];

const DEALS: &[Row] = &[
    ("title", Value::Text, ONE),
    ("value", Value::Money, ONE),
    ("value.currency", Value::Currency, ONE),
    ("stage", Value::Name, ONE),
    ("status", Value::Choice, ONE),
    ("is_won", Value::Boolean, ONE),
    ("is_closed", Value::Boolean, ONE),
    ("pipeline", Value::Name, ONE),
    ("probability_percent", Value::Percent, ONE),
    ("expected_close_date", Value::Date, ONE),
    ("closed_at", Value::Time, ONE),
    ("won_at", Value::Time, ONE),
    ("lost_at", Value::Time, ONE),
    ("stage_entered_at", Value::Time, ONE),
    ("company", Value::Name, ONE),
    ("contact", Value::Name, MANY),
    ("lead", Value::Name, ONE),
    ("loss_reason", Value::Name, ONE),
    ("won_reason", Value::Text, ONE),
    ("loss_note", Value::Text, ONE),
    ("competitor", Value::Text, ONE),
    ("next_step", Value::Text, ONE),
    ("forecast_category", Value::Choice, ONE),
    ("delivery_date", Value::Date, ONE),
    ("product", Value::Name, MANY),
    ("product.quantity", Value::Integer, ONE),
    ("product.price", Value::Money, ONE),
];

const TASKS: &[Row] = &[
    ("id", Value::Uuid, ONE),
    ("external_id", Value::Id, ONE),
    ("title", Value::Text, ONE),
    ("notes", Value::Text, MANY),
    ("type", Value::Choice, ONE),
    ("due_date", Value::Date, ONE),
    ("due_time", Value::Clock, ONE),
    ("status", Value::Choice, ONE),
    ("completed_at", Value::Time, ONE),
    ("priority", Value::Choice, ONE),
    ("assignee", Value::Name, ONE),
    ("contact", Value::Name, ONE),
    ("company", Value::Name, ONE),
    ("deal", Value::Name, ONE),
    ("lead", Value::Name, ONE),
    ("created_at", Value::Time, ONE),
    ("is_deleted", Value::Choice, ONE),
];

const ACTIVITIES: &[Row] = &[
    ("id", Value::Uuid, ONE),
    ("external_id", Value::Id, ONE),
    ("type", Value::Choice, ONE),
    ("occurred_at", Value::Time, ONE),
    ("occurred_time", Value::Clock, ONE),
    ("ended_at", Value::Time, ONE),
    ("subject", Value::Text, ONE),
    ("text", Value::Text, MANY),
    ("direction", Value::Choice, ONE),
    ("duration", Value::Duration, ONE),
    ("duration_seconds", Value::Integer, ONE),
    ("outcome", Value::Text, ONE),
    ("done", Value::Choice, ONE),
    ("recording_url", Value::Url, ONE),
    ("author", Value::Name, ONE),
    ("contact", Value::Name, ONE),
    ("company", Value::Name, ONE),
    ("deal", Value::Name, ONE),
    ("lead", Value::Name, ONE),
    ("created_at", Value::Time, ONE),
    ("is_deleted", Value::Choice, ONE),
];

const USERS: &[Row] = &[
    ("name", Value::Name, ONE),
    ("first_name", Value::Name, ONE),
    ("last_name", Value::Name, ONE),
    ("email", Value::Email, ONE),
    ("role", Value::Choice, ONE),
    ("team", Value::Name, ONE),
    ("time_zone", Value::Text, ONE),
    ("external_id", Value::Id, ONE),
];

const PRODUCTS: &[Row] = &[
    ("name", Value::Name, ONE),
    ("sku", Value::Id, ONE),
    ("series", Value::Text, ONE),
    ("unit", Value::Text, ONE),
    ("price", Value::Money, ONE),
    ("price.currency", Value::Currency, ONE),
    ("active", Value::Boolean, ONE),
    ("external_id", Value::Id, ONE),
    ("is_deleted", Value::Choice, ONE),
];

fn tables(resource: Resource) -> [&'static [Row]; 3] {
    match resource {
        Resource::Contacts => [CONTACTS, REACH, RECORD],
        Resource::Companies => [COMPANIES, REACH, RECORD],
        Resource::Leads => [LEADS, RECORD, &[]],
        Resource::Deals => [DEALS, RECORD, &[]],
        Resource::Tasks => [TASKS, &[], &[]],
        Resource::Activities => [ACTIVITIES, &[], &[]],
        Resource::Users => [USERS, &[], &[]],
        Resource::Products => [PRODUCTS, &[], &[]],
    }
}

/// Returns the paths of the fields of a record itself, without those of the records that come with it.
#[cfg(test)]
pub fn own_paths(resource: Resource) -> impl Iterator<Item = &'static str> {
    tables(resource).into_iter().flatten().map(|(path, ..)| *path)
}

/// Returns the resource of a record that comes with a row under this first part of a path, such as `person`.
pub fn related(resource: Resource, part: &str) -> Option<Resource> {
    Some(match (resource, part) {
        (Resource::Leads, "person") => Resource::Contacts,
        (Resource::Companies, "parent") => Resource::Companies,
        (Resource::Users | Resource::Products, _) => return None,
        (Resource::Contacts, "contact") | (Resource::Companies, "company") | (Resource::Deals, "deal") => return None,
        (_, "contact") => Resource::Contacts,
        (_, "company") => Resource::Companies,
        (Resource::Tasks | Resource::Activities | Resource::Deals, "lead") => Resource::Leads,
        (Resource::Tasks | Resource::Activities | Resource::Contacts | Resource::Companies, "deal") => Resource::Deals,
        (_, "owner" | "assignee" | "author") => Resource::Users,
        _ => return None,
    })
}

/// Names that a lead or deal refers to without being a record of the row.
const NAMED: [&str; 5] = ["source", "stage", "pipeline", "loss_reason", "product"];

/// Returns the field at a path, or `None` if the resource has no such field.
pub fn field(resource: Resource, path: &str) -> Option<Field> {
    let own = tables(resource).into_iter().flatten().find(|(name, ..)| *name == path);
    if let Some((_, value, many)) = own {
        return Some(Field { value: *value, many: *many });
    }
    let (part, rest) = path.split_once('.')?;
    match rest {
        _ if part == "entered" => return Some(Field { value: Value::Time, many: ONE }),
        _ if part == "cf" => return Some(Field { value: Value::Text, many: ONE }),
        "id" if related(resource, part).is_some() || NAMED.contains(&part) => {
            return Some(Field { value: Value::Uuid, many: ONE });
        }
        _ => {}
    }
    field(related(resource, part)?, rest)
}

/// Returns a path as it is called in another record of the row: `email` of a contact for `contact.email` of a deal, and its
/// `name` for `contact` itself. The contact of a row belongs to its company. `None` if the record has no such field.
pub fn path_in(resource: Resource, record: Resource, path: &str) -> Option<String> {
    let (part, rest) = path.split_once('.').unwrap_or((path, ""));
    match related(resource, part)? {
        own if own == record => Some(if rest.is_empty() { "name".into() } else { rest.into() }),
        Resource::Companies if record == Resource::Contacts => Some(path.into()),
        other => path_in(other, record, rest),
    }
}

/// Returns the kind of record to which a path belongs: contacts for `person.email` of a lead, and for `contact` itself.
pub fn record_of(resource: Resource, path: &str) -> Resource {
    let (part, rest) = path.split_once('.').unwrap_or((path, ""));
    match related(resource, part) {
        Some(other) if rest.is_empty() => other,
        Some(other) => record_of(other, rest),
        None => resource,
    }
}

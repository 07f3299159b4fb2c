//! The targets of a column: the members of the create bodies, and a few more for history.
use crate::catalog::products::ProductCreate;
use crate::identity::directory::users::UserCreate;
use crate::intake::imports::custom;
use crate::intake::imports::draft::{Cleared, Whole};
use crate::intake::imports::model::ImportField;
use crate::intake::imports::outcome::Witness;
use crate::intake::imports::resource::ImportResource;
use crate::intake::imports::settings::TagsMode;
use crate::kernel::access::actor::Actor;
use crate::kernel::bodies::shape::{Cell, Shape};
use crate::kernel::fields::custom::{CustomField, CustomFields};
use crate::kernel::fields::kind::Kind;
use crate::people::companies::model::CompanyCreate;
use crate::people::contacts::model::ContactCreate;
use crate::sales::deals::model::DealCreate;
use crate::sales::leads::model::LeadCreate;
use std::sync::Arc;

/// The target of a column.
#[derive(Clone, Debug)]
pub enum Target {
    /// A member of the create body, such as `title`.
    Member(String, Cell),
    /// A member `…_id` that is found by name or external id, such as `owner_id` for the field `owner`.
    Reference(String, Kind),
    /// A custom field.
    Custom(Arc<CustomField>),
    /// A member of the `person` of a lead.
    Person(&'static str),
    /// The id of the record itself, in a file that this product exported.
    Id,
    /// A part of a text that is put together from several columns.
    Part(Whole, usize),
    /// A product, which becomes a line item of the deal.
    Product,
    /// The contact of a deal, found by e-mail address.
    DealContact,
    /// The reason for the disqualification of a lead.
    LossReason,
    /// The current stage of the record.
    Stage,
    /// Whether the record is open, won or lost.
    Status,
    /// The time at which the record started.
    CreatedAt,
    /// The time at which the record was won or lost.
    ClosedAt,
    /// The time at which the record entered the named stage.
    Entered(String),
    /// The currency of the amounts in the named member.
    Currency(String),
}

impl Target {
    /// Checks whether several columns can be mapped to the target: addresses of a contact, tags, contacts of a deal.
    pub fn takes_several(&self, resource: ImportResource) -> bool {
        match self {
            Target::Member(member, Cell::Text) if resource == ImportResource::Contacts => {
                matches!(member.as_str(), "email" | "phone")
            }
            Target::Member(_, Cell::Words) | Target::DealContact => true,
            _ => false,
        }
    }

    /// The member of the creation body that it becomes as it is.
    pub fn member(&self) -> Option<&str> {
        match self {
            Target::Member(member, _) | Target::Reference(member, _) => Some(member),
            _ => None,
        }
    }

    /// Returns the kind of the records that the cells name.
    pub fn named(&self) -> Option<Kind> {
        match self {
            Target::Reference(_, kind) => Some(*kind),
            Target::DealContact => Some(Kind::CONTACT),
            Target::Custom(field) => field.refers,
            _ => None,
        }
    }

    /// Checks whether each row of a record adds its values: the contacts of a deal, and tags unless they are replaced.
    pub fn adds(&self, tags: TagsMode) -> bool {
        matches!(self, Target::DealContact) || self.member() == Some("tags") && tags == TagsMode::Add
    }

    /// Returns the member that an empty cell clears, or `None` if it is a key or part of the history.
    pub fn cleared(&self) -> Option<Cleared> {
        match self {
            Target::Member(member, _) if member == "external_id" => None,
            Target::Member(member, _) | Target::Reference(member, _) => Some(Cleared::Member(member.clone())),
            Target::Person(member) => Some(Cleared::Person(member)),
            Target::Custom(field) => Some(Cleared::Custom(field.key.clone())),
            _ => None,
        }
    }

    /// Checks whether the column says something about the outcome of a record.
    pub fn testifies(&self, witness: Witness) -> bool {
        match witness {
            Witness::Stage => matches!(self, Target::Stage),
            Witness::Status => matches!(self, Target::Status),
            Witness::ClosedAt => matches!(self, Target::ClosedAt),
            Witness::Probability => self.member() == Some("probability_percent"),
            Witness::LossReason => matches!(self, Target::LossReason) || self.member() == Some("loss_reason_id"),
        }
    }
}

pub fn shape(resource: ImportResource) -> Arc<Shape> {
    match resource {
        ImportResource::Users => Shape::of::<UserCreate>(),
        ImportResource::Companies => Shape::of::<CompanyCreate>(),
        ImportResource::Contacts => Shape::of::<ContactCreate>(),
        ImportResource::Products => Shape::of::<ProductCreate>(),
        ImportResource::Leads => Shape::of::<LeadCreate>(),
        ImportResource::Deals => Shape::of::<DealCreate>(),
    }
}

/// Returns the kind of record that a member `…_id` refers to.
fn referred(member: &str) -> Option<Kind> {
    Some(match member {
        "owner_id" | "assignee_id" => Kind::USER,
        "team_id" => Kind::TEAM,
        "company_id" | "parent_id" => Kind::COMPANY,
        "contact_id" => Kind::CONTACT,
        "source_id" => Kind::SOURCE,
        "product_id" => Kind::PRODUCT,
        "loss_reason_id" => Kind::LOSS_REASON,
        _ => return None,
    })
}

const HISTORY: [(&str, Target, &str); 4] = [
    ("stage", Target::Stage, "the name of a stage of the pipeline"),
    ("status", Target::Status, "open, won or lost, for leads also qualified or disqualified; or the name of a stage"),
    (
        "created_at",
        Target::CreatedAt,
        "the day on which the record started; if no date is known, the day of the import",
    ),
    ("closed_at", Target::ClosedAt, "the day on which the record was won or lost; of an open deal, the expected day"),
];

/// Returns every target of a resource with its name and a hint. `stages` are the names of the open stages of the
/// pipeline.
pub fn all(resource: ImportResource, stages: &[String], own: &CustomFields) -> Vec<(String, Target, String)> {
    let mut list = Vec::new();
    for (member, cell) in shape(resource).members() {
        match (cell, referred(member)) {
            (Cell::Reference, Some(kind)) => {
                let name = member.trim_end_matches("_id").to_owned();
                let hint = format!("the name, external id or id of a {}", kind.as_str().replace('_', " "));
                list.push((name, Target::Reference(member.to_owned(), kind), hint));
            }
            (Cell::Reference, None) | (Cell::Text, _)
                if matches!(member, "id" | "pipeline_id" | "stage_id" | "password") => {}
            (cell, _) => list.push((member.to_owned(), Target::Member(member.to_owned(), cell), hint(cell).to_owned())),
        }
        if cell == Cell::Money {
            let hint = "the currency of the amount, such as EUR; an amount that names its own keeps it";
            list.push((format!("{member}.currency"), Target::Currency(member.to_owned()), hint.to_owned()));
        }
    }
    let mut add = |name: &str, target: Target, hint: &str| list.push((name.to_owned(), target, hint.to_owned()));
    if matches!(resource, ImportResource::Leads | ImportResource::Deals) {
        for (name, target, hint) in HISTORY {
            add(name, target, hint);
        }
        // For leads, only the start and the closing are stored.
        for stage in stages.iter().filter(|_| resource == ImportResource::Deals) {
            add(
                &format!("entered.{stage}"),
                Target::Entered(stage.clone()),
                "the day on which the record entered this stage",
            );
        }
    }
    let whole = match resource {
        ImportResource::Contacts => Some(Whole::Address),
        ImportResource::Leads => Some(Whole::PersonName),
        _ => None,
    };
    for (whole, (n, name)) in
        whole.into_iter().flat_map(|whole| whole.parts().iter().enumerate().map(move |part| (whole, part)))
    {
        add(name, Target::Part(whole, n), "a part; the parts are joined");
    }
    add(
        "id",
        Target::Id,
        "the id of an existing record; a row with an unknown id becomes a new record with another id",
    );
    match resource {
        ImportResource::Contacts => {
            let hint = "the full name; it is divided into the first and the last name";
            add("name", Target::Member("name".to_owned(), Cell::Text), hint);
        }
        ImportResource::Leads => {
            for member in ["name", "email", "phone", "company_name"] {
                add(&format!("person.{member}"), Target::Person(member), "of the person who is not a contact yet");
            }
            let hint = "the reason for the disqualification; added to the list if new";
            add("loss_reason", Target::LossReason, hint);
        }
        ImportResource::Deals => {
            add("product", Target::Product, "the name, SKU, external id or id of a product; becomes a line item");
            add("contact", Target::DealContact, "the e-mail address, the full name or the id of a contact");
        }
        _ => {}
    }
    for field in own.active(resource.kind()) {
        let hint = match custom::cell(field.kind) {
            _ if !field.options.is_empty() => format!("one of {}", field.options.join(", ")),
            Some(cell) => hint(cell).to_owned(),
            None => "a number, also with decimals".to_owned(),
        };
        list.push((field.path.clone(), Target::Custom(Arc::clone(field)), hint));
    }
    list
}

const fn hint(cell: Cell) -> &'static str {
    match cell {
        Cell::Text => "text",
        Cell::Int => "an integer",
        Cell::Bool => "yes or no",
        Cell::Date => "a date in any usual notation; a time is left out",
        Cell::Time => "a date or time in any usual notation",
        Cell::Money => "an amount, also with a currency sign or code",
        Cell::Words => "words separated by commas or semicolons",
        Cell::Reference => "a name, external id or id",
    }
}

const fn noun(cell: Cell) -> &'static str {
    match cell {
        Cell::Text => "text",
        Cell::Int => "number",
        Cell::Bool => "boolean",
        Cell::Date => "date",
        Cell::Time => "instant",
        Cell::Money => "money",
        Cell::Words => "words",
        Cell::Reference => "reference",
    }
}

pub fn fields(actor: &Actor, resource: ImportResource, stages: &[String]) -> Vec<ImportField> {
    let shape = shape(resource);
    let field = |(name, target, hint): (String, Target, String)| {
        let kind = match &target {
            Target::Member(_, Cell::Reference) => "text",
            Target::Member(_, cell) => noun(*cell),
            Target::Custom(field) => custom::cell(field.kind).map_or("number", noun),
            Target::Reference(..) | Target::Product | Target::DealContact | Target::LossReason | Target::Stage => {
                "reference"
            }
            Target::Person(_) | Target::Part(..) | Target::Id | Target::Currency(_) | Target::Status => "text",
            Target::CreatedAt | Target::ClosedAt | Target::Entered(_) => "date",
        };
        // The title of a deal can be derived from its product and company.
        let required = shape.required().contains(&name) && !(resource == ImportResource::Deals && name == "title");
        ImportField { name, kind: kind.into(), required, takes_several: target.takes_several(resource), hint }
    };
    shown(actor, resource, stages).into_iter().map(field).collect()
}

/// Returns the targets of a resource without those that the role hides, because a match would reveal existing values.
pub fn shown(actor: &Actor, resource: ImportResource, stages: &[String]) -> Vec<(String, Target, String)> {
    let mut all = all(resource, stages, &actor.settings.custom);
    all.retain(|(name, ..)| !is_hidden(actor, resource, name));
    all
}

/// Checks whether the role hides a target or the member that contains it, such as `person` for `person.email`.
pub fn is_hidden(actor: &Actor, resource: ImportResource, name: &str) -> bool {
    // The contact of a deal is found by its e-mail address.
    if resource == ImportResource::Deals && name == "contact" {
        return actor.access.hides(Kind::CONTACT.path(), "email");
    }
    // The full name of a contact becomes its first and last name.
    if resource == ImportResource::Contacts && name == "name" {
        return ["first_name", "last_name"].iter().any(|part| is_hidden(actor, resource, part));
    }
    let member = name.split('.').next().unwrap_or(name);
    let mut hidden = actor.access.hidden_members(resource.kind().path());
    hidden.any(|hidden| hidden.eq_ignore_ascii_case(name) || hidden.eq_ignore_ascii_case(member))
}

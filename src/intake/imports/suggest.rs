//! Suggests a field for each column of a file, with the reason, and says why nobody reads the others.
use crate::intake::imports::contents;
use crate::intake::imports::file::File;
use crate::intake::imports::model::ImportField;
use crate::intake::imports::recognition::content::Content;
use crate::intake::imports::recognition::fields::{self, Resource, Value};
use crate::intake::imports::recognition::mapping::{Recognition, Unread};
use crate::intake::imports::recognition::{Column, ColumnReading, CustomColumn, Request, Target, is_header, recognise};
use crate::intake::imports::resource::ImportResource;
use crate::intake::imports::wanted::Wanted;
use crate::kernel::access::actor::Actor;
use crate::kernel::error::Result;
use crate::people::contacts::reach::AddressKind;

/// The column with the reasons in a file of refused rows. It is not read.
pub const REASON: &str = "refused_because";

/// What a column seems to contain.
#[derive(Clone, Debug, Default)]
pub struct Suggestion {
    pub field: Option<String>,
    /// The kind of the addresses of a contact.
    pub kind: Option<AddressKind>,
    /// Why the field is suggested.
    pub reason: Option<String>,
    /// Why no field is suggested.
    pub unread: Option<String>,
}

/// What the columns of a file mean.
#[derive(Debug)]
pub struct Suggestions {
    pub columns: Vec<Suggestion>,
    /// The program that wrote the file.
    pub origin: Option<String>,
    /// The kind of record that the file most likely holds.
    pub likely: Option<ImportResource>,
}

/// Checks whether a text is the usual name of a column.
pub fn is_known_header(text: &str) -> bool {
    Resource::ALL.into_iter().any(|resource| is_header(text, resource))
}

const fn resource_of(resource: ImportResource) -> Resource {
    match resource {
        ImportResource::Users => Resource::Users,
        ImportResource::Companies => Resource::Companies,
        ImportResource::Contacts => Resource::Contacts,
        ImportResource::Products => Resource::Products,
        ImportResource::Leads => Resource::Leads,
        ImportResource::Deals => Resource::Deals,
    }
}

/// Recognises the columns of a file. `known` are the fields to which a column can be mapped.
pub fn suggest(actor: &Actor, wanted: &Wanted<'_>, file: &File, known: &[ImportField]) -> Result<Suggestions> {
    let (contents, resource) = (contents::count(file)?, wanted.resource);
    // The other records of a row are read as those of its last kind: the company and the contact of a deal.
    let last = wanted.among.last().copied().unwrap_or(resource);
    let columns: Vec<Column<'_>> =
        file.header.iter().zip(&contents).map(|(header, content)| Column { header, content: Some(content) }).collect();
    let mut found = recognise(&columns, &request(actor, last, wanted.stages));
    if last != resource {
        found.columns.iter_mut().for_each(|reading| of_part(reading, last, resource));
    }
    let likely = found.likely.first().map(|likely| likely.resource.as_str());
    Ok(Suggestions {
        origin: found.origin.as_ref().map(|origin| origin.origin.to_owned()),
        likely: likely.and_then(|text| text.parse().ok()),
        columns: Settling { resource, known, contents: &contents }.settle(&found),
    })
}

/// Says what the rows with these columns most likely are, or why they cannot be imported.
pub fn likely(header: &[String]) -> Result<ImportResource, String> {
    let columns: Vec<Column<'_>> = header.iter().map(|header| Column { header, content: None }).collect();
    let found = recognise(&columns, &Request::default());
    let Some(likely) = found.likely.first() else { return Err("its columns are not known".into()) };
    let name = likely.resource.as_str();
    name.parse().map_err(|_| format!("its rows seem to be {name}, which are not imported"))
}

/// Turns the reading of a column of one kind of record into that of another record of the row.
fn of_part(reading: &mut ColumnReading, last: ImportResource, part: ImportResource) {
    let (last, part) = (resource_of(last), resource_of(part));
    let had = !reading.targets.is_empty();
    reading.targets.retain_mut(|target| match fields::path_in(last, part, &target.path) {
        Some(path) => {
            target.path = path;
            true
        }
        None => false,
    });
    if had && reading.targets.is_empty() {
        reading.unread = Some(Unread::OfOther(last));
    }
}

fn request(actor: &Actor, resource: ImportResource, stages: &[String]) -> Request {
    let custom = actor.settings.custom.active(resource.kind());
    let hidden = actor.access.hidden_members(resource.kind().path()).map(str::to_owned);
    Request {
        resource: Some(resource_of(resource)),
        custom: custom.map(|field| CustomColumn { path: field.path.clone(), label: field.name.clone() }).collect(),
        stages: stages.to_vec(),
        hidden: hidden.collect(),
    }
}

/// Chooses for each column one of the fields that an import can set.
struct Settling<'a> {
    resource: ImportResource,
    known: &'a [ImportField],
    contents: &'a [Content],
}

impl Settling<'_> {
    fn settle(&self, found: &Recognition) -> Vec<Suggestion> {
        let mut columns: Vec<Suggestion> = found.columns.iter().map(unread).collect();
        // A column that names the record itself goes before one that names a part of it, such as its domain.
        for indirect in [false, true] {
            for (at, reading) in found.columns.iter().enumerate() {
                let open = reading.header != REASON && columns.get(at).is_some_and(|column| column.field.is_none());
                let Some((field, target)) = self.field_of(reading, indirect).filter(|_| open) else { continue };
                let suggestion = self.choose(at, reading, target, field, &columns, found);
                if let Some(column) = columns.get_mut(at) {
                    *column = suggestion;
                }
            }
        }
        columns
    }

    /// Returns the field of the import for the first target that has one.
    fn field_of<'r>(&self, reading: &'r ColumnReading, indirect: bool) -> Option<(&str, &'r Target)> {
        let named = |target: &'r Target| {
            let name = if indirect { stands_for(self.resource, &target.path)? } else { target.path.as_str() };
            let field = self.known.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
            Some((field.name.as_str(), target))
        };
        reading.targets.iter().find_map(named)
    }

    fn choose(
        &self,
        at: usize,
        reading: &ColumnReading,
        target: &Target,
        field: &str,
        columns: &[Suggestion],
        found: &Recognition,
    ) -> Suggestion {
        let several = self.known.iter().any(|known| known.name == field && known.takes_several);
        let taken = columns.iter().position(|column| column.field.as_deref() == Some(field)).filter(|_| !several);
        let other = taken.and_then(|by| Some((by, found.columns.get(by)?)));
        let unread = match other {
            Some((by, other)) => Some(format!("column {} ({}) feeds {field}", by + 1, other.header)),
            None => self.contents.get(at).and_then(|content| self.contradiction(target, content)),
        };
        match unread {
            Some(unread) => Suggestion { unread: Some(unread), ..Suggestion::default() },
            None => Suggestion {
                field: Some(field.to_owned()),
                kind: self.kind(target, field),
                reason: Some(reading.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
                unread: None,
            },
        }
    }

    /// Returns the kind of address that the header names.
    fn kind(&self, target: &Target, field: &str) -> Option<AddressKind> {
        let has_kinds = self.resource == ImportResource::Contacts && matches!(field, "email" | "phone");
        target.kind.filter(|_| has_kinds)?.as_str().parse().ok()
    }

    /// Says why the values do not fit a field that takes any text.
    fn contradiction(&self, target: &Target, content: &Content) -> Option<String> {
        let value = fields::field(resource_of(self.resource), &target.path)?.value;
        let emails = content.nearly_all(content.emails);
        let contact = self.resource == ImportResource::Deals && target.path == "contact";
        match value {
            Value::Name | Value::Text if emails && !contact && !is_person(&target.path) => {
                Some(format!("the header means {}, but the values are e-mail addresses", target.path))
            }
            _ => None,
        }
    }
}

/// Users are found by name or by e-mail address.
fn is_person(path: &str) -> bool {
    matches!(path.split('.').next(), Some("owner" | "assignee"))
}

/// Returns the field that finds a record by another member of it: the company by its domain, the owner by e-mail.
fn stands_for(resource: ImportResource, path: &str) -> Option<&'static str> {
    Some(match (resource, path) {
        (_, "owner.email" | "owner.name" | "owner.external_id" | "owner.id") => "owner",
        (_, "company.name" | "company.domain" | "company.external_id" | "company.id") => "company",
        (ImportResource::Deals, "contact.email" | "contact.name" | "contact.id") => "contact",
        (ImportResource::Leads, "converted_at") => "closed_at",
        (_, "source.id" | "source.name") => "source",
        (_, "parent.id" | "parent.name") => "parent",
        (_, "loss_reason.id" | "loss_reason.name") => "loss_reason",
        (ImportResource::Companies, "website") => "domain",
        (_, "product.name" | "product.sku") => "product",
        _ => return None,
    })
}

/// Why a column is not read, unless a field is found for it.
fn unread(reading: &ColumnReading) -> Suggestion {
    let path = reading.targets.first().map(|target| target.path.as_str());
    let unread = match (&reading.unread, path) {
        _ if reading.header == REASON => "the reasons why rows were refused".to_owned(),
        (Some(why), _) => why.to_string(),
        (None, Some(path)) => format!("the header means {path}, which an import does not set"),
        (None, None) => "no field has this name".to_owned(),
    };
    Suggestion { unread: Some(unread), ..Suggestion::default() }
}

//! Checks of saved conditions against the resource of a view or a segment.
use crate::kernel::access::actor::Actor;
use crate::kernel::answers::csv::Sheet;
use crate::kernel::error::{Error, FieldCode, FieldError, Result, not_known};
use crate::kernel::query::fields::Fields;
use crate::kernel::query::selection::{SearchRequest, Selection};
use crate::kernel::values::tags::Tags;
use crate::people::companies::model::{COMPANY, Company};
use crate::people::contacts::model::{CONTACT, Contact};
use crate::sales::deals::model::{DEAL, Deal};
use crate::sales::leads::model::{LEAD, Lead};
use crate::text_enum;
use crate::work::tasks::model::{TASK, Task};
use std::collections::BTreeSet;
use utoipa::ToSchema;

text_enum! {
    /// The resource of a view.
    pub enum ViewResource {
        Contacts = "contacts",
        Companies = "companies",
        Leads = "leads",
        Deals = "deals",
        Tasks = "tasks",
    }
}

/// Checks that the caller could search with this selection.
pub fn check(resource: ViewResource, selection: &Selection, actor: &Actor) -> Result<()> {
    let bad = match resource {
        ViewResource::Contacts => CONTACT.select(selection, actor).err(),
        ViewResource::Companies => COMPANY.select(selection, actor).err(),
        ViewResource::Leads => LEAD.select(selection, actor).err(),
        ViewResource::Deals => DEAL.select(selection, actor).err(),
        ViewResource::Tasks => TASK.select(selection, actor).err(),
    };
    bad.map_or(Ok(()), |bad| Err(Error::members(bad).under("/selection")))
}

/// Checks that the caller could search with this sort order.
pub fn check_sort(resource: ViewResource, selection: &Selection, sort: Option<&str>, actor: &Actor) -> Result<()> {
    let Some(sort) = sort else { return Ok(()) };
    let all = selection.all.clone();
    let request = SearchRequest { all, sort: Some(sort.to_owned()), ..SearchRequest::default() };
    match resource {
        ViewResource::Contacts => CONTACT.search_plan(&request, Vec::new(), actor).map(drop),
        ViewResource::Companies => COMPANY.search_plan(&request, Vec::new(), actor).map(drop),
        ViewResource::Leads => LEAD.search_plan(&request, Vec::new(), actor).map(drop),
        ViewResource::Deals => DEAL.search_plan(&request, Vec::new(), actor).map(drop),
        ViewResource::Tasks => TASK.search_plan(&request, Vec::new(), actor).map(drop),
    }
}

/// Checks that the columns are members of the records, parts of members, fields or includes.
pub fn check_columns(resource: ViewResource, columns: &Tags, actor: &Actor) -> Result<()> {
    let known = match resource {
        ViewResource::Contacts => columns_of::<_, Contact>(&CONTACT, actor),
        ViewResource::Companies => columns_of::<_, Company>(&COMPANY, actor),
        ViewResource::Leads => columns_of::<_, Lead>(&LEAD, actor),
        ViewResource::Deals => columns_of::<_, Deal>(&DEAL, actor),
        ViewResource::Tasks => columns_of::<_, Task>(&TASK, actor),
    };
    let unknown = columns.0.iter().enumerate().filter(|(_, name)| !known.contains(*name));
    let wrong = |(n, name): (usize, &String)| {
        let detail = not_known(name, known.iter().map(String::as_str));
        FieldError::member(format!("/columns/{n}"), FieldCode::InvalidChoice, detail)
            .among(known.iter().map(String::as_str))
    };
    let bad: Vec<FieldError> = unknown.map(wrong).collect();
    if bad.is_empty() { Ok(()) } else { Err(Error::members(bad)) }
}

fn columns_of<T, R: ToSchema>(fields: &'static Fields<T>, actor: &Actor) -> BTreeSet<String> {
    let own: Vec<_> = actor.settings.custom.active(fields.kind).cloned().collect();
    let sheet = Sheet::new::<R>(&[], &own, &[]);
    let members = sheet.names().flat_map(|name| [name, name.split('.').next().unwrap_or(name)]);
    let known = members.map(str::to_owned).chain(fields.visible_fields(actor).map(|field| field.name().to_owned()));
    known.chain(fields.includes().map(|(name, _)| name.to_owned())).collect()
}

//! Conditions about whichever resource a view or a segment is of.
use crate::kernel::actor::Actor;
use crate::kernel::error::{Error, Result};
use crate::kernel::selection::{SearchRequest, Selection};
use crate::people::companies::model::COMPANY;
use crate::people::contacts::model::CONTACT;
use crate::records::saved_conditions::prefix_pointers;
use crate::sales::deals::model::DEAL;
use crate::sales::leads::model::LEAD;
use crate::text_enum;
use crate::work::tasks::model::TASK;

text_enum! {
    /// What a view shows.
    pub enum ViewResource {
        Contacts = "contacts",
        Companies = "companies",
        Leads = "leads",
        Deals = "deals",
        Tasks = "tasks",
    }
}

/// A condition that is about to be kept must be one that can be asked.
pub fn check(resource: ViewResource, selection: &Selection, actor: &Actor) -> Result<()> {
    let bad = match resource {
        ViewResource::Contacts => CONTACT.select(selection, actor).err(),
        ViewResource::Companies => COMPANY.select(selection, actor).err(),
        ViewResource::Leads => LEAD.select(selection, actor).err(),
        ViewResource::Deals => DEAL.select(selection, actor).err(),
        ViewResource::Tasks => TASK.select(selection, actor).err(),
    };
    bad.map_or(Ok(()), |bad| Err(Error::members(prefix_pointers("/selection", bad))))
}

/// And so must an order.
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

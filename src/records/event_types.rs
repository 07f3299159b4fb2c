//! The types of events, such as `deal.stage_changed`: what each resource's descriptor names.
use crate::kernel::access::resource;
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::event_verbs::HIDDEN;

/// Returns all event types, such as `deal.stage_changed`, with their kind of record.
pub fn all() -> impl Iterator<Item = (Kind, String)> {
    resource::all().filter_map(|resource| Some((resource, resource.kind?))).flat_map(|(resource, kind)| {
        let hidden = resource.owner().map(|_| HIDDEN);
        let verbs = resource.events.iter().copied().flatten().copied().chain(hidden);
        verbs.map(move |verb| (kind, format!("{}.{verb}", kind.as_str())))
    })
}

/// Returns the kinds of records that have events.
pub fn kinds() -> Vec<Kind> {
    resource::all().filter(|resource| !resource.events.is_empty()).filter_map(|resource| resource.kind).collect()
}

//! The list of all resources. Roles, API keys and mechanisms know only these.
use crate::kernel::resource::{self, Builtin, Descriptor, Resource};
use crate::{analytics, catalog, db, identity, intake, nurture, people, privacy, records, sales, work};

const ALL: &[&Descriptor] = &[
    identity::workspaces::Workspace::DESCRIPTOR,
    identity::users::User::DESCRIPTOR,
    identity::roles::Role::DESCRIPTOR,
    identity::teams::Team::DESCRIPTOR,
    identity::api_keys::ApiKey::DESCRIPTOR,
    records::custom_fields::CustomField::DESCRIPTOR,
    records::tags::Tag::DESCRIPTOR,
    people::sources::Source::DESCRIPTOR,
    people::companies::model::Company::DESCRIPTOR,
    people::contacts::model::Contact::DESCRIPTOR,
    catalog::products::Product::DESCRIPTOR,
    sales::pipelines::Pipeline::DESCRIPTOR,
    sales::stages::Stage::DESCRIPTOR,
    sales::loss_reasons::LossReason::DESCRIPTOR,
    sales::leads::model::Lead::DESCRIPTOR,
    sales::deals::model::Deal::DESCRIPTOR,
    work::tasks::model::Task::DESCRIPTOR,
    work::activities::Activity::DESCRIPTOR,
    records::files::model::File::DESCRIPTOR,
    nurture::views::View::DESCRIPTOR,
    nurture::segments::Segment::DESCRIPTOR,
    identity::sessions::SESSION,
    records::audit::AuditEvent::DESCRIPTOR,
    privacy::erasures::Erasure::DESCRIPTOR,
    privacy::retention::RetentionRule::DESCRIPTOR,
    intake::imports::model::Import::DESCRIPTOR,
    db::queue::Job::DESCRIPTOR,
    ResourceSchemas::DESCRIPTOR,
    intake::composite::CompositeResult::DESCRIPTOR,
    records::feed::ChangeEvent::DESCRIPTOR,
    analytics::Report::DESCRIPTOR,
    analytics::search::SearchResult::DESCRIPTOR,
];

/// Registers the resources; every entry point calls it first.
pub fn install() {
    resource::install(ALL);
}

/// The descriptions of resources, returned by `GET /schema/{resource}`.
#[derive(Debug)]
pub struct ResourceSchemas;

impl Resource for ResourceSchemas {
    const DESCRIPTOR: &Descriptor =
        &Descriptor::calls("schema").shared(Builtin::Viewer, Builtin::Owner, Builtin::Owner);
}

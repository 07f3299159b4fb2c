//! The list of all resources, in the order of the OpenAPI document. Roles, API keys and mechanisms know only these.
use crate::kernel::access::resource::{self, Builtin, Descriptor, Resource};
use crate::records::bulk::{self, BulkStore};
use crate::{analytics, catalog, db, identity, intake, nurture, people, privacy, records, sales, search, work};

const ALL: &[&Descriptor] = &[
    people::contacts::model::Contact::DESCRIPTOR,
    people::companies::model::Company::DESCRIPTOR,
    sales::leads::model::Lead::DESCRIPTOR,
    sales::deals::model::Deal::DESCRIPTOR,
    work::tasks::model::Task::DESCRIPTOR,
    work::activities::Activity::DESCRIPTOR,
    work::notifications::NOTIFICATION_RESOURCE,
    sales::pipelines::Pipeline::DESCRIPTOR,
    sales::stages::Stage::DESCRIPTOR,
    sales::loss_reasons::LossReason::DESCRIPTOR,
    catalog::products::Product::DESCRIPTOR,
    records::tags::Tag::DESCRIPTOR,
    people::sources::Source::DESCRIPTOR,
    records::custom_fields::CustomField::DESCRIPTOR,
    search::routes::SearchResult::DESCRIPTOR,
    nurture::views::View::DESCRIPTOR,
    nurture::segments::Segment::DESCRIPTOR,
    analytics::report::Report::DESCRIPTOR,
    records::files::model::File::DESCRIPTOR,
    intake::imports::model::Import::DESCRIPTOR,
    intake::composite::CompositeResult::DESCRIPTOR,
    records::feed::ChangeEvent::DESCRIPTOR,
    db::queue::Job::DESCRIPTOR,
    identity::directory::workspaces::Workspace::DESCRIPTOR,
    identity::directory::users::User::DESCRIPTOR,
    identity::directory::teams::Team::DESCRIPTOR,
    identity::directory::roles::Role::DESCRIPTOR,
    identity::credentials::api_keys::ApiKey::DESCRIPTOR,
    identity::sign_in::sessions::SESSION,
    records::audit::AuditEvent::DESCRIPTOR,
    privacy::erasures::Erasure::DESCRIPTOR,
    privacy::retention::RetentionRule::DESCRIPTOR,
    ResourceSchemas::DESCRIPTOR,
];

/// The resources that have bulk operations.
const BULK: &[&dyn BulkStore] = &[
    bulk::of::<people::companies::model::Company>(),
    bulk::of::<people::contacts::model::Contact>(),
    bulk::of::<sales::leads::model::Lead>(),
    bulk::of::<sales::deals::model::Deal>(),
    bulk::of::<work::tasks::model::Task>(),
];

/// Registers the resources; every entry point calls it first.
pub fn install() {
    resource::install(ALL);
    bulk::install(BULK);
}

/// The descriptions of resources, returned by `GET /schema/{resource}`.
#[derive(Debug)]
pub struct ResourceSchemas;

impl Resource for ResourceSchemas {
    const DESCRIPTOR: &Descriptor = &Descriptor::calls(
        "schema",
        "The fields of each resource, including custom fields.",
    )
    .shared(Builtin::Viewer, Builtin::Owner, Builtin::Owner);
}

//! Projects: a sample of a resource. `scripts/sample-resource` adds it to a copy of the source and tries every operation.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::events;
use crate::db::store::BatchStore;
use crate::db::table::{self, Stored};
use crate::db::tx::Tx;
use crate::db::updates::{Group, execute_combined, newly_referenced, rows_of};
use crate::db::{refs, visibility};
use crate::kernel::access::permission::can;
use crate::kernel::access::resource::{Builtin, Descriptor, Display, Reach, Reference, Resource};
use crate::kernel::answers::page::Page;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::merge_patch;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::Result;
use crate::kernel::fields::field::{Field, field};
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::{Search, exact};
use crate::kernel::query::fields::Fields;
use crate::kernel::values::event_verbs as verbs;
use crate::kernel::values::money::{Money, columns};
use crate::kernel::values::text_format::TextFormat;
use crate::kernel::values::time::DateTime;
use crate::schema::projects;
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id, Include};
use crate::web::headers::{Format, IdempotencyKey, IfMatch};
use crate::{batch_create, batch_delete, batch_update, hideable, insert_rows, list_params, money_columns};
use crate::{record, restorable, restore, search_records, stored, text_enum};
use actix_web::{delete, get, patch, post};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

money_columns!(Budget = projects(budget_amount, budget_currency));
text_enum! {
    pub enum ProjectStatus { Planned = "planned", Active = "active", Done = "done", }
}

/// Work for a company.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = projects)]
pub struct Project {
    pub id: Uuid,
    pub name: String,
    pub status: ProjectStatus,
    pub company_id: Option<Uuid>,
    pub owner_id: Option<Uuid>,
    #[diesel(embed)]
    #[schema(value_type = Option<Money>)]
    pub budget: Budget,
    pub ends_on: Option<NaiveDate>,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
    /// When the record was deleted. Only lists with `include_deleted` or `only_deleted` contain deleted records.
    pub deleted_at: Option<DateTime>,
}
record!(Project, PROJECT);
hideable!(Project: budget => [budget]);

impl Kind {
    pub const PROJECT: Kind = Kind::new("project", "projects");
}

static OWNER: Field = field("owner_id", &projects::owner_id).hot();

impl Resource for Project {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::PROJECT, "Work for companies.")
        .owned(Reach::Owner(&OWNER), Builtin::Viewer, Builtin::Seller, Builtin::Seller)
        .events(&[verbs::SOFT])
        .described(&PROJECT, "Project")
        .included_as(Display::Column("projects.name"))
        .checked(Reference::Visible)
        .with_csv()
        .hiding(Project::HIDEABLE);
}
pub type ProjectPage = Page<Project>;

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ProjectCreate {
    pub id: Option<Uuid>,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// `planned` if absent.
    pub status: Option<ProjectStatus>,
    pub company_id: Option<Uuid>,
    /// If absent, null; or yourself if you may only create records of some owners.
    pub owner_id: Option<Uuid>,
    pub budget: Option<Money>,
    pub ends_on: Option<NaiveDate>,
}
impl Rules for ProjectCreate {}

#[derive(Debug, Default, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = projects)]
pub struct ProjectUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    #[schema(nullable = false)]
    pub status: Option<ProjectStatus>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub company_id: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub owner_id: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[diesel(skip_update)]
    pub budget: Option<Option<Money>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub ends_on: Option<Option<NaiveDate>>,
}
impl Rules for ProjectUpdate {
    crate::read_only_members_of!(Project);
}

pub static PROJECT: Fields<projects::table> = Fields {
    kind: Kind::PROJECT,
    all: &[
        field("name", &projects::name),
        field("status", &projects::status).one_of(ProjectStatus::TEXTS).hot(),
        field("company_id", &projects::company_id).to(Kind::COMPANY).hot(),
        field("owner_id", &projects::owner_id).to(Kind::USER).hot(),
        field("budget", &projects::budget_amount).at("budget.amount").in_currency("budget_currency"),
        field("budget_currency", &projects::budget_currency).at("budget.currency").formatted(TextFormat::Currency),
        field("ends_on", &projects::ends_on),
        field("created_at", &projects::created_at),
        field("updated_at", &projects::updated_at),
        field("deleted_at", &projects::deleted_at),
    ],
    default_sort: "-created_at",
    id: field("id", &projects::id),
    search: Some(Search {
        sql: "fold(projects.name)",
        members: &["name"],
        exact: &[exact("fold(projects.name) = ", &["name"])],
    }),
    derived: &[],
    links: &[],
    table: PhantomData,
};
list_params!(ProjectList, PROJECT.parameters());
stored!(soft projects, Project);
restorable!(projects, Project);

const CONSTRAINTS: ConstraintRules = &[
    ("projects_company_id_fkey", ConstraintRule::Missing("/company_id")),
    ("projects_owner_id_fkey", ConstraintRule::Missing("/owner_id")),
];

impl BatchStore for Project {
    type Create = ProjectCreate;
    type Update = ProjectUpdate;
    const FIELDS: &'static Fields<projects::table> = &PROJECT;

    fn insert_many(tx: &mut Tx<'_>, new: &[&ProjectCreate]) -> Result<Vec<Project>> {
        let companies = new.iter().map(|new| (Kind::COMPANY, new.company_id, "/company_id"));
        refs::require_visible(tx, &companies.collect::<Vec<_>>())?;
        refs::require_active(tx, new.iter().map(|new| new.owner_id), "/owner_id")?;
        let mut rows = Vec::with_capacity(new.len());
        for new in new {
            let owner = visibility::owner_of_new(tx, Kind::PROJECT, new.owner_id);
            visibility::authorize_create(tx, Kind::PROJECT, owner)?;
            let (amount, currency) = columns(new.budget.as_ref());
            rows.push((
                (projects::workspace_id.eq(tx.workspace()), projects::id.eq(new.id.unwrap_or_else(Uuid::now_v7))),
                (projects::name.eq(&new.name), projects::status.eq(new.status.unwrap_or(ProjectStatus::Planned))),
                (projects::company_id.eq(new.company_id), projects::owner_id.eq(owner)),
                (projects::budget_amount.eq(amount), projects::budget_currency.eq(currency)),
                (projects::ends_on.eq(new.ends_on), projects::created_at.eq(tx.now), projects::updated_at.eq(tx.now)),
            ));
        }
        let rows: Vec<Project> = insert_rows!(tx, projects, rows, Project).map_constraint(CONSTRAINTS)?;
        for row in &rows {
            tx.record(Event::created(row)?);
        }
        Ok(rows)
    }

    fn change_each(tx: &mut Tx<'_>, groups: &[Group<'_, Project, ProjectUpdate>]) -> Result<Vec<Project>> {
        let companies = newly_referenced(groups, |changes| changes.company_id.flatten(), |row| row.company_id);
        let companies = companies.into_iter().map(|id| (Kind::COMPANY, id, "/company_id"));
        refs::require_visible(tx, &companies.collect::<Vec<_>>())?;
        let owners = newly_referenced(groups, |changes| changes.owner_id.flatten(), |row| row.owner_id);
        refs::require_active(tx, owners, "/owner_id")?;
        let mut updates = Vec::with_capacity(groups.len());
        for (rows, changes) in groups {
            visibility::authorize_members(tx, Kind::PROJECT, &[("budget", changes.budget.is_some())])?;
            let budget = changes.budget.as_ref().map(|money| {
                let (amount, currency) = columns(money.as_ref());
                (projects::budget_amount.eq(amount), projects::budget_currency.eq(currency))
            });
            let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
            let these = projects::table.filter(projects::workspace_id.eq(tx.workspace()).and(projects::id.eq_any(ids)));
            let version = (projects::version.eq(projects::version + 1), projects::updated_at.eq(tx.now));
            updates.push(diesel::update(these).set((*changes, budget, version)).returning(Project::as_returning()));
        }
        let changed: Vec<Project> = execute_combined(tx.conn, updates).map_constraint(CONSTRAINTS)?;
        events::record_changes(tx, &rows_of(groups), changed)
    }

    fn delete_many(tx: &mut Tx<'_>, rows: &[Project]) -> Result<()> {
        table::mark_deleted(tx, rows, None)
    }
}

/// List projects.
#[utoipa::path(operation_id = "list_projects", params(ProjectList), responses((status = 200, description = "A page of projects", body = ProjectPage)))]
#[get("/projects")]
async fn list(ctx: Ctx<can::Read<Project>>, format: Format) -> Result<Reply> {
    ctx.list(format, &PROJECT, table::page::<Project>).await
}

/// Create a project.
#[utoipa::path(operation_id = "create_project", request_body = ProjectCreate, responses((status = 201, description = "The project", body = Project)))]
#[post("/projects")]
async fn create(ctx: Ctx<can::Create<Project>>, key: IdempotencyKey, new: Valid<ProjectCreate>) -> Result<Reply> {
    ctx.once(key, move |tx| Project::insert(tx, &new).map(Answer::created)).await
}

/// Get a project.
#[utoipa::path(operation_id = "get_project", params(("project_id" = Uuid, Path, description = "Id of the project")),
    responses((status = 200, description = "The project", body = Project)))]
#[get("/projects/{project_id}")]
async fn read(ctx: Ctx<can::Read<Project>>, id: Id, include: Include) -> Result<Reply> {
    ctx.one(&PROJECT, id, include, Project::find).await
}

/// Change a project.
#[utoipa::path(operation_id = "update_project", params(("project_id" = Uuid, Path, description = "Id of the project")), request_body = ProjectUpdate,
    responses((status = 200, description = "The changed project", body = Project)))]
#[patch("/projects/{project_id}")]
async fn change(
    ctx: Ctx<can::Update<Project>>,
    id: Id,
    IfMatch(expected): IfMatch,
    changes: Valid<ProjectUpdate>,
) -> Result<Reply> {
    ctx.write(move |tx| Project::update(tx, id.0, expected, &changes).map(Answer::record)).await
}

/// Delete a project.
#[utoipa::path(operation_id = "delete_project", params(("project_id" = Uuid, Path, description = "Id of the project")),
    responses((status = 204, description = "Deleted")))]
#[delete("/projects/{project_id}")]
async fn remove(ctx: Ctx<can::Delete<Project>>, id: Id, IfMatch(expected): IfMatch) -> Result<Reply> {
    ctx.write(move |tx| Project::delete(tx, id.0, expected).map(|()| Answer::none())).await
}

batch_create!(Project, ProjectBatchCreate, "/projects/batch-create" "batch_create_projects");
batch_update!(Project, ProjectBatchUpdate, "/projects/batch-update" "batch_update_projects");
batch_delete!(Project, "/projects/batch-delete" "batch_delete_projects");
search_records!(Project, ProjectPage, "/projects/search" "search_projects");
restore!(Project, table::restore, "/projects/{project_id}/restore" "restore_project" "project_id");

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(remove).service(restored);
    config.service(search).service(batch_create).service(batch_update).service(batch_delete);
}

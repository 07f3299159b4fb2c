//! Roles: named sets of permissions. Five are built in; a workspace can add its own.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::events;
use crate::db::table::{self, Expected, Stored};
use crate::db::tx::Tx;
use crate::identity::actors::Actors;
use crate::kernel::access::grants::{Access, Grant, Grants, HiddenField, HiddenFields};
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::access::resource::{self, Builtin, Descriptor, Resource};
use crate::kernel::access::roles::{check_grants, check_hidden};
use crate::kernel::answers::page::Page;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Code, Error, FieldError, Result};
use crate::kernel::fields::field::field;
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::{Search, exact};
use crate::kernel::query::fields::Fields;
use crate::kernel::values::event_verbs as verbs;
use crate::kernel::values::tags::same_set;
use crate::kernel::values::time::DateTime;
use crate::schema::roles;
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id};
use crate::web::headers::{IdempotencyKey, IfMatch};
use crate::{list_params, record, stored};
use actix_web::{delete, get, patch, post, web};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// A named set of permissions.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = roles)]
pub struct Role {
    pub id: Uuid,
    /// The value of `role` of users: `owner`, `admin`, `manager`, `seller`, `viewer`, or the key of a custom role.
    pub key: String,
    pub name: String,
    /// Built-in roles cannot be changed or deleted.
    pub builtin: bool,
    /// The permissions. Everything else is refused.
    #[schema(value_type = Vec<Grant>)]
    pub grants: Grants,
    /// Members that are null in every response, and cannot be used to filter, sort or search.
    #[schema(value_type = Vec<HiddenField>)]
    pub hidden_fields: HiddenFields,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
}
impl NothingHidden for Role {}
record!(Role, ROLE);

impl Kind {
    pub const ROLE: Kind = Kind::new("role", "roles");
}

impl Resource for Role {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::ROLE, "Roles and their permissions.")
        .shared(Builtin::Viewer, Builtin::Admin, Builtin::Admin)
        .events(&[verbs::BASIC]);
}
pub type RolePage = Page<Role>;

impl Role {
    /// Adds the permissions of a built-in role, which depend on the version of the program.
    fn complete(mut self) -> Role {
        if let Some(builtin) = Builtin::named(&self.key).filter(|_| self.builtin) {
            self.grants = builtin.grants();
        }
        self
    }

    pub fn access(&self) -> Access {
        Access::new(&self.key, &self.grants, &self.hidden_fields)
    }
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct RoleCreate {
    pub id: Option<Uuid>,
    /// The value of `role` of users. It cannot be changed.
    #[schema(pattern = "^[a-z][a-z0-9_-]*$", min_length = 1, max_length = 50)]
    pub key: String,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// One per resource. You cannot grant permissions that you do not have.
    #[schema(max_items = 100)]
    pub grants: Vec<Grant>,
    #[serde(default)]
    #[schema(max_items = 100)]
    pub hidden_fields: Vec<HiddenField>,
}

impl Rules for RoleCreate {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        check_grants(&self.grants, bad);
        check_hidden(&self.hidden_fields, bad);
    }
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct RoleUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// Replaces all permissions.
    #[schema(nullable = false, max_items = 100)]
    pub grants: Option<Vec<Grant>>,
    /// Replaces all hidden fields.
    #[schema(nullable = false, max_items = 100)]
    pub hidden_fields: Option<Vec<HiddenField>>,
}

impl Rules for RoleUpdate {
    crate::read_only_members_of!(Role);

    fn rules(&self, bad: &mut Vec<FieldError>) {
        check_grants(self.grants.as_deref().unwrap_or_default(), bad);
        check_hidden(self.hidden_fields.as_deref().unwrap_or_default(), bad);
    }
}

static ROLE: Fields<roles::table> = Fields {
    kind: Kind::ROLE,
    all: &[
        field("key", &roles::key),
        field("name", &roles::name),
        field("builtin", &roles::builtin),
        field("created_at", &roles::created_at),
        field("updated_at", &roles::updated_at),
    ],
    default_sort: "created_at",
    id: field("id", &roles::id),
    search: Some(Search {
        sql: "fold(roles.name)",
        members: &["name"],
        exact: &[exact("fold(roles.name) = ", &["name"])],
    }),
    derived: &[],
    links: &[],
    table: PhantomData,
};
list_params!(RoleList, ROLE.parameters());
stored!(roles, Role);

const CONSTRAINTS: ConstraintRules = &[
    ("roles_key_key", ConstraintRule::Taken(Code::DuplicateName, "/key")),
    ("users_role_fkey", ConstraintRule::InUse("users have this role; assign another role to them first")),
];

/// Creates the built-in roles of a new workspace.
pub fn seed(conn: &mut PgConnection, workspace: Uuid, now: DateTime) -> Result<()> {
    let row = |(_, key, name): &(Builtin, &str, &str)| {
        (
            roles::workspace_id.eq(workspace),
            roles::id.eq(Uuid::now_v7()),
            roles::key.eq((*key).to_owned()),
            roles::name.eq((*name).to_owned()),
            roles::builtin.eq(true),
            roles::created_at.eq(now),
            roles::updated_at.eq(now),
        )
    };
    diesel::insert_into(roles::table).values(Builtin::ALL.iter().map(row).collect::<Vec<_>>()).execute(conn)?;
    Ok(())
}

/// Returns the permissions of the role with a key.
pub fn access(conn: &mut PgConnection, workspace: Uuid, key: &str) -> Result<Option<Access>> {
    if let Some(builtin) = Builtin::named(key) {
        return Ok(Some(Access::builtin(builtin)));
    }
    let own = roles::table.filter(roles::workspace_id.eq(workspace)).filter(roles::key.eq(key));
    let role: Option<Role> = own.select(Role::as_select()).first(conn).optional()?;
    Ok(role.map(|role| role.access()))
}

/// Returns the keys of all roles of the workspace.
pub fn keys(conn: &mut PgConnection, workspace: Uuid) -> Result<Vec<String>> {
    Ok(roles::table.filter(roles::workspace_id.eq(workspace)).select(roles::key).order(roles::key).load(conn)?)
}

/// Checks that the caller has all permissions of a role that they create, change or assign.
pub fn require_covered(tx: &Tx<'_>, access: &Access) -> Result<()> {
    // A key with fewer scopes than its user has could otherwise grant more than it may do itself.
    if let Some(scopes) = &tx.actor.scopes
        && resource::scopes().iter().any(|scope| !scopes.contains(scope))
    {
        return Err(Error::new(Code::Forbidden, "an API key needs all scopes to grant permissions; sign in"));
    }
    if tx.actor.access.covers(access) {
        return Ok(());
    }
    Err(Error::new(Code::Forbidden, "you cannot grant permissions that you do not have"))
}

/// Checks that the visibility of the caller is not limited to the team. Otherwise the caller could extend it by moving
/// users between teams.
pub fn require_visibility_beyond_team(tx: &Tx<'_>) -> Result<()> {
    if tx.actor.access.reaches_the_team() {
        return Err(Error::new(
            Code::Forbidden,
            "your visibility is limited to your team; changing teams requires the visibility all",
        ));
    }
    Ok(())
}

/// Checks whether any role of the workspace hides a member of a resource.
pub fn any_hides(tx: &mut Tx<'_>, kind: Kind, member: &str) -> Result<bool> {
    let hides = roles::hidden_fields.contains(json!([{ "resource": kind.path(), "field": member }]));
    let found = roles::table.filter(roles::workspace_id.eq(tx.workspace())).filter(hides);
    Ok(diesel::select(diesel::dsl::exists(found)).get_result(tx.conn)?)
}

fn insert(tx: &mut Tx<'_>, new: &RoleCreate) -> Result<Role> {
    let (grants, hidden) = (Grants(new.grants.clone()), HiddenFields(new.hidden_fields.clone()));
    require_covered(tx, &Access::new(&new.key, &grants, &hidden))?;
    let row: Role = diesel::insert_into(roles::table)
        .values((
            roles::workspace_id.eq(tx.workspace()),
            roles::id.eq(new.id.unwrap_or_else(Uuid::now_v7)),
            roles::key.eq(&new.key),
            roles::name.eq(&new.name),
            roles::grants.eq(grants),
            roles::hidden_fields.eq(hidden),
            roles::created_at.eq(tx.now),
            roles::updated_at.eq(tx.now),
        ))
        .returning(Role::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    tx.record(Event::created(&row)?);
    Ok(row)
}

/// Checks that a role is not built in, and that the caller has all its permissions.
fn require_own(tx: &Tx<'_>, role: &Role) -> Result<()> {
    if role.builtin {
        return Err(Error::new(Code::Conflict, "built-in roles cannot be changed or deleted; create a role instead"));
    }
    require_covered(tx, &role.access())
}

fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &RoleUpdate) -> Result<Role> {
    let before = Role::lock(tx, id, expected)?.complete();
    // Permissions are sets; their order does not matter.
    let grants = changes.grants.clone().filter(|grants| !same_set(grants, &before.grants.0));
    let hidden = changes.hidden_fields.clone().filter(|fields| !same_set(fields, &before.hidden_fields.0));
    let renamed = changes.name.as_ref().is_some_and(|name| *name != before.name);
    if grants.is_none() && hidden.is_none() && !renamed {
        return Ok(before);
    }
    require_own(tx, &before)?;
    let grants = grants.map_or_else(|| before.grants.clone(), Grants);
    let hidden = hidden.map_or_else(|| before.hidden_fields.clone(), HiddenFields);
    require_covered(tx, &Access::new(&before.key, &grants, &hidden))?;
    let after: Role = diesel::update(roles::table.find((tx.workspace(), id)))
        .set((
            changes.name.as_ref().map(|name| roles::name.eq(name)),
            roles::grants.eq(grants),
            roles::hidden_fields.eq(hidden),
            roles::version.eq(before.version + 1),
            roles::updated_at.eq(tx.now),
        ))
        .returning(Role::as_returning())
        .get_result(tx.conn)?;
    events::record_change(tx, &before, after)
}

fn delete(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<()> {
    let role = Role::lock(tx, id, expected)?;
    require_own(tx, &role)?;
    diesel::delete(roles::table.find((tx.workspace(), id))).execute(tx.conn).map_constraint(CONSTRAINTS)?;
    tx.record(Event::deleted(&role)?);
    Ok(())
}

/// List the roles, the built-in ones first.
#[utoipa::path(operation_id = "list_roles", params(RoleList), responses((status = 200, description = "A page of roles", body = RolePage)))]
#[get("/roles")]
async fn list(ctx: Ctx<can::Read<Role>>) -> Result<Reply> {
    let (plan, link) = (ROLE.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| {
        let mut page = table::page::<Role>(tx, &plan)?;
        page.data = page.data.into_iter().map(Role::complete).collect();
        Ok(link.answer(page))
    })
    .await
}

/// Create a role.
#[utoipa::path(operation_id = "create_role", request_body = RoleCreate, responses((status = 201, description = "The role", body = Role)))]
#[post("/roles")]
async fn create(ctx: Ctx<can::Create<Role>>, key: IdempotencyKey, new: Valid<RoleCreate>) -> Result<Reply> {
    ctx.once(key, move |tx| insert(tx, &new).map(Answer::created)).await
}

/// Get a role.
#[utoipa::path(operation_id = "get_role", params(("role_id" = Uuid, Path, description = "Id of the role")),
    responses((status = 200, description = "The role", body = Role)))]
#[get("/roles/{role_id}")]
async fn read(ctx: Ctx<can::Read<Role>>, id: Id) -> Result<Reply> {
    ctx.read(move |tx| Ok(Answer::record(Role::find(tx, id.0)?.complete()))).await
}

/// Change a role.
///
/// The change takes effect for its users within seconds.
#[utoipa::path(operation_id = "update_role", params(("role_id" = Uuid, Path, description = "Id of the role")), request_body = RoleUpdate,
    responses((status = 200, description = "The changed role", body = Role)))]
#[patch("/roles/{role_id}")]
async fn change(
    ctx: Ctx<can::Update<Role>>,
    id: Id,
    IfMatch(expected): IfMatch,
    changes: Valid<RoleUpdate>,
    actors: web::Data<Actors>,
) -> Result<Reply> {
    let reply = ctx.write(move |tx| update(tx, id.0, expected, &changes).map(Answer::record)).await?;
    actors.forget();
    Ok(reply)
}

/// Delete a role that no user has.
///
/// Built-in roles cannot be deleted.
#[utoipa::path(operation_id = "delete_role", params(("role_id" = Uuid, Path, description = "Id of the role")),
    responses((status = 204, description = "Deleted")))]
#[delete("/roles/{role_id}")]
async fn remove(ctx: Ctx<can::Delete<Role>>, id: Id, IfMatch(expected): IfMatch) -> Result<Reply> {
    ctx.write(move |tx| delete(tx, id.0, expected).map(|()| Answer::none())).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(remove);
}

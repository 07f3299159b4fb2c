//! Teams: a tree of departments.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::events;
use crate::db::sql::{Part, Statement};
use crate::db::table::{self, Expected, Stored};
use crate::db::tx::Tx;
use crate::identity::actors::Actors;
use crate::identity::directory::roles;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::access::resource::{Builtin, Descriptor, Display, Resource};
use crate::kernel::answers::page::Page;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::merge_patch;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Code, Error, FieldCode, Result};
use crate::kernel::fields::field::field;
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::{Search, exact};
use crate::kernel::query::fields::Fields;
use crate::kernel::values::event_verbs as verbs;
use crate::kernel::values::time::DateTime;
use crate::schema::{teams, users};
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id, Include};
use crate::web::headers::{IdempotencyKey, IfMatch};
use crate::{list_params, record, stored};
use actix_web::{delete, get, patch, post, web};
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// A department. A user belongs to at most one team.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = teams)]
pub struct Team {
    pub id: Uuid,
    pub name: String,
    /// The parent team. The visibility `team` covers the caller's own team and all teams below it.
    pub parent_id: Option<Uuid>,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
}
impl NothingHidden for Team {}
record!(Team, TEAM);

impl Kind {
    pub const TEAM: Kind = Kind::new("team", "teams");
}

impl Resource for Team {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::TEAM, "The teams of the workspace.")
        .shared(Builtin::Viewer, Builtin::Admin, Builtin::Admin)
        .events(&[verbs::BASIC])
        .included_as(Display::Column("teams.name"));
}
pub type TeamPage = Page<Team>;

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct TeamCreate {
    pub id: Option<Uuid>,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    pub parent_id: Option<Uuid>,
}
impl Rules for TeamCreate {}

#[derive(Debug, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = teams)]
pub struct TeamUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub parent_id: Option<Option<Uuid>>,
}
impl Rules for TeamUpdate {
    crate::read_only_members_of!(Team);
}

static TEAM: Fields<teams::table> = Fields {
    kind: Kind::TEAM,
    all: &[
        field("name", &teams::name),
        field("parent_id", &teams::parent_id).to(Kind::TEAM),
        field("created_at", &teams::created_at),
        field("updated_at", &teams::updated_at),
    ],
    default_sort: "name",
    id: field("id", &teams::id),
    search: Some(Search {
        sql: "fold(teams.name)",
        members: &["name"],
        exact: &[exact("fold(teams.name) = ", &["name"])],
    }),
    derived: &[],
    links: &[],
    table: PhantomData,
};
list_params!(TeamList, TEAM.parameters());
stored!(teams, Team);

#[diesel::dsl::auto_type(no_type_alias)]
fn in_workspace(workspace: Uuid) -> _ {
    teams::table.filter(teams::workspace_id.eq(workspace))
}

const CONSTRAINTS: ConstraintRules = &[
    ("teams_name_key", ConstraintRule::Taken(Code::DuplicateName, "/name")),
    ("teams_parent_id_fkey", ConstraintRule::Missing("/parent_id")),
];

/// The references that prevent the deletion of a team.
const REFERRERS: ConstraintRules = &[("users_team_id_fkey", IN_USE), ("teams_parent_id_fkey", IN_USE)];
const IN_USE: ConstraintRule = ConstraintRule::InUse("users or teams belong to the team; move them first");

const BELOW: &str = "with recursive below as (
    select id from teams where workspace_id = :workspace and id = :team
    union
    select t.id from teams t join below b on t.workspace_id = :workspace and t.parent_id = b.id
) select id from below";

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Returns the ids of a team and of all teams below it.
pub fn below(conn: &mut PgConnection, workspace: Uuid, team: Uuid) -> Result<Vec<Uuid>> {
    let rows: Vec<Found> =
        Statement::new(BELOW).set("workspace", Part::Id(workspace)).set("team", Part::Id(team)).load(conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Checks that a caller whose visibility is limited to the team adds users only to that team, to a team below it or to
/// no team. In other teams the new user would see records that the caller does not see.
pub fn require_within(tx: &mut Tx<'_>, team: Option<Uuid>) -> Result<()> {
    let Some(team) = team.filter(|_| tx.actor.access.reaches_the_team()) else { return Ok(()) };
    let own: Option<Uuid> = users::table.find((tx.workspace(), tx.actor.user)).select(users::team_id).first(tx.conn)?;
    let inside = match own {
        Some(own) => below(tx.conn, tx.workspace(), own)?.contains(&team),
        None => false,
    };
    if inside { Ok(()) } else { roles::require_visibility_beyond_team(tx) }
}

pub fn insert(tx: &mut Tx<'_>, new: &TeamCreate) -> Result<Team> {
    let row = diesel::insert_into(teams::table)
        .values((
            teams::workspace_id.eq(tx.workspace()),
            teams::id.eq(new.id.unwrap_or_else(Uuid::now_v7)),
            teams::name.eq(&new.name),
            teams::parent_id.eq(new.parent_id),
            teams::created_at.eq(tx.now),
            teams::updated_at.eq(tx.now),
        ))
        .returning(Team::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    tx.record(Event::created(&row)?);
    Ok(row)
}

fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &TeamUpdate) -> Result<Team> {
    // Locks all teams, so that two concurrent moves cannot create a cycle.
    in_workspace(tx.workspace()).select(teams::id).order(teams::id).for_no_key_update().load::<Uuid>(tx.conn)?;
    let before = Team::lock(tx, id, expected)?;
    if changes.parent_id.is_some() {
        roles::require_visibility_beyond_team(tx)?;
    }
    if let Some(Some(parent)) = changes.parent_id
        && below(tx.conn, tx.workspace(), id)?.contains(&parent)
    {
        return Err(Error::member("/parent_id", FieldCode::Invalid, "must not be the team itself or a team below it"));
    }
    let after = diesel::update(teams::table.find((tx.workspace(), id)))
        .set((changes, teams::version.eq(before.version + 1), teams::updated_at.eq(tx.now)))
        .returning(Team::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    events::record_change(tx, &before, after)
}

fn delete(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<()> {
    let row = Team::lock(tx, id, expected)?;
    diesel::delete(teams::table.find((tx.workspace(), id))).execute(tx.conn).map_constraint(REFERRERS)?;
    tx.record(Event::deleted(&row)?);
    Ok(())
}

/// List the teams, by name.
#[utoipa::path(operation_id = "list_teams", params(TeamList), responses((status = 200, description = "A page of teams", body = TeamPage)))]
#[get("/teams")]
async fn list(ctx: Ctx<can::Read<Team>>) -> Result<Reply> {
    let (plan, link) = (TEAM.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| table::page::<Team>(tx, &plan).map(|page| link.answer(page))).await
}

/// Create a team.
#[utoipa::path(operation_id = "create_team", request_body = TeamCreate, responses((status = 201, description = "The team", body = Team)))]
#[post("/teams")]
async fn create(ctx: Ctx<can::Create<Team>>, key: IdempotencyKey, new: Valid<TeamCreate>) -> Result<Reply> {
    ctx.once(key, move |tx| insert(tx, &new).map(Answer::created)).await
}

/// Get a team.
#[utoipa::path(operation_id = "get_team", params(("team_id" = Uuid, Path, description = "Id of the team")),
    responses((status = 200, description = "The team", body = Team)))]
#[get("/teams/{team_id}")]
async fn read(ctx: Ctx<can::Read<Team>>, id: Id, include: Include) -> Result<Reply> {
    ctx.one(&TEAM, id, include, Team::find).await
}

/// Rename a team, or change its parent.
#[utoipa::path(operation_id = "update_team", params(("team_id" = Uuid, Path, description = "Id of the team")), request_body = TeamUpdate,
    responses((status = 200, description = "The changed team", body = Team)))]
#[patch("/teams/{team_id}")]
async fn change(
    ctx: Ctx<can::Update<Team>>,
    id: Id,
    IfMatch(expected): IfMatch,
    changes: Valid<TeamUpdate>,
    actors: web::Data<Actors>,
) -> Result<Reply> {
    let reply = ctx.write(move |tx| update(tx, id.0, expected, &changes).map(Answer::record)).await?;
    actors.forget();
    Ok(reply)
}

/// Delete a team without users and without teams below it.
#[utoipa::path(operation_id = "delete_team", params(("team_id" = Uuid, Path, description = "Id of the team")),
    responses((status = 204, description = "Deleted")))]
#[delete("/teams/{team_id}")]
async fn remove(ctx: Ctx<can::Delete<Team>>, id: Id, IfMatch(expected): IfMatch) -> Result<Reply> {
    ctx.write(move |tx| delete(tx, id.0, expected).map(|()| Answer::none())).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(remove);
}

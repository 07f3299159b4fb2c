//! Users: the members of a workspace.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::events;
use crate::db::queue;
use crate::db::table::{self, Expected, Stored};
use crate::db::tx::Tx;
use crate::identity::actors::Actors;
use crate::identity::credentials::hashing_queue::Waiter;
use crate::identity::credentials::{accounts, api_keys, calendar_feeds, passwords};
use crate::identity::directory::{roles, teams};
use crate::identity::mail::messages;
use crate::kernel::access::actor::UserStatus;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::access::resource::{Builtin, Descriptor, Display, Reference, Resource};
use crate::kernel::access::roles::{OWNER, SELLER};
use crate::kernel::answers::page::Page;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::merge_patch;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error;
use crate::kernel::error::{Code, Error, FieldCode, FieldError, Result};
use crate::kernel::fields::field::field;
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::{Search, exact};
use crate::kernel::query::fields::Fields;
use crate::kernel::values::text_format::TextFormat;
use crate::kernel::values::time::DateTime;
use crate::kernel::values::working_hours::{Absence, Absences, WorkingHours, WorkingTime};
use crate::kernel::values::{address, event_verbs as verbs};
use crate::schema::users;
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id, Include};
use crate::web::headers::{IdempotencyKey, IfMatch};
use crate::{import_link, list_params, record, stored};
use actix_web::{get, patch, post, web};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// A person's membership in the workspace.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = users)]
pub struct User {
    pub id: Uuid,
    pub name: String,
    pub email: Option<String>,
    /// The key of a role: `owner`, `admin`, `manager`, `seller`, `viewer`, or one of your own.
    pub role: String,
    pub status: UserStatus,
    pub team_id: Option<Uuid>,
    /// IANA name. If null, the time zone of the workspace.
    pub time_zone: Option<String>,
    /// The language of the user interface, as a BCP 47 tag.
    #[schema(example = "en-GB")]
    pub language: Option<String>,
    /// URL of a picture of the user.
    #[schema(example = "https://pictures.example/anna.png")]
    pub avatar_url: Option<String>,
    pub external_id: Option<String>,
    /// When the user works, in local time. If null, the working hours of the workspace.
    #[schema(value_type = Option<Vec<WorkingTime>>)]
    pub working_hours: Option<WorkingHours>,
    /// Days on which the user does not work.
    #[schema(value_type = Vec<Absence>)]
    pub absences: Absences,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
}
impl NothingHidden for User {}
record!(User, USER);

impl Kind {
    pub const USER: Kind = Kind::new("user", "users");
}

impl Resource for User {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::USER, "The users of the workspace.")
        .shared(Builtin::Viewer, Builtin::Admin, Builtin::Admin)
        .events(&[
            &["created", "updated", "deleted", "sign_in_refused", "password_changed", "email_changed"],
            &["second_factor_on", "second_factor_off", "identity_linked", "identity_ended", verbs::VISIBILITY_CHANGED],
            &["calendar_feed_created", "calendar_feed_ended"],
        ])
        .described(&USER, "User")
        .included_as(Display::Column("users.name"))
        .checked(Reference::Exists);
}
pub type UserPage = Page<User>;

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct UserCreate {
    pub id: Option<Uuid>,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[schema(format = "email", max_length = 254)]
    pub email: Option<String>,
    /// The key of a role; `seller` if absent. You cannot assign a role with more permissions than your own.
    #[schema(min_length = 1, max_length = 50)]
    pub role: Option<String>,
    pub team_id: Option<Uuid>,
    #[schema(format = "time-zone", max_length = 64)]
    pub time_zone: Option<String>,
    #[schema(max_length = 200)]
    pub external_id: Option<String>,
    /// With a password, the user can sign in immediately, with a new login for this workspace only. If the e-mail has
    /// a login already, its holder gets an e-mail and can join with that login. Without a password, the user is
    /// invited.
    #[schema(format = "password", min_length = 8, max_length = 1024)]
    pub password: Option<String>,
}

impl Rules for UserCreate {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        if self.password.is_some() && self.email.is_none() {
            bad.push(FieldError::member("/email", FieldCode::Required, "is required if a password is given"));
        }
    }
}

#[derive(Debug, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = users)]
pub struct UserUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    #[schema(nullable = false, min_length = 1, max_length = 50)]
    pub role: Option<String>,
    #[schema(nullable = false)]
    pub status: Option<UserStatus>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    pub team_id: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(format = "time-zone", max_length = 64)]
    pub time_zone: Option<Option<String>>,
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(max_length = 200)]
    pub external_id: Option<Option<String>>,
    /// Replaces all working hours. Null means those of the workspace.
    #[serde(default, deserialize_with = "merge_patch::clearable")]
    #[schema(value_type = Option<Vec<WorkingTime>>, max_items = 50)]
    pub working_hours: Option<Option<WorkingHours>>,
    /// Replaces all absences.
    #[schema(nullable = false, value_type = Option<Vec<Absence>>, max_items = 200)]
    pub absences: Option<Absences>,
}

impl Rules for UserUpdate {
    crate::read_only_members_of!(User);

    fn rules(&self, bad: &mut Vec<FieldError>) {
        self.working_hours.iter().flatten().for_each(|hours| hours.rules(bad));
        self.absences.iter().for_each(|absences| absences.rules(bad));
    }
}

pub static USER: Fields<users::table> = Fields {
    kind: Kind::USER,
    all: &[
        field("name", &users::name),
        field("email", &users::email).formatted(TextFormat::Email),
        field("role", &users::role),
        field("status", &users::status).one_of(UserStatus::TEXTS),
        field("team_id", &users::team_id).to(Kind::TEAM),
        field("external_id", &users::external_id),
        field("created_at", &users::created_at),
        field("updated_at", &users::updated_at),
    ],
    default_sort: "name",
    id: field("id", &users::id),
    search: Some(Search {
        sql: "fold(users.name || ' ' || coalesce(users.email, '') || together(users.name, null))",
        members: &["name", "email"],
        exact: &[
            exact("fold(users.name) = ", &["name"]),
            exact("users.email = ", &["email"]).formatted(TextFormat::Email),
        ],
    }),
    derived: &[],
    links: &[import_link!(USER)],
    table: PhantomData,
};
list_params!(UserList, USER.parameters());
stored!(users, User);

#[diesel::dsl::auto_type(no_type_alias)]
fn in_workspace(workspace: Uuid) -> _ {
    users::table.filter(users::workspace_id.eq(workspace))
}

pub const CONSTRAINTS: ConstraintRules = &[
    ("users_email_key", ConstraintRule::Taken(Code::DuplicateEmail, "/email")),
    ("users_login_id_key", ConstraintRule::Taken(Code::DuplicateEmail, "/email")),
    ("users_external_id_key", ConstraintRule::Taken(Code::DuplicateExternalId, "/external_id")),
    ("users_team_id_fkey", ConstraintRule::Missing("/team_id")),
];

/// A new membership.
#[derive(Debug)]
pub struct Member {
    pub name: String,
    pub email: Option<String>,
    pub login: Option<Uuid>,
    pub role: String,
    pub status: UserStatus,
}

pub fn insert_member(conn: &mut PgConnection, workspace: Uuid, member: &Member, now: DateTime) -> Result<User> {
    diesel::insert_into(users::table)
        .values((
            users::workspace_id.eq(workspace),
            users::id.eq(Uuid::now_v7()),
            users::login_id.eq(member.login),
            users::name.eq(&member.name),
            users::email.eq(&member.email),
            users::role.eq(&member.role),
            users::status.eq(member.status),
            users::created_at.eq(now),
            users::updated_at.eq(now),
        ))
        .returning(User::as_returning())
        .get_result(conn)
        .map_constraint(CONSTRAINTS)
}

/// Adds a user: active with a new login if there is a password hash, otherwise invited.
pub fn insert(tx: &mut Tx<'_>, new: &UserCreate, password_hash: Option<&str>) -> Result<User> {
    let role = new.role.as_deref().unwrap_or(SELLER);
    check_role(tx, role)?;
    teams::require_within(tx, new.team_id)?;
    let email = new.email.as_deref().map(address::email);
    let held = match (&email, password_hash) {
        (Some(email), Some(_)) => accounts::login_by_email(tx.conn, email)?.is_some(),
        _ => false,
    };
    let (login, status) = match (password_hash, &email) {
        // The response must not reveal whether the address has a login elsewhere.
        (Some(hash), Some(email)) => (Some(accounts::insert_login(tx.conn, email, hash, !held)?), UserStatus::Active),
        // Even if the address has a login, the user joins through the mail: anybody can create a login with an
        // address that is not theirs.
        _ => (None, UserStatus::Invited),
    };
    let user = diesel::insert_into(users::table)
        .values((
            users::workspace_id.eq(tx.workspace()),
            users::id.eq(new.id.unwrap_or_else(Uuid::now_v7)),
            users::login_id.eq(login),
            (users::name.eq(&new.name), users::email.eq(&email), users::role.eq(role), users::status.eq(status)),
            (
                users::team_id.eq(new.team_id),
                users::time_zone.eq(&new.time_zone),
                users::external_id.eq(&new.external_id),
            ),
            (users::created_at.eq(tx.now), users::updated_at.eq(tx.now)),
        ))
        .returning(User::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    tx.record(Event::created(&user)?);
    Ok(user)
}

pub fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &UserUpdate) -> Result<User> {
    let before = User::lock(tx, id, expected)?;
    check_role(tx, &before.role)?;
    if changes.team_id.is_some_and(|team| team != before.team_id) {
        roles::require_visibility_beyond_team(tx)?;
    }
    if let Some(role) = &changes.role {
        check_role(tx, role)?;
    }
    if before.status != UserStatus::Active && changes.status == Some(UserStatus::Active) {
        require_login(tx, id)?;
    }
    let after = diesel::update(users::table.find((tx.workspace(), id)))
        .set((changes, users::version.eq(before.version + 1), users::updated_at.eq(tx.now)))
        .returning(User::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    require_owner_remains(tx, &before, &after)?;
    if before.status == UserStatus::Active && after.status != UserStatus::Active {
        revoke_access(tx, after.id)?;
    }
    if after.status == UserStatus::Suspended && before.status != UserStatus::Suspended {
        revoke_mail_tokens(tx, after.id)?;
        queue::revoke_all_of(tx.conn, tx.workspace(), id, tx.now)?;
    }
    events::record_change(tx, &before, after)
}

/// Checks that a user has a login. Without one, activation would invalidate the invitation, and nobody could sign in.
fn require_login(tx: &mut Tx<'_>, user: Uuid) -> Result<()> {
    let login: Option<Uuid> = users::table.find((tx.workspace(), user)).select(users::login_id).first(tx.conn)?;
    let detail = "must not be active, because the user has no login; use invited and POST /users/{user_id}/invite";
    login.map(drop).ok_or_else(|| Error::member("/status", FieldCode::Invalid, detail))
}

/// Revokes the sessions, API keys and calendar feed of a user who is no longer active. They stay revoked if the user
/// becomes active.
fn revoke_access(tx: &mut Tx<'_>, user: Uuid) -> Result<()> {
    accounts::revoke_of_user(tx.conn, tx.workspace(), user)?;
    api_keys::end_all(tx, user)?;
    calendar_feeds::end(tx, user)
}

fn revoke_mail_tokens(tx: &mut Tx<'_>, user: Uuid) -> Result<()> {
    messages::revoke_invitations(tx.conn, tx.workspace(), user)?;
    let login: Option<Uuid> = users::table.find((tx.workspace(), user)).select(users::login_id).first(tx.conn)?;
    match login {
        Some(login) => messages::notify_suspended(tx, login),
        None => Ok(()),
    }
}

/// Checks that the role exists and does not have more permissions than the role of the caller.
fn check_role(tx: &mut Tx<'_>, key: &str) -> Result<()> {
    match roles::access(tx.conn, tx.workspace(), key)? {
        Some(access) => roles::require_covered(tx, &access),
        None => {
            let keys = roles::keys(tx.conn, tx.workspace())?;
            Err(FieldError::member("/role", FieldCode::InvalidChoice, format!("there is no role {key}"))
                .among(keys)
                .into())
        }
    }
}

fn require_owner_remains(tx: &mut Tx<'_>, before: &User, after: &User) -> Result<()> {
    let owns = |user: &User| user.role == OWNER && user.status == UserStatus::Active;
    if !owns(before) || owns(after) {
        return Ok(());
    }
    // Locks all owners, so that two of them cannot leave at the same time.
    let owners: Vec<Uuid> = in_workspace(tx.workspace())
        .filter(users::role.eq(OWNER))
        .filter(users::status.eq(UserStatus::Active))
        .select(users::id)
        .for_no_key_update()
        .load(tx.conn)?;
    if owners.is_empty() {
        Err(Error::new(Code::LastOwner, "the workspace needs an active owner; make another user an owner first"))
    } else {
        Ok(())
    }
}

/// Returns the id if there is such a user.
pub fn existing(tx: &mut Tx<'_>, user: Uuid) -> Result<Option<Uuid>> {
    Ok(users::table.find((tx.workspace(), user)).select(users::id).first(tx.conn).optional()?)
}

/// Returns the users with these ids, by name.
pub fn of_ids(tx: &mut Tx<'_>, ids: &[Uuid]) -> Result<Vec<User>> {
    let these = users::table.filter(users::workspace_id.eq(tx.workspace())).filter(users::id.eq_any(ids));
    Ok(these.order((users::name, users::id)).select(User::as_select()).load(tx.conn)?)
}

/// Returns the users of some teams, in the order of their ids.
pub fn of_teams(tx: &mut Tx<'_>, teams: &[Uuid]) -> Result<Vec<Uuid>> {
    let these = users::table.filter(users::workspace_id.eq(tx.workspace())).filter(users::team_id.eq_any(teams));
    Ok(these.order(users::id).select(users::id).load(tx.conn)?)
}

pub fn login_of(conn: &mut PgConnection, workspace: Uuid, user: Uuid) -> Result<Uuid> {
    let login: Option<Option<Uuid>> =
        users::table.find((workspace, user)).select(users::login_id).first(conn).optional()?;
    login.flatten().ok_or_else(error::Error::not_found)
}

/// List the users of the workspace.
#[utoipa::path(operation_id = "list_users", params(UserList), responses((status = 200, description = "A page of users", body = UserPage)))]
#[get("/users")]
async fn list(ctx: Ctx<can::Read<User>>) -> Result<Reply> {
    let (plan, link) = (USER.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| table::page::<User>(tx, &plan).map(|page| link.answer(page))).await
}

/// Invite a user by e-mail, or create one with a password who can sign in immediately.
#[utoipa::path(operation_id = "create_user", request_body = UserCreate, responses((status = 201, description = "The user", body = User)))]
#[post("/users")]
async fn create(ctx: Ctx<can::Create<User>>, key: IdempotencyKey, new: Valid<UserCreate>) -> Result<Reply> {
    let hash = match &new.password {
        Some(password) => {
            let (waiter, email) = (Waiter::new(ctx.address(), true), new.email.as_deref().unwrap_or_default());
            Some(passwords::validate_and_hash(waiter, password.clone(), email, "/password").await?)
        }
        None => None,
    };
    let named = new.email.as_deref().map(address::email).filter(|_| hash.is_some());
    let write = move |tx: &mut Tx<'_>| {
        let user = insert(tx, &new, hash.as_deref())?;
        if let (UserStatus::Invited, Some(email)) = (user.status, &user.email) {
            messages::invite(tx, user.id, email)?;
        }
        Ok(Answer::created(user))
    };
    let reply = ctx.once(key, write).await?;
    if let Some(email) = named.filter(|_| !reply.head.replayed) {
        ctx.read_value(move |tx| notify_holder(tx, &email)).await?;
    }
    Ok(reply)
}

/// Tells the holder of an address that a user with another login was created with it. Runs in a separate transaction,
/// because the response reports its number of statements, which would reveal that there is a holder.
fn notify_holder(tx: &mut Tx<'_>, email: &str) -> Result<()> {
    let user: Option<(Uuid, Option<Uuid>)> = in_workspace(tx.workspace())
        .filter(users::email.eq(email))
        .select((users::id, users::login_id))
        .first(tx.conn)
        .optional()?;
    let holder = accounts::login_by_email(tx.conn, email)?;
    match (user, holder) {
        (Some((user, login)), Some(holder)) if login != Some(holder.id) => {
            messages::notify_holder(tx, holder.id, user, email)
        }
        _ => Ok(()),
    }
}

/// Send the invitation of a user again.
#[utoipa::path(operation_id = "invite_user", params(("user_id" = Uuid, Path, description = "Id of the user")),
    responses((status = 200, description = "The user; the invitation is being sent", body = User)))]
#[post("/users/{user_id}/invite")]
async fn invite(ctx: Ctx<can::Update<User>>, id: Id, key: IdempotencyKey) -> Result<Reply> {
    ctx.once(key, move |tx| {
        let user = User::lock(tx, id.0, Expected::default())?;
        check_role(tx, &user.role)?;
        match (user.status, &user.email) {
            (UserStatus::Invited, Some(email)) => messages::invite(tx, user.id, email)?,
            (UserStatus::Invited, None) => return Err(Error::new(Code::Conflict, "the user has no e-mail")),
            _ => return Err(Error::new(Code::Conflict, "the user does not have the status invited")),
        }
        Ok(Answer::record(user))
    })
    .await
}

/// Get a user.
#[utoipa::path(operation_id = "get_user", params(("user_id" = Uuid, Path, description = "Id of the user")),
    responses((status = 200, description = "The user", body = User)))]
#[get("/users/{user_id}")]
async fn read(ctx: Ctx<can::Read<User>>, id: Id, include: Include) -> Result<Reply> {
    ctx.one(&USER, id, include, User::find).await
}

/// Change a user's name, role, status or team.
#[utoipa::path(operation_id = "update_user", params(("user_id" = Uuid, Path, description = "Id of the user")), request_body = UserUpdate,
    responses((status = 200, description = "The changed user", body = User)))]
#[patch("/users/{user_id}")]
async fn change(
    ctx: Ctx<can::Update<User>>,
    id: Id,
    IfMatch(expected): IfMatch,
    changes: Valid<UserUpdate>,
    actors: web::Data<Actors>,
) -> Result<Reply> {
    let reply = ctx.write(move |tx| update(tx, id.0, expected, &changes).map(Answer::record)).await?;
    actors.forget();
    Ok(reply)
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(invite);
}

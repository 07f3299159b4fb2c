//! Letters that prove an address: invitations, password resets, changes of address. A request queues a job; the job makes
//! the token when the letter is written, so that no secret waits in the queue.
use crate::db::queue::{self, Lane};
use crate::db::tx::Tx;
use crate::identity::{accounts, tokens};
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::time::DateTime;
use crate::schema::{jobs, login_tokens, users, workspaces};
use crate::text_enum;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The kind of the job that sends one.
pub const JOB: &str = "letter";

text_enum! {
    pub enum LetterKind { Invitation = "invitation", PasswordReset = "password_reset", EmailChange = "email_change", }
}

impl LetterKind {
    const fn hours(self) -> i64 {
        match self {
            LetterKind::Invitation => 7 * 24,
            LetterKind::PasswordReset => 1,
            LetterKind::EmailChange => 24,
        }
    }
}

/// What the job is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    pub kind: LetterKind,
    pub email: String,
    pub login: Option<Uuid>,
    /// Of an invitation.
    pub user: Option<Uuid>,
}

/// A letter, ready to be sent.
#[derive(Debug)]
pub struct Letter {
    pub to: String,
    pub subject: String,
    pub text: String,
}

/// Queues an invitation in the transaction that makes the user.
pub fn invite(tx: &mut Tx<'_>, user: Uuid, email: &str) -> Result<()> {
    let order = Order { kind: LetterKind::Invitation, email: email.into(), login: None, user: Some(user) };
    let args = serde_json::to_value(order).map_err(Error::internal)?;
    queue::enqueue_in(Lane::Errand, tx, JOB, &args, None).map(drop)
}

/// Queues a letter to a login, outside any workspace's work; one of the login's memberships answers for it.
pub fn send_to_login(conn: &mut PgConnection, kind: LetterKind, login: Uuid, email: &str) -> Result<()> {
    let member = users::table.filter(users::login_id.eq(login)).order(users::created_at);
    let member: Option<(Uuid, Uuid)> = member.select((users::workspace_id, users::id)).first(conn).optional()?;
    let Some((workspace, user)) = member else { return Ok(()) };
    let order = Order { kind, email: email.into(), login: Some(login), user: None };
    let now = DateTime::now();
    diesel::insert_into(jobs::table)
        .values((
            jobs::id.eq(Uuid::now_v7()),
            jobs::workspace_id.eq(workspace),
            jobs::user_id.eq(user),
            // Invitations of a whole firm must not keep anybody from a new password.
            (jobs::kind.eq(JOB), jobs::lane.eq(Lane::Urgent)),
            jobs::args.eq(serde_json::to_value(order).map_err(Error::internal)?),
            jobs::created_at.eq(now),
            jobs::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Makes the token and writes the letter. `public` is the address of the front end, for links.
pub fn write(conn: &mut PgConnection, workspace: Uuid, order: &Order, public: &str) -> Result<Letter> {
    let token = format!("lt_{}", tokens::random()?);
    let now = DateTime::now();
    diesel::insert_into(login_tokens::table)
        .values((
            login_tokens::hash.eq(tokens::stored(&token)),
            login_tokens::kind.eq(order.kind),
            login_tokens::email.eq(&order.email),
            login_tokens::login_id.eq(order.login),
            login_tokens::workspace_id.eq(order.user.map(|_| workspace)),
            login_tokens::user_id.eq(order.user),
            login_tokens::created_at.eq(now),
            login_tokens::expires_at.eq(now.plus(chrono::Duration::hours(order.kind.hours()))),
        ))
        .execute(conn)?;
    let name: String = workspaces::table.find(workspace).select(workspaces::name).first(conn)?;
    let hours = order.kind.hours();
    let (subject, text) = match order.kind {
        LetterKind::Invitation => (
            format!("Invitation to {name}"),
            format!("You are invited to {name}. Accept within a week:\n\n{public}/accept-invitation?token={token}\n"),
        ),
        LetterKind::PasswordReset => (
            "A new password".to_owned(),
            format!(
                "Somebody, hopefully you, asks for a new password. Choose it within {hours} hour:\n\n\
                 {public}/reset-password?token={token}\n\nIf it was not you, ignore this letter.\n"
            ),
        ),
        LetterKind::EmailChange => (
            "Your new address".to_owned(),
            format!("Confirm this address for signing in within a day:\n\n{public}/confirm-email?token={token}\n"),
        ),
    };
    Ok(Letter { to: order.email.clone(), subject, text })
}

/// What a token stood for.
#[derive(Debug, Queryable)]
pub struct Proof {
    pub email: String,
    pub login: Option<Uuid>,
    pub workspace: Option<Uuid>,
    pub user: Option<Uuid>,
}

/// The token, while it is good: once, and for its kind and time alone.
#[diesel::dsl::auto_type(no_type_alias)]
fn live(kind: LetterKind, hash: Vec<u8>, now: DateTime) -> _ {
    login_tokens::table
        .find(hash)
        .filter(login_tokens::kind.eq(kind))
        .filter(login_tokens::used_at.is_null())
        .filter(login_tokens::expires_at.gt(now))
}

fn invalid() -> Error {
    Error::new(Code::LinkInvalid, "the link was used, is too old, or is not one of ours")
}

/// Uses a token up.
pub fn redeem(conn: &mut PgConnection, kind: LetterKind, token: &str) -> Result<Proof> {
    let now = DateTime::now();
    let proof = diesel::update(live(kind, tokens::stored(token), now))
        .set(login_tokens::used_at.eq(now))
        .returning((login_tokens::email, login_tokens::login_id, login_tokens::workspace_id, login_tokens::user_id))
        .get_result(conn)
        .optional()?;
    proof.ok_or_else(invalid)
}

/// The login that the address of a token has already; the token is not used up.
pub fn peek(conn: &mut PgConnection, kind: LetterKind, token: &str) -> Result<Option<accounts::Login>> {
    let token = live(kind, tokens::stored(token), DateTime::now());
    let email: Option<String> = token.select(login_tokens::email).first(conn).optional()?;
    accounts::login_by_email(conn, &email.ok_or_else(invalid)?)
}

/// Ends the links of a kind that a login still has: a new password makes old letters worthless.
pub fn forget(conn: &mut PgConnection, kind: LetterKind, login: Uuid) -> Result<()> {
    let open = login_tokens::table.filter(login_tokens::login_id.eq(login)).filter(login_tokens::kind.eq(kind));
    let open = open.filter(login_tokens::used_at.is_null());
    diesel::update(open).set(login_tokens::used_at.eq(DateTime::now())).execute(conn)?;
    Ok(())
}

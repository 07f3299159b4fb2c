//! Letters that prove an address (invitations, password resets, changes of address), and letters that tell of a change. A request queues
//! a job; the job makes the token when the letter is written, so that no secret waits in the queue. No subject holds what a stranger wrote.
use crate::db::queue::{self, JobKind, Lane};
use crate::db::tx::Tx;
use crate::identity::{accounts, tokens};
use crate::kernel::actor::UserStatus;
use crate::kernel::address;
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::time::DateTime;
use crate::schema::{api_keys, jobs, letter_counts, login_tokens, logins, users, workspaces};
use crate::text_enum;
use diesel::prelude::*;
use diesel::upsert::excluded;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Invitations to one address in a day (UTC), from all workspaces together.
const MAX_PER_ADDRESS: i32 = 5;
/// Invitations from one workspace in a day.
const MAX_PER_WORKSPACE: i32 = 200;
/// Letters of one kind to one login in a day. By then it has been told.
const TO_LOGIN: i32 = 10;
/// Letters for a new password, which anybody can ask for.
const RESETS: i32 = 20;

text_enum! {
    pub enum MailKind {
        Invitation = "invitation",
        PasswordReset = "password_reset",
        EmailChange = "email_change",
        /// To who holds an address, when somebody made another login under it.
        Namesake = "namesake",
        PasswordChanged = "password_changed",
        EmailChanged = "email_changed",
        SecondFactorOn = "second_factor_on",
        SecondFactorOff = "second_factor_off",
        Suspended = "suspended",
        IdentityLinked = "identity_linked",
        IdentityEnded = "identity_ended",
    }
}

impl MailKind {
    /// What its token is good for, and for how many hours; a letter that only tells has none.
    const fn token(self) -> Option<(MailKind, i64)> {
        match self {
            MailKind::Invitation | MailKind::Namesake => Some((MailKind::Invitation, 7 * 24)),
            MailKind::PasswordReset => Some((MailKind::PasswordReset, 1)),
            MailKind::EmailChange => Some((MailKind::EmailChange, 24)),
            _ => None,
        }
    }

    const fn subject(self) -> &'static str {
        match self {
            MailKind::Invitation => "You are invited",
            MailKind::PasswordReset => "A new password",
            MailKind::EmailChange => "Your new address",
            MailKind::Namesake => "Another login under your address",
            MailKind::PasswordChanged => "Your password was changed",
            MailKind::EmailChanged => "Your address for signing in was changed",
            MailKind::SecondFactorOn => "Your second factor is on",
            MailKind::SecondFactorOff => "Your second factor is off",
            MailKind::Suspended => "You cannot sign in any more",
            MailKind::IdentityLinked => "Another way to sign in was added",
            MailKind::IdentityEnded => "A way to sign in was removed",
        }
    }

    /// `link` is the page for the token; `name` the workspace's; `keys` how many API keys act for the login.
    fn text(self, name: &str, link: &str, keys: i64) -> String {
        match self {
            MailKind::Invitation => {
                format!("You are invited to the workspace \"{name}\". Accept within a week:\n\n{link}\n")
            }
            MailKind::Namesake => format!(
                "Somebody made a login under this address for the workspace \"{name}\", with a password of their own. You have a login \
                 already, and nothing of it was touched. If it was you, or you are expected there, join with your own login within a \
                 week; the other one then ends:\n\n{link}\n\nIf not, ignore this letter.\n"
            ),
            MailKind::PasswordReset => format!(
                "Somebody, hopefully you, asks for a new password. Choose it within 1 hour:\n\n{link}\n\nIf it was not you, ignore this \
                 letter.\n"
            ),
            MailKind::EmailChange => format!("Confirm this address for signing in within a day:\n\n{link}\n"),
            MailKind::PasswordChanged => security_notice(
                "The password of your login was changed, and its other sessions have ended.",
                link,
                keys,
            ),
            MailKind::EmailChanged => {
                "Your login has another address now; this one cannot sign in any more. Links of letters that were on \
                 their way are not good any more.\n\nIf it was not you, turn to whoever runs your workspace at once.\n"
                    .to_owned()
            }
            MailKind::SecondFactorOn => {
                security_notice("Signing in takes a code of an authenticator app from now on.", link, keys)
            }
            MailKind::SecondFactorOff => {
                security_notice("Signing in takes no code of an authenticator app any more.", link, keys)
            }
            MailKind::Suspended => format!(
                "Your access to the workspace \"{name}\" was suspended: its sessions and API keys have ended. Ask whoever runs it.\n"
            ),
            MailKind::IdentityLinked => {
                security_notice("Your login was linked with an identity at an OpenID provider.", link, keys)
            }
            MailKind::IdentityEnded => {
                security_notice("An identity at an OpenID provider cannot sign in as you any more.", link, keys)
            }
        }
    }

    const fn page(self) -> &'static str {
        match self {
            MailKind::Invitation | MailKind::Namesake => "accept-invitation",
            MailKind::PasswordReset => "reset-password",
            MailKind::EmailChange => "confirm-email",
            _ => "forgot-password",
        }
    }
}

fn security_notice(what: &str, link: &str, keys: i64) -> String {
    let acting = match keys {
        0 => String::new(),
        1 => " 1 API key acts for you and goes on: delete it if you do not know it.".to_owned(),
        many => format!(" {many} API keys act for you and go on: delete those that you do not know."),
    };
    format!(
        "{what} Links of letters that were on their way are not good any more.{acting}\n\nIf it was not you, choose a new password:\n\n{link}\n"
    )
}

/// What the job is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MailArgs {
    pub kind: MailKind,
    pub email: String,
    pub login: Option<Uuid>,
    /// Of an invitation.
    pub user: Option<Uuid>,
    /// Of the user, where it is not the job's.
    #[serde(default)]
    pub workspace: Option<Uuid>,
}

/// A letter, ready to be sent.
#[derive(Debug)]
pub struct Email {
    pub to: String,
    pub subject: String,
    pub text: String,
}

/// Queues an invitation in the transaction that makes the user; no more than some for one address, and from one workspace.
pub fn invite(tx: &mut Tx<'_>, user: Uuid, email: &str) -> Result<()> {
    if count(tx.conn, tx.now, &address_key(email))? > MAX_PER_ADDRESS {
        return Err(too_many("this address has had its invitations for today; try again tomorrow"));
    }
    check_workspace_limit(tx)?;
    enqueue(tx, MailKind::Invitation, user, email)
}

/// Tells the holder of an address that there is another login under it. Beyond the limit nothing is sent, and nothing is said. The job belongs
/// to the holder: in the workspace of the namesake it would tell that there is one.
pub fn notify_holder(tx: &mut Tx<'_>, holder: Uuid, user: Uuid, email: &str) -> Result<()> {
    if count(tx.conn, tx.now, &address_key(email))? > MAX_PER_ADDRESS {
        return Ok(());
    }
    let (kind, workspace) = (MailKind::Namesake, Some(tx.workspace()));
    enqueue_for_login(
        tx.conn,
        holder,
        &MailArgs { kind, email: email.into(), login: None, user: Some(user), workspace },
    )
}

fn check_workspace_limit(tx: &mut Tx<'_>) -> Result<()> {
    let key = format!("workspace:{}", tx.workspace());
    if count(tx.conn, tx.now, &key)? > MAX_PER_WORKSPACE {
        return Err(too_many("this workspace has sent its invitations for today; try again tomorrow"));
    }
    Ok(())
}

fn address_key(email: &str) -> String {
    format!("address:{}", address::email(email))
}

fn too_many(detail: &str) -> Error {
    Error::new(Code::RateLimited, detail).with(|problem| problem.retry_after = Some(3600))
}

/// Counts one more of today, with this one.
fn count(conn: &mut PgConnection, now: DateTime, key: &str) -> Result<i32> {
    let row = (
        letter_counts::counted.eq(tokens::hash(key)),
        letter_counts::day.eq(now.utc().date_naive()),
        letter_counts::count.eq(1),
    );
    Ok(diesel::insert_into(letter_counts::table)
        .values(row)
        .on_conflict((letter_counts::counted, letter_counts::day))
        .do_update()
        .set(letter_counts::count.eq(letter_counts::count + excluded(letter_counts::count)))
        .returning(letter_counts::count)
        .get_result(conn)?)
}

fn enqueue(tx: &mut Tx<'_>, kind: MailKind, user: Uuid, email: &str) -> Result<()> {
    let args = MailArgs { kind, email: email.into(), login: None, user: Some(user), workspace: None };
    let args = serde_json::to_value(args).map_err(Error::internal)?;
    queue::enqueue_in(Lane::Short, tx, JobKind::Letter, &args, None).map(drop)
}

/// Queues a letter for a new password to the login that holds an address; beyond the limit nothing is sent, and nothing is said.
pub fn reset(conn: &mut PgConnection, login: Uuid, email: &str) -> Result<()> {
    match count(conn, DateTime::now(), &login_key(MailKind::PasswordReset, login))? > RESETS {
        true => Ok(()),
        false => send_to_login(conn, MailKind::PasswordReset, login, email),
    }
}

/// Queues a letter to an address that a login wants to have; whose it is nobody knows. Beyond the limit of the address nothing is sent, and
/// nothing is said, since others have a part in it.
pub fn change_of_address(conn: &mut PgConnection, login: Uuid, email: &str) -> Result<()> {
    let now = DateTime::now();
    if count(conn, now, &login_key(MailKind::EmailChange, login))? > TO_LOGIN {
        return Err(too_many("you have had your letters of this kind for today; try again tomorrow"));
    }
    match count(conn, now, &address_key(email))? > MAX_PER_ADDRESS {
        true => Ok(()),
        false => send_to_login(conn, MailKind::EmailChange, login, email),
    }
}

fn login_key(kind: MailKind, login: Uuid) -> String {
    format!("login:{}:{login}", kind.as_str())
}

/// Whether a login may be told once more today. Under the address of a namesake somebody else reads.
fn may_tell(conn: &mut PgConnection, kind: MailKind, login: Uuid, email: &str) -> Result<bool> {
    let now = DateTime::now();
    if count(conn, now, &login_key(kind, login))? > TO_LOGIN {
        return Ok(false);
    }
    let holder: bool = logins::table.find(login).select(logins::holder).first(conn)?;
    Ok(holder || count(conn, now, &address_key(email))? <= MAX_PER_ADDRESS)
}

/// Queues a letter to a login, outside any workspace's work; one of the login's memberships answers for it.
fn send_to_login(conn: &mut PgConnection, kind: MailKind, login: Uuid, email: &str) -> Result<()> {
    enqueue_for_login(
        conn,
        login,
        &MailArgs { kind, email: email.into(), login: Some(login), user: None, workspace: None },
    )
}

fn enqueue_for_login(conn: &mut PgConnection, login: Uuid, args: &MailArgs) -> Result<()> {
    let member = users::table.filter(users::login_id.eq(login)).order(users::created_at);
    let member: Option<(Uuid, Uuid)> = member.select((users::workspace_id, users::id)).first(conn).optional()?;
    let Some((workspace, user)) = member else { return Ok(()) };
    let now = DateTime::now();
    diesel::insert_into(jobs::table)
        .values((
            jobs::id.eq(Uuid::now_v7()),
            jobs::workspace_id.eq(workspace),
            jobs::user_id.eq(user),
            // Invitations of a whole firm must not keep anybody from a new password.
            (jobs::kind.eq(JobKind::Letter), jobs::lane.eq(Lane::Urgent)),
            jobs::args.eq(serde_json::to_value(args).map_err(Error::internal)?),
            jobs::created_at.eq(now),
            jobs::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// A change of how a login signs in: letters that are open end, and the address that it has now is told. Called before the address changes.
pub fn security_changed(conn: &mut PgConnection, login: Uuid, what: MailKind) -> Result<()> {
    let email = revoke_open_tokens(conn, login)?;
    match may_tell(conn, what, login, &email)? {
        true => send_to_login(conn, what, login, &email),
        false => Ok(()),
    }
}

/// Ends the open letters of a login, and returns its address.
fn revoke_open_tokens(conn: &mut PgConnection, login: Uuid) -> Result<String> {
    let now = DateTime::now();
    // Locks the login, so that a letter that is being written is seen below.
    let email: String = diesel::update(logins::table.find(login))
        .set(logins::secured_at.eq(now))
        .returning(logins::email)
        .get_result(conn)?;
    let open = login_tokens::table.filter(login_tokens::login_id.eq(login)).filter(login_tokens::used_at.is_null());
    diesel::update(open).set(login_tokens::used_at.eq(now)).execute(conn)?;
    Ok(email)
}

/// As `security_changed`, of a login that was suspended in the workspace: the letter names it.
pub fn notify_suspended(tx: &mut Tx<'_>, login: Uuid) -> Result<()> {
    let email = revoke_open_tokens(tx.conn, login)?;
    if !may_tell(tx.conn, MailKind::Suspended, login, &email)? {
        return Ok(());
    }
    let args = MailArgs { kind: MailKind::Suspended, email, login: Some(login), user: None, workspace: None };
    let args = serde_json::to_value(args).map_err(Error::internal)?;
    queue::enqueue_in(Lane::Urgent, tx, JobKind::Letter, &args, None).map(drop)
}

/// Ends the invitations of a user that are open.
pub fn revoke_invitations(conn: &mut PgConnection, workspace: Uuid, user: Uuid) -> Result<()> {
    let open = login_tokens::table.filter(login_tokens::workspace_id.eq(workspace));
    let open = open.filter(login_tokens::user_id.eq(user)).filter(login_tokens::used_at.is_null());
    diesel::update(open).set(login_tokens::used_at.eq(DateTime::now())).execute(conn)?;
    Ok(())
}

/// Whether a letter with a token may still be written: who signs in, or joins, has not changed since it was asked for.
fn is_wanted(conn: &mut PgConnection, workspace: Uuid, args: &MailArgs, requested_at: DateTime) -> Result<bool> {
    if let Some(login) = args.login {
        let secured = logins::table.find(login).select(logins::secured_at).for_share();
        let secured: Option<Option<DateTime>> = secured.first(conn).optional()?;
        return Ok(secured.is_some_and(|at| at.is_none_or(|at| at < requested_at)));
    }
    let Some(user) = args.user else { return Ok(false) };
    let status: Option<UserStatus> =
        users::table.find((workspace, user)).select(users::status).for_share().first(conn).optional()?;
    let wanted = if args.kind == MailKind::Namesake { UserStatus::Active } else { UserStatus::Invited };
    Ok(status == Some(wanted))
}

/// Makes the token and writes the letter; nothing when a later change has ended it. `requested_at` is when it was asked for, `public` the address
/// of the front end, for links.
pub fn compose(
    conn: &mut PgConnection,
    workspace: Uuid,
    args: &MailArgs,
    requested_at: DateTime,
    public: &str,
) -> Result<Option<Email>> {
    let workspace = args.workspace.unwrap_or(workspace);
    let name: String = workspaces::table.find(workspace).select(workspaces::name).first(conn)?;
    let mut link = format!("{public}/{}", args.kind.page());
    if let Some((kind, hours)) = args.kind.token() {
        if !is_wanted(conn, workspace, args, requested_at)? {
            return Ok(None);
        }
        let token = format!("lt_{}", tokens::random()?);
        store_token(conn, workspace, args, kind, hours, &token)?;
        link = format!("{link}?token={token}");
    }
    let keys = args.login.map_or(Ok(0), |login| keys_of(conn, login))?;
    let (subject, text) = (args.kind.subject().to_owned(), args.kind.text(&name, &link, keys));
    Ok(Some(Email { to: args.email.clone(), subject, text }))
}

/// How many API keys act for a login, in all its workspaces.
fn keys_of(conn: &mut PgConnection, login: Uuid) -> Result<i64> {
    let member = users::workspace_id.eq(api_keys::workspace_id).and(users::id.eq(api_keys::user_id));
    let theirs = api_keys::table.inner_join(users::table.on(member)).filter(users::login_id.eq(login));
    let good = api_keys::expires_at.is_null().or(api_keys::expires_at.gt(DateTime::now()));
    Ok(theirs.filter(good.assume_not_null()).count().get_result(conn)?)
}

fn store_token(
    conn: &mut PgConnection,
    workspace: Uuid,
    args: &MailArgs,
    kind: MailKind,
    hours: i64,
    token: &str,
) -> Result<()> {
    let now = DateTime::now();
    diesel::insert_into(login_tokens::table)
        .values((
            login_tokens::hash.eq(tokens::hash(token)),
            login_tokens::kind.eq(kind),
            login_tokens::email.eq(&args.email),
            login_tokens::login_id.eq(args.login),
            login_tokens::workspace_id.eq(args.user.map(|_| workspace)),
            login_tokens::user_id.eq(args.user),
            login_tokens::created_at.eq(now),
            login_tokens::expires_at.eq(now.plus(chrono::Duration::hours(hours))),
        ))
        .execute(conn)?;
    Ok(())
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
fn live(kind: MailKind, hash: Vec<u8>, now: DateTime) -> _ {
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
pub fn redeem(conn: &mut PgConnection, kind: MailKind, token: &str) -> Result<Proof> {
    let now = DateTime::now();
    let proof = diesel::update(live(kind, tokens::hash(token), now))
        .set(login_tokens::used_at.eq(now))
        .returning((login_tokens::email, login_tokens::login_id, login_tokens::workspace_id, login_tokens::user_id))
        .get_result(conn)
        .optional()?;
    proof.ok_or_else(invalid)
}

/// The address of a token, and the login that it has already; the token is not used up.
pub fn peek(conn: &mut PgConnection, kind: MailKind, token: &str) -> Result<(String, Option<accounts::Login>)> {
    let token = live(kind, tokens::hash(token), DateTime::now());
    let email: Option<String> = token.select(login_tokens::email).first(conn).optional()?;
    let email = email.ok_or_else(invalid)?;
    let login = accounts::login_by_email(conn, &email)?;
    Ok((email, login))
}

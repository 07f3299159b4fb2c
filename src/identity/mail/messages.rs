//! Mails that prove an address (invitation, password reset, change of address) and mails that report a change.
//! A request queues a job. The job creates the token when it writes the mail, so the queue never contains a secret.
//! Subjects never contain text from users, because strangers can trigger mails.
use crate::db::queue::{self, JobKind, Lane};
use crate::db::tx::Tx;
use crate::identity::credentials::{accounts, tokens};
use crate::kernel::access::actor::UserStatus;
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::values::address;
use crate::kernel::values::time::DateTime;
use crate::schema::{api_keys, jobs, letter_counts, login_tokens, logins, users, workspaces};
use crate::text_enum;
use diesel::prelude::*;
use diesel::upsert::excluded;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Maximum invitations to one address per day (UTC), from all workspaces together.
const MAX_PER_ADDRESS: i32 = 5;
/// Maximum invitations from one workspace per day.
const MAX_PER_WORKSPACE: i32 = 200;
/// Maximum mails of one kind to one login per day.
const MAX_PER_LOGIN: i32 = 10;
/// Maximum password reset mails to one login per day. Higher, because anybody can request them.
const MAX_RESETS_PER_LOGIN: i32 = 20;

text_enum! {
    pub enum MailKind {
        Invitation = "invitation",
        PasswordReset = "password_reset",
        EmailChange = "email_change",
        /// Tells the holder of an address that another login was created with it.
        AddressInUse = "namesake",
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
    /// Returns the purpose of the token and its lifetime in hours. Mails that only report a change have no token.
    const fn token(self) -> Option<(MailKind, i64)> {
        match self {
            MailKind::Invitation | MailKind::AddressInUse => Some((MailKind::Invitation, 7 * 24)),
            MailKind::PasswordReset => Some((MailKind::PasswordReset, 1)),
            MailKind::EmailChange => Some((MailKind::EmailChange, 24)),
            _ => None,
        }
    }

    const fn subject(self) -> &'static str {
        match self {
            MailKind::Invitation => "You are invited",
            MailKind::PasswordReset => "Reset your password",
            MailKind::EmailChange => "Confirm your new e-mail address",
            MailKind::AddressInUse => "Another login was created with your address",
            MailKind::PasswordChanged => "Your password was changed",
            MailKind::EmailChanged => "Your sign-in address was changed",
            MailKind::SecondFactorOn => "Your second factor was turned on",
            MailKind::SecondFactorOff => "Your second factor was turned off",
            MailKind::Suspended => "Your access was suspended",
            MailKind::IdentityLinked => "Another way to sign in was added",
            MailKind::IdentityEnded => "A way to sign in was removed",
        }
    }

    /// Returns the body. `name` is the name of the workspace, `link` the page that accepts the token, and `keys` the
    /// number of API keys that act for the login.
    fn text(self, name: &str, link: &str, keys: i64) -> String {
        match self {
            MailKind::Invitation => {
                format!(
                    "You are invited to the workspace \"{name}\". To accept the invitation, open this link within 7 \
                     days:\n\n{link}\n"
                )
            }
            MailKind::AddressInUse => format!(
                "Somebody created a login with your e-mail address for the workspace \"{name}\", with a different \
                 password. Your existing login has not changed.\n\nIf this was you, or if you want to join this \
                 workspace, open this link within 7 days and use the password of your existing login. It then replaces \
                 the other login:\n\n{link}\n\nOtherwise, ignore this mail.\n"
            ),
            MailKind::PasswordReset => format!(
                "Somebody requested a new password for your login. To choose one, open this link within 1 hour:\
                 \n\n{link}\n\nIf you did not request this, ignore this mail.\n"
            ),
            MailKind::EmailChange => format!(
                "To sign in with this e-mail address from now on, open this link within 24 hours:\n\n{link}\n\n\
                 If you did not request this, ignore this mail.\n"
            ),
            MailKind::PasswordChanged => {
                security_notice("Your password was changed, and your other sessions were ended.", link, keys)
            }
            MailKind::EmailChanged => {
                "The e-mail address of your login was changed. You can no longer sign in with this address. Links in \
                 earlier mails are no longer valid.\n\nIf this was not you, contact the owner of your workspace at \
                 once.\n"
                    .to_owned()
            }
            MailKind::SecondFactorOn => {
                security_notice("Signing in now requires a code from your authenticator app.", link, keys)
            }
            MailKind::SecondFactorOff => {
                security_notice("Signing in no longer requires a code from your authenticator app.", link, keys)
            }
            MailKind::Suspended => format!(
                "Your access to the workspace \"{name}\" was suspended. Your sessions and API keys there were ended. \
                 If you have questions, contact the owner of the workspace.\n"
            ),
            MailKind::IdentityLinked => {
                security_notice("Your login was linked to an identity at an OpenID provider.", link, keys)
            }
            MailKind::IdentityEnded => {
                security_notice("An identity at an OpenID provider can no longer sign in as you.", link, keys)
            }
        }
    }

    const fn page(self) -> &'static str {
        match self {
            MailKind::Invitation | MailKind::AddressInUse => "accept-invitation",
            MailKind::PasswordReset => "reset-password",
            MailKind::EmailChange => "confirm-email",
            _ => "forgot-password",
        }
    }
}

fn security_notice(what: &str, link: &str, keys: i64) -> String {
    let acting = match keys {
        0 => String::new(),
        1 => " 1 API key still acts for you. Delete it if you do not recognise it.".to_owned(),
        many => format!(" {many} API keys still act for you. Delete those that you do not recognise."),
    };
    format!(
        "{what} Links in earlier mails are no longer valid.{acting}\n\nIf this was not you, choose a new password at \
         once:\n\n{link}\n"
    )
}

/// The arguments of the job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MailArgs {
    pub kind: MailKind,
    pub email: String,
    pub login: Option<Uuid>,
    /// For an invitation, the invited user.
    pub user: Option<Uuid>,
    /// The workspace of the user, if it differs from the workspace of the job.
    #[serde(default)]
    pub workspace: Option<Uuid>,
}

/// A mail, ready to be sent.
#[derive(Debug)]
pub struct Email {
    /// The id of a letter that is the same in every attempt to send it.
    pub id: Option<Uuid>,
    pub to: String,
    pub subject: String,
    pub text: String,
}

/// Queues an invitation in the transaction that creates the user. Fails if the daily limit of the address or of the
/// workspace is reached.
pub fn invite(tx: &mut Tx<'_>, user: Uuid, email: &str) -> Result<()> {
    if count(tx.conn, tx.now, &address_key(email))? > MAX_PER_ADDRESS {
        return Err(too_many("this address has reached its daily limit of invitations; try again tomorrow"));
    }
    check_workspace_limit(tx)?;
    enqueue(tx, MailKind::Invitation, user, email)
}

/// Tells the holder of an address that another login was created with it. Does nothing once the limit is reached.
/// The job belongs to the holder: a job in the workspace of the new login would reveal that the address has a holder.
pub fn notify_holder(tx: &mut Tx<'_>, holder: Uuid, user: Uuid, email: &str) -> Result<()> {
    if count(tx.conn, tx.now, &address_key(email))? > MAX_PER_ADDRESS {
        return Ok(());
    }
    let (kind, workspace) = (MailKind::AddressInUse, Some(tx.workspace()));
    enqueue_for_login(
        tx.conn,
        holder,
        &MailArgs { kind, email: email.into(), login: None, user: Some(user), workspace },
    )
}

fn check_workspace_limit(tx: &mut Tx<'_>) -> Result<()> {
    let key = format!("workspace:{}", tx.workspace());
    if count(tx.conn, tx.now, &key)? > MAX_PER_WORKSPACE {
        return Err(too_many("this workspace has reached its daily limit of invitations; try again tomorrow"));
    }
    Ok(())
}

fn address_key(email: &str) -> String {
    format!("address:{}", address::email(email))
}

fn too_many(detail: &str) -> Error {
    Error::new(Code::RateLimited, detail).with(|problem| problem.retry_after = Some(3600))
}

/// Increments today's counter and returns the new value.
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
    queue::enqueue_in(Lane::Short, tx, JobKind::Mail, &args, None).map(drop)
}

/// Queues a password reset mail to the login that holds an address. Does nothing once the limit is reached.
pub fn reset(conn: &mut PgConnection, login: Uuid, email: &str) -> Result<()> {
    match count(conn, DateTime::now(), &login_key(MailKind::PasswordReset, login))? > MAX_RESETS_PER_LOGIN {
        true => Ok(()),
        false => send_to_login(conn, MailKind::PasswordReset, login, email),
    }
}

/// Queues a confirmation mail to the new address of a login. The address is not verified yet. Fails once the limit of
/// the login is reached. Sends nothing once the limit of the address is reached, and does not say so, because mails to
/// that address may have been triggered by others.
pub fn change_of_address(conn: &mut PgConnection, login: Uuid, email: &str) -> Result<()> {
    let now = DateTime::now();
    if count(conn, now, &login_key(MailKind::EmailChange, login))? > MAX_PER_LOGIN {
        return Err(too_many("you have reached your daily limit of these mails; try again tomorrow"));
    }
    match count(conn, now, &address_key(email))? > MAX_PER_ADDRESS {
        true => Ok(()),
        false => send_to_login(conn, MailKind::EmailChange, login, email),
    }
}

fn login_key(kind: MailKind, login: Uuid) -> String {
    format!("login:{}:{login}", kind.as_str())
}

/// Checks whether a login may receive another mail of this kind today. A login that does not hold its address is also
/// limited by the address, because somebody else reads those mails.
fn may_notify(conn: &mut PgConnection, kind: MailKind, login: Uuid, email: &str) -> Result<bool> {
    let now = DateTime::now();
    if count(conn, now, &login_key(kind, login))? > MAX_PER_LOGIN {
        return Ok(false);
    }
    let holder: bool = logins::table.find(login).select(logins::holder).first(conn)?;
    Ok(holder || count(conn, now, &address_key(email))? <= MAX_PER_ADDRESS)
}

/// Queues a mail to a login that is not about a workspace. The job belongs to the oldest membership of the login.
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
            // Urgent, so that a mass invitation does not delay password resets.
            (jobs::kind.eq(JobKind::Mail), jobs::lane.eq(Lane::Urgent)),
            jobs::args.eq(serde_json::to_value(args).map_err(Error::internal)?),
            jobs::created_at.eq(now),
            jobs::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Records a change of how a login signs in: revokes unused mail tokens and notifies the current address. Must be
/// called before the address changes.
pub fn security_changed(conn: &mut PgConnection, login: Uuid, what: MailKind) -> Result<()> {
    let email = revoke_open_tokens(conn, login)?;
    match may_notify(conn, what, login, &email)? {
        true => send_to_login(conn, what, login, &email),
        false => Ok(()),
    }
}

/// Revokes the unused mail tokens of a login, and returns its address.
fn revoke_open_tokens(conn: &mut PgConnection, login: Uuid) -> Result<String> {
    let now = DateTime::now();
    // Locks the login, so that the query below sees tokens of mails that are being composed.
    let email: String = diesel::update(logins::table.find(login))
        .set(logins::secured_at.eq(now))
        .returning(logins::email)
        .get_result(conn)?;
    let open = login_tokens::table.filter(login_tokens::login_id.eq(login)).filter(login_tokens::used_at.is_null());
    diesel::update(open).set(login_tokens::used_at.eq(now)).execute(conn)?;
    Ok(email)
}

/// Like `security_changed`, for a login that was suspended in the workspace. The mail names the workspace.
pub fn notify_suspended(tx: &mut Tx<'_>, login: Uuid) -> Result<()> {
    let email = revoke_open_tokens(tx.conn, login)?;
    if !may_notify(tx.conn, MailKind::Suspended, login, &email)? {
        return Ok(());
    }
    let args = MailArgs { kind: MailKind::Suspended, email, login: Some(login), user: None, workspace: None };
    let args = serde_json::to_value(args).map_err(Error::internal)?;
    queue::enqueue_in(Lane::Urgent, tx, JobKind::Mail, &args, None).map(drop)
}

/// Revokes the unused invitations of a user.
pub fn revoke_invitations(conn: &mut PgConnection, workspace: Uuid, user: Uuid) -> Result<()> {
    let open = login_tokens::table.filter(login_tokens::workspace_id.eq(workspace));
    let open = open.filter(login_tokens::user_id.eq(user)).filter(login_tokens::used_at.is_null());
    diesel::update(open).set(login_tokens::used_at.eq(DateTime::now())).execute(conn)?;
    Ok(())
}

/// Checks whether a mail with a token may still be sent: the login or the user has not changed since the request.
fn is_current(conn: &mut PgConnection, workspace: Uuid, args: &MailArgs, requested_at: DateTime) -> Result<bool> {
    if let Some(login) = args.login {
        let secured = logins::table.find(login).select(logins::secured_at).for_share();
        let secured: Option<Option<DateTime>> = secured.first(conn).optional()?;
        return Ok(secured.is_some_and(|at| at.is_none_or(|at| at < requested_at)));
    }
    let Some(user) = args.user else { return Ok(false) };
    let status: Option<UserStatus> =
        users::table.find((workspace, user)).select(users::status).for_share().first(conn).optional()?;
    let wanted = if args.kind == MailKind::AddressInUse { UserStatus::Active } else { UserStatus::Invited };
    Ok(status == Some(wanted))
}

/// Creates the token and writes the mail. Returns `None` if a later change has made the mail obsolete. `requested_at`
/// is the time of the request, `public` the base URL of the front end for links.
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
        if !is_current(conn, workspace, args, requested_at)? {
            return Ok(None);
        }
        let token = format!("lt_{}", tokens::random()?);
        store_token(conn, workspace, args, kind, hours, &token)?;
        link = format!("{link}?token={token}");
    }
    let keys = args.login.map_or(Ok(0), |login| keys_of(conn, login))?;
    let (subject, text) = (args.kind.subject().to_owned(), args.kind.text(&name, &link, keys));
    Ok(Some(Email { id: None, to: args.email.clone(), subject, text }))
}

/// Counts the valid API keys of a login in all its workspaces.
fn keys_of(conn: &mut PgConnection, login: Uuid) -> Result<i64> {
    let member = users::workspace_id.eq(api_keys::workspace_id).and(users::id.eq(api_keys::user_id));
    let own_keys = api_keys::table.inner_join(users::table.on(member)).filter(users::login_id.eq(login));
    let good = api_keys::expires_at.is_null().or(api_keys::expires_at.gt(DateTime::now()));
    Ok(own_keys.filter(good.assume_not_null()).count().get_result(conn)?)
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

/// The content of a redeemed token.
#[derive(Debug, Queryable)]
pub struct Proof {
    pub email: String,
    pub login: Option<Uuid>,
    pub workspace: Option<Uuid>,
    pub user: Option<Uuid>,
}

/// Selects an unused, unexpired token of a kind.
#[diesel::dsl::auto_type(no_type_alias)]
fn live(kind: MailKind, hash: Vec<u8>, now: DateTime) -> _ {
    login_tokens::table
        .find(hash)
        .filter(login_tokens::kind.eq(kind))
        .filter(login_tokens::used_at.is_null())
        .filter(login_tokens::expires_at.gt(now))
}

fn invalid() -> Error {
    Error::new(Code::LinkInvalid, "the link is unknown, has expired or was used before")
}

/// Marks a token as used and returns its content.
pub fn redeem(conn: &mut PgConnection, kind: MailKind, token: &str) -> Result<Proof> {
    let now = DateTime::now();
    let proof = diesel::update(live(kind, tokens::hash(token), now))
        .set(login_tokens::used_at.eq(now))
        .returning((login_tokens::email, login_tokens::login_id, login_tokens::workspace_id, login_tokens::user_id))
        .get_result(conn)
        .optional()?;
    proof.ok_or_else(invalid)
}

/// Returns the address of a token and the login that holds it, without using the token.
pub fn peek(conn: &mut PgConnection, kind: MailKind, token: &str) -> Result<(String, Option<accounts::Login>)> {
    let token = live(kind, tokens::hash(token), DateTime::now());
    let email: Option<String> = token.select(login_tokens::email).first(conn).optional()?;
    let email = email.ok_or_else(invalid)?;
    let login = accounts::login_by_email(conn, &email)?;
    Ok((email, login))
}

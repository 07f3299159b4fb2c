//! Changes to how a user signs in invalidate pending links and tokens, and the user gets a mail.
use crate::second_factor::code;
use crate::support::mail::{await_email, emails_to};
use crate::support::{Answer, Client, bearer, id, key, login, register, unique, workspace};
use serde_json::{Value as Json, json};

const PASSWORD: &str = "a-long-password";
const OTHER: &str = "another-password";

fn post(path: &str, body: Json) -> Answer {
    Client::anonymous().post(path, body)
}

fn token(to: &str, subject: &str, count: usize) -> String {
    await_email(to, subject, count).token().unwrap()
}

/// A user with a workspace, a pending password reset and a pending change of address.
struct Person {
    client: Client,
    email: String,
    new: String,
    reset: String,
    change: String,
}

fn person() -> Person {
    let email = format!("{}@example.com", unique("person"));
    let new = format!("{}@example.com", unique("new"));
    let client = register(&email, PASSWORD).0;
    post("/auth/forgot-password", json!({ "email": email })).gone();
    client.post("/auth/change-email", json!({ "email": new, "password": PASSWORD })).gone();
    let (reset, change) = (token(&email, "Reset your password", 1), token(&new, "Confirm your new e-mail address", 1));
    Person { client, email, new, reset, change }
}

impl Person {
    /// Checks that the earlier links no longer work and that the previous address got a mail.
    #[track_caller]
    fn is_safe(&self, told: &str) {
        post("/auth/reset-password", json!({ "token": self.reset, "password": OTHER })).problem(401, "link_invalid");
        post("/auth/confirm-email", json!({ "token": self.change })).problem(401, "link_invalid");
        let letter = await_email(&self.email, told, 1);
        assert_eq!(letter.token(), None, "{letter:?}");
    }
}

#[test]
fn a_new_password_invalidates_pending_links() {
    let it = person();
    let change = json!({ "current_password": PASSWORD, "new_password": OTHER });
    it.client.post("/auth/change-password", change).gone();
    it.is_safe("Your password was changed");
    login(&it.email, OTHER).ok();
}

#[test]
fn a_reset_invalidates_the_other_links() {
    let it = person();
    post("/auth/reset-password", json!({ "token": it.reset, "password": OTHER })).gone();
    it.is_safe("Your password was changed");
}

#[test]
fn a_new_address_invalidates_pending_links_and_notifies_the_old_one() {
    let it = person();
    post("/auth/confirm-email", json!({ "token": it.change })).gone();
    it.is_safe("Your sign-in address was changed");
    login(&it.new, PASSWORD).ok();
    // Only the previous address got the mail.
    assert!(emails_to(&it.new).iter().all(|letter| !letter.subject.contains("was changed")));
}

#[test]
fn enabling_and_disabling_two_factor_invalidates_pending_links() {
    let it = person();
    let begun = it.client.post("/auth/totp/begin", json!({ "password": PASSWORD })).ok();
    let app = begun["secret"].as_str().unwrap();
    let confirmed = it.client.post("/auth/totp/confirm", json!({ "code": code(app, 0) })).ok();
    it.is_safe("Your second factor was turned on");
    post("/auth/forgot-password", json!({ "email": it.email })).gone();
    let reset = token(&it.email, "Reset your password", 2);
    let end = json!({ "password": PASSWORD, "code": confirmed["recovery_codes"][0] });
    it.client.post("/auth/totp/end", end).gone();
    post("/auth/reset-password", json!({ "token": reset, "password": OTHER })).problem(401, "link_invalid");
    await_email(&it.email, "Your second factor was turned off", 1);
}

/// Creates a user in a workspace of somebody else.
fn member(owner: &Client) -> (Client, String, String) {
    let email = format!("{}@example.com", unique("member"));
    let body = json!({ "name": "Member", "email": email, "role": "seller", "password": PASSWORD });
    let user = id(&owner.post("/users", body).created());
    (bearer(&login(&email, PASSWORD).ok()), email, user)
}

#[test]
fn a_suspension_ends_links_tokens_and_keys_permanently() {
    let owner = workspace();
    let email = format!("{}@example.com", unique("member"));
    let body = json!({ "name": "Member", "email": email, "role": "seller", "password": PASSWORD });
    let path = format!("/users/{}", id(&owner.post("/users", body).created()));
    let pair = login(&email, PASSWORD).ok();
    let member = bearer(&pair);
    let script = key(&member, &["deals:read"]);
    script.get("/deals").ok();
    post("/auth/forgot-password", json!({ "email": email })).gone();
    let reset = token(&email, "Reset your password", 1);
    owner.patch(&path, json!({ "status": "suspended" })).ok();
    await_email(&email, "Your access was suspended", 1);
    for back in [false, true] {
        if back {
            owner.patch(&path, json!({ "status": "active" })).ok();
        }
        member.get("/me").problem(401, "session_revoked");
        script.get("/deals").problem(401, "token_invalid");
        post("/auth/refresh", json!({ "refresh_token": pair["refresh_token"] })).problem(401, "refresh_invalid");
        post("/auth/reset-password", json!({ "token": reset, "password": OTHER })).problem(401, "link_invalid");
    }
    let fresh = bearer(&login(&email, PASSWORD).ok());
    assert_eq!(fresh.get("/api-keys").ok()["data"], json!([]));
    let log = owner.get("/audit-events?type=api_key.deleted").ok();
    assert_eq!(log["data"].as_array().unwrap().len(), 1);
}

#[test]
fn a_suspension_ends_an_invitation() {
    let owner = workspace();
    let email = format!("{}@example.com", unique("guest"));
    let path = format!("/users/{}", id(&owner.post("/users", json!({ "name": "G", "email": email })).created()));
    let invitation = token(&email, "You are invited", 1);
    owner.patch(&path, json!({ "status": "suspended" })).ok();
    let accept = json!({ "token": invitation, "password": PASSWORD });
    post("/auth/accept-invitation", accept.clone()).problem(401, "link_invalid");
    owner.patch(&path, json!({ "status": "invited" })).ok();
    post("/auth/accept-invitation", accept).problem(401, "link_invalid");
    owner.post(&format!("{path}/invite"), json!({})).ok();
    let again = token(&email, "You are invited", 2);
    post("/auth/accept-invitation", json!({ "token": again, "password": PASSWORD })).ok();
}

/// A role change without a suspension keeps sessions and keys.
#[test]
fn a_role_change_ends_no_session() {
    let owner = workspace();
    let (member, email, user) = member(&owner);
    let script = key(&member, &["deals:read"]);
    owner.patch(&format!("/users/{user}"), json!({ "role": "viewer", "name": "M" })).ok();
    member.get("/me").ok();
    script.get("/deals").ok();
    assert!(emails_to(&email).is_empty(), "{:?}", emails_to(&email));
}

/// Password rules always use the address of the login.
#[test]
fn a_password_must_not_be_the_address() {
    const DIGITS: &str = "804912775031";
    let refused = |answer: Answer, pointer: &str| {
        let problem = answer.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
        assert_eq!(problem["errors"][0]["detail"], "must not be your e-mail address or its first part");
    };
    let name = unique("samename");
    let email = format!("{name}@example.com");
    let new = |password: &str| json!({ "workspace_name": "A", "name": "A", "email": email, "password": password });
    refused(post("/auth/register", new(&name)), "/password");
    let (client, _) = register(&email, DIGITS);
    let change = |new: &str| json!({ "current_password": DIGITS, "new_password": new });
    refused(client.post("/auth/change-password", change(&name)), "/new_password");
    refused(client.post("/auth/change-password", change(&email)), "/new_password");
    post("/auth/forgot-password", json!({ "email": email })).gone();
    let reset = token(&email, "Reset your password", 1);
    refused(post("/auth/reset-password", json!({ "token": reset, "password": name })), "/password");
    let guest = unique("guestname");
    let address = format!("{guest}@example.com");
    client.post("/users", json!({ "name": "G", "email": address })).created();
    let invitation = token(&address, "You are invited", 1);
    let accept = |password: &str| post("/auth/accept-invitation", json!({ "token": invitation, "password": password }));
    refused(accept(&guest), "/password");
    accept(DIGITS).ok();
    let user = |password: &str| json!({ "name": "U", "email": format!("{guest}2@example.com"), "password": password });
    refused(client.post("/users", user(&format!("{guest}2"))), "/password");
    client.post("/users", user(DIGITS)).created();
}

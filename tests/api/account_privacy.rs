//! What outsiders can learn about logins, and which mails they can cause.
use crate::support::mail::{await_email, emails_to};
use crate::support::{Answer, Client, bearer, id, key, login, register, unique, user, workspace};
use serde_json::{Value as Json, json};

const PASSWORD: &str = "a-long-password";
const OTHER: &str = "another-password";

fn post(path: &str, body: Json) -> Answer {
    Client::anonymous().post(path, body)
}

fn registration(email: &str, password: &str) -> Json {
    json!({ "workspace_name": "Other", "name": "Other", "email": email, "password": password })
}

/// Returns the members of an answer without the values that differ between answers.
fn shape(answer: &Json) -> Vec<String> {
    answer.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn a_registration_does_not_reveal_known_addresses() {
    let known = format!("{}@example.com", unique("known"));
    let (own, first) = register(&known, PASSWORD);
    let unknown = format!("{}@example.com", unique("unknown"));
    let answers = [&known, &unknown].map(|email| post("/auth/register", registration(email, OTHER)).created());
    assert_eq!(shape(&answers[0]), shape(&answers[1]));
    for (email, answer) in [&known, &unknown].into_iter().zip(&answers) {
        // Both registrations continue in the same way, and nothing in the workspace distinguishes them.
        assert_eq!(bearer(answer).get("/jobs").ok()["data"], json!([]), "{email}");
        assert_eq!(bearer(answer).get("/me").ok()["memberships"].as_array().unwrap().len(), 1);
        assert_eq!(login(email, OTHER).ok()["workspace_id"], answer["workspace_id"]);
        login(email, "a-wrong-password").problem(401, "credentials_invalid");
    }
    // The existing login of the address is unchanged, and its owner gets a mail.
    assert_eq!(own.get("/me").ok()["memberships"].as_array().unwrap().len(), 1);
    assert_eq!(login(&known, PASSWORD).ok()["workspace_id"], first["workspace_id"]);
    let told = await_email(&known, "Another login was created with your address", 1);
    assert!(emails_to(&unknown).is_empty());
    // If the owner registered twice, the link joins the existing login, and the new one ends.
    let token = told.token().unwrap();
    let wrong = json!({ "token": token, "password": OTHER });
    post("/auth/accept-invitation", wrong).problem(401, "credentials_invalid");
    let joined = post("/auth/accept-invitation", json!({ "token": token, "password": PASSWORD })).ok();
    assert_eq!(joined["workspace_id"], answers[0]["workspace_id"]);
    assert_eq!(own.get("/me").ok()["memberships"].as_array().unwrap().len(), 2);
    bearer(&answers[0]).get("/me").problem(401, "session_revoked");
    login(&known, OTHER).problem(401, "credentials_invalid");
}

#[test]
fn adding_a_user_does_not_reveal_logins_elsewhere() {
    let owner = workspace();
    let known = format!("{}@example.com", unique("elsewhere"));
    register(&known, PASSWORD);
    let unknown = format!("{}@example.com", unique("nowhere"));
    let add = |email: &str| owner.post("/users", json!({ "name": "U", "email": email, "password": OTHER }));
    let made = [&known, &unknown].map(|email| {
        let answer = add(email);
        let statements = answer.statements();
        let mut user = answer.created();
        user["statements"] = json!(statements);
        for member in ["id", "email", "created_at", "updated_at"] {
            user[member] = Json::Null;
        }
        user
    });
    assert_eq!(made[0], made[1]);
    let here = owner.get("/me").ok()["workspace"]["id"].clone();
    for email in [&known, &unknown] {
        assert_eq!(login(email, OTHER).ok()["workspace_id"], here, "{email}");
    }
    assert_eq!(owner.get("/jobs").ok()["data"], json!([]));
    let elsewhere = login(&known, PASSWORD).ok();
    assert_ne!(elsewhere["workspace_id"], here);
    assert_eq!(bearer(&elsewhere).get("/me").ok()["memberships"].as_array().unwrap().len(), 1);
    await_email(&known, "Another login was created with your address", 1);
}

/// A reset by mail changes the login that owns the address, never an unverified login with the same address.
#[test]
fn a_reset_belongs_to_the_owner_of_the_address() {
    let email = format!("{}@example.com", unique("holder"));
    let (_, first) = register(&email, PASSWORD);
    let second = post("/auth/register", registration(&email, OTHER)).created();
    post("/auth/forgot-password", json!({ "email": email })).gone();
    let token = await_email(&email, "Reset your password", 1).token().unwrap();
    post("/auth/reset-password", json!({ "token": token, "password": "the-third-password" })).gone();
    assert_eq!(login(&email, "the-third-password").ok()["workspace_id"], first["workspace_id"]);
    assert_eq!(login(&email, OTHER).ok()["workspace_id"], second["workspace_id"]);
    login(&email, PASSWORD).problem(401, "credentials_invalid");
}

#[test]
fn invitations_to_one_address_are_limited() {
    let email = format!("{}@example.com", unique("flooded"));
    let invite = || workspace().post("/users", json!({ "name": "X", "email": email }));
    for _ in 0..5 {
        invite().created();
    }
    let answer = invite();
    assert!(!answer.header("retry-after").is_empty());
    answer.problem(429, "rate_limited");
    let owner = workspace();
    owner.post("/users", json!({ "name": "X", "email": format!("{}@example.com", unique("other")) })).created();
    // A mail to the same address from elsewhere counts too.
    let guest = format!("{}@example.com", unique("again"));
    let user = id(&owner.post("/users", json!({ "name": "X", "email": guest })).created());
    let again = || owner.post(&format!("/users/{user}/invite"), json!({}));
    for _ in 0..4 {
        again().ok();
    }
    again().problem(429, "rate_limited");
}

#[test]
fn invitations_from_one_workspace_are_limited() {
    let owner = workspace();
    let invite = || owner.post("/users", json!({ "name": "X", "email": format!("{}@example.com", unique("many")) }));
    for _ in 0..200 {
        invite().created();
    }
    invite().problem(429, "rate_limited");
    // A user created with a password gets no mail.
    let body = json!({ "name": "X", "email": format!("{}@example.com", unique("many")), "password": PASSWORD });
    owner.post("/users", body).created();
}

/// The subject is fixed; the name of the workspace appears only quoted in the text.
#[test]
fn mail_subjects_contain_no_user_input() {
    let owner = workspace();
    let name = "You have won! Go to evil.example";
    owner.patch("/workspaces/current", json!({ "name": name })).ok();
    let email = format!("{}@example.com", unique("lured"));
    let user = id(&owner.post("/users", json!({ "name": "evil.example", "email": email })).created());
    await_email(&email, "You are invited", 1);
    let token = await_email(&email, "You are invited", 1).token().unwrap();
    post("/auth/accept-invitation", json!({ "token": token, "password": PASSWORD })).ok();
    owner.patch(&format!("/users/{user}"), json!({ "status": "suspended" })).ok();
    await_email(&email, "Your access was suspended", 1);
    for letter in emails_to(&email) {
        assert!(!letter.subject.contains("evil") && letter.text.contains(&format!("\"{name}\"")), "{letter:?}");
    }
}

/// Keys of an unverified login cannot act for the owner who joins.
#[test]
fn keys_of_an_unverified_login_end_when_the_owner_joins() {
    let email = format!("{}@example.com", unique("joined"));
    register(&email, PASSWORD);
    let owner = workspace();
    let invited = json!({ "name": "N", "email": email, "role": "seller", "password": OTHER });
    owner.post("/users", invited).created();
    let registered = post("/auth/register", registration(&email, "the-third-password")).created();
    for (count, namesake) in [(1, login(&email, OTHER).ok()), (2, registered)] {
        let key = key(&bearer(&namesake), &["contacts:read", "users:read"]);
        key.get("/contacts").ok();
        let told: Vec<_> = {
            await_email(&email, "Another login was created with your address", 2);
            emails_to(&email)
                .into_iter()
                .filter(|l| l.subject == "Another login was created with your address")
                .collect()
        };
        let token = told[count - 1].token().unwrap();
        let joined = post("/auth/accept-invitation", json!({ "token": token, "password": PASSWORD })).ok();
        assert_eq!(joined["workspace_id"], namesake["workspace_id"]);
        key.get("/contacts").problem(401, "token_invalid");
        let holder = bearer(&joined);
        assert_eq!(holder.get("/api-keys").ok()["data"], json!([]));
    }
}

fn told(email: &str, subject: &str) -> usize {
    emails_to(email).iter().filter(|letter| letter.subject == subject).count()
}

/// Waits for a mail that is sent after all earlier ones.
fn settled(client: &Client) {
    let own = format!("{}@example.com", unique("settled"));
    client.post("/auth/change-email", json!({ "email": own, "password": PASSWORD })).gone();
    await_email(&own, "Confirm your new e-mail address", 1);
}

#[test]
fn mails_to_an_unverified_address_are_limited() {
    let stranger = format!("{}@example.com", unique("stranger"));
    let change =
        |client: &Client| client.post("/auth/change-email", json!({ "email": stranger, "password": PASSWORD }));
    // Requests for one address are limited silently, whoever sends them.
    for _ in 0..3 {
        let client = register(&format!("{}@example.com", unique("asking")), PASSWORD).0;
        for _ in 0..3 {
            change(&client).gone();
        }
        settled(&client);
    }
    assert_eq!(told(&stranger, "Confirm your new e-mail address"), 5);
    // Requests of one login are limited over all addresses.
    let client = register(&format!("{}@example.com", unique("asking")), PASSWORD).0;
    let answers = (0..12).map(|n| {
        let email = format!("{}-{n}@example.com", unique("any"));
        client.post("/auth/change-email", json!({ "email": email, "password": PASSWORD })).status
    });
    assert_eq!(answers.filter(|status| *status == 429).count(), 2);
}

/// Mails about an unverified login under the owner's address are limited to a few a day.
#[test]
fn an_unverified_login_cannot_flood_the_owner() {
    let email = format!("{}@example.com", unique("flooded"));
    register(&email, PASSWORD);
    let owner = workspace();
    let user = json!({ "name": "N", "email": email, "role": "seller", "password": OTHER });
    let user = id(&owner.post("/users", user).created());
    for _ in 0..8 {
        owner.patch(&format!("/users/{user}"), json!({ "status": "suspended" })).ok();
        owner.patch(&format!("/users/{user}"), json!({ "status": "active" })).ok();
    }
    let namesake = bearer(&login(&email, OTHER).ok());
    for n in 0..8 {
        let (old, new) =
            (if n == 0 { OTHER.to_owned() } else { format!("another-word-{n}") }, format!("another-word-{}", n + 1));
        let body = json!({ "current_password": old, "new_password": new });
        namesake.post("/auth/change-password", body).gone();
    }
    settled(&register(&format!("{}@example.com", unique("after")), PASSWORD).0);
    assert!(emails_to(&email).len() <= 5, "{:?}", emails_to(&email));
}

/// API keys survive a new password; the mail tells the owner how many there are.
#[test]
fn a_mail_about_a_new_password_counts_the_keys() {
    let email = format!("{}@example.com", unique("keyed"));
    let client = register(&email, PASSWORD).0;
    let keys = [key(&client, &["contacts:read"]), key(&client, &["deals:read"])];
    let change = json!({ "current_password": PASSWORD, "new_password": OTHER });
    client.post("/auth/change-password", change).gone();
    let told = await_email(&email, "Your password was changed", 1);
    assert!(told.text.contains("2 API keys still act for you"), "{told:?}");
    keys[0].get("/contacts").ok();
    keys[1].get("/deals").ok();
}

/// Mail jobs are visible to their recipient and to users who may read the audit log.
#[test]
fn mail_jobs_of_others_are_invisible() {
    let owner = workspace();
    owner.post("/users", json!({ "name": "G", "email": format!("{}@example.com", unique("guest")) })).created();
    let of_letters = |client: &Client| client.get("/jobs?kind=letter").ok()["data"].as_array().unwrap().len();
    let manager = user(&owner, "manager");
    let jobs = owner.get("/jobs?kind=letter").ok();
    let job = jobs["data"][0]["id"].as_str().unwrap();
    assert_eq!(of_letters(&owner), 1);
    assert_eq!(of_letters(&manager), 0);
    manager.get(&format!("/jobs/{job}")).problem(404, "not_found");
    manager.post(&format!("/jobs/{job}/cancel"), json!({})).problem(404, "not_found");
}

//! What strangers learn of logins, and what letters they can have sent.
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

/// The members of an answer, without what differs from one to the next.
fn shape(answer: &Json) -> Vec<String> {
    answer.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn a_registration_does_not_tell_whether_the_address_is_known() {
    let known = format!("{}@example.com", unique("known"));
    let (own, first) = register(&known, PASSWORD);
    let unknown = format!("{}@example.com", unique("unknown"));
    let answers = [&known, &unknown].map(|email| post("/auth/register", registration(email, OTHER)).created());
    assert_eq!(shape(&answers[0]), shape(&answers[1]));
    for (email, answer) in [&known, &unknown].into_iter().zip(&answers) {
        // Both go on in the same way, and nothing in the workspace tells them apart.
        assert_eq!(bearer(answer).get("/jobs").ok()["data"], json!([]), "{email}");
        assert_eq!(bearer(answer).get("/me").ok()["memberships"].as_array().unwrap().len(), 1);
        assert_eq!(login(email, OTHER).ok()["workspace_id"], answer["workspace_id"]);
        login(email, "a-wrong-password").problem(401, "credentials_invalid");
    }
    // The login of the one who holds the address is untouched, and they are told.
    assert_eq!(own.get("/me").ok()["memberships"].as_array().unwrap().len(), 1);
    assert_eq!(login(&known, PASSWORD).ok()["workspace_id"], first["workspace_id"]);
    let told = await_email(&known, "Another login was created with your address", 1);
    assert!(emails_to(&unknown).is_empty());
    // If it was them after all, they join with their own login, and the other one ends.
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
fn adding_a_user_does_not_tell_whether_the_address_has_a_login_elsewhere() {
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

/// A forgotten password is the holder's: a namesake cannot be given another one by letter, nor the holder be locked out.
#[test]
fn a_reset_is_the_holders() {
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
fn invitations_to_one_address_have_a_limit() {
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
    // Another letter to the same one counts too.
    let guest = format!("{}@example.com", unique("again"));
    let user = id(&owner.post("/users", json!({ "name": "X", "email": guest })).created());
    let again = || owner.post(&format!("/users/{user}/invite"), json!({}));
    for _ in 0..4 {
        again().ok();
    }
    again().problem(429, "rate_limited");
}

#[test]
fn invitations_from_one_workspace_have_a_limit() {
    let owner = workspace();
    let invite = || owner.post("/users", json!({ "name": "X", "email": format!("{}@example.com", unique("many")) }));
    for _ in 0..200 {
        invite().created();
    }
    invite().problem(429, "rate_limited");
    // Who gets a password needs no letter.
    let body = json!({ "name": "X", "email": format!("{}@example.com", unique("many")), "password": PASSWORD });
    owner.post("/users", body).created();
}

/// The subject is ours alone; what the workspace calls itself stands in quotes within.
#[test]
fn subjects_hold_nothing_that_a_stranger_wrote() {
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

/// Who joins is not acted for by what a namesake has left behind.
#[test]
fn keys_of_a_namesake_end_when_the_holder_joins() {
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

/// Waits for a letter that comes after all that were asked for before.
fn settled(client: &Client) {
    let own = format!("{}@example.com", unique("settled"));
    client.post("/auth/change-email", json!({ "email": own, "password": PASSWORD })).gone();
    await_email(&own, "Confirm your new e-mail address", 1);
}

#[test]
fn letters_to_a_strangers_address_have_a_limit() {
    let stranger = format!("{}@example.com", unique("stranger"));
    let change =
        |client: &Client| client.post("/auth/change-email", json!({ "email": stranger, "password": PASSWORD }));
    // Of one address silently, whoever asks.
    for _ in 0..3 {
        let client = register(&format!("{}@example.com", unique("asking")), PASSWORD).0;
        for _ in 0..3 {
            change(&client).gone();
        }
        settled(&client);
    }
    assert_eq!(told(&stranger, "Confirm your new e-mail address"), 5);
    // Of one login, whichever the addresses.
    let client = register(&format!("{}@example.com", unique("asking")), PASSWORD).0;
    let answers = (0..12).map(|n| {
        let email = format!("{}-{n}@example.com", unique("any"));
        client.post("/auth/change-email", json!({ "email": email, "password": PASSWORD })).status
    });
    assert_eq!(answers.filter(|status| *status == 429).count(), 2);
}

/// What happens to a login under somebody else's address is told there a few times a day, however often it happens.
#[test]
fn a_namesake_cannot_flood_the_holder() {
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

/// Programs go on after a new password; who did not choose it is told how many they are.
#[test]
fn a_letter_about_a_new_password_counts_the_keys() {
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

/// That a letter was sent, and why not, is for who gets it and for who may read the audit log.
#[test]
fn letters_of_others_are_no_jobs_to_look_at() {
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

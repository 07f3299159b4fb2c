//! Attacks on authentication: forged tokens, ended sessions, passwords, scopes, roles.
use crate::support::server::SECRET;
use crate::support::{Answer, Client, id, key, register, unique, user, user_with, workspace};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use voronka::kernel::values::hex::hex;

const PASSWORD: &str = "a-long-password";

/// Checks the status and code of an answer; a success has no code.
#[track_caller]
pub fn expect(name: &str, answer: &Answer, status: u16, code: &str) {
    let body: Json = serde_json::from_str(&answer.text).unwrap_or_default();
    let got = body["code"].as_str().unwrap_or_default();
    assert_eq!(answer.status, status, "{name}: {}", answer.text);
    assert_eq!(got, code, "{name}: {}", answer.text);
}

/// Returns the first refused member or parameter and the reason: `/email invalid_format`.
pub fn why(answer: &Answer) -> String {
    let body: Json = serde_json::from_str(&answer.text).unwrap_or_default();
    let first = &body["errors"][0];
    let place = first["pointer"].as_str().or(first["parameter"].as_str()).unwrap_or_default();
    format!("{place} {}", first["code"].as_str().unwrap_or_default())
}

/// Runs the same function on many threads at the same time.
pub fn together<T: Send>(times: usize, act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = std::sync::Barrier::new(times);
    let run = |n| {
        barrier.wait();
        act(n)
    };
    std::thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..times).map(|n| scope.spawn(move || run(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn post(path: &str, body: Json) -> Answer {
    Client::anonymous().post(path, body)
}

fn login(email: &str, password: &str) -> Answer {
    post("/auth/login", json!({ "email": email, "password": password }))
}

fn refresh(pair: &Json) -> Answer {
    post("/auth/refresh", json!({ "refresh_token": pair["refresh_token"] }))
}

fn bearer(pair: &Json) -> Client {
    Client::with_token(pair["access_token"].as_str().unwrap())
}

/// Builds a token by hand.
fn forge(head: &Json, claims: &str, secret: &[u8], algorithm: Algorithm) -> String {
    let message = format!("{}.{}", BASE64.encode(head.to_string()), BASE64.encode(claims));
    let signature = crypto::sign(message.as_bytes(), &EncodingKey::from_secret(secret), algorithm).unwrap();
    format!("{message}.{signature}")
}

/// Signs with the server's own secret, which no client has.
fn signed(head: &Json, claims: &Json) -> String {
    forge(head, &claims.to_string(), SECRET.as_bytes(), Algorithm::HS256)
}

fn part(token: &str, n: usize) -> Json {
    let bytes = BASE64.decode(token.split('.').nth(n).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn with(object: &Json, member: &str, value: Json) -> Json {
    let mut object = object.clone();
    object[member] = value;
    object
}

fn without(object: &Json, member: &str) -> Json {
    let mut object = object.clone();
    object.as_object_mut().unwrap().remove(member);
    object
}

#[test]
fn forged_signatures_and_headers_are_refused() {
    let (client, pair) = register(&format!("{}@example.com", unique("forger")), PASSWORD);
    let real = pair["access_token"].as_str().unwrap();
    let (head, claims) = (part(real, 0), part(real, 1));
    let text = claims.to_string();
    // The helpers produce valid tokens when nothing is forged.
    Client::with_token(&signed(&head, &claims)).get("/me").ok();
    let mut rows: Vec<(String, String)> = Vec::new();
    for algorithm in ["none", "None", "nOnE", "", "RS256", "ES256", "PS256", "EdDSA", "HS384", "hs256"] {
        let head = with(&head, "alg", json!(algorithm));
        let bare = format!("{}.{}.", BASE64.encode(head.to_string()), BASE64.encode(&text));
        rows.push((format!("alg {algorithm:?}, signed"), signed(&head, &claims)));
        rows.push((
            format!("alg {algorithm:?}, with the old signature"),
            bare.clone() + real.split('.').nth(2).unwrap(),
        ));
        rows.push((format!("alg {algorithm:?}, not signed"), bare));
    }
    for (algorithm, name) in [(Algorithm::HS384, "HS384"), (Algorithm::HS512, "HS512")] {
        let head = with(&head, "alg", json!(name));
        rows.push((format!("{name} with the secret"), forge(&head, &text, SECRET.as_bytes(), algorithm)));
    }
    for secret in ["", "secret", head["kid"].as_str().unwrap(), &SECRET[1..]] {
        let token = forge(&head, &text, secret.as_bytes(), Algorithm::HS256);
        rows.push((format!("signed with {secret:?}"), token));
    }
    let long = "x".repeat(10_000);
    for kid in ["../../dev/null", "x' or 1=1--", "deadbeef", "", long.as_str()] {
        rows.push((format!("kid {kid:.20}"), signed(&with(&head, "kid", json!(kid)), &claims)));
    }
    rows.push(("kid is a number".into(), signed(&with(&head, "kid", json!(7)), &claims)));
    rows.push(("no kid".into(), signed(&without(&head, "kid"), &claims)));
    let own_key = json!({ "kty": "oct", "k": BASE64.encode("secret") });
    let token = forge(&with(&head, "jwk", own_key), &text, b"secret", Algorithm::HS256);
    rows.push(("a key of one's own in the head".into(), token));
    let unsigned = real.rsplit_once('.').unwrap().0;
    for (name, token) in [
        ("dots alone", "..".to_owned()),
        ("two parts", unsigned.to_owned()),
        ("four parts", format!("{real}.x")),
        ("padded", format!("{real}=")),
    ] {
        rows.push((name.to_owned(), token));
    }
    for (name, token) in rows {
        expect(&name, &Client::with_token(&token).get("/me"), 401, "token_invalid");
    }
    client.get("/me").ok();
}

#[test]
fn forged_claims_are_refused() {
    let (client, pair) = register(&format!("{}@example.com", unique("claims")), PASSWORD);
    let theirs =
        part(register(&format!("{}@example.com", unique("other")), PASSWORD).1["access_token"].as_str().unwrap(), 1);
    let real = pair["access_token"].as_str().unwrap();
    let (head, claims) = (part(real, 0), part(real, 1));
    let now = claims["iat"].as_i64().unwrap();
    let secret = SECRET.as_bytes();
    let mut rows: Vec<(String, String)> = Vec::new();
    // Checks `exp` values in several notations.
    let mut written: Vec<String> =
        ["-1", "1e30", "1e400", "null", "true", "[]", "9223372036854775808"].map(str::to_owned).to_vec();
    written.extend([format!("\"{}\"", now + 900), format!("{}.5", now + 900), format!("{}e0", now + 900)]);
    for exp in written {
        let text = with(&claims, "exp", json!("@")).to_string().replace("\"@\"", &exp);
        rows.push((format!("exp {exp}"), forge(&head, &text, secret, Algorithm::HS256)));
    }
    for claim in ["exp", "iss", "aud", "sub", "wsp", "sid", "iat", "jti"] {
        rows.push((format!("no {claim}"), signed(&head, &without(&claims, claim))));
    }
    for (claim, value) in [
        ("iss", json!("other")),
        ("iss", json!("")),
        ("aud", json!("other")),
        ("aud", json!(["other"])),
        ("aud", json!([])),
        ("sub", json!("x")),
        ("sub", json!("' or 1=1--")),
        ("nbf", json!(now + 3600)),
        ("iat", json!(now + 3600)),
    ] {
        rows.push((format!("{claim} {value}"), signed(&head, &with(&claims, claim, value))));
    }
    let (first, last) = (real.split('.').next().unwrap(), real.split('.').nth(2).unwrap());
    for claim in ["sub", "wsp", "sid"] {
        let edited = with(&claims, claim, theirs[claim].clone());
        let unsigned = format!("{first}.{}.{last}", BASE64.encode(edited.to_string()));
        rows.push((format!("{claim} of another workspace, with the old signature"), unsigned));
        // The server never issues such a token; its holder has the secret, or two servers share it.
        rows.push((format!("{claim} of another workspace, signed"), signed(&head, &edited)));
    }
    let text = claims.to_string();
    let twice = format!("{},\"exp\":{}}}", text.trim_end_matches('}'), now + 9999);
    rows.push(("exp twice".into(), forge(&head, &twice, secret, Algorithm::HS256)));
    for (name, text) in [("a list", "[]"), ("null", "null"), ("no JSON", "\u{1}")] {
        rows.push((format!("claims are {name}"), forge(&head, text, secret, Algorithm::HS256)));
    }
    for (name, token) in rows {
        expect(&name, &Client::with_token(&token).get("/me"), 401, "token_invalid");
    }
    for exp in [0, now - 86_400, now - 31] {
        let token = signed(&head, &with(&claims, "exp", json!(exp)));
        expect(&format!("expired at {exp}"), &Client::with_token(&token).get("/me"), 401, "token_expired");
    }
    client.get("/me").ok();
}

#[test]
fn almost_valid_keys_are_refused() {
    let owner = workspace();
    let made = owner.post("/api-keys", json!({ "name": "k", "scopes": ["users:read"] })).created();
    let real = made["key"].as_str().unwrap();
    Client::with_token(real).get("/me").ok();
    let (body, sum) = real.split_at(real.len() - 6);
    let other = format!("{}{}", &body[..body.len() - 1], if body.ends_with('A') { "B" } else { "A" });
    let fitting: String = hex(&Sha256::digest(other.as_bytes())).chars().take(6).collect();
    for (name, token) in [
        ("without its sum", body.to_owned()),
        ("without its first letter", real[1..].to_owned()),
        ("in capitals", real.to_uppercase()),
        ("its first word", "vrk_".to_owned()),
        ("another body with the old sum", format!("{other}{sum}")),
        ("another body with its own sum", format!("{other}{fitting}")),
    ] {
        expect(name, &Client::with_token(&token).get("/me"), 401, "token_invalid");
    }
    expect("as a refresh token", &post("/auth/refresh", json!({ "refresh_token": real })), 401, "refresh_invalid");
}

#[test]
fn tokens_work_only_for_their_purpose() {
    let (owner, pair) = register(&format!("{}@example.com", unique("place")), PASSWORD);
    let token = pair["access_token"].as_str().unwrap();
    for (name, header, value, code) in [
        ("no scheme", "Authorization", token.to_owned(), "token_invalid"),
        ("another scheme", "Authorization", format!("Basic {token}"), "token_invalid"),
        ("two in one header", "Authorization", format!("Bearer {token}, Bearer {token}"), "token_invalid"),
        ("nothing after the scheme", "Authorization", "Bearer".to_owned(), "token_invalid"),
        ("a cookie", "Cookie", format!("access_token={token}"), "unauthorized"),
        ("a header of its own", "X-Access-Token", token.to_owned(), "unauthorized"),
    ] {
        expect(name, &Client::anonymous().with(header, &value).get("/contacts"), 401, code);
    }
    owner.with("Authorization", &format!("Bearer {token}")).get("/me").problem(401, "token_invalid");
    for name in ["access_token", "token", "api_key"] {
        let path = format!("/contacts?{name}={token}");
        expect(name, &Client::anonymous().get(&path), 401, "unauthorized");
        expect(name, &owner.get(&path), 400, "unknown_parameter");
    }
}

#[test]
fn a_suspended_user_cannot_sign_in() {
    let owner = workspace();
    let email = format!("{}@example.com", unique("suspended"));
    let body = json!({ "name": "S", "email": email, "role": "admin", "password": PASSWORD });
    let path = format!("/users/{}", id(&owner.post("/users", body).created()));
    let pair = login(&email, PASSWORD).ok();
    let admin = bearer(&pair);
    let script = key(&admin, &["deals:read"]);
    script.get("/deals").ok();
    owner.patch(&path, json!({ "status": "suspended" })).ok();
    for (name, answer, code) in [
        ("the token", admin.get("/me"), "session_revoked"),
        ("the key", script.get("/deals"), "token_invalid"),
        ("the password", login(&email, PASSWORD), "credentials_invalid"),
        ("the refresh token", refresh(&pair), "refresh_invalid"),
    ] {
        expect(name, &answer, 401, code);
    }
}

#[test]
fn a_revoked_permission_ends_at_once() {
    let owner = workspace();
    let (ann, _) = user_with(&owner, &[["deals", "all", "all", "all", "all", "none"]], json!({}));
    ann.post("/deals", json!({ "title": "D" })).created();
    let roles = owner.get("/roles").ok();
    let own = roles["data"].as_array().unwrap().iter().find(|role| role["builtin"] == json!(false)).unwrap();
    owner.patch(&format!("/roles/{}", id(own)), json!({ "grants": [] })).ok();
    ann.post("/deals", json!({ "title": "D" })).problem(403, "forbidden");
    ann.get("/deals").problem(403, "forbidden");
}

/// Concurrent use of one refresh token never leaves two usable successors.
#[test]
fn concurrent_refreshes_leave_at_most_one_token() {
    let (_, pair) = register(&format!("{}@example.com", unique("many")), PASSWORD);
    let answers = together(20, |_| refresh(&pair));
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 401)), "{answers:?}");
    let given: Vec<Json> = answers.iter().filter(|answer| answer.status == 200).map(Answer::json).collect();
    assert!(!given.is_empty(), "{answers:?}");
    let live = given.iter().filter(|pair| refresh(pair).status == 200).count();
    assert!(live <= 1, "{live} of {}", given.len());
}

#[test]
fn answers_do_not_reveal_known_addresses() {
    let email = format!("{}@example.com", unique("known"));
    register(&email, PASSWORD);
    let shape = |answer: &Answer| {
        let names: BTreeSet<String> = answer.headers.keys().cloned().collect();
        let mut body: Json = serde_json::from_str(&answer.text).unwrap_or_default();
        if body.is_object() {
            body["request_id"] = Json::Null;
        }
        (answer.status, names, answer.header("content-length").to_owned(), body)
    };
    let wrong = "not-the-password";
    assert_eq!(shape(&login(&email, wrong)), shape(&login("nobody-here@example.com", wrong)));
    let forgot = |email: &str| post("/auth/forgot-password", json!({ "email": email }));
    assert_eq!(shape(&forgot(&email)), shape(&forgot("nobody-here@example.com")));
}

#[test]
fn passwords_are_stored_exactly_or_refused() {
    let try_with = |password: &str| {
        let email = format!("{}@example.com", unique("password"));
        let body = json!({ "workspace_name": "A", "name": "A", "email": email, "password": password });
        (email, post("/auth/register", body))
    };
    for (name, password, code) in [
        ("all that a stranger may send", "x".repeat(65_000), "too_long"),
        ("1025 characters", "x".repeat(1025), "too_long"),
        ("seven characters", "x".repeat(7), "too_short"),
        ("NUL inside", "abcdefgh\0ijk".to_owned(), "invalid_character"),
        ("a bell inside", "abcdefgh\u{7}ijk".to_owned(), "invalid_character"),
    ] {
        let answer = try_with(&password).1;
        expect(name, &answer, 422, "validation_failed");
        assert_eq!(why(&answer), format!("/password {code}"), "{name}");
    }
    expect("more than a stranger may send", &try_with(&"x".repeat(100_000)).1, 413, "payload_too_large");
    let (long, words) = ("abcd".repeat(18), "some words ".repeat(94));
    for (name, password, others) in [
        ("1024 characters", words[..1024].to_owned(), vec![words[..1023].to_owned()]),
        ("spaces", "  a  b  c  d  ".to_owned(), vec!["a  b  c  d".to_owned()]),
        ("space at the ends", " a-long-password ".to_owned(), vec![PASSWORD.to_owned()]),
        ("eight emoji", "😀😁😂😃".repeat(2), vec!["😀😁😂😃".repeat(3), "😁😁😂😃".repeat(2)]),
        ("73 characters", format!("{long}a"), vec![format!("{long}b"), long.clone()]),
    ] {
        let (email, answer) = try_with(&password);
        expect(name, &answer, 201, "");
        expect(name, &login(&email, &password), 200, "");
        for other in others {
            expect(name, &login(&email, &other), 401, "credentials_invalid");
        }
    }
}

/// A key for contacts cannot reach other resources, not even through contacts.
#[test]
fn a_key_is_limited_to_its_scopes() {
    let owner = workspace();
    let contact = id(&owner.post("/contacts", json!({ "first_name": "Ann" })).created());
    let person = json!({ "title": "L", "person": { "name": "Bob", "email": "bob@x.io" } });
    let lead = id(&owner.post("/leads", person).created());
    owner
        .post(
            "/custom-fields",
            json!({ "resource": "deals", "key": "secret_margin", "name": "Secret", "kind": "text" }),
        )
        .created();
    let contacts = key(&owner, &["contacts:read"]);
    for path in
        ["/contacts?include=company", "/contacts?include=owner,source", "/search?q=ann", "/events", "/schema/deals"]
    {
        expect(path, &contacts.get(path), 403, "insufficient_scope");
    }
    for (path, body) in [
        ("/contacts", json!({ "first_name": "A" })),
        ("/contacts/search", json!({ "include": ["company"] })),
        ("/contacts/batch-create", json!({ "items": [{ "first_name": "A" }] })),
        ("/contacts/bulk-delete", json!({ "selection": { "q": "a" } })),
        ("/composite", json!({ "items": [] })),
    ] {
        expect(path, &contacts.post(path, body), 403, "insufficient_scope");
    }
    expect("patch", &contacts.patch(&format!("/contacts/{contact}"), json!({})), 403, "insufficient_scope");
    let document = contacts.send("GET", "//openapi.json?custom=true", None, "").ok().to_string();
    assert!(!document.contains("secret_margin"), "a key for contacts can see the fields of deals");
    let convert = format!("/leads/{lead}/convert");
    expect("convert", &key(&owner, &["leads:write"]).post(&convert, json!({})), 403, "insufficient_scope");
    let import = key(&owner, &["imports:write", "imports:read"]).upload("contacts", "x.csv", b"first_name\nAnn\n");
    expect("import", &import, 403, "insufficient_scope");
    for report in ["win-rate", "forecast", "funnel", "cycle-time", "leaderboard", "loss-reasons"] {
        let answer = key(&owner, &["analytics:read"]).get(&format!("/analytics/{report}"));
        expect(report, &answer, 403, "insufficient_scope");
    }
    // Keys cannot use operations on a user's own account.
    let all: Vec<&str> = crate::support::scopes::scopes().to_vec();
    let script = key(&owner, &all);
    expect("sessions", &script.get("/auth/sessions"), 403, "forbidden");
    let there = json!({ "workspace_id": owner.get("/me").ok()["workspace"]["id"] });
    expect("switch", &script.post("/auth/switch", there), 403, "forbidden");
    // A role that may not read deals does not see the names of their fields.
    let (blind, _) = user_with(&owner, &[["contacts", "all", "all", "all", "all", "none"]], json!({}));
    let document = blind.send("GET", "//openapi.json?custom=true", None, "").ok().to_string();
    assert!(!document.contains("secret_margin"), "a role without deals can see the fields of deals");
}

#[test]
fn callers_cannot_raise_their_own_role() {
    let owner = workspace();
    let (admin, manager, seller) = (user(&owner, "admin"), user(&owner, "manager"), user(&owner, "seller"));
    let path = |client: &Client| format!("/users/{}", id(&client.get("/me").ok()["user"]));
    let (boss, his, its, hers) = (path(&owner), path(&admin), path(&manager), path(&seller));
    for (name, client, path, body, status, code) in [
        ("a seller to admin", &seller, &hers, json!({ "role": "admin" }), 403, "forbidden"),
        ("a manager to admin", &manager, &its, json!({ "role": "admin" }), 403, "forbidden"),
        ("an admin to owner", &admin, &his, json!({ "role": "owner" }), 403, "forbidden"),
        ("an admin suspends the owner", &admin, &boss, json!({ "status": "suspended" }), 403, "forbidden"),
        ("the last owner suspends itself", &owner, &boss, json!({ "status": "suspended" }), 409, "last_owner"),
        ("the last owner is invited again", &owner, &boss, json!({ "status": "invited" }), 409, "last_owner"),
        ("a role that is not there", &owner, &hers, json!({ "role": "nobody" }), 422, "validation_failed"),
        ("no role", &owner, &hers, json!({ "role": null }), 422, "validation_failed"),
        ("a list of roles", &owner, &hers, json!({ "role": ["owner"] }), 422, "validation_failed"),
        ("a status of one's own", &owner, &hers, json!({ "status": "deleted" }), 422, "validation_failed"),
    ] {
        expect(name, &client.patch(path, body), status, code);
    }
    expect("me by name", &seller.patch("/users/me", json!({ "role": "admin" })), 403, "forbidden");
    expect("delete", &owner.delete(&boss), 405, "method_not_allowed");
    for (key, status, code) in [("owner", 409, "duplicate_name"), ("Admin", 422, "validation_failed")] {
        expect(key, &owner.post("/roles", json!({ "key": key, "name": "N", "grants": [] })), status, code);
    }
}

/// When two owners demote each other or themselves at the same time, one owner remains.
#[test]
fn one_of_two_owners_remains() {
    for crossed in [false, true] {
        let (first, email) = (workspace(), format!("{}@example.com", unique("second")));
        let body = json!({ "name": "Second", "email": email, "role": "owner", "password": PASSWORD });
        first.post("/users", body).created();
        let second = bearer(&login(&email, PASSWORD).ok());
        let path = |client: &Client| format!("/users/{}", id(&client.get("/me").ok()["user"]));
        let (mut paths, clients) = ([path(&first), path(&second)], [first, second]);
        if crossed {
            paths.reverse();
        }
        let statuses = together(2, |n| clients[n].patch(&paths[n], json!({ "role": "viewer" })).status);
        assert!(statuses.contains(&200), "{statuses:?}");
        assert!(statuses.iter().any(|status| matches!(status, 403 | 409)), "{statuses:?}");
        let owners = clients.iter().filter(|client| client.get("/me").ok()["user"]["role"] == "owner").count();
        assert_eq!(owners, 1, "{statuses:?}");
    }
}

//! Background jobs run with the permissions of the user or key that requested them, checked again for each chunk.
use crate::imports::finished;
use crate::support::server::database_url;
use crate::support::{Client, id, key, unique, workspace};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use serde_json::{Value as Json, json};

/// Two and a half chunks of work.
const DEALS: usize = 500;

fn deals(owner: &Client) -> Vec<String> {
    let items: Vec<Json> = (0..DEALS).map(|n| json!({ "title": format!("D{n}") })).collect();
    let made = owner.post("/deals/batch-create", json!({ "items": items })).ok();
    let mut ids: Vec<String> = made["results"].as_array().unwrap().iter().map(id).collect();
    ids.sort();
    ids
}

fn left(owner: &Client) -> i64 {
    owner.get("/deals?include_total=true&limit=1").ok()["page"]["total"].as_i64().unwrap()
}

fn job(owner: &Client, job: &str) -> Json {
    owner.get(&format!("/jobs/{job}")).ok()
}

/// Starts a job over all deals, blocks it in its second chunk, runs `meanwhile`, and lets the job continue.
fn interrupted(owner: &Client, worker: &Client, meanwhile: impl FnOnce()) -> Json {
    let ids = deals(owner);
    let mut conn = PgConnection::establish(database_url()).unwrap();
    // The second chunk of the job waits for this record.
    conn.batch_execute(&format!("begin; select from deals where id = '{}' for update", ids[300])).unwrap();
    let body = json!({ "selection": { "everything": true } });
    let started = id(&worker.post("/deals/bulk-delete", body).expect(202));
    while job(owner, &started)["done"] != 200 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    meanwhile();
    conn.batch_execute("rollback").unwrap();
    finished(owner, &started)
}

/// A manager who is signed in, and the path of the user.
struct Manager {
    client: Client,
    user: String,
    refresh: String,
}

fn manager(owner: &Client) -> Manager {
    let email = format!("{}@example.com", unique("manager"));
    let body = json!({ "name": "M", "email": email, "password": "a-long-password", "role": "manager" });
    let user = owner.post("/users", body).created();
    let login = json!({ "email": email, "password": "a-long-password" });
    let tokens = Client::anonymous().post("/auth/login", login).ok();
    let token = |name: &str| tokens[name].as_str().unwrap().to_owned();
    Manager {
        client: Client::with_token(&token("access_token")),
        user: format!("/users/{}", id(&user)),
        refresh: token("refresh_token"),
    }
}

#[test]
fn a_job_stops_when_its_user_loses_the_permission() {
    type Lose = fn(&Client, &str);
    let ways: [(&[&str], Lose); 3] = [
        (&["not active"], |owner, user| drop(owner.patch(user, json!({ "status": "suspended" })).ok())),
        // The job may look in the instant in which the user is suspended.
        (&["was suspended", "not active"], |owner, user| {
            owner.patch(user, json!({ "status": "suspended" })).ok();
            owner.patch(user, json!({ "status": "active" })).ok();
        }),
        (&["may not delete"], |owner, user| drop(owner.patch(user, json!({ "role": "viewer" })).ok())),
    ];
    for (reasons, lose) in ways {
        let owner = workspace();
        let manager = manager(&owner);
        let done = interrupted(&owner, &manager.client, || lose(&owner, &manager.user));
        assert_eq!(done["status"], "failed", "{done}");
        let error = done["error"].as_str().unwrap();
        assert!(reasons.iter().any(|reason| error.contains(reason)), "{reasons:?}: {done}");
        let succeeded = done["result"]["succeeded"].as_i64().unwrap();
        assert_eq!(left(&owner), 500 - succeeded, "{reasons:?}");
        assert!(succeeded < 500, "{reasons:?}: {done}");
    }
}

#[test]
fn a_job_stops_when_its_key_is_revoked() {
    for (words, sql) in [("revoked", None), ("expired", Some("update api_keys set expires_at = now() where id = "))] {
        let owner = workspace();
        let client = key(&owner, &["deals:read", "deals:write", "jobs:read"]);
        let own = id(&owner.get("/api-keys").ok()["data"][0]);
        let done = interrupted(&owner, &client, || match sql {
            Some(sql) => {
                let mut conn = PgConnection::establish(database_url()).unwrap();
                conn.batch_execute(&format!("{sql} '{own}'")).unwrap();
            }
            None => owner.delete(&format!("/api-keys/{own}")).gone(),
        });
        assert!(done["status"] == "failed" && done["error"].as_str().unwrap().contains(words), "{done}");
        assert_eq!(left(&owner), 100, "{words}");
    }
}

/// Signing out does not end a job; the user can cancel it instead.
#[test]
fn signing_out_stops_no_job() {
    let owner = workspace();
    let Manager { client, refresh, .. } = manager(&owner);
    let sign_out = || client.post("/auth/logout", json!({ "refresh_token": refresh })).gone();
    let done = interrupted(&owner, &client, sign_out);
    client.get("/me").problem(401, "session_revoked");
    assert_eq!(done["status"], "succeeded", "{done}");
    assert_eq!(left(&owner), 0, "{done}");
}

/// An import creates tags and the like only within the scopes of its key.
#[test]
fn an_import_respects_the_scopes_of_its_key() {
    let owner = workspace();
    let scopes = ["imports:read", "imports:write", "jobs:read", "contacts:write"];
    let csv = "last_name,source\nAnn,Fair\n";
    let run = |client: &Client, name: &str| {
        let import = id(&client.upload("contacts", name, csv.as_bytes()).created());
        let job = id(&client.post(&format!("/imports/{import}/run"), json!({ "dry_run": false })).expect(202));
        finished(client, &job);
        client.get(&format!("/imports/{import}")).ok()["report"].clone()
    };
    let sources = || owner.get("/sources?name=Fair").ok()["data"].as_array().unwrap().len();
    run(&key(&owner, &scopes), "a.csv");
    assert_eq!(sources(), 0);
    let more: Vec<&str> = scopes.into_iter().chain(["sources:write"]).collect();
    let report = run(&key(&owner, &more), "b.csv");
    assert_eq!(sources(), 1, "{report}");
}

/// The scopes that the command names are sufficient and all necessary.
#[test]
fn the_scopes_named_by_the_command_suffice() {
    let owner = workspace();
    let folder = crate::support::process::folder("scopes");
    std::fs::create_dir_all(&folder).unwrap();
    let help = voronka(&["import", "--help"]);
    let named = help.split("with the scopes ").nth(1).expect("the help names scopes");
    let named: Vec<&str> = named.split([',', ' ', '\n']).filter(|word| word.contains(':')).take(4).collect();
    assert_eq!(named, ["imports:read", "imports:write", "jobs:read", "contacts:write"], "{help}");
    for (resource, csv) in [
        ("companies", "name\nAcme\n"),
        ("contacts", "last_name,email,owner,company\nAnn,ann@x.example,,Acme\n"),
        ("products", "name\nBoat\n"),
        ("leads", "title\nL\n"),
        ("deals", "title,company\nD,Acme\n"),
    ] {
        let file = folder.join(format!("{resource}.csv"));
        std::fs::write(&file, csv).unwrap();
        let all: Vec<String> = named.iter().map(|scope| scope.replace("contacts", resource)).collect();
        let run = |scopes: &[&str]| {
            let made = owner.post("/api-keys", json!({ "name": "import", "scopes": scopes })).created();
            let token = made["key"].as_str().unwrap().to_owned();
            import(&file, resource, &token)
        };
        let scopes: Vec<&str> = all.iter().map(String::as_str).collect();
        let (good, told) = run(&scopes);
        assert!(good, "{resource}: {told}");
        if resource == "contacts" {
            for without in &scopes {
                let fewer: Vec<&str> = scopes.iter().filter(|scope| *scope != without).copied().collect();
                let (good, told) = run(&fewer);
                assert!(!good && told.contains(without), "without {without}: {told}");
            }
        }
    }
}

/// The command succeeds only if every row came in.
#[test]
fn the_command_tells_refused_rows_by_its_exit_code() {
    let owner = workspace();
    let file = crate::support::process::folder("exit-code").join("contacts.csv");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "last_name,email\nAnn,ann@x.example\nBob,no address\n").unwrap();
    let scopes = ["imports:read", "imports:write", "jobs:read", "contacts:write"];
    let made = owner.post("/api-keys", json!({ "name": "import", "scopes": scopes })).created();
    let output = command(&file, "contacts", made["key"].as_str().unwrap()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{told}");
    for words in ["1 created", "1 refused", "line 3: email must be an e-mail address", "last_name → last_name"] {
        assert!(told.contains(words), "{words}: {told}");
    }
}

fn voronka(arguments: &[&str]) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_voronka")).args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn command(file: &std::path::Path, resource: &str, token: &str) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_voronka"));
    command.args(["import", file.to_str().unwrap(), "--resource", resource, "--token", token, "--server"]);
    command.arg(format!("http://{}", crate::support::server::server().address));
    command
}

fn import(file: &std::path::Path, resource: &str, token: &str) -> (bool, String) {
    let output = command(file, resource, token).output().unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), told)
}

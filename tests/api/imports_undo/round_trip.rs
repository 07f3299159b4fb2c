//! Over generated files: import, undo, and the workspace equals what it was.
use super::{assert_same_state, counts, import, prepared, state, undo};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::json;

#[derive(Clone, Debug)]
struct File {
    resource: &'static str,
    csv: String,
}

/// Cells of a row, chosen so that rows often mean the same records.
fn file() -> impl Strategy<Value = File> {
    let cell = |values: &'static [&'static str]| select(values);
    let contacts = (
        cell(&["a", "b", "c", "d"]),
        cell(&["Ann", "Bob", "Eve"]),
        cell(&["", "a@x.example", "b@x.example", "c@x.example"]),
        cell(&["", "+37255501011", "55 501 012"]),
        cell(&["", "vip", "\"vip,north\"", "new"]),
        cell(&["", "Fair", "Web", "Ad"]),
        cell(&["", "Acme"]),
        cell(&["", "north", "south"]),
    )
        .prop_map(|(key, name, email, phone, tags, source, company, region)| {
            format!("{key},{name},{email},{phone},{tags},{source},{company},{region}")
        });
    let contacts = prop::collection::vec(contacts, 1..6).prop_map(|rows| File {
        resource: "contacts",
        csv: format!("external_id,first_name,email,phone,tags,source,company,cf.region\n{}\n", rows.join("\n")),
    });
    let companies = (
        cell(&["Acme", "Beta", "Gamma"]),
        cell(&["", "retail", "medical"]),
        cell(&["", "Acme", "Beta"]),
        cell(&["", "vip"]),
    )
        .prop_map(|(name, sector, parent, tags)| format!("{name},{sector},{parent},{tags}"));
    let companies = prop::collection::vec(companies, 1..5).prop_map(|rows| File {
        resource: "companies",
        csv: format!("name,sector,parent,tags\n{}\n", rows.join("\n")),
    });
    let deals = (
        cell(&["d1", "d2", "d3"]),
        cell(&["Boat", "Oar"]),
        cell(&["", "5", "7"]),
        cell(&["", "Acme"]),
        cell(&["", "pre@x.example"]),
    )
        .prop_map(|(key, title, value, company, contact)| format!("{key},{title},{value},{company},{contact}"));
    let deals = prop::collection::vec(deals, 1..5).prop_map(|rows| File {
        resource: "deals",
        csv: format!("external_id,title,value,company,contact\n{}\n", rows.join("\n")),
    });
    let leads = (
        cell(&["l1", "l2"]),
        cell(&["Hull", "Mast"]),
        cell(&["", "Ann", "Eva"]),
        cell(&["", "ann@y.example"]),
        cell(&["", "2031-05-01", "2031-06-01"]),
        cell(&["", "Fair"]),
    )
        .prop_map(|(key, title, name, email, back, source)| format!("{key},{title},{name},{email},{back},{source}"));
    let leads = prop::collection::vec(leads, 1..4).prop_map(|rows| File {
        resource: "leads",
        csv: format!("external_id,title,person.name,person.email,come_back_on,source\n{}\n", rows.join("\n")),
    });
    let products = (cell(&["Boat", "Oar", "Sail"]), cell(&["", "9", "11"]), cell(&["", "S1"]))
        .prop_map(|(name, price, series)| format!("{name},{price},{series}"));
    let products = prop::collection::vec(products, 1..4)
        .prop_map(|rows| File { resource: "products", csv: format!("name,price,series\n{}\n", rows.join("\n")) });
    let users =
        (cell(&["Moses", "Zane"]), cell(&["", "Central", "East"])).prop_map(|(name, team)| format!("{name},{team}"));
    let users = prop::collection::vec(users, 1..3)
        .prop_map(|rows| File { resource: "users", csv: format!("name,team\n{}\n", rows.join("\n")) });
    prop_oneof![3 => contacts, 2 => companies, 2 => deals, 2 => leads, 1 => products, 1 => users]
}

/// Import, undo, and the workspace equals what it was.
#[test]
fn an_undo_leaves_the_workspace_as_it_was() {
    let config = Config { cases: 24, rng_seed: RngSeed::Fixed(13), failure_persistence: None, ..Config::default() };
    let files = (prop::collection::vec(file(), 0..3), file());
    TestRunner::new(config)
        .run(&files, |(earlier, last)| {
            let owner = prepared();
            for file in &earlier {
                import(&owner, file.resource, &file.csv, json!({}));
            }
            let before = state(&owner);
            let (undone, report) = import(&owner, last.resource, &last.csv, json!({}));
            let what = format!("{} after {earlier:?}: {report}", last.csv);
            let rehearsed = undo(&owner, &undone, true);
            let done = undo(&owner, &undone, false);
            assert_eq!(counts(&rehearsed), counts(&done), "{what}");
            assert_eq!(done["remaining"], json!([]), "{what}");
            assert_same_state(&before, &state(&owner), &what);
            Ok(())
        })
        .unwrap();
}

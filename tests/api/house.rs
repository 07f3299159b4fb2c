//! The house keeps its own order: imports go one way, files stay readable, settings are written down.
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    let of = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    entries.flat_map(of).filter(|path| path.extension().is_some_and(|e| e == "rs")).collect()
}

/// The rooms in the order in which they stand on each other.
fn rooms() -> Vec<String> {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    lib.lines().filter_map(|l| l.strip_prefix("pub mod ")).map(|l| l.trim_end_matches(';').to_owned()).collect()
}

#[test]
fn imports_go_one_way() {
    let rooms = rooms();
    let place = |name: &str| rooms.iter().position(|room| room == name);
    let mut arrows = BTreeSet::new();
    for file in sources(&root().join("src")) {
        let inside = file.strip_prefix(root().join("src")).unwrap();
        let room = inside.components().next().unwrap().as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned();
        let Some(own) = place(&room) else { continue };
        for word in fs::read_to_string(&file).unwrap().split("crate::").skip(1) {
            let target: String = word.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if place(&target).is_some_and(|there| there > own) {
                arrows.insert(format!("{} imports {target}", inside.display()));
            }
        }
    }
    assert!(arrows.is_empty(), "{arrows:#?}");
}

#[test]
fn files_stay_readable() {
    let long: Vec<String> = sources(&root().join("src"))
        .into_iter()
        .chain(sources(&root().join("tests")))
        .filter(|file| !file.ends_with("schema.rs"))
        .filter_map(|file| {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            (lines > 500).then(|| format!("{}: {lines}", file.display()))
        })
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn every_setting_is_written_down() {
    let mut code = BTreeSet::new();
    for file in sources(&root().join("src")) {
        let text = fs::read_to_string(file).unwrap();
        for mark in ["env = \"", "var_os(\"", "env::var(\""] {
            code.extend(text.split(mark).skip(1).filter_map(|rest| Some(rest.split('"').next()?.to_owned())));
        }
    }
    code.remove("PATH");
    code.insert("RUST_LOG".into());
    let example = fs::read_to_string(root().join(".env.example")).unwrap();
    let written: BTreeSet<String> = example
        .lines()
        .filter_map(|line| line.trim_start_matches(['#', ' ']).split_once('='))
        .map(|(name, _)| name.to_owned())
        .filter(|name| name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'))
        .collect();
    assert_eq!(code, written);
}

#[test]
fn every_permission_is_used() {
    let text: String = sources(&root().join("src")).into_iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let names: BTreeSet<&str> = text.split("can::").skip(1).filter_map(|rest| rest.split("::").next()).collect();
    for resource in [
        "contacts",
        "deals",
        "leads",
        "companies",
        "tasks",
        "activities",
        "imports",
        "analytics",
        "events",
        "jobs",
        "pipelines",
    ] {
        assert!(names.contains(resource), "{resource}");
    }
}

//! Rules for the source: imports go one way, files stay short, settings are documented.
use std::collections::{BTreeMap, BTreeSet};
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

/// Returns the modules in the order of `src/lib.rs`, in which each may import only earlier ones.
fn modules() -> Vec<String> {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    lib.lines().filter_map(|l| l.strip_prefix("pub mod ")).map(|l| l.trim_end_matches(';').to_owned()).collect()
}

/// Returns the modules that a file names after `crate::`, alone or in braces, in `use` or in an expression.
fn named_modules(text: &str) -> BTreeSet<String> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let word = |text: &str| text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        let outer: String = list
            .chars()
            .take_while(|c| {
                depth += match c {
                    '{' => 1,
                    '}' => -1,
                    _ => 0,
                };
                depth >= 0
            })
            .collect();
        let mut level = 0;
        for part in outer.split_inclusive(['{', '}', ',']) {
            if level == 0 {
                found.insert(word(part));
            }
            level += i32::from(part.ends_with('{')) - i32::from(part.ends_with('}'));
        }
    }
    found
}

/// Returns every module with the modules that its files import.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let modules = modules();
    let mut imports = BTreeMap::new();
    for file in sources(&root().join("src")) {
        let inside = file.strip_prefix(root().join("src")).unwrap();
        let module =
            inside.components().next().unwrap().as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned();
        if modules.contains(&module) {
            let named = named_modules(&fs::read_to_string(&file).unwrap());
            let others: Vec<String> =
                named.into_iter().filter(|name| modules.contains(name) && *name != module).collect();
            imports.entry(module).or_insert_with(BTreeSet::new).extend(others);
        }
    }
    imports
}

#[test]
fn every_form_of_import_is_recognized() {
    let text = "use crate::{db::{a, b}, web};\nuse crate::kernel::x;\nlet y = crate::sales::z();\n// use crate::cli;";
    let read: Vec<String> = named_modules(text).into_iter().filter(|name| !name.is_empty()).collect();
    assert_eq!(read, ["db", "kernel", "sales", "web"]);
}

#[test]
fn imports_go_one_way() {
    let modules = modules();
    let place = |name: &String| modules.iter().position(|module| module == name);
    for (module, named) in imports() {
        let upward: Vec<&String> = named.iter().filter(|name| place(name) > place(&module)).collect();
        assert!(upward.is_empty(), "{module} imports {upward:?}");
    }
}

/// The list of imports in docs/architecture.md matches the code.
#[test]
fn the_architecture_page_lists_the_imports() {
    let text = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once(" -> "));
    let set = |names: &str| names.split_whitespace().map(str::to_owned).collect::<BTreeSet<String>>();
    let documented: BTreeMap<String, BTreeSet<String>> =
        lines.map(|(module, named)| (module.trim().to_owned(), set(named))).collect();
    let imports: BTreeMap<_, _> = imports().into_iter().filter(|(_, named)| !named.is_empty()).collect();
    assert_eq!(documented, imports);
}

/// The files that docs/architecture.md names exist.
#[test]
fn the_files_in_the_architecture_page_exist() {
    let text = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let named = text.split('`').skip(1).step_by(2).filter(|word| word.contains('/') && word.contains('.'));
    let missing: Vec<&str> = named
        .filter(|path| path.ends_with(".rs") || path.ends_with(".sql"))
        .filter(|path| !root().join("src").join(path).exists() && !root().join(path).exists())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn files_have_at_most_500_lines() {
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

/// The macros that a text defines, each with the number of lines in its body.
fn macros(text: &str) -> Vec<(&str, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let body = |n: usize| {
        let (indent, name) = lines[n].split_once("macro_rules! ")?;
        let end = format!("{indent}}}");
        let length = lines[n + 1..].iter().position(|line| *line == end)?;
        Some((name.trim_end_matches([' ', '{']), length)).filter(|_| indent.trim().is_empty())
    };
    (0..lines.len()).filter_map(body).collect()
}

/// What is longer belongs into a function or a trait: nobody can step through a macro, and every use compiles it again.
#[test]
fn macros_stay_thin() {
    assert_eq!(macros("macro_rules! one {\n    () => {\n    };\n}\nfn f() {}"), [("one", 2)]);
    let long: Vec<String> = sources(&root().join("src"))
        .into_iter()
        .flat_map(|file| {
            let text = fs::read_to_string(&file).unwrap();
            let long = macros(&text).into_iter().filter(|(_, lines)| *lines > 25);
            long.map(|(name, lines)| format!("{name}! in {}: {lines}", file.display())).collect::<Vec<_>>()
        })
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn every_setting_is_documented() {
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

/// Returns the resource types: those with `impl Resource for`.
fn resources(text: &str) -> BTreeSet<&str> {
    text.split("impl Resource for ").skip(1).filter_map(|rest| rest.split_whitespace().next()).collect()
}

#[test]
fn every_resource_is_listed_and_guarded() {
    let text: String = sources(&root().join("src")).into_iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let list = fs::read_to_string(root().join("src/resources.rs")).unwrap();
    for resource in resources(&text) {
        assert!(list.contains(&format!("{resource}::DESCRIPTOR,")), "src/resources.rs does not list {resource}");
        let actions = ["Read", "Create", "Update", "Delete"];
        let checked = actions.iter().any(|action| text.contains(&format!("can::{action}<{resource}>")));
        assert!(checked, "no operation checks a permission for {resource}");
    }
}

/// Files of the shared modules that may name resources, and why.
const NAMED_IN: [(&str, &str); 2] = [
    ("db/related.rs", "it decides which records are related to contacts, companies, leads and deals, in one place"),
    ("db/backfill", "it updates rows of earlier versions, as migrations do"),
];

/// Resources outside the domain that every module may name.
const SYSTEM_RESOURCES: [&str; 3] = ["USER", "WORKSPACE", "JOB"];

#[test]
fn shared_modules_name_no_resource() {
    for module in ["kernel", "db", "web", "http"] {
        for file in sources(&root().join("src").join(module)) {
            let path = file.strip_prefix(root().join("src")).unwrap().to_string_lossy().into_owned();
            if NAMED_IN.iter().any(|(allowed, _)| path.starts_with(allowed)) {
                continue;
            }
            let text = fs::read_to_string(&file).unwrap();
            let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            let kinds = code
                .split("Kind::")
                .skip(1)
                .filter_map(|rest| rest.split(|c: char| !c.is_uppercase() && c != '_').next());
            let named: Vec<&str> = kinds.filter(|name| name.len() > 1 && !SYSTEM_RESOURCES.contains(name)).collect();
            assert!(named.is_empty(), "{path} names {named:?}");
        }
    }
}

/// Files of the middleware and of what is served beside the document.
const SERVING: [&str; 6] = ["app", "cors", "document_routes", "health", "layers", "server"];

/// How a path would be read, to guess what its operation does.
const GUESSES: [&str; 7] =
    ["ends_with(\"/", "starts_with(\"/", "contains(\"/", "contains('{')", "~1api", "\"/api/v1/{", "path =="];

/// What the document says of an operation comes from its handler's signature and attribute, not from its path.
#[test]
fn the_document_is_completed_without_paths() {
    for file in sources(&root().join("src/http")) {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        if SERVING.contains(&name.as_str()) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let guesses: Vec<&&str> = GUESSES.iter().filter(|guess| code.contains(**guess)).collect();
        assert!(guesses.is_empty(), "{} contains {guesses:?}", file.display());
    }
}

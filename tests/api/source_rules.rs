//! Rules for the source: imports go one way, files stay short, settings are documented.
mod import_graph;

use import_graph::Graph;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

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

/// Returns the files below `src`, each with its text.
fn texts() -> Vec<(String, String)> {
    let src = root().join("src");
    let inside = |file: &Path| file.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
    sources(&src).iter().map(|file| (inside(file), fs::read_to_string(file).unwrap())).collect()
}

/// The imports of all files, those of the unit tests included.
static WITH_TESTS: LazyLock<Graph> = LazyLock::new(|| import_graph::graph(&texts(), true));

/// The imports of all files, without those of the unit tests.
static WITHOUT_TESTS: LazyLock<Graph> = LazyLock::new(|| import_graph::graph(&texts(), false));

/// Returns every module with the modules that its files import.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let modules = modules();
    let module = |file: &str| file.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, named) in &*WITH_TESTS {
        let others = named.iter().map(|other| module(other)).filter(|other| *other != module(file));
        if modules.contains(&module(file)) {
            imports.entry(module(file)).or_default().extend(others.filter(|other| modules.contains(other)));
        }
    }
    imports
}

/// Returns the circles of two files, the first of which has this text. The second imports the first.
fn circles_with(text: &str) -> Vec<Vec<String>> {
    let back = "use crate::a::one::One;";
    let files = [("lib.rs", "pub mod a;"), ("a/mod.rs", ""), ("a/one.rs", text), ("a/two.rs", back)];
    let files = files.map(|(file, text)| (file.to_owned(), text.to_owned()));
    import_graph::circles(&import_graph::graph(&files, false))
}

#[test]
fn every_form_of_import_is_found() {
    for (form, text) in [
        ("a path", "use crate::a::two::Two;"),
        ("a module", "use crate::a::two;"),
        ("a public import", "pub(crate) use crate::a::two::Two;"),
        ("a group", "use crate::a::two::{Other, Two};"),
        ("a nested group", "use crate::{\n    a::{mod_b::B, two::{self, Two}},\n    b::C,\n};"),
        ("a nested group at the end", "use std::{fmt, io}; use crate::{b, a::{c::{d, e}, two}};"),
        ("super", "use super::two::Two;"),
        ("super in a group", "use super::{other, two::{self as other_name}};"),
        ("super of super", "use super::super::a::two;"),
        ("self", "mod inner { use self::super::super::two::Two; }"),
        ("an alias", "use crate::a::two::Two as Second;"),
        ("an alias of a parent", "use crate::a as all; fn f() { all::two::g() }"),
        ("an alias of the crate", "use crate as root; fn f() -> root::a::two::Two { g() }"),
        ("a name of a parent", "use crate::a; fn f() { a::two::g() }"),
        ("a name before its import", "fn f() { two::g() } use crate::a::two;"),
        ("a glob", "use crate::a::two::*;"),
        ("a glob of the parent", "use super::*; fn f() { two::g() }"),
        ("an import in a function", "fn f() { use crate::a::two::g; g() }"),
        ("an import in a module", "mod inner { use super::super::two::Two; }"),
        ("a path in an expression", "fn f() { crate::a::two::g() }"),
        ("a path with super", "fn f() { super::two::g() }"),
        ("a path in a type", "struct S(Vec<crate::a::two::Two>);"),
        ("a path in a bound", "fn f<T: crate::a::two::Trait>(t: <T as super::two::Trait>::Item) {}"),
        ("a path in an attribute", "#[derive(crate::a::two::Derive)] struct S;"),
        ("a path in the arguments of a macro", "fn f() { println!(\"{}\", crate::a::two::g()) }"),
        ("a path in a macro", "macro_rules! m { () => { $crate::a::two::g() } }"),
        ("an import with a comment", "use crate::/* the second */a::{ // both\n two };"),
    ] {
        assert_eq!(circles_with(text), [["a/one.rs", "a/two.rs"]], "{form}: {text}");
    }
}

#[test]
fn only_imports_are_found() {
    for (form, text) in [
        ("nothing", "fn f() {}"),
        ("a comment", "// use crate::a::two;\n/* crate::a::two::g() */ /// crate::a::two\nfn f() {}"),
        ("a text", "fn f() -> &'static str { \"use crate::a::two;\" }"),
        ("a raw text", "fn f() -> &'static str { r#\"\"use crate::a::two;\"# }"),
        ("a restricted visibility", "pub(in crate::a::two) struct S;"),
        ("the module of a test", "#[cfg(test)] mod tests { use crate::a::two::Two; }"),
        ("another crate", "use two::a::two::Two; fn f() { other::a::two::g() }"),
        ("a method", "fn f() { two.g::<u8>() }"),
    ] {
        assert!(circles_with(text).is_empty(), "{form}: {text}");
    }
}

/// A module and its children count as files too.
#[test]
fn circles_through_mod_files_and_through_several_files_are_found() {
    let circles = |files: &[(&str, &str)]| {
        let files: Vec<_> = files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
        import_graph::circles(&import_graph::graph(&files, false))
    };
    let child = [("a/mod.rs", "pub mod one; fn f() { one::g() }"), ("a/one.rs", "use crate::a::f;")];
    assert_eq!(circles(&child), [["a/mod.rs", "a/one.rs"]]);
    let by_self = [("a/mod.rs", "use self::one::g;"), ("a/one.rs", "use super::f;")];
    assert_eq!(circles(&by_self), [["a/mod.rs", "a/one.rs"]]);
    let three = [("a.rs", "use crate::b::B;"), ("b.rs", "use crate::c::C;"), ("c.rs", "use super::{a, b as d};")];
    assert_eq!(circles(&three), [vec!["a.rs", "b.rs", "c.rs"], vec!["b.rs", "c.rs"]]);
    let none = [("a.rs", "use crate::{b, c};"), ("b.rs", "use crate::c;"), ("c.rs", "pub mod d;"), ("c/d.rs", "")];
    assert!(circles(&none).is_empty());
}

/// Writes each circle on a line.
fn written(circles: &[Vec<String>]) -> String {
    circles.iter().map(|circle| format!("{} -> {}\n", circle.join(" -> "), circle[0])).collect()
}

/// No file imports a file that imports it, directly or through others: each can be read without knowing its users.
#[test]
fn files_do_not_import_each_other_in_circles() {
    let circles = import_graph::circles(&WITHOUT_TESTS);
    assert!(circles.is_empty(), "circles of imports:\n{}", written(&circles));
}

/// The same holds for the folders in a module, such as `identity/sign_in`.
#[test]
fn folders_do_not_import_each_other_in_circles() {
    let folder = |file: &str| file.rsplit_once('/').map(|(folder, _)| folder.to_owned()).filter(|f| f.contains('/'));
    let mut folders = Graph::new();
    for (file, named) in &*WITHOUT_TESTS {
        let Some(own) = folder(file) else { continue };
        let mut others: BTreeSet<String> = named.iter().filter_map(|other| folder(other)).collect();
        others.remove(&own);
        folders.entry(own).or_default().extend(others);
    }
    let circles = import_graph::circles(&folders);
    assert!(circles.is_empty(), "circles of folders:\n{}", written(&circles));
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

/// `src/kernel/mod.rs` lists the floors, the lowest first; the unit tests of a floor obey the order too.
#[test]
fn floors_of_the_kernel_import_lower_ones() {
    let text = fs::read_to_string(root().join("src/kernel/mod.rs")).unwrap();
    let floors: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("//! - `")?.split('`').next()).collect();
    for (n, floor) in floors.iter().enumerate() {
        for file in sources(&root().join("src/kernel").join(floor)) {
            let text = fs::read_to_string(&file).unwrap();
            let paths = text.split("crate::kernel::").skip(1);
            let named: Vec<&str> = paths.filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next()).collect();
            let upward: Vec<&&str> = named.iter().filter(|name| floors[n + 1..].contains(name)).collect();
            assert!(upward.is_empty(), "{} imports {upward:?}", file.display());
        }
    }
    let modules = text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let others: Vec<&str> = modules.filter(|module| !floors.contains(module)).collect();
    assert_eq!(others, ["error", "samples"]);
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
    // Libraries read these.
    code.extend(["RUST_LOG", "TMPDIR"].map(str::to_owned));
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

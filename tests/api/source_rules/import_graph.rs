//! Reads which files of a crate name which others: in `use`, with groups, aliases, `self`, `super` and globs, and in
//! paths in the code. Macros by name are left out: a path in a macro counts where the macro is defined.
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::iter::successors;

/// A path from the root of the crate, such as `["db", "tx"]`.
type Path = Vec<String>;

/// Each file with the files that it names.
pub type Graph = BTreeMap<String, BTreeSet<String>>;

/// Returns the graph of some files, each with its path below `src` and its text. Code under `#[cfg(test)]` counts only
/// if `tests` is true.
pub fn graph(files: &[(String, String)], tests: bool) -> Graph {
    let modules: BTreeMap<Path, &String> = files.iter().map(|(file, _)| (module(file), file)).collect();
    let counted = files.iter().filter(|(file, _)| tests || !file.ends_with("_tests.rs"));
    let read = |(file, text): &(String, String)| {
        let mut tokens = Vec::new();
        flatten(text.parse().unwrap_or_else(|error| panic!("{file}: {error}")), &mut tokens);
        if !tests {
            tokens = without_tests(&tokens);
        }
        let named = Reader::new(&modules, module(file)).read(&tokens);
        let files = named.iter().filter_map(|path| file_of(&modules, path)).filter(|other| *other != file);
        (file.clone(), files.cloned().collect())
    };
    counted.map(read).collect()
}

/// Returns the circles of a graph: the shortest one through each file, in the order of the imports.
pub fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let mut known = BTreeSet::new();
    let all = graph.keys().filter_map(|file| shortest_circle(graph, file));
    all.filter(|circle| known.insert(circle.iter().cloned().collect::<BTreeSet<_>>())).collect()
}

fn shortest_circle(graph: &Graph, start: &String) -> Option<Vec<String>> {
    let (mut from, mut queue) = (BTreeMap::new(), VecDeque::from([start]));
    while let Some(file) = queue.pop_front() {
        for named in graph.get(file).into_iter().flatten() {
            if named == start {
                let back = successors(Some(file), |file| from.get(file).copied());
                let mut circle: Vec<String> = back.cloned().collect();
                circle.reverse();
                return Some(circle);
            }
            if !from.contains_key(named) {
                from.insert(named, file);
                queue.push_back(named);
            }
        }
    }
    None
}

/// Returns the module of a file: that of `db/mod.rs` is `crate::db`.
fn module(file: &str) -> Path {
    let mut parts: Path = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        parts.pop();
    }
    parts
}

/// Returns the file of the innermost module in a path. The root of the crate does not count.
fn file_of<'f>(modules: &BTreeMap<Path, &'f String>, path: &[String]) -> Option<&'f String> {
    (1..=path.len()).rev().find_map(|length| modules.get(&path[..length]).copied())
}

/// Adds the words and signs of a code, with `::` as one sign. Comments and texts are no words.
fn flatten(stream: TokenStream, tokens: &mut Vec<String>) {
    for token in stream {
        match token {
            TokenTree::Ident(word) => tokens.push(word.to_string()),
            TokenTree::Literal(_) => tokens.push("literal".into()),
            TokenTree::Punct(sign) => match tokens.last_mut() {
                Some(last) if last == ":" && sign.as_char() == ':' => last.push(':'),
                _ => tokens.push(sign.to_string()),
            },
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Parenthesis | Delimiter::None => ("(", ")"),
                };
                tokens.push(open.into());
                flatten(group.stream(), tokens);
                tokens.push(close.into());
            }
        }
    }
}

/// Returns the place after the bracket that closes the first one at or after a place.
fn after_group(tokens: &[String], start: usize) -> usize {
    let mut depth = 0;
    for (n, token) in tokens.iter().enumerate().skip(start) {
        depth += i32::from(["{", "(", "["].contains(&token.as_str()));
        depth -= i32::from(["}", ")", "]"].contains(&token.as_str()));
        if depth == 0 && ["}", ")", "]"].contains(&token.as_str()) {
            return n + 1;
        }
    }
    tokens.len()
}

/// Removes the inline modules under `#[cfg(test)]`.
fn without_tests(tokens: &[String]) -> Vec<String> {
    let (mut kept, mut n) = (Vec::new(), 0);
    while n < tokens.len() {
        let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token == word);
        let marked =
            ["#", "[", "cfg", "(", "test", ")", "]", "mod"].iter().enumerate().all(|(i, word)| is(n + i, word));
        if marked && is(n + 9, "{") {
            n = after_group(tokens, n + 9);
        } else {
            kept.push(tokens[n].clone());
            n += 1;
        }
    }
    kept
}

/// Collects the paths in the code of one file.
struct Reader<'m> {
    modules: &'m BTreeMap<Path, &'m String>,
    /// The module of the code that is being read: the file, or an inline module in it.
    module: Path,
    /// What `use` has named, with its path.
    names: BTreeMap<String, Path>,
    globs: Vec<Path>,
    found: BTreeSet<Path>,
}

impl<'m> Reader<'m> {
    fn new(modules: &'m BTreeMap<Path, &'m String>, module: Path) -> Reader<'m> {
        Reader { modules, module, names: BTreeMap::new(), globs: Vec::new(), found: BTreeSet::new() }
    }

    fn read(mut self, tokens: &[String]) -> BTreeSet<Path> {
        // A name may be used before the `use` that introduces it.
        self.walk(tokens);
        self.walk(tokens);
        self.found
    }

    fn walk(&mut self, tokens: &[String]) {
        let mut n = 0;
        while n < tokens.len() {
            let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token == word);
            let is_word = tokens[n].starts_with(|c: char| c.is_alphabetic() || c == '_');
            let begins = n == 0 || !["::", "."].contains(&tokens[n - 1].as_str());
            // `pub(in crate::db)` imports nothing.
            let restricts = n > 1 && tokens[n - 1] == "in" && tokens[n - 2] == "(";
            if is(n, "mod") && is(n + 2, "{") {
                let end = after_group(tokens, n + 2);
                self.module.push(tokens[n + 1].clone());
                self.walk(&tokens[n + 3..end - 1]);
                self.module.pop();
                n = end;
            } else if is(n, "use") && (n == 0 || !is(n - 1, "+")) {
                let end = (n..tokens.len()).find(|end| is(*end, ";")).unwrap_or(tokens.len());
                self.tree(&tokens[n + 1..end], &[]);
                n = end + 1;
            } else if is_word && begins && !restricts && is(n + 1, "::") {
                let mut path = vec![tokens[n].clone()];
                while is(n + 1, "::") && tokens.get(n + 2).is_some_and(|token| token.starts_with(char::is_alphabetic)) {
                    path.push(tokens[n + 2].clone());
                    n += 2;
                }
                self.found.extend(self.resolve(&path));
                n += 1;
            } else {
                n += 1;
            }
        }
    }

    /// Reads the tree of a `use`: paths, groups, aliases and globs.
    fn tree(&mut self, tokens: &[String], before: &[String]) {
        let (mut n, mut path) = (0, before.to_vec());
        while n < tokens.len() {
            match tokens[n].as_str() {
                "::" => n += 1,
                "{" => {
                    let end = after_group(tokens, n);
                    self.tree(&tokens[n + 1..end - 1], &path);
                    (n, path) = (end, Vec::new());
                }
                "," => {
                    self.name(&path, None);
                    (n, path) = (n + 1, before.to_vec());
                }
                "as" => {
                    self.name(&path, tokens.get(n + 1));
                    (n, path) = (n + 2, Vec::new());
                }
                word => {
                    path.push(word.to_owned());
                    n += 1;
                }
            }
        }
        if path.len() > before.len() {
            self.name(&path, None);
        }
    }

    /// Notes what one path of a `use` names.
    fn name(&mut self, path: &[String], alias: Option<&String>) {
        let ends_with = |word: &str| path.len() > 1 && path.last().is_some_and(|last| last == word);
        let named = if ends_with("self") || ends_with("*") { &path[..path.len() - 1] } else { path };
        let Some(full) = self.resolve(named) else { return };
        if ends_with("*") {
            self.globs.push(full.clone());
        } else if let Some(name) = alias.or(named.last()) {
            self.names.insert(name.clone(), full.clone());
        }
        self.found.insert(full);
    }

    /// Returns a path from the root of the crate; none if it names another crate.
    fn resolve(&self, path: &[String]) -> Option<Path> {
        let (first, rest) = path.split_first()?;
        let join = |base: &[String], rest: &[String]| Some([base, rest].concat());
        match first.as_str() {
            "crate" => join(&[], rest),
            "self" | "super" => {
                let rest = if first == "self" { rest } else { path };
                let levels = rest.iter().take_while(|part| *part == "super").count();
                join(&self.module[..self.module.len().checked_sub(levels)?], &rest[levels..])
            }
            _ if self.names.contains_key(first) => join(&self.names[first], rest),
            _ => {
                let places = std::iter::once(&self.module).chain(&self.globs);
                let inside = |place: &Path| [place.as_slice(), path].concat();
                places.map(inside).find(|path| self.modules.contains_key(&path[..path.len() - rest.len()]))
            }
        }
    }
}

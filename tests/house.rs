//! The borders of the house: imports that point the wrong way fail here.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use syn::visit::{self, Visit};

#[path = "house/circles.rs"]
mod circles;
#[path = "house/surroundings.rs"]
mod surroundings;

/// Crates that draw on a screen or ask at one.
const SCREENS: &[&str] = &["ratatui", "crossterm", "inquire"];
/// Crates that reach a server.
const SERVERS: &[&str] = &["sqlx", "etcd_client"];

/// A room, the rooms of this crate that it may use, and the crates that it must never use.
struct Rule {
    room: &'static str,
    may_use: &'static [&'static str],
    never: &'static [&'static [&'static str]],
}

/// What everybody may use: pure rooms.
const PURE: &[&str] = &[
    "text",
    "failure",
    "guide",
    "yaml",
    "images",
    "schema",
    "bundle",
    "fingerprint",
    "fixture",
    "manager_config",
    "limits",
    "environment",
    "clock",
];

const RULES: &[Rule] = &[
    Rule { room: "text", may_use: &[], never: &[SCREENS, SERVERS, &["tokio", "clap"]] },
    Rule { room: "failure", may_use: &["text"], never: &[SCREENS, SERVERS, &["tokio", "clap"]] },
    Rule { room: "bundle", may_use: &[], never: &[SCREENS, SERVERS, &["tokio", "clap"]] },
    Rule { room: "yaml", may_use: &["text", "failure"], never: &[SCREENS, SERVERS, &["tokio", "clap"]] },
    Rule {
        room: "guide",
        may_use: &["text", "failure", "yaml", "schema", "environment", "limits"],
        never: &[SCREENS, SERVERS, &["tokio", "clap"]],
    },
    Rule {
        room: "images",
        may_use: &["text", "failure", "yaml"],
        never: &[SCREENS, SERVERS, &["tokio", "clap"]],
    },
    Rule { room: "schema", may_use: &["text", "failure"], never: &[SCREENS, SERVERS, &["tokio", "clap"]] },
    Rule {
        room: "manager_config",
        may_use: &["failure", "guide", "yaml", "bundle"],
        never: &[SCREENS, SERVERS, &["tokio", "clap"]],
    },
    Rule { room: "fingerprint", may_use: &["failure"], never: &[SCREENS, SERVERS, &["tokio", "clap"]] },
    Rule { room: "fixture", may_use: PURE, never: &[SCREENS, SERVERS, &["tokio", "clap"]] },
    Rule { room: "clock", may_use: &[], never: &[SCREENS, SERVERS, &["tokio", "clap"]] },
    Rule { room: "environment", may_use: &[], never: &[SCREENS, SERVERS, &["tokio", "clap"]] },
    Rule { room: "surroundings", may_use: &["disk"], never: &[SCREENS, SERVERS, &["clap"]] },
    Rule { room: "limits", may_use: &[], never: &[SCREENS, SERVERS, &["tokio", "clap"]] },
    Rule { room: "disk", may_use: &["failure"], never: &[SCREENS, SERVERS, &["clap"]] },
    Rule { room: "services", may_use: &[], never: &[SCREENS, &["clap"]] },
    Rule { room: "journal", may_use: &["disk"], never: &[SCREENS, SERVERS, &["clap"]] },
    Rule {
        room: "workflow",
        may_use: &["failure", "clock", "journal"],
        never: &[SCREENS, SERVERS, &["clap"]],
    },
    Rule { room: "world", may_use: &["services", "surroundings"], never: &[SCREENS, &["clap"]] },
    Rule {
        room: "stages",
        may_use: &["disk", "services", "workflow", "world", "journal"],
        never: &[SCREENS, &["clap", "anstream"]],
    },
    Rule {
        room: "checks",
        may_use: &["disk", "services", "workflow", "world"],
        never: &[SCREENS, &["clap", "anstream"]],
    },
    Rule {
        room: "rendezvous",
        may_use: &["disk", "services", "workflow", "world"],
        never: &[SCREENS, SERVERS, &["clap", "anstream"]],
    },
    Rule {
        room: "guides",
        may_use: &["services", "workflow", "world", "checks", "stages"],
        never: &[SCREENS, SERVERS, &["clap", "anstream"]],
    },
    Rule {
        room: "devstack",
        may_use: &["services", "surroundings", "disk"],
        never: &[SCREENS, &["clap", "anstream"]],
    },
    Rule { room: "runtime", may_use: &[], never: &[SCREENS, SERVERS, &["clap"]] },
    Rule {
        room: "state",
        may_use: &["surroundings", "disk"],
        never: &[SCREENS, SERVERS, &["tokio", "clap"]],
    },
    Rule { room: "report", may_use: &["workflow", "state", "disk"], never: &[SCREENS, SERVERS, &["clap"]] },
    Rule {
        room: "saved_plan",
        may_use: &["workflow", "world", "guides", "state", "disk"],
        never: &[SCREENS, SERVERS, &["tokio", "clap", "anstream"]],
    },
    Rule {
        room: "session",
        may_use: &[
            "saved_plan",
            "services",
            "workflow",
            "world",
            "stages",
            "checks",
            "guides",
            "rendezvous",
            "surroundings",
            "state",
            "disk",
            "journal",
        ],
        never: &[SCREENS, SERVERS, &["clap", "anstream"]],
    },
    Rule {
        room: "frontend",
        may_use: &[
            "session",
            "report",
            "workflow",
            "devstack",
            "surroundings",
            "state",
            "disk",
            "runtime",
            "journal",
        ],
        never: &[SERVERS],
    },
    Rule {
        room: "cli",
        may_use: &["session", "frontend", "guides", "surroundings", "disk"],
        never: &[SERVERS, SCREENS],
    },
];

/// Where a secret is laid open: in `Answers`, in `services/`, and where secret files are written.
const EXPOSES: &[(&str, usize)] = &[
    ("disk/put.rs", 4),
    ("fingerprint.rs", 1),
    ("fixture/row.rs", 2),
    ("fixture/written.rs", 2),
    ("guide/answers.rs", 8),
    ("guide/etcd.rs", 1),
    ("frontend/console/lines.rs", 4),
    ("frontend/prompt/mod.rs", 1),
    ("frontend/prompt/running.rs", 1),
    ("frontend/prompt/section.rs", 2),
    ("frontend/tui/form.rs", 3),
    ("frontend/tui/update/mod.rs", 1),
    ("frontend/tui/view/reading.rs", 1),
    ("frontend/tui/view/section.rs", 1),
    ("guide/file_value.rs", 3),
    ("guide/repeat.rs", 1),
    ("journal/content.rs", 1),
    ("manager_config/environment.rs", 1),
    ("manager_config/alembic.rs", 3),
    ("manager_config/mod.rs", 1),
    ("saved_plan/inputs.rs", 2),
    ("services/etcd/connection.rs", 1),
    ("services/postgres/mod.rs", 1),
    ("state/mod.rs", 1),
    ("stages/populate_fixtures.rs", 1),
    ("stages/populate_fixtures/credentials.rs", 1),
    ("stages/populate_fixtures/found.rs", 2),
    ("stages/populate_fixtures/noted.rs", 2),
    ("stages/populate_fixtures/planned.rs", 1),
    ("stages/populate_fixtures/rows.rs", 3),
    ("stages/undo/rows.rs", 2),
    ("stages/write_config.rs", 2),
];

struct Source {
    room: String,
    path: PathBuf,
    text: String,
}

/// Every Rust file below a folder of this package, by its path below that, with its text.
fn files(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(&root).expect("below the folder").to_owned();
                found.push((inside, fs::read_to_string(&path).expect("a source file")));
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<Source> {
    let source = |(path, text): (PathBuf, String)| {
        let first = path.components().next().expect("a name").as_os_str().to_string_lossy();
        Source { room: first.trim_end_matches(".rs").to_owned(), text, path }
    };
    files("src").into_iter().map(source).collect()
}

/// Every path that a file names, from `use` lines and from expressions and types.
#[derive(Default)]
struct Paths(Vec<Vec<String>>);

impl Paths {
    fn tree(&mut self, prefix: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| prefix.iter().cloned().chain([name.to_string()]).collect::<Vec<_>>();
        match tree {
            syn::UseTree::Path(path) => self.tree(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.0.push(with(&name.ident)),
            syn::UseTree::Rename(rename) => self.0.push(with(&rename.ident)),
            syn::UseTree::Glob(_) => self.0.push(prefix.to_vec()),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(prefix, item)),
        }
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.0.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    // A room's own unit tests may use what they like.
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(item) {
            visit::visit_item_mod(self, item);
        }
    }
}

fn is_test(item: &syn::ItemMod) -> bool {
    item.attrs.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}

fn paths(source: &Source) -> Vec<Vec<String>> {
    let file =
        syn::parse_file(&source.text).unwrap_or_else(|error| panic!("{}: {error}", source.path.display()));
    let mut paths = Paths::default();
    paths.visit_file(&file);
    paths.0
}

#[test]
fn imports_point_down() {
    let mut wrong = Vec::new();
    for source in sources() {
        // A room's own tests may use what they like.
        if source.path.display().to_string().contains("/tests")
            || matches!(source.room.as_str(), "lib" | "main")
        {
            continue;
        }
        let rule = RULES
            .iter()
            .find(|rule| rule.room == source.room)
            .unwrap_or_else(|| panic!("no rule for the room `{}`", source.room));
        for path in paths(&source) {
            let first = path.first().map(String::as_str).unwrap_or_default();
            if rule.never.iter().any(|crates| crates.contains(&first)) {
                wrong.push(format!("{} uses the crate {first}", source.path.display()));
            }
            let room = match path.as_slice() {
                [first, room, ..] if first == "crate" => room.as_str(),
                _ => continue,
            };
            let everybody = !PURE.contains(&source.room.as_str()) && PURE.contains(&room);
            let own_workflow = everybody && source.room == "workflow" && !matches!(room, "failure" | "text");
            if room != source.room && (!everybody || own_workflow) && !rule.may_use.contains(&room) {
                wrong.push(format!("{} uses crate::{room}", source.path.display()));
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "imports that point the wrong way:\n{}", wrong.join("\n"));
}

/// Where a part of a message is looked into.
#[derive(Default)]
struct Looks(Vec<String>);

/// Methods that look into a text.
const LOOK: &[&str] = &[
    "contains",
    "ends_with",
    "eq",
    "eq_ignore_ascii_case",
    "find",
    "is_match",
    "matches",
    "rfind",
    "split",
    "split_once",
    "starts_with",
    "strip_prefix",
    "strip_suffix",
];

/// `failure.what`, `failure.why.as_deref()`, `&it.remedy`.
fn is_of_message(expression: &syn::Expr) -> Option<String> {
    match expression {
        syn::Expr::Field(field) => match &field.member {
            syn::Member::Named(name) if ["what", "why", "remedy"].iter().any(|part| name == part) => {
                Some(name.to_string())
            }
            _ => None,
        },
        syn::Expr::MethodCall(call) => is_of_message(&call.receiver),
        syn::Expr::Paren(inner) => is_of_message(&inner.expr),
        syn::Expr::Reference(inner) => is_of_message(&inner.expr),
        syn::Expr::Try(inner) => is_of_message(&inner.expr),
        syn::Expr::Unary(inner) => is_of_message(&inner.expr),
        _ => None,
    }
}

impl<'ast> Visit<'ast> for Looks {
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if LOOK.iter().any(|method| call.method == method)
            && let Some(part) = is_of_message(&call.receiver)
        {
            self.0.push(format!("`{part}` is asked by `{}`", call.method));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        if let (syn::BinOp::Eq(_) | syn::BinOp::Ne(_), Some(part)) =
            (&binary.op, is_of_message(&binary.left).or(is_of_message(&binary.right)))
        {
            self.0.push(format!("`{part}` is compared"));
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_match(&mut self, expression: &'ast syn::ExprMatch) {
        let has_texts = expression
            .arms
            .iter()
            .any(|arm| matches!(&arm.pat, syn::Pat::Lit(pattern) if matches!(pattern.lit, syn::Lit::Str(_))));
        if let (true, Some(part)) = (has_texts, is_of_message(&expression.expr)) {
            self.0.push(format!("`{part}` is matched"));
        }
        visit::visit_expr_match(self, expression);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(item) {
            visit::visit_item_mod(self, item);
        }
    }
}

/// Messages are for people: whoever decides asks code, severity, place or subject.
#[test]
fn no_decision_looks_into_a_message() {
    let mut wrong = Vec::new();
    for source in sources() {
        let path = source.path.display().to_string();
        // `Failure` itself compares, for those who would repeat a message.
        if path.contains("/tests") || source.room == "failure" {
            continue;
        }
        let mut looks = Looks::default();
        looks.visit_file(&syn::parse_file(&source.text).expect("every file is Rust"));
        wrong.extend(looks.0.into_iter().map(|found| format!("{path}: {found}")));
    }
    assert!(wrong.is_empty(), "these look into a message:\n{}", wrong.join("\n"));
}

#[test]
fn secrets_are_laid_open_in_known_places() {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for source in sources() {
        let count = source.text.matches(".expose_secret()").count();
        if count > 0 {
            found.insert(source.path.display().to_string(), count);
        }
    }
    let known: BTreeMap<String, usize> =
        EXPOSES.iter().map(|(path, count)| ((*path).to_owned(), *count)).collect();
    assert_eq!(found, known, "look at each new place, then write it down here");
}

/// Texts of a file, beside those in attributes, macros and its own tests.
#[derive(Default)]
struct Texts(Vec<String>);

impl<'ast> Visit<'ast> for Texts {
    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.0.push(text.value());
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(item) {
            visit::visit_item_mod(self, item);
        }
    }
}

/// A misspelt key would be noticed at run time, if ever: outside the files of the guide they are constants.
#[test]
fn keys_are_constants() {
    let known: Vec<&str> =
        backendai_setup::guides::september_2018::GUIDE.variables().map(|variable| variable.key).collect();
    let mut wrong = Vec::new();
    for source in sources() {
        let path = source.path.display().to_string();
        if path.contains("/tests") {
            continue;
        }
        let mut texts = Texts::default();
        texts.visit_file(&syn::parse_file(&source.text).expect("it was read before"));
        let is_key = |text: &&String| text.contains('.') && known.contains(&text.as_str());
        let mut keys: Vec<&String> = texts.0.iter().filter(is_key).collect();
        // Each constant names its key once.
        let all = keys.len();
        keys.sort();
        keys.dedup();
        if source.room != "guide" || keys.len() != all {
            wrong.extend(keys.iter().map(|key| format!("{path}: {key}")));
        }
    }
    assert!(wrong.is_empty(), "use the constants of `guide`:\n{}", wrong.join("\n"));
}

#[test]
fn files_fit_into_a_head() {
    let long: Vec<String> = sources()
        .iter()
        .map(|source| (source.text.lines().count(), source.path.display()))
        .filter(|(lines, _)| *lines > 400)
        .map(|(lines, path)| format!("{path}: {lines}"))
        .collect();
    assert!(long.is_empty(), "files of more than 400 lines:\n{}", long.join("\n"));
}

/// The functions of a file that are longer than a screen, each with its lines; unit tests are lists of cases.
#[derive(Default)]
struct Functions(Vec<(String, usize)>);

impl Functions {
    fn note(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let from = signature.fn_token.span.start().line;
        let to = block.brace_token.span.close().end().line;
        if to + 1 - from > 60 {
            self.0.push((signature.ident.to_string(), to + 1 - from));
        }
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.note(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.note(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.note(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(item) {
            visit::visit_item_mod(self, item);
        }
    }
}

#[test]
fn functions_fit_onto_a_screen() {
    let mut long = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| !source.path.iter().any(|part| part == "tests" || part == "tests.rs"))
    {
        let mut functions = Functions::default();
        functions.visit_file(&syn::parse_file(&source.text).expect("a source file"));
        let named = functions.0.into_iter();
        long.extend(named.map(|(name, lines)| format!("{}: {name} has {lines}", source.path.display())));
    }
    assert!(long.is_empty(), "functions of more than 60 lines:\n{}", long.join("\n"));
}

/// The screen library brings its own: another version of it would be another terminal.
#[test]
fn crossterm_comes_in_one_way() {
    for source in sources() {
        let names_it =
            paths(&source).into_iter().any(|path| path.first().is_some_and(|first| first == "crossterm"));
        assert!(!names_it, "{}: write `ratatui::crossterm`", source.path.display());
    }
}

#[test]
fn only_the_faces_print() {
    let prints = ["println!", "print!(", "eprintln!", "eprint!(", "dbg!"];
    let wrong: Vec<String> = sources()
        .iter()
        .filter(|source| prints.iter().any(|print| source.text.contains(print)))
        .map(|source| source.path.display().to_string())
        .collect();
    assert!(wrong.is_empty(), "these print past the faces: {wrong:?}");
}

/// Text comes onto the full screen by one way, which spells out what nobody would see.
#[test]
fn one_place_draws_text() {
    let draws = ["set_line", "set_string", "set_span", "render_widget", "Paragraph", ".render("];
    for source in sources().iter().filter(|source| source.path.starts_with("frontend/tui")) {
        if source.path.starts_with("frontend/tui/tests") {
            continue;
        }
        for word in draws.iter().filter(|word| source.text.contains(*word)) {
            let path = source.path.display().to_string();
            assert_eq!((path.as_str(), *word), ("frontend/tui/view/canvas.rs", "set_line"));
        }
    }
}

#[test]
fn the_binary_is_thin() {
    let main = sources().into_iter().find(|source| source.room == "main").expect("main.rs");
    assert!(main.text.lines().count() < 20);
}

#[test]
fn the_top_level_is_as_agreed() {
    let agreed =
        ["src", "sample-configs", "migrations", "fixtures", "assets", "tests", "benches", "target", "demo"];
    for entry in fs::read_dir(env!("CARGO_MANIFEST_DIR")).expect("the package's folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !name.starts_with('.') {
            assert!(agreed.contains(&name.as_str()), "a folder that nobody asked for: {name}");
        }
    }
}

/// What not every machine allows has one door in the tests, which tells what was not run.
#[test]
fn tests_ask_for_what_not_every_machine_allows() {
    let words = ["unshare", "/dev/fuse", "-t fuse"];
    let doors = [Path::new("house.rs"), Path::new("servers/abilities.rs")];
    let mut wrong = Vec::new();
    for (path, text) in files("tests").iter().filter(|(path, _)| !doors.contains(&path.as_path())) {
        let found = words.iter().filter(|word| text.contains(**word));
        wrong.extend(found.map(|word| format!("tests/{}: `{word}`", path.display())));
    }
    assert!(
        wrong.is_empty(),
        "ask `Namespaces::needed()` or `Fuse::needed()` instead:\n{}",
        wrong.join("\n")
    );
}

/// `make test-long` runs what is ignored, so nothing may be for another reason.
#[test]
fn only_what_takes_long_is_ignored() {
    for (path, text) in ["src", "tests", "benches"].into_iter().flat_map(files) {
        for line in text.lines().map(str::trim).filter(|line| line.starts_with("#[ignore")) {
            let takes_long = line == "#[ignore = \"takes long: `make test-long`\"]";
            assert!(takes_long, "{}: {line}", path.display());
        }
    }
}

//! What surrounds a run has one room each, and is handed down.

use std::collections::BTreeMap;

use syn::visit::{self, Visit};

use super::{Paths, Source, is_test, paths, sources};

/// State of the whole process: what has to be one value is made in `main` and handed down.
const STATICS: &[(&str, &[&str], &str)] = &[
    (
        "frontend/console/guard.rs",
        &["BROKE", "DRAWS", "ONCE", "OURS"],
        "the hook of panics is the process's own",
    ),
    ("services/caught.rs", &["ONCE", "WITHIN"], "the hook of panics is the process's own"),
];

/// Types that change behind a shared reference.
const SHARED: &[&str] =
    &["Atomic", "Cell", "Condvar", "LazyLock", "Mutex", "Once", "OnceLock", "RefCell", "RwLock"];

/// Crates and modules that reach the disk.
const REACH: &[&[&str]] = &[
    &["std", "fs"],
    &["std", "os", "unix", "fs"],
    &["tokio", "fs"],
    &["rustix", "fs"],
    &["tempfile"],
    &["which"],
    &["fs"],
    &["File"],
    &["OpenOptions"],
    &["DirBuilder"],
];

/// Methods of paths that reach it.
const ASK: &[&str] = &[
    "canonicalize",
    "exists",
    "is_dir",
    "is_file",
    "is_symlink",
    "metadata",
    "read_dir",
    "read_link",
    "symlink_metadata",
    "try_exists",
];

/// The files of all other rooms; a room's own tests may use what they like.
fn sources_outside(room: &str) -> impl Iterator<Item = Source> {
    let is_test = |source: &Source| source.path.display().to_string().contains("/tests");
    sources().into_iter().filter(move |source| source.room != room && !is_test(source))
}

/// Where other rooms name what is meant.
fn named_outside(room: &str, is_meant: impl Fn(&[&str]) -> bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources_outside(room) {
        let named = paths(&source).into_iter();
        let named = named.filter(|path| is_meant(&path.iter().map(String::as_str).collect::<Vec<_>>()));
        wrong.extend(named.map(|path| format!("{}: {}", source.path.display(), path.join("::"))));
    }
    wrong
}

/// The methods that a file calls, and functions of `Path` that it names.
#[derive(Default)]
struct Methods(Vec<String>);

impl<'ast> Visit<'ast> for Methods {
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.0.push(call.method.to_string());
        visit::visit_expr_method_call(self, call);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let [.., of, name] = words.as_slice()
            && matches!(of.as_str(), "Path" | "PathBuf")
        {
            self.0.push(name.clone());
        }
        visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(item) {
            visit::visit_item_mod(self, item);
        }
    }
}

/// A disk may hang for ever, so there is one room with a door to it, which has a limit.
#[test]
fn the_disk_has_one_room() {
    let mut wrong = named_outside("disk", |path| REACH.iter().any(|reach| path.starts_with(reach)));
    for source in sources_outside("disk") {
        let path = source.path.display().to_string();
        let mut methods = Methods::default();
        methods.visit_file(&syn::parse_file(&source.text).expect("paths were read from it"));
        let asked = methods.0.into_iter().filter(|method| ASK.contains(&method.as_str()));
        wrong.extend(asked.map(|method| format!("{path}: .{method}()")));
    }
    assert!(wrong.is_empty(), "these reach the disk past its door:\n{}", wrong.join("\n"));
}

/// Statics of a file that can change, those of each thread among them.
#[derive(Default)]
struct Statics(Vec<String>);

impl Statics {
    fn note(&mut self, name: &syn::Ident, words: &str) {
        let mut words = words.split(|c: char| !c.is_alphanumeric());
        if words.any(|word| SHARED.iter().any(|shared| word == *shared || word.starts_with("Atomic"))) {
            self.0.push(name.to_string());
        }
    }
}

impl<'ast> Visit<'ast> for Statics {
    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        let mut types = Paths::default();
        types.visit_type(&item.ty);
        let words: Vec<String> = types.0.iter().flatten().cloned().collect();
        self.note(&item.ident, &words.join(" "));
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        if item.path.is_ident("thread_local") {
            let text = item.tokens.to_string();
            let names = text.split("static ").skip(1).filter_map(|rest| rest.split([' ', ':']).next());
            self.0.extend(names.map(str::to_owned));
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(item) {
            visit::visit_item_mod(self, item);
        }
    }
}

#[test]
fn no_state_belongs_to_the_whole_process() {
    let mut found = BTreeMap::new();
    for source in sources_outside("") {
        let mut statics = Statics::default();
        statics.visit_file(&syn::parse_file(&source.text).expect("a source file"));
        if !statics.0.is_empty() {
            statics.0.sort();
            found.insert(source.path.display().to_string(), statics.0);
        }
    }
    let known: BTreeMap<String, Vec<String>> = STATICS
        .iter()
        .map(|(path, names, _)| ((*path).to_owned(), names.iter().map(|name| (*name).to_owned()).collect()))
        .collect();
    assert_eq!(found, known, "make it part of a value that is handed down, as `Surroundings` is");
}

/// What a process was started with is looked at once, and handed down.
#[test]
fn the_environment_has_one_room() {
    let wrong = named_outside("environment", |path| matches!(path, ["std", "env", ..] | ["env", _, ..]));
    assert!(wrong.is_empty(), "these look at the environment themselves:\n{}", wrong.join("\n"));
}

/// A clock that is handed down can stand.
#[test]
fn the_time_of_day_has_one_room() {
    let wrong =
        named_outside("clock", |path| matches!(path, [.., "Timestamp" | "Zoned" | "SystemTime", "now"]));
    assert!(wrong.is_empty(), "these look at a clock of their own:\n{}", wrong.join("\n"));
}

/// What ends the program skips whatever others still have to do.
#[test]
fn one_place_ends_the_program() {
    let wrong = named_outside("surroundings", |path| matches!(path, [.., "process", "exit" | "abort"]));
    assert!(wrong.is_empty(), "these end the program themselves:\n{}", wrong.join("\n"));
}

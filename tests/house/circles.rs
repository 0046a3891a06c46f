//! No circle of files.
//!
//! A file depends on the files that define what its paths name. A module or a re-export is looked through down to the
//! definition, so a `mod.rs` that only hands items on is neither a way around this rule nor a part of every circle.
//! `mod` declarations, re-exports and imports of a whole module are no edges by themselves: what is reached through
//! them is. Methods are not followed, since that would take types; unit tests may use what they like.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};

use super::{Source, is_test, sources};

/// What a name in a module stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    /// It is defined in this file.
    File(usize),
    Module(usize),
}

/// One file, which is one module.
#[derive(Default)]
struct Module {
    path: Vec<String>,
    /// What it defines itself.
    defines: BTreeSet<String>,
    /// Names that it takes from elsewhere, by the whole path.
    takes: BTreeMap<String, Vec<String>>,
    /// Modules of which it takes all names.
    globs: Vec<Vec<String>>,
    /// Every path in it.
    paths: BTreeSet<Vec<String>>,
}

impl Module {
    fn read(source: &Source) -> Self {
        let mut path: Vec<String> =
            source.path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if matches!(path.last().map(String::as_str), Some("mod" | "lib")) {
            path.pop();
        }
        let mut module = Module { path, ..Module::default() };
        let file = syn::parse_file(&source.text)
            .unwrap_or_else(|error| panic!("{}: {error}", source.path.display()));
        module.visit_file(&file);
        module
    }

    /// A path without `crate`, `self` and `super`; none for one that leads out of this crate.
    fn whole(&self, path: &[String], modules: &BTreeMap<Vec<String>, usize>) -> Option<Vec<String>> {
        let mut base = self.path.clone();
        let mut rest = path;
        match rest.first()?.as_str() {
            "crate" => (base, rest) = (Vec::new(), &rest[1..]),
            "self" => rest = &rest[1..],
            "super" => {}
            first => {
                if let Some(taken) = self.takes.get(first).filter(|taken| taken.as_slice() != path) {
                    let taken = self.whole(taken, modules)?;
                    return Some([&taken, &path[1..]].concat());
                }
                let child = [base.as_slice(), &[first.to_owned()]].concat();
                if !modules.contains_key(&child) && !self.defines.contains(first) {
                    return None;
                }
            }
        }
        while rest.first().is_some_and(|first| first == "super") {
            base.pop();
            rest = &rest[1..];
        }
        base.extend_from_slice(rest);
        Some(base)
    }

    /// Notes an import. A re-export is no use of its own.
    fn take(&mut self, prefix: &[String], tree: &syn::UseTree, is_own: bool) {
        let with = |name: &syn::Ident| prefix.iter().cloned().chain([name.to_string()]).collect::<Vec<_>>();
        let mut take = |name: &syn::Ident, mut path: Vec<String>| {
            let mut name = name.to_string();
            if path.last().is_some_and(|last| last == "self") {
                path.pop();
                name = if name == "self" { path.last().cloned().unwrap_or_default() } else { name };
            }
            if is_own {
                self.paths.insert(path.clone());
            }
            self.takes.insert(name, path);
        };
        match tree {
            syn::UseTree::Path(path) => self.take(&with(&path.ident), &path.tree, is_own),
            syn::UseTree::Name(name) => take(&name.ident, with(&name.ident)),
            syn::UseTree::Rename(rename) => take(&rename.rename, with(&rename.ident)),
            syn::UseTree::Glob(_) => self.globs.push(prefix.to_vec()),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.take(prefix, item, is_own)),
        }
    }
}

impl<'ast> Visit<'ast> for Module {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let defined = match item {
            syn::Item::Const(item) => Some(&item.ident),
            syn::Item::Enum(item) => Some(&item.ident),
            syn::Item::Fn(item) => Some(&item.sig.ident),
            syn::Item::Static(item) => Some(&item.ident),
            syn::Item::Struct(item) => Some(&item.ident),
            syn::Item::Trait(item) => Some(&item.ident),
            syn::Item::Type(item) => Some(&item.ident),
            syn::Item::Macro(item) => item.ident.as_ref(),
            _ => None,
        };
        self.defines.extend(defined.map(ToString::to_string));
        visit::visit_item(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.take(&[], &item.tree, matches!(item.vis, syn::Visibility::Inherited));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.paths.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(item) {
            visit::visit_item_mod(self, item);
        }
    }
}

/// All files, and what each depends on.
struct House {
    names: Vec<String>,
    files: Vec<Module>,
    modules: BTreeMap<Vec<String>, usize>,
}

impl House {
    fn new(sources: &[Source]) -> Self {
        let files: Vec<Module> = sources.iter().map(Module::read).collect();
        let modules = files.iter().enumerate().map(|(at, file)| (file.path.clone(), at)).collect();
        Self {
            names: sources.iter().map(|source| source.path.display().to_string()).collect(),
            files,
            modules,
        }
    }

    /// The file that defines what a whole path names, or the module that it names.
    fn find(&self, path: &[String], seen: &mut BTreeSet<Vec<String>>) -> Option<Found> {
        if !seen.insert(path.to_vec()) {
            return None;
        }
        let depth = (0..=path.len()).rev().find(|depth| self.modules.contains_key(&path[..*depth]))?;
        let at = self.modules[&path[..depth]];
        let Some(name) = path.get(depth) else { return Some(Found::Module(at)) };
        let file = &self.files[at];
        if file.defines.contains(name) {
            return Some(Found::File(at));
        }
        let through = |taken: &Vec<String>, rest: &[String]| {
            file.whole(taken, &self.modules).map(|whole| [whole.as_slice(), rest].concat())
        };
        let taken = file.takes.get(name).and_then(|taken| through(taken, &path[depth + 1..]));
        let globs = file.globs.iter().filter_map(|glob| through(glob, &path[depth..]));
        taken.into_iter().chain(globs).find_map(|path| self.find(&path, seen))
    }

    /// The files that define what the paths of this one name.
    fn uses(&self, at: usize) -> BTreeSet<usize> {
        let file = &self.files[at];
        let mut uses = BTreeSet::new();
        let globs = file.globs.iter().filter_map(|glob| file.whole(glob, &self.modules));
        let globs = globs.filter_map(|glob| self.modules.get(&glob).copied());
        let paths = file.paths.iter().filter_map(|path| file.whole(path, &self.modules));
        let found = paths.filter_map(|path| match self.find(&path, &mut BTreeSet::new()) {
            Some(Found::File(at)) => Some(at),
            _ => None,
        });
        uses.extend(found.chain(globs).filter(|used| *used != at));
        uses
    }
}

/// The groups of two and more that reach each other.
fn circles(edges: &[BTreeSet<usize>]) -> Vec<Vec<usize>> {
    let reach: Vec<BTreeSet<usize>> = (0..edges.len())
        .map(|from| {
            let mut reached = BTreeSet::new();
            let mut open = vec![from];
            while let Some(at) = open.pop() {
                open.extend(edges[at].iter().copied().filter(|next| reached.insert(*next)));
            }
            reached
        })
        .collect();
    let mut circles: Vec<Vec<usize>> = (0..edges.len())
        .map(|at| reach[at].iter().copied().filter(|other| reach[*other].contains(&at)).collect())
        .filter(|circle: &Vec<usize>| circle.len() > 1)
        .collect();
    circles.sort();
    circles.dedup();
    circles
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let house = House::new(
        &sources()
            .into_iter()
            .filter(|it| !it.path.iter().any(|part| part == "tests" || part == "tests.rs"))
            .collect::<Vec<_>>(),
    );
    let edges: Vec<BTreeSet<usize>> = (0..house.files.len()).map(|at| house.uses(at)).collect();
    let mut told = String::new();
    for circle in circles(&edges) {
        told.push_str("a circle:\n");
        for at in &circle {
            let others: Vec<&str> = edges[*at]
                .iter()
                .filter(|to| circle.contains(to))
                .map(|to| house.names[*to].as_str())
                .collect();
            told.push_str(&format!("  {} uses {}\n", house.names[*at], others.join(", ")));
        }
    }
    assert!(told.is_empty(), "files that use each other:\n{told}");
}

#[test]
fn a_circle_is_found_through_re_exports() {
    let source =
        |path: &str, text: &str| Source { room: String::new(), path: path.into(), text: text.into() };
    let house = House::new(&[
        source("lib.rs", "pub mod a; pub mod b;"),
        source("a/mod.rs", "mod inner; pub use inner::Inner; pub struct Own;"),
        source("a/inner.rs", "pub struct Inner; fn f() { crate::b::g() }"),
        source(
            "b.rs",
            "use crate::a; pub fn g() -> a::Inner { todo!() } #[cfg(test)] mod tests { use crate::a::Own; }",
        ),
    ]);
    let edges: Vec<BTreeSet<usize>> = (0..4).map(|at| house.uses(at)).collect();
    assert_eq!(edges[3], BTreeSet::from([2]), "the definition, not the module that hands it on");
    assert_eq!(circles(&edges), [vec![2, 3]]);
}

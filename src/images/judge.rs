//! From two trees to an [`ImageList`], or to every reason why not.

use std::collections::HashMap;

use super::{
    Alias, Image, ImageList, LeftOut, Source, Tag, alike, links, slots,
    words::{closest, word},
};
use crate::{
    failure::{Code, Failure, Problems, Subject},
    yaml::{self, Mark, Node, Value, quoted},
};

pub(super) fn both(metadata: Source<'_>, aliases: Source<'_>) -> Result<ImageList, Vec<Failure>> {
    let mut judge = Judge::of(metadata.file);
    let (root, problems) = yaml::read_all(metadata.file, metadata.bytes);
    judge.failures.extend(problems);
    let images = root.map(|root| judge.images(&root)).unwrap_or_default();
    judge.clashes(&images);

    let mut others = Judge::of(aliases.file);
    let (root, problems) = yaml::read_all(aliases.file, aliases.bytes);
    others.failures.extend(problems);
    let aliases_read = root.map(|root| others.aliases(&root)).unwrap_or_default();

    let mut list =
        ImageList { images, aliases: aliases_read, warnings: Vec::new(), left_out: LeftOut::default() };
    let (loops, dangling) = links::check(&list, metadata.file, aliases.file);
    judge.failures.sort();
    others.failures.sort();
    let Judge { mut failures, mut warnings, .. } = judge;
    failures.extend(others.failures.into_vec());
    failures.extend(loops);
    if !failures.is_empty() {
        return Err(failures.into_vec());
    }
    warnings.extend(others.warnings.into_vec());
    warnings.extend(alike::check(&list, metadata.file, aliases.file));
    warnings.extend(dangling);
    list.warnings = warnings.into_vec();
    Ok(list)
}

struct Judge<'a> {
    file: &'a str,
    failures: Problems,
    warnings: Problems,
    /// The image that is judged, once its name is known.
    image: Option<Subject>,
}

impl<'a> Judge<'a> {
    fn of(file: &'a str) -> Self {
        Self { file, failures: Problems::default(), warnings: Problems::default(), image: None }
    }
}

impl Judge<'_> {
    fn push(&mut self, failure: Failure) {
        let failure = match &self.image {
            Some(image) => failure.about(image.clone()),
            None => failure,
        };
        if failure.is_warning() { self.warnings.push(failure) } else { self.failures.push(failure) }
    }

    fn fail(&mut self, node: &Node, code: Code, what: String, why: &str, remedy: &str) {
        // What the reader found unclear has been reported as such.
        if node.value != Value::Disputed {
            self.push(Failure::new(code, what).why(why).remedy(remedy).at(node.place(self.file)));
        }
    }

    fn keep<T>(&mut self, node: &Node, result: Result<T, Failure>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(failure) => {
                if node.value != Value::Disputed {
                    self.push(failure);
                }
                None
            }
        }
    }

    /// The list below the one top-level key.
    fn list<'n>(&mut self, root: &'n Node, key: &str, example: &str) -> &'n [Node] {
        let remedy = format!("write `{key}:` with a list below it: `{example}`");
        if !matches!(root.value, Value::Mapping(_)) {
            let what = format!("`{}` is {}, not a mapping", self.file, root.describe());
            self.fail(root, Code::ImagesShape, what, &format!("the manager reads `{key}:` from it"), &remedy);
            return &[];
        }
        self.unknown(root, &[key], "the file");
        let Some(node) = root.get(key) else {
            let what = format!("`{}` has no `{key}:`", self.file);
            self.fail(root, Code::ImagesShape, what, &format!("the manager reads `{key}:` from it"), &remedy);
            return &[];
        };
        node.items().unwrap_or_else(|| {
            let what = format!("`{key}:` is {}, not a list", node.describe());
            let remedy = format!("{remedy} For none at all write `{key}: []`.");
            self.fail(node, Code::ImagesShape, what, "the manager goes through it entry by entry", &remedy);
            &[]
        })
    }

    fn unknown(&mut self, node: &Node, known: &[&str], what: &str) {
        for (key, _) in node.entries() {
            let name = key.as_text().unwrap_or(&key.plain);
            if known.contains(&name) && key.as_text().is_some() {
                continue;
            }
            let remedy = match closest(&name.to_lowercase(), known.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "remove it, or leave it: nothing depends on it".to_owned(),
            };
            self.push(
                Failure::new(
                    Code::ImagesField,
                    format!("The field {} of {what} is not known", quoted_key(name)),
                )
                .why("the manager ignores it")
                .remedy(remedy)
                .at(key.place(self.file)),
            );
        }
    }

    fn images(&mut self, root: &Node) -> Vec<Image> {
        const EXAMPLE: &str =
            r#"- {name: python, tags: [["latest", "ca7b9f52b6c2"]], slots: {cpu: 1, mem: 1.0, gpu: 0}}"#;
        let mut images = Vec::new();
        let mut seen: HashMap<String, Mark> = HashMap::new();
        for (at, node) in self.list(root, "images", EXAMPLE).iter().enumerate() {
            images.extend(self.image(node, at + 1, &mut seen));
            self.image = None;
        }
        images
    }

    fn image(&mut self, node: &Node, number: usize, seen: &mut HashMap<String, Mark>) -> Option<Image> {
        let label = format!("image {number}");
        if !matches!(node.value, Value::Mapping(_)) {
            let what = format!("The entry of {label} is {}, not a mapping", node.describe());
            let remedy = "write `name`, `tags` and `slots` below `-`, indented alike";
            self.fail(node, Code::ImagesShape, what, "the manager reads `name`, `tags` and `slots`", remedy);
            return None;
        }
        let label = match node.get("name").and_then(Node::as_text) {
            Some(name) => {
                self.image = Some(Subject::Image(name.into()));
                format!("image `{}`", name.escape_debug())
            }
            None => label,
        };
        self.unknown(node, &["name", "syntax", "tags", "slots"], &label);
        let name = self.name(node, &label);
        if let Some(name) = &name
            && let Some(first) = seen.insert(name.clone(), node.mark)
        {
            self.twice(
                node.mark,
                first,
                &format!("The image `{name}`"),
                "give them different names, or put the tags together",
            );
        }
        let tags = self.tags(node, &label);
        let slots = self.slots(node, &label);
        let (cpu, (mem_mib, mem_gib), gpu) = slots?;
        Some(Image { name: name?, tags: tags?, cpu, mem_mib, mem_gib, gpu, mark: node.mark })
    }

    fn field<'n>(&mut self, node: &'n Node, key: &str, label: &str, example: &str) -> Option<&'n Node> {
        let found = node.get(key);
        if found.is_none() {
            let what = format!("`{key}` is missing from {label}");
            let known = ["name", "syntax", "tags", "slots", "cpu", "mem", "gpu"];
            let others = node.entries().iter().filter_map(|(other, _)| Some((other.as_text()?, other.mark)));
            let meant = others
                .filter(|(other, _)| !known.contains(other))
                .find(|(other, _)| closest(&other.to_lowercase(), [key].into_iter()).is_some());
            let remedy = match meant {
                Some((other, mark)) => format!("is it `{other}` on line {}? Write `{key}`", mark.line),
                None => format!("add it: `{example}`"),
            };
            self.fail(node, Code::ImagesShape, what, "the manager stops at an image without it", &remedy);
        }
        found
    }

    fn name(&mut self, node: &Node, label: &str) -> Option<String> {
        let field = self.field(node, "name", label, "name: python")?;
        let name = self.keep(field, word(field, self.file, &format!("The name of {label}")))?;
        let (problem, why, remedy) = if name.contains(':') {
            ("holds a colon", "the manager takes what follows a colon for the tag", "list tags under `tags`")
        } else if name == "_aliases" || name.starts_with("_aliases/") {
            (
                "is kept for aliases",
                "the manager keeps all aliases below `images/_aliases`",
                "choose another name",
            )
        } else {
            return Some(name.to_owned());
        };
        self.fail(field, Code::ImagesValue, format!("The name `{name}` {problem}"), why, remedy);
        None
    }

    fn tags(&mut self, node: &Node, label: &str) -> Option<Vec<Tag>> {
        const EXAMPLE: &str = r#"tags: [["latest", "ca7b9f52b6c2"]]"#;
        let field = self.field(node, "tags", label, EXAMPLE)?;
        let items = match field.items() {
            Some(items) if !items.is_empty() => items,
            _ => {
                let what = format!("`tags` of {label} is {}", field.describe());
                let remedy = format!("list at least one pair of tag and digest: `{EXAMPLE}`");
                self.fail(
                    field,
                    Code::ImagesShape,
                    what,
                    "the manager fails on an image without tags",
                    &remedy,
                );
                return None;
            }
        };
        let mut tags = Vec::with_capacity(items.len());
        let mut seen: HashMap<&str, Mark> = HashMap::new();
        let mut sound = true;
        for (at, item) in items.iter().enumerate() {
            let what = format!("Tag {} of {label}", at + 1);
            let Some((tag, digest)) =
                self.pair(item, &what, "tag and digest", r#"["latest", "ca7b9f52b6c2"]"#)
            else {
                sound = false;
                continue;
            };
            let tag = self.keep(tag, word(tag, self.file, &what));
            let what = format!("The digest of tag {} of {label}", at + 1);
            let digest = self.keep(digest, word(digest, self.file, &what));
            let (Some(tag), Some(digest)) = (tag, digest) else {
                sound = false;
                continue;
            };
            if let Some(first) = seen.insert(tag, item.mark) {
                let what = format!("The tag `{tag}` of {label}");
                self.twice(item.mark, first, &what, "keep the one with the right digest");
            }
            tags.push(Tag { tag: tag.to_owned(), digest: digest.to_owned(), mark: item.mark });
        }
        sound.then_some(tags)
    }

    fn slots(&mut self, node: &Node, label: &str) -> Option<(u64, (u64, String), String)> {
        const EXAMPLE: &str = "slots: {cpu: 1, mem: 1.0, gpu: 0}";
        let field = self.field(node, "slots", label, EXAMPLE)?;
        if !matches!(field.value, Value::Mapping(_)) {
            let what = format!("`slots` of {label} is {}, not a mapping", field.describe());
            let remedy = format!("write `{EXAMPLE}`");
            self.fail(
                field,
                Code::ImagesShape,
                what,
                "the manager reads `cpu`, `mem` and `gpu` from it",
                &remedy,
            );
            return None;
        }
        let whole = format!("the slots of {label}");
        self.unknown(field, &["cpu", "mem", "gpu"], &whole);
        let file = self.file;
        let cpu = self.field(field, "cpu", &whole, "cpu: 1");
        let cpu = cpu.and_then(|node| self.keep(node, slots::cpu(node, file, label)));
        let mem = self.field(field, "mem", &whole, "mem: 1.0");
        let mem = mem.and_then(|node| self.keep(node, slots::mem(node, file, label)));
        let gpu = self.field(field, "gpu", &whole, "gpu: 0");
        let gpu = gpu.and_then(|node| self.keep(node, slots::gpu(node, file, label)));
        Some((cpu?, mem?, gpu?))
    }

    fn aliases(&mut self, root: &Node) -> Vec<Alias> {
        const EXAMPLE: &str = r#"["python3", "python:3.6-debian"]"#;
        let mut aliases = Vec::new();
        let mut seen: HashMap<&str, Mark> = HashMap::new();
        for (at, item) in self.list(root, "aliases", &format!("- {EXAMPLE}")).iter().enumerate() {
            let number = at + 1;
            let what = format!("Alias {number}");
            let Some((alias, target)) = self.pair(item, &what, "alias and target", EXAMPLE) else { continue };
            let target = self.keep(target, word(target, self.file, &format!("The target of alias {number}")));
            let Some(alias) = self.keep(alias, word(alias, self.file, &what)) else { continue };
            if let Some(first) = seen.insert(alias, item.mark) {
                self.twice(
                    item.mark,
                    first,
                    &format!("The alias `{alias}`"),
                    "keep the one with the right target",
                );
            }
            let Some(target) = target else { continue };
            aliases.push(Alias { alias: alias.to_owned(), target: target.to_owned(), mark: item.mark });
        }
        aliases
    }

    fn pair<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        pair: &str,
        example: &str,
    ) -> Option<(&'n Node, &'n Node)> {
        if let Some([one, two]) = node.items() {
            return Some((one, two));
        }
        let found = match node.items() {
            Some([]) => "an empty list".to_owned(),
            Some([_]) => "a list of one item".to_owned(),
            Some(items) => format!("a list of {} items", items.len()),
            None => node.describe(),
        };
        let what = format!("{what} is {found}, not a pair of {pair}");
        self.fail(
            node,
            Code::ImagesShape,
            what,
            "the manager takes each entry apart into two",
            &format!("write `- {example}`"),
        );
        None
    }

    fn twice(&mut self, second: Mark, first: Mark, what: &str, remedy: &str) {
        let why = format!("it stands {}; one would silently win", first.and_again(second));
        self.push(
            Failure::new(Code::ImagesDuplicate, format!("{what} appears twice"))
                .why(why)
                .remedy(remedy)
                .at(second.place(self.file)),
        );
    }

    /// Images whose keys fall into another image's: `python` and `python/tags/x`.
    fn clashes(&mut self, images: &[Image]) {
        let names: HashMap<&str, Mark> =
            images.iter().map(|image| (image.name.as_str(), image.mark)).collect();
        for image in images {
            for (at, _) in image.name.match_indices('/') {
                let (owner, inside) = image.name.split_at(at);
                let part = inside.trim_start_matches('/').split('/').next().unwrap_or_default();
                let Some(first) = names.get(owner).filter(|_| ["tags", "cpu", "mem", "gpu"].contains(&part))
                else {
                    continue;
                };
                let (one, two) = (first.line.min(image.mark.line), first.line.max(image.mark.line));
                self.failures.push(
                    Failure::new(
                        Code::ImagesDuplicate,
                        format!("The images `{owner}` and `{}` share etcd keys", image.name),
                    )
                    .why(format!(
                        "they stand on lines {one} and {two}; `images/{owner}/{part}` belongs to `{owner}`"
                    ))
                    .remedy("rename one of them")
                    .at(image.mark.place(self.file))
                    .about(Subject::Image(image.name.as_str().into())),
                );
            }
        }
    }
}

fn quoted_key(name: &str) -> String {
    format!("`{}`", quoted(name).trim_matches('"'))
}

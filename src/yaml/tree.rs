//! Builds the tree from parser events: anchors, aliases, merge keys, duplicates.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::{
    alike, bounds, indentation,
    layout::{Layout, Scalar},
    node::{Mark, Node, Value, quoted},
    scalar::{Reading, resolve},
};
use crate::failure::{Code, Failure, Place};

/// The tree and its problems; no tree after a syntax error or beyond the bounds.
pub(super) fn build(file: &str, text: &str) -> (Option<Node>, Vec<Failure>) {
    let layout = Layout::new(file, text);
    let named = match bounds::measure(file, text, &layout) {
        Ok(named) => named,
        Err(failure) => return (None, vec![failure]),
    };
    let mut builder =
        Builder { file, layout, stack: Vec::new(), named, anchors: HashMap::new(), root: None, documents: 0 };
    let fatal = builder.run(text).err();
    let mut problems = std::mem::take(&mut builder.layout.problems);
    problems.sort();
    let mut problems = problems.into_vec();
    if let Some(fatal) = fatal {
        // A tab may have been met on the way there.
        problems.retain(|problem| problem.place != fatal.place);
        problems.push(fatal);
        return (None, problems);
    }
    let root = builder.root.unwrap_or(Node::new(Mark { line: 1, column: 1 }, Value::Null));
    (Some(root), problems)
}

struct Builder<'a> {
    file: &'a str,
    layout: Layout<'a>,
    stack: Vec<Frame>,
    /// The anchors that an alias names: no other value is kept a second time.
    named: HashSet<usize>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
    documents: usize,
}

/// Nobody names nothing on purpose: text was meant that begins with `&`.
fn unnamed(place: Place) -> Failure {
    Failure::new(Code::YamlUnsupported, "An anchor (`&`) stands before nothing")
        .why("without quotes `&` begins a name, not text")
        .remedy("put single quotes around text that begins with `&`")
        .at(place)
}

/// A collection whose end has not come.
struct Frame {
    mark: Mark,
    anchor: usize,
    items: Items,
}

enum Items {
    List(Vec<Node>),
    Map { entries: Vec<(Node, Node)>, key: Option<Node> },
}

impl Builder<'_> {
    fn run(&mut self, text: &str) -> Result<(), Failure> {
        for event in Parser::new_from_str(text) {
            let (event, span) =
                event.map_err(|error| self.syntax(text, error.marker().index(), error.info()))?;
            self.event(event, span)?;
        }
        self.layout.finish();
        Ok(())
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Failure> {
        let start = span.start.index();
        let mark = self.layout.mark(start);
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Failure::new(Code::YamlUnsupported, "A second document starts here")
                        .why("the file is read as one document, and programs disagree on a second one")
                        .remedy("keep one document: remove the `---` line, or put the rest into a file of its own")
                        .at(mark.place(self.file)));
                }
            }
            Event::Scalar(value, style, anchor, tag) => {
                let decorated = anchor > 0 || tag.is_some();
                let end = span.end.index();
                let start = start.min(end);
                self.layout.scalar(&Scalar { start, end, style, value: &value, decorated });
                let node = self.scalar(mark, &value, style);
                if anchor > 0 && node.value == Value::Null && node.plain.is_empty() {
                    self.layout.problems.push(unnamed(mark.place(self.file)));
                }
                self.keyed(start, node.value == Value::Null && node.plain.is_empty());
                self.remember(anchor, &node);
                self.attach(node);
            }
            Event::SequenceStart(anchor, _) => {
                self.open(mark, anchor, Items::List(Vec::new()));
            }
            Event::MappingStart(anchor, _) => {
                self.open(mark, anchor, Items::Map { entries: Vec::new(), key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => {
                self.layout.reach(span.end.index());
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(Failure::new(Code::YamlUnsupported, "An alias contains itself")
                        .why("it stands inside the value that its anchor names")
                        .remedy("write the value out instead of the alias")
                        .at(mark.place(self.file)));
                };
                let node = Node { mark, ..node.clone() };
                self.keyed(start, false);
                self.attach(node);
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    /// A scalar as a node; a disputed one is reported, unless it is a merge key.
    fn scalar(&mut self, mark: Mark, value: &str, style: ScalarStyle) -> Node {
        if style != ScalarStyle::Plain {
            return Node::new(mark, Value::Text(value.into()));
        }
        let value_of = |reading| match reading {
            Reading::Null => Value::Null,
            Reading::Bool(value) => Value::Bool(value),
            Reading::Int(value) => Value::Int(value),
            Reading::Float(value) => Value::Float(value),
            Reading::Text => Value::Text(value.into()),
            Reading::Unreadable | Reading::Date | Reading::Special => Value::Disputed,
        };
        let value_of = match resolve(value) {
            Ok(reading) => value_of(reading),
            Err(_) if value == "<<" && self.at_key() => Value::Disputed,
            Err((old, new)) => {
                let plain_number = match (&old, &new) {
                    (Reading::Int(number), _) | (_, Reading::Int(number)) if old != Reading::Unreadable => {
                        format!("; if the number {number} is meant, write `{number}`")
                    }
                    (_, Reading::Float(number)) if number.is_finite() => {
                        format!("; if the number is meant, write `{number:?}`")
                    }
                    (Reading::Bool(value), _) => format!("; if a boolean is meant, write `{value}`"),
                    _ => String::new(),
                };
                let problem = Failure::new(
                    Code::YamlScalar,
                    format!("`{value}` without quotes is not the same to every reader"),
                )
                .why(format!("YAML 1.1 reads {}, YAML 1.2 reads {}", old.describe(), new.describe()))
                .remedy(format!("if text is meant, quote it: `{}`{plain_number}", quoted(value)));
                self.layout.problems.push(problem.at(mark.place(self.file)));
                Value::Disputed
            }
        };
        // Text is its own spelling; the merge key must stay apart from a quoted "<<".
        let plain = if matches!(value_of, Value::Text(_)) { "".into() } else { value.into() };
        Node { mark, value: value_of, plain }
    }

    fn at_key(&self) -> bool {
        matches!(self.stack.last(), Some(Frame { items: Items::Map { key: None, .. }, .. }))
    }

    /// Checks the layout of a key that has just been read.
    fn keyed(&mut self, start: usize, missing: bool) {
        if !self.at_key() {
            return;
        }
        if !missing {
            self.layout.key(start);
        }
    }

    fn open(&mut self, mark: Mark, anchor: usize, items: Items) {
        self.stack.push(Frame { mark, anchor, items });
    }

    fn close(&mut self) {
        let Some(frame) = self.stack.pop() else { return };
        let value = match frame.items {
            Items::List(items) => Value::Sequence(items),
            Items::Map { entries, .. } => Value::Mapping(self.judge_entries(entries)),
        };
        let node = Node::new(frame.mark, value);
        self.remember(frame.anchor, &node);
        self.attach(node);
    }

    fn remember(&mut self, anchor: usize, node: &Node) {
        if self.named.contains(&anchor) {
            self.anchors.insert(anchor, node.clone());
        }
    }

    fn attach(&mut self, node: Node) {
        let Some(frame) = self.stack.last_mut() else {
            self.root.get_or_insert(node);
            return;
        };
        match &mut frame.items {
            Items::List(items) => items.push(node),
            Items::Map { entries, key } => match key.take() {
                None => *key = Some(node),
                Some(key) => entries.push((key, node)),
            },
        }
    }

    /// Merge keys resolved as PyYAML does: explicit keys win wherever `<<` stands, in a list the
    /// earlier mapping wins. Duplicates among the explicit keys are reported.
    fn judge_entries(&mut self, mut own: Vec<(Node, Node)>) -> Vec<(Node, Node)> {
        #[derive(PartialEq)]
        enum Fate {
            Kept,
            Merged,
            Refused,
        }
        let mut fates = Vec::with_capacity(own.len());
        let mut seen: HashMap<Identity<'_>, &Node> = HashMap::new();
        for (key, _) in &own {
            let Some(identities) = Identity::of(key) else {
                self.no_key(key);
                fates.push(Fate::Refused);
                continue;
            };
            let mut first = None;
            for identity in identities.into_iter().flatten() {
                first = seen.insert(identity, key).or(first);
            }
            let is_merge = key.value == Value::Disputed && &*key.plain == "<<";
            fates.push(match first {
                Some(first) => {
                    self.twice(first, key);
                    Fate::Refused
                }
                None if is_merge => Fate::Merged,
                None => Fate::Kept,
            });
        }
        drop(seen);
        if fates.iter().all(|fate| *fate == Fate::Kept) {
            return own;
        }
        let mut fate = fates.iter();
        let taken = own.extract_if(.., |_| fate.next() != Some(&Fate::Kept)).map(|(_, value)| value);
        let taken: Vec<Node> = taken.collect();
        let is_merged = fates.iter().filter(|fate| **fate != Fate::Kept).map(|fate| *fate == Fate::Merged);
        let mut merges: Vec<Node> = Vec::new();
        for (value, _) in taken.into_iter().zip(is_merged).filter(|(_, is_merged)| *is_merged) {
            self.merged(value, &mut merges);
        }
        let mut present: HashSet<Identity<'_>> =
            own.iter().filter_map(|(key, _)| Identity::number_or_text(key)).collect();
        let merged = merges.iter().flat_map(Node::entries);
        let mut is_new = |key| Identity::number_or_text(key).is_some_and(|identity| present.insert(identity));
        let merged: Vec<(Node, Node)> = merged.filter(|(key, _)| is_new(key)).cloned().collect();
        own.extend(merged);
        own
    }

    /// A key that is the same as an earlier one.
    fn twice(&mut self, first: &Node, key: &Node) {
        let place = key.place(self.file);
        self.layout.problems.push_with(Code::YamlDuplicate, place, || {
            let (spelling, other) = (key.spelling(), first.spelling());
            let same = if other == spelling { String::new() } else { format!(", first as `{other}`") };
            Failure::new(Code::YamlDuplicate, format!("The key `{spelling}` appears twice"))
                .why(format!("it stands {}{same}", first.mark.and_again(key.mark)))
                .remedy("keep one of them; readers disagree on which one counts")
        });
    }

    /// A list, a mapping, nothing or not-a-number where a key is due.
    fn no_key(&mut self, key: &Node) {
        let failure = if key.value == Value::Null && key.plain.is_empty() {
            Failure::new(Code::YamlUnsupported, "A key is missing before the colon")
                .why("each entry of a mapping is a key, a colon, a space and a value")
                .remedy("write the key, or put quotes around text that starts with a colon")
        } else {
            Failure::new(Code::YamlUnsupported, format!("A key is {}", key.describe()))
                .why("keys are text; the manager fails on lists and mappings as keys")
                .remedy("write a text key, in quotes where in doubt")
        };
        self.layout.problems.push(failure.at(key.place(self.file)));
    }

    /// The mappings that a merge key's value names.
    fn merged(&mut self, value: Node, merges: &mut Vec<Node>) {
        let values = match value {
            Node { value: Value::Mapping(_), .. } => vec![value],
            Node { value: Value::Sequence(items), .. } => items,
            other => vec![other],
        };
        for value in values {
            if matches!(value.value, Value::Mapping(_)) {
                merges.push(value);
            } else {
                self.layout.problems.push(
                    Failure::new(Code::YamlUnsupported, format!("`<<` names {}", value.describe()))
                        .why("only a mapping, or a list of mappings, can be merged")
                        .remedy("name an anchor of a mapping: `<<: *anchor`")
                        .at(value.place(self.file)),
                );
            }
        }
    }

    fn syntax(&self, text: &str, at: usize, info: &str) -> Failure {
        let mark = self.layout.mark(at);
        if let Some(failure) = alike::near(self.file, text, mark.line) {
            return failure;
        }
        if let Some(failure) = alike::tab(self.file, text, mark.line) {
            return failure;
        }
        if let Some(failure) = indentation::misaligned(self.file, text, mark.line) {
            return failure;
        }
        Failure::new(Code::YamlSyntax, format!("`{}` is not well-formed YAML", self.file))
            .why(format!("the reader stopped here: {info}"))
            .remedy(
                "look at this line and the ones before it: often a bracket or a quote is left open, or the \
                 indentation moved",
            )
            .at(mark.place(self.file))
    }
}

/// What makes two keys one.
#[derive(PartialEq, Eq, Hash)]
enum Identity<'n> {
    /// By spelling: `1` and `"1"` look alike, and a person means one of them.
    Spelling(&'n str),
    Text(&'n str),
    /// By value: to Python `1`, `1.0` and `true` are one key.
    Number(u64),
}

impl<'n> Identity<'n> {
    /// By spelling and by value; nothing for what cannot be a key.
    fn of(key: &'n Node) -> Option<[Option<Self>; 2]> {
        let spelling = Some(Identity::Spelling(key.spelling()));
        match key.value {
            Value::Disputed => Some([spelling, None]),
            _ => Some([spelling, Some(Identity::number_or_text(key)?)]),
        }
    }

    fn number_or_text(key: &'n Node) -> Option<Self> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "numbers that collide after rounding are refused, which is safe"
        )]
        match &key.value {
            Value::Text(text) => Some(Identity::Text(text)),
            Value::Bool(value) => Some(Identity::Number(f64::from(u8::from(*value)).to_bits())),
            Value::Int(value) => Some(Identity::Number((*value as f64).to_bits())),
            Value::Float(value) if !value.is_nan() => Some(Identity::Number((value + 0.0).to_bits())),
            _ => None,
        }
    }
}

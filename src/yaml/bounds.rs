//! How much a file holds once its aliases are expanded, counted before anything is.

use std::{
    cell::Cell,
    collections::{HashMap, HashSet},
};

use saphyr_parser::{Event, Parser};

use super::layout::Layout;
use crate::{
    failure::{Code, Failure},
    text::grouped,
};

/// The largest file that is read, in bytes; its values hold no more once its aliases are expanded.
pub const MAX_BYTES: usize = 8 << 20;
/// The most values a file may hold once its aliases are expanded.
pub const MAX_NODES: usize = 500_000;
/// The deepest nesting, aliases expanded.
pub const MAX_DEPTH: usize = 64;

/// The most signs of YAML that the parser may look ahead: inside of brackets it keeps all that it has seen until it
/// knows that no `:` follows the last bracket.
const MAX_AHEAD: usize = 300_000;

/// What an alias stands for.
#[derive(Clone, Copy)]
struct Extent {
    nodes: usize,
    /// Text of its scalars, in bytes.
    text: usize,
    /// Collections inside each other.
    height: usize,
}

/// A collection whose end has not come: its anchor, and what was counted before it.
struct Open {
    anchor: usize,
    nodes: usize,
    text: usize,
    height: usize,
}

/// The anchors that an alias names, and so all that has to be kept for later. What comes behind a syntax error is not
/// looked at: nobody reads it.
///
/// # Errors
/// `E-YAML-LIMIT` at the line that is too much.
pub(super) fn measure(file: &str, text: &str, layout: &Layout<'_>) -> Result<HashSet<usize>, Failure> {
    let mut named = HashSet::new();
    let mut known: HashMap<usize, Extent> = HashMap::new();
    let mut open: Vec<Open> = Vec::new();
    let (mut nodes, mut bytes) = (0_usize, 0_usize);
    let (ahead, mut at) = (Cell::new(0_usize), 0_usize);
    let watched = text.chars().take_while(|c| {
        let is_sign =
            matches!(c, ',' | '[' | ']' | '{' | '}' | ':' | '&' | '*' | '!' | '?' | '"' | '\'' | '\n' | '\r');
        ahead.set(ahead.get() + usize::from(is_sign));
        ahead.get() <= MAX_AHEAD
    });
    for (event, span) in Parser::new_from_iter(watched).map_while(Result::ok) {
        if ahead.get() > MAX_AHEAD {
            break;
        }
        ahead.set(0);
        at = span.end.index();
        let (anchor, extent) = match event {
            Event::Scalar(value, _, anchor, _) => (anchor, Extent { nodes: 1, text: value.len(), height: 0 }),
            Event::Alias(anchor) => {
                named.insert(anchor);
                // One that contains itself is reported where the tree is built.
                let Some(extent) = known.get(&anchor) else { break };
                (0, *extent)
            }
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                open.push(Open { anchor, nodes, text: bytes, height: 0 });
                (0, Extent { nodes: 1, text: 0, height: 0 })
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(ended) = open.pop() else { break };
                let height = ended.height + 1;
                let extent = Extent { nodes: nodes - ended.nodes, text: bytes - ended.text, height };
                if ended.anchor > 0 {
                    known.insert(ended.anchor, extent);
                }
                raise(&mut open, height);
                continue;
            }
            _ => continue,
        };
        if anchor > 0 {
            known.insert(anchor, extent);
        }
        raise(&mut open, extent.height);
        nodes += extent.nodes;
        bytes += extent.text;
        if let Some(failure) = limit_passed(open.len() + extent.height, nodes, bytes) {
            return Err(failure.at(layout.mark(span.start.index()).place(file)));
        }
    }
    if ahead.get() > MAX_AHEAD {
        let gap = text.chars().skip(at).take_while(|c| c.is_whitespace() || *c == ':').count();
        return Err(too_far_ahead().at(layout.mark(at + gap).place(file)));
    }
    Ok(named)
}

/// The collection around holds something of this height.
fn raise(open: &mut [Open], height: usize) {
    if let Some(around) = open.last_mut() {
        around.height = around.height.max(height);
    }
}

/// What is wrong with so many values, so much text, or values so deep inside each other.
fn limit_passed(depth: usize, nodes: usize, bytes: usize) -> Option<Failure> {
    let (what, remedy) = if depth > MAX_DEPTH {
        let what = format!("Values are nested more than {MAX_DEPTH} levels deep");
        (what, "close a bracket that was left open, or flatten the structure")
    } else if nodes > MAX_NODES {
        let what = format!("The file holds more than {} values", grouped(MAX_NODES));
        (what, "use fewer aliases of aliases, or split the file")
    } else if bytes > MAX_BYTES {
        let what = format!("The values of the file hold more than {} MiB of text", MAX_BYTES >> 20);
        (what, "use fewer aliases of long texts, or split the file")
    } else {
        return None;
    };
    let why = "aliases count with all that they stand for, and here the limit is passed";
    Some(Failure::new(Code::YamlLimit, what).why(why).remedy(remedy))
}

fn too_far_ahead() -> Failure {
    let what = format!("One pair of brackets holds more than {} signs of YAML", grouped(MAX_AHEAD));
    Failure::new(Code::YamlLimit, what)
        .why("what begins here has to be read to its last bracket before it is known what it is")
        .remedy("write the list with each item on a line of its own, behind `- `")
}

//! The first page: what it holds, what of it can be chosen, and which rows have room.

use std::collections::{BTreeMap, BTreeSet};

use tui_input::Input;

use crate::{
    devstack::Glance,
    failure::Failure,
    frontend::wizard::{
        Unfinished,
        home::{Choice, Home, Wish},
        kept::KeptTarget,
    },
    guide::Answers,
};

/// The first page.
pub(super) struct HomePage {
    pub(super) targets: Vec<KeptTarget>,
    pub(super) unfinished: Option<Unfinished>,
    /// Where the cursor stands.
    pub(super) at: Choice,
    /// The development setup, as it looks from outside.
    pub(super) glance: Option<Glance>,
    /// Addresses that were looked at, with what was found once it was.
    pub(super) reached: BTreeMap<String, Option<bool>>,
    /// Only targets with this in their names or servers are listed.
    pub(super) search: Input,
    pub(super) search_open: bool,
    /// The target whose answers are being read, and what for.
    pub(super) opening: Option<(String, Wish)>,
    /// The path of an answers file under way.
    pub(super) path: Option<Input>,
    /// What was given at the start.
    pub(super) flags: Answers,
    /// The answers and remarks that stand aside while a target, a file or the development setup is shown.
    pub(super) own: Option<(Answers, Vec<Failure>)>,
}

impl HomePage {
    pub(super) fn new(home: Home, glance: Option<Glance>, flags: Answers) -> Self {
        let mut page = Self {
            targets: Vec::new(),
            unfinished: None,
            at: Choice::Servers,
            glance,
            reached: BTreeMap::new(),
            search: Input::default(),
            search_open: false,
            opening: None,
            path: None,
            flags,
            own: None,
        };
        (page.targets, page.unfinished) = (home.targets, home.unfinished);
        let is_something = page.glance.is_some_and(|glance| glance.is_something());
        page.at = match page.upper().into_iter().next() {
            Some(first) => first,
            None if is_something => Choice::Development,
            None => Choice::Servers,
        };
        page
    }

    /// Takes in what the state directory tells by now. The cursor stays where it was, if that is still there.
    pub(super) fn take(&mut self, home: Home) {
        (self.targets, self.unfinished) = (home.targets, home.unfinished);
        self.settle();
    }

    /// Puts the cursor on something that is there.
    pub(super) fn settle(&mut self) {
        if !self.choices().contains(&self.at) {
            self.at = self.choices().into_iter().next().unwrap_or(Choice::Servers);
        }
    }

    /// What was set up from here: what is unfinished first, then the targets that are searched for.
    pub(super) fn upper(&self) -> Vec<Choice> {
        let wanted = self.search.value().to_lowercase();
        let is_wanted = |target: &&KeptTarget| {
            wanted.is_empty()
                || target.name.to_lowercase().contains(&wanted)
                || target.servers.to_lowercase().contains(&wanted)
        };
        let first = self.unfinished.iter().filter(|_| wanted.is_empty()).map(|_| Choice::Continue);
        let targets = self.targets.iter().filter(is_wanted);
        first.chain(targets.map(|target| Choice::Target(target.id.clone()))).collect()
    }

    /// Everything that can be chosen, from the top.
    pub(super) fn choices(&self) -> Vec<Choice> {
        self.upper().into_iter().chain(Choice::OTHERS).collect()
    }

    /// The place of the cursor among the choices.
    pub(super) fn cursor(&self) -> usize {
        self.choices().iter().position(|choice| *choice == self.at).unwrap_or_default()
    }

    pub(super) fn target(&self, id: &str) -> Option<&KeptTarget> {
        self.targets.iter().find(|target| target.id == id)
    }

    /// The target on which the cursor stands.
    pub(super) fn focused(&self) -> Option<&KeptTarget> {
        match &self.at {
            Choice::Target(id) => self.target(id),
            _ => None,
        }
    }

    /// Is there anything that was set up or begun?
    pub(super) fn is_first_start(&self) -> bool {
        self.targets.is_empty() && self.unfinished.is_none()
    }

    /// The addresses of a target that accept no connection.
    pub(super) fn down(&self, target: &KeptTarget) -> Vec<String> {
        let is_down = |address: &String| self.reached.get(address) == Some(&Some(false));
        // One server with both on it is named once.
        let unique: BTreeSet<String> = target.addresses().into_iter().filter(is_down).collect();
        unique.into_iter().collect()
    }

    /// The rows of the page, for so many rows and a full text of so many lines below the list.
    pub(super) fn rows(&self, rows: usize, full: usize) -> Rows {
        let is_roomy = rows >= 18;
        let entries = self.upper().len();
        let is_filtered = !self.search.value().is_empty() || self.search_open;
        let has_upper = entries > 0 || is_filtered;
        let lower = 1 + Choice::OTHERS.len() + usize::from(self.path.is_some());
        // Title and foot; with room a line between all of them.
        let frame = 2 + if is_roomy { 2 + usize::from(has_upper) } else { 0 };
        let room = rows.saturating_sub(lower + frame + usize::from(has_upper) + full);
        let list = entries.max(usize::from(is_filtered)).min(room.max(1));
        let here = self.cursor().min(entries.saturating_sub(1));
        let top = if entries <= list { 0 } else { here.saturating_sub(list / 2).min(entries - list) };
        Rows { is_roomy, has_upper, list: if has_upper { list } else { 0 }, top, entries }
    }
}

/// How the rows of the page are given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rows {
    /// There is room for empty lines.
    pub(super) is_roomy: bool,
    /// The list is shown.
    pub(super) has_upper: bool,
    /// So many rows of it.
    pub(super) list: usize,
    /// From this entry on.
    pub(super) top: usize,
    /// Of so many.
    pub(super) entries: usize,
}

impl Rows {
    /// The entries that are shown.
    pub(super) fn shown(self) -> std::ops::Range<usize> {
        self.top..(self.top + self.list).min(self.entries)
    }
}

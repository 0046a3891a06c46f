//! The keys, as one table: the footer and the help are drawn from what is really bound.
//!
//! One letter has one meaning on every page. Never bound: ^S ^Q ^B ^H ^J ^\ and anything with Alt.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Next,
    Back,
    Forward,
    Backward,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Help,
    Redraw,
    PlainSigns,
    Suspend,
    Interrupt,
    Reveal,
    Development,
    Search,
    NextHit,
    PreviousHit,
    Quit,
    Choose,
    Details,
    Edit,
    Follow,
    Menu,
    CheckAgain,
    Save,
    Copy,
    Transcript,
    Undo,
    Remarks,
    Differences,
    View,
    Write,
}

/// Where keys are pressed: the innermost thing that takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// What was set up, and what else can be.
    Home,
    /// What can be done about what is in the way of the development setup, some of it with a field.
    Development,
    /// A secret of a target.
    Ask,
    /// The path of an answers file.
    Path,
    Text,
    Secret,
    Images,
    Review,
    Menu,
    /// A run under way.
    Run,
    /// The log of a stage of a run that has ended.
    Log,
    /// What came of a run.
    Receipt,
    /// Something shown in full, to scroll in.
    Reading,
    /// A live check in full; its page is one key away.
    Verdict,
    /// The Changes of one stage, which can be run alone.
    Alone,
    /// What would be put back.
    Undo,
    Search,
    /// The question on leaving.
    Leave,
    /// A word to be typed.
    Confirm,
}

use Place::{
    Alone, Ask, Confirm, Development, Home, Images, Leave, Log, Menu, Path, Reading, Receipt, Review, Run,
    Search, Secret, Text, Undo, Verdict,
};

/// Keys that do one thing in some places.
pub(super) struct Binding {
    pub(super) keys: &'static [Key],
    /// As the footer and the help call them.
    pub(super) shown: &'static str,
    pub(super) action: Action,
    pub(super) places: &'static [Place],
    pub(super) label: &'static str,
    /// Where the footer names it; the help names all.
    pub(super) footer: &'static [Place],
}

const EVERYWHERE: &[Place] = &[
    Home,
    Development,
    Ask,
    Path,
    Text,
    Secret,
    Images,
    Review,
    Menu,
    Run,
    Log,
    Receipt,
    Reading,
    Verdict,
    Alone,
    Undo,
    Search,
    Leave,
    Confirm,
];
/// Where a page can be turned.
const PAGED: &[Place] = &[Home, Images, Review, Menu, Run, Log, Receipt, Reading, Verdict, Alone, Undo];
/// Where letters are no text.
const LETTERS: &[Place] =
    &[Home, Images, Review, Menu, Run, Log, Receipt, Reading, Verdict, Alone, Undo, Leave];
const PAGES: &[Place] = &[Home, Images, Review, Menu, Run, Log, Receipt];
/// Where something can be copied.
const COPIED: &[Place] = &[Images, Run, Log, Receipt, Reading, Alone, Undo];
const LISTS: &[Place] = &[Home, Images, Review, Menu, Run, Log, Receipt, Leave];
const FIELDS: &[Place] = &[Text, Secret];
/// Where letters are text.
const TYPED: &[Place] = &[Text, Secret, Development, Ask];
/// What is shown in full.
const SHOWN: &[Place] = &[Reading, Verdict, Alone, Undo];

/// A key with the keys held beside it.
type Key = (KeyCode, KeyModifiers);

const TAB: Key = plain(KeyCode::Tab);
const BACK_TAB: Key = plain(KeyCode::BackTab);
const SHIFT_TAB: Key = (KeyCode::BackTab, KeyModifiers::SHIFT);
const UP: Key = plain(KeyCode::Up);
const DOWN: Key = plain(KeyCode::Down);
const ENTER: Key = plain(KeyCode::Enter);
const PAGE_UP: Key = plain(KeyCode::PageUp);
const PAGE_DOWN: Key = plain(KeyCode::PageDown);

const fn plain(code: KeyCode) -> Key {
    (code, KeyModifiers::NONE)
}
const fn letter(letter: char) -> Key {
    plain(KeyCode::Char(letter))
}
const fn shifted(letter: char) -> Key {
    (KeyCode::Char(letter), KeyModifiers::SHIFT)
}
const fn control(letter: char) -> Key {
    (KeyCode::Char(letter), KeyModifiers::CONTROL)
}
const fn bind(
    keys: &'static [Key],
    shown: &'static str,
    action: Action,
    places: &'static [Place],
    label: &'static str,
    footer: &'static [Place],
) -> Binding {
    Binding { keys, shown, action, places, label, footer }
}

/// Every key. In the order of the footer; of two that fit, the first counts.
pub(super) const BINDINGS: &[Binding] = &[
    bind(&[TAB, DOWN], "Tab ↓", Action::Forward, FIELDS, "next field", FIELDS),
    bind(&[BACK_TAB, SHIFT_TAB, UP], "Shift-Tab ↑", Action::Backward, FIELDS, "field before", &[]),
    bind(&[TAB, DOWN], "↑↓", Action::Forward, &[Development], "choose", &[Development]),
    bind(&[BACK_TAB, SHIFT_TAB, UP], "↑", Action::Backward, &[Development], "", &[]),
    bind(&[TAB], "Tab", Action::Forward, &[Images], "to the files", &[]),
    bind(&[BACK_TAB, SHIFT_TAB], "Shift-Tab", Action::Backward, &[Images], "to the files", &[]),
    bind(&[UP, letter('k'), BACK_TAB], "↑", Action::Up, LISTS, "", &[]),
    bind(&[DOWN, letter('j'), TAB], "↑↓", Action::Down, LISTS, "choose", LISTS),
    bind(&[UP, letter('k')], "↑", Action::Up, SHOWN, "", &[]),
    bind(&[DOWN, letter('j')], "↑↓", Action::Down, SHOWN, "scroll", SHOWN),
    bind(&[letter(' ')], "Space", Action::Choose, &[Images], "in or out", &[Images]),
    bind(&[letter('w')], "w", Action::Write, &[Review], "write", &[Review]),
    bind(&[letter('w')], "w", Action::Write, &[Alone], "run it", &[Alone]),
    bind(&[letter('w')], "w", Action::Write, &[Undo], "undo these", &[Undo]),
    bind(&[ENTER], "Enter", Action::Next, &[Verdict], "change its answers", &[Verdict]),
    bind(&[letter('d')], "d", Action::Differences, &[Verdict], "differences", &[Verdict]),
    bind(&[plain(KeyCode::F(2))], "F2", Action::Differences, FIELDS, "differences", FIELDS),
    bind(&[ENTER], "Enter", Action::Next, &[Search], "search", &[Search]),
    bind(&[ENTER], "Enter", Action::Next, &[Confirm], "confirm", &[Confirm]),
    bind(&[ENTER], "Enter", Action::Next, &[Path], "read it", &[Path]),
    bind(&[ENTER], "Enter", Action::Next, &[Review, Home], "open", &[Review, Home]),
    bind(&[ENTER], "Enter", Action::Next, &[Development], "do it", &[Development]),
    bind(&[ENTER], "Enter", Action::Next, &[Ask], "go on", &[Ask]),
    bind(&[ENTER], "Enter", Action::Next, &[Log], "close it", &[Log]),
    bind(&[ENTER], "Enter", Action::Next, &[Menu], "its changes", &[Menu]),
    bind(&[ENTER], "Enter", Action::Next, &[Receipt, Leave], "do it", &[Receipt, Leave]),
    bind(&[ENTER], "Enter", Action::Next, EVERYWHERE, "next", &[Text, Secret, Images]),
    bind(&[PAGE_UP], "PgUp", Action::PageUp, PAGED, "", &[]),
    bind(&[PAGE_DOWN], "PgUp PgDn", Action::PageDown, &[Run, Log], "log", &[Run, Log]),
    bind(&[PAGE_DOWN], "PgUp PgDn", Action::PageDown, PAGED, "a page", &[]),
    bind(&[plain(KeyCode::Right)], "→", Action::Details, &[Images], "details", &[Images]),
    bind(&[letter('g'), plain(KeyCode::Home)], "g", Action::First, LETTERS, "", &[]),
    bind(&[letter('G'), shifted('G'), plain(KeyCode::End)], "g G", Action::Last, LETTERS, "first, last", &[]),
    bind(&[letter('f')], "f", Action::Follow, &[Run, Log], "follow", &[Run, Log]),
    bind(&[letter('m')], "m", Action::Menu, &[Home], "stages", &[Home]),
    bind(&[letter('/')], "/", Action::Search, &[Home, Images, Run, Log], "search", &[Home, Images, Run, Log]),
    bind(&[letter('n')], "n", Action::NextHit, &[Run, Log], "next hit", &[]),
    bind(&[letter('N'), shifted('N')], "N", Action::PreviousHit, &[Run, Log], "hit before", &[]),
    bind(&[letter('v')], "v", Action::View, &[Images, Review], "view", &[Images]),
    bind(&[letter('v')], "v", Action::View, &[Run, Log], "errors", &[Run]),
    bind(&[letter('e')], "e", Action::Edit, &[Images], "edit", &[Images]),
    bind(&[letter('p')], "p", Action::Remarks, &[Images, Receipt], "all problems", &[]),
    bind(&[letter('r')], "r", Action::CheckAgain, &[Images, Review, Menu], "check again", &[Review, Menu]),
    bind(&[letter('s')], "s", Action::Save, &[Run, Log], "save log", &[Run, Log]),
    bind(&[letter('y')], "y", Action::Copy, COPIED, "copy", &[Receipt]),
    bind(&[letter('t')], "t", Action::Transcript, &[Receipt], "transcript", &[Receipt]),
    bind(&[letter('u')], "u", Action::Undo, &[Home, Menu, Receipt], "undo", &[Home, Menu, Receipt]),
    bind(&[letter('m')], "m", Action::Menu, &[Review, Images, Receipt], "menu", &[Review]),
    bind(&[control('r')], "^R", Action::Reveal, &[Secret, Development, Ask], "reveal", &[Secret, Ask]),
    bind(&[control('f')], "^F", Action::Development, FIELDS, "development values", &[]),
    bind(
        &[plain(KeyCode::Esc)],
        "Esc",
        Action::Back,
        EVERYWHERE,
        "back",
        &[
            Development,
            Ask,
            Path,
            Text,
            Secret,
            Images,
            Review,
            Menu,
            Reading,
            Verdict,
            Alone,
            Undo,
            Confirm,
            Search,
            Leave,
        ],
    ),
    bind(&[letter('q')], "q", Action::Quit, LETTERS, "quit", &[Home, Receipt]),
    bind(&[control('c')], "^C", Action::Interrupt, &[Run], "stop", &[Run]),
    bind(&[control('c')], "^C", Action::Interrupt, EVERYWHERE, "leave", &[]),
    bind(&[control('g'), plain(KeyCode::F(1))], "^G F1", Action::Help, TYPED, "help", TYPED),
    bind(&[letter('?')], "?", Action::Help, LETTERS, "help", PAGES),
    bind(&[control('g'), plain(KeyCode::F(1))], "^G F1", Action::Help, EVERYWHERE, "help", &[]),
    bind(&[control('t')], "^T", Action::PlainSigns, EVERYWHERE, "plain signs", &[]),
    bind(&[control('l')], "^L", Action::Redraw, EVERYWHERE, "redraw", &[]),
    bind(&[control('z')], "^Z", Action::Suspend, EVERYWHERE, "suspend", &[]),
];

/// What the key does there.
pub(super) fn action(key: KeyEvent, place: Place) -> Option<Action> {
    let modifiers = key.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
    BINDINGS
        .iter()
        .find(|binding| binding.places.contains(&place) && binding.keys.contains(&(key.code, modifiers)))
        .map(|binding| binding.action)
}

/// What the footer names there, in order.
pub(super) fn footer(place: Place) -> impl Iterator<Item = &'static Binding> {
    BINDINGS.iter().filter(move |binding| binding.footer.contains(&place))
}

/// What the help names there, each action once.
pub(super) fn help(place: Place) -> Vec<(&'static str, &'static str)> {
    let mut seen = Vec::new();
    let mut rows = Vec::new();
    for binding in
        BINDINGS.iter().filter(|binding| binding.places.contains(&place) && !binding.label.is_empty())
    {
        if !seen.contains(&binding.action) {
            seen.push(binding.action);
            rows.push((binding.shown, binding.label));
        }
    }
    rows
}

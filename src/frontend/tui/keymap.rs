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
    View,
    Write,
}

/// Where keys are pressed: the innermost thing that takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A list of choices: Welcome, Done, a failed run.
    Welcome,
    /// The path of an answers file.
    Path,
    Text,
    Secret,
    Images,
    Review,
    Menu,
    Run,
    Failed,
    Done,
    /// Something shown in full, to scroll in.
    Reading,
    /// A live check in full; its page is one key away.
    Verdict,
    /// The Changes of one stage, which can be run alone.
    Alone,
    Search,
    /// The question on leaving.
    Leave,
    /// A word to be typed.
    Confirm,
}

use Place::{
    Alone, Confirm, Done, Failed, Images, Leave, Menu, Path, Reading, Review, Run, Search, Secret, Text,
    Verdict, Welcome,
};

/// Keys that do one thing in some places.
pub(super) struct Binding {
    pub(super) keys: &'static [(KeyCode, KeyModifiers)],
    /// As the footer and the help call them.
    pub(super) shown: &'static str,
    pub(super) action: Action,
    pub(super) places: &'static [Place],
    pub(super) label: &'static str,
    /// Where the footer names it; the help names all.
    pub(super) footer: &'static [Place],
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;

const EVERYWHERE: &[Place] = &[
    Welcome, Path, Text, Secret, Images, Review, Menu, Run, Failed, Done, Reading, Verdict, Alone, Search,
    Leave, Confirm,
];
/// Where a page can be turned.
const PAGED: &[Place] = &[Images, Review, Menu, Run, Failed, Reading, Verdict, Alone];
/// Where letters are no text.
const LETTERS: &[Place] = &[Welcome, Images, Review, Menu, Run, Failed, Done, Reading, Verdict, Alone, Leave];
const LISTS: &[Place] = &[Welcome, Images, Review, Menu, Run, Failed, Done, Leave];
const FIELDS: &[Place] = &[Text, Secret];

macro_rules! keys {
    ($($key:expr),+) => { &[$($key),+] };
}

const fn letter(letter: char) -> (KeyCode, KeyModifiers) {
    (KeyCode::Char(letter), NONE)
}
const fn control(letter: char) -> (KeyCode, KeyModifiers) {
    (KeyCode::Char(letter), CTRL)
}
const fn plain(code: KeyCode) -> (KeyCode, KeyModifiers) {
    (code, NONE)
}

macro_rules! binding {
    ($keys:expr, $shown:literal, $action:ident, $places:expr, $label:literal, $footer:expr) => {
        Binding {
            keys: $keys,
            shown: $shown,
            action: Action::$action,
            places: $places,
            label: $label,
            footer: $footer,
        }
    };
}

/// Every key. In the order of the footer; of two that fit, the first counts.
pub(super) const BINDINGS: &[Binding] = &[
    binding!(
        keys![plain(KeyCode::Tab), plain(KeyCode::Down)],
        "Tab ↓",
        Forward,
        &[Text, Secret],
        "next field",
        FIELDS
    ),
    binding!(
        keys![plain(KeyCode::BackTab), (KeyCode::BackTab, KeyModifiers::SHIFT), plain(KeyCode::Up)],
        "Shift-Tab ↑",
        Backward,
        &[Text, Secret],
        "field before",
        &[]
    ),
    binding!(keys![plain(KeyCode::Tab)], "Tab", Forward, &[Images], "to the files", &[]),
    binding!(
        keys![plain(KeyCode::BackTab), (KeyCode::BackTab, KeyModifiers::SHIFT)],
        "Shift-Tab",
        Backward,
        &[Images],
        "to the files",
        &[]
    ),
    binding!(keys![plain(KeyCode::Up), letter('k'), plain(KeyCode::BackTab)], "↑", Up, LISTS, "", &[]),
    binding!(
        keys![plain(KeyCode::Down), letter('j'), plain(KeyCode::Tab)],
        "↑↓",
        Down,
        LISTS,
        "choose",
        &[Welcome, Images, Review, Menu, Failed, Done, Leave, Run]
    ),
    binding!(keys![plain(KeyCode::Up), letter('k')], "↑", Up, &[Reading, Verdict, Alone], "", &[]),
    binding!(
        keys![plain(KeyCode::Down), letter('j')],
        "↑↓",
        Down,
        &[Reading, Verdict, Alone],
        "scroll",
        &[Reading, Verdict, Alone]
    ),
    binding!(keys![letter(' ')], "Space", Choose, &[Images], "in or out", &[Images]),
    binding!(keys![letter('w')], "w", Write, &[Review], "write", &[Review]),
    binding!(keys![letter('w')], "w", Write, &[Alone], "run it", &[Alone]),
    binding!(keys![plain(KeyCode::Enter)], "Enter", Next, &[Verdict], "change its answers", &[Verdict]),
    binding!(keys![plain(KeyCode::Enter)], "Enter", Next, &[Search], "search", &[Search]),
    binding!(keys![plain(KeyCode::Enter)], "Enter", Next, &[Confirm], "confirm", &[Confirm]),
    binding!(keys![plain(KeyCode::Enter)], "Enter", Next, &[Path], "read it", &[Path]),
    binding!(keys![plain(KeyCode::Enter)], "Enter", Next, &[Review], "open", &[Review]),
    binding!(keys![plain(KeyCode::Enter)], "Enter", Next, &[Menu], "its changes", &[Menu]),
    binding!(
        keys![plain(KeyCode::Enter)],
        "Enter",
        Next,
        &[Failed, Done, Leave],
        "do it",
        &[Failed, Done, Leave]
    ),
    binding!(
        keys![plain(KeyCode::Enter)],
        "Enter",
        Next,
        EVERYWHERE,
        "next",
        &[Welcome, Text, Secret, Images]
    ),
    binding!(keys![plain(KeyCode::PageUp)], "PgUp", PageUp, PAGED, "", &[]),
    binding!(keys![plain(KeyCode::PageDown)], "PgUp PgDn", PageDown, &[Run, Failed], "log", &[Run]),
    binding!(keys![plain(KeyCode::PageDown)], "PgUp PgDn", PageDown, PAGED, "a page", &[]),
    binding!(keys![plain(KeyCode::Right)], "→", Details, &[Images], "details", &[Images]),
    binding!(keys![letter('g'), plain(KeyCode::Home)], "g", First, LETTERS, "", &[]),
    binding!(
        keys![letter('G'), (KeyCode::Char('G'), KeyModifiers::SHIFT), plain(KeyCode::End)],
        "g G",
        Last,
        LETTERS,
        "first, last",
        &[]
    ),
    binding!(keys![letter('f')], "f", Follow, &[Run, Failed], "follow", &[Run]),
    binding!(keys![letter('/')], "/", Search, &[Images, Run, Failed], "search", &[Images, Run]),
    binding!(keys![letter('n')], "n", NextHit, &[Run, Failed], "next hit", &[]),
    binding!(
        keys![letter('N'), (KeyCode::Char('N'), KeyModifiers::SHIFT)],
        "N",
        PreviousHit,
        &[Run, Failed],
        "hit before",
        &[]
    ),
    binding!(keys![letter('v')], "v", View, &[Images, Review], "view", &[Images]),
    binding!(keys![letter('v')], "v", View, &[Run, Failed], "errors", &[Run]),
    binding!(keys![letter('e')], "e", Edit, &[Images], "edit", &[Images]),
    binding!(keys![letter('r')], "r", CheckAgain, &[Images, Review, Menu], "check again", &[Review, Menu]),
    binding!(keys![letter('s')], "s", Save, &[Run, Failed], "save", &[Run]),
    binding!(
        keys![letter('y')],
        "y",
        Copy,
        &[Images, Run, Failed, Done, Reading, Alone],
        "copy",
        &[Failed, Done]
    ),
    binding!(keys![letter('t')], "t", Transcript, &[Run, Failed, Done], "transcript", &[Failed, Done]),
    binding!(keys![letter('m')], "m", Menu, &[Welcome, Review, Images, Done], "menu", &[Review]),
    binding!(keys![control('r')], "^R", Reveal, &[Secret], "reveal", &[Secret]),
    binding!(keys![control('f')], "^F", Development, FIELDS, "development values", &[]),
    binding!(
        keys![plain(KeyCode::Esc)],
        "Esc",
        Back,
        EVERYWHERE,
        "back",
        &[Path, Text, Secret, Images, Review, Menu, Reading, Verdict, Alone, Confirm, Search, Leave]
    ),
    binding!(keys![letter('q')], "q", Quit, LETTERS, "quit", &[Welcome, Done]),
    binding!(keys![control('c')], "^C", Interrupt, &[Run], "stop", &[Run]),
    binding!(keys![control('c')], "^C", Interrupt, EVERYWHERE, "leave", &[]),
    binding!(keys![control('g'), plain(KeyCode::F(1))], "^G F1", Help, FIELDS, "help", FIELDS),
    binding!(
        keys![letter('?')],
        "?",
        Help,
        LETTERS,
        "help",
        &[Welcome, Images, Review, Menu, Run, Failed, Done]
    ),
    binding!(keys![control('g'), plain(KeyCode::F(1))], "^G F1", Help, EVERYWHERE, "help", &[]),
    binding!(keys![control('t')], "^T", PlainSigns, EVERYWHERE, "plain signs", &[]),
    binding!(keys![control('l')], "^L", Redraw, EVERYWHERE, "redraw", &[]),
    binding!(keys![control('z')], "^Z", Suspend, EVERYWHERE, "suspend", &[]),
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
pub(super) fn footer(place: Place) -> Vec<(&'static str, &'static str)> {
    let named = BINDINGS.iter().filter(|binding| binding.footer.contains(&place));
    named.map(|binding| (binding.shown, binding.label)).collect()
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

//! Screens compared with the ones that were looked at and kept.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;

use super::Tmux;
use super::redact::redact;
use crate::servers::{PATIENCE, comes_true};

/// Compares the screen with `captures/<name>-<columns>x<rows>.txt`, waiting for it to become so.
/// With `BLESS=1` it writes the file instead: look at the difference before you keep it.
pub fn capture(name: &str, tmux: &Tmux, given: &[(&str, &str)]) {
    let (columns, rows) = tmux.size();
    let file = folder().join(format!("{name}-{columns}x{rows}.txt"));
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(folder()).expect("the package's folder can be written");
        fs::write(&file, at_rest(tmux, |screen| redact(screen, given)) + "\n").expect("the folder is there");
        return;
    }
    let kept = fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}\nBLESS=1 writes it", file.display()));
    let seen = RefCell::new(String::new());
    let same = comes_true(PATIENCE, || {
        seen.replace(redact(&tmux.screen(), given) + "\n");
        *seen.borrow() == kept
    });
    let differs = || difference(&kept, &seen.borrow());
    assert!(same, "{} differs (BLESS=1 writes it):\n{}", file.display(), differs());
}

/// The screen once it has been the same for several looks.
pub fn at_rest(tmux: &Tmux, read: impl Fn(&str) -> String) -> String {
    let mut last = String::new();
    let mut same = 0;
    let rests = comes_true(PATIENCE, || {
        let now = read(&tmux.screen());
        same = if now == last { same + 1 } else { 0 };
        last = now;
        same >= 20
    });
    assert!(rests, "the screen never rests\n{}", tmux.framed());
    last
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/tui/captures")
}

/// The new screen, with the kept line above each line that differs.
fn difference(kept: &str, seen: &str) -> String {
    let rows = kept.lines().count().max(seen.lines().count());
    let (mut kept, mut seen) = (kept.lines(), seen.lines());
    let row = |_| {
        let (kept, seen) = (kept.next().unwrap_or_default(), seen.next().unwrap_or_default());
        if kept == seen { format!("  {seen}\n") } else { format!("- {kept}\n+ {seen}\n") }
    };
    (0..rows).map(row).collect()
}

#[test]
fn differences_can_be_seen() {
    assert_eq!(difference("a\nb\n", "a\nc\nd\n"), "  a\n- b\n+ c\n- \n+ d\n");
}

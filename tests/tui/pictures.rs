//! The README's pictures of real screens. `make pictures` draws them.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::Tmux;
use super::capture::at_rest;
use super::redact::Look;
use super::svg;
use crate::servers::Program;

type Draw = fn(&str);

/// Every picture and how to come to its screen; it calls [`picture`] with the name.
const PICTURES: &[(&str, Draw)] = &[("explain", explain)];

fn explain(name: &str) {
    let program = Program::new().args(["explain", "E-DB-AUTH"]);
    let tmux = Tmux::start(80, 8, &program, &[], &[]);
    assert_eq!(tmux.exit_status(), 0);
    picture(name, &tmux, &[]);
}

/// Draws the screen into `assets/pictures/<name>.svg` when the environment has `PICTURES=1`.
/// What differs from run to run becomes an example of itself.
pub fn picture(name: &str, tmux: &Tmux, given: &[(&str, &str)]) {
    if wanted() {
        fs::create_dir_all(folder()).expect("the package's folder can be written");
        fs::write(folder().join(format!("{name}.svg")), drawn(tmux, given)).expect("the folder is there");
    }
}

/// The picture of the screen that is there when it has come to rest.
pub fn drawn(tmux: &Tmux, given: &[(&str, &str)]) -> String {
    at_rest(tmux, str::to_owned);
    let mut lines = svg::read(&tmux.coloured());
    for (number, line) in lines.iter_mut().enumerate() {
        line.redact(number == 0, given, Look::Real);
    }
    svg::draw(&lines, tmux.size())
}

fn wanted() -> bool {
    std::env::var_os("PICTURES").is_some()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets/pictures")
}

#[test]
fn pictures_are_there() {
    for (name, draw) in PICTURES.iter().filter(|_| wanted()) {
        draw(name);
    }
    let there = fs::read_dir(folder()).into_iter().flatten().flatten();
    let there: BTreeSet<String> =
        there.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let known = PICTURES.iter().map(|(name, _)| format!("{name}.svg")).collect();
    assert_eq!(there, known, "`make pictures` draws what is missing; remove what no test draws");
}

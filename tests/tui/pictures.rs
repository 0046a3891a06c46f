//! The README's pictures of real screens. `make pictures` draws them.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::Tmux;
use super::capture::at_rest;
use super::redact::Look;
use super::svg;
use super::wizard::{BREAKS, SERVERS, Stand, Three, write_private};
use crate::servers::Postgres;

type Draw = fn(&str);

/// Every picture and how to come to its screen; it calls [`picture`] with the name.
const PICTURES: &[(&str, Draw)] =
    &[("home", home), ("ladder", ladder), ("images", images), ("review", review), ("run-failed", failed)];

fn home(name: &str) {
    let three = Three::new();
    let tmux = three.stand.wizard(80, 24, &[]);
    tmux.wait_for(" down");
    three.stand.picture(name, &tmux);
}

fn ladder(name: &str) {
    let stand = Stand::new();
    stand.answers("directory");
    let wrong = "database:\n  password: {env: WRONG}\nversion: 1\n";
    write_private(&stand.program.work().join("wrong.yml"), wrong);
    let arguments = ["--answers", "answers.yml", "--answers", "wrong.yml", "--review"];
    let tmux = Tmux::start(80, 24, &stand.program, &arguments, &[("WRONG", "not the password")]);
    tmux.wait_for("E-DB-AUTH");
    tmux.keys(&["Escape"]);
    tmux.wait_for("Servers you name");
    tmux.keys(SERVERS);
    tmux.wait_for("> Namespace");
    tmux.keys(&["Enter"]);
    tmux.wait_for("> Address ");
    tmux.keys(&["Tab", "Tab", "Tab"]);
    tmux.wait_for("> Password");
    stand.picture(name, &tmux);
}

fn images(name: &str) {
    let stand = Stand::new();
    stand.answers("directory");
    let own = ["--answers", "answers.yml"];
    let some = [&own[..], &["run", "load-images", "load-aliases", "--set", "images.only=r,julia,c"]].concat();
    assert!(stand.program.command(&some).output().expect("the program starts").status.success());
    let tmux = stand.review(80, 24, "directory");
    tmux.wait_for("w writes all this");
    tmux.keys(&["Escape"]);
    tmux.wait_for("Servers you name");
    tmux.keys(SERVERS);
    for sign in ["> Namespace", "> Address ", "> Shared folder"] {
        tmux.wait_for(sign);
        tmux.keys(&["Enter"]);
    }
    tmux.wait_for("unchanged");
    stand.picture(name, &tmux);
}

fn review(name: &str) {
    let stand = Stand::new();
    let tmux = stand.review(80, 24, "directory");
    tmux.wait_for("w writes all this");
    tmux.wait_gone("checking");
    stand.picture(name, &tmux);
}

fn failed(name: &str) {
    let stand = Stand::new();
    let database = &stand.database;
    database.psql("postgres", &format!("CREATE DATABASE {}", database.name)).expect("the role may create it");
    Postgres::shared().psql(&database.name, BREAKS);
    let tmux = stand.review(80, 24, "directory");
    tmux.wait_for("w writes all this");
    tmux.keys(&["w"]);
    tmux.wait_for("PostgreSQL answers again, since");
    stand.picture(name, &tmux);
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

//! What the program knows of each revision is what a server says of it: of our own chain, and of the recordings.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use backendai_setup::guides::september_2018::GUIDE;
use backendai_setup::schema::{Part, written};

use crate::servers::Postgres;

/// One cluster for all tests of this folder: their databases are made from templates.
pub fn server() -> &'static Postgres {
    static SERVER: OnceLock<Postgres> = OnceLock::new();
    SERVER.get_or_init(Postgres::start)
}

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The recording of a revision, by its number; 0 is the fresh installation.
pub fn recording(number: usize) -> String {
    let name = match number {
        0 => "oneshot.sql".to_owned(),
        _ => format!("{number:02}-{}.sql", GUIDE.schema.chain[number - 1].id),
    };
    fs::read_to_string(file("tests/golden/schema").join(name)).expect("a recording")
}

/// A new database with what this SQL makes.
pub fn database(name: &str, sql: &str) {
    server().psql("postgres", &format!("CREATE DATABASE {name}"));
    if !sql.is_empty() {
        server().psql(name, sql);
    }
}

/// What the catalogs of a database say.
fn parts(name: &str) -> Vec<Part> {
    let question = GUIDE.schema.question();
    let rows = format!(
        "SET search_path = pg_catalog; SELECT concat_ws(E'\\t', a, b, c, d, e, f) FROM ({question}) q (a, b, c, d, e, f)"
    );
    let told = server().psql(name, &rows);
    let lines = told.lines().filter(|line| *line != "SET");
    lines.map(|line| Part::from_fields(line.split('\t').map(str::to_owned)).expect("a part")).collect()
}

/// Every step of our own chain, then the fresh installation. `BLESS=1` writes the file anew.
#[test]
fn the_shape_of_every_revision_is_as_a_server_tells_it() {
    database("chain", "");
    let mut shapes = Vec::new();
    for revision in GUIDE.schema.chain {
        server().psql("chain", revision.sql);
        shapes.push((revision.id.to_owned(), parts("chain")));
    }
    database("fresh", GUIDE.schema.statements);
    shapes.push((format!("{} as a fresh installation makes it", GUIDE.schema.head), parts("fresh")));
    let (told, file) = (written(&shapes), file("migrations/shapes.tsv"));
    if std::env::var_os("BLESS").is_some() {
        fs::write(&file, &told).expect("the file can be written");
        return;
    }
    assert_eq!(fs::read_to_string(&file).expect("the file"), told, "`BLESS=1` writes it anew");
}

#[test]
fn the_recordings_are_what_the_program_knows() {
    let shapes = GUIDE.schema.recorded();
    for number in (1..=GUIDE.schema.chain.len()).chain([0]) {
        let name = format!("recorded_{number}");
        database(&name, &recording(number));
        let told = parts(&name);
        let known = &shapes[number.checked_sub(1).unwrap_or(GUIDE.schema.chain.len())];
        let lines = |parts: &[Part]| {
            let mut lines: Vec<String> = parts.iter().map(Part::line).collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(&told), lines(&known.parts), "number {number}");
        // Without its stamp it is known by what it is.
        let nearest = GUIDE.schema.nearest(&told).expect("some");
        assert_eq!((nearest.revision, nearest.differences), (known.revision, Vec::new()), "number {number}");
    }
}

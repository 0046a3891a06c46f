//! `schema sql`: each way from one revision to another, run with psql, gives the recorded schema; on the wrong start it
//! stops before it changes anything.

use std::fs;

use backendai_setup::guides::september_2018::GUIDE;

use super::catalog::{database, recording, server};
use crate::servers::{Outcome, Program};

/// The script, as the program prints it.
fn script(span: &str) -> String {
    let outcome = Program::new().args(["schema", "sql", span]).run();
    assert_eq!(outcome.status, 0, "{outcome:?}");
    outcome.stdout
}

/// Runs a script with psql.
fn psql(database: &str, flags: &[&str], script: &str) -> Outcome {
    let server = server();
    let program = Program::named("psql")
        .env("PGHOST", &server.host)
        .env("PGPORT", server.port.to_string())
        .env("PGUSER", &server.superuser)
        .env("PGPASSWORD", &server.password);
    let file = program.work().join("script.sql");
    fs::write(&file, script).expect("the folder is ours");
    let words = ["-X", "-q", "-d", database, "-f", "script.sql"];
    program.args(words.iter().chain(flags).copied()).run()
}

/// A dump without what differs from run to run.
fn bare(dump: &str) -> String {
    let noise = ["--", "SET ", "SELECT pg_catalog.", "\\restrict", "\\unrestrict"];
    let lines = dump.lines().filter(|line| !line.is_empty() && !noise.iter().any(|it| line.starts_with(it)));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The id of a revision by its number; 0 is the empty database.
fn id(number: usize) -> &'static str {
    number.checked_sub(1).map_or("base", |at| GUIDE.schema.chain[at].id)
}

/// Goes the way from the one to the other in a new database.
fn goes(from: usize, to: usize) {
    let name = format!("way_{from}_{to}");
    let start = match from {
        0 => String::new(),
        from => format!("{}\nINSERT INTO public.alembic_version VALUES ('{}');", recording(from), id(from)),
    };
    database(&name, &start);
    let outcome = psql(&name, &["-1"], &script(&format!("{}:{}", id(from), id(to))));
    assert_eq!(outcome.status, 0, "{from}:{to} {outcome:?}");
    let recorded = if from == 0 && to == GUIDE.schema.chain.len() { 0 } else { to };
    assert_eq!(server().dump(&name), bare(&recording(recorded)), "{from}:{to}");
    let stamp = server().psql(&name, "SELECT version_num FROM public.alembic_version");
    assert_eq!(stamp.trim(), id(to), "{from}:{to}");
    server().psql("postgres", &format!("DROP DATABASE {name}"));
}

#[test]
fn some_ways_give_the_recorded_schema() {
    for (from, to) in [(0, 18), (0, 1), (1, 18), (3, 4), (12, 14)] {
        goes(from, to);
    }
}

#[test]
#[ignore = "takes long: `make test-long`"]
fn every_way_gives_the_recorded_schema() {
    let last = GUIDE.schema.chain.len();
    let pairs: Vec<_> = (0..=last).flat_map(|from| (from + 1..=last).map(move |to| (from, to))).collect();
    assert_eq!(pairs.len(), 171);
    for (from, to) in pairs {
        goes(from, to);
    }
}

#[test]
fn on_the_wrong_start_it_says_so_and_changes_nothing() {
    let stamped = |number| {
        format!("{}\nINSERT INTO public.alembic_version VALUES ('{}');", recording(number), id(number))
    };
    let filled = |sql: &str| format!("{}\n{sql}", stamped(1));
    let cases = [
        ("nothing there", String::new(), "854bd902b1bc", "-1"),
        ("another revision", stamped(3), "854bd902b1bc", "-1"),
        ("not empty", stamped(18), "base", "-1"),
        ("tables without a stamp", recording(5), "base:head", "-1"),
        ("not in one transaction", stamped(4), "854bd902b1bc", "-q"),
        (
            "rows that would be dropped",
            filled("INSERT INTO public.usage DEFAULT VALUES;"),
            "5de06da3c2b5",
            "-1",
        ),
        ("rows without a value", filled("INSERT INTO public.kernels DEFAULT VALUES;"), "5de06da3c2b5", "-1"),
    ];
    let mut told = String::new();
    for (at, (title, sql, span, flag)) in cases.into_iter().enumerate() {
        let name = format!("wrong_{at}");
        database(&name, &sql);
        let before = server().snapshot(&name);
        let outcome = psql(&name, &[flag], &script(span));
        assert_eq!(outcome.status, 3, "{title}: {outcome:?}");
        assert_eq!(server().snapshot(&name), before, "{title}");
        let error = outcome.stderr.lines().find(|line| line.contains("ERROR")).unwrap_or_default();
        let error = error.split_once("ERROR:").map_or(error, |(_, error)| error);
        told += &format!("## {title}\n{}\n", error.trim().replace(&name, "DATABASE"));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn what_is_no_way_is_refused() {
    let mut told = String::new();
    for span in ["head:854bd", "head:head", "0123456789ab", "base:8"] {
        let outcome = Program::new().args(["schema", "sql", span]).run();
        assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""), "{span}");
        told += &format!("## {span}\n{}", outcome.stderr);
    }
    insta::assert_snapshot!(told);
    let outcome = Program::new().args(["schema", "sql", "185852ff9872", "--output", "json"]).run();
    let result = outcome.result("schema_sql");
    assert_eq!(result["script"], script("185852ff9872"));
    insta::assert_snapshot!("the_last_step", script("185852ff9872"));
}

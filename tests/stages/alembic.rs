//! `alembic.ini` against Python itself: what is accepted can be read, what is refused cannot, and a remark on
//! logging is true. Every version of Python that is there has a say; they differ.

use std::fs;
use std::path::Path;
use std::process::Command;

use backendai_setup::manager_config::{self, Edited, Unfit};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::Site;

/// Spelt for ConfigParser, and as it reads it.
const URL: [&str; 2] = ["postgresql://u:p%%40ss@h:5432/d", "postgresql://u:p%40ss@h:5432/d"];

/// Lines that a mutation puts anywhere.
const EXTRAS: &[&str] = &[
    "[alembic]",
    "[loggers]",
    "[new]",
    "[]",
    "[open",
    "[open = 1",
    "[] = odd",
    "[]x]",
    "[a]",
    "[a]b] c",
    "[a] ; see b",
    "[alembic] ; see [a]",
    "  [alembic]",
    "[DEFAULT]",
    "[DEFAULT]\nx = postgresql://u:p%%40ss@h:5432/d",
    "[DEFAULT]\nsqlalchemy.url = postgresql://u:p%%40ss@h:5432/d\n[DEFAULT]\ny = %(here)s",
    "[DEFAULT]\nkeys = root",
    "sqlalchemy.url = %(x)s",
    "x = postgresql://u:p%%40ss@h:5432/d",
    "x = postgresql://\ny = u:p%%40ss\nsqlalchemy.url = %(x)s%(y)s@h:5432/d",
    "script_location =",
    "script_location = %(empty)s\nempty =",
    "script_location =\n  below",
    "script_location = a\n\n  b",
    "word",
    "= value",
    "key = a%b",
    "key = %%",
    "key = %(script_location)s",
    "key = %(here)s",
    "key = %(nowhere)s",
    "key = %(key)s",
    "key = %()s",
    "key = %(KEY2)s\nkey2 = %(key3)s\nkey3 = deep",
    "KEYS = twice",
    "keys =",
    "keys = root, sqlalchemy ,alembic",
    "keys = console,",
    "handlers = console, other",
    "formatter = other",
    "level = %(level)s",
    "args = ()",
    "class =",
    "propagate = 0",
    "Script_Location: again",
    "sqlalchemy.url: x",
    "  sqlalchemy.url = deeper",
    "SQLAlchemy.Url =\n  more\n  # c\n    yet more",
    "sqlalchemy.url =\n; between\n\n\tmore\n# and\n more",
    "\tindented = 1",
    "; comment",
    "  # comment",
    "",
    "   ",
    "  continued",
    "nul = \0",
    "bare\rreturn",
    "bare = 1\rreturn = 2\r\r",
    "bare = 1\r  deeper",
    "\u{b}",
    "\u{c} x = 1",
    "\u{1c}",
    "\u{1c}x = 1\u{1d}",
    "\u{85}x = 1",
    "\u{feff}x = 1",
    "\u{a0} x = 1",
    "\u{2028}",
    "İ = 1",
    "ΑΣ = 1\nας = 2",
    "level",
    ": :",
    "a:b=c",
];

/// An xorshift: the same files on every machine.
struct Below(u64);

impl Below {
    fn of(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).expect("a small number")
    }
}

fn mutated(sample: &str, number: usize, below: &mut Below) -> String {
    let mut lines: Vec<String> = sample.lines().map(str::to_owned).collect();
    for _ in 0..number % 4 {
        let at = below.of(lines.len());
        let url = lines.iter().position(|line| line.starts_with("sqlalchemy.url"));
        match below.of(9) {
            0 => drop(lines.remove(at)),
            1 => lines[at].insert_str(0, ["  ", "\t", "#", " ; "][below.of(4)]),
            2 => lines.insert(at, lines[below.of(lines.len())].clone()),
            // Right below the URL, where a continuation of it stands.
            3 => lines.insert(url.map_or(at, |url| url + 1), EXTRAS[below.of(EXTRAS.len())].to_owned()),
            // In its place, as the value of another option, say.
            4 if url.is_some() => lines[url.unwrap_or(at)] = EXTRAS[below.of(EXTRAS.len())].to_owned(),
            _ => lines.insert(at, EXTRAS[below.of(EXTRAS.len())].to_owned()),
        }
    }
    lines.join(["\n", "\r\n", "\r", "\n", "\n"][number % 5]) + ["\n", ""][number % 2]
}

/// What one Python makes of a file.
#[derive(Debug, Deserialize)]
struct Read {
    /// What ConfigParser refuses of what alembic reads.
    refused: Option<String>,
    url: Option<String>,
    scripts: Option<String>,
    /// What `fileConfig` fails with.
    logging: Option<String>,
    /// The same, in what it evaluates: a level, a class, arguments.
    evaluated: Option<String>,
}

/// Every Python that runs here reads the files; the one of the system first.
fn pythons_read(site: &Site, files: &[String]) -> Vec<(String, Vec<Read>)> {
    let script = r#"
import configparser, json, logging.config, sys
for name in sys.stdin.read().split():
    found = {}
    try:
        parser = configparser.ConfigParser({"here": "/here"})
        assert parser.read(name, encoding="utf-8") == [name]
        found["url"] = parser.get("alembic", "sqlalchemy.url", fallback=None) if name.startswith("new") else None
        if not name.startswith("new"):
            parser.set("alembic", "sqlalchemy.url", "")
        found["scripts"] = parser.get("alembic", "script_location")
        parser.items("alembic")
    except Exception as refused:
        found["refused"] = repr(refused)
    try:
        logging.config.fileConfig(name)
    except Exception as failed:
        is_evaluated = isinstance(failed, (SyntaxError, NameError, TypeError, AttributeError, ImportError))
        words = str(failed)
        is_value = isinstance(failed, ValueError) and ("level" in words or "int()" in words or "Empty module" in words
            or "null byte" in words)
        found["evaluated" if is_evaluated or is_value else "logging"] = repr(failed)
    print(json.dumps(found))
"#;
    let names = ["python3".to_owned()].into_iter().chain((6..=14).map(|minor| format!("python3.{minor}")));
    let mut told = Vec::new();
    for python in names {
        let list = site.path("list");
        fs::write(&list, files.join("\n")).expect("the folder is ours");
        let mut command = Command::new(&python);
        command
            .env("PYTHONUTF8", "1")
            .env("LC_ALL", "C.UTF-8")
            .stdin(fs::File::open(&list).expect("it is there"));
        let output = command.args(["-c", script]).current_dir(site.path("")).output();
        // A name may stand for a version that is not installed.
        let Some(output) = output.ok().filter(|it| it.status.code() != Some(127)) else { continue };
        assert!(output.status.success(), "{python}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("UTF-8 from Python");
        let read: Vec<Read> =
            text.lines().map(|line| serde_json::from_str(line).expect("a line of ours")).collect();
        assert_eq!(read.len(), files.len(), "{python}");
        told.push((python, read));
    }
    told
}

/// The comments of a file, which stay whatever happens.
fn comments(text: &str) -> Vec<&str> {
    let lines = text.split(['\n', '\r']).map(str::trim);
    lines.filter(|line| line.starts_with(['#', ';'])).collect()
}

#[test]
fn python_and_we_agree_on_what_can_be_read() {
    mutations_are_read(1);
}

#[test]
#[ignore = "takes long: `make test-long`"]
fn python_and_we_agree_at_length() {
    mutations_are_read(40);
}

fn mutations_are_read(rounds: usize) {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-configs/alembic.ini.sample");
    let sample = fs::read_to_string(sample).expect("a sample");
    let mut below = Below(0x2545_f491_4f6c_dd1d);
    let site = Site::new();
    for _ in 0..rounds {
        let mut cases: Vec<(String, Result<Edited, Unfit>)> = Vec::new();
        let mut files = Vec::new();
        for number in 0..600 {
            let text = mutated(&sample, number, &mut below);
            let judged = manager_config::set_alembic_url(&text, &URL[0].into(), "/here");
            let name = match &judged {
                Ok(edited) => {
                    let after = edited.text.expose_secret();
                    assert_eq!(comments(&text), comments(after), "{text:?}\n=>\n{after:?}");
                    let again =
                        manager_config::set_alembic_url(after, &URL[0].into(), "/here").expect("as before");
                    assert_eq!(again.text.expose_secret(), after, "a second edit changes nothing");
                    site.write(&format!("new{number}"), after);
                    format!("new{number}")
                }
                Err(_) => {
                    site.write(&format!("old{number}"), &text);
                    format!("old{number}")
                }
            };
            files.push(name);
            cases.push((text, judged));
        }
        let refused = cases.iter().filter(|(_, judged)| judged.is_err()).count();
        assert!((60..400).contains(&refused), "{refused} of 600 are refused");
        let remarks =
            cases.iter().filter(|(_, judged)| judged.as_ref().is_ok_and(|it| it.remark.is_some())).count();
        assert!(remarks > 20, "{remarks} have a remark");

        let told = pythons_read(&site, &files);
        for (at, (text, judged)) in cases.iter().enumerate() {
            let reads: Vec<_> = told.iter().map(|(python, read)| (python, &read[at])).collect();
            let fails = |read: &Read| read.logging.is_some() || read.evaluated.is_some();
            let shown = || format!("{judged:?}\n{text:?}\n{reads:#?}");
            match judged {
                Ok(edited) => {
                    for (_, read) in &reads {
                        assert_eq!(read.refused, None, "{}", shown());
                        assert_eq!(read.url.as_deref(), Some(URL[1]), "{}", shown());
                        assert_eq!(read.scripts.as_ref(), Some(&edited.scripts), "{}", shown());
                        assert!(read.logging.is_none() || edited.remark.is_some(), "{}", shown());
                    }
                    // The handler's `args` are needed by Python 3.6 alone, so one of many may do without.
                    let is_true = reads.is_empty() || reads.iter().any(|(_, read)| fails(read));
                    let is_old = edited.remark.as_ref().is_some_and(|remark| remark.why.contains("`args`"));
                    assert!(edited.remark.is_none() || is_old || is_true, "{}", shown());
                }
                Err(unfit) => {
                    let is_refused = |read: &Read| {
                        let is_unusable = read
                            .scripts
                            .as_ref()
                            .is_none_or(|it| it.is_empty() || it.contains(char::is_control));
                        read.refused.is_some() || is_unusable || fails(read)
                    };
                    let is_old = unfit.why.contains("versions of Python");
                    let is_true = reads.is_empty() || reads.iter().any(|(_, read)| is_refused(read));
                    assert!(is_old || is_true, "{}", shown());
                }
            }
        }
    }
}

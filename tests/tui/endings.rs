//! How a run can end, in each of the three faces: exit status, words, and whether the next start offers to go on.

use std::fs;

use super::plain::{Talk, Way};
use super::wizard::{BREAKS, PATIENT, Stand, letters};
use super::{Pty, Tmux};
use crate::failures::Session;
use crate::servers::{Namespaces, PATIENCE, Postgres, all_changed, every_stage, wait_until};
use rustix::process::Signal;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Face {
    Headless,
    Plain,
    Full,
}

const FACES: [Face; 3] = [Face::Headless, Face::Plain, Face::Full];

/// A run under way, in one of the faces.
enum Under {
    Lines(Talk),
    Screen(Tmux),
}

/// How it ended.
struct End {
    face: Face,
    status: i32,
    text: String,
    draft: bool,
}

impl End {
    /// This status, each of these words, none of those; the draft, where the face has one.
    #[track_caller]
    fn is(&self, status: i32, draft: bool, says: &[&str], never: &[&str]) {
        let Self { face, text, .. } = self;
        assert_eq!(self.status, status, "{face:?}\n{text}");
        assert_eq!(self.draft, draft && *face != Face::Headless, "{face:?}: the draft\n{text}");
        // A screen breaks lines anywhere.
        let bare = |text: &str| text.split_whitespace().collect::<String>();
        for word in says {
            assert!(bare(text).contains(&bare(word)), "{face:?} does not say `{word}`:\n{text}");
        }
        for word in never {
            assert!(!text.contains(word), "{face:?} says `{word}`:\n{text}");
        }
    }
}

/// Begins to write; `more` goes with the headless run alone. No limit of the program's own ends anything here.
fn begin(face: Face, stand: &Stand, more: &[&str]) -> Under {
    stand.answers("directory");
    let answers = ["--answers", "answers.yml"];
    let review = [&answers[..], &["--review"]].concat();
    match face {
        Face::Headless => {
            let arguments = [&["run"], &answers[..], PATIENT, more].concat();
            Under::Lines(Talk::of(Pty::start(100, 40, &stand.program, &arguments, &[("NO_COLOR", "1")])))
        }
        Face::Plain => {
            let mut talk = Talk::start(stand, Way::Lines, &review);
            talk.until("Review. Nothing is written yet.");
            talk.choose("What now?", "Write", 1);
            Under::Lines(talk)
        }
        Face::Full => {
            let tmux = stand.wizard(100, 40, &review);
            tmux.wait_for("w writes all this");
            tmux.keys(&["w"]);
            Under::Screen(tmux)
        }
    }
}

impl Under {
    fn until(&mut self, lines: &str, screen: &str) {
        match self {
            Under::Lines(talk) => talk.until(lines),
            Under::Screen(tmux) => tmux.wait_for(screen),
        }
    }

    fn interrupt(&mut self) {
        match self {
            Under::Lines(talk) => talk.pty.write(b"\x03"),
            Under::Screen(tmux) => tmux.keys(&["C-c"]),
        }
    }

    fn end(self, face: Face, stand: &Stand) -> End {
        let (status, text) = match self {
            Under::Lines(talk) => {
                let left = talk.pty.wait();
                (left.status, left.text())
            }
            Under::Screen(tmux) => (tmux.exit_status(), tmux.screen()),
        };
        // However the lines were broken.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        End { face, status, text, draft: draft(stand) }
    }

    /// Leaves at the end of the run.
    fn leave(mut self, face: Face, stand: &Stand) -> End {
        match &mut self {
            Under::Lines(talk) if face == Face::Plain => talk.choose("What now?", "Leave", 1),
            Under::Lines(_) => {}
            Under::Screen(tmux) => leave_screen(tmux),
        }
        self.end(face, stand)
    }
}

fn leave_screen(tmux: &Tmux) {
    tmux.keys(&["q"]);
    tmux.wait_for("> Stay");
    tmux.keys(&["Down", "Enter"]);
}

fn draft(stand: &Stand) -> bool {
    stand.program.home().join(".local/state/backendai-setup/draft.json").exists()
}

/// The database is there, and this happens as soon as table vfolders is made.
fn trapped(sql: &str) -> Stand {
    let stand = Stand::new();
    stand
        .database
        .psql("postgres", &format!("CREATE DATABASE {}", stand.database.name))
        .expect("the role may");
    Postgres::shared().psql(&stand.database.name, sql);
    stand
}

#[test]
fn done() {
    for face in FACES {
        let stand = Stand::new();
        let mut under = begin(face, &stand, &[]);
        under.until(&all_changed(), "Prepared:");
        let says = match face {
            Face::Headless | Face::Plain => "Next, in the manager's folder:",
            Face::Full => "Next, in the manager's folder:",
        };
        under.leave(face, &stand).is(0, false, &[says, "manager.env"], &["Not done", "Not all"]);
    }
}

/// A person passes a failed stage over; a script leaves stages out on purpose, which is no failure.
#[test]
fn skipped() {
    for face in FACES {
        let stand = trapped(BREAKS);
        let skip = ["--skip", "install-schema", "--skip", "populate-fixtures"];
        let mut under = begin(face, &stand, &skip);
        match &mut under {
            Under::Lines(_) if face == Face::Headless => {}
            Under::Lines(talk) => {
                talk.until("E-DB-LOST");
                talk.choose("What now?", "Go on without", 3);
            }
            Under::Screen(tmux) => {
                tmux.wait_for("> Try again");
                tmux.keys(&["Down", "Down", "Enter"]);
                let every = every_stage();
                tmux.wait_for(&format!(
                    "! Prepared without Schema, Keypairs: {} of {every} stages done",
                    every - 2
                ));
            }
        }
        if face != Face::Full {
            under.until("failed=0 skipped=2", "");
        }
        let (status, says) = match face {
            Face::Headless => (0, "left out"),
            Face::Plain => (7, "Not done: Schema, Keypairs. `backendai-setup` offers to continue"),
            Face::Full => (7, "Not done: Schema, Keypairs; `backendai-setup` offers to continue"),
        };
        let end = under.leave(face, &stand);
        end.is(status, true, &[says], &["Next, in", "Next:", "✓ Prepared"]);
    }
}

#[test]
fn failed() {
    for face in FACES {
        let stand = trapped(BREAKS);
        let mut under = begin(face, &stand, &[]);
        under.until("failed=1", "> Try again");
        if let Under::Lines(talk) = &mut under
            && face == Face::Plain
        {
            talk.choose("What now?", "Leave", 4);
        } else if let Under::Screen(tmux) = &under {
            leave_screen(tmux);
        }
        let end = under.end(face, &stand);
        end.is(
            7,
            false,
            &["E-DB-LOST", "the database is as before: nothing was committed", "ranscript"],
            &["Next, in", "Next:"],
        );
    }
}

/// The unit under way ends, and nothing new begins.
#[test]
fn stopped_once() {
    for face in FACES {
        let stand = trapped("SELECT 1");
        let other = Session::open(&stand.database, &stand.database.name, "SELECT pg_advisory_lock(2225364)");
        let mut under = begin(face, &stand, &[]);
        under.until("connected to", "… Schema");
        under.interrupt();
        if let Under::Screen(tmux) = &under {
            tmux.wait_for("Stopped as you asked");
            leave_screen(tmux);
        }
        let end = under.end(face, &stand);
        end.is(
            130,
            false,
            &["the database is as before: nothing was committed"],
            &["Next, in", "Next:", "Prepared"],
        );
        drop(other);
    }
}

/// Nobody waits for the unit under way: what it does is not known.
#[test]
fn stopped_twice() {
    const SLEEPS: &str = "CREATE FUNCTION apart() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN \
        PERFORM pg_sleep(59); END $$; \
        CREATE EVENT TRIGGER apart ON ddl_command_end WHEN TAG IN ('CREATE TYPE') EXECUTE FUNCTION apart()";
    for face in FACES {
        let stand = trapped(SLEEPS);
        let mut under = begin(face, &stand, &[]);
        let name = stand.database.name.clone();
        let sleeping = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND wait_event = 'PgSleep'"
        );
        wait_until("the statement sleeps", PATIENCE, || {
            Postgres::shared().psql("postgres", &sleeping) == "1\n"
        });
        under.interrupt();
        match &mut under {
            // Nothing is told of the first signal, and two that come at once are one. Not by the key, for which
            // the terminal throws away what was not read of it yet.
            Under::Lines(talk) => wait_until("a second signal is heard", PATIENCE, || {
                talk.pty.signal(Signal::INT);
                talk.pty.has_ended()
            }),
            Under::Screen(tmux) => {
                tmux.wait_for("Stopping");
                tmux.keys(&["C-c"]);
            }
        }
        let end = under.end(face, &stand);
        let says = ["eft without waiting", "may be written or not"];
        end.is(130, false, &says, &["Next, in", "Next:", "Prepared"]);
    }
}

#[test]
fn a_lost_terminal() {
    for face in FACES {
        let stand = trapped("SELECT 1");
        let other = Session::open(&stand.database, &stand.database.name, "SELECT pg_advisory_lock(2225364)");
        let pty = if face == Face::Full {
            stand.answers("directory");
            let arguments = [&["--answers", "answers.yml", "--review"], PATIENT].concat();
            let mut pty = Pty::start(100, 40, &stand.program, &arguments, &[]);
            // The key is off until the checks have passed, and does nothing once the run is under way.
            wait_until("the run is under way", PATIENCE, || {
                pty.write(b"w");
                letters(&pty).contains("connectedto")
            });
            pty
        } else {
            let mut under = begin(face, &stand, &[]);
            under.until("connected to", "");
            let Under::Lines(talk) = under else { unreachable!("these faces write lines") };
            talk.pty
        };
        assert_eq!(pty.hang_up(), 129, "{face:?}");
        drop(other);
    }
}

/// A stand whose target has its folder already, with a small file system over a part of that.
fn with_little_room(namespaces: Namespaces, part: &str) -> Stand {
    let mut stand = Stand::new();
    stand.answers("directory");
    // A run that is refused leaves the folder of the target, and nothing else.
    let refused = ["--answers", "answers.yml", "--set", "database.user=nobody-of-this-name"];
    let program = stand.program.again(refused);
    assert_eq!(program.run().status, 6);
    let state = program.home().join(".local/state/backendai-setup");
    let target = fs::read_dir(&state).expect("the state directory").flatten().next().expect("a target");
    let part = target.path().join(part);
    fs::create_dir_all(&part).expect("our folder");
    let mount = format!("mount -t tmpfs -o size=4k tmpfs {}", part.display());
    let nothing: [&str; 0] = [];
    stand.program = program.again(nothing).under(namespaces.after(&mount));
    stand
}

/// What could not be noted is not written.
#[test]
fn a_disk_without_room_for_the_journal() {
    let Some(namespaces) = Namespaces::needed() else { return };
    let stand = with_little_room(namespaces, "journals");
    let mut under = begin(Face::Headless, &stand, &[]);
    under.until("E-STATE-DIR", "E-STATE-DIR");
    let end = under.leave(Face::Headless, &stand);
    // There may have been room for one key, or for files that are new.
    let keys = stand.etcd.get_all("");
    let is_untouched = keys.is_empty() && !stand.program.work().join("alembic.ini").exists();
    let status = if is_untouched { 3 } else { 7 };
    end.is(
        status,
        false,
        &["nothing is written that could not be undone", "make room there"],
        &["E-INTERNAL"],
    );
    assert!(keys.keys().all(|key| key.ends_with("/volumes/_mount")), "{keys:?}");
}

/// Seven good stages on servers that took everything, and no room for the record of them.
#[test]
fn a_full_disk() {
    let Some(namespaces) = Namespaces::needed() else { return };
    for face in FACES {
        // Enough to begin with, too little for the whole story.
        let stand = with_little_room(namespaces, "transcripts");
        let mut under = begin(face, &stand, &[]);
        under.until(&all_changed(), "Prepared:");
        let end = under.leave(face, &stand);
        end.is(0, false, &["W-STATE-DIR", "is not complete"], &["E-INTERNAL", "E-OUTPUT"]);
    }
}

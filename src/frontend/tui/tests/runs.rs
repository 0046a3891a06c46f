//! Runs: under way, with a long log, failed, done.

use std::time::Instant;

use ratatui::crossterm::event::KeyCode::{self, Char, Down, Enter};

use crate::{
    failure::{Code, Failure, status},
    frontend::tui::{Effect, app::Page},
    guide::Origin,
    workflow::{EventKind, Level, Outcome, Rung, Summary, Verdict},
};

use super::{
    Msg, Wizard, connection_lost, finished, log, pending,
    scenes::{review, section, shown_everywhere as shown},
    summary,
};

pub(super) fn running(columns: u16, rows: u16) -> Wizard {
    let mut wizard = review(columns, rows);
    for (key, path) in [
        ("files.alembic-ini", "/srv/alembic.ini"),
        ("files.environment", "/srv/manager.env"),
        ("files.credentials", "/srv/keypairs.yml"),
    ] {
        wizard.app.answers.set(key, path.into(), Origin::Typed).unwrap();
    }
    wizard.all_probed().surveyed(Ok(pending())).key(Char('w'));
    wizard.ran(EventKind::Plan { stages: pending() });
    for (stage, changes) in [("load-images", 181), ("load-aliases", 117), ("set-mount", 1)] {
        wizard.ran(EventKind::StageStarted { stage }).ran_at(31, finished(stage, changes));
    }
    wizard
        .ran(EventKind::StageStarted { stage: "create-database" })
        .ran_at(80, finished("create-database", 1));
    wizard.ran_at(80, EventKind::StageStarted { stage: "install-schema" });
    for (at, line) in ["connected as baiadmin", "lock taken", "fresh database detected"].iter().enumerate() {
        wizard.ran_at(83 + at as i64 * 3, log("install-schema", line));
    }
    wizard.ran_at(90, EventKind::Progress { stage: "install-schema", done: 4, total: 8 }).tick(200);
    wizard
}

fn failed(columns: u16, rows: u16) -> Wizard {
    failed_by(columns, rows, connection_lost())
}

fn failed_by(columns: u16, rows: u16, failure: Failure) -> Wizard {
    let mut wizard = running(columns, rows);
    let left = "the database is as before: nothing was committed".into();
    let outcome = Outcome::Failed { failure: failure.clone(), left };
    wizard
        .ran_at(131, EventKind::StageFinished { stage: "install-schema", outcome, duration_ms: 51 })
        .ran_at(
            132,
            EventKind::StageFinished {
                stage: "populate-fixtures",
                outcome: Outcome::Skipped { because: "install-schema" },
                duration_ms: 0,
            },
        )
        .ran_at(133, summary(7, vec![failure]));
    wizard
}

/// A person passes the failed stage over, and the rest ends well.
fn passed_over(columns: u16, rows: u16) -> Wizard {
    let mut wizard = failed(columns, rows);
    wizard.keys(&[Down, Down, Enter]);
    wizard.effects.clear();
    for stage in ["install-schema", "populate-fixtures"] {
        wizard.ran(EventKind::StageFinished { stage, outcome: Outcome::LeftOut, duration_ms: 0 });
    }
    for stage in ["load-images", "load-aliases", "set-mount", "create-database", "write-config"] {
        let outcome = Outcome::Unchanged { summary: "as it was".into() };
        wizard.ran(EventKind::StageFinished { stage, outcome, duration_ms: 1 });
    }
    wizard.ran_at(300, summary(0, Vec::new()));
    wizard
}

#[test]
fn what_was_passed_over_is_not_done() {
    shown("done_passed_over", passed_over);
    let wizard = passed_over(80, 24);
    assert_eq!(wizard.app.status(), status::PARTIAL);
    let effects = &wizard.effects;
    assert!(effects.iter().any(|it| matches!(it, Effect::SaveDraft(..))), "the next start offers it");
    assert!(!effects.iter().any(|it| matches!(it, Effect::ForgetDraft)));
    insta::assert_snapshot!("farewell_passed_over", wizard.app.farewell().join("\n"));
}

#[test]
fn runs() {
    shown("run_checking", |columns, rows| {
        let mut wizard = review(columns, rows);
        wizard.all_probed().surveyed(Ok(pending())).key(Char('w')).tick(700);
        wizard
    });
    shown("run", running);
    shown("run_long_log", |columns, rows| {
        let mut wizard = running(columns, rows);
        for number in 0..10_050 {
            wizard.ran_at(
                100,
                log("install-schema", &format!("statement {number} of many, with a long tail of words")),
            );
        }
        wizard.key(KeyCode::PageUp);
        wizard
    });
    shown("run_errors_only", |columns, rows| {
        let mut wizard = running(columns, rows);
        let message = "keys left from an older list: 漢字".into();
        wizard
            .ran_at(95, EventKind::Log { stage: "install-schema", level: Level::Warning, message })
            .key(Char('v'));
        wizard
    });
    shown("run_search", |columns, rows| {
        let mut wizard = running(columns, rows);
        wizard.key(Char('/')).text("lock");
        wizard
    });
    shown("run_stopping", |columns, rows| {
        let mut wizard = running(columns, rows);
        wizard.control('c');
        wizard
    });
    shown("run_failed", failed);
    shown("run_failed_with_much_to_say", |columns, rows| {
        let words = |what: &str| format!("{what} ").repeat(30).trim().to_owned();
        let failure = Failure::new(Code::DbRefused, "the server refused it").why(words("reason"));
        failed_by(columns, rows, failure.remedy(format!("{} at last", words("remedy"))))
    });
    shown("run_failed_server_is_back", |columns, rows| {
        let mut wizard = failed(columns, rows);
        wizard.tick(1000).tell(Msg::Watched(Ok(()))).tick(3000).keys(&[Down, Down]);
        wizard
    });
    shown("run_refused", |columns, rows| {
        let mut wizard = review(columns, rows);
        wizard.all_probed().surveyed(Ok(pending())).key(Char('w'));
        let failure = Failure::new(Code::StateDir, "no state directory is known")
            .why("HOME is not set")
            .remedy("give `--state-dir DIR`");
        wizard.tell(Msg::NotRun(vec![failure]));
        wizard
    });
}

/// Everything is done.
fn done(columns: u16, rows: u16) -> Wizard {
    let mut wizard = running(columns, rows);
    wizard
        .ran_at(100, EventKind::StageStarted { stage: "write-config" })
        .ran_at(104, finished("write-config", 2))
        .ran_at(131, finished("install-schema", 8))
        .ran_at(132, EventKind::StageStarted { stage: "populate-fixtures" })
        .ran_at(140, finished("populate-fixtures", 2))
        .ran_at(150, summary(0, Vec::new()));
    wizard.app.saved_answers = Some("/srv/me/.local/state/backendai-setup/seoul-03/answers.yml".into());
    wizard
}

/// A person stops it in the middle of the schema.
fn stopped(columns: u16, rows: u16) -> Wizard {
    let mut wizard = running(columns, rows);
    wizard.control('c');
    let left = Some("the database is as before: nothing was committed".into());
    wizard.ran_at(
        200,
        EventKind::StageFinished {
            stage: "install-schema",
            outcome: Outcome::Cancelled { left },
            duration_ms: 100,
        },
    );
    let failure = Failure::new(Code::Cancelled, "stopped before the end").remedy("run again to go on");
    wizard.ran_at(201, summary(status::INTERRUPTED, vec![failure]));
    wizard
}

#[test]
fn endings() {
    shown("done", done);
    let warning =
        Failure::new(Code::EtcdManager, "the manager will use db-01:2379 alone, which cannot be used")
            .remedy("set `etcd.manager-endpoint: db-02:2379`, or put it first in `etcd.endpoints`");
    let warned = |columns, rows| {
        let mut wizard = running(columns, rows);
        let verdict = Verdict::from_iter([Rung::noted("manager", warning.clone(), Instant::now())]);
        wizard
            .ran_at(130, EventKind::Check { check: "etcd", title: "etcd", verdict })
            .ran_at(131, finished("install-schema", 8))
            .ran_at(132, EventKind::StageStarted { stage: "populate-fixtures" })
            .ran_at(140, finished("populate-fixtures", 2))
            .ran_at(150, summary(0, Vec::new()));
        wizard
    };
    shown("done_warned", warned);
    shown("done_nothing_to_do", |columns, rows| {
        let mut wizard = running(columns, rows);
        for stage in pending() {
            let outcome = Outcome::Unchanged { summary: "as it was".into() };
            wizard.ran(EventKind::StageFinished { stage: stage.stage, outcome, duration_ms: 1 });
        }
        wizard.ran(summary(0, Vec::new()));
        wizard
    });
    shown("stopped", stopped);
    shown("receipt_stage", |columns, rows| {
        let mut wizard = failed(columns, rows);
        wizard.keys(&[KeyCode::Up, KeyCode::Up, KeyCode::Up]);
        wizard
    });
    shown("receipt_log", |columns, rows| {
        let mut wizard = failed(columns, rows);
        wizard.keys(&[KeyCode::Up, KeyCode::Up, Enter]);
        wizard
    });
    shown("leave", |columns, rows| {
        let mut wizard = done(columns, rows);
        wizard.key(Char('q'));
        wizard
    });
    shown("leave_unwritten", |columns, rows| {
        let mut wizard = section(1, columns, rows, false);
        wizard.text("db").control('c');
        wizard
    });
    for (name, wizard) in [
        ("farewell", done(80, 24)),
        ("farewell_failed", failed(80, 24)),
        ("farewell_warned", warned(80, 24)),
        ("farewell_stopped", stopped(80, 24)),
    ] {
        insta::assert_snapshot!(name, wizard.app.farewell().join("\n"));
    }
}

/// The whole reason, every file and the transcript can be read at every size, and the next command is one line.
#[test]
fn a_receipt_tells_all_of_it() {
    let read = |make: &dyn Fn(u16, u16) -> Wizard, columns, rows| {
        let mut wizard = make(columns, rows);
        let mut all = wizard.screen();
        for _ in 0..40 {
            wizard.key(KeyCode::PageDown);
            all += &wizard.screen();
        }
        all.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    for (columns, rows) in [(80, 24), (120, 40), (60, 16), (200, 60)] {
        let all = read(&done, columns, rows);
        for words in ["/alembic.ini", "/keypairs.yml", "Prepared: 7 stages changed"] {
            assert!(all.contains(words), "{words} at {columns}x{rows}\n{}", &all[..900]);
        }
        let why = |columns, rows| {
            let words = (0..40).map(|at| format!("because{at}")).collect::<Vec<_>>().join(" ");
            failed_by(
                columns,
                rows,
                Failure::new(Code::DbRefused, "it was refused").why(words).remedy("look at it"),
            )
        };
        let all = read(&why, columns, rows);
        for word in ["because0", "because39", "look at it", "Nothing was committed", "> Try again"] {
            let word = if word.starts_with("Nothing") { "nothing was committed" } else { word };
            assert!(all.contains(word), "{word} at {columns}x{rows}\n{}", &all[..900]);
        }
    }
    let lines = done(80, 24).app.farewell();
    assert!(lines.iter().any(|line| line.starts_with(". ") && line.contains("&& python")), "{lines:#?}");
    assert_eq!(lines.last().map(String::as_str), Some("Transcript: /var/log/transcript.log"));
    let lines = failed(80, 24).app.farewell();
    assert!(lines.iter().any(|line| line.contains("E-DB-LOST")), "{lines:#?}");
    let mut wizard = done(80, 24);
    wizard.key(Char('y'));
    let Some(Effect::Copy(text)) = wizard.effects.last() else { panic!("a copy") };
    assert!(text.contains("python -m") && !text.contains('\n'));
}

/// The cursor goes over stages and choices; Enter on a stage opens its log, and Esc closes it.
#[test]
fn a_receipt_opens_logs() {
    let mut wizard = failed(80, 24);
    wizard.keys(&[KeyCode::Up, KeyCode::Up, Enter]);
    let screen = wizard.screen();
    assert!(screen.contains("lock taken") && !screen.contains("Try again"), "{screen}");
    wizard.key(KeyCode::Esc);
    let screen = wizard.screen();
    assert!(screen.contains("Try again") && screen.contains("> ✗ Schema"), "{screen}");
    wizard.keys(&[Down, Down, Enter]);
    assert!(matches!(wizard.effects.last(), Some(Effect::Run { .. })), "Try again is the first choice");
}

/// A run that wrote nothing is tried again as it was confirmed; what is left of one that wrote is planned anew.
#[test]
fn what_was_confirmed_stays_so_until_something_is_written() {
    for (status, is_still_confirmed) in [(5, true), (7, false)] {
        let mut wizard = Wizard::answered(80, 24);
        wizard.app.go(Page::Review);
        wizard.all_probed().surveyed(Ok(pending())).key(Char('w'));
        let end = Summary::of_failures("seoul-03", status, vec![connection_lost()]);
        wizard.ran(EventKind::Summary(end)).key(Enter);
        let runs = wizard.effects.iter().filter(|effect| matches!(effect, Effect::Run { .. })).count();
        let Some(Effect::Run { confirmed, .. }) = wizard.effects.last() else { panic!("a run") };
        assert_eq!((runs, confirmed.is_some()), (2, is_still_confirmed), "{status}");
    }
}

/// What was shown is what is written: a run that found something else is looked at again before another begins.
#[test]
fn what_is_out_of_date_is_looked_at_again() {
    let mut wizard = Wizard::answered(80, 24);
    wizard.app.go(Page::Review);
    wizard.all_probed().surveyed(Ok(pending())).key(Char('w'));
    let Some(Effect::Run { confirmed, .. }) = wizard.effects.last() else { panic!("a run") };
    assert_eq!(confirmed, &Some(pending()));
    let stale = Failure::stale("what was confirmed is out of date", "Image list: `+ /a = 1` is new");
    wizard.ran(summary(9, vec![stale]));
    let screen = wizard.screen();
    assert!(screen.contains("Look again") && screen.contains("E-PLAN-STALE"), "{screen}");
    assert!(!screen.contains("Try again"), "{screen}");
    wizard.effects.clear();
    wizard.key(Enter);
    assert_eq!(wizard.app.page, Page::Review);
    assert!(wizard.effects.iter().any(|effect| matches!(effect, Effect::Survey { .. })));
    assert!(!wizard.effects.iter().any(|effect| matches!(effect, Effect::Run { .. })));
}

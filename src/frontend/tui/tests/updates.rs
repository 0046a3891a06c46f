//! What keys and arrivals change, and what is asked for.

use ratatui::crossterm::event::KeyCode::{Backspace, Char, Down, Enter, Esc, Tab};

use crate::{
    failure::{self, Code, Failure, status},
    frontend::tui::{
        app::{Page, ProbeState},
        keymap::{Action, BINDINGS, Place},
    },
    guide::Origin,
    workflow::{Rung, StagePlan, StageStatus},
};

use super::{
    Effect, Msg, ProbeId, Survey, Wizard, connection_lost, finished, good, log, pending, refused, runs,
    summary,
};

fn probes(wizard: &Wizard) -> usize {
    wizard.effects.iter().filter(|effect| matches!(effect, Effect::Probe(..))).count()
}

#[test]
fn a_probe_starts_when_a_field_is_left_and_never_while_it_is_typed_in() {
    let mut wizard = Wizard::new(80, 24);
    wizard.app.go(Page::Section(1));
    wizard.text("db-01").key(Tab).key(Tab).text("bai").key(Tab).text("half a pass");
    assert_eq!(probes(&wizard), 0, "the section is not complete, the password is half typed");
    wizard.text("word").key(Tab);
    assert_eq!(probes(&wizard), 1);
    let Some(Effect::Probe(_, answers)) = wizard.effects.iter().find(|it| matches!(it, Effect::Probe(..)))
    else {
        panic!("a probe")
    };
    assert!(answers.is("database.password", &"half a password".into()));
    wizard.keys(&[Tab, Tab]);
    assert_eq!(probes(&wizard), 1, "nothing changed, nothing is asked again");
}

#[test]
fn a_change_cancels_the_probe_and_drops_what_it_finds() {
    let mut wizard = Wizard::answered(80, 24);
    wizard.app.go(Page::Section(1));
    wizard.key(Tab);
    let old = wizard.generation(1);
    assert!(matches!(wizard.app.probes[1].state, ProbeState::Running { .. }));
    wizard.key(Char('x'));
    assert!(wizard.effects.iter().any(|effect| matches!(effect, Effect::CancelProbe(1))));
    wizard.tell(Msg::Probed(ProbeId { section: 1, generation: old }, Ok(good("older answers"))));
    assert!(
        matches!(wizard.app.probes[1].state, ProbeState::Idle),
        "what belongs to older answers is dropped"
    );
    wizard.key(Backspace).key(Tab).probed(1, good("now"));
    assert!(matches!(wizard.app.probes[1].state, ProbeState::Found(_)));
}

#[test]
fn rungs_show_as_they_are_passed() {
    let mut wizard = Wizard::answered(80, 24);
    wizard.app.go(Page::Section(1));
    wizard.key(Tab);
    let now = wizard.generation(1);
    let climbed = |generation, name| {
        let rung = Rung::passed(name, "", std::time::Instant::now());
        Msg::Climbed(ProbeId { section: 1, generation }, rung)
    };
    wizard.tell(climbed(now - 1, "resolve")).tell(climbed(now, "connect"));
    let ProbeState::Running { rungs, .. } = &wizard.app.probes[1].state else { panic!("it runs") };
    assert_eq!(rungs.iter().map(|rung| rung.name).collect::<Vec<_>>(), ["connect"], "of these answers alone");
    let screen = wizard.screen();
    let place = |words| screen.find(words).unwrap_or_else(|| panic!("{words:?} in\n{screen}"));
    assert!(place("live check") < place("connect") && place("connect") < place("checking"));
}

#[test]
fn enter_leads_through_what_is_missing_and_then_on() {
    let mut wizard = Wizard::new(80, 24);
    wizard.key(Enter);
    assert_eq!(wizard.app.page, Page::Section(0));
    wizard.key(Enter);
    assert!(wizard.screen().contains("Namespace is needed to go on"));
    wizard.text("local").key(Enter).text("a:b:c").key(Enter);
    assert_eq!(wizard.app.forms[0].focus, 1, "a refused value keeps the focus");
    assert!(wizard.app.forms[0].fields[1].error.is_some());
    wizard.control('u').text("db-01:2379").key(Enter);
    assert_eq!(wizard.app.page, Page::Section(1));
    wizard.key(Esc);
    assert_eq!(wizard.app.page, Page::Section(0));
    assert!(wizard.app.answers.is("etcd.endpoints", &"db-01:2379".into()), "going back loses nothing");
}

#[test]
fn a_paste_is_split_or_cut() {
    let mut wizard = Wizard::new(80, 24);
    wizard.app.go(Page::Section(1));
    wizard.tell(Msg::Paste("postgres://me:p%40ss@h.example:6000/main?sslmode=disable\n".into()));
    for (key, value) in [
        ("database.address", "h.example:6000"),
        ("database.user", "me"),
        ("database.password", "p@ss"),
        ("database.name", "main"),
        ("database.sslmode", "disable"),
    ] {
        assert!(wizard.app.answers.is(key, &value.into()), "{key}");
    }
    assert_eq!(probes(&wizard), 1);
    wizard.tell(Msg::Paste("other:1234\nsecond\nthird".into())).key(Tab);
    assert!(
        wizard.app.answers.is("database.address", &"other:1234".into()),
        "an address replaces the old one"
    );
    wizard.tell(Msg::Paste("x\ny\nz".into()));
    assert!(wizard.screen().contains("2 more lines were cut"));
}

#[test]
fn nothing_is_written_while_something_is_in_the_way() {
    let mut wizard = Wizard::answered(80, 24);
    wizard.app.go(Page::Review);
    let runs = |wizard: &Wizard| wizard.effects.iter().any(|effect| matches!(effect, Effect::Run { .. }));
    wizard.key(Char('w'));
    assert!(!runs(&wizard), "the servers are still being looked at");
    wizard.all_probed().probed(1, refused()).surveyed(Ok(pending())).key(Char('w'));
    assert!(!runs(&wizard), "a check failed");
    wizard.probed(1, good("fixed")).key(Char('w'));
    assert!(runs(&wizard));
    assert_eq!(wizard.app.page, Page::Run);
}

#[test]
fn control_c_stops_a_run_first_and_leaves_at_the_second() {
    let mut wizard = runs::running(80, 24);
    wizard.effects.clear();
    wizard.control('c');
    assert!(matches!(wizard.effects.as_slice(), [Effect::StopRun(status::INTERRUPTED)]));
    wizard.control('c');
    assert!(wizard.effects.iter().any(|effect| matches!(effect, Effect::Quit(status::INTERRUPTED))));
    let mut wizard = Wizard::answered(80, 24);
    wizard.control('c');
    assert!(wizard.screen().contains("Leave?"));
    wizard.control('c');
    assert!(wizard.effects.iter().any(|effect| matches!(effect, Effect::Quit(0))));
}

#[test]
fn a_hangup_keeps_the_draft() {
    let mut wizard = Wizard::new(80, 24);
    wizard.app.go(Page::Section(0));
    wizard.text("local").tell(Msg::Signal(status::HANGUP));
    let kept = wizard.effects.iter().any(
        |effect| matches!(effect, Effect::SaveDraft("etcd", answers) if answers.is("etcd.namespace", &"local".into())),
    );
    assert!(kept, "what was typed last is in it");
    assert!(matches!(wizard.effects.last(), Some(Effect::Quit(status::HANGUP))));
    let mut wizard = runs::running(80, 24);
    wizard.effects.clear();
    wizard.tell(Msg::Signal(status::TERMINATED));
    assert!(matches!(wizard.effects.first(), Some(Effect::StopRun(status::TERMINATED))));
    wizard.ran(summary(status::TERMINATED, vec![connection_lost()]));
    assert!(
        matches!(wizard.effects.last(), Some(Effect::Quit(status::TERMINATED))),
        "after the orderly stop"
    );
}

#[test]
fn a_failure_is_watched_and_can_be_retried_or_skipped() {
    let mut wizard = runs::running(80, 24);
    let outcome = crate::workflow::Outcome::Failed {
        failure: connection_lost(),
        left: "the database is as before: nothing was committed".into(),
    };
    wizard
        .ran(crate::workflow::EventKind::StageFinished { stage: "install-schema", outcome, duration_ms: 1 })
        .ran(summary(7, vec![connection_lost()]));
    wizard.effects.clear();
    wizard.tick(100).tick(200);
    let asked = |wizard: &Wizard| wizard.effects.iter().filter(|it| matches!(it, Effect::Watch(..))).count();
    assert_eq!(asked(&wizard), 1, "one question at a time");
    wizard.tell(Msg::Watched(Err(connection_lost()))).tick(2300);
    assert_eq!(asked(&wizard), 2);
    wizard.keys(&[Down, Down, Enter]);
    let Some(Effect::Run { skip, .. }) = wizard.effects.last() else { panic!("a run") };
    assert_eq!(skip, &["install-schema", "populate-fixtures"], "what needs it is skipped too");
    assert_eq!(wizard.app.page, Page::Run);
}

#[test]
fn a_stage_alone_shows_its_changes_before_it_runs() {
    let mut wizard = Wizard::answered(80, 24);
    wizard.app.go(Page::Menu);
    wizard.keys(&[Down, Down, Enter]);
    wizard.key(Char('w'));
    assert!(!wizard.effects.iter().any(|effect| matches!(effect, Effect::Run { .. })));
    let generation = wizard.app.alone.generation;
    let result = Ok(vec![pending()[2].clone()]);
    wizard.tell(Msg::Surveyed { survey: Survey::One("set-mount"), generation, result });
    assert!(wizard.screen().contains("/mnt/old → /mnt/vfroot"));
    wizard.key(Char('w'));
    let Some(Effect::Run { stages, .. }) = wizard.effects.last() else { panic!("a run") };
    assert_eq!(stages, &["set-mount"]);
}

#[test]
fn something_foreign_wants_its_word() {
    let mut wizard = Wizard::answered(80, 24);
    wizard.app.go(Page::Review);
    let mut stages = pending();
    stages[2].state = StageStatus::Conflict;
    stages[2].plan = StagePlan::nothing("set-mount").into();
    stages[2].failure = Some(Failure::new(Code::MountForeign, "etcd already names `/mnt/old`"));
    wizard.all_probed().surveyed(Ok(stages)).key(Enter).text("yes").key(Enter);
    assert!(!wizard.app.overwrite.mount);
    wizard.control('u').text("replace").key(Enter);
    assert!(wizard.app.overwrite.mount);
    let Some(Effect::Survey { overwrite, .. }) = wizard.effects.last() else { panic!("a new look") };
    assert!(overwrite.mount && !overwrite.stale_keys && !overwrite.keypairs);
}

#[test]
fn secrets_that_anybody_has_want_their_word() {
    let mut wizard = Wizard::answered(80, 24);
    wizard.app.go(Page::Review);
    let mut stages = pending();
    stages[2].state = StageStatus::Conflict;
    stages[2].plan = StagePlan::nothing("set-mount").into();
    stages[2].failure = Some(Failure::new(Code::KeysPublished, "one row is open"));
    wizard.all_probed().surveyed(Ok(stages)).key(Enter).text("replace").key(Enter);
    assert!(!wizard.app.overwrite.published && !wizard.app.overwrite.mount);
    wizard.control('u').text("renew").key(Enter);
    assert!(wizard.app.overwrite.published && !wizard.app.overwrite.keypairs);
}

#[test]
fn a_million_lines_stay_bounded() {
    let mut wizard = runs::running(80, 24);
    for number in 0..1_000_000 {
        wizard.ran(log("install-schema", &format!("line {number}")));
    }
    let kept = wizard.app.run.as_ref().and_then(|run| run.log()).unwrap();
    assert_eq!(kept.lines.len(), crate::report::LINES_KEPT);
    assert_eq!(kept.lines.len() + kept.dropped, 1_000_003);
    assert!(wizard.screen().contains("line 999999"));
    let long = "x".repeat(1_000_000);
    wizard.ran(log("install-schema", &long));
    let kept = wizard.app.run.as_ref().and_then(|run| run.log()).unwrap();
    assert!(kept.lines.back().is_some_and(|line| line.text.len() < 2000));
    wizard.ran(finished("install-schema", 1));
}

#[test]
fn one_letter_has_one_meaning_and_some_keys_are_never_bound() {
    use ratatui::crossterm::event::KeyModifiers;
    let mut letters: Vec<(char, Action)> = Vec::new();
    for binding in BINDINGS {
        for (code, modifiers) in binding.keys {
            assert!(!modifiers.contains(KeyModifiers::ALT), "{}", binding.shown);
            if let (Char(letter), true) = (code, modifiers.contains(KeyModifiers::CONTROL)) {
                assert!(!"sqbhj\\".contains(*letter), "{}", binding.shown);
            }
            if let (Char(letter), true) = (code, modifiers.is_empty()) {
                let known = letters.iter().find(|(known, _)| known == letter);
                assert!(
                    known.is_none_or(|(_, action)| *action == binding.action),
                    "`{letter}` has two meanings"
                );
                letters.push((*letter, binding.action));
            }
        }
        for place in binding.footer {
            assert!(
                binding.places.contains(place),
                "the footer names {} where it does nothing",
                binding.shown
            );
        }
    }
    for place in [Place::Text, Place::Secret, Place::Search, Place::Confirm] {
        let bound = BINDINGS.iter().filter(|binding| binding.places.contains(&place));
        for (code, modifiers) in bound.flat_map(|binding| binding.keys) {
            let types = matches!(code, Char(_)) && !modifiers.contains(KeyModifiers::CONTROL);
            assert!(!types, "letters are text under {place:?}");
        }
    }
}

#[test]
fn a_note_about_a_typed_answer_stands_on_its_page_and_in_the_review() {
    let mut wizard = Wizard::answered(80, 24);
    wizard.app.go(Page::Section(0));
    assert!(!wizard.screen().contains("peer port"));
    wizard.key(Tab).control('u').text("http://db-01:2380").key(Tab);
    let screen = wizard.screen();
    assert!(screen.contains("2380 is etcd's peer port"), "{screen}");
    assert!(screen.contains("is read as `db-01:2380`"), "{screen}");
    wizard.app.go(Page::Section(1));
    assert!(!wizard.screen().contains("peer port"), "another page has nothing to do with it");
    wizard.app.go(Page::Review);
    assert!(wizard.screen().contains("2380 is etcd's peer port"), "{}", wizard.screen());
    wizard.app.go(Page::Section(0));
    wizard.app.forms[0].focus = 1;
    wizard.control('u').text("db-01:2379").key(Tab);
    let screen = wizard.screen();
    assert!(!screen.contains("peer port"), "it is gone with the answer:\n{screen}");
}

#[test]
fn remarks_of_a_file_that_was_chosen_are_not_lost() {
    let place = failure::Place { file: "answers.yml".into(), line: 3, column: 5 };
    let differs = Failure::new(
        Code::EnvironmentDiffers,
        "`BACKEND_NAMESPACE` in the environment differs from `etcd.namespace`",
    )
    .why("the value from answers.yml:3:5 counts")
    .about(failure::Subject::Variable(crate::guide::etcd::NAMESPACE));
    let elsewhere = Failure::new(Code::AnswersNote, "a tail was left out").at(place.clone());
    let mut answers = super::answers();
    answers.set("etcd.namespace", "local".into(), Origin::File(place)).expect("it is sound");
    let mut wizard = Wizard::new(140, 30);
    wizard.tell(Msg::Loaded(Box::new(Ok((answers, vec![differs, elsewhere])))));
    assert_eq!(wizard.app.page, Page::Review);
    let screen = wizard.screen();
    assert!(screen.contains("differs from `etcd.namespace`"), "{screen}");
    assert!(screen.contains("tail was left out"), "{screen}");
    wizard.app.go(Page::Section(0));
    let screen = wizard.screen();
    assert!(screen.contains("differs from `etcd.namespace`"), "{screen}");
    assert!(!screen.contains("tail was left out"), "it belongs to no page:\n{screen}");
    wizard.app.forms[0].focus = 0;
    wizard.control('u').text("other").key(Tab);
    assert!(!wizard.screen().contains("differs from"), "the typed value counts now");
}

/// etcd may hold the folder with a slash at its end, and is compared letter by letter: it can be typed so.
#[test]
fn a_shared_folder_keeps_the_slash_that_was_given() {
    let mut wizard = Wizard::answered(80, 24);
    wizard.app.go(Page::Section(2));
    wizard.text("/").key(Tab);
    assert!(wizard.app.answers.is("storage.mount", &"/mnt/vfroot/".into()), "{}", wizard.screen());
    wizard.app.forms[2].focus = 0;
    wizard.control('u').tell(Msg::Paste("/mnt/other/\n".into())).key(Tab);
    assert!(wizard.app.answers.is("storage.mount", &"/mnt/other/".into()), "{}", wizard.screen());
}

/// What a stage remarks is listed below it, whatever its state; Enter shows why and what to do.
#[test]
fn remarks_of_stages_stand_in_the_review() {
    for state in [StageStatus::Pending, StageStatus::Done] {
        let mut stages = pending();
        let keypairs = stages.iter_mut().find(|it| it.stage == "populate-fixtures").expect("it is planned");
        keypairs.state = state;
        let remark =
            Failure::new(Code::KeysRemark, "other administrators, not touched: pyt\u{200b}hon@localhost");
        keypairs.remarks.push(remark.why("an administrator reads everybody's secrets"));
        let mut wizard = Wizard::answered(140, 40);
        wizard.app.go(Page::Review);
        wizard.all_probed().surveyed(Ok(stages));
        let screen = wizard.screen();
        assert!(screen.contains("not touched: pyt\\u{200b}hon@localhost"), "{screen}");
        assert!(screen.contains("W-KEYS-REMARK"), "{screen}");
        let at = wizard.app.review_items().iter().position(
            |item| matches!(item, super::super::reviewing::Item::Note(note) if note.code == Code::KeysRemark),
        );
        wizard.app.review.cursor = at;
        wizard.key(Enter);
        assert!(wizard.screen().contains("reads everybody's secrets"), "{}", wizard.screen());
    }
}

//! The screens, with nothing behind them: every state is made by messages alone.

mod development;
mod home;
mod looping;
mod properties;
mod remarks;
mod runs;
mod scenes;
mod undo;
mod updates;
mod upgrade;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
};

use crate::{
    devstack::{Beside, Glance, Look, Outside, Seen, SeenState},
    environment::Environment,
    failure::{Code, Failure},
    frontend::wizard::home::Home,
    guide::{Answers, Origin},
    guides::{Setup, september_2018},
    images::{self, Source},
    session::Overwrite,
    surroundings::Surroundings,
    workflow::{
        Change, Done, Event, EventKind, Level, Outcome, Rung, StagePlan, StageState, StageStatus, Summary,
        Verdict,
    },
};

use super::{App, Effect, Listed, Msg, ProbeId, Start, Survey, Theme};

/// Seven stages and five checks, whatever else the guide may have by now: what these tests draw stays the same.
pub(super) static SETUP: Setup = Setup {
    guide: &september_2018::GUIDE,
    checks: || {
        let known = ["etcd", "database", "storage", "images", "files"];
        let mut all = (september_2018::SETUP.checks)();
        all.retain(|check| known.contains(&check.about().id));
        all
    },
    stages: || {
        let known = pending();
        let mut all = (september_2018::SETUP.stages)();
        all.retain(|stage| known.iter().any(|it| it.stage == stage.about().id));
        all
    },
};

/// An application under test, with what it asked for so far.
pub(super) struct Wizard {
    pub(super) app: App,
    pub(super) effects: Vec<Effect>,
}

impl Wizard {
    pub(super) fn new(columns: u16, rows: u16) -> Self {
        Self::with(Answers::new(SETUP.guide), columns, rows)
    }

    pub(super) fn with(answers: Answers, columns: u16, rows: u16) -> Self {
        let (app, effects) = App::new(Start {
            setup: &SETUP,
            answers,
            review: false,
            notices: Vec::new(),
            home: Home::default(),
            glance: None,
            overwrite: Overwrite::default(),
            theme: Theme { ascii: false, color: true },
            host: "root@gpu-01".into(),
            size: (columns, rows),
            zone: jiff::tz::TimeZone::UTC,
            surroundings: Surroundings::new(Environment::from_iter([("HOME", "/srv/me")])),
        });
        Self { app, effects }
    }

    /// All answers of somebody's own servers.
    pub(super) fn answered(columns: u16, rows: u16) -> Self {
        Self::with(answers(), columns, rows)
    }

    pub(super) fn tell(&mut self, msg: Msg) -> &mut Self {
        let effects = self.app.update(msg);
        self.effects.extend(effects);
        self
    }

    pub(super) fn key(&mut self, code: KeyCode) -> &mut Self {
        self.tell(Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)))
    }

    pub(super) fn keys(&mut self, codes: &[KeyCode]) -> &mut Self {
        for code in codes {
            self.key(*code);
        }
        self
    }

    pub(super) fn control(&mut self, letter: char) -> &mut Self {
        self.tell(Msg::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL)))
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        for letter in text.chars() {
            self.key(KeyCode::Char(letter));
        }
        self
    }

    /// The screen as text, with the place of the cursor.
    pub(super) fn screen(&self) -> String {
        let (columns, rows) = self.app.size;
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        terminal.draw(|frame| self.app.view(frame)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let mut text = String::new();
        for row in 0..rows {
            let mut line = String::new();
            let mut skip = 0;
            for column in 0..columns {
                let symbol = buffer[(column, row)].symbol();
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                skip = super::text::width(symbol).saturating_sub(1);
                line.push_str(symbol);
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// The generation of the latest probe of a section.
    pub(super) fn generation(&self, section: usize) -> u64 {
        self.app.probes[section].generation
    }

    /// The development setup looks like this from outside.
    pub(super) fn glanced(&mut self) -> &mut Self {
        let server = |title, port, answers| Outside { title, port, answers, has_data: false };
        let (etcd, postgres) = (server("etcd", 8120, true), server("PostgreSQL", 8100, false));
        self.tell(Msg::Glanced(Glance { etcd, postgres, has_folder: false }))
    }

    /// A look found nothing in the way.
    pub(super) fn looked(&mut self) -> &mut Self {
        let (nobody, answers) =
            (SeenState::WillStart { data: false }, SeenState::Answers { version: "15.18".into() });
        self.found([nobody, answers], None, None)
    }

    /// Tells what a look at etcd and PostgreSQL found.
    pub(super) fn found(
        &mut self,
        [etcd, postgres]: [SeenState; 2],
        obstacle: Option<Failure>,
        beside: Option<Beside>,
    ) -> &mut Self {
        let seen = |title, port, state| Seen { title, port, state, latency_ms: 0.3 };
        self.tell(Msg::Looked(Box::new(Look {
            etcd: seen("etcd", 8120, etcd),
            postgres: seen("PostgreSQL", 8100, postgres),
            mount: ("/srv/kim/.local/share/backendai-setup-dev/mount".into(), false),
            obstacle,
            beside,
        })))
    }

    /// Tells what a probe found.
    pub(super) fn probed(&mut self, section: usize, verdict: Verdict) -> &mut Self {
        let generation = self.generation(section);
        self.tell(Msg::Probed(ProbeId { section, generation }, Ok(verdict)))
    }

    pub(super) fn all_probed(&mut self) -> &mut Self {
        for (section, words) in [
            (0, "db-01:2379, etcd 3.4.23, namespace `local` is empty"),
            (1, "db-01:5432, PostgreSQL 15.18, no `backend` yet"),
            (2, "/mnt/vfroot, 1.2 TiB free"),
            (3, "22 images, 67 tags, 117 aliases"),
            (5, "3 files can be written"),
        ] {
            self.probed(section, good(words));
        }
        self
    }

    pub(super) fn surveyed(&mut self, result: Result<Vec<StageState>, Vec<Failure>>) -> &mut Self {
        let generation = self.app.survey.generation;
        self.tell(Msg::Surveyed { survey: Survey::All, generation, result })
    }

    pub(super) fn listed(&mut self) -> &mut Self {
        let generation = self.app.images.generation;
        let metadata = include_bytes!("../../../../sample-configs/image-metadata.yml");
        let aliases = include_bytes!("../../../../sample-configs/image-aliases.yml");
        let list = images::judge(
            Source { file: "image-metadata.yml", bytes: metadata },
            Source { file: "image-aliases.yml", bytes: aliases },
        );
        let listed = Box::new(Listed { list: list.ok(), problems: Vec::new() });
        self.tell(Msg::Listed { generation, listed })
    }

    pub(super) fn ran(&mut self, kind: EventKind) -> &mut Self {
        self.ran_at(0, kind)
    }

    /// An event so many milliseconds after the run began.
    pub(super) fn ran_at(&mut self, ms: i64, kind: EventKind) -> &mut Self {
        let time = Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap();
        self.tell(Msg::Ran(Arc::new(Event { time, kind })))
    }

    pub(super) fn tick(&mut self, ms: u64) -> &mut Self {
        self.tell(Msg::Tick(Duration::from_millis(ms)))
    }
}

/// All required answers.
pub(super) fn answers() -> Answers {
    let mut answers = Answers::new(SETUP.guide);
    for (key, value) in [
        ("name", "seoul-03"),
        ("etcd.namespace", "local"),
        ("etcd.endpoints", "db-01:2379"),
        ("database.address", "db-01:5432"),
        ("database.user", "baiadmin"),
        ("database.password", "Canary!pw-%40"),
        ("storage.mount", "/mnt/vfroot"),
    ] {
        answers.set(key, value.into(), Origin::Typed).unwrap();
    }
    answers
}

pub(super) fn good(words: &str) -> Verdict {
    let now = std::time::Instant::now();
    still([
        Rung::passed("resolve", "db-01 → 10.0.0.7", now).telling(words),
        Rung::passed("connect", "10.0.0.7:5432", now),
    ])
}

/// The same times in every round.
fn still(rungs: impl IntoIterator<Item = Rung>) -> Verdict {
    let mut verdict: Verdict = rungs.into_iter().collect();
    for (at, rung) in verdict.rungs.iter_mut().enumerate() {
        rung.latency_ms = if rung.latency_ms >= 0.0 { 0.1 + at as f64 } else { 0.0 };
    }
    verdict
}

/// The ladder of a wrong password.
pub(super) fn refused() -> Verdict {
    let now = std::time::Instant::now();
    let failure = Failure::new(
        Code::DbAuth,
        "db-01:5432 refused the password of `baiadmin`: wrong password, or no such user",
    )
    .why("password authentication failed for user \"baiadmin\"")
    .remedy("fix `database.user` and `database.password`");
    still([
        Rung::passed("resolve", "db-01 → 10.0.0.7", now),
        Rung::passed("connect", "10.0.0.7:5432", now),
        Rung::not_needed("TLS", "the server offers none"),
        Rung::noted("sign in", failure, now),
    ])
}

pub(super) fn unmounted() -> Verdict {
    let now = std::time::Instant::now();
    let failure = Failure::new(Code::MountUnmounted, "nothing is mounted at `/mnt/vfroot`")
        .why("it lies on / (ext4); data written now would be hidden once the share is mounted")
        .remedy("/etc/fstab has this folder; as root: mount /mnt/vfroot");
    still([Rung::passed("folder", "/mnt/vfroot", now), Rung::noted("mount", failure, now)])
}

pub(super) fn state(stage: &'static str, state: StageStatus, changes: Vec<Change>) -> StageState {
    let summary = if changes.is_empty() { "as it should be".into() } else { Change::count(&changes) };
    StageState {
        stage,
        title: september_2018::SETUP.stage_title(stage),
        state,
        summary,
        plan: StagePlan::new(stage, changes).into(),
        remarks: Vec::new(),
        failure: None,
    }
}

/// What is to be done on empty servers.
pub(super) fn pending() -> Vec<StageState> {
    let key = |name: &str, value: &str| Change::Key {
        old_bytes: None,
        new_bytes: None,
        key: format!("/sorna/local/{name}"),
        old: None,
        new: Some(value.into()),
        revision: 0,
    };
    let file = |path: &str, what: &str| Change::File {
        is_removed: false,
        path: path.into(),
        what: what.into(),
        is_new: true,
        seen: None,
    };
    let row = |what: &str| Change::Row {
        table: "keypairs".into(),
        what: what.into(),
        is_new: true,
        is_removed: false,
    };
    let keys = |kind: &str, count: usize| (0..count).map(|at| key(&format!("{kind}{at}"), "x")).collect();
    vec![
        state("load-images", StageStatus::Pending, keys("images/", 181)),
        state("load-aliases", StageStatus::Pending, keys("images/_aliases/", 117)),
        state(
            "set-mount",
            StageStatus::Pending,
            vec![Change::Key {
                old_bytes: None,
                new_bytes: None,
                key: "/sorna/local/volumes/_mount".into(),
                old: Some("/mnt/old".into()),
                new: Some("/mnt/vfroot".into()),
                revision: 7,
            }],
        ),
        state(
            "create-database",
            StageStatus::Pending,
            vec![Change::Database { name: "backend".into(), is_removed: false }],
        ),
        state(
            "write-config",
            StageStatus::Pending,
            vec![file("/srv/alembic.ini", "new file"), file("/srv/manager.env", "new file")],
        ),
        state(
            "install-schema",
            StageStatus::Pending,
            vec![Change::Statement {
                what: "table keypairs".into(),
                sql: "CREATE TABLE keypairs (\n    id SERIAL NOT NULL\n)".into(),
            }],
        ),
        state(
            "populate-fixtures",
            StageStatus::Pending,
            vec![row("administrator admin@localhost, new keys")],
        ),
    ]
}

pub(super) fn summary(status: u8, failures: Vec<Failure>) -> EventKind {
    EventKind::Summary(Summary {
        name: "seoul-03".into(),
        status,
        changed: 5,
        unchanged: 2,
        failed: failures.len(),
        skipped: 0,
        failures,
        duration_ms: 312,
        transcript: Some("/var/log/transcript.log".into()),
    })
}

pub(super) fn finished(stage: &'static str, changes: usize) -> EventKind {
    let summary = format!("{changes} written");
    EventKind::StageFinished { stage, outcome: Outcome::Changed(Done { summary, changes }), duration_ms: 31 }
}

pub(super) fn log(stage: &'static str, message: &str) -> EventKind {
    EventKind::Log { stage, level: Level::Info, message: message.into() }
}

/// What PostgreSQL said when it was shut down.
pub(super) fn connection_lost() -> Failure {
    Failure::new(Code::DbLost, "db-01:5432 closed the connection")
        .why("terminating connection due to administrator command")
        .remedy("try again when the server is back")
}

//! A database with a past: the review with an upgrade, and what is asked for it alone.

use ratatui::crossterm::event::KeyCode::{Enter, Esc, F};

use crate::{
    failure::{Code, Failure},
    frontend::tui::{app::Page, reviewing::Item},
    guide::database,
    schema::{Difference, Kind, Part, Standing},
    session::SchemaLook,
    workflow::{Change, Rung, StageState, StageStatus},
};

use super::{
    Effect, Msg, SETUP, Wizard, pending,
    scenes::{review, shown},
    state,
};

fn with(schema: StageState) -> Vec<StageState> {
    pending()
        .into_iter()
        .map(|stage| if stage.stage == schema.stage { schema.clone() } else { stage })
        .collect()
}

fn upgrade() -> Vec<StageState> {
    let statement = |what: &str, sql: &str| Change::Statement { what: what.into(), sql: sql.into() };
    let changes = vec![
        statement("f8a71c3bffa2: column user_id of keypairs: as text", "ALTER TABLE public.keypairs …"),
        statement("26d0c387e764: table vfolder_invitations", "CREATE TABLE public.vfolder_invitations …"),
        Change::Row {
            table: "alembic_version".into(),
            what: "bf4bae8f942e → f9971fbb34d9".into(),
            is_new: false,
            is_removed: false,
        },
    ];
    let mut schema = state("install-schema", StageStatus::Pending, changes);
    let what = "the upgrade of database `backend` by 2 revisions, from bf4bae8f942e to f9971fbb34d9, cannot be undone";
    schema.remarks.push(
        Failure::new(Code::DbUpgrade, what)
            .why("f8a71c3bffa2: 2 numbers in `user_id` of `keypairs` become text")
            .remedy("before the upgrade: pg_dump -h db-01 -U baiadmin backend > backend-bf4bae8f942e.sql"),
    );
    with(schema)
}

fn at(wizard: &mut Wizard, is_it: impl Fn(&Item<'_>) -> bool) {
    wizard.app.review.cursor = wizard.app.review_items().iter().position(is_it);
}

#[test]
fn the_review_says_that_it_cannot_be_undone() {
    let found = |columns, rows| {
        let mut wizard = review(columns, rows);
        wizard.all_probed().surveyed(Ok(upgrade()));
        at(&mut wizard, |item| matches!(item, Item::Stage(stage) if stage.stage == "install-schema"));
        wizard
    };
    shown("upgrade", found);
    let mut wizard = found(120, 40);
    let screen = wizard.screen();
    for told in
        ["2 revisions  bf4bae8f942e → f9971fbb34d9", "pg_dump -h db-01 -U baiadmin backend", "W-DB-UPGRADE"]
    {
        assert!(screen.contains(told), "{told}\n{screen}");
    }
    for told in ["f8a71c3bffa2  stringify_userid: 2 numbers in `user_id`", "26d0c387e764  "] {
        assert!(screen.contains(told), "{told}\n{screen}");
    }
    shown("upgrade_revision", |columns, rows| {
        let mut wizard = found(columns, rows);
        at(&mut wizard, |item| matches!(item, Item::Revision(climbed) if climbed.id == "f8a71c3bffa2"));
        wizard.key(Enter);
        wizard
    });
    shown("upgrade_in_full", |columns, rows| {
        let mut wizard = found(columns, rows);
        wizard.key(Enter);
        wizard
    });
    at(&mut wizard, |item| matches!(item, Item::Note(note) if note.code == Code::DbUpgrade));
    assert!(wizard.key(Enter).screen().contains("become text"), "{}", wizard.screen());
}

/// The numbers of owners are asked about where the look at the database says so, and nowhere else.
#[test]
fn owners_are_asked_about_where_they_matter() {
    let asked = |wizard: &Wizard| {
        let fields = wizard.app.forms.iter().flat_map(|form| &form.fields);
        fields.filter(|field| field.variable.key == database::USER_IDS).count()
    };
    let found = |columns, rows| {
        let mut wizard = review(columns, rows);
        assert_eq!(asked(&wizard), 0);
        let mut schema = state("install-schema", StageStatus::Conflict, Vec::new());
        schema.failure = Some(
            Failure::new(Code::DbUserIds, "rows in database `backend` are in the way of its upgrade")
                .why("2 numbers (1, 7) in `user_id` of `keypairs` become texts, and it is not said which"),
        );
        wizard.all_probed().surveyed(Ok(with(schema)));
        wizard.key(Enter);
        wizard
    };
    shown("upgrade_owners", found);
    let mut wizard = found(120, 40);
    assert_eq!(wizard.app.page, Page::Section(1));
    assert!(wizard.screen().contains("2 numbers (1, 7)"), "{}", wizard.screen());
    wizard.text("map:users.txt").key(Enter);
    assert_eq!(wizard.app.answers.text(database::USER_IDS).as_deref(), Some("map:users.txt"));
    wizard.app.go(Page::Review);
    wizard.app.refill();
    assert_eq!(asked(&wizard), 1, "what is answered is shown");
}

/// The head without an index, with a unique index of somebody else.
fn drifted() -> SchemaLook {
    let schema = &SETUP.guide.schema;
    let mut parts = schema.recorded().pop().expect("the head is recorded").parts;
    let of =
        |parts: &[Part], kind: Kind| parts.iter().position(|part| part.kind == kind && part.of == "agents");
    let index = of(&parts, Kind::Index).expect("agents has an index");
    let lost = parts.remove(index);
    let foreign = Part { name: "only_one".into(), is: format!("UNIQUE {}", lost.is), ..lost.clone() };
    parts.push(foreign);
    parts.push(Part { name: "own".into(), is: "btree (region, status)".into(), ..lost });
    let standing = Standing {
        revisions: Some(vec![Some(schema.head.to_owned())]),
        parts: Some(parts),
        ..Standing::of(schema)
    };
    let differences = standing.differences(schema.head).expect("the head is known");
    let judged = |difference: Difference| {
        let why = (!difference.is_repairable()).then(|| "it may be meant".to_owned());
        (difference, why)
    };
    SchemaLook {
        address: "db-01:5432".into(),
        database: "backend".into(),
        repairs: differences.into_iter().filter(|it| it.breaks).map(judged).collect(),
        standing,
        sizes: Vec::new(),
        conflict: None,
    }
}

/// The page of a database that is otherwise than its revision, from the review and from the failed check.
#[test]
fn drift_has_a_page() {
    let failure = || {
        Failure::new(
            Code::DbShape,
            "database `backend` is at revision f9971fbb34d9, but its tables are not as the manager needs them",
        )
    };
    let looking = |columns, rows| {
        let mut wizard = review(columns, rows);
        let mut schema = state("install-schema", StageStatus::Conflict, Vec::new());
        schema.failure = Some(failure());
        wizard.all_probed().surveyed(Ok(with(schema)));
        wizard.key(Enter);
        wizard
    };
    shown("drift_looking", looking);
    let found = |columns, rows| {
        let mut wizard = looking(columns, rows);
        let generation = wizard.app.drift.generation;
        wizard.tell(Msg::Drifted(generation, Ok(Box::new(drifted()))));
        wizard
    };
    shown("drift", found);
    let mut wizard = found(120, 40);
    assert!(wizard.effects.iter().any(|effect| matches!(effect, Effect::LookAtDrift(..))));
    let screen = wizard.screen();
    let run =
        "backendai-setup schema repair --set 'database.address=db-01:5432' --set 'database.user=baiadmin'";
    for told in [run, "BACKEND_DB_PASSWORD", "1 of 2", "Does no harm", "no repair"] {
        assert!(screen.contains(told), "{told}\n{screen}");
    }
    assert!(!screen.contains("Canary"), "{screen}");
    wizard.key(Esc);
    assert!(wizard.screen().contains("Enter shows every difference"), "{}", wizard.screen());
    // What an older look found is not shown.
    wizard.key(Enter).tell(Msg::Drifted(0, Ok(Box::new(drifted()))));
    assert!(wizard.screen().contains("looking at the tables"), "{}", wizard.screen());
    wizard.key(Esc).app.go(Page::Section(1));
    assert!(!wizard.screen().contains("differences"), "{}", wizard.screen());
    let rung = Rung::noted("database", failure(), std::time::Instant::now());
    wizard.probed(1, [rung].into_iter().collect());
    assert!(wizard.screen().contains("F2 differences"), "{}", wizard.screen());
    assert!(wizard.key(F(2)).screen().contains("looking at the tables"), "{}", wizard.screen());
}

/// Rows that an upgrade drops are let go by a word.
#[test]
fn usage_is_dropped_by_a_word() {
    let mut wizard = review(120, 40);
    let mut schema = state("install-schema", StageStatus::Conflict, Vec::new());
    schema.failure =
        Some(Failure::new(Code::DbUsage, "rows in database `backend` are in the way of its upgrade"));
    wizard.all_probed().surveyed(Ok(with(schema)));
    wizard.key(Enter).text("drop").key(Enter);
    assert!(wizard.app.overwrite.usage, "{}", wizard.screen());
}

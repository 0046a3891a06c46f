//! A second guide, for a release of the manager with other variables, checks and stages: this file is all of it.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;

use crate::{
    checks::{Check, CheckAbout},
    environment::Environment,
    failure::{Code, Failure},
    guide::{
        Answers, Default, Guide, KeySpace, Origin, Samples, Section, Settings, Shape, Variable, etcd,
        file_values, general,
        validate::{Refused, parse_address},
    },
    schema::Schema,
    session::{Operation, RunOptions, Scope, Session},
    surroundings::Surroundings,
    workflow::{About, Context, Done, Found, Ladder, Stage, StagePlan},
    world::World,
    yaml,
};

use super::Setup;

const ADDRESS: &str = "redis.address";
const SESSIONS: &str = "redis.sessions";

static REDIS: Section = Section {
    id: "redis",
    title: "redis",
    intro: "Keeps what is forgotten.",
    is_asked: true,
    variables: &[
        Variable {
            key: ADDRESS,
            title: "Address",
            help: "host:port of the redis server.",
            shape: Shape::Address,
            default: Default::Required,
            development: None,
            manager_env: Some("BACKEND_REDIS_ADDR"),
            validate: |text| parse_address(text, 6379).map(drop),
        },
        Variable {
            key: SESSIONS,
            title: "Sessions",
            help: "How many are kept.",
            shape: Shape::Number,
            default: Default::Value("100"),
            development: None,
            manager_env: None,
            validate: |text| match text.parse::<u32>() {
                Ok(_) => Ok(()),
                Err(_) => Err(Refused::new("it is no number of sessions", "write a whole number")),
            },
        },
    ],
};

static LATER: Guide = Guide {
    sections: &[&general::SECTION, &etcd::SECTION, &REDIS],
    unbuilt: &["redis.tls.ca"],
    keys: KeySpace { root: "/backend/", mount: "volumes/_host", written: &["config/probe"] },
    schema: Schema { head: "0", tables: &[], types: &[], chain: &[], statements: "", shapes: "" },
    samples: Samples { image_metadata: "", image_aliases: "", alembic_ini: "", keypairs: "" },
    start: "python -m ai.backend.manager.server",
    needs: "",
};

struct Toy(&'static str);

static ANSWERS: CheckAbout =
    CheckAbout { id: "redis", title: "redis", summary: "a toy", sections: &["redis"], is_server: true };
static BOTH: CheckAbout = CheckAbout {
    id: "sessions",
    title: "sessions",
    summary: "another",
    sections: &["redis", "etcd"],
    is_server: false,
};
static STAGE: About = About {
    id: "set-redis",
    title: "redis",
    summary: "a toy",
    sections: &["redis"],
    checks: &["redis", "sessions"],
    after: &[],
    files: &[],
    flags: &[],
};

#[async_trait]
impl Check for Toy {
    fn about(&self) -> &'static CheckAbout {
        if self.0 == ANSWERS.id { &ANSWERS } else { &BOTH }
    }

    async fn probe(&self, world: &World, ladder: &Ladder) {
        let address = world.answers.text(ADDRESS).unwrap_or_default();
        ladder.pass("answers", address, Instant::now());
    }
}

#[async_trait]
impl Stage<World> for Toy {
    fn about(&self) -> &'static About {
        &STAGE
    }

    async fn inspect(&self, _: &Context<World>) -> Result<Found, Failure> {
        Ok(Found::Pending(StagePlan::nothing(STAGE.id)))
    }

    async fn apply(&self, _: &Context<World>, _: &StagePlan) -> Result<Done, Failure> {
        Ok(Done { summary: String::new(), changes: 0 })
    }
}

static SETUP: Setup = Setup {
    guide: &LATER,
    checks: || vec![Arc::new(Toy("redis")), Arc::new(Toy("sessions"))],
    stages: || vec![Arc::new(Toy("stage"))],
};

fn answers(pairs: &[(&str, &str)]) -> Answers {
    let mut answers = Answers::new(&LATER);
    answers.state_version();
    for (key, value) in pairs {
        answers.set(key, (*value).into(), Origin::Flag).expect("a sound answer");
    }
    answers
}

#[test]
fn answers_are_judged_by_their_own_guide() {
    let mut answers = answers(&[(ADDRESS, "cache-01"), (SESSIONS, "7"), (etcd::NAMESPACE, "local")]);
    let mut refused = |key, value: &str| {
        let failure = answers.set(key, value.into(), Origin::Flag).expect_err("it is refused");
        (failure.code, failure.what)
    };
    assert_eq!(refused("storage.mount", "/mnt").0, Code::AnswersKey);
    assert_eq!(refused("redis.tls.ca", "/ca.pem").0, Code::AnswersUnbuilt);
    let (code, what) = refused(SESSIONS, "many");
    assert_eq!(
        (code, what.as_str()),
        (Code::AnswersValue, "`redis.sessions` cannot be `many`: it is no number of sessions")
    );

    let text = b"version: 1\nredis:\n  sessions: many\n  adress: a\nstorage:\n  mount: /mnt\n";
    let found = file_values(&LATER, "a.yml", &yaml::read("a.yml", text).expect("it reads"));
    let told: Vec<(Code, &str)> = found.problems.iter().map(|it| (it.code, it.what.as_str())).collect();
    assert_eq!(
        told,
        [
            (Code::AnswersValue, "`redis.sessions` is not a whole number"),
            (Code::AnswersKey, "There is no key `redis.adress`"),
            (Code::AnswersKey, "There is no key `storage`"),
        ]
    );
}

#[test]
fn what_a_guide_calls_things_is_its_own() {
    let answers = answers(&[(etcd::NAMESPACE, "local"), (etcd::ENDPOINTS, "etcd-01")]);
    let settings = Settings::new(&answers);
    assert_eq!(settings.etcd().expect("it is answered").prefix(), "/backend/local/");
    assert!(settings.database().is_err());
    let schema = LATER.json_schema();
    assert_eq!(schema["properties"]["redis"]["properties"]["sessions"]["default"], 100);
    assert!(schema["properties"]["database"].is_null());
    assert!(answers.to_fill_in("a.yml", false).expect("it can be written").contains("#sessions: 100"));
}

#[test]
fn its_checks_and_stages_are_found_by_its_sections() {
    let ids = |section| SETUP.checks_of(section);
    assert_eq!((ids(&REDIS), ids(&etcd::SECTION)), (vec!["redis", "sessions"], Vec::new()));
    let open = |answers: &Answers| {
        let scope = Scope::stages(&SETUP, &[], None, &[]).expect("there is one");
        Session::new(
            answers,
            &RunOptions::new(Surroundings::new(Environment::default())),
            scope,
            Operation::Check,
        )
    };
    let missing =
        open(&answers(&[(etcd::NAMESPACE, "a"), (etcd::ENDPOINTS, "b")])).err().expect("it has no address");
    assert_eq!(missing.iter().map(|it| it.code).collect::<Vec<_>>(), [Code::AnswersMissing]);
    assert!(missing[0].what.contains(ADDRESS));
    let session = open(&answers(&[(etcd::NAMESPACE, "a"), (etcd::ENDPOINTS, "b"), (ADDRESS, "cache-01")]));
    assert!(session.is_ok_and(|session| session.runs_all()));
    let stray = Scope::stages(&SETUP, &["load-images"], None, &[]).err().expect("no stage of this guide");
    assert!(stray.remedy.is_some_and(|remedy| remedy.contains("set-redis")));
}

/// So no two wait for each other, and the guide's order is one in which they can run one by one.
#[test]
fn a_stage_comes_after_earlier_ones_alone() {
    let all = super::september_2018::SETUP.stage_abouts();
    for (at, about) in all.iter().enumerate() {
        for id in about.after {
            let is_earlier = all[..at].iter().any(|earlier| earlier.id == *id);
            assert!(is_earlier, "`{}` comes after `{id}`, which is not before it", about.id);
        }
    }
}

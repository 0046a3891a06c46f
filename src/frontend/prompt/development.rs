//! The development setup: straight to its review, unless something is in the way.

use std::sync::Arc;

use secrecy::SecretString;

use crate::{
    devstack::{self, Beside, Look, Options, SeenState},
    frontend::console::questions::Question,
    guide::{Answers, Origin, database},
    session,
};

use super::{Answered, Away, Page, Wizard};

/// What can be done about what is in the way.
enum Way {
    Another(Beside),
    There,
    Again,
    Back,
}

impl Wizard<'_> {
    /// Starts the development stack, round what is in its way if so chosen.
    pub(super) async fn development(&mut self) -> Answered<Page> {
        let (mut beside, mut password) = (Beside::default(), None::<SecretString>);
        loop {
            let terminal = self.terminal;
            let mut say = |line: &str| terminal.note(line);
            let usual = Options::in_wizard(beside, terminal.surroundings.clone());
            let options = Options { password: password.clone(), ..usual };
            let up = tokio::select! {
                up = devstack::up(&options, &mut say) => up,
                status = self.signals.next() => {
                    self.tell(&[session::stopped(status, "servers that were started already go on")]);
                    return Err(Away::Leave(status));
                }
            };
            match up {
                Ok(stack) => {
                    // Nothing of another setup counts here.
                    let mut answers = Answers::new(self.setup.guide);
                    answers.state_version();
                    answers.take_flags_of(&self.flags);
                    let mut problems = stack.fill(&terminal.surroundings.environment, &mut answers);
                    if let Some(password) = password {
                        problems.extend(answers.set(database::PASSWORD, password, Origin::Typed).err());
                    }
                    self.tell(&problems);
                    self.exchange(answers);
                    return Ok(Page::Review);
                }
                Err(failure) => self.tell(&[failure]),
            }
            let usual = Options::in_wizard(Beside::default(), terminal.surroundings.clone());
            let look = devstack::look(&usual).await;
            (beside, password) = (Beside::default(), None);
            match self.way_round(&look).await? {
                Way::Another(other) => beside = other,
                Way::There => {
                    let question = Question {
                        title: "Password".into(),
                        help: "The password of the user `postgres` of the server that is there.".into(),
                        default: None,
                        empty: None,
                        secret: true,
                        judge: Arc::new(|text| match text {
                            "" => Err("It is needed to go on.".into()),
                            _ => Ok(()),
                        }),
                    };
                    password = Some(self.text(&question).await?);
                    // Where etcd cannot be used as it is, another one is started.
                    beside = Beside { postgres_port: None, ..look.beside.unwrap_or_default() };
                }
                Way::Again => {}
                Way::Back => return Ok(Page::Home),
            }
        }
    }

    async fn way_round(&mut self, look: &Look) -> Answered<Way> {
        let mut ways = Vec::new();
        if let Some(beside) = look.beside {
            ways.push((format!("Start another: {}", beside.words()), Way::Another(beside)));
        }
        if matches!(look.postgres.state, SeenState::InTheWay { has_own_sign_in: true, .. }) {
            let words =
                format!("Use the PostgreSQL that is there on {}, with its password", look.postgres.port);
            ways.push((words, Way::There));
        }
        ways.push(("Check again".into(), Way::Again));
        ways.push(("Back".into(), Way::Back));
        let words: Vec<&str> = ways.iter().map(|(words, _)| words.as_str()).collect();
        let chosen = self.choose("What now?", &words, 0).await?;
        Ok(ways.swap_remove(chosen).1)
    }
}

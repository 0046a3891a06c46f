//! The first question: what was set up from this machine, and what else can be.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};

use crate::{
    devstack::{Glance, Options, glance},
    frontend::{
        console::questions::Question,
        wizard::{
            Unfinished,
            home::{Choice, Home, Opened, Wish, open},
            kept::KeptTarget,
            start::load_file,
        },
    },
    guide::Answers,
    session::{Inputs, accepts},
};

use super::{Answered, Page, Wizard};

/// How long the question waits for addresses that neither accept nor refuse.
const REACH: Duration = Duration::from_millis(500);

impl Wizard<'_> {
    /// What is to be set up?
    pub(super) async fn home(&mut self) -> Answered<Page> {
        let home = match self.state_dir.clone() {
            Ok(folder) => {
                let setup = self.setup;
                self.beside(move || Home::read(setup, &folder)).await?
            }
            Err(_) => Home::default(),
        };
        self.tell(&home.notices);
        let options = Options::usual(self.terminal.surroundings.clone());
        let (glance, down) = tokio::join!(glance(&options), self.down(&home.targets));
        let first = home.unfinished.iter().map(|_| Choice::Continue);
        let targets = home.targets.iter().map(|target| Choice::Target(target.id.clone()));
        let choices: Vec<Choice> = first.chain(targets).chain(Choice::OTHERS).collect();
        let words: Vec<String> =
            choices.iter().map(|choice| self.home_words(choice, &home, &glance, &down)).collect();
        let cursor = match choices.first() {
            Some(Choice::Servers) if glance.is_something() => 1,
            _ => 0,
        };
        if !home.targets.is_empty() {
            self.say("What was set up from this machine stands first, with its state as of the last run.");
        }
        let chosen = self.choose("What do you want to set up?", &self.numbered(words), cursor).await?;
        match &choices[chosen] {
            Choice::Continue => Ok(home.unfinished.as_ref().map_or(Page::Home, |draft| self.go_on(draft))),
            Choice::Target(id) => match home.targets.iter().find(|target| target.id == *id) {
                Some(target) => self.target(target).await,
                None => Ok(Page::Home),
            },
            Choice::Servers => {
                self.take_own_back();
                Ok(Page::Ask(0))
            }
            Choice::Development => self.development().await,
            Choice::File => self.file().await,
        }
    }

    /// Where lines are not numbered by themselves, each says its number.
    fn numbered(&self, words: Vec<String>) -> Vec<String> {
        let number = |(at, words): (usize, String)| match self.asker.is_lines() {
            true => words,
            false => format!("{}. {words}", at + 1),
        };
        words.into_iter().enumerate().map(number).collect()
    }

    fn home_words(&self, choice: &Choice, home: &Home, glance: &Glance, down: &BTreeSet<String>) -> String {
        let title = choice.title();
        match choice {
            Choice::Continue => match &home.unfinished {
                Some(Unfinished { words, when, .. }) => format!("{title}: {words}, {when}"),
                None => title.to_owned(),
            },
            Choice::Target(id) => {
                let Some(target) = home.targets.iter().find(|target| target.id == *id) else {
                    return String::new();
                };
                let when = target.when(self.terminal.surroundings.clock.now());
                let state = [target.place(), target.state(self.setup), when];
                let state: Vec<String> = state.into_iter().filter(|words| !words.is_empty()).collect();
                let own: Vec<String> =
                    target.addresses().into_iter().filter(|address| down.contains(address)).collect();
                let down = match own.as_slice() {
                    [] => String::new(),
                    own => format!("; {} down", own.join(" and ")),
                };
                format!("{}: {}{down}", target.name, state.join(", "))
            }
            Choice::Development => format!("{title}: {}", glance.words()),
            Choice::Servers | Choice::File => title.to_owned(),
        }
    }

    /// The addresses of these targets that accept no connection. Nobody waits long for those that say nothing.
    async fn down(&self, targets: &[KeptTarget]) -> BTreeSet<String> {
        let limits = self.terminal.surroundings.limits;
        let addresses: BTreeSet<String> = targets.iter().flat_map(KeptTarget::addresses).collect();
        let look = |address: String| async move { (accepts(&address, limits).await, address) };
        let mut looks: FuturesUnordered<_> = addresses.into_iter().map(look).collect();
        let mut down = BTreeSet::new();
        let all = async {
            while let Some((accepts, address)) = looks.next().await {
                if !accepts {
                    down.insert(address);
                }
            }
        };
        let _ = tokio::time::timeout(REACH, all).await;
        down
    }

    /// What is wanted of a target? Then what is kept nowhere is asked for.
    async fn target(&mut self, target: &KeptTarget) -> Answered<Page> {
        let wishes = [Some(Wish::Review), Some(Wish::Stages), Some(Wish::Undo), None];
        let options = ["Review it", "Its stages", "Undo its last run", "Back"];
        let Some(wish) = wishes[self.choose(&format!("{}: what now?", target.name), &options, 0).await?]
        else {
            return Ok(Page::Home);
        };
        let (setup, surroundings) = (self.setup, self.terminal.surroundings.clone());
        let (kept, flags) = (target.target.clone(), self.flags.clone());
        let opened = self.beside(move || open(setup, &surroundings, &kept, &flags)).await?;
        let Opened { answers, notices, asks } = match opened {
            Ok(opened) => opened,
            Err(problems) => {
                self.tell(&problems);
                return Ok(Page::Home);
            }
        };
        self.tell(&notices);
        self.exchange(answers);
        for key in asks {
            if let Some(variable) = self.setup.guide.variable(key) {
                self.ask_for(variable).await?;
            }
        }
        match wish {
            Wish::Review => Ok(Page::Review),
            Wish::Stages => Ok(Page::Menu),
            Wish::Undo => self.undo().await,
        }
    }

    /// Other answers take the place of those at hand, which stand aside until somebody names servers again.
    pub(super) fn exchange(&mut self, answers: Answers) {
        let before = std::mem::replace(&mut self.answers, answers);
        self.own.get_or_insert(before);
        // They are kept elsewhere, and what was left unfinished stays so.
        (self.round.changed, self.round.drafted) = (false, false);
        self.run_options.overwrite = self.given_overwrite;
    }

    fn take_own_back(&mut self) {
        if let Some(answers) = self.own.take() {
            self.answers = answers;
            self.round.drafted = false;
            self.run_options.overwrite = self.given_overwrite;
        }
    }

    /// Takes an earlier round up: at the first answer that is missing, since secrets are not kept.
    fn go_on(&mut self, draft: &Unfinished) -> Page {
        self.answers = draft.answers(&self.flags);
        (self.own, self.round.drafted) = (None, false);
        self.round.changed = true;
        match (self.wanting(), draft.section(&self.sections(), None)) {
            (Some(wanting), _) => Page::Ask(self.first_of(self.questions[wanting].0).min(wanting)),
            (None, Some(section)) => Page::Ask(self.first_of(section)),
            (None, None) => Page::Review,
        }
    }

    async fn file(&mut self) -> Answered<Page> {
        loop {
            let question = Question {
                title: "Answers file".into(),
                help: "The path of a file that `backendai-setup answers init` or an earlier run has written."
                    .into(),
                default: Some("answers.yml".into()),
                empty: None,
                secret: false,
                judge: Arc::new(|_| Ok(())),
            };
            let file = self.plain_text(&question).await?;
            if file == "-" {
                self.say("Stdin is where you type: name a file.");
                continue;
            }
            let inputs = Inputs::new(self.setup, self.run_options.surroundings.clone());
            match self.beside(move || load_file(inputs, file)).await? {
                Ok((answers, notices)) => {
                    self.tell(&notices);
                    self.exchange(answers);
                    return Ok(Page::Review);
                }
                Err(problems) => self.tell(&problems),
            }
        }
    }
}

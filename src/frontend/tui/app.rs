//! What is known and shown. `update` changes it, `view` draws it; neither does any work.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use jiff::tz::TimeZone;

use crate::{
    devstack::Glance,
    failure::{Failure, status},
    frontend::wizard::{home::Home, notes, problems_of, round::Round},
    guide::{Answers, Section, database, general, images},
    session::{Overwrite, Setup},
    surroundings::Surroundings,
    workflow::{RungState, StageId},
};

pub(super) use crate::session::Grant;

pub(super) use super::pages::{
    Ask, Drifted, Overlay, Page, Probe, ProbeState, Reading, ReviewPage, Surveyed, View,
};

use super::{
    development::DevelopmentPage,
    form::Form,
    home::HomePage,
    images::ImagesPage,
    keymap::Place,
    msg::{Effect, Survey},
    running::RunPage,
    theme::{Sign, Theme},
};

/// What the wizard begins with.
#[derive(Debug)]
pub struct Start {
    /// What is set up.
    pub setup: &'static Setup,
    /// Answers from flags, files and the environment.
    pub answers: Answers,
    /// Everything is answered: begin with the review.
    pub review: bool,
    /// What a person should hear about where the answers come from.
    pub notices: Vec<Failure>,
    /// What was set up from this machine, and what was left unfinished.
    pub home: Home,
    /// The development setup, as it looks from outside.
    pub glance: Option<Glance>,
    /// What the command line allows to overwrite.
    pub overwrite: Overwrite,
    /// Signs and colours.
    pub theme: Theme,
    /// Who works where: `root@gpu-01`.
    pub host: String,
    /// Columns and rows.
    pub size: (u16, u16),
    /// In which time of day is told.
    pub zone: TimeZone,
    /// Where it stands.
    pub surroundings: Surroundings,
}

/// All of it.
pub struct App {
    pub(super) setup: &'static Setup,
    /// The place of the image list among the sections: its page is another than those of the others.
    pub(super) image_list: usize,
    pub(super) theme: Theme,
    pub(super) host: String,
    pub(super) size: (u16, u16),
    pub(super) zone: TimeZone,
    pub(super) surroundings: Surroundings,
    pub(super) now: Duration,
    /// What is to be done, until `update` hands it out.
    pub(super) effects: Vec<Effect>,
    pub(super) page: Page,
    pub(super) trail: Vec<Page>,
    pub(super) overlay: Option<Overlay>,
    pub(super) notice: Option<(Sign, String)>,
    pub(super) answers: Answers,
    /// What a person should hear about the answers as they were loaded.
    pub(super) notices: Vec<Failure>,
    /// Records that were lost.
    pub(super) lost: Vec<Failure>,
    pub(super) forms: Vec<Form>,
    pub(super) probes: Vec<Probe>,
    pub(super) visited: BTreeSet<usize>,
    pub(super) home: HomePage,
    pub(super) dev: DevelopmentPage,
    pub(super) images: ImagesPage,
    pub(super) survey: Surveyed,
    /// The survey of one stage as it would run alone.
    pub(super) alone: Surveyed,
    /// What the database is otherwise than its revision.
    pub(super) drift: Drifted,
    pub(super) review: ReviewPage,
    pub(super) menu_cursor: usize,
    pub(super) remembered: Vec<(StageId, String)>,
    pub(super) run: Option<RunPage>,
    /// Where the run before the last one is written down.
    pub(super) last_transcript: Option<String>,
    pub(super) saved_answers: Option<PathBuf>,
    pub(super) overwrite: Overwrite,
    /// What the command line allows to overwrite.
    pub(super) given_overwrite: Overwrite,
    pub(super) round: Round,
    pub(super) development: bool,
}

impl App {
    /// The wizard as it begins, and what it asks for at once.
    pub fn new(start: Start) -> (Self, Vec<Effect>) {
        let (setup, mut answers) = (start.setup, start.answers);
        answers.state_version();
        let asked = setup.guide.asked();
        let flags = answers.clone();
        let password = setup.guide.variable(database::PASSWORD).unwrap_or(&asked[0].variables[0]);
        let mut app = Self {
            setup,
            image_list: asked.iter().position(|it| it.id == images::SECTION.id).unwrap_or(usize::MAX),
            theme: start.theme,
            host: start.host,
            size: start.size,
            zone: start.zone,
            surroundings: start.surroundings,
            now: Duration::ZERO,
            effects: Vec::new(),
            page: Page::Home,
            trail: Vec::new(),
            overlay: None,
            notice: None,
            forms: asked.iter().map(|section| Form::new(section, &answers)).collect(),
            probes: asked.iter().map(|_| Probe::default()).collect(),
            visited: BTreeSet::new(),
            answers,
            notices: start.notices,
            lost: Vec::new(),
            home: HomePage::new(start.home, start.glance, flags),
            dev: DevelopmentPage::new(password),
            images: ImagesPage::default(),
            survey: Surveyed::default(),
            alone: Surveyed::default(),
            drift: Drifted::default(),
            review: ReviewPage::default(),
            menu_cursor: 0,
            remembered: Vec::new(),
            run: None,
            last_transcript: None,
            saved_answers: None,
            overwrite: start.overwrite,
            given_overwrite: start.overwrite,
            round: Round::default(),
            development: false,
        };
        if start.review {
            app.go(Page::Review);
        } else {
            app.reach_out();
        }
        let effects = std::mem::take(&mut app.effects);
        (app, effects)
    }

    /// The sections that are asked, a page for each.
    pub(super) fn sections(&self) -> Vec<&'static Section> {
        self.setup.guide.asked()
    }

    /// What the page of a section is called.
    pub(super) fn section_title(&self, at: usize) -> &'static str {
        self.sections().get(at).map_or("", |section| section.title)
    }

    /// Has this section a live check?
    pub(super) fn has_check(&self, at: usize) -> bool {
        self.sections().get(at).is_some_and(|section| !self.setup.checks_of(section).is_empty())
    }

    /// The section of the server that did not answer, when that is what failed: it may come back by itself.
    pub(super) fn section_of_server(&self, failure: &Failure) -> Option<usize> {
        let server = failure.code.server().filter(|_| failure.status() == status::UNREACHABLE)?;
        self.sections().iter().position(|section| section.id == server)
    }

    /// Asks for something to be done.
    pub(super) fn want(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// The innermost thing that takes keys.
    pub(super) fn place(&self) -> Place {
        match &self.overlay {
            Some(Overlay::Reading { what: Reading::Verdict(_), .. }) => Place::Verdict,
            Some(Overlay::Help | Overlay::Reading { .. }) => Place::Reading,
            Some(Overlay::Leave { .. }) => Place::Leave,
            Some(Overlay::Alone { .. }) => Place::Alone,
            Some(Overlay::Undo { .. }) => Place::Undo,
            Some(Overlay::Confirm { .. }) => Place::Confirm,
            Some(Overlay::Ask(_)) => Place::Ask,
            None => self.place_on_page(),
        }
    }

    /// The same, whatever stands in front of the page.
    pub(super) fn place_on_page(&self) -> Place {
        match self.page {
            Page::Home if self.home.path.is_some() => Place::Path,
            Page::Home if self.home.search_open => Place::Search,
            Page::Home => Place::Home,
            Page::Development => Place::Development,
            Page::Section(at) if at == self.image_list && self.images.search_open => Place::Search,
            Page::Section(at) if at == self.image_list && !self.images.in_fields => Place::Images,
            Page::Section(at) => match self.forms.get(at).and_then(Form::field) {
                Some(field) if field.variable.is_secret() => Place::Secret,
                _ => Place::Text,
            },
            Page::Review => Place::Review,
            Page::Menu => Place::Menu,
            Page::Run => match &self.run {
                Some(run) if run.search_open => Place::Search,
                Some(run) if run.has_ended() && run.log_open => Place::Log,
                Some(run) if run.has_ended() => Place::Receipt,
                _ => Place::Run,
            },
        }
    }

    /// What the cluster is called, as far as that is typed: a run has all answers, and asks [`Settings`].
    ///
    /// [`Settings`]: crate::guide::Settings
    pub(super) fn name(&self) -> String {
        let given = |key| self.answers.given(key)?.shown(self.setup.guide.variable(key)?);
        let host = given(database::ADDRESS).map(|text| text.rsplit_once(':').map_or(text, |(host, _)| host));
        given(general::NAME).or(host).unwrap_or_default().to_owned()
    }

    /// Is anything wrong or missing in the answers of a section?
    pub(super) fn problems_of(&self, at: usize) -> Vec<Failure> {
        self.forms.get(at).map(|form| problems_of(form.section, &self.answers)).unwrap_or_default()
    }

    /// What a person should hear about the answers of a section.
    pub(super) fn notes_of(&self, at: usize) -> Vec<Failure> {
        self.forms.get(at).map(|form| form.section.own(self.notes())).unwrap_or_default()
    }

    /// What a person should hear about all the answers.
    pub(super) fn notes(&self) -> Vec<Failure> {
        notes(&self.answers, &self.notices)
    }

    pub(super) fn is_complete(&self, at: usize) -> bool {
        self.forms.get(at).is_some_and(|form| !form.has_errors()) && self.problems_of(at).is_empty()
    }

    /// The sign of a section among the steps.
    pub(super) fn step_sign(&self, at: usize) -> Sign {
        if self.forms.get(at).is_some_and(Form::has_errors) {
            return Sign::Failed;
        }
        let broken_list = at == self.image_list
            && self.images.listed.list.is_none()
            && !self.images.listed.problems.is_empty();
        match (self.probes.get(at).map(|probe| &probe.state), self.found(at)) {
            _ if broken_list => Sign::Failed,
            (Some(ProbeState::Running { .. }), _) => Sign::UnderWay,
            (_, Some(found)) => found.into(),
            _ if self.visited.contains(&at) && self.is_complete(at) => Sign::Done,
            _ => Sign::ToCome,
        }
    }

    /// What the check of a section found, if it has found something.
    pub(super) fn found(&self, at: usize) -> Option<RungState> {
        match &self.probes.get(at)?.state {
            ProbeState::Found(verdict) => Some(verdict.state()),
            ProbeState::Refused(_) => Some(RungState::Failed),
            ProbeState::Idle | ProbeState::Running { .. } => None,
        }
    }

    /// What the check of a section failed by.
    pub(super) fn failures_of(&self, at: usize) -> Vec<Failure> {
        match self.probes.get(at).map(|probe| &probe.state) {
            Some(ProbeState::Found(verdict)) => verdict.failures().cloned().collect(),
            Some(ProbeState::Refused(failures)) => failures.clone(),
            _ => Vec::new(),
        }
    }

    /// Is anything under way whose time is shown?
    pub(super) fn is_busy(&self) -> bool {
        let probing = self.probes.iter().any(|probe| matches!(probe.state, ProbeState::Running { .. }));
        let running = self.run.as_ref().is_some_and(|run| run.is_live());
        probing
            || running
            || self.survey.since.is_some()
            || self.alone.since.is_some()
            || self.drift.since.is_some()
            || self.dev.starting.is_some()
            || self.dev.is_looking
    }

    /// How long something is waited for. The first second passes without a word: most work needs none.
    pub(super) fn waited(&self, since: Option<Duration>) -> Option<String> {
        let seconds = self.now.saturating_sub(since?).as_secs();
        (seconds > 0).then(|| format!("{seconds} s"))
    }

    /// A run under way must not be suspended or left without a word.
    pub(super) fn is_running(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.state.summary.is_none() && run.refused.is_empty())
    }

    pub(super) fn say(&mut self, sign: Sign, text: impl Into<String>) {
        self.notice = Some((sign, text.into()));
    }

    /// Fills the forms anew from the answers.
    pub(super) fn refill(&mut self) {
        self.forms = self.sections().into_iter().map(|section| Form::new(section, &self.answers)).collect();
    }

    /// Which page or dialog is on the screen, and whether a run has ended on it.
    pub(super) fn whereabouts(&self) -> (Page, bool, bool) {
        (self.page, self.overlay.is_some(), self.run.as_ref().is_some_and(RunPage::has_ended))
    }

    /// The exit status on leaving.
    pub fn status(&self) -> u8 {
        self.round.status
    }

    /// The window's title.
    pub fn title(&self) -> String {
        let what = match (self.page, &self.run) {
            (Page::Run, Some(run)) => run.title(),
            (Page::Section(at), _) => self.forms.get(at).map_or("", |form| form.section.title).to_owned(),
            (Page::Review, _) => "Review".to_owned(),
            (Page::Menu, _) => "Menu".to_owned(),
            (Page::Development, _) => "Development".to_owned(),
            _ => "backendai-setup".to_owned(),
        };
        match self.name() {
            name if name.is_empty() || self.page == Page::Home => what,
            name => format!("{what} · {name}"),
        }
    }
}

/// Which survey a message is about.
pub(super) fn surveyed(app: &mut App, survey: Survey) -> &mut Surveyed {
    match survey {
        Survey::Images => &mut app.images.survey,
        Survey::All => &mut app.survey,
        Survey::One(_) | Survey::Undo => &mut app.alone,
    }
}

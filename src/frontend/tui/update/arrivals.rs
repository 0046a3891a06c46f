//! What work brings back. Whatever belongs to older answers is dropped.

use crate::{
    failure::{Code, Failure, status},
    frontend::{
        tui::{
            app::{App, Page, Probe, ProbeState, Reading, surveyed},
            msg::{Effect, Listed, Msg, ProbeId, Survey},
            theme::Sign,
        },
        wizard::{credentials, first_of},
    },
    workflow::{Event, EventKind, Rung, StageState, Verdict},
};

impl App {
    pub(super) fn arrived(&mut self, msg: Msg) {
        match msg {
            Msg::Looked(look) => self.looked(*look),
            Msg::StackSaid(line) => {
                if let Some(lines) = &mut self.dev.starting {
                    lines.push(line);
                }
            }
            Msg::StackUp(stack) => self.stack_is_up(*stack),
            Msg::Loaded(loaded) => self.loaded(*loaded),
            Msg::Home(home) => {
                let heard = |notice: &&Failure| !self.notices.contains(notice);
                let news: Vec<Failure> = home.notices.iter().filter(heard).cloned().collect();
                self.notices.extend(news);
                self.home.take(*home);
            }
            Msg::Glanced(glance) => self.home.glance = Some(glance),
            Msg::Reached(address, accepts) => drop(self.home.reached.insert(address, Some(accepts))),
            Msg::Opened(id, opened) => self.opened(&id, *opened),
            Msg::Climbed(id, rung) => self.climbed(id, rung),
            Msg::Probed(id, result) => self.probed(id, result),
            Msg::Listed { generation, listed } => self.listed(generation, *listed),
            Msg::Surveyed { survey, generation, result } => self.surveyed(survey, generation, result),
            Msg::Drifted(generation, result) if generation == self.drift.generation => {
                self.drift.since = None;
                self.drift.result = Some(result);
            }
            Msg::Drifted(..) => {}
            Msg::Ran(event) => self.happened(&event),
            Msg::NotRun(failures) => self.not_run(failures),
            Msg::Watched(found) => self.watched(found),
            Msg::Remembered(remembered) => self.remembered = remembered,
            Msg::Began(transcript) => {
                if let Some(run) = &mut self.run {
                    run.transcript = Some(transcript);
                }
            }
            Msg::Lost(failure) => {
                self.say(Sign::Warning, failure.what.clone());
                self.lost.push(failure);
            }
            Msg::AnswersSaved(Ok(path)) => self.saved_answers = Some(path),
            Msg::AnswersSaved(Err(failure)) => {
                self.say(Sign::Warning, format!("answers not saved: {}", failure.what));
            }
            Msg::LogSaved(Ok(path)) => self.say(Sign::Done, format!("Log saved: {}", path.display())),
            Msg::LogSaved(Err(failure)) => {
                self.say(Sign::Warning, format!("Log not saved: {}", failure.what));
            }
            Msg::Samples(Ok((metadata, aliases))) => self.samples_copied(&metadata, &aliases),
            Msg::Samples(Err(failure)) | Msg::Keypairs(Err(failure)) => self.say(Sign::Failed, failure.what),
            Msg::Back(result) => self.came_back(result),
            Msg::Keypairs(Ok(text)) => {
                if let Some(path) = credentials(&self.answers) {
                    self.read(Reading::Keypairs(path, text));
                }
            }
            Msg::Key(_) | Msg::Paste(_) | Msg::Resize(..) | Msg::Tick(_) | Msg::Signal(_) | Msg::Suspend => {}
        }
    }

    fn listed(&mut self, generation: u64, listed: Listed) {
        if generation != self.images.generation {
            return;
        }
        let sound = listed.list.is_some();
        self.images.take(listed);
        if sound && self.page == Page::Section(self.image_list) {
            self.survey_images();
        }
    }

    fn surveyed(&mut self, survey: Survey, generation: u64, result: Result<Vec<StageState>, Vec<Failure>>) {
        let known = surveyed(self, survey);
        if known.generation == generation {
            known.since = None;
            known.result = Some(result.map_err(in_the_wizard));
            if survey == Survey::Images {
                self.images.compare();
            }
        }
    }

    fn happened(&mut self, event: &Event) {
        let now = self.now;
        if let Some(run) = &mut self.run {
            run.apply(event, now);
        }
        if matches!(event.kind, EventKind::Summary(_)) {
            self.ran();
        }
    }

    fn not_run(&mut self, failures: Vec<Failure>) {
        self.round.status =
            status::first_of(failures.iter().map(Failure::status)).unwrap_or(status::INTERNAL);
        if let Some(run) = &mut self.run {
            run.refused = failures;
        }
    }

    fn watched(&mut self, found: Result<(), Failure>) {
        let Some(run) = &mut self.run else { return };
        let since = match &run.watch.found {
            Some(Ok(since)) => *since,
            _ => self.now,
        };
        run.watch.asking = false;
        run.watch.found = Some(found.map(|()| since));
    }

    /// After an editor the list is read, and checked again.
    fn came_back(&mut self, result: Result<(), Failure>) {
        if let Err(failure) = result {
            self.say(Sign::Failed, failure.what);
        }
        if self.page == Page::Section(self.image_list) {
            self.read_images();
            self.probe(self.image_list, true);
        }
    }

    /// The probe of a section, if it is still this one.
    fn probe_by(&mut self, id: ProbeId) -> Option<&mut Probe> {
        self.probes.get_mut(id.section).filter(|probe| probe.generation == id.generation)
    }

    fn climbed(&mut self, id: ProbeId, rung: Rung) {
        if let Some(ProbeState::Running { rungs, .. }) = self.probe_by(id).map(|probe| &mut probe.state) {
            rungs.push(rung);
        }
    }

    fn probed(&mut self, id: ProbeId, result: Result<Verdict, Vec<Failure>>) {
        let Some(probe) = self.probe_by(id) else { return };
        probe.state = match result {
            Ok(verdict) => ProbeState::Found(verdict),
            Err(failures) => ProbeState::Refused(failures),
        };
        // Told where a person is by now, if that is another page of variables.
        let failures = self.failures_of(id.section);
        if let (Some(first), Page::Section(at)) = (failures.first(), self.page)
            && at != id.section
        {
            let (title, what) = (self.section_title(id.section), first_of(&failures).unwrap_or_default());
            self.say(Sign::Failed, format!("{title}: {what} ({})", first.code));
        }
    }

    /// The run has ended.
    fn ran(&mut self) {
        let Some(run) = &self.run else { return };
        let Some(summary) = &run.state.summary else { return };
        self.round.ended(summary);
        self.notice = None;
        // What was found before the run is no longer true.
        self.survey.result = None;
        self.survey.since = None;
        self.images.survey.result = None;
        self.probes.iter_mut().for_each(Probe::forget);
        let left_out = !run.left_out().is_empty();
        let whole = run.wanted.is_empty() && !left_out;
        let is_undo = run.is_undo;
        let stopped = run.stopping;
        if summary.status != status::SUCCESS {
            // Asked to end by a signal: the orderly stop is over.
            if stopped && summary.status > 128 && summary.status != status::INTERRUPTED {
                return self.quit(self.round.status);
            }
            return self.keep_draft();
        }
        if left_out {
            self.round.ended_without_all();
        }
        self.trail.clear();
        self.overlay = None;
        if is_undo {
            self.round.undid = true;
            self.saved_answers = None;
            return;
        }
        self.want(Effect::SaveAnswers(Box::new(self.answers.clone())));
        // What was left unfinished may be of other servers.
        if whole && (self.home.own.is_none() || self.round.drafted) {
            self.round.changed = false;
            self.want(Effect::ForgetDraft);
        }
        self.keep_draft();
    }
}

/// Here a missing answer has a page of its own; files and flags are the other faces' ways.
fn in_the_wizard(mut problems: Vec<Failure>) -> Vec<Failure> {
    for problem in problems.iter_mut().filter(|problem| problem.code == Code::AnswersMissing) {
        problem.remedy = Some("answer it on its page: `Servers you name` leads there".into());
    }
    problems
}

//! What work brings back. Whatever belongs to older answers is dropped.

use crate::{
    devstack::{Look, Stack},
    failure::{Code, Failure, status},
    frontend::{
        tui::{
            app::{App, Choice, Page, Probe, ProbeState, Reading, surveyed},
            msg::{Effect, Listed, Msg, ProbeId, Survey},
            theme::Sign,
        },
        wizard::{credentials, first_of, start::Loaded},
    },
    workflow::{Event, EventKind, Rung, StageState, Verdict},
};

impl App {
    pub(super) fn arrived(&mut self, msg: Msg) {
        match msg {
            Msg::Looked(look) => self.looked(*look),
            Msg::StackSaid(line) => {
                if let Some(lines) = &mut self.welcome.starting {
                    lines.push(line);
                }
            }
            Msg::StackUp(stack) => self.stack_is_up(*stack),
            Msg::Loaded(loaded) => self.loaded(*loaded),
            Msg::Climbed(id, rung) => self.climbed(id, rung),
            Msg::Probed(id, result) => self.probed(id, result),
            Msg::Listed { generation, listed } => self.listed(generation, *listed),
            Msg::Surveyed { survey, generation, result } => self.surveyed(survey, generation, result),
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
                self.notices.push(failure);
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

    fn looked(&mut self, look: Look) {
        // The choices may be others now; the cursor stays on the one where it was.
        let here = self.choices().get(self.welcome.cursor).copied();
        let is_obstructed = look.obstacle.is_some();
        self.welcome.look = Some(look);
        let choices = self.choices();
        let at = choices.iter().position(|choice| Some(*choice) == here);
        let development = choices.iter().position(|choice| *choice == Choice::Development);
        self.welcome.cursor = at.or(development).unwrap_or_default();
        if std::mem::take(&mut self.welcome.looks_again) && self.notice.is_some() {
            match is_obstructed {
                true => self.say(Sign::Warning, "It is still in the way"),
                false => self.say(Sign::Done, "Nothing is in the way any more; Enter starts"),
            }
        }
    }

    fn stack_is_up(&mut self, stack: Result<Stack, Failure>) {
        self.welcome.starting = None;
        match stack {
            Ok(stack) => {
                let problems = stack.fill(&self.surroundings.environment, &mut self.answers);
                self.filled(problems, true);
            }
            Err(failure) => {
                self.welcome.failures = vec![failure];
                self.want(Effect::Look);
            }
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

    /// All answers are there at once: straight to the review.
    fn filled(&mut self, problems: Vec<Failure>, development: bool) {
        if !problems.is_empty() {
            self.welcome.failures = problems;
            return;
        }
        self.development = development;
        self.refill();
        self.visited = (0..self.forms.len()).collect();
        self.probes.iter_mut().for_each(Probe::forget);
        self.answers_changed(self.image_list);
        self.welcome.path = None;
        self.go(Page::Review);
    }

    fn loaded(&mut self, loaded: Loaded) {
        let problems = match loaded {
            Ok((answers, notices)) => {
                (self.answers, self.notices) = (answers, notices);
                Vec::new()
            }
            Err(problems) => problems,
        };
        let file = self.choices().iter().position(|choice| *choice == Choice::File);
        self.welcome.cursor = file.unwrap_or(self.welcome.cursor);
        self.filled(problems, false);
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
        self.page = Page::Done;
        self.trail.clear();
        self.done_cursor = 0;
        self.overlay = None;
        if is_undo {
            self.round.undid = true;
            self.saved_answers = None;
            return;
        }
        self.want(Effect::SaveAnswers(Box::new(self.answers.clone())));
        if whole {
            self.round.changed = false;
            self.want(Effect::ForgetDraft);
        }
        self.keep_draft();
    }
}

/// Here a missing answer has a page of its own; files and flags are the other faces' ways.
fn in_the_wizard(mut problems: Vec<Failure>) -> Vec<Failure> {
    for problem in problems.iter_mut().filter(|problem| problem.code == Code::AnswersMissing) {
        problem.remedy = Some("answer it on its page: `On servers I name` leads there".into());
    }
    problems
}

//! What work brings back. Whatever belongs to older answers is dropped.

use super::welcome::LOOKING_AGAIN;
use crate::{
    failure::{Code, Failure, status},
    frontend::tui::{
        app::{App, Choice, IMAGES, Page, ProbeState, development_answers, surveyed},
        msg::{Effect, Msg, Survey},
        theme::Sign,
    },
    guide::Answers,
    workflow::{EventKind, Rung, RungState, Verdict},
};

impl App {
    pub(super) fn arrived(&mut self, msg: Msg) -> Vec<Effect> {
        match msg {
            Msg::Looked(look) => {
                // The choices may be others now; the cursor stays on the one where it was.
                let here = self.choices().get(self.welcome.cursor).copied();
                self.welcome.look = Some(*look);
                let choices = self.choices();
                let at = choices.iter().position(|choice| Some(*choice) == here);
                let development = choices.iter().position(|choice| *choice == Choice::Development);
                self.welcome.cursor = at.or(development).unwrap_or_default();
                if self.notice.as_ref().is_some_and(|(_, text)| text == LOOKING_AGAIN) {
                    match self.welcome.look.as_ref().is_some_and(|look| look.obstacle.is_some()) {
                        true => self.say(Sign::Warning, "It is still in the way"),
                        false => self.say(Sign::Done, "Nothing is in the way any more; Enter starts"),
                    }
                }
                Vec::new()
            }
            Msg::StackSaid(line) => {
                if let Some(lines) = &mut self.welcome.starting {
                    lines.push(line);
                }
                Vec::new()
            }
            Msg::StackUp(stack) => {
                self.welcome.starting = None;
                match *stack {
                    Ok(stack) => {
                        let problems = development_answers(&mut self.answers, &stack);
                        self.filled(problems, true)
                    }
                    Err(failure) => {
                        self.welcome.failures = vec![failure];
                        vec![Effect::Look]
                    }
                }
            }
            Msg::Loaded { answers, problems, notices } => self.loaded(*answers, problems, notices),
            Msg::Climbed { section, generation, rung } => self.climbed(section, generation, rung),
            Msg::Probed { section, generation, result } => self.probed(section, generation, result),
            Msg::Listed { generation, listed } => {
                if generation != self.images.generation {
                    return Vec::new();
                }
                let sound = listed.list.is_some();
                self.images.take(*listed);
                if sound && self.page == Page::Section(IMAGES) { self.survey_images() } else { Vec::new() }
            }
            Msg::Surveyed { survey, generation, result } => {
                let known = surveyed(self, survey);
                if known.generation == generation {
                    known.since = None;
                    known.result = Some(result.map_err(in_the_wizard));
                    if survey == Survey::Images {
                        self.images.compare();
                    }
                }
                Vec::new()
            }
            Msg::Ran(event) => {
                let now = self.now;
                if let Some(run) = &mut self.run {
                    run.apply(&event, now);
                }
                if matches!(event.kind, EventKind::Summary(_)) { self.ran() } else { Vec::new() }
            }
            Msg::NotRun(failures) => {
                self.status =
                    status::first_of(failures.iter().map(Failure::status)).unwrap_or(status::INTERNAL);
                if let Some(run) = &mut self.run {
                    run.refused = failures;
                }
                Vec::new()
            }
            Msg::Watched(found) => {
                let now = self.now;
                if let Some(run) = &mut self.run {
                    let since = match &run.watch.found {
                        Some(Ok(since)) => *since,
                        _ => now,
                    };
                    run.watch.asking = false;
                    run.watch.found = Some(found.map(|()| since));
                }
                Vec::new()
            }
            Msg::Remembered(remembered) => {
                self.remembered = remembered;
                Vec::new()
            }
            Msg::Began(transcript) => {
                if let Some(run) = &mut self.run {
                    run.transcript = Some(transcript);
                }
                Vec::new()
            }
            Msg::Lost(failure) => {
                self.say(Sign::Warning, failure.what.clone());
                self.gathered.push(failure);
                Vec::new()
            }
            Msg::Saved(what, Ok(path)) => {
                if what == "answers" {
                    self.saved_answers = Some(path);
                } else {
                    self.say(Sign::Done, format!("{what} saved: {}", path.display()));
                }
                Vec::new()
            }
            Msg::Saved(what, Err(failure)) => {
                self.say(Sign::Warning, format!("{what} not saved: {}", failure.what));
                Vec::new()
            }
            Msg::Samples(Ok((metadata, aliases))) => self.samples_copied(&metadata, &aliases),
            Msg::Samples(Err(failure)) => {
                self.say(Sign::Failed, failure.what);
                Vec::new()
            }
            Msg::Back(result) => {
                if let Err(failure) = result {
                    self.say(Sign::Failed, failure.what);
                }
                if self.page == Page::Section(IMAGES) { self.read_images_again() } else { Vec::new() }
            }
            Msg::Keypairs(Ok(text)) => {
                if let Some(path) = self.credentials() {
                    self.show_keypairs(path, text);
                }
                Vec::new()
            }
            Msg::Keypairs(Err(failure)) => {
                self.say(Sign::Failed, failure.what);
                Vec::new()
            }
            Msg::Key(_) | Msg::Paste(_) | Msg::Resize(..) | Msg::Tick(_) | Msg::Signal(_) | Msg::Suspend => {
                Vec::new()
            }
        }
    }

    /// After an editor the list is read, and checked again.
    fn read_images_again(&mut self) -> Vec<Effect> {
        let mut effects = self.read_images();
        effects.extend(self.probe(IMAGES, true));
        effects
    }

    /// All answers are there at once: straight to the review.
    fn filled(&mut self, problems: Vec<Failure>, development: bool) -> Vec<Effect> {
        if !problems.is_empty() {
            self.welcome.failures = problems;
            return Vec::new();
        }
        self.development = development;
        self.refill();
        self.visited = (0..self.sections().len()).collect();
        for probe in &mut self.probes {
            probe.generation += 1;
            probe.state = ProbeState::Idle;
        }
        let mut effects = self.answers_changed(IMAGES);
        self.welcome.path = None;
        effects.extend(self.go(Page::Review));
        effects
    }

    fn loaded(&mut self, answers: Answers, problems: Vec<Failure>, notices: Vec<Failure>) -> Vec<Effect> {
        if problems.is_empty() {
            self.answers = answers;
            self.gathered = notices;
            self.answers.state_version();
        }
        let file = self.choices().iter().position(|choice| *choice == Choice::File);
        self.welcome.cursor = file.unwrap_or(self.welcome.cursor);
        self.filled(problems, false)
    }

    fn climbed(&mut self, section: usize, generation: u64, rung: Rung) -> Vec<Effect> {
        let probe = self.probes.get_mut(section).filter(|probe| probe.generation == generation);
        if let Some(ProbeState::Running { rungs, .. }) = probe.map(|probe| &mut probe.state) {
            rungs.push(rung);
        }
        Vec::new()
    }

    fn probed(
        &mut self,
        section: usize,
        generation: u64,
        result: Result<Verdict, Vec<Failure>>,
    ) -> Vec<Effect> {
        let Some(probe) = self.probes.get_mut(section).filter(|probe| probe.generation == generation) else {
            return Vec::new();
        };
        let bad = match &result {
            Ok(verdict) => verdict.failures().next().cloned(),
            Err(failures) => failures.first().cloned(),
        };
        probe.was = Some(result.as_ref().map_or(RungState::Failed, Verdict::state));
        probe.state = match result {
            Ok(verdict) => ProbeState::Found(verdict),
            Err(failures) => ProbeState::Refused(failures),
        };
        // Told where a person is by now, if that is another page of variables.
        if let (Some(failure), Page::Section(at)) = (bad, self.page)
            && at != section
        {
            let title = self.section_title(section);
            self.say(Sign::Failed, format!("{title}: {} ({})", failure.what, failure.code));
        }
        Vec::new()
    }

    /// The run has ended.
    fn ran(&mut self) -> Vec<Effect> {
        let Some(run) = &self.run else { return Vec::new() };
        let Some(summary) = &run.state.summary else { return Vec::new() };
        self.status = summary.status;
        self.notice = None;
        // What was found before the run is no longer true.
        self.survey.result = None;
        self.survey.since = None;
        self.images.survey.result = None;
        for probe in &mut self.probes {
            probe.generation += 1;
            probe.state = ProbeState::Idle;
        }
        self.wrote |= summary.changed > 0 || summary.status == status::PARTIAL;
        let left_out = !run.left_out().is_empty();
        let whole = run.wanted.is_empty() && !left_out;
        let stopped = run.stopping;
        if summary.status != status::SUCCESS {
            // Asked to end by a signal: the orderly stop is over.
            if stopped && self.status > 128 && self.status != status::INTERRUPTED {
                return self.quit(self.status);
            }
            return self.keep_draft();
        }
        if left_out {
            // What a person passed over is not done, however well the rest went.
            let earlier = self.passed_over.unwrap_or(status::NOT_AS_WANTED);
            self.status = if self.wrote { status::PARTIAL } else { earlier };
        }
        self.page = Page::Done;
        self.trail.clear();
        self.done_cursor = 0;
        self.overlay = None;
        let mut effects = vec![Effect::SaveAnswers(Box::new(self.answers.clone()))];
        if whole {
            self.changed = false;
            effects.push(Effect::ForgetDraft);
        }
        effects.extend(self.keep_draft());
        effects
    }
}

/// Here a missing answer has a page of its own; files and flags are the other faces' ways.
fn in_the_wizard(mut problems: Vec<Failure>) -> Vec<Failure> {
    for problem in problems.iter_mut().filter(|problem| problem.code == Code::AnswersMissing) {
        problem.remedy = Some("answer it on its page: `On servers I name` leads there".into());
    }
    problems
}

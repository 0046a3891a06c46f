//! What a piece of work is made of: stages, checks, a rendezvous; and what it needs to know.

use std::{path::Path, sync::Arc};

use crate::{
    checks::{self, Check},
    failure::{Code, Failure, shell_word},
    guide::{Default, Guide, Section, did_you_mean, etcd, meant},
    guides::Setup,
    journal::JournaledRun,
    rendezvous::Rendezvous,
    schema::Revision,
    stages::{self, SetupStage},
    workflow::{About, StageId},
};

use super::{OfferLimits, RunOptions};

/// Stages and checks of one piece of work.
pub struct Scope {
    pub(super) setup: &'static Setup,
    pub(super) stages: Vec<SetupStage>,
    pub(super) checks: Vec<Arc<dyn Check>>,
    pub(super) rendezvous: Option<Rendezvous>,
    /// Stages that would run too, were they not to be skipped.
    pub(super) left_out: Vec<StageId>,
    /// Stages that are asked beside the checks whether they could run.
    pub(super) asked: Vec<SetupStage>,
    judges: Option<Judging>,
    /// The run that is put back.
    pub(super) undoes: Option<String>,
    /// No other command shows what it would write.
    pub(super) shows_all: bool,
}

/// Answers are judged, and no server is asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Judging {
    /// Looks secrets up too.
    pub with_secrets: bool,
    /// The answers are a part, to be laid over others: what is missing may stand there.
    pub partial: bool,
}

impl Scope {
    /// Nothing of this setup.
    fn nothing(setup: &'static Setup) -> Self {
        Self {
            setup,
            stages: Vec::new(),
            checks: Vec::new(),
            rendezvous: None,
            left_out: Vec::new(),
            asked: Vec::new(),
            judges: None,
            undoes: None,
            shows_all: false,
        }
    }

    /// These stages, in the guide's order, and every check that they need.
    ///
    /// # Errors
    /// `E-USAGE` for a stage that is not known, with the nearest one that is.
    pub fn stages(
        setup: &'static Setup,
        chosen: &[&str],
        from: Option<&str>,
        skip: &[&str],
    ) -> Result<Self, Failure> {
        let all = (setup.stages)();
        let ids: Vec<StageId> = all.iter().map(|stage| stage.about().id).collect();
        for given in chosen.iter().copied().chain(from).chain(skip.iter().copied()) {
            known(setup, "stage", given, &ids)?;
        }
        let start = from.and_then(|from| ids.iter().position(|id| *id == from)).unwrap_or(0);
        let meant = all
            .into_iter()
            .skip(start)
            .filter(|stage| chosen.is_empty() || chosen.contains(&stage.about().id));
        let (left_out, stages): (Vec<SetupStage>, Vec<SetupStage>) =
            meant.partition(|stage| skip.contains(&stage.about().id));
        if stages.is_empty() {
            return Err(Failure::new(Code::Usage, "no stage is left to run")
                .remedy("name other stages, or fewer under `--skip` and an earlier one under `--from`"));
        }
        let needed: Vec<&str> =
            stages.iter().flat_map(|stage| stage.about().checks.iter().copied()).collect();
        let mut checks: Vec<Arc<dyn Check>> =
            (setup.checks)().into_iter().filter(|check| needed.contains(&check.about().id)).collect();
        // A stage that hands etcd's address on, and nothing that asks there.
        let names_etcd = stages.iter().any(|stage| stage.about().sections.contains(&etcd::SECTION.id));
        if names_etcd && !checks.iter().any(asks_etcd) {
            checks.push(checks::for_manager());
        }
        let left_out = left_out.iter().map(|stage| stage.about().id).collect();
        Ok(Self { stages, checks, left_out, ..Self::nothing(setup) })
    }

    /// What a run wrote, put back: all of it, or these stages.
    ///
    /// # Errors
    /// `E-USAGE` for a stage that is not known, or of which the run wrote nothing.
    pub fn undo(setup: &'static Setup, run: &Arc<JournaledRun>, chosen: &[String]) -> Result<Self, Failure> {
        let ids: Vec<StageId> = (setup.stages)().iter().map(|stage| stage.about().id).collect();
        for given in chosen {
            known(setup, "stage", given, &ids)?;
        }
        let stages = stages::undo(run, |id| chosen.is_empty() || chosen.iter().any(|given| given == id));
        if stages.is_empty() {
            let wrote: Vec<&str> = run.stages().collect();
            return Err(Failure::new(
                Code::Usage,
                format!("run {} wrote nothing in {}", run.id, chosen.join(", ")),
            )
            .remedy(format!("name other stages; it wrote in {}", wrote.join(", "))));
        }
        let needed: Vec<&str> =
            stages.iter().flat_map(|stage| stage.about().checks.iter().copied()).collect();
        let checks =
            (setup.checks)().into_iter().filter(|check| needed.contains(&check.about().id)).collect();
        Ok(Self { stages, checks, undoes: Some(run.id.clone()), shows_all: true, ..Self::nothing(setup) })
    }

    /// The stamp of a revision. What a check finds wrong with the schema is what it is about, so there is none.
    pub fn stamp(setup: &'static Setup, revision: &'static Revision) -> Self {
        let stages: Vec<SetupStage> = vec![Arc::new(stages::StampSchema { revision })];
        Self { stages, shows_all: true, ..Self::nothing(setup) }
    }

    /// The repair of the head, without checks for the same reason.
    pub fn repair(setup: &'static Setup) -> Self {
        let stages: Vec<SetupStage> = vec![Arc::new(stages::RepairSchema)];
        Self { stages, shows_all: true, ..Self::nothing(setup) }
    }

    /// These checks, or all.
    ///
    /// # Errors
    /// `E-USAGE` for a check that is not known, with the nearest one that is.
    pub fn checks(setup: &'static Setup, chosen: &[&str]) -> Result<Self, Failure> {
        let all = (setup.checks)();
        let ids: Vec<&str> = all.iter().map(|check| check.about().id).collect();
        for given in chosen {
            known(setup, "check", given, &ids)?;
        }
        let checks =
            all.into_iter().filter(|check| chosen.is_empty() || chosen.contains(&check.about().id)).collect();
        Ok(Self { checks, ..Self::nothing(setup) })
    }

    /// The checks that are made once this section is answered.
    pub fn section(setup: &'static Setup, section: &Section) -> Self {
        let ids = setup.checks_of(section);
        let checks = (setup.checks)().into_iter().filter(|check| ids.contains(&check.about().id)).collect();
        Self { checks, ..Self::nothing(setup) }
    }

    /// Asks the stages too that need no other checks, and no other answers than these do: what stops a run is no
    /// news for it.
    #[must_use]
    pub fn and_stages(mut self) -> Self {
        let whole = self.checks.len() == (self.setup.checks)().len();
        let checked = |id: &&str| self.checks.iter().any(|check| check.about().id == *id);
        let sections = self.sections();
        let answered = |id: &&str| whole || sections.iter().any(|section| section.id == *id);
        let can_tell = |stage: &SetupStage| {
            let about = stage.about();
            about.checks.iter().all(&checked) && about.sections.iter().all(&answered)
        };
        self.asked = (self.setup.stages)().into_iter().filter(can_tell).collect();
        self
    }

    /// Every stage's answers, judged without a run.
    pub fn everything(setup: &'static Setup, judging: Judging) -> Self {
        let (stages, checks) = ((setup.stages)(), (setup.checks)());
        Self { stages, checks, judges: Some(judging), ..Self::nothing(setup) }
    }

    /// Offers the shared folder to other nodes; the folder is checked when the answers name it.
    pub fn offer(setup: &'static Setup, limits: OfferLimits) -> Self {
        Self::rendezvous(setup, Rendezvous::Offer(limits))
    }

    /// Looks whether this node has the folder that is offered, under this name or the host's own.
    ///
    /// # Errors
    /// `E-USAGE` when the host's name could be any host's.
    pub fn verify(setup: &'static Setup, node: Option<String>) -> Result<Self, Failure> {
        Rendezvous::verify_as(node).map(|rendezvous| Self::rendezvous(setup, rendezvous))
    }

    fn rendezvous(setup: &'static Setup, rendezvous: Rendezvous) -> Self {
        let checks = vec![checks::etcd_answers()];
        Self { checks, rendezvous: Some(rendezvous), ..Self::nothing(setup) }
    }

    /// The stages that are run or asked, as data.
    fn abouts(&self) -> impl Iterator<Item = &'static About> {
        self.stages.iter().chain(&self.asked).map(|stage| stage.about())
    }

    /// Does one of these stages write the file that this variable names?
    pub(super) fn writes(&self, file: &str) -> bool {
        self.abouts().any(|about| about.files.contains(&file))
    }

    /// Flags that none of these stages looks at: ignoring them would mislead.
    pub(super) fn idle_flags(&self, run_options: &RunOptions) -> Vec<Failure> {
        let overwrite = run_options.overwrite;
        let given = [
            (overwrite.mount, "--replace-mount"),
            (overwrite.stale_keys, "--prune"),
            (overwrite.keypairs, "--rotate-keypairs"),
            (overwrite.published, "--replace-published-keys"),
            (overwrite.usage, "--drop-usage"),
            (run_options.fixture.is_some(), "--fixture"),
        ];
        let idle = given.into_iter().filter(|(given, _)| *given).filter_map(|(_, flag)| {
            let looks_at_it = |about: &&About| about.flags.contains(&flag);
            let what = match self.setup.stage_abouts().into_iter().find(looks_at_it) {
                Some(stage) if self.abouts().any(|about| about.id == stage.id) => return None,
                Some(stage) => format!("`{flag}` goes with the stage `{}`, which does not run", stage.id),
                None => {
                    let what = format!("`{flag}` goes with no stage of this guide");
                    return Some(Failure::new(Code::Usage, what).remedy("remove the flag"));
                }
            };
            Some(Failure::new(Code::Usage, what).remedy("remove the flag, or run that stage"))
        });
        idle.collect()
    }

    /// The sections whose answers are needed.
    pub(super) fn sections(&self) -> Vec<&'static Section> {
        let needed: Vec<&str> = self
            .abouts()
            .flat_map(|about| about.sections.iter().copied())
            .chain(self.checks.iter().flat_map(|check| check.about().sections.iter().copied()))
            .collect();
        self.setup.guide.sections.iter().copied().filter(|section| needed.contains(&section.id)).collect()
    }

    /// Is there anything that nobody can guess?
    pub fn needs_answers(&self) -> bool {
        let required = |section: &&Section| {
            section.variables.iter().any(|variable| matches!(variable.default, Default::Required))
        };
        self.sections().iter().any(required)
    }

    pub(super) fn needs(&self, section: &str) -> bool {
        self.sections().iter().any(|needed| needed.id == section)
    }

    /// Are the answers a part, to be laid over others?
    pub(super) fn is_partial(&self) -> bool {
        self.judges.is_some_and(|judging| judging.partial)
    }

    /// The secrets that this work makes use of: to sign in where it asks a server, or to write them down.
    pub(super) fn secrets(&self) -> Vec<&'static str> {
        if self.judges.is_some_and(|judging| !judging.with_secrets) {
            return Vec::new();
        }
        // etcd's is written nowhere.
        let asks_etcd = self.checks.iter().any(asks_etcd);
        let variables = self.sections().into_iter().flat_map(|section| section.variables);
        let secrets = variables.filter(|variable| variable.is_secret()).map(|variable| variable.key);
        secrets.filter(|key| *key != etcd::PASSWORD || asks_etcd).collect()
    }
}

/// Does this check put questions to etcd, and not to somebody who does?
fn asks_etcd(check: &Arc<dyn Check>) -> bool {
    check.about().is_server && check.about().sections.contains(&etcd::SECTION.id)
}

fn known(setup: &Setup, kind: &str, given: &str, ids: &[&str]) -> Result<(), Failure> {
    if ids.contains(&given) {
        return Ok(());
    }
    if let Some(failure) = stray_value(setup.guide, given) {
        return Err(failure);
    }
    let failure = Failure::new(Code::Usage, format!("there is no {kind} `{}`", given.escape_debug()));
    if let Ok(code) = given.parse::<Code>() {
        return Err(failure.remedy(format!("did you mean `--accept {code}`?")));
    }
    // A check where a stage is due, or the other way round.
    let (command, is_other) = match kind {
        "stage" => ("check", setup.check_abouts().iter().any(|about| about.id == given)),
        _ => ("run", setup.stage_abouts().iter().any(|about| about.id == given)),
    };
    if is_other {
        return Err(failure.remedy(format!("did you mean `{command} {given}`?")));
    }
    Err(match did_you_mean(given, ids.iter().copied()) {
        Some(near) => failure.remedy(meant(given, near)),
        None => failure.remedy(format!("the {kind}s are {}", ids.join(", "))),
    })
}

/// The failure for a value where a command, a stage or a check is due: most often its flag was forgotten, since
/// the one before takes a single value.
pub fn stray_value(guide: &Guide, word: &str) -> Option<Failure> {
    let each = |flag: &str| format!("`{flag}` takes one value; for several it is given several times");
    if let Some(variable) = word.split_once('=').and_then(|(key, _)| guide.variable(key)) {
        // The value may be a secret.
        let key = variable.key;
        let failure = Failure::new(Code::Usage, format!("`{key}=…` has no `--set` before it"));
        return Some(match variable.is_secret() {
            true => failure.why("`--set` takes no secret: others see the command line").remedy(format!(
                "write `{{env: NAME}}` or `{{file: PATH}}` in an answers file, or set `{}`",
                variable.env()
            )),
            false => failure.why(each("--set")).remedy(format!("write `--set {key}=VALUE`")),
        });
    }
    let path = Path::new(word);
    let is_yaml =
        path.extension().is_some_and(|it| it.eq_ignore_ascii_case("yml") || it.eq_ignore_ascii_case("yaml"));
    if !is_yaml && !word.contains('/') {
        return None;
    }
    let failure =
        Failure::new(Code::Usage, format!("`{}` has no `--answers` before it", word.escape_debug()));
    Some(failure.why(each("--answers")).remedy(format!("write `--answers {}`", shell_word(word))))
}

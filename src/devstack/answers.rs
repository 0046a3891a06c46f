//! Answers that mean a development stack: the guide's development values, with what this stack has other than those.

use crate::{
    environment::Environment,
    failure::{Failure, shell_word},
    guide::{Answers, Guide, Origin, Variable, database, etcd, storage},
};

use super::Stack;

impl Stack {
    /// Fills answers in, except for those that were given at the command line.
    pub fn fill(&self, environment: &Environment, answers: &mut Answers) -> Vec<Failure> {
        let mut problems = Vec::new();
        for variable in answers.guide().variables() {
            let is_given = answers.given(variable.key).is_some_and(|given| given.origin == Origin::Flag);
            let Some(value) = self.value(environment, variable).filter(|_| !is_given) else { continue };
            problems.extend(answers.set(variable.key, value.into(), Origin::Development).err());
        }
        problems
    }

    fn value(&self, environment: &Environment, variable: &Variable) -> Option<String> {
        match variable.key {
            etcd::ENDPOINTS => Some(format!("localhost:{}", self.etcd.port)),
            database::ADDRESS => Some(format!("localhost:{}", self.postgres.port)),
            storage::MOUNT => Some(self.mount.display().to_string()),
            _ => variable.development.map(|development| development.value(environment)),
        }
    }

    /// What to add to a command line with `--development`, for what is other than the guide's values.
    pub fn flags(&self, environment: &Environment, guide: &Guide) -> Vec<String> {
        let flag = |variable: &Variable| {
            let (value, usual) =
                (self.value(environment, variable)?, variable.development?.value(environment));
            (value != usual).then(|| format!("--set {}={}", variable.key, shell_word(&value)))
        };
        guide.variables().filter_map(flag).collect()
    }
}

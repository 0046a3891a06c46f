//! What stands below the flags in `--help`.

use textwrap::{Options, WordSplitter, fill};

use super::values::{names, stages};

/// Of the program itself: the stages, and what the exit status says.
pub(super) fn after_help() -> String {
    let names = names(stages).join(", ");
    let lines = Options::new(78).initial_indent("  ").subsequent_indent("  ");
    let lines = lines.word_splitter(WordSplitter::NoHyphenation);
    format!("Stages:\n{}\n{STATUSES}", fill(&names, lines))
}

const STATUSES: &str = "\
Exit statuses:
  0 success            4 not fit, conflict    8 another run holds the lock
  1 internal error     5 unreachable          9 not as wanted
  2 usage              6 refused             10 an answer is needed
  3 answers or input   7 partly written     129, 130, 143 stopped by a signal
Flags may stand before the command too; `backendai-setup COMMAND --help` lists
those that it takes. `backendai-setup explain CODE` tells what a code means.";

/// Of `plan`.
pub(super) const SAVING: &str = "\
A plan can be saved, reviewed, and applied later, as the same user on the same
machine:
  backendai-setup --answers answers.yml plan --summary --out plan.json
  backendai-setup --answers answers.yml apply plan.json
Nothing is saved when a check fails or a stage is in conflict. A saved plan holds
no secret and replaces no file but another saved plan.";

/// Of `apply`.
pub(super) const APPLYING: &str = "\
For example:
  backendai-setup --answers answers.yml apply plan.json
It asks for no confirmation. What may be overwritten and the fixture are those of
the plan; secrets are looked up again, and `{prompt: true}` asks at a terminal.
An edited plan, or one of another release, machine or state directory, is refused
with status 3. When an answer, the image list, the fixture or something on the
servers has changed since the plan was made, nothing is written: status 9.";

/// Of `schema sql`.
pub(super) const SCRIPT: &str = "\
For those who may not let a program write. For example, from a revision to the
head, in one transaction:
  backendai-setup schema sql 854bd902b1bc > upgrade.sql
  psql -1 -f upgrade.sql backend
The script looks first whether the database is at its beginning, and whether rows
are in its way; then it stops before it changes anything. The beginning of an id
is enough where no other revision begins so.";

/// Of `schema stamp`.
pub(super) const STAMPING: &str = "\
It writes into table `alembic_version` alone, in one transaction, in the place of
what stands there, and refuses where the tables are not those of that revision.";

/// Of `schema repair`.
pub(super) const REPAIRING: &str = "\
It shows the statements, asks, and makes them in one transaction: missing indexes,
defaults, constraints that all rows satisfy, columns that may be empty. What
somebody added, and what cannot come back without losing something, stays as it
is; it says why. `schema diff` shows every difference.";

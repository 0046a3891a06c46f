//! Faces without a screen: everything that writes events down.

mod closing;
mod compared;
mod failure;
mod history;
mod json;
mod logs;
mod nodes;
mod pace;
mod plain;
mod quiet;
mod recorder;
mod reporter;
mod run_state;
mod style;
mod tables;
mod teller;
mod transcript;

pub use closing::{Closing, about_file, closing, next_command};
pub use compared::{ComparedImage, InEtcd, compared_images};
pub use failure::write_failure;
pub use history::{History, LastOutcome, LastRun, ago, history};
pub use json::Json;
pub use logs::{LINES_KEPT, Line, Log, StageLogs, Tone};
pub use nodes::Nodes;
pub use plain::Plain;
pub use quiet::{Quiet, Waits};
pub use recorder::{Recorder, Records, log_file};
pub use reporter::{Reporter, Sink, lost_record};
pub use run_state::{RunState, StageProgress};
pub use style::{Style, is_spoken};
pub use tables::{
    answers_json, write_answers, write_checks, write_images, write_plan, write_plan_summary,
    write_pull_commands, write_status, write_verdicts,
};
pub use teller::Teller;
pub use transcript::Transcript;

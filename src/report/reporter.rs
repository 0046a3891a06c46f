//! Something that writes events down, and where.

use std::{io, path::Path};

use crate::{
    failure::{Code, Failure, words},
    workflow::Event,
};

/// Something that writes events down.
pub trait Reporter {
    /// Writes one event.
    ///
    /// # Errors
    /// When it cannot be written; a closed pipe among them.
    fn report(&mut self, event: &Event) -> io::Result<()>;

    /// Where it writes.
    fn sink(&self) -> Sink<'_> {
        Sink::Stdout
    }
}

/// Where something is written, and so how much it matters when that is lost.
#[derive(Debug, Clone, Copy)]
pub enum Sink<'a> {
    /// The results.
    Stdout,
    /// A file that the user asked for.
    Asked(&'a Path),
    /// A record of ours in the state directory.
    Own(&'a Path),
}

/// What is said when a record of ours is lost: the work is done all the same.
pub fn lost_record(path: &Path, error: &io::Error) -> Failure {
    let what = format!("`{}` is not complete", path.display());
    Failure::new(Code::StateLost, what)
        .why(format!("{}; the work goes on without this record", words(error)))
        .remedy("make room there, or name another folder with `--state-dir`")
}

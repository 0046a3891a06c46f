//! The thin binary: everything is in the library.

use std::process::ExitCode;

use backendai_setup::{cli, frontend::Signals, surroundings::Surroundings};

fn main() -> ExitCode {
    let surroundings = Surroundings::of_process();
    cli::start(Signals::hear(&surroundings), surroundings)
}

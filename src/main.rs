//! The thin binary: everything is in the library.

use std::process::ExitCode;

use backendai_setup::{cli, frontend::Signals};

fn main() -> ExitCode {
    cli::start(Signals::hear())
}

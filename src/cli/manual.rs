//! The manual pages: from the types of the command line, the stages and the table of statuses.

use std::{
    io::{self, Write},
    path::Path,
};

use clap::CommandFactory;
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

use crate::{disk::local, failure::status};

use super::{args::Cli, values::SETUP};

/// The page of the program itself.
///
/// # Errors
/// When it cannot be written.
pub(super) fn page(out: &mut dyn Write) -> io::Result<()> {
    // The help's closing lines are laid out for a terminal; here they are sections.
    let command = Cli::command().after_help("");
    let man = Man::new(command);
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    man.render_subcommands_section(out)?;
    let mut more = Roff::new();
    more.control("SH", ["STAGES"]);
    for about in SETUP.stage_abouts() {
        more.control("TP", []).text([bold(about.id)]).text([roman(about.summary)]);
    }
    more.control("SH", ["EXIT STATUS"]);
    for (status, meaning) in status::ALL {
        more.control("TP", []).text([bold(status.to_string())]).text([roman(*meaning)]);
    }
    more.to_writer(out)
}

/// A page for each command, into a folder that is there: on a thread of the disk.
///
/// # Errors
/// When one cannot be written.
pub(super) fn pages(folder: &Path) -> io::Result<()> {
    clap_mangen::generate_to(Cli::command().after_help(""), folder)?;
    let mut main = Vec::new();
    page(&mut main)?;
    local::write(&folder.join(concat!(env!("CARGO_PKG_NAME"), ".1")), &main)
}

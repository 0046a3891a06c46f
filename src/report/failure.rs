//! The one place that prints a failure.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use crate::{
    failure::{Excerpt, Failure},
    workflow::RungState,
};

use super::style::Style;

/// Prints what failed, where, why and what to do now. Nothing stands behind a path that may be copied.
///
/// # Errors
/// When it cannot be written.
pub fn write_failure(out: &mut impl Write, style: Style, failure: &Failure) -> io::Result<()> {
    let state = if failure.is_warning() { RungState::Warned } else { RungState::Failed };
    writeln!(out, "{} {}  {}", style.sign(state), failure.code, style.text(&failure.what))?;
    write_details(out, style, failure)
}

/// Prints where, why and what to do, below a line that says what failed.
///
/// # Errors
/// When it cannot be written.
pub fn write_details(out: &mut impl Write, style: Style, failure: &Failure) -> io::Result<()> {
    if let Some(place) = &failure.place {
        writeln!(out, "    {}  {}", style.dim("at "), style.text(&place.to_string()))?;
    }
    // Nobody hears a mark below a column.
    if let Some(Excerpt { line, before, from }) = failure.excerpt().filter(|_| !style.words) {
        let (number, before) = (line.to_string(), style.text(before));
        let gap = " ".repeat(number.len());
        writeln!(out, "    {} {before}{}", style.dim(&format!("{number} |")), style.text(from))?;
        writeln!(out, "    {} {}^", style.dim(&format!("{gap} |")), " ".repeat(before.width()))?;
    }
    if let Some(why) = failure.why.as_deref().filter(|why| !why.is_empty()) {
        // A server's log comes in lines; everything else is one.
        for (at, line) in why.lines().enumerate() {
            let label = if at == 0 { "why" } else { "   " };
            writeln!(out, "    {}  {}", style.dim(label), style.text(line))?;
        }
    }
    if let Some(remedy) = failure.remedy.as_deref().filter(|remedy| !remedy.is_empty()) {
        writeln!(out, "    {}  {}", style.dim("do "), style.text(remedy))?;
    }
    Ok(())
}

//! `schema`: what a database has of the manager's schema, and the way from one revision to another as a script.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use serde_json::{Value, json};

use crate::{
    failure::{Code, Failure, status},
    guide::{Guide, database},
    schema::{Difference, Likeness, Revision, Schema},
    session::{Inputs, Operation, SchemaLook, Scope, stopped},
    state::StateDir,
    workflow::RungState,
};

use super::{
    console::{Signals, Terminal},
    differences::{against, both_sides, counted, stamps},
    drive::{Invocation, headless, load},
    headless::{ask, needs_answers, record, write},
};

/// Shows the revision, the head, what lies between, whether the tables are as the revision says, and their sizes.
pub fn show(terminal: &Terminal, signals: &mut Signals, inputs: &Inputs) -> u8 {
    look(terminal, signals, inputs, true, |look| {
        let schema = look.standing.schema;
        terminal.answer("schema", shown(look), status::SUCCESS, || {
            terminal.result(|out| write_shown(out, look, schema).map(drop));
            terminal.tell(look.conflict.as_slice());
        })
    })
}

/// Names everything that is otherwise than the revision says; status 9 where that breaks the manager.
pub fn diff(terminal: &Terminal, signals: &mut Signals, inputs: &Inputs) -> u8 {
    look(terminal, signals, inputs, false, |look| {
        let like = look.likeness();
        let differences = like.as_ref().map(|like| like.differences.as_slice()).unwrap_or_default();
        let is_right = like.as_ref().is_some_and(Likeness::fits);
        let result = json!({
            "address": look.address,
            "database": look.database,
            "revision": look.revision().map(|revision| revision.id),
            "compared_with": like.as_ref().map(|like| like.revision),
            "breaking": differences.iter().filter(|it| it.breaks).count(),
            "harmless": differences.iter().filter(|it| !it.breaks).count(),
            "differences": differences,
        });
        let reached = if is_right { status::SUCCESS } else { status::NOT_AS_WANTED };
        terminal.answer("schema_diff", result, reached, || {
            terminal.result(|out| write_diff(terminal, out, look, like.as_ref()));
        })
    })
}

/// Prints the script from one revision to another; no server is asked.
pub fn script(terminal: &Terminal, guide: &Guide, span: Option<&str>) -> u8 {
    let span = match guide.schema.span(span) {
        Ok(span) => span,
        Err(failure) => return terminal.fail(&[failure]),
    };
    let script = guide.schema.script(span);
    let result = json!({ "from": span.from.map(|from| from.id), "to": span.to.id, "script": script });
    terminal.answer("schema_sql", result, status::SUCCESS, || {
        terminal.result(|out| out.write_all(script.as_bytes()));
    })
}

fn look(
    terminal: &Terminal,
    signals: &mut Signals,
    inputs: &Inputs,
    with_sizes: bool,
    answer: impl FnOnce(&SchemaLook) -> u8,
) -> u8 {
    if !inputs.say_something() {
        return needs_answers(terminal);
    }
    headless(terminal, signals, async |signals| {
        let scope = Ok(Scope::section(inputs.setup, &database::SECTION));
        let operation = Operation::Status;
        let session = load(terminal, signals, inputs, scope, operation).await?;
        let looked = tokio::select! {
            looked = session.look_at_schema(with_sizes) => looked,
            status = signals.next() => {
                return Err(terminal.end(status, &[stopped(status, "nothing was written")]));
            }
        };
        looked.map(|look| answer(&look)).map_err(|failure: Failure| terminal.fail(&[failure]))
    })
}

fn place(schema: &Schema, revision: &Revision) -> String {
    format!("{}, number {} of {}: {}", revision.id, revision.number, schema.chain.len(), revision.title)
}

/// The revisions that lie between this one and the head.
fn ahead(schema: &Schema, revision: Option<&Revision>) -> &'static [Revision] {
    revision.map_or(&[], |revision| &schema.chain[revision.number..])
}

fn shown(look: &SchemaLook) -> Value {
    let schema = look.standing.schema;
    let like = look.likeness();
    let count = |breaks: bool| {
        like.as_ref().map(|like| like.differences.iter().filter(|it| it.breaks == breaks).count())
    };
    let ahead: Vec<Value> = ahead(schema, look.revision())
        .iter()
        .map(
            |revision| json!({ "number": revision.number, "revision": revision.id, "title": revision.title }),
        )
        .collect();
    json!({
        "address": look.address,
        "database": look.database,
        "revision": look.revision().map(|revision| revision.id),
        "number": look.revision().map(|revision| revision.number),
        "stamps": look.standing.revisions,
        "head": schema.head,
        "ahead": ahead,
        "compared_with": like.as_ref().map(|like| like.revision),
        "breaking": count(true),
        "harmless": count(false),
        "tables": look.sizes,
    })
}

fn write_shown(out: &mut dyn Write, look: &SchemaLook, schema: &Schema) -> io::Result<()> {
    writeln!(out, "database  {} on {}", look.database, look.address)?;
    let revision = match (look.revision(), stamps(look).as_slice()) {
        (Some(revision), _) => place(schema, revision),
        (None, []) => "none".to_owned(),
        (None, stamps) => format!("{}, which is not one of {}", stamps.join(", "), schema.chain.len()),
    };
    writeln!(out, "revision  {revision}")?;
    let ahead = ahead(schema, look.revision());
    let way = match (look.revision(), ahead.len()) {
        (None, _) => String::new(),
        (Some(_), 0) => ", reached".to_owned(),
        (Some(_), 1) => ", 1 revision ahead".to_owned(),
        (Some(_), several) => format!(", {several} revisions ahead"),
    };
    writeln!(out, "head      {}{way}", schema.head)?;
    for revision in ahead {
        writeln!(out, "          {:>2}  {}  {}", revision.number, revision.id, revision.title)?;
    }
    writeln!(out, "shape     {}", verdict(look))?;
    let width = look.sizes.iter().map(|size| size.name.len()).max().unwrap_or_default();
    for (at, size) in look.sizes.iter().enumerate() {
        let head = if at == 0 { "tables" } else { "" };
        let rows = match (size.rows, size.is_estimate) {
            (None, _) => "may not be read".to_owned(),
            (Some(1), _) => "1 row".to_owned(),
            (Some(rows), true) => format!("about {rows} rows"),
            (Some(rows), false) => format!("{rows} rows"),
        };
        writeln!(out, "{head:<10}{:<width$}  {rows:>15}  {:>9}", size.name, bytes(size.bytes))?;
    }
    Ok(())
}

/// Whether the tables are as the revision says, in one line.
fn verdict(look: &SchemaLook) -> String {
    let Some(like) = look.likeness() else { return "none of the manager's tables is there".to_owned() };
    let counted = counted(&like.differences);
    match (look.revision(), like.differences.len()) {
        (Some(_), 0) => "as the revision says".to_owned(),
        (Some(_), _) => format!("{counted}; `backendai-setup schema diff` names them"),
        (None, 0) => format!("that of revision {}", like.revision),
        (None, _) => format!("nearest to revision {}: {counted}", like.revision),
    }
}

fn bytes(bytes: i64) -> String {
    let kilobytes = bytes / 1024;
    match kilobytes {
        0..10_000 => format!("{kilobytes} kB"),
        10_000..10_000_000 => format!("{} MB", kilobytes / 1024),
        _ => format!("{} GB", kilobytes / 1024 / 1024),
    }
}

fn write_diff(
    terminal: &Terminal,
    out: &mut dyn Write,
    look: &SchemaLook,
    like: Option<&Likeness>,
) -> io::Result<()> {
    let (name, address, style) = (&look.database, &look.address, terminal.style);
    let Some(like) = like else {
        writeln!(out, "Database {name} on {address} has none of the manager's tables.")?;
        return writeln!(out, "`backendai-setup run install-schema` makes them.");
    };
    let against = against(look, like.revision);
    writeln!(out, "Database {} on {address}, compared with {}:", style.text(name), style.text(&against))?;
    for difference in &like.differences {
        write_difference(terminal, out, difference)?;
    }
    writeln!(out, "{}.", sentence(&counted(&like.differences)))
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn write_difference(terminal: &Terminal, out: &mut dyn Write, difference: &Difference) -> io::Result<()> {
    let style = terminal.style;
    let state = if difference.breaks { RungState::Failed } else { RungState::NotNeeded };
    writeln!(out, "{} {}", style.sign(state), style.text(&difference.what))?;
    for (word, line) in both_sides(difference) {
        writeln!(out, "    {word:<10} {}", style.text(line))?;
    }
    if difference.breaks {
        let (word, text) = match (&difference.cure, difference.statement()) {
            (_, Some(sql)) => ("fix", sql.to_owned()),
            (Ok(cure), None) => {
                ("no fix", cure.probe.as_ref().map_or_else(String::new, |it| format!("its rows {}", it.what)))
            }
            (Err(why), None) => ("no fix", why.clone()),
        };
        writeln!(out, "    {word:<10} {}", style.text(&text))?;
    }
    Ok(())
}

/// How `schema stamp` and `schema repair` write.
#[derive(Debug, Default)]
pub struct Writing {
    /// `--yes` was given: nobody has to confirm.
    pub yes: bool,
    /// Where transcripts and journals are kept.
    pub state_dir: Option<PathBuf>,
}

/// Writes the stamp of a revision, after showing what stands there.
pub fn stamp(invocation: &Invocation<'_>, signals: &mut Signals, revision: &str, work: Writing) -> u8 {
    let setup = invocation.inputs.setup;
    let scope = setup.guide.schema.meant(revision).map(|revision| Scope::stamp(setup, revision));
    write_confirmed(invocation, signals, scope, work, "Stamp it?")
}

/// Puts back what can be put back, after showing the statements.
pub fn repair(invocation: &Invocation<'_>, signals: &mut Signals, work: Writing) -> u8 {
    let scope = Ok(Scope::repair(invocation.inputs.setup));
    write_confirmed(invocation, signals, scope, work, "Repair this?")
}

fn write_confirmed(
    invocation: &Invocation<'_>,
    signals: &mut Signals,
    scope: Result<Scope, Failure>,
    work: Writing,
    question: &str,
) -> u8 {
    let Invocation { terminal, inputs, .. } = invocation;
    if let Err(failure) = scope {
        return terminal.fail(&[failure]);
    }
    if !inputs.say_something() {
        return needs_answers(terminal);
    }
    headless(terminal, signals, async |signals| {
        let session = invocation.load(signals, scope, Operation::Run).await?;
        if !work.yes && !terminal.can_ask() {
            let what = "nobody can confirm that something may be written";
            let failure = Failure::new(Code::NeedsConfirmation, what)
                .why("the command asks before it writes, and there is no terminal to ask at")
                .remedy("give `--yes`");
            return Err(terminal.fail(&[failure]));
        }
        let folder = StateDir::find(work.state_dir, inputs.surroundings().clone());
        let session = match work.yes {
            true => session,
            false => {
                let confirmed = ask(terminal, signals, &session, question).await?;
                session.confirmed(Some(confirmed))
            }
        };
        let recorder = record(invocation, signals, &session, folder).await?;
        Ok(write(invocation, signals, &session, recorder).await)
    })
}

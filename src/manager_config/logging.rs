//! What `logging.config.fileConfig` needs, which alembic's `env.py` calls with `alembic.ini`
//! (`Lib/logging/config.py`; what older versions of Python need counts).

use super::ini::{Ini, Unfit};

/// Why `fileConfig` would fail, where it would.
///
/// # Errors
/// A `%` in a value that it reads, which ConfigParser refuses.
pub(super) fn remark(ini: &Ini) -> Result<Option<Unfit>, Unfit> {
    let mut missing = None;
    let mut note = |unfit: Unfit| missing = missing.take().or(Some(unfit));
    let mut lists = Vec::new();
    for kind in ["formatter", "handler", "logger"] {
        let list = format!("{kind}s");
        let names = match ini.get(&list, "keys", &[])?.filter(|_| ini.has(&list)) {
            Some(keys) => split(&keys),
            None => {
                let what = if ini.has(&list) { "has no `keys`" } else { "is missing" };
                note(Unfit { line: line_of(ini, &list), why: format!("the section `[{list}]` {what}") });
                Vec::new()
            }
        };
        for name in &names {
            for unfit in section(ini, kind, name, &list)? {
                note(unfit);
            }
        }
        lists.push(names);
    }
    let [formatters, handlers, loggers] = lists.as_slice() else { return Ok(missing) };
    if ini.has("loggers") && !loggers.iter().any(|name| name == "root") {
        note(Unfit {
            line: line_of(ini, "loggers"),
            why: "the section `[loggers]` does not name `root`".into(),
        });
    }
    for name in handlers {
        let section = format!("handler_{name}");
        let used = ini.get(&section, "formatter", &[])?.filter(|it| !it.is_empty());
        if let Some(unknown) = used.filter(|it| !formatters.contains(it)) {
            let why = format!("`formatter` is `{unknown}`, which `[formatters]` does not name");
            note(Unfit { line: line_of(ini, &section), why });
        }
    }
    for name in loggers {
        let section = format!("logger_{name}");
        let used = split(&ini.get(&section, "handlers", &[])?.unwrap_or_default());
        if let Some(unknown) = used.iter().find(|it| !handlers.contains(it)) {
            let why = format!("`handlers` has `{unknown}`, which `[handlers]` does not name");
            note(Unfit { line: line_of(ini, &section), why });
        }
    }
    Ok(missing)
}

/// What the section of one formatter, handler or logger lacks.
fn section(ini: &Ini, kind: &str, name: &str, list: &str) -> Result<Vec<Unfit>, Unfit> {
    let section = format!("{kind}_{name}");
    if !ini.has(&section) {
        let why = format!("the section `[{section}]` is missing, which `[{list}]` names");
        return Ok(vec![Unfit { line: line_of(ini, list), why }]);
    }
    let (needed, read): (&[&str], &[&str]) = match kind {
        // Its other values are read as they stand.
        "formatter" => (&[], &["class"]),
        "handler" => (&["class", "args"], &["class", "args", "level", "formatter"]),
        _ if name == "root" => (&["handlers"], &["handlers", "level"]),
        _ => (&["handlers", "qualname"], &["handlers", "qualname", "propagate", "level"]),
    };
    let mut unfit = Vec::new();
    for key in read {
        if ini.get(&section, key, &[])?.is_none() && needed.contains(key) {
            let why = format!("the section `[{section}]` has no `{key}`");
            unfit.push(Unfit { line: line_of(ini, &section), why });
        }
    }
    Ok(unfit)
}

fn line_of(ini: &Ini, section: &str) -> Option<usize> {
    ini.sections.get(section).map(|section| section.line)
}

fn split(names: &str) -> Vec<String> {
    if names.is_empty() {
        return Vec::new();
    }
    names.split(',').map(|name| super::ini::strip(name).to_owned()).collect()
}

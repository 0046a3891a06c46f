//! `alembic.ini`: what the manager's alembic reads from it, and our one value in it.

use secrecy::{ExposeSecret, SecretString};

use super::ini::{Ini, Raw, Unfit, indent, is_blank, lines};

const KEY: &str = "sqlalchemy.url";
const SCRIPTS: &str = "script_location";

/// An `alembic.ini` with our URL in it.
#[derive(Debug)]
pub struct Edited {
    /// The whole text; the old one when the manager would read the right URL from it already.
    pub text: SecretString,
    /// Where alembic looks for its scripts.
    pub scripts: String,
    /// Why the logging of alembic's `env.py` could not be set up from it, where it could not.
    pub remark: Option<Unfit>,
}

/// Puts a URL, spelt for ConfigParser, into an `alembic.ini` that lies in the folder `here`, keeping every other
/// line as it is.
///
/// # Errors
/// When the manager could not read the file: `alembic` is as strict as ConfigParser.
pub fn set_alembic_url(text: &str, url: &SecretString, here: &str) -> Result<Edited, Unfit> {
    let url = url.expose_secret();
    let before = Ini::parse(text)?;
    let section =
        before.sections.get("alembic").ok_or_else(|| Unfit::of_all("it has no section `[alembic]`"))?;
    let given = [("here", here)];
    let scripts = scripts(&before, section.line, &given)?;
    let remark = super::logging::remark(&before)?;
    let edited = |text: String| Edited { text: text.into(), scripts, remark };
    // Through `[DEFAULT]` and `%(NAME)s` too: what counts is what the manager reads.
    let is_right =
        matches!(before.get("alembic", KEY, &given), Ok(Some(read)) if read == url.replace("%%", "%"));
    let out =
        if is_right { text.to_owned() } else { splice(text, url, section.line, section.options.get(KEY)) };

    // What is left behind must hold together for ConfigParser, whatever stood there.
    let after = Ini::parse(&out)?;
    let names = ["alembic", "DEFAULT"].into_iter().filter_map(|name| after.sections.get(name));
    for key in names.flat_map(|section| section.options.keys()) {
        // Alembic hands all of them to SQLAlchemy.
        after.get("alembic", key, &given)?;
    }
    let left = after.get("alembic", KEY, &given)?;
    if left != Some(url.replace("%%", "%")) || !is_else_the_same(&before, &after) {
        return Err(Unfit::of_all("the lines around `sqlalchemy.url` would run into it"));
    }
    Ok(edited(out))
}

fn scripts(ini: &Ini, header: usize, given: &[(&str, &str)]) -> Result<String, Unfit> {
    let Some(raw) = ini.raw("alembic", SCRIPTS) else {
        return Err(Unfit::at(header, format!("section `[alembic]` has no `{SCRIPTS}`")));
    };
    let value = ini.get("alembic", SCRIPTS, given)?.unwrap_or_default();
    if value.is_empty() {
        return Err(Unfit::at(raw.line, format!("`{SCRIPTS}` is empty; the manager's own is `alembic`")));
    }
    if let Some(last) = raw.below.last() {
        let why = format!("`{SCRIPTS}` goes on to line {last}, because that line begins with blanks");
        return Err(Unfit::at(raw.line, why));
    }
    if let Some(control) = value.chars().find(|letter| letter.is_control()) {
        let why = format!("`{SCRIPTS}` has the control character U+{:04X}", u32::from(control));
        return Err(Unfit::at(raw.line, why));
    }
    Ok(value)
}

fn is_else_the_same(before: &Ini, after: &Ini) -> bool {
    let texts = |ini: &Ini| -> Vec<(String, String, String)> {
        let options = ini.sections.iter().flat_map(|(name, section)| {
            section.options.iter().map(move |(key, raw)| (name.clone(), key.clone(), raw.text.clone()))
        });
        options.filter(|(name, key, _)| (name.as_str(), key.as_str()) != ("alembic", KEY)).collect()
    };
    before.sections.keys().eq(after.sections.keys()) && texts(before) == texts(after)
}

/// The text with the URL in the place of the old one, or below the header of its section.
fn splice(text: &str, url: &str, header: usize, old: Option<&Raw>) -> String {
    let all = lines(text);
    let ending = |line: &str| line[line.trim_end_matches(['\r', '\n']).len()..].to_owned();
    let mut out = String::with_capacity(text.len() + url.len());
    for (number, line) in (1..).zip(&all) {
        match old {
            Some(old) if number == old.line => {
                let name = line.split(['=', ':']).next().unwrap_or_default().trim();
                out.push_str(&format!("{}{name} = {url}{}", indent(line), ending(line)));
            }
            // Comments and blank lines between them stay.
            Some(old) if old.below.contains(&number) => {}
            None if number == header => {
                let end = if ending(line).is_empty() { "\n".to_owned() } else { ending(line) };
                // As deep as what follows, which would continue our value otherwise.
                let depth = all[number..].iter().find(|line| !is_blank(line)).map_or("", |line| indent(line));
                out.push_str(line.trim_end_matches(['\r', '\n']));
                out.push_str(&format!("{end}{depth}{KEY} = {url}{end}"));
            }
            _ => out.push_str(line),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Result<String, Unfit> {
        let edited = set_alembic_url(text, &"URL".into(), "/here");
        edited.map(|edited| edited.text.expose_secret().to_owned())
    }

    #[test]
    fn one_line_changes_and_the_rest_stays() {
        let head = "# c\n[alembic]\nscript_location = alembic\n";
        let tail = "# sqlalchemy.url = not this\n\n[loggers]\nsqlalchemy.url = nor this\n";
        for line in [
            "sqlalchemy.url = old\n",
            "SQLAlchemy.URL: old\n",
            "sqlalchemy.url=old\n  more\n",
            "sqlalchemy.url =\n",
        ] {
            let name = &line[.."sqlalchemy.url".len()];
            assert_eq!(
                set(&format!("{head}{line}{tail}")),
                Ok(format!("{head}{name} = URL\n{tail}")),
                "{line:?}"
            );
        }
        let same = format!("{head}sqlalchemy.url=URL\n{tail}");
        assert_eq!(set(&same), Ok(same));
        assert_eq!(
            set("[alembic]\r\nscript_location = b\r\n"),
            Ok("[alembic]\r\nsqlalchemy.url = URL\r\nscript_location = b\r\n".into())
        );
        assert_eq!(
            set("[DEFAULT]\nscript_location = a\n[alembic]"),
            Ok("[DEFAULT]\nscript_location = a\n[alembic]\nsqlalchemy.url = URL\n".into())
        );
        assert_eq!(
            set("[alembic]\n  script_location = a\n"),
            Ok("[alembic]\n  sqlalchemy.url = URL\n  script_location = a\n".into())
        );
        // A deeper line continues the value above it, whatever it looks like.
        assert_eq!(
            set("[alembic]\nscript_location = 1\nx = y\n  sqlalchemy.url = 2\n"),
            Ok("[alembic]\nsqlalchemy.url = URL\nscript_location = 1\nx = y\n  sqlalchemy.url = 2\n".into())
        );
    }

    #[test]
    fn what_stands_between_the_lines_of_a_url_stays() {
        assert_eq!(
            set(
                "[alembic]\nscript_location = a\nsqlalchemy.url = old\n  # why\n\n  more\n; and\n  more\n# after\n"
            ),
            Ok("[alembic]\nscript_location = a\nsqlalchemy.url = URL\n  # why\n\n; and\n# after\n".into())
        );
        // A carriage return alone ends a line as Python opens a file.
        assert_eq!(
            set("[alembic]\rscript_location = a\rsqlalchemy.url = old\r\n[x]\r"),
            Ok("[alembic]\rscript_location = a\rsqlalchemy.url = URL\r\n[x]\r".into())
        );
    }

    #[test]
    fn a_url_that_the_manager_reads_rightly_stays_as_it_is_written() {
        for text in [
            "[DEFAULT]\nsqlalchemy.url = URL\n[alembic]\nscript_location = a\n",
            "[alembic]\nscript_location = a\nsqlalchemy.url = %(head)sL\nhead = UR\n",
            "[DEFAULT]\nwhole = URL\n[alembic]\nscript_location = %(here)s/a\nsqlalchemy.url = %(whole)s\n",
            "[DEFAULT]\nsqlalchemy.url = %(host)s\n[alembic]\nscript_location = a\n[DEFAULT]\nhost = URL\n",
        ] {
            assert_eq!(set(text), Ok(text.to_owned()));
            let other = text.replace("UR", "U_R");
            assert!(set(&other).is_ok_and(|changed| changed.contains("sqlalchemy.url = URL\n")), "{other}");
        }
        let doubled = "[alembic]\nscript_location = a\nx = p\nsqlalchemy.url = %(x)s%%40\n";
        let same = set_alembic_url(doubled, &"p%%40".into(), "").expect("it can be read");
        assert_eq!(same.text.expose_secret(), doubled);
    }

    #[test]
    fn logging_that_cannot_be_set_up_is_a_remark() {
        let sample = crate::bundle::ALEMBIC_INI;
        let remark = |text: &str| {
            set_alembic_url(text, &"URL".into(), "").map(|edited| edited.remark.map(|unfit| unfit.line))
        };
        assert_eq!(remark(sample), Ok(None));
        let line = |text: &str| sample.lines().position(|line| line == text).map(|at| at + 1);
        for (old, new, expected) in [
            ("[loggers]", "[others]", None),
            ("keys = root,sqlalchemy", "keys = sqlalchemy", line("[loggers]")),
            ("[logger_alembic]", "[logger_other]", line("[loggers]")),
            ("keys = generic", "", line("[formatters]")),
            ("formatter = generic", "formatter = other", line("[handler_console]")),
            ("args = (sys.stderr,)", "", line("[handler_console]")),
            ("qualname = alembic", "", line("[logger_alembic]")),
        ] {
            assert!(sample.contains(old));
            assert_eq!(remark(&sample.replacen(old, new, 1)), Ok(Some(expected)), "{old}");
        }
    }

    #[test]
    fn files_that_the_manager_could_not_read() {
        for (text, line) in [
            ("", None),
            ("[other]\n", None),
            ("[alembic]\n", Some(1)),
            ("[alembic]\nscript_location = a\n[alembic]\n", Some(3)),
            ("[alembic]\nsqlalchemy.url = a\nSQLALCHEMY.URL = b\n", Some(3)),
            ("[alembic]\nscript_location = a\n[x]\na = 1\nA : 2\n", Some(5)),
            ("[alembic]\nscript_location = a\n[x]\n[x]\n", Some(4)),
            ("[alembic]\nword\n", Some(2)),
            ("a = b\n[alembic]\n", Some(1)),
            ("[alembic\n", Some(1)),
            ("[]\n", Some(1)),
            ("[alembic]\n= a\n", Some(2)),
            ("[alembic]\nscript_location = a\0b\n", Some(2)),
            ("[alembic]\nscript_location =\n", Some(2)),
            ("[alembic]\nscript_location = a\n  sqlalchemy.url = b\n", Some(2)),
            ("[DEFAULT]\nx =\n[alembic]\nscript_location = %(x)s\n", Some(4)),
            ("[alembic]\nscript_location = a\n[b]c]\n", Some(3)),
            ("[DEFAULT]\na = 1\n[alembic]\nscript_location = a\n[DEFAULT]\nA = 2\n", Some(6)),
            ("[alembic]\nscript_location = 100%\n", Some(2)),
            ("[alembic]\nscript_location = %(nowhere)s\n", Some(2)),
            ("[alembic]\nscript_location = %(script_location)s\n", Some(2)),
            ("[alembic]\nscript_location = a\n[loggers]\nkeys = %x\n", Some(4)),
        ] {
            assert_eq!(set(text).map_err(|unfit| unfit.line), Err(line), "{text:?}");
        }
    }
}

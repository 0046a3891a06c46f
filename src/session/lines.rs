//! Which lines of a file may be shown beside a problem: none that could hold a secret.

use crate::guide::Guide;

/// What a file is meant to hold.
#[derive(Debug, Clone, Copy)]
pub(super) enum FileContent {
    /// Answers to this guide: passwords among them.
    Answers(&'static Guide),
    /// Rows with secret keys.
    Fixture,
    /// Nothing secret, unless the wrong file was named.
    Images,
}

/// Looks at a file line by line. A key that is not known may be a misspelt password, so it is shown without what
/// stands behind it, and what stands below it is not shown at all.
pub(super) struct Lines {
    holds: FileContent,
    hidden: Hidden,
}

/// Since when lines are hidden.
#[derive(Clone, Copy)]
enum Hidden {
    Not,
    /// Below a key with this indentation, until a key that is known stands at its side or further left.
    Below(usize),
    /// Behind an open quote nobody knows where the text ends.
    All,
}

/// Fields of a fixture that hold no key.
const FIXTURE: &[&str] = &[
    "keypairs",
    "user_id",
    "is_admin",
    "is_active",
    "resource_policy",
    "concurrency_limit",
    "concurrency_used",
    "rate_limit",
    "num_queries",
];

impl Lines {
    /// The lines of a file that is meant to hold this; the function is asked for every line in order, and gives what
    /// may be shown of it.
    pub(super) fn of(holds: FileContent) -> impl FnMut(&str) -> Option<String> {
        let mut lines = Self { holds, hidden: Hidden::Not };
        move |line| lines.shown(line)
    }

    fn shown(&mut self, line: &str) -> Option<String> {
        let bare = line.trim_start_matches([' ', '\t']);
        let indentation = line.len() - bare.len();
        let start = line.len() - bare.trim_start_matches([' ', '-', '{', '[']).len();
        let keys = keys(line);
        let first = keys.first().filter(|key| key.begin == start);
        let all_known = keys.iter().all(|key| self.is_known(key.name));
        match self.hidden {
            Hidden::All => return None,
            Hidden::Below(left) if first.is_none() || !all_known || indentation > left => {
                // What is hidden may open a quote too.
                self.hide(line, left.min(indentation));
                return None;
            }
            _ if bare.is_empty() || bare.starts_with('#') => return None,
            _ => self.hidden = Hidden::Not,
        }
        if !all_known {
            self.hide(line, indentation);
        }
        if is_suspect(line) {
            return None;
        }
        match first {
            Some(key) if !all_known => Some(format!("{}…", line.get(..key.value)?)),
            Some(_) => Some(line.to_owned()),
            // An item of the list that the last key names.
            None if matches!(self.holds, FileContent::Images) || bare.starts_with("- ") => {
                Some(line.to_owned())
            }
            None => None,
        }
    }

    fn hide(&mut self, line: &str, left: usize) {
        let is_open = ['"', '\''].iter().any(|quote| line.matches(*quote).count() % 2 == 1);
        self.hidden = if is_open { Hidden::All } else { Hidden::Below(left) };
    }

    /// Is it known that what stands behind this key is no secret?
    fn is_known(&self, name: &str) -> bool {
        match self.holds {
            FileContent::Images => !is_suspect(name),
            FileContent::Fixture => FIXTURE.contains(&name),
            FileContent::Answers(guide) => {
                let mut open = guide.variables().filter(|variable| !variable.is_secret());
                open.any(|variable| variable.key.split('.').any(|part| part == name))
            }
        }
    }
}

/// Does a line look as if a secret stood in it? A pasted address may bring its password along.
fn is_suspect(line: &str) -> bool {
    let line = line.to_lowercase();
    ["pass", "secret", "pwd", "token", "credential", "private", "://"].iter().any(|word| line.contains(word))
        || (line.contains('@') && ["address", "endpoint", "storage"].iter().any(|key| line.contains(key)))
}

/// What stands before a colon, in bytes of its line.
struct Key<'l> {
    name: &'l str,
    begin: usize,
    /// Behind the colon and one space.
    value: usize,
}

/// Everything in a line that may be a key: what stands before a colon that a space or nothing follows, and before one
/// that follows a quote, as in JSON.
fn keys(line: &str) -> Vec<Key<'_>> {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let key = |(colon, _): (usize, &str)| {
        let (before, behind) = (line.get(..colon)?, line.get(colon + 1..)?);
        let before = before.trim_end();
        let quote = before.chars().next_back().filter(|c| matches!(c, '"' | '\''));
        if quote.is_none() && !behind.is_empty() && !behind.starts_with([' ', '\t', '\r']) {
            return None;
        }
        let before = quote.and_then(|quote| before.strip_suffix(quote)).unwrap_or(before);
        let name = before.get(before.trim_end_matches(is_name).len()..)?;
        let opened = before.len() - name.len() - usize::from(quote.is_some()).min(before.len() - name.len());
        Some(Key { name, begin: opened, value: colon + 1 + usize::from(behind.starts_with(' ')) })
    };
    line.match_indices(':').filter_map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guides::september_2018::GUIDE;

    fn shown(holds: FileContent, text: &str) -> Vec<Option<String>> {
        let shown = Lines::of(holds);
        text.lines().map(shown).collect()
    }

    fn hides(holds: FileContent, text: &str) {
        for line in shown(holds, text).into_iter().flatten() {
            assert!(!line.contains("canary"), "{line:?} of {text:?}");
        }
    }

    #[test]
    fn what_is_known_to_be_open_is_shown() {
        let text = "version: 1\netcd:\n  namespace: a b\n  endpoints:\n    - db\n  password: x\n  user: y\n";
        let found = shown(FileContent::Answers(&GUIDE), text);
        let found: Vec<&str> = found.iter().map(|line| line.as_deref().unwrap_or("-")).collect();
        assert_eq!(
            found,
            ["version: 1", "etcd:", "  namespace: a b", "  endpoints:", "    - db", "-", "  user: y"]
        );
        let found = shown(FileContent::Answers(&GUIDE), "etcd:\n  endpoint: [canary]\n  namespace: a\n");
        assert_eq!(found[1].as_deref(), Some("  endpoint: …"));
        assert_eq!(found[2].as_deref(), Some("  namespace: a"));
        let row = "- {user_id: a@b, is_admin: 1}";
        assert_eq!(shown(FileContent::Fixture, row), [Some(row.to_owned())]);
        let row = r#"  {"user_id": "a@b", "is_admin": 1},"#;
        assert_eq!(shown(FileContent::Fixture, row), [Some(row.to_owned())]);
        let row = r#"      - ["3.6", "ca7b9f52b6c2", "x"]"#;
        assert_eq!(shown(FileContent::Images, row), [Some(row.to_owned())]);
    }

    #[test]
    fn no_secret_is_shown() {
        for text in [
            "database:\n  password: canary\n",
            "database:\n  pasword: canary\n",
            "database:\n  pasword canary\n",
            "database: {user: a, pasword: canary}\n",
            "database:\n  password:\n    canary\n",
            "database:\n  password:\n  canary\n  user: a\n",
            "database:\n  password: |\n    user: canary\n    canary\n",
            "database:\n  pw: \"a\n  user: canary\nname: canary\n",
            "database:\n  password: [a,\n  - canary\n",
            "database:\n  address: postgresql://u:canary@db/x\n",
            "database:\n  address: u:canary@db\n",
            "database:\n  password: a # b\n    canary: x\n",
            "canary\n",
            "database:\n  user: a\n  # password: canary\n",
            "database:\n  'my key': canary\n",
            "\"pass\": canary\n",
            "data base: canary\n  user: canary\n",
        ] {
            hides(FileContent::Answers(&GUIDE), text);
        }
        for text in [
            "- {user_id: a@b, secret_key: canary}\n",
            "- {user_id: a@b, secret_key:\n  canary, is_admin: true}\n",
            "- {user_id: a@b, key:\n  is_admin: canary}\n",
            "- user_id: a\n  secret: canary\n  access_key: canary\n",
            "{\"keypairs\": [{\"secret_key\":\"canary\"}]}",
            "{\"keypairs\": [{\"user_id\": \"a\",\n \"sekret_key\":\n\"canary\"}]}",
        ] {
            hides(FileContent::Fixture, text);
        }
        for text in ["database:\n  password: canary\n", "secret_key:\n  canary\n", "password: 'a\ncanary\n"] {
            hides(FileContent::Images, text);
        }
    }
}

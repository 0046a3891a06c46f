//! The environment file: what a POSIX shell sources before it starts the manager.

use secrecy::{ExposeSecret, SecretString};

use crate::guide::{Database, Etcd};

use super::{assignments, shell};

/// The first line of a new environment file of ours. A file without it is somebody else's; above it only people's
/// comments may stand.
pub(super) const HEADER: &str = "# Written by backendai-setup";
pub use shell::{Cure, Unclear};

/// The variables that are ours, in the order of a new file.
const NAMES: [&str; 6] = [
    "BACKEND_NAMESPACE",
    "BACKEND_ETCD_ADDR",
    "BACKEND_DB_ADDR",
    "BACKEND_DB_NAME",
    "BACKEND_DB_USER",
    "BACKEND_DB_PASSWORD",
];

/// Can it be edited?
///
/// # Errors
/// What cannot be understood.
pub fn is_editable(text: &str) -> Result<(), Unclear> {
    assignments::read(text, &NAMES).map(|_| ())
}

/// The content of the environment file: a new one, or an old one in which nothing but our values changes.
///
/// # Errors
/// What cannot be understood in the old one.
pub fn environment(old: Option<&str>, etcd: &Etcd, database: &Database) -> Result<SecretString, Unclear> {
    let endpoint = etcd.for_manager().map(ToString::to_string).unwrap_or_default();
    let address = database.address.to_string();
    let password = database.password.expose_secret();
    let values = [&etcd.namespace, &endpoint, &address, &database.name, &database.user, password];
    let head = format!("{HEADER}: the variables that the Backend.AI manager reads. Source this file.\n");
    edit(old.unwrap_or(&head), values).map(Into::into)
}

/// The names by which a program chooses how it reads text; the first that is set counts.
const LOCALE: [&str; 3] = ["LC_ALL", "LC_CTYPE", "LANG"];

/// The manager of this day fails with `UnicodeEncodeError` where its locale is not UTF-8. Gives the name that has to be set
/// for one; none where the file chooses it, or where only a shell could tell.
fn locale_to_set(text: &str) -> Option<&'static str> {
    let found = assignments::read(text, &LOCALE).ok()?;
    let value = |name: &str| {
        let of_name = found.assignments.iter().filter(|assignment| assignment.name == name);
        of_name.map(|assignment| assignment.value.as_str()).next_back().filter(|value| !value.is_empty())
    };
    let Some((name, chosen)) = LOCALE.iter().find_map(|name| Some((*name, value(name)?))) else {
        return Some("LANG");
    };
    let codeset = chosen.split('@').next().and_then(|locale| locale.split_once('.'));
    let is_utf8 =
        codeset.is_some_and(|(_, set)| matches!(set.to_ascii_lowercase().as_str(), "utf-8" | "utf8"));
    (!is_utf8).then_some(name)
}

fn edit(text: &str, values: [&str; 6]) -> Result<String, Unclear> {
    let found = assignments::read(text, &NAMES)?;
    let wanted = NAMES.into_iter().zip(values);
    // Nothing is special between single quotes but the quote itself.
    let spelt = |name: &str, value: &str| format!("{name}='{}'", value.replace('\'', r"'\''"));
    let mut out = String::with_capacity(text.len() + 512);
    let mut copied = 0;
    for assignment in &found.assignments {
        let Some((name, value)) = wanted.clone().find(|(name, _)| *name == assignment.name) else { continue };
        let exported = assignment.exported || found.exports.contains(&name);
        if exported && assignment.value == value {
            continue;
        }
        out.push_str(&text[copied..assignment.span.start]);
        copied = assignment.span.end;
        if exported {
            out.push_str(&spelt(name, value));
        } else {
            // What stands beside it is not exported with it.
            let (before, after) = assignment.neighbours;
            if before {
                out.truncate(out.trim_end_matches([' ', '\t']).len());
                if !out.ends_with(';') {
                    out.push(';');
                }
                out.push(' ');
            }
            out.push_str(&format!("export {}{}", spelt(name, value), if after { ";" } else { "" }));
        }
    }
    out.push_str(&text[copied..]);
    let mut missing: Vec<_> = wanted
        .filter(|(name, _)| !found.assignments.iter().any(|assignment| assignment.name == *name))
        .map(|(name, value)| format!("export {}", spelt(name, value)))
        .collect();
    let locale = if values.iter().all(|value| value.is_ascii()) { None } else { locale_to_set(text) };
    missing.extend(locale.map(|name| {
        format!(
            "# What stands above is not all ASCII: the manager needs a UTF-8 locale for it.\nexport {name}='C.UTF-8'"
        )
    }));
    if !missing.is_empty() {
        let ended = out.ends_with('\n');
        out.push_str(if ended { "" } else { "\n" });
        out.push_str(&missing.join("\n"));
        out.push_str(if ended { "\n" } else { "" });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, process::Command};

    use super::*;

    const VALUES: [&str; 6] =
        ["local", "127.0.0.1:2379", "db:5432", "backend", "it's me", "a $b `c` \"d\" \\ '"];

    /// What a real shell hands on to a program after it has read the file; with `-a` also what is not exported.
    fn all_sourced(shell: &str, flags: &str, text: &str) -> Option<BTreeMap<String, String>> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("manager.env");
        std::fs::write(&file, text).expect("written");
        let script = format!("set {flags}; . \"$1\"; exec env -0");
        let mut shell = Command::new(shell);
        shell.args(["-c", &script, "sh"]).arg(&file).env_clear().current_dir("/");
        let output = shell.env("PATH", "/usr/bin:/bin").output().expect("the shell starts");
        let read = String::from_utf8_lossy(&output.stdout).into_owned();
        let pairs = read.split('\0').filter_map(|line| line.split_once('='));
        let pairs = pairs.filter(|(name, _)| *name != "_").map(|(name, value)| (name.into(), value.into()));
        output.status.success().then(|| pairs.collect())
    }

    /// The shells that people source the file in; not every machine has all.
    fn shells() -> Vec<&'static str> {
        let here = |shell: &&str| std::path::Path::new(shell).exists();
        ["/bin/sh", "/bin/dash", "/bin/bash"].into_iter().filter(here).collect()
    }

    fn sourced(text: &str, name: &str) -> Option<String> {
        let all = all_sourced("/bin/sh", "-e", text);
        all.unwrap_or_else(|| panic!("/bin/sh does not read {text}")).remove(name)
    }

    /// Ours are right and exported, others as before, in every shell that reads the file at all.
    fn assert_read(text: &str) {
        let after = edit(text, VALUES).unwrap_or_else(|unclear| panic!("{unclear:?}\n{text}"));
        for shell in shells() {
            let Some(mut before) = all_sourced(shell, "-ea", text) else { continue };
            let read = |flags| {
                all_sourced(shell, flags, &after).unwrap_or_else(|| panic!("{shell}\n{text}\n=>\n{after}"))
            };
            let (exported, mut now) = (read("-e"), read("-ea"));
            for (name, value) in NAMES.iter().zip(VALUES) {
                let found = exported.get(*name).map(String::as_str);
                assert_eq!(found, Some(value), "{shell} {name}\n{text}\n=>\n{after}");
                now.remove(*name);
                before.remove(*name);
            }
            assert_eq!(before, now, "{shell}\n{text}\n=>\n{after}");
        }
        assert_eq!(text.ends_with('\n'), after.ends_with('\n'), "{after}");
        assert_eq!(edit(&after, VALUES).as_ref(), Ok(&after), "a second edit changes nothing");
    }

    const OURS: &[&str] = &[
        "BACKEND_DB_NAME=plain",
        "export BACKEND_DB_NAME=\"two words\" # why",
        "BACKEND_DB_NAME=a BACKEND_DB_USER=b",
        "THEIRS=1 BACKEND_DB_NAME=a LAST=$(echo \"a b\")",
        "export A=1 BACKEND_DB_NAME='x'\\''y' B=2; BACKEND_DB_USER=\"q\\\"\"",
        "BACKEND_DB_NAME=old\nexport BACKEND_DB_NAME",
        "BACKEND_DB_PASSWORD='two\nlines'",
        "if true; then\n  OTHER=1\nfi\nBACKEND_DB_NAME=a;BACKEND_DB_ADDR=\\b",
        "BACKEND_DB_NAME=",
        "export BACKEND_DB_NAME=\\\nabc",
        "BACKEND_DB_PASSWORD=a#b",
        "export BACKEND_DB_PASSWORD=pä한b~c^d!e",
        "export BACKEND_DB_ADDR=[::1]:5432",
        "BACKEND_DB_ADDR='ends\r'",
    ];

    const THEIRS: &[&str] = &[
        "export BACKEND_REDIS_ADDR='r:6379'\n# LANG\nexport LANG=\"C.UTF-8\"\nexport SHOWN=\"$LANG\"",
        "# BACKEND_DB_NAME='comment'\nX=\"${HOME:-a}'s\"",
        "X=a#b",
        "X=ü한",
        "X=[::1]:5432",
        "X=a~b:c",
        "# ends with a carriage return\r",
        "X=$(cat <<END\nBACKEND_DB_NAME=a\nEND\n)",
        "cat <<END >/dev/null\nBACKEND_DB_NAME=a it's \"\nEND",
        "cat <<-'E N D' > /dev/null\n\tBACKEND_DB_NAME=a $( \\\n\tE N D",
        "cat <<A <<B >/dev/null; X=1\na `echo 1`\nA\nb ${X:-2}\nB",
        "cat << \\E | cat > /dev/null\n`\nE\nX=2",
        "X=$((1 << 2))",
        "X=$'a\\n'",
        "X=$'it'\\''s'",
        "X=$'it\\'s'",
        "X=\"$'\"",
        "X=$(case a in a) echo 1;; esac)",
        "f() { X=1; }",
        "X=${Y:-\"}\"}",
        "X='a\r\nb'",
        "X=1\r",
        "\r",
        "true \\\r",
        "X=1 Y=2; Z=3",
        "[ -n \"$X\" ] || X=none",
        "for X in 1 2; do Y=$X; done",
        ": <<END",
        "X=\"a\nb\"",
        "X=`echo \"a b\"`",
        "export X",
        "case \"$LANG\" in *UTF-8) :;; *) Y=1;; esac",
    ];

    #[test]
    fn a_shell_reads_the_values_and_what_others_put_there() {
        let harmless = &THEIRS[..7];
        let mut texts = vec![edit("# ours\n", VALUES).expect("a new file")];
        for theirs in harmless {
            texts.extend(OURS.iter().map(|line| format!("# ours\n{line}\n\n{theirs}")));
        }
        texts.extend(OURS.iter().map(|line| format!("{}\n{line}\n", harmless[0])));
        for text in &texts {
            assert!(shells().iter().all(|shell| all_sourced(shell, "-ea", text).is_some()), "{text}");
            assert_read(text);
        }
        for theirs in [&THEIRS[8..=13], &[THEIRS[14], THEIRS[16]]].concat() {
            assert_read(&format!("# ours\n{theirs}\n"));
        }
    }

    /// Lines put together at random: what is accepted is read as it should be; what every shell reads and is
    /// refused nevertheless is refused for a reason.
    #[test]
    fn what_is_accepted_is_read_by_every_shell() {
        random_lines(150);
    }

    #[test]
    #[ignore = "takes long: `make test-long`"]
    fn what_is_accepted_is_read_by_every_shell_at_length() {
        random_lines(3_000);
    }

    fn random_lines(rounds: usize) {
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        let mut pick = |of: &[&str]| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            of[usize::try_from(seed % of.len() as u64).expect("a small number")].to_owned()
        };
        let (mut accepted, mut refused) = (0, 0);
        for _ in 0..rounds {
            let lines = [pick(THEIRS), pick(OURS), pick(THEIRS), pick(THEIRS), String::new()];
            let text = lines.join("\n");
            if edit(&text, VALUES).is_ok() {
                accepted += 1;
                assert_read(&text);
            } else {
                refused += 1;
            }
        }
        assert!(accepted > refused / 4, "{accepted} accepted, {refused} refused");
    }

    #[test]
    fn a_value_outside_ascii_brings_a_locale() {
        let values = ["local", "e:1", "d:2", "backend", "me", "pässwörd"];
        let after = edit("# ours\n", values).expect("a new file");
        assert_eq!(sourced(&after, "LANG").as_deref(), Some("C.UTF-8"));
        assert_eq!(edit(&after, values).as_ref(), Ok(&after));
        let chosen = edit("# ours\nexport LC_ALL=ko_KR.UTF-8\n", values).expect("a file");
        assert_eq!(sourced(&chosen, "LANG"), None);
        assert!(!edit("# ours\n", VALUES).expect("a new file").contains("LANG"));
        // What is in effect counts: LC_ALL before LC_CTYPE before LANG, and which text it stands for.
        for (chosen, name) in [
            ("export LC_ALL=C", Some("LC_ALL")),
            ("export LC_ALL=POSIX LANG=C.UTF-8", Some("LC_ALL")),
            ("export LANG=ko_KR.EUC-KR", Some("LANG")),
            ("LANG=POSIX; export LANG", Some("LANG")),
            ("export LANG=ko_KR", Some("LANG")),
            ("export LC_CTYPE='C' LANG=C.UTF-8", Some("LC_CTYPE")),
            ("export LC_ALL= LANG='de_DE.UTF-8@euro'", None),
            ("export LC_ALL=C.utf8 LANG=C", None),
            ("export LC_CTYPE=C.UTF-8 LANG=C", None),
            ("export LC_MESSAGES=C LANG=ko_KR.UTF-8", None),
            ("export LANG=\"$THEIRS\"", None),
        ] {
            let text = format!("# ours\n{chosen}\n");
            let after = edit(&text, values).expect("a file");
            let set = name.map(|name| format!("export {name}='C.UTF-8'\n"));
            assert_eq!(after.matches("='C.UTF-8'\n").count(), set.iter().count(), "{chosen}: {after}");
            assert!(after.contains(chosen), "what people wrote stays: {after}");
            if let (Some(set), Some(name)) = (set, name) {
                assert!(after.ends_with(&set), "{chosen}: {after}");
                assert_eq!(sourced(&after, name).as_deref(), Some("C.UTF-8"), "{after}");
            }
            assert_eq!(edit(&after, values).as_ref(), Ok(&after), "a second edit changes nothing");
        }
    }

    #[test]
    fn what_is_not_plain_is_refused_with_its_line() {
        for line in [
            "BACKEND_DB_NAME=$(cat name)",
            "export BACKEND_DB_NAME=\"`cat name`\"",
            "BACKEND_DB_NAME=\"$OTHER\"",
            "BACKEND_DB_NAME='open",
            "X=\"open",
            "BACKEND_DB_NAME=~/x",
            "BACKEND_DB_NAME=a program",
            "BACKEND_DB_NAME+=a",
            "unset BACKEND_DB_NAME",
            "readonly BACKEND_DB_NAME=a",
            "if true; then BACKEND_DB_NAME=a; fi",
            "true && BACKEND_DB_NAME=a",
            "BACKEND_DB_NAME=a || true",
            "(BACKEND_DB_NAME=a)",
            "set() { BACKEND_DB_NAME=a; }",
            "cat <<END\nBACKEND_DB_NAME=a",
            "cat <<$END\nBACKEND_DB_NAME=a\n$END",
            "cat <<<END",
            "X=$(cat <<END\n)\nEND\n)",
            "X=$'it\\'s'",
            "export BACKEND_DB_NAME={a,b}",
            "BACKEND_DB_NAME=a:~",
            "return 0",
            "eval 'BACKEND_DB_NAME=a'",
        ] {
            let refused = edit(&format!("# ours\n{line}\n"), VALUES);
            assert_eq!(refused.map_err(|unclear| unclear.line), Err(2), "{line:?}");
        }
        for line in ["BACKEND_DB_NAME=a\r", "X=1\r", "\r", "X=1 \\\r"] {
            let refused = edit(&format!("# ours\r\n{line}\n"), VALUES);
            assert_eq!(refused.map_err(|unclear| (unclear.line, unclear.cure)), Err((2, Cure::LineEnds)));
        }
        for (text, line) in
            [("BACKEND_DB_NAME=a\n\nexport BACKEND_DB_NAME=a", 4), ("BACKEND_DB_USER= BACKEND_DB_USER=", 2)]
        {
            let refused = edit(&format!("# ours\n{text}\n"), VALUES);
            assert_eq!(refused.map_err(|unclear| (unclear.line, unclear.cure)), Err((line, Cure::KeepOne)));
        }
        // The condition stands on another line, and a pattern's bracket closes nothing.
        for (before, line) in [
            ("true |\n", "export BACKEND_DB_NAME=a"),
            ("false &&\n\n", "export BACKEND_DB_NAME=a"),
            ("", "if false; then case a in a) :;; esac; export BACKEND_DB_NAME=a; fi"),
            ("", "( case a in a) :;; esac; export BACKEND_DB_NAME=a )"),
            ("", "case z in a) :;; b) export BACKEND_DB_NAME=a;; esac"),
        ] {
            let refused = edit(&format!("{before}{line}\n"), VALUES).map_err(|unclear| unclear.line);
            assert_eq!(refused, Err(1 + before.matches('\n').count()), "{before}{line:?}");
        }
    }
}

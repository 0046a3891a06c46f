//! The words of `{command: [PROGRAM, ARGUMENT]}`: what only a shell would understand, and what a text editor put
//! there. No shell is started, so a word is passed on as it stands.

use crate::{
    failure::{Code, Failure},
    text::{first_unseen, name},
    yaml::Node,
};

/// Programs that take such words apart themselves.
const SHELLS: &[&str] = &["sh", "bash", "dash", "ash", "ksh", "zsh", "fish", "busybox", "ssh", "su", "env"];

/// The words, and remarks on those that were hardly meant as they stand. No argument is repeated: it may be a
/// secret.
///
/// # Errors
/// When a word is no text, or the program can be none.
pub(super) fn words(
    key: &str,
    nodes: &[Node],
    file: &str,
) -> Result<(Vec<String>, Vec<Failure>), Box<Failure>> {
    let what = format!("a word of the command of `{key}`");
    let words = nodes.iter().map(|word| word.text(file, &what).map(str::to_owned));
    let words: Vec<String> = words.collect::<Result<_, _>>().map_err(Box::new)?;
    let Some(program) = words.first() else { return Ok((words, Vec::new())) };
    let refuse = |how: &str, why: &str, remedy: &str| {
        let failure =
            Failure::new(Code::AnswersSecret, format!("the program in the command of `{key}` {how}"));
        let failure = failure.why(why).remedy(remedy);
        Err(Box::new(failure.at(nodes[0].place(file))))
    };
    if let Some(unseen) = first_unseen(program) {
        return refuse(
            &format!("holds {unseen}"),
            "a program of that very name is looked for",
            "remove the character; where it was pasted for a space, write two words",
        );
    }
    if shells_mark(program).is_some() {
        return refuse(
            &format!("is `{program}`"),
            "no shell is started, so nothing takes the place of `~` or `$`",
            "write the path in full",
        );
    }
    let told = doubts(&words).into_iter().map(|doubt| {
        let what = format!("word {} of the command of `{key}` {}", doubt.word, doubt.how);
        let node = &nodes[doubt.word - 1];
        Failure::new(Code::AnswersNote, what).why(doubt.why).remedy(doubt.remedy).at(node.place(file))
    });
    let told = told.collect();
    Ok((words, told))
}

/// A word of a command that was hardly meant as it stands.
pub struct Doubt {
    /// Which word, from 1.
    pub word: usize,
    /// What is strange about it, without repeating it.
    pub how: String,
    why: &'static str,
    remedy: &'static str,
}

/// The words of a command that were hardly meant as they stand.
pub fn doubts(words: &[String]) -> Vec<Doubt> {
    let program = words.first().map(|program| program.rsplit('/').next().unwrap_or(program));
    let is_shell = program.is_some_and(|program| SHELLS.contains(&program));
    let doubt = |(at, word): (usize, &String)| {
        let (how, why, remedy) = doubt(word, at == 0, words.len(), is_shell)?;
        Some(Doubt { word: at + 1, how, why, remedy })
    };
    words.iter().enumerate().filter_map(doubt).collect()
}

/// What is strange about a word, why that matters, and what to write.
fn doubt(
    word: &str,
    is_program: bool,
    count: usize,
    is_shell: bool,
) -> Option<(String, &'static str, &'static str)> {
    const AS_IT_STANDS: &str = "no shell is started, so the program gets it as it stands";
    let curly = word.chars().enumerate().find(|(_, c)| matches!(c, '\u{2018}'..='\u{201f}'));
    if let Some((at, curly)) = curly {
        let how = format!("holds the curly quote U+{:04X} as its character {}", u32::from(curly), at + 1);
        return Some((how, "YAML and programs know straight quotes only", "write straight quotes, or none"));
    }
    if is_program && count == 1 && word.contains(' ') {
        let why = "no shell takes it apart: a program of that whole name is looked for";
        return Some(("has spaces in it".into(), why, "write each word as an item: `[PROGRAM, ARGUMENT]`"));
    }
    if is_program {
        return None;
    }
    // A script may have lines.
    let unseen = word
        .chars()
        .enumerate()
        .find(|(_, c)| !matches!(c, '\n' | '\t') && first_unseen(word).map(|it| it.what) == Some(*c));
    if let Some((at, c)) = unseen {
        let how = format!("holds U+{:04X} ({}) as its character {}", u32::from(c), name(c), at + 1);
        return Some((how, AS_IT_STANDS, "remove the character if it was pasted along"));
    }
    let mark = shells_mark(word).filter(|_| !is_shell)?;
    let how = format!("begins with `{mark}`, as a path or name for a shell does");
    Some((how, AS_IT_STANDS, "write the value itself, or start a shell: `[sh, -c, SCRIPT]`"))
}

/// What a shell would put something else for: `~/x`, `$HOME/x`, `${NAME}`.
fn shells_mark(word: &str) -> Option<char> {
    let is_name = |c: char| c.is_ascii_alphabetic() || c == '_';
    match word.strip_prefix('$') {
        Some(rest) if rest.trim_start_matches('{').starts_with(is_name) => Some('$'),
        Some(_) => None,
        None => (word == "~" || word.starts_with("~/")).then_some('~'),
    }
}

//! The page of a database that is not what its revision says: what differs, and what can be done about it.

use crate::{
    failure::{Code, Failure, shell_word},
    frontend::differences::{against, both_sides, counted},
    guide::{Answers, Origin, Variable, database},
    schema::Difference,
    session::SchemaLook,
};

/// Does this say that the tables are not what the revision says?
pub fn is_drift(failure: &Failure) -> bool {
    failure.code == Code::DbShape
}

/// The page, line by line; what is to be run stands on lines of its own.
pub fn lines(look: &SchemaLook, answers: &Answers) -> Vec<String> {
    let Some(like) = look.likeness() else {
        return vec![format!(
            "  Database `{}` on {} has none of the manager's tables.",
            look.database, look.address
        )];
    };
    let mut lines = vec![
        format!(
            "  Database `{}` on {}, compared with {}:",
            look.database,
            look.address,
            against(look, like.revision)
        ),
        format!("  {}.", counted(&like.differences)),
    ];
    for (title, breaks) in [("Breaks the manager", true), ("Does no harm", false)] {
        let mut those = like.differences.iter().filter(|it| it.breaks == breaks).peekable();
        if those.peek().is_some() {
            lines.extend([String::new(), format!("  {title}")]);
        }
        those.for_each(|difference| lines.extend(difference_lines(look, difference)));
    }
    lines.push(String::new());
    lines.extend(way_out(look, answers));
    lines
}

fn difference_lines(look: &SchemaLook, difference: &Difference) -> Vec<String> {
    let mut lines = vec![format!("    {}", difference.what)];
    lines.extend(both_sides(difference).into_iter().map(|(word, line)| format!("      {word:<10}  {line}")));
    let judged = look.repairs.iter().find(|(judged, _)| judged == difference);
    match judged {
        Some((_, None)) => {
            lines.push(format!("      {:<10}  {}", "repair", difference.statement().unwrap_or_default()));
        }
        Some((_, Some(why))) => {
            lines.push(format!("      {:<10}  {why}", "no repair"));
            let by_hand = difference.statement().filter(|_| !difference.is_repairable());
            lines.extend(by_hand.map(|sql| format!("      {:<10}  {sql}", "by hand")));
        }
        None => {}
    }
    lines
}

/// What to run, or why nothing is.
fn way_out(look: &SchemaLook, answers: &Answers) -> Vec<String> {
    let all = look.repairs.len();
    let back = look.repairs.iter().filter(|(_, why)| why.is_none()).count();
    let otherwise = look.conflict.as_ref().and_then(|conflict| conflict.remedy.clone());
    if all == 0 {
        return otherwise.into_iter().map(|remedy| format!("  {remedy}")).collect();
    }
    if back == 0 {
        let why = "`schema repair` would put none of it back.".to_owned();
        return [why].into_iter().chain(otherwise).map(|words| format!("  {words}")).collect();
    }
    let what = if back == all { "all of this".to_owned() } else { format!("{back} of {all}") };
    let mut lines =
        vec![format!("  This puts back {what}; it shows the statements and asks before it writes:")];
    lines.push(format!("    backendai-setup schema repair {}", given(answers)));
    lines.extend(secret(answers).map(|name| format!("  The password comes from `{name}`: set that first.")));
    lines
}

/// The answers as the command takes them: the file that holds them, else each as a flag.
fn given(answers: &Answers) -> String {
    let all = database::SECTION.variables.iter();
    let given: Vec<_> = all.filter_map(|variable| Some((variable, answers.given(variable.key)?))).collect();
    let file = |origin: &Origin| match origin {
        Origin::File(place) => Some(place.file.to_string()),
        _ => None,
    };
    let first = given.first().and_then(|(_, given)| file(&given.origin));
    if let Some(first) = first
        && given.iter().all(|(_, given)| file(&given.origin).as_ref() == Some(&first))
    {
        return format!("--answers {}", shell_word(&first));
    }
    if given.iter().any(|(_, given)| given.origin == Origin::Development) {
        return "--development".to_owned();
    }
    let shown = given.iter().filter(|(variable, _)| variable.key != database::USER_IDS);
    let flags = shown.filter_map(|(variable, given)| {
        Some(format!("--set {}", shell_word(&format!("{}={}", variable.key, given.shown(variable)?))))
    });
    flags.collect::<Vec<_>>().join(" ")
}

/// The name in the environment from which the password is to come; none where the command finds it by itself.
fn secret(answers: &Answers) -> Option<String> {
    let given = answers.given(database::PASSWORD)?;
    let is_asked = matches!(given.origin, Origin::Typed | Origin::Draft);
    let name = answers.guide().variable(database::PASSWORD).map(Variable::env);
    name.filter(|_| is_asked)
}

//! One value of an answers file with its position, and what about it was hardly meant.

use secrecy::{ExposeSecret, SecretString};

use crate::{
    failure::{Code, Failure, Place, Subject},
    text::is_unseen,
};

use super::{Development, Reference, Variable};

/// What stands behind a key: a value, or where the secret is.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// The text itself.
    Text(SecretString),
    /// A mapping that says where the secret is.
    At(Reference),
}

/// One value of an answers file.
#[derive(Debug, Clone)]
pub struct FileValue {
    /// Which variable it is for.
    pub variable: &'static Variable,
    /// Where it stands.
    pub place: Place,
    /// The value, or where the secret is.
    pub value: SecretSource,
}

impl FileValue {
    /// The development value that the guide publishes: hiding it protects nobody.
    pub fn is_published(&self) -> bool {
        match (&self.value, self.variable.development) {
            (SecretSource::Text(text), Some(Development::Value(value))) => text.expose_secret() == value,
            _ => false,
        }
    }

    fn remark(&self, what: String) -> Failure {
        let remark = Failure::new(Code::AnswersNote, what).at(self.place.clone());
        remark.about(Subject::Variable(self.variable.key))
    }

    /// A secret's text that was hardly meant as it stands: it is used, with a remark that does not repeat it.
    pub fn doubtful(&self) -> Option<Failure> {
        let SecretSource::Text(text) = &self.value else { return None };
        let text = text.expose_secret();
        if !self.variable.is_secret() {
            return self.full_width(text);
        }
        let name = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).or(text.strip_prefix('$'));
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        };
        let edges = [text.chars().next(), text.chars().next_back()];
        let (how, remedy) = if name.is_some_and(is_name) {
            ("looks like an environment name of a shell", "if a name is meant, write `{env: NAME}`")
        } else if edges.iter().flatten().any(|c| matches!(c, '\u{2018}'..='\u{201f}')) {
            ("begins or ends with a curly quote", "if quotes are meant for YAML, write straight ones")
        } else if text != text.trim() || edges.iter().flatten().any(|c| is_unseen(*c)) {
            ("begins or ends with a character that nobody sees", "if it was pasted along, remove it")
        } else {
            return None;
        };
        Some(
            self.remark(format!("the text of `{}` {how}", self.variable.key))
                .why("it is used as it stands")
                .remedy(remedy),
        )
    }

    /// Punctuation of another width hardly belongs into an answer: it looks like the one that is meant.
    fn full_width(&self, text: &str) -> Option<Failure> {
        let is_sign = |c: &char| matches!(c, '\u{ff01}'..='\u{ff5e}');
        let sign = text.chars().find(is_sign)?;
        let meant = char::from_u32(u32::from(sign) - 0xfee0)?;
        let what = format!(
            "`{}` holds the full-width `{sign}` (U+{:04X}), which looks like `{meant}`",
            self.variable.key,
            u32::from(sign)
        );
        let remark = self.remark(what).why("it is used as it stands");
        Some(remark.remedy(format!("write `{meant}` if that is meant")))
    }

    /// A remark on a secret that stands without quotes and is followed by ` #`: YAML takes the rest of the line
    /// for a comment. It does not repeat what stands there.
    pub fn cut_off(&self, file: &str) -> Option<Failure> {
        let SecretSource::Text(text) = &self.value else { return None };
        let text = self.variable.is_secret().then(|| text.expose_secret())?;
        let line = file.trim_start_matches('\u{feff}').lines().nth(self.place.line.checked_sub(1)?)?;
        let from = line.char_indices().nth(self.place.column.checked_sub(1)?)?.0;
        let behind = line.get(from..)?.strip_prefix(text)?;
        if !behind.starts_with([' ', '\t']) {
            return None;
        }
        // `# ` and words is how people write comments; `#2024` behind a blank is hardly one.
        let comment = behind.trim_start().strip_prefix('#')?;
        if comment.starts_with([' ', '\t']) && !comment.trim().is_empty() {
            return None;
        }
        let what = format!("the text of `{}` ends before ` #`", self.variable.key);
        let why = "without quotes YAML reads the rest as a comment";
        let remedy = "put quotes around the whole password, or the comment on a line of its own";
        Some(self.remark(what).why(why).remedy(remedy))
    }
}

//! Characters without a picture: which they are, what they are called, and how they are shown.

pub mod fit;

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// A character that nobody sees, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unseen {
    /// The character.
    pub what: char,
    /// Its column in characters, from 1.
    pub column: usize,
}

impl std::fmt::Display for Unseen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "U+{:04X} ({}) at column {}", u32::from(self.what), name(self.what), self.column)
    }
}

/// What kind of character without a picture it is.
pub fn name(c: char) -> &'static str {
    match c {
        '\t' => "tab",
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => "line break",
        '\u{1b}' => "escape character",
        '\u{a0}' | '\u{202f}' => "no-break space",
        '\u{ad}' => "soft hyphen",
        '\u{200b}' => "zero width space",
        '\u{200c}' => "zero width non-joiner",
        '\u{200d}' => "zero width joiner",
        '\u{2060}' => "word joiner",
        '\u{feff}' => "byte order mark",
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            "mark of the writing direction"
        }
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => "Hangul filler",
        '\u{2800}' => "blank Braille pattern",
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => "variation selector",
        '\u{e0000}'..='\u{e007f}' => "tag character",
        c if c.is_control() => "control character",
        c if c.is_whitespace() => "unusual space",
        c if is_mark(c) => "combining mark without a letter",
        _ => "invisible character",
    }
}

/// Has it no picture of its own, wherever it stands? The plain space is none of these.
pub fn is_unseen(c: char) -> bool {
    match c {
        ' '..='~' => false,
        // Of a category with pictures, but blank.
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{2800}' | '\u{3164}'
        | '\u{ffa0}' => true,
        '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => true,
        c => {
            // The standard library's own table: controls, format characters, separators, private use and
            // what is not assigned. Behind a letter, so that a combining mark counts as seen.
            let mut pair = [b'a', 0, 0, 0, 0];
            let length = c.encode_utf8(&mut pair[1..]).len();
            let pair = std::str::from_utf8(&pair[..=length]).unwrap_or_default();
            pair.escape_debug().nth(1) == Some('\\')
        }
    }
}

/// A mark that is drawn upon the character before it.
fn is_mark(c: char) -> bool {
    !c.is_ascii() && !is_unseen(c) && c.escape_debug().next() == Some('\\')
}

/// Part of a picture: emoji are joined by U+200D and made colourful by U+FE0F.
fn is_picture(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{27ff}' | '\u{2900}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{1f000}'..='\u{1faff}')
}

/// The characters of a text, each with whether nobody would see it there: what joins emoji is part of a picture.
fn looked_at(text: &str) -> impl Iterator<Item = (char, bool)> {
    let mut before: Option<char> = None;
    let mut rest = text.chars().peekable();
    std::iter::from_fn(move || {
        let c = rest.next()?;
        let next = rest.peek().copied();
        let in_emoji = match c {
            '\u{200d}' => {
                before.is_some_and(|it| is_picture(it) || it == '\u{fe0f}') && next.is_some_and(is_picture)
            }
            '\u{fe0f}' => {
                before.is_some_and(is_picture)
                    // A key cap: `1`, U+FE0F, U+20E3.
                    || before.is_some_and(|it| matches!(it, '0'..='9' | '#' | '*')) && next == Some('\u{20e3}')
            }
            _ => false,
        };
        let unseen = is_unseen(c) && !in_emoji;
        before = Some(c);
        Some((c, unseen))
    })
}

/// The first character of a text that nobody would see there.
pub fn first_unseen(text: &str) -> Option<Unseen> {
    let is_wrong = |(at, (c, unseen)): &(usize, (char, bool))| *unseen || (*at == 0 && is_mark(*c));
    looked_at(text).enumerate().find(is_wrong).map(|(at, (what, _))| Unseen { what, column: at + 1 })
}

/// The text as it may be shown: what nobody sees as its code point, `\u{200b}`. Line breaks stay where
/// `lines` says so.
pub fn visible(text: &str, lines: bool) -> String {
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_control()) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    for (c, unseen) in looked_at(text) {
        match c {
            '\n' if lines => shown.push(c),
            c if unseen => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// How much of a text a message tells, in characters.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Of all of it.
    pub whole: usize,
    /// Of what stands between two backticks.
    pub quotation: usize,
    /// Of one word.
    pub word: usize,
}

/// A message that quotes values by their beginning: a quotation or a word that is longer than its room is cut off
/// with `…` after some dozens of characters. Backticks stay in pairs, and paths whole as far as they can be real.
pub fn clipped(text: &str, room: Room) -> Cow<'_, str> {
    const LEFT: usize = 40;
    const PATH: usize = 400;
    if text.len() <= room.word.min(room.quotation) {
        return text.into();
    }
    let is_long = |part: &str, limit: usize| part.len() > limit && part.chars().nth(limit).is_some();
    let of = |part: &str, limit: usize| if part.contains('/') { limit.max(PATH) } else { limit };
    let mut told = String::new();
    for (at, part) in text.split('`').enumerate() {
        if at > 0 {
            told.push('`');
        }
        let (part, is_cut) = match at % 2 == 1 && is_long(part, of(part, room.quotation)) {
            true => {
                (part.char_indices().nth(LEFT).and_then(|(end, _)| part.get(..end)).unwrap_or(part), true)
            }
            false => (part, false),
        };
        for word in part.split_inclusive([' ', '\n']) {
            // Some languages write no spaces between words.
            let limit = if word.is_ascii() { of(word, room.word) } else { room.word.max(PATH) };
            if is_long(word, limit) {
                told.extend(word.chars().take(LEFT));
                told.push('…');
                told.extend(word.chars().next_back().filter(|last| last.is_whitespace()));
            } else {
                told.push_str(word);
            }
        }
        if is_cut {
            told.push('…');
        }
        // Four bytes a character at most: what is behind is cut off in any case.
        if told.len() > room.whole * 4 {
            break;
        }
    }
    if is_long(&told, room.whole) {
        told = told.chars().take(room.whole - 1).chain(['…']).collect();
        if told.matches('`').count() % 2 == 1 {
            told.push('`');
        }
    }
    told.into()
}

/// JSON without a character that nobody sees: each stands as its escape, and reads back as it was.
pub fn visible_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unseen(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A number as people read it: `500,000`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let groups = digits.as_bytes()[first..].chunks(3).map(String::from_utf8_lossy);
    let parts: Vec<_> = (first > 0).then(|| digits[..first].into()).into_iter().chain(groups).collect();
    parts.join(",")
}

/// What a text looks like: equal for texts that differ only by Unicode's normal forms, by full-width letters or
/// by letters of other scripts with the same picture (the skeleton of UTS 39).
pub fn skeleton(text: &str) -> String {
    let folded: String = text.nfkc().collect();
    unicode_security::skeleton(&folded).collect()
}

/// Where two texts part: the place and the code points, `character 5 is U+043E, not U+006F`.
pub fn parting(one: &str, other: &str) -> String {
    let code_point = |c: Option<char>| c.map_or("none".to_owned(), |c| format!("U+{:04X}", u32::from(c)));
    let at = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let (one, other) = (one.chars().nth(at), other.chars().nth(at));
    format!("character {} is {}, not {}", at + 1, code_point(one), code_point(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_nobody_sees_is_found() {
        for c in [
            '\0',
            '\t',
            '\n',
            '\u{1b}',
            '\u{7f}',
            '\u{9b}',
            '\u{a0}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{1160}',
            '\u{2003}',
            '\u{2007}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{2028}',
            '\u{202e}',
            '\u{202f}',
            '\u{2060}',
            '\u{2066}',
            '\u{2800}',
            '\u{3000}',
            '\u{3164}',
            '\u{e000}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{e0041}',
            '\u{e0100}',
        ] {
            let text = format!("pyt{c}hon");
            assert_eq!(first_unseen(&text), Some(Unseen { what: c, column: 4 }), "{c:?}");
            assert!(!visible(&text, false).contains(c), "{c:?}");
        }
        assert_eq!(first_unseen("\u{301}a").map(|it| it.column), Some(1));
        assert_eq!(
            first_unseen("a\u{200b}").unwrap_or(Unseen { what: ' ', column: 0 }).to_string(),
            "U+200B (zero width space) at column 2"
        );
    }

    #[test]
    fn what_is_seen_is_left_alone() {
        for text in [
            "",
            "python",
            "e\u{301}",
            "é",
            "日本語",
            "파이썬",
            "a b",
            "👩\u{200d}💻",
            "❤\u{fe0f}",
            "🐍",
            "1\u{fe0f}\u{20e3}",
        ] {
            assert_eq!(first_unseen(text), None, "{text}");
            assert_eq!(visible(text, false), text);
        }
    }

    #[test]
    fn what_looks_alike_has_one_skeleton() {
        for (one, other, parting) in [
            ("pyth\u{43e}n", "python", "character 5 is U+043E, not U+006F"),
            ("caf\u{e9}", "cafe\u{301}", "character 4 is U+00E9, not U+0065"),
            ("\u{ff50}ython", "python", "character 1 is U+FF50, not U+0070"),
        ] {
            assert_eq!(skeleton(one), skeleton(other), "{one}");
            assert_eq!(super::parting(one, other), parting);
        }
        assert_ne!(skeleton("python"), skeleton("pytorch"));
        assert_ne!(skeleton("파이썬"), skeleton("python"));
    }

    #[test]
    fn long_values_are_quoted_by_their_beginning() {
        const ROOM: Room = Room { whole: 400, quotation: 120, word: 80 };
        let told = |text: &str| clipped(text, ROOM).into_owned();
        let long = "x".repeat(5_000_000);
        let short = format!("The name `{}…` is wrong", "x".repeat(40));
        assert_eq!(told(&format!("The name `{long}` is wrong")), short);
        assert_eq!(told(&long).chars().count(), 41);
        let spaced = "a b ".repeat(100_000);
        assert_eq!(told(&format!("`{spaced}` is wrong")), format!("`{}…` is wrong", "a b ".repeat(10)));
        assert!(told(&spaced).chars().count() <= 400);
        let path = format!("`/srv/{}.yml` is not there", "folder/".repeat(40));
        assert_eq!(told(&path), path);
        let words = "서버가 말한다 ".repeat(20);
        assert_eq!(told(&words), words);
    }

    #[test]
    fn numbers_have_groups() {
        let told = [0, 12, 999, 1_000, 45_678, 1_234_567].map(grouped);
        assert_eq!(told, ["0", "12", "999", "1,000", "45,678", "1,234,567"]);
    }

    proptest! {
        #[test]
        fn what_is_clipped_keeps_its_backticks_in_pairs(texts in prop::collection::vec("[^`]{0,200}", 1..9)) {
            let text = texts.iter().enumerate().map(|(at, text)| if at % 2 == 1 { format!("`{text}`") } else { text.clone() });
            let told = clipped(&text.collect::<String>(), Room { whole: 300, quotation: 60, word: 50 }).into_owned();
            prop_assert!(told.chars().count() <= 301);
            prop_assert_eq!(told.matches('`').count() % 2, 0);
        }

        #[test]
        fn nothing_that_is_shown_is_unseen(text in "\\PC*|.*") {
            prop_assert!(!looked_at(&visible(&text, false)).any(|(_, unseen)| unseen));
            let json = visible_json(&serde_json::to_string(&text).expect("text is JSON"));
            prop_assert!(!json.chars().any(is_unseen));
            prop_assert_eq!(serde_json::from_str::<String>(&json).expect("it reads back"), text);
        }
    }
}

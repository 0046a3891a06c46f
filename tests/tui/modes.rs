//! What a program has switched on in its terminal, read from what it wrote.

use std::collections::BTreeSet;

/// The private modes that are on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Modes {
    /// Numbers as in `CSI ? NUMBER h`, apart from the cursor's 25, which is on by itself.
    pub on: BTreeSet<u16>,
    /// The cursor was hidden by `CSI ? 25 l`.
    pub cursor_hidden: bool,
}

impl Modes {
    /// What is on after a terminal has read these bytes.
    pub fn after(bytes: &[u8]) -> Self {
        let mut modes = Self::default();
        let mut rest = bytes;
        while let Some(start) = rest.iter().position(|byte| *byte == 0x1b) {
            rest = &rest[start + 1..];
            // A full reset, and a soft one.
            if rest.starts_with(b"c") {
                modes = Self::default();
            } else if rest.starts_with(b"[!p") {
                modes.cursor_hidden = false;
            } else if let Some(parameters) = rest.strip_prefix(b"[?") {
                let end = parameters.iter().position(|byte| !byte.is_ascii_digit() && *byte != b';');
                let Some(end) = end else { break };
                if let on @ (b'h' | b'l') = parameters[end] {
                    for number in parameters[..end].split(|byte| *byte == b';') {
                        modes.set(number, on == b'h');
                    }
                }
            }
        }
        modes
    }

    fn set(&mut self, number: &[u8], on: bool) {
        let Some(number) = str::from_utf8(number).ok().and_then(|number| number.parse().ok()) else { return };
        match (number, on) {
            (25, on) => self.cursor_hidden = !on,
            (_, true) => drop(self.on.insert(number)),
            (_, false) => drop(self.on.remove(&number)),
        }
    }

    /// The alternate screen is shown.
    pub fn alternate_screen(&self) -> bool {
        [47, 1047, 1049].iter().any(|number| self.on.contains(number))
    }

    /// Pasted text comes in brackets.
    pub fn bracketed_paste(&self) -> bool {
        self.on.contains(&2004)
    }

    /// The mouse or the focus is reported.
    pub fn mouse(&self) -> bool {
        self.on.range(1000..=1006).next().is_some()
    }

    /// Everything is as a terminal is for a shell.
    pub fn are_as_before(&self) -> bool {
        !self.cursor_hidden && !self.alternate_screen() && !self.bracketed_paste() && !self.mouse()
    }
}

#[test]
fn modes_are_read() {
    let modes = Modes::after(b"\x1b[?1049h\x1b[2J\x1b[?25l\x1b[?1000;1002;1006h\x1b[?2004htext");
    assert!(modes.alternate_screen() && modes.bracketed_paste() && modes.mouse() && modes.cursor_hidden);
    let left = b"\x1b[?1049h\x1b[?25l\x1b[?1000;1006h\x1b[?1006;1000l\x1b[?25h\x1b[?1049l\x1b[?";
    assert_eq!(Modes::after(left), Modes::default());
    assert!(Modes::after(b"\x1b[?25l\x1b[?1049h\x1bc").are_as_before());
    assert!(!Modes::after(b"\x1b[?25l").are_as_before());
    assert!(Modes::after(b"\x1b[1;2H\x1b[?6n\x1b[?x").are_as_before());
}

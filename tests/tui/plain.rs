//! Line prompts on a bare pseudo-terminal, in both ways of asking, from the first question to servers that
//! are prepared.

use std::fs;

use backendai_setup::guide::{Section, files, images, keypairs, storage};
use rustix::process::Signal;

use super::Pty;
use super::wizard::{PATIENT, Stand};
use crate::servers::{PATIENCE, all_changed, comes_true, every_stage, wait_until};

/// How the questions are asked.
#[derive(Clone, Copy, PartialEq)]
pub enum Way {
    /// By inquire.
    Prompts,
    /// As plain lines, for those who listen.
    Lines,
}

/// A conversation: what is waited for stands after what was there before.
pub struct Talk {
    pub pty: Pty,
    way: Way,
    read: usize,
}

impl Talk {
    pub fn start(stand: &Stand, way: Way, arguments: &[&str]) -> Self {
        let plain = [&["--plain"], arguments, PATIENT].concat();
        let environment: &[_] = match way {
            Way::Prompts => &[("NO_COLOR", "1")],
            Way::Lines => &[("ACCESSIBLE", "1")],
        };
        Self { pty: Pty::start(100, 40, &stand.program, &plain, environment), way, read: 0 }
    }

    /// What a program says on a terminal that is there already.
    pub fn of(pty: Pty) -> Self {
        Self { pty, way: Way::Lines, read: 0 }
    }

    /// Waits until the program has said this, after all that was waited for before.
    pub fn until(&mut self, text: &str) {
        let mut found = None;
        let came = comes_true(PATIENCE, || {
            let output = self.pty.output();
            let new = &output[self.read.min(output.len())..];
            found = new.windows(text.len()).position(|window| window == text.as_bytes());
            found.is_some()
        });
        let output = String::from_utf8_lossy(&self.pty.output()).into_owned();
        assert!(came, "waited {PATIENCE:?} in vain for {text:?}\n{output}");
        self.read += found.expect("it came") + text.len();
    }

    /// Waits for a question and answers it.
    pub fn answer(&mut self, title: &str, text: &str) {
        self.asked(title);
        self.pty.write(text.as_bytes());
        self.pty.write(b"\r");
    }

    /// Waits for a question.
    pub fn asked(&mut self, title: &str) {
        match self.way {
            Way::Prompts => self.until(&format!("? {title}")),
            // With or without what Enter takes.
            Way::Lines => self.until(&format!("\n{title}")),
        }
    }

    /// Chooses one of several things, by its words and by its number.
    pub fn choose(&mut self, title: &str, words: &str, number: usize) {
        match self.way {
            Way::Prompts => {
                self.until(&format!("? {title}"));
                self.until("type to filter");
                self.pty.write(words.as_bytes());
                // The filter is at work.
                self.until(words.get(..4).unwrap_or(words));
                self.pty.write(b"\r");
            }
            Way::Lines => {
                self.until(title);
                self.until("Number, 1 to");
                self.pty.write(format!("{number}\r").as_bytes());
            }
        }
    }

    /// One question back.
    pub fn back(&mut self) {
        match self.way {
            Way::Prompts => self.pty.write(b"\x1b"),
            Way::Lines => self.pty.write(b"<\r"),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.pty.output()).into_owned()
    }
}

/// Takes what is offered for every variable of a section but the first ones.
fn accept(talk: &mut Talk, section: &Section, skip: usize) {
    for variable in section.variables.iter().skip(skip) {
        talk.answer(variable.title, "");
    }
}

/// From the first question to the review.
fn fill_in(talk: &mut Talk, stand: &Stand) {
    talk.choose("What do you want to set up?", "Servers", 1);
    talk.until("etcd. Holds the image list");
    // A refused answer says why and is asked for again.
    talk.answer("Namespace", "a/b");
    talk.until("It has a slash or white space");
    if talk.way == Way::Prompts {
        talk.pty.write(b"\x7f\x7f\x7f");
        talk.pty.write(b"local\r");
    } else {
        talk.answer("Namespace", "local");
    }
    talk.answer("Addresses", &stand.etcd.endpoint);
    talk.answer("User", "");
    talk.until("rights");
    talk.until("PostgreSQL. Keeps users");
    talk.answer("Address", &stand.database.address);
    talk.answer("Database", "wrong");
    // Back to what was mistyped; what stands there is offered.
    talk.asked("User");
    talk.back();
    talk.asked("Database");
    talk.until("wrong");
    talk.pty.write(format!("{}\r", stand.database.name).as_bytes());
    talk.answer("User", &stand.database.user);
    talk.answer("Password", "not the password");
    talk.choose("TLS", "prefer", 2);
    talk.until("E-DB-AUTH");
    talk.choose("What now?", "Change", 1);
    talk.answer("Address", "");
    talk.answer("Database", "");
    talk.answer("User", "");
    talk.answer("Password", &stand.database.password);
    talk.choose("TLS", "prefer", 2);
    talk.until("Storage. The folder");
    talk.answer("Shared folder", &stand.mount());
    talk.choose("Must be", "directory", 2);
    accept(talk, &storage::SECTION, 2);
    talk.until("a probe file written");
    talk.until("Images. The kernel images");
    accept(talk, &images::SECTION, 0);
    talk.until("python-tensorflow");
    talk.until("22 images, 67 tags, 117 aliases");
    accept(talk, &keypairs::SECTION, 0);
    accept(talk, &files::SECTION, 0);
    talk.until("Review. Nothing is written yet.");
    talk.until("181 keys");
}

/// How many keys the list has in etcd, and the shared folder.
pub fn list_and_mount(stand: &Stand) -> (usize, usize) {
    let count = |below: &str| stand.etcd.get_all(&format!("/sorna/local/{below}")).len();
    (count("images/"), count("volumes/"))
}

/// The whole way; what it wrote is on the servers of the stand.
pub fn prepare(stand: &Stand, way: Way) -> String {
    let mut talk = Talk::start(stand, way, &[]);
    fill_in(&mut talk, stand);
    assert_eq!(stand.etcd.get_all("").len(), 0, "something was written before the word");
    talk.choose("What now?", "Write", 1);
    talk.until(&all_changed());
    talk.choose("What now?", "Leave", 1);
    let left = talk.pty.wait();
    assert_eq!(left.status, 0, "{}", left.text());
    left.is_as_before();
    let text = left.text();
    assert!(!text.contains(&stand.database.password), "the password was shown");
    assert!(!text.contains("not the password"), "a password was shown");
    text
}

#[test]
fn the_whole_of_plain() {
    let stand = Stand::new();
    let text = prepare(&stand, Way::Prompts);
    assert_eq!(list_and_mount(&stand), (298, 1));
    let kept =
        text.lines().find_map(|line| line.trim().strip_suffix("answers.yml")).expect("the kept answers");
    let answers = fs::read_to_string(format!("{kept}answers.yml")).expect("the kept answers");
    assert!(!answers.contains(&stand.database.password), "{answers}");
}

/// One stage from the numbered menu, its changes shown first.
#[test]
fn one_stage_alone() {
    for way in [Way::Prompts, Way::Lines] {
        let stand = Stand::new();
        stand.answers("directory");
        let mut talk = Talk::start(&stand, way, &["--answers", "answers.yml", "--review"]);
        talk.choose("What now?", "Run a single", 6);
        talk.until("Which stage?");
        talk.until(if way == Way::Lines {
            "  3  Shared folder: pending, 1 key"
        } else {
            "3. Shared folder: pending, 1 key"
        });
        match way {
            Way::Prompts => talk.pty.write(b"\x1b[B\x1b[B\r"),
            Way::Lines => talk.pty.write(b"3\r"),
        }
        talk.until("+ /sorna/local/volumes/_mount = ");
        assert_eq!(stand.etcd.get_all("").len(), 0, "something was written before the word");
        talk.choose("What now?", "Run this", 1);
        talk.until("changed=1 unchanged=0 failed=0 skipped=0");
        talk.until("Which stage?");
        talk.until("Shared folder: done");
        // The question is there.
        let asked = format!("Number, 1 to {}", every_stage() + 2);
        talk.until(if way == Way::Lines { &asked } else { "type to filter" });
        talk.pty.write(b"\x03");
        talk.choose("Leave?", "Leave", 2);
        assert_eq!(talk.pty.wait().status, 0);
        assert_eq!(stand.etcd.get_all("").len(), 1);
    }
}

/// What changed after the review is not written over: the review comes again with what would change now.
#[test]
fn what_changed_after_the_review_is_shown_again() {
    for way in [Way::Prompts, Way::Lines] {
        let stand = Stand::new();
        stand.answers("directory");
        let mut talk = Talk::start(&stand, way, &["--answers", "answers.yml", "--review"]);
        talk.until("Review. Nothing is written yet.");
        talk.until("181 keys");
        let key = "/sorna/local/images/_aliases/python";
        stand.etcd.put(key, "of somebody else");
        talk.choose("What now?", "Write", 1);
        talk.until("E-PLAN-STALE");
        assert_eq!(stand.etcd.get_all("").len(), 1, "something was written");
        talk.choose("What now?", "Look again", 1);
        talk.until("Review. Nothing is written yet.");
        talk.choose("What now?", "Write", 1);
        talk.until(&all_changed());
        assert_ne!(stand.etcd.get_all(key)[key], "of somebody else");
        talk.choose("What now?", "Leave", 1);
        assert_eq!(talk.pty.wait().status, 0);
    }
}

/// A screen reader follows every line: nothing is drawn again, nothing is a picture.
#[test]
fn plain_lines_are_lines() {
    let stand = Stand::new();
    let text = prepare(&stand, Way::Lines);
    assert_eq!(list_and_mount(&stand), (298, 1));
    assert!(!text.contains('\u{1b}'), "an escape sequence: {text:?}");
    assert!(!text.replace("\r\n", "\n").contains('\r'), "a carriage return: {text:?}");
    let drawn = |c: char| ('\u{2190}'..='\u{2bff}').contains(&c) && c != '→';
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(drawn)).collect();
    assert!(lines.is_empty(), "{lines:#?}");
}

/// Ctrl-C asks; the answers wait for the next time, the password does not.
#[test]
fn leaving_half_way_keeps_the_answers() {
    for way in [Way::Prompts, Way::Lines] {
        let stand = Stand::new();
        let mut talk = Talk::start(&stand, way, &[]);
        talk.choose("What do you want to set up?", "Servers", 1);
        talk.answer("Namespace", "prod");
        talk.asked("Addresses");
        talk.pty.write(b"\x03");
        talk.until("Nothing was written. Answers are kept, passwords are not.");
        talk.choose("Leave?", "Stay", 1);
        talk.asked("Addresses");
        talk.pty.write(b"\x03");
        talk.choose("Leave?", "Leave", 2);
        let left = talk.pty.wait();
        assert_eq!(left.status, 0, "{}", left.text());
        left.is_as_before();

        let mut talk = Talk::start(&stand, way, &[]);
        talk.choose("What do you want to set up?", "Continue", 1);
        talk.asked("Namespace");
        talk.until("prod");
        drop(talk);
    }
}

/// Answers until a secret is asked for.
fn up_to_the_password(talk: &mut Talk, stand: &Stand, user: &str) {
    talk.choose("What do you want to set up?", "Servers", 1);
    talk.answer("Namespace", "local");
    talk.answer("Addresses", &stand.etcd.endpoint);
    talk.answer("User", user);
    talk.asked("Password");
    talk.pty.wait_for_raw();
}

/// A signal while a secret is typed: the terminal shows again what is typed, and nobody sees what was.
#[test]
fn a_signal_gives_the_terminal_back() {
    for way in [Way::Prompts, Way::Lines] {
        let stand = Stand::new();
        let mut talk =
            Talk::start(&stand, way, &["--set", "database.address=127.0.0.1:1", "--set", "name=x"]);
        up_to_the_password(&mut talk, &stand, "root");
        if way == Way::Prompts {
            // Where echo is off nothing tells that it was taken.
            talk.pty.write(b"canary-half-typed");
            talk.until(&"*".repeat("canary-half-typed".len()));
        }
        talk.pty.signal(Signal::TERM);
        let left = talk.pty.wait();
        assert_eq!(left.status, 143, "{}", left.text());
        left.is_as_before();
        assert!(!left.text().contains("canary-half-typed"), "{}", left.text());
    }
}

/// While the development setup is made ready nobody is asked anything, and a signal ends it all the same.
#[test]
fn a_signal_while_the_development_setup_starts() {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut stand = Stand::new();
        let home = stand.program.folder().join("dev");
        fs::create_dir(&home).expect("a folder");
        // Another run works on it, for ever.
        let path = home.join("lock");
        let lock = fs::File::create(&path).expect("the folder is ours");
        lock.lock().expect("nobody has it");
        stand.program = stand.program.env("BACKENDAI_SETUP_DEV_DIR", &home);
        let mut talk = Talk::start(&stand, Way::Lines, &[]);
        talk.choose("What do you want to set up?", "Development", 2);
        let files = format!("/proc/{}/fd", talk.pty.pid());
        wait_until("it waits for the lock", PATIENCE, || {
            let open = fs::read_dir(&files).into_iter().flatten().flatten();
            open.filter_map(|file| fs::read_link(file.path()).ok()).any(|file| file == path)
        });
        talk.pty.signal(signal);
        let left = talk.pty.wait();
        assert_eq!(left.status, status, "{}", left.text());
        assert!(left.text().contains("E-CANCELLED"), "{}", left.text());
        left.is_as_before();
    }
}

/// Ctrl-C comes after what was typed half, whatever else the machine is doing.
#[test]
fn a_secret_that_is_broken_off_is_not_shown() {
    let stand = Stand::new();
    let mut talk = Talk::start(&stand, Way::Lines, &["--set", "etcd.user=root"]);
    up_to_the_password(&mut talk, &stand, "");
    talk.pty.write(b"canary-half-typed\x03");
    talk.choose("Leave?", "Leave", 2);
    let left = talk.pty.wait();
    assert_eq!(left.status, 0, "{}", left.text());
    left.is_as_before();
    assert!(!left.text().contains("canary-half-typed"), "{}", left.text());
}

/// `{prompt: true}` is for a person: here one is asked, and for nothing else.
#[test]
fn a_secret_that_is_to_be_asked_for() {
    let stand = Stand::new();
    let path = stand.answers("directory");
    let text = fs::read_to_string(&path).expect("the answers");
    let asks: Vec<String> = text
        .lines()
        .map(|line| match line.trim().starts_with("password:") {
            true => "  password: {prompt: true}".to_owned(),
            false => line.to_owned(),
        })
        .collect();
    fs::write(&path, asks.join("\n") + "\n").expect("the file is ours");
    let mut talk = Talk::start(&stand, Way::Lines, &["--answers", "answers.yml", "--review"]);
    talk.until("Some answers are missing.");
    talk.answer("Password", &stand.database.password);
    talk.until("Review. Nothing is written yet.");
    talk.choose("What now?", "Leave", 7);
    let left = talk.pty.wait();
    assert_eq!(left.status, 0, "{}", left.text());
    assert!(!left.text().contains(&stand.database.password), "{}", left.text());
}

/// The file that a round has saved opens again without the environment that gave its secret: that is asked for.
/// What a person should hear about the answers is told too.
#[test]
fn a_saved_file_whose_secret_is_nowhere() {
    let stand = Stand::new();
    stand.answers_without_a_source();
    let mut talk = Talk::start(&stand, Way::Lines, &["--answers", "answers.yml", "--review"]);
    talk.until("`database.password` is to be typed in");
    talk.until("Some answers are missing.");
    talk.answer("Password", &stand.database.password);
    talk.until("Review. Nothing is written yet.");
    talk.choose("What now?", "Leave", 7);
    let left = talk.pty.wait();
    assert_eq!(left.status, 0, "{}", left.text());
    assert!(!left.text().contains(&stand.database.password), "{}", left.text());
}

/// A port that hardly anybody means is told before anything waits for it.
#[test]
fn the_peer_port_of_etcd_is_told() {
    for way in [Way::Prompts, Way::Lines] {
        let stand = Stand::new();
        let mut talk = Talk::start(&stand, way, &[]);
        talk.choose("What do you want to set up?", "Servers", 1);
        talk.answer("Namespace", "local");
        talk.answer("Addresses", "127.0.0.1:2380");
        talk.answer("User", "");
        talk.until("2380 is etcd's peer port; clients use 2379");
        drop(talk);
    }
}

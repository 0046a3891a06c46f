//! Secrets by reference: every source gives the password, and what fails is told without it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use super::{
    Case,
    answers::refused,
    told::{row, together},
};

/// Takes the password out of the answers and sets where it is instead.
fn from<'a>(case: Case<'a>, source: &str) -> Case<'a> {
    let password = case.database.password.clone();
    case.set("database.password", source).secret(&password).flags(["check", "database"])
}

#[test]
fn every_source_gives_the_password() {
    let case = Case::new();
    let password = case.database.password.clone();
    // No shell takes the words apart, and one line break at the end goes.
    let case =
        from(case, "{command: [cat, 'a secret $HOME']}").file("a secret $HOME", format!("{password}\n"));
    let told = case.run();
    assert_eq!((told.status, told.warnings.len()), (0, 0), "{:#?}", told.failures);

    // What the program leaves running holds nobody up.
    let case = Case::new();
    let password = case.database.password.clone();
    let case =
        from(case, "{command: [sh, -c, 'sleep 60 & echo $! >left; cat secret']}").file("secret", password);
    let told = case.run();
    assert_eq!(told.status, 0, "{:#?}", told.failures);
    let left = fs::read_to_string(case.work().join("left")).expect("it left a number");
    let left = left.trim().parse().ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(left, Signal::KILL).expect("it still runs");

    let case = from(Case::new(), "{stdin: true}");
    let password = case.database.password.clone();
    let told = case.program(|program| program.stdin(password + "\r\n")).run();
    assert_eq!(told.status, 0, "{:#?}", told.failures);

    // The twin of an environment name fills a gap like the name itself.
    let case = Case::new().unset("database.password").flags(["check", "database"]);
    let password = case.database.password.clone();
    let case =
        case.secret(&password).file("secret", password + "\n").env("BACKEND_DB_PASSWORD_FILE", "secret");
    let told = case.run();
    assert_eq!((told.status, told.warnings.len()), (0, 0), "{:#?}", told.failures);

    // Where the answers give another secret it is only named: the file may be meant for others.
    let told = Case::new().flags(["check", "database"]).env("BACKEND_DB_PASSWORD_FILE", "nowhere").run();
    assert_eq!((told.status, told.warnings.len()), (0, 0), "{:#?}", told.failures);
}

#[test]
fn sources_that_fail() {
    let told = together(vec![
        row("a command that fails", || {
            let script = "echo canary-on-stdout; echo the vault is sealed >&2; exit 3";
            let case = Case::new().set("database.password", format!("{{command: [sh, -c, '{script}']}}"));
            let told = refused(
                case.secret("canary-on-stdout"),
                "E-ANSWERS-SECRET",
                &["the vault is sealed", "`sh`"],
            );
            told.names(&["exit status: 3", "answers.yml:"])
        }),
        row("a command that is not there", || {
            let case = Case::new().set("database.password", "{command: [no-such-program]}");
            refused(case, "E-ANSWERS-SECRET", &["`no-such-program` could not be started"])
        }),
        row("a command without words", || {
            let case = Case::new().set("database.password", "{command: []}");
            refused(case, "E-ANSWERS-SECRET", &["{command: [PROGRAM, ARGUMENT]}"])
        }),
        row("a command as one text", || {
            let case = Case::new().set("database.password", "{command: pass show db}");
            refused(case, "E-ANSWERS-SECRET", &["{command: [PROGRAM, ARGUMENT]}"])
        }),
        row("a command that never ends its output", || {
            let case = Case::new().set("database.password", "{command: [cat, /dev/zero]}");
            refused(case, "E-ANSWERS-SECRET", &["more than 65536 bytes"])
        }),
        row("an empty output", || {
            let case = Case::new().set("database.password", "{command: ['true']}");
            refused(case, "E-ANSWERS-VALUE", &["`database.password`", "empty"])
        }),
        row("stdin for two secrets", || {
            let case = Case::new()
                .set("etcd.user", "root")
                .set("etcd.password", "{stdin: true}")
                .set("database.password", "{stdin: true}")
                .program(|program| program.stdin("canary-stdin"));
            refused(
                case.secret("canary-stdin"),
                "E-ANSWERS-SECRET",
                &["stdin is read by `database.password` already"],
            )
        }),
        row("stdin for the answers and a secret", || {
            let case = Case::new()
                .program(|program| program.stdin("version: 1\ndatabase: {password: {stdin: true}}\n"));
            let both = ["run", "--answers", "answers.yml", "--answers", "-"];
            refused(case.flags(both), "E-ANSWERS-SECRET", &["stdin is read by `--answers -` already"])
        }),
        row("stdin with nothing in it", || {
            refused(Case::new().set("database.password", "{stdin: true}"), "E-ANSWERS-VALUE", &["empty"])
        }),
        row("a person who is not there", || {
            let case = Case::new().set("database.password", "{prompt: true}");
            case.fails(10, "E-NEEDS-ANSWERS").names(&["`database.password`", "BACKEND_DB_PASSWORD"])
        }),
        row("two names for one secret", || {
            let case = Case::new().unset("database.password").env("BACKEND_DB_PASSWORD", "canary-twin");
            let case = case.env("BACKEND_DB_PASSWORD_FILE", "secret").secret("canary-twin");
            refused(case, "E-ANSWERS-SECRET", &["`BACKEND_DB_PASSWORD_FILE`", "both set"])
        }),
        row("a twin that names nothing", || {
            let case = Case::new().unset("database.password").env("BACKEND_DB_PASSWORD_FILE", "nowhere");
            refused(case, "E-ANSWERS-SECRET", &["`BACKEND_DB_PASSWORD_FILE`", "`nowhere`"])
        }),
    ]);
    insta::assert_snapshot!(told);
}

/// A program that is started for one secret gets no other, neither in its environment nor as an argument.
#[test]
fn a_command_is_told_no_other_secret() {
    let script = "tr '\\\\0' '\\\\n' < /proc/self/environ > seen; cat secret";
    let case = Case::new();
    let password = case.database.password.clone();
    let case = case
        .set("database.password", format!("{{command: [sh, -c, \"{script}\"]}}"))
        .file("secret", &password)
        .env("BACKEND_DB_PASSWORD", &password)
        .env("PGPASSWORD", "canary-pg")
        .env("VAULT_TOKEN", "token")
        .secret(&password)
        .flags(["check", "database"]);
    let told = case.run();
    let seen = fs::read_to_string(case.work().join("seen")).expect("the command ran");
    assert!(seen.contains("VAULT_TOKEN=token"), "what it needs itself it has:\n{seen}");
    for canary in [password.as_str(), "canary-pg", "PASSWORD"] {
        assert!(!seen.contains(canary), "{canary} in\n{seen}");
    }
    assert_eq!(told.status, 0, "{:#?}", told.failures);
}

/// A secret's file is judged as an answers file with a secret in it is: by who can read it.
#[test]
fn a_file_of_a_secret_that_others_can_read() {
    let open = |case: &Case| {
        let path = case.work().join("secret");
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("the file is ours");
    };
    let case = Case::new();
    let password = case.database.password.clone();
    let case = from(case, "{file: secret}").file("secret", &password);
    open(&case);
    case.fails(3, "E-ANSWERS-SECRET").names(&["`secret`", "others can read it", "chmod 600 secret"]);
    // The remedy, word for word.
    let status = Command::new("chmod").args(["600", "secret"]).current_dir(case.work()).status();
    assert!(status.expect("chmod runs").success());
    assert_eq!(case.run().status, 0);

    // The twin of an environment name is no other file.
    let case = Case::new();
    let password = case.database.password.clone();
    let case = case.unset("database.password").env("BACKEND_DB_PASSWORD_FILE", "secret").secret(&password);
    let case = case.file("secret", &password).flags(["check", "database"]);
    open(&case);
    case.fails(3, "E-ANSWERS-SECRET").names(&["`BACKEND_DB_PASSWORD_FILE`", "chmod 600 secret"]);

    // As Kubernetes mounts a secret: a link to a file whose readers others have chosen.
    let case = Case::new();
    let password = case.database.password.clone();
    let case = from(case, "{file: mounted}").file("secret", &password);
    open(&case);
    symlink("secret", case.work().join("mounted")).expect("the folder is ours");
    assert_eq!(case.run().status, 0);
}

/// What stands where a name is due may be the secret itself.
#[test]
fn a_name_that_is_none_is_not_repeated() {
    for source in ["{env: 'canary: not a name'}", "{env: canary-name}", "{file: \"canary\\u200b\"}"] {
        let case = Case::new().set("database.password", source).secret("canary").flags(["check", "database"]);
        case.fails(3, "E-ANSWERS-SECRET").names(&["`database.password`", "{env: NAME}"]);
    }
}

/// A secret that was hardly meant as it stands is used, with a remark that does not repeat it.
#[test]
fn a_secret_that_was_hardly_meant() {
    for (source, says) in [
        ("'${CANARY_DB}'", "environment name"),
        ("$CANARY_DB", "environment name"),
        ("\u{201c}canary\u{201d}", "curly quote"),
        ("'canary '", "nobody sees"),
        ("canary #2", "ends before ` #`"),
        ("canary  #", "ends before ` #`"),
    ] {
        let secret = source.trim_matches('\'').trim_end_matches(['2', '#', ' ']).trim();
        let case = Case::new().set("database.password", source).secret(secret).flags(["check", "etcd"]);
        case.warns("W-ANSWERS-NOTE").names(&["`database.password`", says]);
    }
}

/// A comment behind a secret is a comment.
#[test]
fn a_comment_behind_a_secret() {
    for source in ["canary # from the vault", "canary  #\tfrom the vault", "'canary #2' #2"] {
        let case = Case::new().set("database.password", source).secret("canary").flags(["check", "etcd"]);
        let told = case.run();
        assert_eq!((told.status, told.warnings.len()), (0, 0), "{source}: {:#?}", told.warnings);
    }
}

/// What only a shell understands, in a command that no shell reads.
#[test]
fn words_of_a_command_that_were_hardly_meant() {
    for (source, says) in [
        (
            "[echo, \u{201c}canary\u{201d}]",
            "word 2 of the command of `database.password` holds the curly quote U+201C",
        ),
        (
            "[echo, canary\u{a0}x]",
            "word 2 of the command of `database.password` holds U+00A0 (no-break space)",
        ),
        ("[echo, ~/canary]", "word 2 of the command of `database.password` begins with `~`"),
        ("[echo, $HOME/canary]", "word 2 of the command of `database.password` begins with `$`"),
        ("[echo, '${CANARY}']", "word 2 of the command of `database.password` begins with `$`"),
        ("['./a program']", "word 1 of the command of `database.password` has spaces in it"),
    ] {
        let case = Case::new().set("database.password", format!("{{command: {source}}}")).secret("canary");
        let case = case.file("a program", "#!/bin/sh\necho x\n");
        let mode = fs::Permissions::from_mode(0o700);
        fs::set_permissions(case.work().join("a program"), mode).expect("the file is ours");
        let told = case.flags(["check", "etcd"]).run();
        let found = told.warnings.iter().find(|it| it["code"] == "W-ANSWERS-NOTE");
        let found = found.unwrap_or_else(|| panic!("{source}: {:#?} {:#?}", told.warnings, told.failures));
        assert!(found["what"].to_string().to_lowercase().contains(&says.to_lowercase()), "{found:#?}");
        assert!(found["place"]["column"].as_u64() > Some(20), "{found:#?}");
        assert!(!found.to_string().contains("canary"), "{found:#?}");
    }
    for source in [
        "[sh, -c, 'echo $HOME/x']",
        "[/bin/sh, -c, $CANARY echo x]",
        "[echo, 'a $5 bill', 'a~b']",
        "[echo, a, 'b c']",
    ] {
        let case = Case::new().set("database.password", format!("{{command: {source}}}"));
        let told = case.flags(["check", "etcd"]).run();
        let notes = told.warnings.iter().filter(|it| it["code"] == "W-ANSWERS-NOTE").count();
        assert_eq!(notes, 0, "{source}: {:#?}", told.warnings);
    }
    for (source, says) in [
        ("[~/bin/show, x]", "`~/bin/show`"),
        ("[$HOME/bin/show]", "`$HOME/bin/show`"),
        ("[cat\u{a0}x]", "U+00A0 (no-break space) at column 4"),
    ] {
        let case = Case::new().set("database.password", format!("{{command: {source}}}"));
        refused(
            case,
            "E-ANSWERS-SECRET",
            &["rogram in the command of `database.password`", says, "answers.yml:"],
        );
    }
}

/// When the program fails the strange word is told with it.
#[test]
fn a_command_that_fails_for_a_word_that_was_hardly_meant() {
    for (source, says) in [
        ("['cat canary']", ["`cat …` could not be started", "word 1 has spaces in it"]),
        (
            "[test, \u{201c}canary\u{201d}, '=', canary]",
            ["`test` failed", "word 2 holds the curly quote U+201C"],
        ),
        ("[test, -f, ~/canary]", ["`test` failed", "word 3 begins with `~`"]),
    ] {
        let case = Case::new().set("database.password", format!("{{command: {source}}}")).secret("canary");
        refused(case, "E-ANSWERS-SECRET", &says);
    }
}

/// Punctuation of another width in an answer that parses is told as what it is.
#[test]
fn full_width_punctuation_in_an_answer() {
    let told = Case::new().set("keypairs.admin", "\u{430}dmin@example.com");
    let told = told.flags(["check", "etcd"]);
    told.warns("W-ANSWERS-NOTE").names(&["`keypairs.admin`", "character 1 is U+0430"]);
    let case = Case::new().set("name", "seoul\u{ff1a}03").flags(["check", "etcd"]);
    let whole = Case::new().file("odd.yml", "version: 1\netcd: namespace\u{ff1a}local\n");
    let whole = whole.flags(["check", "etcd", "--answers", "odd.yml"]);
    whole.fails(3, "E-ANSWERS-VALUE").names(&["`etcd` must be a mapping", "U+FF1A", "looks like `:`"]);
    case.warns("W-ANSWERS-NOTE").names(&["`name`", "`\u{ff1a}` (U+FF1A)", "looks like `:`"]);
}

/// An unquoted password that some reader of YAML takes for something else is refused, never altered.
#[test]
fn a_password_that_is_no_text_without_quotes() {
    for password in [
        "0070707",
        "1e303",
        "0x10ab10",
        "1_000_707",
        "1234567",
        "1.5050505",
        "2018-07-01",
        "190:20:30",
        "0o707070",
    ] {
        let change = format!("ALTER ROLE {{user}} PASSWORD '{password}'");
        let quoted = Case::new().created("").unwatched().sql("postgres", &change);
        let quoted = quoted.set("database.password", format!("'{password}'")).flags(["check", "database"]);
        assert_eq!(quoted.run().status, 0, "{password}");
        let bare = quoted.set("database.password", password).run();
        if bare.status == 0 {
            continue; // It is text to every reader, and was used as it stands.
        }
        let codes: Vec<_> = bare.failures.iter().filter_map(|it| it["code"].as_str()).collect();
        assert_eq!((bare.status, codes.len()), (3, 1), "{password}: {codes:?}");
        let told = format!("{:?}", bare.failures);
        assert!(told.contains("quote"), "{password}: {told}");
    }
}

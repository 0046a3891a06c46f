//! How a server wants a user to sign in, read before the library speaks: every method of pg_hba.conf, and
//! strangers that greet as PostgreSQL does.

use std::fs;

use super::{Case, Told, quiet_etcd};
use crate::servers::{Fake, PATIENCE, Postgres, wait_until};

/// A server whose rules change from case to case.
struct Doors {
    postgres: Postgres,
    hba: String,
    before: String,
}

impl Doors {
    fn new(settings: &[(&str, &str)]) -> Self {
        let postgres = Postgres::start_with(&[], settings);
        let hba = postgres.psql("postgres", "SHOW hba_file").trim().to_owned();
        let before = fs::read_to_string(&hba).expect("the file is the server's");
        Self { postgres, hba, before }
    }

    fn case(&self) -> Case<'_> {
        Case::on(quiet_etcd(), &self.postgres).flags(["check", "database"])
    }

    /// Puts lines above all others, and waits until they count.
    fn rule(&self, case: &Case, lines: &str) {
        let user = &case.database.user;
        let marker = format!("marker_{:x}", rand::random::<u64>());
        let lines = lines.replace("{user}", user);
        let text = format!("host {marker} {user} all reject\n{lines}\n{}", self.before);
        fs::write(&self.hba, text).expect("it can be written");
        self.postgres.psql("postgres", "SELECT pg_reload_conf()");
        wait_until("the rules count", PATIENCE, || {
            let said = case.database.psql(&marker, "SELECT 1").expect_err("there is no such database");
            said.contains(&marker) && said.contains("pg_hba.conf rejects")
        });
    }

    /// Does what the remedy says; then the user is in.
    fn follow(&self, case: &Case, told: &Told, lines: &str) {
        let remedy = told.remedy();
        let line = remedy.split('`').find(|part| part.starts_with("host ")).expect("a line for pg_hba.conf");
        self.rule(case, &format!("{line}\n{lines}"));
        let run = case.run();
        assert_eq!(run.status, 0, "{line} was not enough: {:#?}", run.failures);
    }
}

#[test]
fn methods_that_take_a_password() {
    let doors = Doors::new(&[]);
    for (method, stored) in [
        ("scram-sha-256", "scram-sha-256"),
        ("md5", "md5"),
        ("md5", "scram-sha-256"),
        ("password", "scram-sha-256"),
    ] {
        let case = doors.case();
        let password = case.database.password.clone();
        let set = format!("SET password_encryption = '{stored}'; ALTER ROLE {{user}} PASSWORD '{password}'");
        let case = case.sql("postgres", &set);
        doors.rule(&case, &format!("host all {{user}} all {method}"));
        let run = case.run();
        assert_eq!(run.status, 0, "{method}: {:#?}", run.failures);
        let case = case.set("database.password", "canary-wrong");
        let told = case.fails(6, "E-DB-AUTH").names(&["wrong password", "database.password"]);
        // Only where SCRAM was asked for can the stored form be the cause.
        assert_eq!(told.remedy().contains("as md5"), stored == "scram-sha-256" && method != "password");
    }
    // Nothing was asked for: whatever the password is.
    let case = doors.case().set("database.password", "canary-any");
    doors.rule(&case, "host all {user} all trust");
    assert_eq!(case.run().status, 0);
    // A look before the sign-in leaves no trace, and is no failed sign-in.
    let log = doors.postgres.log();
    assert_eq!(log.matches("password authentication failed").count(), 4, "{log}");
    for trace in ["could not receive", "incomplete startup", "unexpected EOF", "expected password"] {
        assert!(!log.contains(trace), "{trace}: {log}");
    }
}

/// Which PostgreSQL says in its log alone.
#[test]
fn a_password_that_is_kept_in_an_older_form() {
    let doors = Doors::new(&[]);
    let case = doors.case();
    let password = case.database.password.clone();
    let set =
        |how: &str| format!("SET password_encryption = '{how}'; ALTER ROLE {{user}} PASSWORD '{password}'");
    let case = case.sql("postgres", &set("md5"));
    doors.rule(&case, "host all {user} all scram-sha-256");
    let told = case.fails(6, "E-DB-AUTH").names(&["md5", "\\password"]);
    let case = case.sql("postgres", &set("scram-sha-256"));
    assert_eq!(case.run().status, 0);
    insta::assert_snapshot!(told.text());
}

#[test]
fn methods_that_take_no_password_of_ours() {
    let doors = Doors::new(&[]);
    let mut texts = Vec::new();
    for (method, names) in [
        ("gss", &["Kerberos", "`gss`", "scram-sha-256"][..]),
        ("ident", &["ident", "peer", "cert"]),
        ("ldap ldapserver=127.0.0.1 ldapport=1 ldapprefix=x", &["directory", "ldap", "pam"]),
        ("reject", &["from this host"]),
    ] {
        let case = doors.case().created("");
        let lines = format!("host all {{user}} all {method}");
        doors.rule(&case, &lines);
        let told = case.fails(6, "E-DB-AUTH").names(names).names(&["127.0.0.1/32"]);
        assert_eq!(told.failures.len(), 1, "{method}: {:#?}", told.failures);
        texts.push(format!("{method}\n{}", told.text()));
        doors.follow(&case, &told, &lines);
    }
    // In this database alone; another one lets the user in.
    let case = doors.case().created("");
    doors.rule(&case, &format!("host {} {{user}} all gss", case.database.name));
    case.fails(6, "E-DB-AUTH").names(&["`gss`", "database `postgres` lets"]);
    insta::assert_snapshot!(texts.join("\n\n"));
}

/// Over TLS the library speaks first, and the methods share their words.
#[test]
fn methods_over_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    let (key, certificate) = (folder.path().join("key"), folder.path().join("certificate"));
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("openssl starts");
    assert!(made.status.success(), "{made:?}");
    let mut doors = Doors::new(&[]);
    let data = doors.postgres.psql("postgres", "SHOW data_directory").trim().to_owned();
    for (from, to) in [(&key, "server.key"), (&certificate, "server.crt"), (&certificate, "root.crt")] {
        doors.postgres.place(&format!("{data}/{to}"), &fs::read(from).expect("openssl made it"));
    }
    let settings = "ssl = on\nssl_ca_file = 'root.crt'\n";
    let auto = format!("{data}/postgresql.auto.conf");
    fs::write(&auto, settings).expect("it can be written");
    doors.postgres.stop();
    doors.postgres.start_again();
    let case = doors.case();
    assert_eq!(case.run().rung("database", "TLS"), "offered and used");
    for (method, name) in
        [("cert", "from this host"), ("gss", "gss"), ("ident", "`ident`, `peer` and `cert`")]
    {
        let lines = format!("hostssl all {{user}} all {method}");
        doors.rule(&case, &format!("{lines}\nhost all {{user}} all reject"));
        case.fails(6, "E-DB-AUTH").names(&[name, "scram-sha-256"]);
        // Without TLS another line counts.
        let plain = doors.case().set("database.sslmode", "disable");
        assert_eq!(plain.run().status, 0);
    }
}

/// A message of the protocol.
fn message(kind: u8, length: u32, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &length.to_be_bytes(), body].concat()
}

fn request(number: u32, rest: &[u8]) -> Vec<u8> {
    let body = [&number.to_be_bytes()[..], rest].concat();
    message(b'R', u32::try_from(body.len() + 4).expect("it is short"), &body)
}

fn against(answers: &[&[u8]]) -> (Case<'static>, Fake) {
    let fake = Fake::postgres(answers);
    // No room for a message of 2 GiB.
    let case = Case::new().under(["prlimit", "--as=1500000000"]).flags(["check", "database"]);
    (case.set("database.address", fake.address.as_str()), fake)
}

fn told(status: i32, code: &str, answers: &[&[u8]], names: &[&str]) -> String {
    let (case, fake) = against(answers);
    let mut told = case.fails(status, code).names(names);
    told.redact.insert(0, (fake.address.clone(), "FAKE"));
    assert_eq!(told.failures.len(), 1, "{:#?}", told.failures);
    told.text()
}

#[test]
fn methods_that_only_other_servers_ask_for() {
    let texts = [
        told(6, "E-DB-AUTH", &[&request(7, &[])], &["Kerberos", "scram-sha-256"]),
        told(6, "E-DB-AUTH", &[&request(9, &[])], &["Windows", "`sspi`", "scram-sha-256"]),
        told(6, "E-DB-AUTH", &[&request(99, &[])], &["`method 99`", "scram-sha-256"]),
        told(6, "E-DB-AUTH", &[&request(10, b"OAUTHBEARER\0\0")], &["OAUTHBEARER"]),
    ];
    insta::assert_snapshot!(texts.join("\n\n"));
}

#[test]
fn strangers_that_greet_as_postgresql_does() {
    let huge = 0x7fff_ffff;
    let texts = [
        told(4, "E-DB-PROTOCOL", &[&message(b'R', 0, &[])], &["52 00 00 00 00"]),
        told(4, "E-DB-PROTOCOL", &[&message(b'R', huge, &[0; 64])], &["2147483647"]),
        told(4, "E-DB-PROTOCOL", &[&message(b'E', huge, &[0; 64])], &["2147483647"]),
        told(4, "E-DB-PROTOCOL", &[b"HTTP/1.1 400 Bad Request\r\n\r\n"], &["database.address"]),
        told(4, "E-DB-PROTOCOL", &[&message(b'N', 5, &[0]).repeat(20)], &["notices"]),
        // Until here the library never spoke. One that goes wrong later breaks the library, not the program.
        told(
            4,
            "E-DB-PROTOCOL",
            &[&[request(0, &[]), message(b'R', 0, &[])].concat()],
            &["library", "database.address"],
        ),
    ];
    insta::assert_snapshot!(texts.join("\n\n"));
}

/// A refusal that is no UTF-8 is a refusal all the same.
#[test]
fn a_refusal_in_another_encoding() {
    let words = b"SFATAL\0VFATAL\0C28P01\0M\xc6\xd0\xbd\xba\xbf\xf6\xb5\xe5\0Rauth_failed\0\0";
    let refusal = message(b'E', u32::try_from(words.len() + 4).expect("it is short"), words);
    let text = told(6, "E-DB-AUTH", &[&request(5, b"salt"), &refusal], &["password", "lc_messages"]);
    insta::assert_snapshot!(text);
}

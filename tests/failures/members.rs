//! Members of a cluster that cannot be used, and addresses that the manager cannot use: what `manager.env` names
//! must be true for the manager.

use std::process::Command;

use super::{Case, Told, quiet_etcd, row, together};
use crate::servers::{Etcd, Fake, PATIENCE, Postgres, Relay, wait_until};

/// The address stands in two forms.
fn hide(told: Told, address: &str, shown: &'static str) -> Told {
    let port = address.rsplit(':').next().unwrap_or_default();
    told.without(&[(address, shown), (port, "PORT")])
}

fn on<'a>(etcd: &'a Etcd, endpoints: &str) -> Case<'a> {
    let case = Case::on(etcd, Postgres::shared()).set("etcd.endpoints", format!("[{endpoints}]"));
    case.flags(["check", "etcd"])
}

/// Every warning of the manager's as text.
fn of_manager(case: &Case<'_>) -> Told {
    case.warns("W-ETCD-MANAGER")
}

#[test]
fn a_learner_is_passed_over() {
    let mut cluster = Etcd::cluster(1);
    let voter = cluster.remove(0);
    let learner = voter.add_learner();
    let both = |first: &Etcd, second: &Etcd| format!("{}, {}", first.endpoint, second.endpoint);
    let hidden = |told: Told| hide(told, &learner.endpoint, "LEARNER");
    let id = |told: Told| {
        let id = format!("{:x}", learner.ids().0);
        told.without(&[(&id, "LEARNER-ID")])
    };
    let told = together(vec![
        row("alone", || {
            let case = on(&voter, &learner.endpoint).unwatched();
            id(hidden(case.fails(4, "E-ETCD-LEARNER"))).names(&["member promote", &learner.endpoint])
        }),
        row("alone, with its command", || {
            let case = on(&voter, &learner.endpoint).unwatched().flags(["run"]);
            id(hidden(case.fails(4, "E-ETCD-LEARNER")))
        }),
        row("second", || {
            let told = on(&voter, &both(&voter, &learner)).warns("W-ETCD-MEMBER");
            assert_eq!(told.warnings.len(), 1, "the manager uses the first: {:#?}", told.warnings);
            hidden(told)
        }),
        row("first", || hidden(on(&voter, &both(&learner, &voter)).warns("W-ETCD-MEMBER"))),
        row("first, for the manager", || {
            let told = of_manager(&on(&voter, &both(&learner, &voter)));
            hidden(told).names(&[&learner.endpoint, "etcd.manager-endpoint", &voter.endpoint])
        }),
        row("for the manager alone", || {
            let case = on(&voter, &voter.endpoint).set("etcd.manager-endpoint", learner.endpoint.as_str());
            hidden(of_manager(&case)).names(&[&learner.endpoint, "etcd.manager-endpoint"])
        }),
    ]);
    insta::assert_snapshot!(told);

    // The work goes on with the voter, wherever it stands.
    let case = on(&voter, &both(&learner, &voter)).unwatched().flags(["run", "load-images", "set-mount"]);
    assert_eq!(case.run().status, 0);

    // A learner that is promoted meanwhile is waited for.
    let case = on(&voter, &learner.endpoint).unwatched().flags(["check", "etcd", "--wait", "30s"]);
    let running = case.start(&[]);
    running.until("E-ETCD-LEARNER");
    wait_until("the learner has caught up and is promoted", PATIENCE, || voter.promotes(&learner));
    let outcome = running.wait();
    assert_eq!(outcome.status, 0, "{outcome:?}");
}

#[test]
fn the_manager_gets_one_address() {
    let etcd = quiet_etcd();
    let dead = Fake::closed_port();
    let locked = Etcd::with_auth("canary-root-password");
    let stranger = Etcd::start_with(&["--initial-cluster-token=another"]);
    let manager = |address: &str| on(etcd, &etcd.endpoint).set("etcd.manager-endpoint", address);
    let told = together(vec![
        row("the first is dead", || {
            let told = of_manager(&on(etcd, &format!("{}, {}", dead.address, etcd.endpoint)));
            hide(told, &dead.address, "DEAD").names(&["`etcd.manager-endpoint: 127.0.0.1:"])
        }),
        row("its own is dead", || hide(of_manager(&manager(&dead.address)), &dead.address, "DEAD")),
        row("its own wants a sign-in", || {
            hide(of_manager(&manager(&locked.endpoint)), &locked.endpoint, "LOCKED")
        }),
        row("its own is of another cluster", || {
            let told = hide(of_manager(&manager(&stranger.endpoint)), &stranger.endpoint, "STRANGER");
            told.without(&[(&format!("{:x}", stranger.cluster_id()), "STRANGERS-ID")])
        }),
        row("a literal as its own", || {
            manager("'[::1]:2379'")
                .flags(["check"])
                .fails(3, "E-ANSWERS-VALUE")
                .names(&["IPv6", "`NAME:2379`"])
        }),
    ]);
    insta::assert_snapshot!(told);
    // What the remedies say leads to a check without a remark.
    let case = on(etcd, &format!("{}, {}", etcd.endpoint, dead.address)).warns("W-ETCD-MEMBER");
    assert_eq!(case.warnings.len(), 1);
    let case = on(etcd, &format!("{}, {}", dead.address, etcd.endpoint));
    let told = case.set("etcd.manager-endpoint", etcd.endpoint.as_str()).warns("W-ETCD-MEMBER");
    assert_eq!(told.warnings.len(), 1, "{:#?}", told.warnings);
    assert_eq!(manager(&etcd.endpoint).run().warnings.len(), 0);
}

#[test]
fn an_ipv6_literal_is_not_for_the_manager() {
    let etcd = Etcd::start_on("[::1]");
    let literal = format!("'{}'", etcd.endpoint);
    let case = on(&etcd, &literal);
    let told = of_manager(&case).names(&["etcd.manager-endpoint: NAME:", "::1", "host name that resolves"]);
    insta::assert_snapshot!(told.text());
    // Beside one that it can use, that one is the remedy.
    let relay = Relay::to(&etcd.endpoint);
    relay.open();
    let other = on(&etcd, &format!("{literal}, {}", relay.address));
    of_manager(&other).names(&[&format!("`etcd.manager-endpoint: {}`", relay.address)]);
    let named = other.set("etcd.manager-endpoint", relay.address.as_str());
    assert_eq!(named.run().warnings.len(), 0);

    // It is told with its remedy: once where no command follows, and again below the one that starts the manager.
    let mut case = case.unwatched();
    for (flags, times) in [(["run", "set-mount"].as_slice(), 1), (&["run", "write-config"], 1), (&["run"], 2)]
    {
        case = case.flags(flags.iter().copied());
        let outcome = case.outcome(&[]);
        assert_eq!(outcome.status, 0, "{outcome:?}");
        for word in ["W-ETCD-MANAGER", "etcd.manager-endpoint: NAME:"] {
            assert_eq!(outcome.stderr.matches(word).count(), times, "{flags:?} {outcome:?}");
        }
        let next = outcome.stderr.rfind("ai.backend.gateway.server");
        assert_eq!(next.is_some(), times == 2, "{outcome:?}");
        if let Some(next) = next {
            assert!(outcome.stderr[next..].contains("W-ETCD-MANAGER"), "{outcome:?}");
        }
    }
}

/// `write-config` alone asks no etcd for itself, and warns nevertheless of what it writes for the manager.
#[test]
fn the_config_files_alone_bring_the_warning() {
    let etcd = quiet_etcd();
    let (dead, locked) = (Fake::closed_port(), Etcd::with_auth("canary-root-password"));
    let alone = |endpoints: &str| {
        let case = Case::on(etcd, Postgres::shared()).set("etcd.endpoints", format!("[{endpoints}]"));
        case.unwatched().flags(["run", "write-config"])
    };
    of_manager(&alone(&dead.address)).names(&[&dead.address, "nothing listens"]);
    of_manager(&alone(&etcd.endpoint).set("etcd.manager-endpoint", locked.endpoint.as_str()))
        .names(&["sign-in"]);
    let signs_in =
        alone(&locked.endpoint).set("etcd.user", "root").set("etcd.password", "canary-root-password");
    of_manager(&signs_in).names(&["cannot sign in"]);
    // Few lines before the end, and there again: a second run that changes one file.
    let own = Etcd::start();
    let short = alone(&format!("{}, {}", dead.address, own.endpoint)).flags(["run"]);
    of_manager(&short);
    std::fs::remove_file(short.work().join("manager.env")).expect("it was written");
    let outcome = short.outcome(&[]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    let next = outcome.stderr.rfind("ai.backend.gateway.server").expect("the next command");
    assert!(outcome.stderr[next..].contains("W-ETCD-MANAGER"), "{outcome:?}");
    let told = alone(&etcd.endpoint).run();
    assert_eq!((told.status, told.warnings.len()), (0, 1), "{:#?}", told.warnings);
}

/// An address that closes every connection may be etcd that wants TLS: that does not pass by itself.
#[test]
fn tls_is_told_from_an_etcd_that_is_not_up_yet() {
    let etcd = Etcd::with_tls();
    let case = Case::new().set("etcd.endpoints", format!("[{}]", etcd.endpoint));
    case.fails(4, "E-ETCD-PROTOCOL").names(&["TLS", &etcd.endpoint]);
    let relay = Relay::to(&quiet_etcd().endpoint);
    let case = Case::new().set("etcd.endpoints", format!("[{}]", relay.address));
    case.fails(5, "E-ETCD-NOT-READY").names(&["--wait", &relay.address]);
}

/// Carries out every command of a remedy, word for word.
fn follow(remedy: &str, root_password: Option<&str>) {
    let commands = remedy.split('`').filter(|word| word.starts_with("etcdctl "));
    for command in commands {
        let mut shell = Command::new("sh");
        shell.env("ETCDCTL_API", "3").args(["-c", command]);
        if let Some(password) = root_password {
            // What etcdctl would ask for at a terminal.
            let command = command.replace("--user root", &format!("--user root:{password}"));
            shell = Command::new("sh");
            shell.env("ETCDCTL_API", "3").args(["-c", &command]);
        }
        let done = shell.output().expect("a shell");
        assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

fn remedy(told: &Told) -> String {
    let own = told.failures.iter().find(|failure| failure["code"] == told.code.as_str());
    own.and_then(|failure| failure["remedy"].as_str()).expect("a remedy").to_owned()
}

#[test]
fn remedies_lead_on() {
    // The right to write.
    let etcd = Etcd::with_auth("canary-root-password");
    etcd.reading_user("reader", "canary-reader", "/sorna/");
    let case = Case::on(&etcd, Postgres::shared()).set("etcd.user", "reader");
    let case = case.set("etcd.password", "canary-reader").flags(["run", "load-images"]);
    let told = case.fails(6, "E-ETCD-RIGHTS");
    follow(&remedy(&told), Some("canary-root-password"));
    assert_eq!(case.run().status, 0);

    // The right to write the manager's keys is not enough: the lock stands beside them.
    etcd.limited_user("narrow", "canary-narrow", "/sorna/narrow/images/");
    etcd.may_write_too("narrow", "/sorna/narrow/volumes/");
    let case = Case::on(&etcd, Postgres::shared()).set("etcd.namespace", "narrow").set("etcd.user", "narrow");
    let case = case.set("etcd.password", "canary-narrow").flags(["run", "load-images"]);
    let told = case.fails(6, "E-ETCD-RIGHTS");
    follow(&remedy(&told), Some("canary-root-password"));
    assert_eq!(case.run().status, 0);

    // Space: old revisions fill it.
    let full = Etcd::start_with(&["--quota-backend-bytes=4194304"]);
    full.fill_up();
    let case = Case::on(&full, Postgres::shared()).flags(["run", "load-images"]);
    let told = case.fails(4, "E-ETCD-ALARM").names(&["NOSPACE"]);
    follow(&remedy(&told), None);
    assert_eq!(case.run().status, 0, "there is room again");
}

/// Where a list of an older day wins, nothing is written.
#[test]
fn an_older_list_wins() {
    let etcd = Etcd::start();
    etcd.put("/sorna/older/images/_aliases/python:3.6", "python:2.7");
    let case = Case::on(&etcd, Postgres::shared()).set("etcd.namespace", "older");
    let case = case.set("images.metadata", "images.yml").set("images.aliases", "aliases.yml");
    let case = case.file(
        "images.yml",
        "images:\n  - {name: python, tags: [['3.6', abc]], slots: {cpu: 1, mem: 1, gpu: 0}}\n",
    );
    let case = case.file("aliases.yml", "aliases: []\n").flags(["run", "load-images"]);
    let told = case.fails(4, "E-IMAGES-HIDDEN").names(&["`python:3.6`", "`python:2.7`", "--prune"]);
    insta::assert_snapshot!(told.text());
}

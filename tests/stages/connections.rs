//! How often a run signs in.

use crate::failures::Case;
use crate::servers::{Etcd, Postgres};

#[test]
fn one_session_serves_checks_looks_and_work() {
    let (etcd, postgres) = (Etcd::start(), Postgres::start_with(&[], &[("log_connections", "on")]));
    let mut case = Case::on(&etcd, &postgres).unwatched();
    let (user, name) = (case.database.user.clone(), case.database.name.clone());
    let count = |what: &str| postgres.log().lines().filter(|line| line.contains(what)).count();
    // The server lets in whoever may come, and then finds that there is no such database.
    let sign_ins = || {
        let refused = count(&format!("FATAL:  database \"{name}\" does not exist"));
        count(&format!("connection authorized: user={user} ")) - refused
    };
    // A database to create it from, the database itself, its lock; then nothing is to be done, and nothing is locked.
    for (words, most) in [("run", 3), ("run", 1), ("status", 1), ("plan", 1), ("check", 1)] {
        let before = sign_ins();
        case = case.flags([words]);
        let told = case.run();
        assert_eq!(told.status, 0, "{words}: {:#?}", told.failures);
        let took = sign_ins() - before;
        assert!((1..=most).contains(&took), "{words}: {took} sign-ins\n{}", postgres.log());
    }
    // Nor are there many attempts.
    let attempts = count("connection received:");
    assert!(attempts <= 30, "{attempts}");
}

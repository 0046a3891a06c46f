//! Every code's remedy is followed, or there is a reason why it is not.

use backendai_setup::failure::Code;

use super::super::coverage::codes_in;

/// Codes whose remedies are followed beside the test that provokes them.
const ELSEWHERE: &[(&str, &str)] = &[
    ("E-PLAN-STALE", include_str!("../../stages/stale.rs")),
    ("E-PLAN-FILE", include_str!("../../stages/saved_refused.rs")),
    ("E-ETCD-BUSY", include_str!("../../stages/locks.rs")),
    ("E-LOCK-LOST", include_str!("../../stages/locks.rs")),
    ("E-DB-COLLATION", include_str!("../servers.rs")),
    ("W-DB-COLLATION", include_str!("../servers.rs")),
    ("E-DB-SEARCH-PATH", include_str!("../manager.rs")),
    ("E-DB-STARTING", include_str!("../cluster.rs")),
    ("E-DB-MISSING", include_str!("../servers.rs")),
    ("E-DB-POOLER", include_str!("../servers.rs")),
    ("E-ETCD-LEADER", include_str!("../etcd.rs")),
    ("E-ETCD-LOST", include_str!("../lost.rs")),
    ("E-USER-IDS", include_str!("../../stages/upgrade.rs")),
    ("E-DB-ROWS", include_str!("../../stages/upgrade.rs")),
    ("E-DB-USAGE", include_str!("../../stages/upgrade.rs")),
    ("E-DB-USER-IDS", include_str!("../../stages/upgrade.rs")),
    ("E-DB-TABLES", include_str!("../../stages/upgrade_kept.rs")),
    ("W-DB-UPGRADE", include_str!("../../stages/upgrade.rs")),
    ("E-TARGET-OTHER", include_str!("../../stages/targets.rs")),
    ("E-UNDO-NOTHING", include_str!("../../stages/undo.rs")),
    ("E-DB-REVISIONS", include_str!("../../schema/commands.rs")),
    ("E-DB-REVISION-NULL", include_str!("../../schema/commands.rs")),
    ("E-DB-OWNER", include_str!("../../schema/commands.rs")),
    ("E-KEYS-ALTERED", include_str!("../../stages/keypairs_doors.rs")),
    ("E-KEYS-CHANGED", include_str!("../../stages/keypairs_doors.rs")),
    ("E-DEV-PORT", include_str!("../../devstack/mod.rs")),
    ("E-DEV-HOME", include_str!("../../devstack/mod.rs")),
    ("E-ETCD-ALARM", include_str!("../members.rs")),
    ("E-ETCD-RIGHTS", include_str!("../members.rs")),
    ("W-ETCD-MANAGER", include_str!("../members.rs")),
];

/// Codes whose remedy no test can carry out.
const NOT_FOLLOWED: &[(&str, &str)] = &[
    ("E-INTERNAL", "a fault of the program"),
    ("E-EDITOR", "a person must set another editor: the tests of the wizard do that"),
    ("E-CANCELLED", "running the same command again is what the tests of signals do"),
    ("E-LIMITS", "the system must give more: the tests of limits do that"),
    ("E-YAML-LIMIT", "a person must split the file"),
    ("W-FILE-LOGGING", "a person must copy the sections"),
    ("E-OUTPUT", "the device must take more"),
    ("W-STATE-DIR", "the file system must take more"),
    ("W-ANSWERS-NOTE", "the value is used as it is"),
    ("E-DB-VERSION", "needs a PostgreSQL older than 9.6"),
    ("E-MOUNT-HUNG", "the server of the file system must come back: the tests of the mount do that"),
    ("E-FILE-HUNG", "the server of the file system must come back"),
    ("W-UNDO-KEPT", "a person must decide what becomes of what stays"),
    ("W-DB-UNREPAIRED", "a person must decide what becomes of what stays"),
    ("W-KEYS-REMARK", "a remark on rows that stay as they are"),
    ("E-DEV-MISSING", "installs packages"),
    ("E-DEV-BUSY", "runs at the same time wait for each other: the tests of the development stack"),
    ("E-DEV-START", "needs a server that breaks at its start"),
    ("E-DEV-STOP", "needs a process that even killing does not end"),
];

#[test]
fn every_remedy_is_followed_or_has_a_reason() {
    let here = [
        include_str!("answers.rs"),
        include_str!("lists.rs"),
        include_str!("mount.rs"),
        include_str!("servers.rs"),
        include_str!("work.rs"),
    ];
    let here: Vec<String> = here.iter().flat_map(|text| codes_in(text)).collect();
    for code in Code::ALL {
        let typed = format!("Code::{code:?}");
        let code = code.as_str();
        let followed = here.iter().any(|it| it == code);
        let elsewhere =
            ELSEWHERE.iter().any(|(it, text)| *it == code && (text.contains(code) || text.contains(&typed)));
        let excused = NOT_FOLLOWED.iter().any(|(it, _)| *it == code);
        let ways = [followed, elsewhere, excused].iter().filter(|way| **way).count();
        assert_eq!(ways, 1, "{code}: followed {followed}, elsewhere {elsewhere}, excused {excused}");
    }
}

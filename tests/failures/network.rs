//! Addresses where nothing, or something else, answers.

use super::{Case, Row, quiet_etcd, row, together};
use crate::servers::{Fake, Postgres};

/// Every wrong address, for etcd or for PostgreSQL.
fn wrong_addresses<'a>(key: &'static str, kind: &'static str, other: &'a str) -> Vec<Row<'a>> {
    let given = move |address: &str| {
        let value = if key == "etcd.endpoints" { format!("[{address}]") } else { address.to_owned() };
        Case::new().set(key, value)
    };
    let fake = move |fake: Fake, status: i32, what: &str| {
        let mut told =
            given(&fake.address).fails(status, &format!("E-{kind}-{what}")).names(&[&fake.address, key]);
        told.redact.insert(0, (fake.address.clone(), "FAKE"));
        told.redact.insert(1, (fake.port.to_string(), "PORT"));
        told
    };
    vec![
        row("unknown host", move || {
            given("nosuchhost.invalid")
                .fails(5, &format!("E-{kind}-RESOLVE"))
                .names(&["nosuchhost.invalid", key])
        }),
        row("closed port", move || {
            let fake = Fake::closed_port();
            let told = given(&fake.address).fails(5, &format!("E-{kind}-CONNECT"));
            let mut told = told.names(&["127.0.0.1", &fake.port.to_string(), key]);
            told.redact.insert(0, (fake.port.to_string(), "PORT"));
            told
        }),
        row("accepts and is silent", move || fake(Fake::silent_port(), 5, "TIMEOUT")),
        row("garbage", move || fake(Fake::garbage_port(), 4, "PROTOCOL")),
        row("a web server", move || fake(Fake::http_port(), 4, "PROTOCOL")),
        row("closes at once", move || {
            // A server that starts or stops does so: it may come up yet.
            fake(Fake::closing_port(), 5, if kind == "DB" { "LOST" } else { "NOT-READY" })
        }),
        row("the other one's port", move || {
            given(other).fails(4, &format!("E-{kind}-PROTOCOL")).names(&[other, key])
        }),
    ]
}

#[test]
fn wrong_etcd_addresses() {
    let postgres = Postgres::shared().address();
    insta::assert_snapshot!(together(wrong_addresses("etcd.endpoints", "ETCD", &postgres)));
}

#[test]
fn wrong_database_addresses() {
    let etcd = &quiet_etcd().endpoint;
    insta::assert_snapshot!(together(wrong_addresses("database.address", "DB", etcd)));
}

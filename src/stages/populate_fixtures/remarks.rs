//! What people should know about table `keypairs` though nothing is to be done about it here.

use super::found::TableRow;
use crate::{
    failure::{Code, Failure},
    fixture::{CONCURRENCY_LIMIT, RATE_LIMIT, Row},
};

/// More names than these nobody reads.
const NAMED: usize = 10;

/// The remarks for a table; `rotates` says that its secrets are replaced in this run.
pub(super) fn of(rows: &[Row], table: &[TableRow], rotates: bool) -> Vec<Failure> {
    let ours = |found: &TableRow| rows.iter().any(|row| found.is_for(row));
    let others = owners(table, |found| found.is_admin == Some(true) && !ours(found));
    let published = owners(table, |found| found.is_published() && !found.is_open());
    let mut remarks = Vec::new();
    if !others.is_empty() {
        let what = if rotates {
            "other administrators keep their secrets, and their doors stay open"
        } else {
            "other administrators, not touched"
        };
        remarks.push(
            remark(what, &others)
                .why("an administrator reads everybody's secrets and can make further administrators")
                .remedy("check that you know all of them"),
        );
    }
    if !published.is_empty() {
        remarks.push(
            remark("a published access key with a secret of its own", &published)
                .why("somebody may have used it while its secret was the published one")
                .remedy("check what belongs to this access key"),
        );
    }
    remarks.extend(empty(table, ours));
    let is_none = |limit: Option<i32>| limit.is_some_and(|limit| limit <= 0);
    let limits = [
        (
            "rate_limit",
            RATE_LIMIT,
            "the manager refuses every request",
            owners(table, |found| ours(found) && is_none(found.rate_limit)),
        ),
        (
            "concurrency_limit",
            CONCURRENCY_LIMIT,
            "no session can be made",
            owners(table, |found| ours(found) && is_none(found.concurrency_limit)),
        ),
    ];
    for (column, usual, why, owners) in limits.into_iter().filter(|(.., owners)| !owners.is_empty()) {
        let named: Vec<String> =
            owners.iter().map(|owner| format!("'{}'", owner.replace('\'', "''"))).collect();
        let named = named.join(", ");
        let sql = format!(
            "UPDATE public.keypairs SET {column} = {usual} WHERE {column} <= 0 AND user_id IN ({named})"
        );
        remarks.push(
            remark(&format!("`{column}` is 0 or less"), &owners)
                .why(why)
                .remedy(format!("raise it, for example: `{sql}`")),
        );
    }
    remarks
}

/// Rows of others in which a NULL breaks the manager; those of this setup get their values by it.
fn empty(table: &[TableRow], ours: impl Fn(&TableRow) -> bool) -> Vec<Failure> {
    let effects = [
        ("rate_limit", RATE_LIMIT, "the manager answers every signed request of theirs with 500"),
        ("concurrency_limit", CONCURRENCY_LIMIT, "the manager answers 500 when they make a session"),
        ("concurrency_used", 0, "the manager answers 500 when they make a session"),
    ];
    let remarks = effects.into_iter().filter_map(|(column, usual, why)| {
        let is_empty = |found: &TableRow| found.nulls().any(|(null, _)| null == column);
        let owners = owners(table, |found| !ours(found) && is_empty(found));
        let sql = format!("UPDATE public.keypairs SET {column} = {usual} WHERE {column} IS NULL");
        let found = remark(&format!("`{column}` is NULL"), &owners);
        (!owners.is_empty()).then(|| found.why(why).remedy(format!("give it a value, for example: `{sql}`")))
    });
    remarks.collect()
}

fn remark(what: &str, owners: &[&str]) -> Failure {
    let more = owners.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let named = owners.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    Failure::new(Code::KeysRemark, format!("{what}: {named}{more}"))
}

/// The owners of such rows, each once.
fn owners(table: &[TableRow], wanted: impl Fn(&TableRow) -> bool) -> Vec<&str> {
    let wanted = table.iter().filter(|found| wanted(found));
    let mut owners: Vec<&str> = wanted.map(|found| found.user_id.as_deref().unwrap_or("nobody")).collect();
    owners.sort_unstable();
    owners.dedup();
    owners
}

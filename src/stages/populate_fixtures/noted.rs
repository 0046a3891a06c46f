//! What the journal keeps of a row, so that it can be put back.

use secrecy::ExposeSecret;

use super::found::TableRow;
use crate::{
    fingerprint::digest,
    fixture::{Keys, Row},
    journal::{Content, Entry},
};

/// A row that is made.
pub(super) fn made(row: &Row, keys: &Keys) -> Entry {
    Entry::Keypair {
        access: keys.access.clone(),
        user: row.user_id.clone(),
        is_new: true,
        secret: Some(of_secret(keys)),
        old_secret: None,
        filled: Vec::new(),
        row: Some(of_columns(
            Some(&row.user_id),
            Some(row.is_active),
            Some(row.is_admin),
            row.resource_policy.as_deref(),
            Some(row.concurrency_limit),
            Some(row.rate_limit),
        )),
    }
}

/// A row that is there: it gets a new secret, or none; columns that are NULL get their value.
pub(super) fn changed(found: &TableRow, new: Option<&Keys>) -> Entry {
    let filled = found.nulls().map(|(column, _)| column.to_owned()).collect();
    entry(found, new, filled)
}

/// The same without the columns: the row of another owner gets a new secret and nothing else.
pub(super) fn renewed(found: &TableRow, new: &Keys) -> Entry {
    entry(found, Some(new), Vec::new())
}

fn entry(found: &TableRow, new: Option<&Keys>, filled: Vec<String>) -> Entry {
    let old = found.secret.as_ref().filter(|_| new.is_some());
    Entry::Keypair {
        access: found.access.clone(),
        user: found.user_id.clone().unwrap_or_default(),
        is_new: false,
        secret: new.map(of_secret),
        old_secret: old.map(|secret| Content::new(secret.expose_secret().as_bytes())),
        filled,
        row: None,
    }
}

fn of_secret(keys: &Keys) -> String {
    digest(&[keys.secret.expose_secret().as_bytes()])
}

/// The digest of the columns that say whose row it is and what it may: not of those that the manager counts in.
pub(in crate::stages) fn of_columns(
    user: Option<&str>,
    is_active: Option<bool>,
    is_admin: Option<bool>,
    policy: Option<&str>,
    concurrency_limit: Option<i32>,
    rate_limit: Option<i32>,
) -> String {
    let flag = |flag: Option<bool>| flag.map_or_else(String::new, |it| it.to_string());
    let number = |number: Option<i32>| number.map_or_else(String::new, |it| it.to_string());
    let (active, admin) = (flag(is_active), flag(is_admin));
    let (sessions, requests) = (number(concurrency_limit), number(rate_limit));
    let columns = [user.unwrap_or("\0"), &active, &admin, policy.unwrap_or("\0"), &sessions, &requests];
    digest(&columns.map(str::as_bytes))
}

//! What an upgrade of the schema asks of the server: whose the tables are, which rows are in its way, and who uses them.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow};
use tokio::time::{Instant, timeout};

use crate::{
    clock::Clock,
    failure::{Code, Failure},
    guide::Database,
    limits::seconds,
    schema::{Facts, USER_IDS, Upgrade},
    services::{caught, holder::since},
};

use super::{ask, asking::broke, explain, quote_identifier, scalar, silent, sqlstate, unnamed};

/// More sessions than these are counted only.
const NAMED: usize = 5;

/// What the tables hold of what matters to an upgrade.
///
/// # Errors
/// As [`ask`].
pub async fn facts(
    connection: &mut PgConnection,
    database: &Database,
    upgrade: &Upgrade<'_>,
) -> Result<Facts, Failure> {
    let what = "the search for rows in the way of the upgrade";
    let mut facts = Facts::default();
    for question in upgrade.questions() {
        let Some(sql) = question.sql() else { continue };
        let count: i64 = ask(database, what, scalar(&sql).fetch_one(&mut *connection)).await?;
        if count > 0 {
            facts.counts.push((question, count));
        }
    }
    if upgrade.renames_owners() {
        facts.user_ids = ask(database, what, scalar(USER_IDS).fetch_all(connection)).await?;
    }
    Ok(facts)
}

/// Locks tables of schema public for this transaction, so that nobody else reads or writes them until its end; waits for
/// sessions that use them as long as another setup is waited for, in all. False where they stay in use; the transaction is
/// broken then.
///
/// # Errors
/// As [`ask`].
pub async fn lock_tables(
    connection: &mut PgConnection,
    database: &Database,
    tables: &[&str],
) -> Result<bool, Failure> {
    let what = "the lock of the tables";
    let end = Instant::now() + database.limits.lock();
    for table in tables {
        let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let hold = format!(
            "SET LOCAL lock_timeout = {}; LOCK TABLE public.{} IN ACCESS EXCLUSIVE MODE",
            left.as_millis(),
            quote_identifier(table)
        );
        let limit = left + database.limits.answer();
        match timeout(limit, caught(sqlx::raw_sql(AssertSqlSafe(hold)).execute(&mut *connection))).await {
            Err(_) => return Err(silent(database, what, limit)),
            Ok(Err(panic)) => return Err(broke(database, &panic)),
            Ok(Ok(Err(error))) => {
                return match sqlstate(&error).as_deref() {
                    Some("55P03" | "40P01") => Ok(false),
                    _ => Err(explain(&error, database, what)),
                };
            }
            Ok(Ok(Ok(_))) => {}
        }
    }
    let unlimited = sqlx::raw_sql("SET LOCAL lock_timeout = '0'").execute(connection);
    ask(database, what, unlimited).await.map(|_| true)
}

/// Says which sessions use these tables of schema public. What they run is not repeated: it may hold secrets.
///
/// # Errors
/// As [`ask`].
pub async fn in_use(
    connection: &mut PgConnection,
    database: &Database,
    tables: &[&str],
    clock: Clock,
) -> Result<Failure, Failure> {
    let sql = "SELECT l.pid, a.usename::text, a.application_name::text, host(a.client_addr), a.state::text, \
                 (extract(epoch FROM a.xact_start) * 1000000)::int8, \
                 upper((regexp_match(a.query, '^\\s*([A-Za-z]+)'))[1]), string_agg(DISTINCT c.relname::text, ', ') \
               FROM pg_locks l JOIN pg_class c ON c.oid = l.relation \
                 JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
               WHERE l.locktype = 'relation' AND l.granted AND n.nspname = 'public' AND c.relname = ANY($1) \
                 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                 AND l.pid IS DISTINCT FROM pg_backend_pid() \
               GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 6 NULLS LAST, 1";
    let asked = unnamed(sql).bind(tables).fetch_all(connection);
    let rows = ask(database, "the question for who uses the tables", asked).await?;
    let now = clock.now();
    let mut told: Vec<String> = rows.iter().map(|row| user(row, now)).collect();
    let more = told.len().saturating_sub(NAMED);
    told.truncate(NAMED);
    told.extend((more > 0).then(|| format!("and {more} more")));
    let failure =
        Failure::new(Code::DbTables, format!("other sessions use tables of database `{}`", database.name));
    let waited = seconds(database.limits.lock());
    if told.is_empty() {
        return Ok(failure
            .why(format!("a session had one of them a moment ago, for more than {waited}"))
            .remedy("stop the manager if it is running, then run again"));
    }
    let pids = rows.iter().filter_map(|row| row.get::<Option<i32>, _>(0));
    let ends: Vec<_> = pids.take(NAMED).map(|pid| format!("SELECT pg_terminate_backend({pid})")).collect();
    let end = match ends.as_slice() {
        [] => "end prepared transactions with COMMIT PREPARED or ROLLBACK PREPARED".to_owned(),
        ends => format!("if one hangs, end it: {}", ends.join("; ")),
    };
    Ok(failure
        .why(format!(
            "the upgrade needs them alone, and after {waited} they were still in use: {}",
            told.join("; ")
        ))
        .remedy(format!("stop the manager, or wait for the end of these sessions, then run again; {end}")))
}

/// A session that uses tables, in words: who, since when, what it does, and which tables.
fn user(row: &PgRow, now: Timestamp) -> String {
    let text = |at: usize| row.get::<Option<String>, _>(at).filter(|text| !text.is_empty());
    let tables = text(7).unwrap_or_default();
    let Some(pid) = row.get::<Option<i32>, _>(0) else {
        return format!("a prepared transaction ({tables})");
    };
    let began = row.get::<Option<i64>, _>(5).and_then(|it| Timestamp::from_microsecond(it).ok());
    let mut words = vec![format!("session {pid}")];
    words.extend(text(1).map(|user| format!("of `{user}`")));
    words.extend(text(2).map(|name| format!("(`{name}`)")));
    words.extend(text(3).map(|from| format!("from {from}")));
    words.extend(began.map(|began| format!("since {}", since(began, now))));
    let state = text(4).map(|state| match text(6) {
        Some(verb) if state == "active" => format!(", active with {verb}"),
        Some(verb) => format!(", {state} after {verb}"),
        None => format!(", {state}"),
    });
    format!("{}{} ({tables})", words.join(" "), state.unwrap_or_default())
}

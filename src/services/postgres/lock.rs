//! The lock of a database: an advisory one, held by a transaction on a connection of its own for as long as a run goes
//! on. So it works behind a pooler too, and goes with the connection of a run that was killed.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use sqlx::{PgConnection, Row};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};

use crate::{
    clock::Clock,
    failure::{Code, Failure},
    guide::Database,
    limits::seconds,
    schema::{RUN_LOCK as RUN, WORK_LOCK as WORK},
    services::{
        holder::{Holder, since},
        pauses,
    },
};

use super::{
    Question, Transaction, ask, connect_target, explain,
    question::{attempted, one},
    quote_literal, statement, together, unnamed,
};

/// PostgreSQL keeps so many bytes of a session's name.
const NAME: usize = 63;

/// The lock of the database that a run writes to.
pub struct DatabaseLock {
    database: Database,
    /// What others see of the session that holds it.
    name: String,
    clock: Clock,
    session: Mutex<Option<Session>>,
}

struct Session {
    transaction: Transaction,
    /// Of the server's process.
    pid: i32,
    holds: bool,
}

/// How an attempt to take the lock ended.
#[derive(Debug)]
pub enum Attempt {
    /// It is held.
    Held,
    /// Somebody else has it.
    Busy(Failure),
    /// There is no such database yet, so there is nothing to lock.
    NoDatabase,
}

impl fmt::Debug for DatabaseLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseLock").field("name", &self.name).finish_non_exhaustive()
    }
}

impl DatabaseLock {
    /// The lock of this database, not taken yet.
    pub fn new(database: &Database, holder: &Holder, clock: Clock) -> Self {
        Self { database: database.clone(), name: session_name(holder), clock, session: Mutex::default() }
    }

    /// Takes it, unless it is held already; tries again for so long while somebody else has it.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn take(&self, patience: Duration) -> Result<Attempt, Failure> {
        let mut slot = self.session.lock().await;
        let end = Instant::now() + patience;
        let mut pauses = pauses();
        loop {
            // Whoever is stopped in the middle of a question leaves no session behind whose next answer is another's.
            let kept = match slot.take() {
                Some(session) => self.still(session).await,
                None => None,
            };
            let Some(mut session) = (match kept {
                Some(session) => Some(session),
                None => self.open().await?,
            }) else {
                return Ok(Attempt::NoDatabase);
            };
            if !session.holds {
                session.holds = together(&mut session.transaction, &self.database, attempt()).await?;
            }
            if session.holds {
                *slot = Some(session);
                return Ok(Attempt::Held);
            }
            let left = end.saturating_duration_since(Instant::now());
            let Some(pause) = pauses.next().filter(|_| !left.is_zero()) else {
                let busy = self.busy(&mut session.transaction).await?;
                *slot = Some(session);
                return Ok(Attempt::Busy(busy));
            };
            *slot = Some(session);
            sleep(pause.min(left)).await;
        }
    }

    /// The same in the middle of the work, with the patience of one operation: a broken connection of our own may still
    /// have it.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn take_patiently(&self) -> Result<Attempt, Failure> {
        self.take(self.database.limits.lock()).await
    }

    /// The session, unless it holds the lock and its connection broke meanwhile.
    async fn still(&self, mut session: Session) -> Option<Session> {
        if session.holds {
            let asked = statement("the question for the lock", "SELECT true");
            together(&mut session.transaction, &self.database, asked).await.ok()?;
        }
        Some(session)
    }

    async fn open(&self) -> Result<Option<Session>, Failure> {
        let connection = match connect_target(&self.database).await {
            Ok(connection) => connection,
            Err(refused) if refused.failure.code == Code::DbMissing => return Ok(None),
            Err(refused) => return Err(refused.failure),
        };
        let what = "the opening of a session for the lock";
        // However long the run takes; not every server knows all of them.
        let unlimited = statement(
            what,
            "SELECT set_config(name, '0', true) FROM pg_settings \
             WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')",
        );
        let name = quote_literal(&self.name);
        let named = format!("SELECT pg_backend_pid(), set_config('application_name', {name}, true)");
        let named = Question::new(what, named, |rows| one(rows)?.try_get(0));
        let (transaction, ((), pid, holds)) =
            Transaction::begin_with(connection, &self.database, (unlimited, named, attempt())).await?;
        Ok(Some(Session { transaction, pid, holds }))
    }

    /// Says who holds it.
    async fn busy(&self, connection: &mut PgConnection) -> Result<Failure, Failure> {
        let Database { address, name, .. } = &self.database;
        let sql = format!(
            "SELECT l.pid, coalesce(a.application_name, ''), host(a.client_addr), \
             (extract(epoch FROM a.xact_start) * 1000000)::int8 \
             FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid WHERE {} LIMIT 1",
            held("l")
        );
        let asked = unnamed(&sql).fetch_optional(connection);
        let row = ask(&self.database, "the question for the holder of the lock", asked).await?;
        let unknown = format!("another setup is working on database `{name}`");
        let Some(row) = row else {
            let failure = Failure::new(Code::DbBusy, unknown).why("it held the lock a moment ago");
            return Ok(failure.remedy("run again, or wait for it with `--wait 10m`"));
        };
        let (pid, session): (i32, String) = (row.get(0), row.get(1));
        let now = self.clock.now();
        let began = row.get::<Option<i64>, _>(3).and_then(|it| Timestamp::from_microsecond(it).ok());
        let began = began.map(|began| since(began, now));
        let what = match (named(&session), &began) {
            (Some((who, process)), Some(began)) => {
                format!("{who} has been writing to database `{name}` since {began}, process {process}")
            }
            (Some((who, process)), None) => {
                format!("{who} is writing to database `{name}`, process {process}")
            }
            (None, _) => unknown,
        };
        let from = row.get::<Option<String>, _>(2).map(|from| format!(" from {from}")).unwrap_or_default();
        let began = began.map(|began| format!(" since {began}")).unwrap_or_default();
        Ok(Failure::new(Code::DbBusy, what)
            .why(format!("session {pid} of {address} holds the lock{began}: `{session}`{from}"))
            .remedy(format!(
                "wait for it with `--wait 10m`, or run again once it has ended; if it hangs, end its session: SELECT pg_terminate_backend({pid})"
            )))
    }

    /// Before a commit: is the lock still held, as the server sees it?
    ///
    /// # Errors
    /// `E-DB-LOST` when the connection that held it broke.
    pub async fn stands(&self, work: &mut PgConnection) -> Result<(), Failure> {
        let mut slot = self.session.lock().await;
        let pid = slot.as_ref().filter(|session| session.holds).map(|session| session.pid);
        let pid = pid.unwrap_or_default();
        let sql = format!("SELECT EXISTS (SELECT FROM pg_locks l WHERE {} AND l.pid = {pid})", held("l"));
        let stands = Question::new("the question for the lock", sql, |rows| one(rows)?.try_get(0));
        if together(work, &self.database, stands).await? {
            return Ok(());
        }
        // The next attempt takes it again.
        *slot = None;
        let why = "its connection broke; nothing of this transaction was committed".to_owned();
        Err(explain::connection_lost(&self.database, "the work: the lock is no longer held", why))
    }

    /// Lets go.
    pub async fn release(&self) {
        let session = self.session.lock().await.take();
        if let Some(session) = session {
            session.transaction.end().await;
        }
    }
}

/// Before a transaction writes: waits a bounded time for one of a run that has lost its lock and does not know it yet. Let
/// go with the transaction.
///
/// # Errors
/// `E-DB-BUSY` when it takes longer.
pub async fn exclude_others(connection: &mut PgConnection, database: &Database) -> Result<(), Failure> {
    let patience = database.limits.lock();
    let limit = format!("SET LOCAL lock_timeout = {}", patience.as_millis());
    let questions = (
        statement("the time limit of the lock", limit),
        statement("the lock", format!("SELECT pg_advisory_xact_lock({WORK})")),
        statement("the time limit of the lock", "SET LOCAL lock_timeout = '0'"),
    );
    match attempted(connection, database, questions).await {
        Ok(((), (), ())) => Ok(()),
        Err((_, unanswered)) if unanswered.sqlstate().as_deref() == Some("55P03") => {
            let what = format!("another setup is working on database `{}`", database.name);
            Err(Failure::new(Code::DbBusy, what)
                .why(format!("a transaction of it has not ended for more than {}", seconds(patience)))
                .remedy("wait for it to end, then run again"))
        }
        Err((what, unanswered)) => Err(unanswered.explained(database, what)),
    }
}

/// Takes the lock of a run, if it is free.
fn attempt() -> Question<bool> {
    Question::new("the lock", format!("SELECT pg_try_advisory_xact_lock({RUN})"), |rows| {
        one(rows)?.try_get(0)
    })
}

/// The condition for a row of `pg_locks` that is the lock of a run, held.
fn held(table: &str) -> String {
    format!(
        "{table}.locktype = 'advisory' AND {table}.granted AND {table}.objsubid = 1 \
         AND ({table}.classid::int8 << 32 | {table}.objid::int8) = {RUN} \
         AND {table}.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
}

/// `backendai-setup root@gpu-02 4711`, no longer than the server keeps it. It keeps no signs outside ASCII.
fn session_name(holder: &Holder) -> String {
    let (program, pid) = (env!("CARGO_PKG_NAME"), holder.pid);
    let room = NAME.saturating_sub(format!("{program}  {pid}").len());
    let plain = |c: char| if c.is_ascii_graphic() { c } else { '?' };
    let who: String = holder.name().chars().map(plain).take(room).collect();
    format!("{program} {who} {pid}")
}

/// Who it is, and which process there, by the name of a session.
fn named(session: &str) -> Option<(&str, &str)> {
    session.strip_prefix(env!("CARGO_PKG_NAME"))?.strip_prefix(' ')?.rsplit_once(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_session_fits() {
        let holder = |user: &str, host: &str, pid| Holder {
            host: host.to_owned(),
            user: user.to_owned(),
            pid,
            since: Timestamp::UNIX_EPOCH,
            boot: None,
            alive: None,
        };
        let name = session_name(&holder("root", "gpu-02", 4711));
        assert_eq!(name, "backendai-setup root@gpu-02 4711");
        assert_eq!(named(&name), Some(("root@gpu-02", "4711")));
        let long = session_name(&holder("jürgen k", &"x".repeat(64), 4_194_304));
        assert_eq!(long.len(), NAME);
        assert_eq!(named(&long).map(|(who, pid)| (&who[..9], pid)), Some(("j?rgen?k@", "4194304")));
        assert_eq!(named("backendai-setup"), None);
        assert_eq!(named("psql"), None);
    }
}

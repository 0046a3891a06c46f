//! The rows of table `keypairs`: what they are, what is to become of them, and the writing.

use secrecy::{ExposeSecret, SecretString};
use sqlx::{PgConnection, Row as _};

use super::{found::TableRow, remarks};
use crate::{
    failure::{Code, Failure},
    fixture::{self, Keys, Row},
    guide::Database,
    services::postgres::ask,
    stages::keys::count,
    world::{Secrets, World},
};

/// A row of the fixture and what the table has for it.
pub(super) struct Pair {
    pub(super) row: Row,
    pub(super) standing: Standing,
}

/// What the table has for a row.
pub(super) enum Standing {
    /// These keys are there and stay; columns that are NULL get these values.
    Kept(Keys, Vec<(&'static str, i32)>),
    /// Keys are to be made or poured.
    New,
    /// These access keys get new secrets.
    Renewed(Vec<String>),
}

/// What is to become of the table.
pub(super) struct Plan {
    pub(super) pairs: Vec<Pair>,
    /// Rows of other owners whose secret everybody knows, by owner and access key.
    pub(super) closed: Vec<(String, String)>,
    /// What people should look at.
    pub(super) remarks: Vec<Failure>,
}

impl Plan {
    /// The rows of other owners that get new secrets.
    pub(super) fn closed_in<'t>(&self, table: &'t [TableRow]) -> impl Iterator<Item = &'t TableRow> {
        table.iter().filter(|row| self.closed.iter().any(|(_, access)| *access == row.access))
    }

    /// The secrets that are replaced: two runs that replace the same ones notice each other by them.
    pub(super) fn replaced(&self, table: &[TableRow]) -> Secrets {
        let renewed = self.pairs.iter().flat_map(|pair| match &pair.standing {
            Standing::Renewed(access) => access.as_slice(),
            _ => &[],
        });
        let closed = self.closed.iter().map(|(_, access)| access);
        let all: Vec<&String> = renewed.chain(closed).collect();
        let replaced = table.iter().filter(|found| all.contains(&&found.access));
        replaced.map(|found| (found.access.clone(), found.secret.clone())).collect()
    }
}

/// Compares the fixture with the table.
///
/// # Errors
/// `E-KEYS-PUBLISHED`, `E-KEYS-CONFLICT`.
pub(super) fn plan(world: &World, table: &[TableRow]) -> Result<Plan, Failure> {
    let rows = &world.fixture()?.rows;
    let pairs = rows
        .iter()
        .map(|row| Ok(Pair { row: row.clone(), standing: standing(world, row, table)? }))
        .collect::<Result<Vec<_>, Failure>>()?;
    let renewed = |found: &TableRow| {
        pairs.iter().any(|pair| match &pair.standing {
            Standing::Renewed(access) => access.contains(&found.access),
            _ => false,
        })
    };
    let ours = |found: &TableRow| rows.iter().any(|row| row.keys.is_none() && found.is_for(row));
    let is_broken = |found: &TableRow| found.is_open() || found.secret.is_none() && ours(found);
    let open: Vec<&TableRow> = table.iter().filter(|found| is_broken(found) && !renewed(found)).collect();
    if !open.is_empty() && !world.overwrite.published {
        return Err(published(&world.settings.database()?.name, &open));
    }
    let closed = open
        .into_iter()
        .map(|found| (found.user_id.clone().unwrap_or_default(), found.access.clone()))
        .collect();
    Ok(Plan { remarks: remarks::of(rows, table, world.overwrite.keypairs), pairs, closed })
}

fn published(name: &str, open: &[&TableRow]) -> Failure {
    let name_of = |found: &&&TableRow| {
        format!("`{}` of `{}`", found.access, found.user_id.as_deref().unwrap_or("nobody"))
    };
    let (broken, guessed): (Vec<&&TableRow>, Vec<&&TableRow>) =
        open.iter().partition(|found| found.secret.is_none());
    let list = |rows: &[&&TableRow]| rows.iter().map(name_of).collect::<Vec<_>>().join(", ");
    let mut kinds = Vec::new();
    let mut why = Vec::new();
    if !guessed.is_empty() {
        kinds
            .push(format!("{} with a secret that is published, empty or blank", count(guessed.len(), "row")));
        why.push(format!("anybody can sign in with such a secret, active or not: {}", list(&guessed)));
    }
    if !broken.is_empty() {
        kinds.push(format!("{} without a secret", count(broken.len(), "row")));
        why.push(format!(
            "nobody can sign in where `secret_key` is NULL, the manager fails on it: {}",
            list(&broken)
        ));
    }
    Failure::new(Code::KeysPublished, format!("table keypairs of `{name}` has {}", kinds.join(" and ")))
        .why(why.join("; "))
        .remedy("`--replace-published-keys` gives these rows new secrets on the same access keys")
}

fn standing(world: &World, row: &Row, table: &[TableRow]) -> Result<Standing, Failure> {
    if let Some(keys) = &row.keys {
        return poured(row, keys, table);
    }
    let mut ours: Vec<&TableRow> = table.iter().filter(|found| found.is_for(row)).collect();
    if ours.is_empty() {
        return Ok(Standing::New);
    }
    ours.sort_by_key(|found| found.is_active != Some(row.is_active));
    let sound =
        ours.iter().find_map(|found| Some((found, found.secret.clone()?)).filter(|_| !found.is_open()));
    Ok(match sound {
        Some((found, secret)) if !world.rotation_is_due() => {
            Standing::Kept(Keys { access: found.access.clone(), secret }, found.nulls().collect())
        }
        None if !world.rotation_is_due() && !world.overwrite.published => Standing::New,
        _ => Standing::Renewed(ours.iter().map(|found| found.access.clone()).collect()),
    })
}

/// A row with keys of its own is there when its access key is, with the same values.
fn poured(row: &Row, keys: &Keys, table: &[TableRow]) -> Result<Standing, Failure> {
    let Some(found) = table.iter().find(|found| found.access == keys.access) else {
        return Ok(Standing::New);
    };
    if found.is_for(row) && found.has(&keys.secret) && found.is_active == Some(row.is_active) {
        return Ok(Standing::Kept(keys.clone(), found.nulls().collect()));
    }
    Err(Failure::new(
        Code::KeysConflict,
        format!("the access key of `{}` is in table keypairs with other values", row.user_id),
    )
    .why("owner, secret, activity or role differ")
    .remedy("remove the row from the fixture, or fix it in the table"))
}

/// Is it still what was seen?
pub(super) fn is_as_seen(seen: &Secrets, now: &Secrets) -> bool {
    let laid_open = |all: &Secrets| -> Vec<(String, Option<String>)> {
        let open = |secret: &Option<SecretString>| secret.as_ref().map(|it| it.expose_secret().to_owned());
        all.iter().map(|(access, secret)| (access.clone(), open(secret))).collect()
    };
    laid_open(seen) == laid_open(now)
}

/// Inserts a row with these keys.
pub(super) async fn insert(
    database: &Database,
    connection: &mut PgConnection,
    row: &Row,
    keys: &Keys,
) -> Result<(), Failure> {
    let sql = "INSERT INTO public.keypairs (user_id, access_key, secret_key, is_active, is_admin, resource_policy, \
               concurrency_limit, concurrency_used, rate_limit, num_queries) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let insert = sqlx::query(sql)
        .persistent(false)
        .bind(&row.user_id)
        .bind(&keys.access)
        .bind(keys.secret.expose_secret())
        .bind(row.is_active)
        .bind(row.is_admin)
        .bind(&row.resource_policy)
        .bind(row.concurrency_limit)
        .bind(row.concurrency_used)
        .bind(row.rate_limit)
        .bind(row.num_queries)
        .execute(&mut *connection);
    let done = ask(database, "a row in table keypairs", insert).await?;
    one_row(database, connection, done.rows_affected()).await
}

/// Gives a row a new secret on the same access key; what belongs to the key stays with it.
pub(super) async fn renew(
    database: &Database,
    connection: &mut PgConnection,
    keys: &Keys,
) -> Result<(), Failure> {
    let update = sqlx::query("UPDATE public.keypairs SET secret_key = $1 WHERE access_key = $2")
        .persistent(false)
        .bind(keys.secret.expose_secret())
        .bind(&keys.access)
        .execute(&mut *connection);
    let done = ask(database, "a new secret in table keypairs", update).await?;
    one_row(database, connection, done.rows_affected()).await
}

/// Sets the columns of a row that are NULL and must not be.
pub(super) async fn fill(
    database: &Database,
    connection: &mut PgConnection,
    access: &str,
) -> Result<(), Failure> {
    let sql = "UPDATE public.keypairs SET concurrency_limit = coalesce(concurrency_limit, $1), \
               concurrency_used = coalesce(concurrency_used, 0), rate_limit = coalesce(rate_limit, $2) \
               WHERE access_key = $3";
    let update = sqlx::query(sql)
        .persistent(false)
        .bind(fixture::CONCURRENCY_LIMIT)
        .bind(fixture::RATE_LIMIT)
        .bind(access)
        .execute(&mut *connection);
    let done = ask(database, "the limits in table keypairs", update).await?;
    one_row(database, connection, done.rows_affected()).await
}

async fn one_row(database: &Database, connection: &mut PgConnection, affected: u64) -> Result<(), Failure> {
    if affected == 1 { Ok(()) } else { Err(altered(database, connection).await) }
}

/// The table does not hold what was written. Names what on the table may be the cause, with the statement
/// that disables it.
pub(super) async fn altered(database: &Database, connection: &mut PgConnection) -> Failure {
    let sql = "SELECT format('ALTER TABLE public.keypairs DISABLE TRIGGER %I', tgname) FROM pg_trigger \
               WHERE tgrelid = 'public.keypairs'::regclass AND NOT tgisinternal AND tgenabled <> 'D' \
               UNION ALL SELECT format('ALTER TABLE public.keypairs DISABLE RULE %I', rulename) FROM pg_rewrite \
               WHERE ev_class = 'public.keypairs'::regclass AND ev_enabled <> 'D' ORDER BY 1";
    let asked = sqlx::query(sql).persistent(false).fetch_all(connection);
    let found = ask(database, "the triggers of table keypairs", asked).await;
    let cures: Vec<String> = match &found {
        Ok(rows) => rows.iter().map(|row| format!("`{}`", row.get::<String, _>(0))).collect(),
        Err(_) => Vec::new(),
    };
    let failure = Failure::new(Code::KeysAltered, "table keypairs did not keep a row as it was written")
        .why("a trigger or a rule on the table drops or changes rows");
    match cures.as_slice() {
        [] => failure
            .remedy("look at `\\d public.keypairs` in psql, disable the trigger or rule, then run again"),
        cures => {
            failure.remedy(format!("run {} as the owner of the table, then run again", cures.join(" and ")))
        }
    }
}

//! The rows of table `keypairs`.

use secrecy::{ExposeSecret, SecretString};
use sqlx::{PgConnection, Row as _};

use crate::{
    failure::{Code, Failure},
    fixture::{Keys, PUBLISHED, PUBLISHED_SECRETS, Row},
    services::postgres::ask,
    stages::keys::count,
    world::World,
};

/// A row of the fixture and what the table has for it.
pub(super) struct Pair {
    pub(super) row: Row,
    pub(super) standing: Standing,
}

/// What the table has for a row.
pub(super) enum Standing {
    /// These keys are there and stay.
    Kept(Keys),
    /// Keys are to be made or poured; so many active pairs are replaced.
    New { replaces: usize },
}

impl Pair {
    /// A row for which the table has nothing.
    pub(super) fn new(row: &Row) -> Self {
        Self { row: row.clone(), standing: Standing::New { replaces: 0 } }
    }
}

/// Compares the fixture with the table.
pub(super) async fn look(world: &World, connection: &mut PgConnection) -> Result<Vec<Pair>, Failure> {
    let database = world.settings.database()?;
    let sql = "SELECT access_key::text FROM public.keypairs \
               WHERE (access_key = ANY($1) OR secret_key = ANY($2)) AND is_active IS DISTINCT FROM false ORDER BY 1";
    let asked = sqlx::query_scalar(sql).bind(PUBLISHED).bind(PUBLISHED_SECRETS).fetch_all(&mut *connection);
    let published: Vec<String> = ask(database, "the search for published keys", asked).await?;
    if !published.is_empty() {
        let keys: Vec<_> = published.iter().map(|key| format!("'{}'", key.replace('\'', "''"))).collect();
        return Err(Failure::new(
            Code::KeysPublished,
            format!(
                "table keypairs of `{}` has {} that everybody knows",
                database.name,
                count(published.len(), "active keypair")
            ),
        )
        .why("these keys stand in the manager's repository; whoever read it can sign in with them")
        .remedy(format!(
            "in the database: UPDATE keypairs SET is_active = false WHERE access_key IN ({})",
            keys.join(", ")
        )));
    }
    let mut pairs = Vec::new();
    for row in &world.fixture()?.rows {
        let standing = match &row.keys {
            Some(keys) => poured(world, connection, row, keys).await?,
            None => made(world, connection, row).await?,
        };
        pairs.push(Pair { row: row.clone(), standing });
    }
    Ok(pairs)
}

/// A row with keys of its own is there when its access key is, with the same values.
async fn poured(
    world: &World,
    connection: &mut PgConnection,
    row: &Row,
    keys: &Keys,
) -> Result<Standing, Failure> {
    let database = world.settings.database()?;
    let sql = "SELECT user_id::text, secret_key::text, is_active, is_admin FROM public.keypairs WHERE access_key = $1";
    let asked = sqlx::query(sql).bind(&keys.access).fetch_optional(connection);
    let Some(found) = ask(database, "the search for keypairs", asked).await? else {
        return Ok(Standing::New { replaces: 0 });
    };
    let same = found.get::<Option<String>, _>(0).as_deref() == Some(&row.user_id)
        && found.get::<Option<String>, _>(1).as_deref() == Some(keys.secret.expose_secret())
        && found.get::<Option<bool>, _>(2) == Some(row.is_active)
        && found.get::<Option<bool>, _>(3) == Some(row.is_admin);
    if same {
        return Ok(Standing::Kept(keys.clone()));
    }
    Err(Failure::new(
        Code::KeysConflict,
        format!("the access key of `{}` is in table keypairs with other values", row.user_id),
    )
    .why("owner, secret, activity or role differ")
    .remedy("take the row out of the fixture, or mend it in the table"))
}

/// A row without keys is there when a row has its owner, role and activity.
async fn made(world: &World, connection: &mut PgConnection, row: &Row) -> Result<Standing, Failure> {
    let database = world.settings.database()?;
    let sql = "SELECT access_key::text, secret_key::text FROM public.keypairs WHERE user_id = $1 AND is_admin = $2 \
               AND is_active = $3 AND secret_key IS NOT NULL ORDER BY created_at, access_key";
    let asked =
        sqlx::query(sql).bind(&row.user_id).bind(row.is_admin).bind(row.is_active).fetch_all(connection);
    let found = ask(database, "the search for keypairs", asked).await?;
    Ok(match found.first() {
        Some(first) if !world.rotation_is_due() => {
            Standing::Kept(Keys { access: first.get(0), secret: first.get::<String, _>(1).into() })
        }
        _ => Standing::New { replaces: found.len() },
    })
}

/// Every keypair of the table: a credentials file with these alone loses nothing when it is written anew.
pub(super) async fn all_keys(
    world: &World,
    connection: &mut PgConnection,
) -> Result<Vec<(String, SecretString)>, Failure> {
    let database = world.settings.database()?;
    let sql = "SELECT access_key::text, secret_key::text FROM public.keypairs WHERE secret_key IS NOT NULL";
    let found = ask(database, "the search for keypairs", sqlx::query(sql).fetch_all(connection)).await?;
    Ok(found.iter().map(|row| (row.get(0), row.get::<String, _>(1).into())).collect())
}

/// Inserts a pair that is new, and deactivates those it replaces. False when nothing was to do.
pub(super) async fn insert(
    world: &World,
    connection: &mut PgConnection,
    pair: &mut Pair,
) -> Result<bool, Failure> {
    let Standing::New { replaces } = pair.standing else { return Ok(false) };
    let database = world.settings.database()?;
    let row = &pair.row;
    if replaces > 0 {
        // Rows of kernels and folders point at the old pair, so it stays, and no longer opens anything.
        let sql =
            "UPDATE public.keypairs SET is_active = false WHERE user_id = $1 AND is_admin = $2 AND is_active";
        let update = sqlx::query(sql).bind(&row.user_id).bind(row.is_admin).execute(&mut *connection);
        ask(database, "the deactivation of old keypairs", update).await?;
    }
    let keys = match &row.keys {
        Some(keys) => keys.clone(),
        None => Keys::generate()?,
    };
    let sql = "INSERT INTO public.keypairs (user_id, access_key, secret_key, is_active, is_admin, resource_policy, \
               concurrency_limit, concurrency_used, rate_limit, num_queries) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let insert = sqlx::query(sql)
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
        .execute(connection);
    ask(database, "a row in table keypairs", insert).await?;
    pair.standing = Standing::Kept(keys);
    Ok(true)
}

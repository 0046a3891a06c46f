//! `schema repair`: what is missing or otherwise at the head is put back, where that loses nothing.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    failure::{Code, Failure},
    guide::Database,
    journal::Entry,
    schema::{self, Difference, Kind, Probe, Revision, Schema, State, quote_identifier},
    services::postgres::{self, ask, scalar},
    workflow::{About, Certainty, Change, Context, Done, Found, Stage, StagePlan, Written},
    world::World,
};

use super::{LOOKS, install_schema, keys::count, worked};

static ABOUT: About = About {
    id: install_schema::ABOUT.id,
    title: install_schema::ABOUT.title,
    summary: "what is missing or otherwise at the head",
    sections: &["database"],
    checks: &["database"],
    after: &[],
    files: &[],
    flags: &[],
};

/// The stage.
pub struct RepairSchema;

/// What can be put back, and what cannot.
#[derive(Default)]
struct Repairs {
    /// What is otherwise, with the statement.
    statements: Vec<(Difference, String)>,
    /// What stays, and why.
    kept: Vec<(Difference, String)>,
}

impl Repairs {
    fn all(&self) -> impl Iterator<Item = &Difference> {
        self.statements.iter().chain(&self.kept).map(|(difference, _)| difference)
    }
}

/// What is to be repaired in a database; none when nothing is.
async fn repairs(
    connection: &mut PgConnection,
    database: &Database,
    schema: &'static Schema,
) -> Result<Result<Repairs, Failure>, Failure> {
    let standing = postgres::standing(connection, database, schema).await?;
    match standing.judge(&database.name, &database.user) {
        schema::Found::Head => return Ok(Ok(Repairs::default())),
        // What an older revision should be is no measure for a repair: the upgrade changes it.
        schema::Found::Conflict(failure)
            if failure.code != Code::DbShape || !standing.is_stamped(schema.head) =>
        {
            return Ok(Err(failure));
        }
        schema::Found::Conflict(_) => {}
        schema::Found::Fresh => return Ok(Err(not_there_yet(database, None))),
        schema::Found::Older(old) => return Ok(Err(not_there_yet(database, Some(old)))),
    }
    let tables: Vec<&str> = schema.head_tables().collect();
    let mut repairs = Repairs::default();
    let differences = standing.differences(schema.head).unwrap_or_default();
    for (difference, why) in judged(connection, database, differences).await? {
        match why {
            Some(why) => repairs.kept.push((difference, why)),
            None => {
                let sql = difference.cure.as_ref().map(|cure| cure.sql.clone()).unwrap_or_default();
                repairs.statements.push((difference, sql));
            }
        }
    }
    if !repairs.statements.is_empty()
        && let Err(failure) = postgres::may_alter(connection, database, &tables, schema.types).await
    {
        return match failure.code {
            Code::DbOwner | Code::DbRights => Ok(Err(failure)),
            _ => Err(failure),
        };
    }
    Ok(Ok(repairs))
}

/// Each difference that breaks the manager, in the order of a repair, and why it is not repaired; none when it is. What
/// they differ from is the head.
///
/// # Errors
/// When the rows cannot be asked about.
pub async fn judged(
    connection: &mut PgConnection,
    database: &Database,
    differences: Vec<Difference>,
) -> Result<Vec<(Difference, Option<String>)>, Failure> {
    let mut all = Vec::new();
    let mut columns = Columns::default();
    // Columns come first, so it is known which of them come back when a key or an index over them is judged.
    for difference in differences.into_iter().filter(|difference| difference.breaks) {
        let why = why_not(connection, database, &difference, &columns).await?;
        if difference.kind == Kind::Column {
            let column = (difference.table.clone(), difference.name.clone());
            match (&why, difference.state) {
                (None, _) => columns.right.push(column),
                (Some(_), State::Missing) => columns.missing.push(column),
                _ => {}
            }
        }
        if difference.kind == Kind::PrimaryKey && why.is_some() {
            columns.without_key.push(difference.table.clone());
        }
        all.push((difference, why));
    }
    Ok(all)
}

/// A stage brings it to the head first.
fn not_there_yet(database: &Database, at: Option<&Revision>) -> Failure {
    let (name, stage) = (&database.name, ABOUT.id);
    match at {
        None => Failure::new(Code::StageNeeds, format!("database `{name}` has none of the manager's tables"))
            .remedy(format!("`backendai-setup run {stage}` makes them")),
        Some(old) => Failure::new(
            Code::StageNeeds,
            format!("database `{name}` is at revision {}, before the head", old.id),
        )
        .remedy(format!("`backendai-setup run {stage}` upgrades it")),
    }
}

/// What decides about keys and indexes over it: columns that are put right, and those that stay missing, each with its
/// table.
#[derive(Default)]
struct Columns {
    right: Vec<(String, String)>,
    missing: Vec<(String, String)>,
    /// Tables whose primary key does not come back.
    without_key: Vec<String>,
}

/// Why a difference is not repaired; none when it is.
async fn why_not(
    connection: &mut PgConnection,
    database: &Database,
    difference: &Difference,
    columns: &Columns,
) -> Result<Option<String>, Failure> {
    let rests = |(table, column): &&(String, String)| difference.rests_on(table, column);
    if let Some((table, column)) = columns.missing.iter().find(rests) {
        return Ok(Some(format!("it needs column `{column}` of `{table}`, which does not come back")));
    }
    if let Some(table) = columns.without_key.iter().find(|table| difference.refers_to(table)) {
        return Ok(Some(format!("it needs the primary key of `{table}`, which does not come back")));
    }
    let cure = match &difference.cure {
        Err(why) => return Ok(Some(why.clone())),
        Ok(cure) => cure,
    };
    if let Some(why) = cure.by_hand {
        return Ok(Some(why.to_owned()));
    }
    let Some(Probe { sql, what }) = &cure.probe else { return Ok(None) };
    // A question that fails must not end the look.
    let question = "the question for rows in the way";
    ask(database, question, sqlx::raw_sql("SAVEPOINT rows").execute(&mut *connection)).await?;
    let asked = ask(database, question, scalar::<i64>(sql).fetch_one(&mut *connection)).await;
    let back = sqlx::raw_sql("ROLLBACK TO rows; RELEASE rows").execute(&mut *connection);
    ask(database, question, back).await?;
    Ok(match asked {
        Ok(0) => None,
        Ok(rows) => Some(format!("{} {what}", count(usize::try_from(rows).unwrap_or_default(), "row"))),
        // It is asked about a column that is put right in the same repair; what it would have found stops the statement.
        Err(_) if columns.right.iter().any(|column| rests(&column)) => None,
        Err(failure) => Some(failure.why.unwrap_or(failure.what)),
    })
}

/// What stays as it is, for people.
fn remark(database: &Database, difference: &Difference, why: &str) -> Failure {
    let what = format!("{}: {why}", difference.what);
    Failure::new(Code::DbUnrepaired, what).remedy(way_out(database, &[difference]))
}

/// What a person can do about what is not repaired.
fn way_out(database: &Database, kept: &[&Difference]) -> String {
    let by_hand = |it: &&&Difference| it.cure.as_ref().is_ok_and(|cure| cure.by_hand.is_some());
    let is_repairable = |it: &&&Difference| it.is_repairable();
    let statements: Vec<&str> = kept.iter().filter(by_hand).filter_map(|it| it.statement()).collect();
    if statements.len() == kept.len() {
        return format!(
            "if that is right, in database {}, as the owner of the tables or a superuser: {}",
            quote_identifier(&database.name),
            statements.join("; ")
        );
    }
    match kept.iter().filter(is_repairable).count() + statements.len() == kept.len() {
        true => "put these rows right, then `backendai-setup schema repair` again; or restore a backup",
        false => "restore a backup, or set another `database.name`",
    }
    .to_owned()
}

fn plan(repairs: &Repairs) -> StagePlan {
    let statements = repairs.statements.iter();
    let changes = statements.map(|(it, sql)| Change::Statement { what: it.what.clone(), sql: sql.clone() });
    StagePlan::new(ABOUT.id, changes.collect())
}

impl RepairSchema {
    /// `is_over` after the repair: then what could not be repaired is a remark, and nothing else.
    async fn look(cx: &Context<World>, is_over: bool) -> Result<Found, Failure> {
        let (database, schema) = (cx.world.settings.database()?, &cx.world.guide().schema);
        let mut look = cx.world.transaction().await?;
        let found = repairs(&mut look, database, schema).await;
        let repairs = match look.ended(found).await? {
            Ok(repairs) => repairs,
            Err(failure) => return Ok(Found::Conflict(failure)),
        };
        if repairs.statements.is_empty() && !repairs.kept.is_empty() && !is_over {
            return Ok(Found::Conflict(hopeless(database, &repairs)));
        }
        for (difference, why) in &repairs.kept {
            cx.remark(remark(database, difference, why));
        }
        if repairs.statements.is_empty() {
            return Ok(Found::Done(format!("nothing to repair, at revision {}", schema.head)));
        }
        Ok(Found::Pending(plan(&repairs)))
    }

    async fn repair(cx: &Context<World>, planned: &StagePlan) -> Result<Done, Failure> {
        let (database, schema) = (cx.world.settings.database()?, &cx.world.guide().schema);
        cx.wait(cx.world.locks.hold_database()).await??;
        let mut transaction = cx.world.transaction().await?;
        cx.wait(postgres::exclude_others(&mut transaction, database)).await??;
        let done = Done {
            summary: format!("{} repaired", count(planned.changes.len(), "difference")),
            changes: planned.changes.len(),
        };
        let found = match repairs(&mut transaction, database, schema).await? {
            Ok(found) if plan(&found).changes == planned.changes => found,
            // The attempt before was committed, or another run did the same.
            Ok(found) if found.statements.is_empty() => return Ok(done),
            _ => {
                let what = format!("database `{}` changed after the plan was made", database.name);
                return Err(Failure::stale(what, "its tables or rows are not as they were seen".to_owned()));
            }
        };
        let total = found.statements.len();
        for (number, (difference, sql)) in found.statements.iter().enumerate() {
            cx.checkpoint()?;
            ask(
                database,
                &difference.what,
                sqlx::raw_sql(AssertSqlSafe(sql.as_str())).execute(&mut *transaction),
            )
            .await?;
            cx.log(sql.as_str()).await;
            cx.progress(number + 1, total).await;
        }
        let left = repairs(&mut transaction, database, schema).await?.unwrap_or_default();
        if let Some(what) = still_there(&found, &left) {
            return Err(Failure::new(Code::StageVerify, format!("after the repair {what}"))
                .why("all of it was rolled back")
                .remedy("`backendai-setup schema diff` shows every difference; put it right by hand"));
        }
        cx.checkpoint()?;
        let statements = found.statements.into_iter().map(|(_, sql)| sql).collect();
        let intent = cx.intend(vec![Entry::Repair { database: database.name.clone(), statements }]).await?;
        cx.world.locks.stand(&mut transaction).await?;
        cx.write(&intent, 0..1, transaction.commit(database)).await?;
        Ok(done)
    }
}

/// The first of what was repaired that is as it was.
fn still_there<'r>(repaired: &'r Repairs, left: &Repairs) -> Option<&'r str> {
    let is_left = |it: &Difference| left.all().any(|there| there == it);
    repaired.statements.iter().map(|(it, _)| it).find(|it| is_left(it)).map(|it| it.what.as_str())
}

/// Nothing of what breaks the manager can be put back.
fn hopeless(database: &Database, repairs: &Repairs) -> Failure {
    let told: Vec<String> =
        repairs.kept.iter().map(|(difference, why)| format!("{}: {why}", difference.what)).collect();
    let kept: Vec<&Difference> = repairs.kept.iter().map(|(difference, _)| difference).collect();
    let what = format!("nothing in database `{}` can be repaired without losing something", database.name);
    Failure::new(Code::DbShape, what).why(told.join("; ")).remedy(way_out(database, &kept))
}

#[async_trait]
impl Stage<World> for RepairSchema {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn inspect(&self, cx: &Context<World>) -> Result<Found, Failure> {
        postgres::repeated(cx.world.surroundings.limits, LOOKS, || Self::look(cx, false)).await
    }

    async fn apply(&self, cx: &Context<World>, plan: &StagePlan) -> Result<Done, Failure> {
        worked(cx, |_| Self::repair(cx, plan)).await
    }

    /// What cannot be repaired is no part of the plan.
    async fn verify(&self, cx: &Context<World>, _: &StagePlan) -> Result<(), Failure> {
        let limits = cx.world.surroundings.limits;
        match postgres::repeated(limits, LOOKS, || Self::look(cx, true)).await? {
            Found::Done(_) => Ok(()),
            Found::Conflict(failure) => Err(failure),
            Found::Pending(left) => {
                let what = format!("after the repair {} still to write", Change::count(&left.changes));
                Err(Failure::new(Code::StageVerify, what)
                    .remedy("run again; if it stays so, another program changes the same tables"))
            }
        }
    }

    fn left(&self, written: Written) -> String {
        match written.sure {
            Certainty::Nothing => "the tables are as before: nothing was committed",
            Certainty::Something => "the repair was committed, and stays",
            Certainty::Unknown => {
                "whether the commit arrived is not known: all of the repair is there, or none"
            }
        }
        .to_owned()
    }
}

//! What this stage plans, and whether that still fits when it is written.

use secrecy::{ExposeSecret, SecretString};

use super::{
    credentials::{self, Held},
    found::TableRow,
    rows::{self, Pair, Plan, Standing},
};
use crate::{
    failure::{Code, Failure},
    fixture::Keys,
    stages::file::stale_file,
    workflow::{Change, Context, Observed, StageId, StagePlan},
    world::World,
};

/// What the table is to become, and the secrets that are replaced there.
pub(super) fn rows(
    stage: StageId,
    world: &World,
    plan: &Plan,
    table: &[TableRow],
) -> Result<StagePlan, Failure> {
    let observed = |(access, secret): (String, Option<SecretString>)| {
        let parts: [&[u8]; 2] = match &secret {
            Some(secret) => [b"secret", secret.expose_secret().as_bytes()],
            None => [b"none", b""],
        };
        let fingerprint = world.surroundings.fingerprints.of(&parts)?;
        Ok(Observed { what: format!("secret of `{access}`"), fingerprint })
    };
    Ok(StagePlan {
        observed: plan.replaced(table).into_iter().map(observed).collect::<Result<_, Failure>>()?,
        ..StagePlan::new(stage, row_changes(plan))
    })
}

fn row_changes(plan: &Plan) -> Vec<Change> {
    let pairs = plan.pairs.iter().filter_map(|pair| {
        let title = pair.row.title();
        match &pair.standing {
            Standing::Kept(_, nulls) if nulls.is_empty() => None,
            Standing::Kept(_, nulls) => {
                let set: Vec<_> = nulls.iter().map(|(column, to)| format!("{column} NULL → {to}")).collect();
                Some((format!("{title}, {}", set.join(", ")), false))
            }
            Standing::New if pair.row.keys.is_some() => Some((format!("{title}, the given keys"), true)),
            Standing::New => Some((format!("{title}, new keys"), true)),
            Standing::Renewed(access) if access.len() == 1 => Some((format!("{title}, a new secret"), false)),
            Standing::Renewed(access) => {
                Some((format!("{title}, new secrets for {} rows", access.len()), false))
            }
        }
    });
    let closed =
        plan.closed.iter().map(|(user, access)| (format!("`{access}` of `{user}`, a new secret"), false));
    let row = |(what, is_new)| Change::Row { table: "keypairs".into(), what, is_new, is_removed: false };
    pairs.chain(closed).map(row).collect()
}

/// The pairs for the credentials file; keys that are still to be made get a place holder.
pub(super) fn foreseen(plan: &Plan, table: &[TableRow]) -> Result<Vec<Held>, Failure> {
    let mut held = Vec::new();
    let renewed = |access: &str| Keys::generate().map(|keys| Keys { access: access.to_owned(), ..keys });
    for Pair { row, standing } in &plan.pairs {
        let keys = match standing {
            Standing::Kept(keys, _) => vec![keys.clone()],
            Standing::New => vec![row.keys.clone().map_or_else(Keys::generate, Ok)?],
            Standing::Renewed(access) => access.iter().map(|it| renewed(it)).collect::<Result<_, _>>()?,
        };
        let pair = |keys| Held { user_id: row.user_id.clone(), is_admin: row.is_admin, keys };
        held.extend(keys.into_iter().map(pair));
    }
    for row in plan.closed_in(table) {
        held.push(row.held(renewed(&row.access)?));
    }
    Ok(held)
}

/// Is the table still as the plan saw it? After a lost connection `again` also where the plan is done: by this run,
/// or by one that made the same rows.
pub(super) fn still(
    world: &World,
    table: &[TableRow],
    planned: &StagePlan,
    again: bool,
) -> Result<Plan, Failure> {
    let stale = |why: String| Failure::stale("table keypairs changed after the plan was made", why);
    let plan = rows::plan(world, table).map_err(|failure| match failure.code {
        Code::KeysPublished | Code::KeysConflict => stale(failure.what),
        _ => failure,
    })?;
    let found = rows(planned.stage, world, &plan, table)?;
    let is_row = |change: &&Change| matches!(change, Change::Row { .. });
    let changes = planned.changes.iter().filter(is_row).cloned().collect();
    let planned = StagePlan { changes, observed: planned.observed.clone(), ..*planned };
    match planned.difference(&found) {
        Some(_) if again && found.changes.is_empty() => Ok(plan),
        Some(difference) => Err(stale(difference)),
        None => Ok(plan),
    }
}

/// Is the credentials file still as the plan saw it, and can it take these pairs?
pub(super) async fn file(cx: &Context<World>, held: &[Held], planned: &StagePlan) -> Result<(), Failure> {
    let Some(path) = cx.world.settings.files.credentials.as_deref() else { return Ok(()) };
    let what = format!("`{}` changed after the plan was made", path.display());
    let found =
        credentials::look(&cx.world, path, held).await.map_err(|failure| stale_file(failure, &what))?;
    let planned = planned.changes.iter().find(|change| matches!(change, Change::File { .. }));
    match found {
        Some((change, ..)) if planned != Some(&change) => Err(Failure::stale(
            what,
            format!("the plan for it was made from other content; now it would be: {change}"),
        )),
        _ => Ok(()),
    }
}

//! `load-aliases`: the image aliases into etcd.

use async_trait::async_trait;

use crate::{
    failure::{Code, Failure},
    workflow::{About, Context, Done, Found, Stage, StagePlan, Written},
    world::World,
};

use super::{
    keys::{self, Held, Wanted, count},
    load_images,
    stale_keys::{self, StaleKeys},
};

pub(super) static ABOUT: About = About {
    id: "load-aliases",
    title: "Aliases",
    summary: "the image aliases into etcd",
    sections: &["etcd", "images"],
    checks: &["etcd", "images"],
    after: &[load_images::ABOUT.id],
    files: &[],
    // What is left is removed last of all.
    flags: &["--prune"],
};

/// The stage.
pub struct LoadAliases;

/// The aliases; with `--prune` what is left from an older list after them, when nothing leads there
/// any more.
fn writes(world: &World, held: &Held) -> Result<Vec<Wanted>, Failure> {
    let list = world.images()?;
    let mut writes = keys::missing(list.alias_keys(), held);
    if world.overwrite.stale_keys {
        writes.extend(StaleKeys::find(list, held).others.into_iter().map(|key| (key, None)));
    }
    Ok(writes)
}

/// Aliases without their targets mislead, and so do keys that are removed under the old ones.
fn need_images(world: &World, held: &Held) -> Result<(), Failure> {
    let list = world.images()?;
    let missing = if world.overwrite.stale_keys {
        keys::missing(list.image_keys(), held).into_iter().next().map(|(key, _)| key)
    } else {
        list.alias_ends().into_iter().find(|key| !held.contains_key(key))
    };
    match missing {
        None => Ok(()),
        Some(key) => Err(Failure::new(Code::StageNeeds, "the image list is not in etcd yet")
            .why(format!("`{key}` is not there, or not as the list has it"))
            .remedy(format!("run `{}` first, or all stages", load_images::ABOUT.id))),
    }
}

#[async_trait]
impl Stage<World> for LoadAliases {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn inspect(&self, cx: &Context<World>) -> Result<Found, Failure> {
        let mut store = cx.world.etcd().await?;
        let (prefix, is_first) = (store.prefix().to_owned(), !cx.expects(load_images::ABOUT.id));
        let (changes, conflict) = keys::compared(cx, &mut store, move |world, held| {
            let conflict = stale_keys::conflict(world, held)?;
            let writes = writes(world, held)?;
            if conflict.is_none() && !writes.is_empty() && is_first {
                need_images(world, held)?;
            }
            Ok((keys::changes(&prefix, writes, held), conflict))
        })
        .await?;
        if let Some(failure) = conflict {
            return Ok(Found::Conflict(failure));
        }
        if changes.is_empty() {
            let keys = count(cx.world.images()?.alias_keys().len(), "key");
            return Ok(Found::Done(format!("{keys} as they should be")));
        }
        Ok(Found::Pending(StagePlan::new(ABOUT.id, changes)))
    }

    async fn apply(&self, cx: &Context<World>, plan: &StagePlan) -> Result<Done, Failure> {
        keys::write_names(cx, &mut cx.world.etcd().await?, plan).await
    }

    fn left(&self, written: Written) -> String {
        keys::left(written)
    }
}

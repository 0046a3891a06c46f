//! `load-images`: the image list into etcd.

use async_trait::async_trait;

use crate::{
    failure::Failure,
    workflow::{About, Context, Done, Found, Stage, StagePlan, Written},
    world::World,
};

use super::{
    keys::{self, Held, Wanted, count},
    stale_keys::{self, StaleKeys},
};

pub(super) static ABOUT: About = About {
    id: "load-images",
    title: "Image list",
    summary: "the image list into etcd",
    sections: &["etcd", "images"],
    checks: &["etcd", "images"],
    after: &[],
    files: &[],
    flags: &[],
};

/// The stage.
pub struct LoadImages;

fn writes(world: &World, held: &Held) -> Result<(Vec<Wanted>, StaleKeys), Failure> {
    let list = world.images()?;
    let left = StaleKeys::find(list, held);
    let mut writes = keys::missing(list.image_keys(), held);
    if world.overwrite.stale_keys {
        // After the tags that they hide, before the aliases of other tags.
        let first = writes.iter().position(|(key, _)| key.starts_with("images/_aliases/"));
        let at = first.unwrap_or(writes.len());
        writes.splice(at..at, left.hiding.iter().map(|key| (key.clone(), None)));
    }
    Ok((writes, left))
}

#[async_trait]
impl Stage<World> for LoadImages {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn inspect(&self, cx: &Context<World>) -> Result<Found, Failure> {
        let mut store = cx.world.etcd().await?;
        let prefix = store.prefix().to_owned();
        let (changes, left, conflict) = keys::compared(cx, &mut store, move |world, held| {
            let conflict = stale_keys::conflict(world, held)?;
            let (writes, left) = writes(world, held)?;
            Ok((keys::changes(&prefix, writes, held), left, conflict))
        })
        .await?;
        if let Some(failure) = conflict {
            return Ok(Found::Conflict(failure));
        }
        if let (Some(first), false) = (left.first(), cx.world.overwrite.stale_keys) {
            cx.remark(stale_keys::warning(first, left.count()));
        }
        if changes.is_empty() {
            let keys = count(cx.world.images()?.image_keys().len(), "key");
            let left = match left.count() {
                0 => String::new(),
                some if cx.world.overwrite.stale_keys => {
                    format!("; {some} left from an older list go once the aliases are right")
                }
                _ => String::new(),
            };
            return Ok(Found::Done(format!("{keys} as they should be{left}")));
        }
        Ok(Found::Pending(StagePlan::new(ABOUT.id, changes)))
    }

    async fn apply(&self, cx: &Context<World>, plan: &StagePlan) -> Result<Done, Failure> {
        let mut store = cx.world.etcd().await?;
        cx.log(format!("{} is answering, below {}", store.endpoint, store.prefix())).await;
        keys::write_names(cx, &mut store, plan).await
    }

    fn left(&self, written: Written) -> String {
        keys::left(written)
    }
}

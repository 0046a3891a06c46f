//! `load-images`: the image list into etcd.

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::{
    failure::{Code, Failure},
    images::ImageList,
    services::etcd::Write,
    workflow::{About, Context, Done, Lane, Stage, State},
    world::World,
};

use super::keys::{self, Held, count};

pub(super) static ABOUT: About = About {
    id: "load-images",
    title: "Image list",
    summary: "the image list into etcd",
    sections: &["etcd", "images"],
    lane: Lane::Etcd,
};

pub(super) struct LoadImages;

/// Keys under `images/` that neither file sets, aliases first: no reader may see an alias whose
/// target we have just removed.
fn leftovers(list: &ImageList, held: &Held) -> Vec<String> {
    let wanted: BTreeSet<String> =
        list.image_keys().into_iter().chain(list.alias_keys()).map(|(key, _)| key).collect();
    let mut left: Vec<String> = held.keys().filter(|key| !wanted.contains(*key)).cloned().collect();
    left.sort_by_key(|key| !key.starts_with("images/_aliases/"));
    left
}

fn writes(world: &World, held: &Held) -> Result<(Vec<Write>, Vec<String>), Failure> {
    let list = world.images()?;
    let mut writes = keys::missing(list.image_keys(), held);
    let left = leftovers(list, held);
    if world.overwrite.leftovers {
        writes.extend(left.iter().map(|key| (key.clone(), None)));
    }
    Ok((writes, left))
}

#[async_trait]
impl Stage<World> for LoadImages {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn inspect(&self, cx: &Context<World>) -> Result<State, Failure> {
        let mut store = cx.world.etcd().await?;
        let held = store.read_all("images/").await?;
        let (writes, left) = writes(&cx.world, &held)?;
        if writes.is_empty() {
            let keys = count(cx.world.images()?.image_keys().len(), "key");
            let left = match left.len() {
                0 => String::new(),
                some => format!("; {some} left from an older list"),
            };
            return Ok(State::Done(format!("{keys} as they should be{left}")));
        }
        Ok(State::Pending(keys::changes(store.prefix(), &writes, &held)))
    }

    async fn run(&self, cx: &Context<World>) -> Result<Done, Failure> {
        let mut store = cx.world.etcd().await?;
        let held = store.read_all("images/").await?;
        let (writes, left) = writes(&cx.world, &held)?;
        cx.log(format!("{} is answering, below {}", store.endpoint, store.prefix())).await;
        let done = keys::write(cx, &mut store, writes).await?;
        if let (Some(first), false) = (left.first(), cx.world.overwrite.leftovers) {
            cx.warn(format!(
                "{} left from an older list, for example `{first}`; old aliases still win, `--prune` removes them  {}",
                count(left.len(), "key"),
                Code::ImagesLeftover
            ))
            .await;
        }
        Ok(done)
    }
}

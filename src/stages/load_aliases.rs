//! `load-aliases`: the image aliases into etcd.

use async_trait::async_trait;

use crate::{
    failure::Failure,
    workflow::{About, Context, Done, Lane, Stage, State},
    world::World,
};

use super::keys::{self, count};

pub(super) static ABOUT: About = About {
    id: "load-aliases",
    title: "Aliases",
    summary: "the image aliases into etcd",
    sections: &["etcd", "images"],
    lane: Lane::Etcd,
};

pub(super) struct LoadAliases;

const BELOW: &str = "images/_aliases/";

#[async_trait]
impl Stage<World> for LoadAliases {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn inspect(&self, cx: &Context<World>) -> Result<State, Failure> {
        let mut store = cx.world.etcd().await?;
        let held = store.read_all(BELOW).await?;
        let wanted = cx.world.images()?.alias_keys();
        let keys = count(wanted.len(), "key");
        let writes = keys::missing(wanted, &held);
        if writes.is_empty() {
            return Ok(State::Done(format!("{keys} as they should be")));
        }
        Ok(State::Pending(keys::changes(store.prefix(), &writes, &held)))
    }

    async fn run(&self, cx: &Context<World>) -> Result<Done, Failure> {
        let mut store = cx.world.etcd().await?;
        let held = store.read_all(BELOW).await?;
        let writes = keys::missing(cx.world.images()?.alias_keys(), &held);
        keys::write(cx, &mut store, writes).await
    }
}

//! `set-mount`: the path of the shared folder into etcd.

use async_trait::async_trait;

use crate::{
    failure::{Code, Failure},
    guide::storage,
    services::etcd::Stored,
    workflow::{About, Certainty, Change, Context, Done, Found, Stage, StagePlan, Written},
    world::World,
};

use super::keys;

pub(super) static ABOUT: About = About {
    id: "set-mount",
    title: "Shared folder",
    summary: "`volumes/_mount` into etcd",
    sections: &["etcd", "storage"],
    checks: &["etcd", "storage"],
    after: &[],
    files: &[],
    flags: &["--replace-mount"],
};

/// The stage.
pub struct SetMount;

#[async_trait]
impl Stage<World> for SetMount {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn inspect(&self, cx: &Context<World>) -> Result<Found, Failure> {
        let mut store = cx.world.etcd().await?;
        let mount = cx.world.settings.storage()?.mount.clone();
        let below = store.keys().mount;
        let held = store.get(below).await?;
        let revision = held.as_ref().map_or(0, |held| held.revision);
        let (old, old_bytes) = (held.as_ref().map(Stored::text), held.as_ref().and_then(Stored::no_text));
        let key = format!("{}{below}", store.prefix());
        match &old {
            Some(old) if *old == mount => return Ok(Found::Done(format!("is {mount}"))),
            Some(old) if !cx.world.overwrite.mount => {
                // What etcd holds may be a path that no answer can be.
                let is_answer =
                    cx.world.guide().variable(storage::MOUNT).is_some_and(|it| (it.validate)(old).is_ok());
                let keep = if is_answer { format!("set `storage.mount: {old}`, or ") } else { String::new() };
                return Ok(Found::Conflict(
                    Failure::new(Code::MountForeign, format!("etcd already names `{old}` as the shared folder"))
                        .why(format!("`{key}` would become `{mount}`; a running manager keeps the old one until it restarts"))
                        .remedy(format!("{keep}replace it with `--replace-mount`")),
                ));
            }
            _ => {}
        }
        let change = Change::Key { key, old, old_bytes, new: Some(mount), new_bytes: None, revision };
        Ok(Found::Pending(StagePlan::new(ABOUT.id, vec![change])))
    }

    async fn apply(&self, cx: &Context<World>, plan: &StagePlan) -> Result<Done, Failure> {
        let mut store = cx.world.etcd().await?;
        let done = keys::write(cx, &mut store, plan).await?;
        let [Change::Key { old, new: Some(mount), .. }] = plan.changes.as_slice() else { return Ok(done) };
        if let Some(old) = old {
            cx.warn(format!(
                "a running manager keeps `{old}` until it is restarted; after that the folders of users answer with errors until they are moved to `{mount}`"
            ))
            .await;
        }
        Ok(Done { summary: format!("is {mount}"), ..done })
    }

    fn left(&self, written: Written) -> String {
        match written.sure {
            Certainty::Nothing => "etcd names the folder that it named before, or none",
            Certainty::Something => "the path is written, and stays",
            Certainty::Unknown => "whether the path was written is not known",
        }
        .to_owned()
    }
}

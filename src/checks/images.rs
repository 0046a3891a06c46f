//! Images: the list reads, every alias points to something.

use std::time::Instant;

use async_trait::async_trait;

use futures::future::select_ok;

use crate::{
    guide::Etcd,
    images::ImageList,
    workflow::{Ladder, Rung},
    world::World,
};

use super::{
    check::{Check, CheckAbout},
    member::member,
};

static ABOUT: CheckAbout = CheckAbout {
    id: "images",
    title: "images",
    summary: "the list and its aliases read as the manager would, every alias points to an image and tag, and no older alias in etcd wins over them",
    sections: &["images"],
    is_server: false,
};

/// The check.
pub struct ImagesCheck;

#[async_trait]
impl Check for ImagesCheck {
    fn about(&self) -> &'static CheckAbout {
        &ABOUT
    }

    async fn probe(&self, world: &World, ladder: &Ladder) {
        let since = Instant::now();
        match world.judged_images() {
            Some(Ok(list)) => {
                let counts = list.counts();
                ladder.tell(Rung::passed("list", &counts, since).telling(&counts));
                for warning in &list.warnings {
                    ladder.note("list", warning.clone(), since);
                }
                // Where `--prune` is given they go.
                if let (Ok(etcd), false) = (world.settings.etcd(), world.overwrite.stale_keys) {
                    in_force(ladder, list, etcd).await;
                }
            }
            Some(Err(problems)) => {
                for problem in problems {
                    ladder.note("list", problem.clone(), since);
                }
            }
            None => ladder.not_needed("list", "not read in this run"),
        }
    }
}

/// Would the list be in force as it is given, beside what etcd holds? An etcd that cannot be asked is for the
/// check of etcd to tell.
async fn in_force(ladder: &Ladder, list: &ImageList, etcd: &Etcd) {
    let since = Instant::now();
    let look = async |endpoint| {
        let (_, mut store) = member(&Ladder::unseen(), etcd, endpoint).await.map_err(|_| ())?;
        store.read_all("images/").await.map_err(|_| ())
    };
    let held = select_ok(etcd.endpoints.iter().map(|endpoint| Box::pin(look(endpoint)))).await;
    match held.map(|(held, _)| list.overruled(&held)) {
        Ok(None) => ladder.pass("in force", "no older alias in etcd wins over it", since),
        Ok(Some(failure)) => ladder.note("in force", failure, since),
        Err(()) => ladder.not_needed("in force", "not compared with etcd, which cannot be read"),
    }
}

//! Images: the list reads, every alias points to something.

use std::time::Instant;

use async_trait::async_trait;

use futures::future::select_ok;

use crate::{guide::Etcd, images::ImageList, workflow::Verdict, world::World};

use super::{Check, CheckAbout, etcd::member};

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

    async fn probe(&self, world: &World) -> Verdict {
        let since = Instant::now();
        let mut verdict = Verdict::new();
        match world.judged_images() {
            Some(Ok(list)) => {
                let counts = list.counts();
                verdict.tell(&counts);
                verdict.pass("list", counts, since);
                for warning in &list.warnings {
                    verdict.note("list", warning.clone(), since);
                }
                // Where `--prune` is given they go.
                if let (Ok(etcd), false) = (world.settings.etcd(), world.overwrite.leftovers) {
                    in_force(&mut verdict, list, etcd).await;
                }
            }
            Some(Err(problems)) => {
                for problem in problems {
                    verdict.note("list", problem.clone(), since);
                }
            }
            None => verdict.not_needed("list", "not read in this run"),
        }
        verdict
    }
}

/// Would the list be in force as it is given, beside what etcd holds? An etcd that cannot be asked is for the
/// check of etcd to tell.
async fn in_force(verdict: &mut Verdict, list: &ImageList, etcd: &Etcd) {
    let since = Instant::now();
    let look = async |endpoint| {
        let (_, mut store) = member(&mut Verdict::new(), etcd, endpoint).await.map_err(|_| ())?;
        store.read_all("images/").await.map_err(|_| ())
    };
    let held = select_ok(etcd.endpoints.iter().map(|endpoint| Box::pin(look(endpoint)))).await;
    match held.map(|(held, _)| list.overruled(&held)) {
        Ok(None) => verdict.pass("in force", "no older alias in etcd wins over it", since),
        Ok(Some(failure)) => verdict.note("in force", failure, since),
        Err(()) => verdict.not_needed("in force", "not compared with etcd, which cannot be read"),
    }
}

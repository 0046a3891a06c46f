//! Images: the list reads, every alias points to something.

use std::time::Instant;

use async_trait::async_trait;

use crate::{workflow::Verdict, world::World};

use super::{Check, CheckAbout};

static ABOUT: CheckAbout = CheckAbout {
    id: "images",
    title: "images",
    summary: "the list and its aliases read as the manager would, and every alias points to an image and tag",
    sections: &["images"],
};

pub(super) struct ImagesCheck;

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

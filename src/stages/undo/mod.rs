//! Undo: the stages of a run backwards. Each puts back what its journal says was written, where that still stands.

mod database;
mod files;
mod keys;
mod looked;
mod rows;
mod schema;

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    failure::Failure,
    journal::JournaledRun,
    services::postgres,
    workflow::{About, Certainty, Change, Context, Done, Found, Stage, StagePlan, Written},
    world::World,
};

use super::{
    LOOKS, SetupStage, create_database, install_schema, keys::count, load_aliases, load_images,
    populate_fixtures, set_mount, write_config,
};

const ETCD: &[&str] = &["etcd"];
const DATABASE: &[&str] = &["database"];

const fn about(stage: &About, needs: &'static [&'static str], after: &'static [&'static str]) -> About {
    About {
        id: stage.id,
        title: stage.title,
        summary: stage.summary,
        sections: needs,
        checks: needs,
        after,
        files: &[],
        flags: &[],
    }
}

/// Each stage backwards: it comes after those that build on it.
static ABOUTS: [About; 7] = [
    about(&load_aliases::ABOUT, ETCD, &[]),
    about(&load_images::ABOUT, ETCD, &[load_aliases::ABOUT.id]),
    about(&set_mount::ABOUT, ETCD, &[]),
    about(&write_config::ABOUT, &[], &[]),
    about(&populate_fixtures::ABOUT, DATABASE, &[]),
    about(&install_schema::ABOUT, DATABASE, &[populate_fixtures::ABOUT.id]),
    about(&create_database::ABOUT, DATABASE, &[install_schema::ABOUT.id]),
];

/// One stage of a run, backwards.
struct Undo {
    about: &'static About,
    run: Arc<JournaledRun>,
}

/// The stages that put back what a run wrote, of those that are chosen.
pub fn stages(run: &Arc<JournaledRun>, is_chosen: impl Fn(&str) -> bool) -> Vec<SetupStage> {
    let wrote = |about: &&About| !run.entries(about.id).is_empty() && is_chosen(about.id);
    let undo = |about| -> SetupStage { Arc::new(Undo { about, run: Arc::clone(run) }) };
    ABOUTS.iter().filter(wrote).map(undo).collect()
}

impl Undo {
    async fn look(&self, cx: &Context<World>) -> Result<Found, Failure> {
        let entries = self.run.entries(self.about.id);
        let rows = rows::look(cx, entries).await?;
        // The credentials file holds what the rows have.
        let files =
            files::look(cx, entries, (!rows.kept.is_empty()).then_some("it holds keypairs that stay"));
        let looked = keys::look(cx, entries)
            .await?
            .and(schema::look(cx, &self.run, entries).await?)
            .and(database::look(cx, &self.run, entries).await?)
            .and(files.await?)
            .and(rows);
        let kept = looked.kept.len();
        for remark in looked.kept {
            cx.remark(remark);
        }
        if !looked.changes.is_empty() {
            return Ok(Found::Pending(StagePlan::new(self.about.id, looked.changes)));
        }
        Ok(Found::Done(match kept {
            0 => "nothing of it is left".into(),
            _ => format!("{} kept", count(kept, "change")),
        }))
    }
}

#[async_trait]
impl Stage<World> for Undo {
    fn about(&self) -> &'static About {
        self.about
    }

    async fn inspect(&self, cx: &Context<World>) -> Result<Found, Failure> {
        postgres::repeated(cx.world.surroundings.limits, LOOKS, || self.look(cx)).await
    }

    async fn apply(&self, cx: &Context<World>, plan: &StagePlan) -> Result<Done, Failure> {
        let entries = self.run.entries(self.about.id);
        keys::apply(cx, plan).await?;
        rows::apply(cx, plan, entries).await?;
        schema::apply(cx, plan, &self.run).await?;
        database::apply(cx, plan, &self.run).await?;
        files::apply(cx, plan, entries).await?;
        Ok(Done {
            summary: format!("{} put back", Change::count(&plan.changes)),
            changes: plan.changes.len(),
        })
    }

    fn left(&self, written: Written) -> String {
        match written.sure {
            Certainty::Nothing => "nothing was put back",
            Certainty::Something => "a part was put back; undo again puts back the rest",
            Certainty::Unknown => "whether the last part was put back is not known; undo again looks",
        }
        .to_owned()
    }
}

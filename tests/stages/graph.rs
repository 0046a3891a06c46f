//! The runner over graphs made at random: their order is kept, every stage ends once, and no run waits for ever.

use std::{collections::BTreeSet, sync::Arc};

use backendai_setup::workflow::{Stage, StageId, Stop};
use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestCaseResult};
use serde_json::Value;
use tokio::{sync::Barrier, time::timeout};

use crate::servers::PATIENCE;

use super::events::{Does, play, toy};

const IDS: [StageId; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// A stage of a graph: which of the earlier letters it comes after, and what it does.
#[derive(Debug, Clone)]
struct Node {
    id: StageId,
    after: Vec<StageId>,
    does: Does,
    /// It is part of the run.
    is_chosen: bool,
}

/// Graphs without a circle, in any order.
fn graphs() -> impl Strategy<Value = Vec<Node>> {
    let does = prop_oneof![
        6 => Just(Does::Work),
        2 => Just(Does::Chatter(3)),
        2 => Just(Does::Nothing),
        1 => select(vec![Does::Fail, Does::Panic, Does::InVain]),
    ];
    let node = (any::<u8>(), any::<u8>(), does, prop::bool::weighted(0.8));
    let nodes = vec(node, 1..=IDS.len()).prop_map(|nodes| {
        let node = |(at, (some, others, does, is_chosen)): (usize, (u8, u8, Does, bool))| {
            // A quarter of all that could be.
            let is_after = |to: &usize| some & others & (1 << to) != 0;
            let after = (0..at).filter(is_after).map(|to| IDS[to]).collect();
            Node { id: IDS[at], after, does, is_chosen }
        };
        nodes.into_iter().enumerate().map(node).collect::<Vec<_>>()
    });
    nodes.prop_shuffle()
}

/// What `id` comes after, near and far, over the stages of the run.
fn before(nodes: &[Node], id: StageId) -> BTreeSet<StageId> {
    let Some(node) = nodes.iter().find(|node| node.id == id) else { return BTreeSet::new() };
    let near = node.after.iter().filter(|id| nodes.iter().any(|node| node.id == **id));
    near.flat_map(|id| before(nodes, id).into_iter().chain([*id])).collect()
}

fn run(nodes: &[Node]) -> Vec<Value> {
    let stages: Vec<Arc<dyn Stage<()>>> =
        nodes.iter().map(|node| toy(node.id, node.after.clone().leak(), node.does.clone())).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    let ended = runtime.block_on(async { timeout(PATIENCE, play(stages, Stop::default())).await });
    ended.unwrap_or_else(|_| panic!("it waits for ever: {nodes:#?}")).0
}

fn place(events: &[Value], kind: &str, stage: StageId) -> Option<usize> {
    events.iter().position(|event| event["type"] == kind && event["stage"] == stage)
}

fn keeps_its_order(nodes: &[Node], events: &[Value]) -> TestCaseResult {
    for node in nodes {
        let end = place(events, "stage_finished", node.id);
        let first = place(events, "stage_started", node.id).or(end);
        for id in before(nodes, node.id) {
            prop_assert!(place(events, "stage_finished", id) < first, "{} is not awaited: {events:#?}", id);
        }
    }
    let failure = events.iter().position(|event| event["outcome"] == "failed");
    let last = events.iter().rposition(|event| event["type"] == "stage_started");
    prop_assert!(failure.is_none() || last < failure, "something starts after a failure: {events:#?}");
    let skipped = events.iter().any(|event| event["outcome"] == "skipped");
    prop_assert!(failure.is_some() || !skipped, "something is skipped without a failure: {events:#?}");
    Ok(())
}

proptest! {
    #[test]
    fn every_order_is_kept(graph in graphs()) {
        let nodes: Vec<Node> = graph.into_iter().filter(|node| node.is_chosen).collect();
        // `play` holds that each stage has one end.
        keeps_its_order(&nodes, &run(&nodes))?;
    }

    /// Those that come after nothing wait in their work for each other.
    #[test]
    fn what_can_start_does(graph in graphs()) {
        let mut nodes: Vec<Node> = graph.into_iter().filter(|node| node.is_chosen).collect();
        let is_first: Vec<bool> = nodes.iter().map(|node| before(&nodes, node.id).is_empty()).collect();
        let barrier = Arc::new(Barrier::new(is_first.iter().filter(|first| **first).count()));
        for (node, _) in nodes.iter_mut().zip(is_first).filter(|(_, first)| *first) {
            node.does = Does::Meet(Arc::clone(&barrier));
        }
        keeps_its_order(&nodes, &run(&nodes))?;
    }
}

//! The grammar of events: `version notice* check* plan? stages summary`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Which events a stream may have, in order; every stage of `version` has one end, and a start unless it was
/// never begun.
pub fn keeps(events: &[Value]) {
    let kind = |event: &Value| event["type"].as_str().expect("every event has a type").to_owned();
    let kinds: Vec<String> = events.iter().map(kind).collect();
    assert_eq!(kinds.first().map(String::as_str), Some("version"), "{kinds:?}");
    assert_eq!(kinds.last().map(String::as_str), Some("summary"), "{kinds:?}");
    let place = |kind: &str| match kind {
        "version" => 0,
        "notice" => 1,
        "check" => 2,
        "plan" => 3,
        "stage_started" | "progress" | "log" | "stage_finished" => 4,
        "summary" => 5,
        other => panic!("an event of type {other}"),
    };
    assert!(kinds.iter().map(|kind| place(kind)).is_sorted(), "{kinds:?}");
    for once in ["version", "plan", "summary"] {
        assert!(kinds.iter().filter(|kind| *kind == once).count() <= 1, "{kinds:?}");
    }
    let stages = events[0]["stages"].as_array().expect("the stages of the run");
    let stages: BTreeSet<&str> = stages.iter().filter_map(Value::as_str).collect();
    let ended = stages_keep(&events[1..events.len() - 1]);
    let ran = ended.iter().filter(|(_, outcome)| *outcome != "left_out").map(|(stage, _)| stage.as_str());
    assert!(ended.is_empty() || ran.collect::<BTreeSet<_>>() == stages);
    for event in events {
        assert!(event["time"].is_string(), "{event}");
    }
}

/// For each stage `started (progress|log)* finished`, however stages overlap; gives back the outcomes.
pub fn stages_keep(events: &[Value]) -> BTreeMap<String, String> {
    let mut running: BTreeMap<String, u64> = BTreeMap::new();
    let mut ended = BTreeMap::new();
    for event in events {
        let Some(stage) = event["stage"].as_str().map(str::to_owned) else { continue };
        match event["type"].as_str() {
            Some("stage_started") => {
                assert!(!ended.contains_key(&stage), "{stage} starts after its end");
                assert!(running.insert(stage.clone(), 0).is_none(), "{stage} starts twice");
            }
            Some("stage_finished") => {
                let outcome = event["outcome"].as_str().expect("an end has an outcome");
                let never = matches!(outcome, "skipped" | "left_out")
                    || outcome == "cancelled" && event["left"].is_null();
                assert_eq!(running.remove(&stage).is_some(), !never, "{stage}: {event}");
                ended.insert(stage, outcome.to_owned());
            }
            Some("progress") => {
                let last = running.get_mut(&stage).expect("progress belongs to a running stage");
                let (done, total) = (event["done"].as_u64(), event["total"].as_u64());
                assert!(done >= Some(*last) && done <= total, "{event}");
                *last = done.unwrap_or_default();
            }
            _ => assert!(running.contains_key(&stage), "{event} outside its stage"),
        }
    }
    assert!(running.is_empty(), "without an end: {running:?}");
    ended
}

//! Large lists in a real etcd: loaded, and loaded again without a change, in bounded memory.

use super::Site;
use crate::servers::{Outcome, PATIENCE};

/// What the largest list may take, in bytes.
const ROOM: u64 = 512 << 20;

/// Images with so many tags each, and so many aliases of tags in turns.
fn list(images: usize, tags: usize, aliases: usize) -> (String, String) {
    let mut metadata = "images:\n".to_owned();
    for image in 0..images {
        metadata += &format!("- name: image{image}\n  slots: {{cpu: 1, mem: 1.0, gpu: 0}}\n  tags:\n");
        for tag in 0..tags {
            metadata += &format!("  - [t{tag}, \"sha256:{image:016x}{tag:016x}\"]\n");
        }
    }
    let mut links = "aliases:\n".to_owned();
    for alias in 0..aliases {
        let target = alias % (images * tags);
        links += &format!("- [a{alias}, \"image{}:t{}\"]\n", target / tags, target % tags);
    }
    (metadata, links)
}

/// Loads a list twice; the second time there is nothing to change.
fn is_loaded_once(images: usize, tags: usize, aliases: usize) {
    let (metadata, links) = list(images, tags, aliases);
    let site = Site::new();
    site.write("images.yml", metadata);
    site.write("aliases.yml", links);
    // Four keys of each image, one of each tag and alias.
    let keys = images * (4 + tags) + aliases;
    let first = run(&site);
    assert!(first.stderr.contains("changed=2 unchanged=0 failed=0 skipped=0"), "{first:?}");
    assert_eq!(site.etcd.count("/sorna/"), keys);
    let before = site.etcd.revision();
    let again = run(&site);
    assert!(again.stderr.contains("changed=0 unchanged=2 failed=0 skipped=0"), "{again:?}");
    assert_eq!(site.etcd.revision(), before, "something was written");
}

fn run(site: &Site) -> Outcome {
    // How fast an etcd takes so much on a busy machine is no matter here.
    let words = ["run", "load-images", "load-aliases", "--timeout", "60s"];
    let outcome = site.program(words).memory(ROOM).start().wait_within(4 * PATIENCE);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    outcome
}

#[test]
#[ignore = "takes long: `make test-long`"]
fn a_hundred_thousand_tags() {
    is_loaded_once(1_000, 100, 20_000);
}

/// Saved, and applied from the file.
#[test]
#[ignore = "takes long: `make test-long`"]
fn a_plan_of_a_hundred_thousand_tags() {
    let (metadata, links) = list(1_000, 100, 20_000);
    let site = Site::new();
    site.write("images.yml", metadata);
    site.write("aliases.yml", links);
    let words = ["plan", "--summary", "--out", "plan.json", "--timeout", "60s"];
    let plan = site.program(words).memory(ROOM);
    let outcome = plan.start().wait_within(4 * PATIENCE);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    let apply = plan.again(["--answers", "answers.yml", "apply", "plan.json", "--timeout", "60s"]);
    let outcome = apply.start().wait_within(4 * PATIENCE);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert_eq!(site.etcd.count("/sorna/local/images/"), 1_000 * (4 + 100) + 20_000);
}

#[test]
#[ignore = "takes long: `make test-long`"]
fn thirty_thousand_aliases_of_a_thousand_tags() {
    is_loaded_once(100, 10, 30_000);
}

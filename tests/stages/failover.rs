//! A cluster that loses a member while a list is loaded: the work goes on at another one.

use super::Site;
use crate::servers::{Etcd, PATIENCE, wait_until};

const IMAGES: usize = 10;
const TAGS: usize = 500;
/// Four keys of each image, one of each tag.
const KEYS: usize = IMAGES * (4 + TAGS);

fn list() -> String {
    let mut list = "images:\n".to_owned();
    for image in 0..IMAGES {
        list += &format!("- name: image{image}\n  slots: {{cpu: 1, mem: 1.0, gpu: 0}}\n  tags:\n");
        for tag in 0..TAGS {
            list += &format!("  - [t{tag}, hash-{image}-{tag}]\n");
        }
    }
    list
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Victim {
    /// The one that the program works with: the first that is named.
    First,
    /// The leader, where that is another one.
    Leader,
    /// A follower that the program does not work with.
    Follower,
}

/// Which of the members it is, the first of them being the one that the program works with. Members are put in another
/// order where the first happens to lead.
fn find(members: &mut [Etcd], victim: Victim) -> usize {
    let (_, leader) = members[0].ids();
    let at = members.iter().position(|member| member.ids().0 == leader).expect("one of them leads");
    // The second leads.
    members.swap(at, 1);
    match victim {
        Victim::First => 0,
        Victim::Leader => 1,
        Victim::Follower => 2,
    }
}

fn loses(victim: Victim, end: impl FnOnce(&mut Etcd)) {
    let site = Site::new();
    site.write("images.yml", list());
    site.write("aliases.yml", "aliases: []\n");
    let mut members = Etcd::cluster(3);
    let at = find(&mut members, victim);
    let endpoints: Vec<&str> = members.iter().map(|member| member.endpoint.as_str()).collect();
    let setting = format!("etcd.endpoints={}", endpoints.join(","));
    let watched =
        members.iter().position(|member| member.endpoint != members[at].endpoint).expect("there are three");
    let running = site.program(["run", "load-images", "--set", &setting]).start();
    wait_until("a part of the list is there", PATIENCE, || members[watched].count("/sorna/") > KEYS / 10);
    end(&mut members[at]);
    let outcome = running.wait();
    assert_eq!(outcome.status, 0, "{victim:?}: {}", outcome.stderr);
    let held = members[watched].get_all("/sorna/");
    assert_eq!(held.len(), KEYS, "{victim:?}");
    for image in 0..IMAGES {
        for tag in 0..TAGS {
            let key = format!("/sorna/local/images/image{image}/tags/t{tag}");
            assert_eq!(held.get(&key), Some(&format!("hash-{image}-{tag}")), "{victim:?}: {key}");
        }
    }
}

#[test]
fn the_member_that_it_works_with_is_killed() {
    loses(Victim::First, Etcd::stop);
}

#[test]
fn the_leader_is_killed() {
    loses(Victim::Leader, Etcd::stop);
}

#[test]
fn a_follower_is_killed() {
    loses(Victim::Follower, Etcd::stop);
}

#[test]
fn the_member_that_it_works_with_stands_still() {
    loses(Victim::First, |member| member.pause());
}

#[test]
fn the_leader_stands_still() {
    loses(Victim::Leader, |member| member.pause());
}

//! A shared folder that does not answer.

use super::Stand;
use crate::servers::Fuse;

#[test]
fn a_node_whose_mount_hangs_says_so_and_ends() {
    let Some(fuse) = Fuse::needed() else { return };
    let stand = Stand::new();
    let offer = stand.program(&["offer", "--nodes", "1", "--output", "json"]).start();
    stand.wait_for_the_offer();
    let words = ["verify", "--node", "a", "--timeout", "3s", "--output", "json"];
    let told = stand.told(&stand.program(&words).under(fuse.hung(&stand.mount)).run()).expect("E-MOUNT-HUNG");
    assert_eq!(told.status, 5);
    let told = stand.told(&offer.wait()).expect("E-MOUNT-DIFFERS").names(&["`a`"]);
    assert_eq!(told.status, 4);
    let node = told.events.iter().find(|event| event["type"] == "mount_node").expect("it has answered");
    assert_eq!((&node["code"], &node["mounted"]["file_system"]), (&"E-MOUNT-HUNG".into(), &"fuse".into()));
    stand.is_as_before();

    let words = ["offer", "--timeout", "3s", "--output", "json"];
    let told = stand.told(&stand.program(&words).under(fuse.hung(&stand.mount)).run()).expect("E-MOUNT-HUNG");
    assert_eq!(told.status, 5);
    stand.is_as_before();
}

//! A shared folder that does not answer.

use super::Stand;

/// A file system in user space without anybody who serves it: every access waits for ever.
const HANG: &str = "exec 3<>/dev/fuse && mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 none";

#[test]
fn a_node_whose_mount_hangs_says_so_and_ends() {
    let stand = Stand::new();
    let offer = stand.program(&["offer", "--nodes", "1", "--output", "json"]).start();
    stand.wait_for_the_offer();
    let hang = format!("{HANG} {}", stand.mount.display());
    let words = ["verify", "--node", "a", "--timeout", "3s", "--output", "json"];
    let told = stand.told(&stand.mounted(&words, &hang).run()).expect("E-MOUNT-HUNG");
    assert_eq!(told.status, 5);
    let told = stand.told(&offer.wait()).expect("E-MOUNT-DIFFERS").names(&["`a`"]);
    assert_eq!(told.status, 4);
    let node = told.events.iter().find(|event| event["type"] == "mount_node").expect("it has answered");
    assert_eq!((&node["code"], &node["mounted"]["file_system"]), (&"E-MOUNT-HUNG".into(), &"fuse".into()));
    stand.is_as_before();

    let words = ["offer", "--timeout", "3s", "--output", "json"];
    let told = stand.told(&stand.mounted(&words, &hang).run()).expect("E-MOUNT-HUNG");
    assert_eq!(told.status, 5);
    stand.is_as_before();
}

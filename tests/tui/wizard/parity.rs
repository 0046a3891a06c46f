//! The same answers through the three faces give the same keys and rows.

use super::Stand;
use crate::tui::plain::{Way, list_and_mount, prepare};

/// Rows of the table without what is made anew each time.
const ROWS: &str = "SELECT user_id, is_active, is_admin, resource_policy, concurrency_used, rate_limit, \
    num_queries, length(access_key), length(secret_key) FROM keypairs ORDER BY user_id";

#[test]
fn three_faces_write_the_same() {
    let wizard = Stand::new();
    let tmux = wizard.review(80, 24, "directory");
    tmux.wait_for("w writes all this");
    tmux.keys(&["w"]);
    tmux.wait_for("Prepared:");
    drop(tmux);

    let headless = Stand::new();
    headless.answers("directory");
    let outcome =
        headless.program.command(&["--answers", "answers.yml"]).output().expect("the program starts");
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stderr));

    let prompts = Stand::new();
    prepare(&prompts, Way::Prompts);

    let keys = |stand: &Stand| {
        let mut keys = stand.etcd.get_all("");
        let mount = keys.insert("/sorna/local/volumes/_mount".into(), "the mount".into());
        assert_eq!(mount, Some(stand.mount()));
        keys
    };
    assert_eq!(keys(&wizard), keys(&headless));
    assert_eq!(keys(&prompts), keys(&headless));
    assert_eq!(list_and_mount(&wizard), (298, 1));
    let postgres = crate::servers::Postgres::shared();
    let own = |stand: &Stand, text: String| text.replace(&stand.database.user, "owner");
    let dump = |stand: &Stand| own(stand, postgres.dump(&stand.database.name));
    assert_eq!(dump(&wizard), dump(&headless));
    assert_eq!(dump(&prompts), dump(&headless));
    let rows = |stand: &Stand| stand.database.psql(&stand.database.name, ROWS).expect("the table is there");
    assert_eq!(rows(&wizard), rows(&headless));
    assert_eq!(rows(&prompts), rows(&headless));
    for file in ["alembic.ini", "manager.env", "keypairs.yml"] {
        assert!(wizard.program.work().join(file).is_file(), "{file}");
        assert!(prompts.program.work().join(file).is_file(), "{file}");
        assert!(headless.program.work().join(file).is_file(), "{file}");
    }
}

//! Drift, made by hand: each kind of object dropped, altered and added. `schema diff` names each of them and nothing else,
//! and what does the manager no harm changes no status.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use backendai_setup::guides::september_2018::GUIDE;

use super::catalog::server;
use crate::servers::{Outcome, Program};

/// A database at the head, as a fresh installation or as the chain makes it, to be copied.
pub fn template(name: &'static str) -> &'static str {
    static MADE: std::sync::Mutex<Vec<&'static str>> = std::sync::Mutex::new(Vec::new());
    let mut made = MADE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !made.contains(&name) {
        let head = GUIDE.schema.head;
        let sql = match name {
            "fresh_head" => GUIDE.schema.statements.to_owned(),
            _ => GUIDE.schema.chain.iter().map(|revision| revision.sql).collect::<Vec<_>>().join("\n"),
        };
        super::catalog::database(name, &format!("{sql}\nINSERT INTO alembic_version VALUES ('{head}');"));
        made.push(name);
    }
    name
}

/// A copy of a template with a change; its name.
pub fn changed(template_name: &'static str, sql: &str) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("drift_{:03}", COUNT.fetch_add(1, Ordering::Relaxed));
    // One copy at a time: a template must have no other session.
    let made = template(template_name);
    static COPY: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let held = COPY.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    server().psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE {made}"));
    drop(held);
    if !sql.is_empty() {
        server().psql(&name, sql);
    }
    name
}

/// Runs a command on a database as the superuser.
pub fn run(database: &str, words: &[&str]) -> Outcome {
    program(database).args(words.iter().copied()).run()
}

/// The program, knowing its database.
pub fn program(database: &str) -> Program {
    let server = server();
    Program::new()
        .env("BACKEND_DB_ADDR", server.address())
        .env("BACKEND_DB_USER", &server.superuser)
        .env("BACKEND_DB_PASSWORD", &server.password)
        .env("BACKEND_DB_NAME", database)
}

/// What is done, and the statements.
type Drift = (&'static str, &'static str);

/// What breaks the manager, or lacks what its schema has.
const BREAKS: &[Drift] = &[
    // Dropped.
    ("a nullable column", "ALTER TABLE keypairs DROP COLUMN rate_limit"),
    ("a column with a default", "ALTER TABLE keypairs DROP COLUMN num_queries"),
    ("a column without one that must have a value", "ALTER TABLE agents DROP COLUMN addr"),
    ("a column with an index", "ALTER TABLE agents DROP COLUMN region"),
    ("a column of the primary key", "ALTER TABLE kernels DROP COLUMN id CASCADE"),
    ("a column with a foreign key", "ALTER TABLE vfolder_permissions DROP COLUMN access_key"),
    ("a column of an array type", "ALTER TABLE kernels DROP COLUMN environ"),
    ("two columns of one type", "ALTER TABLE keypairs DROP COLUMN is_active, DROP COLUMN is_admin"),
    ("an index", "DROP INDEX ix_keypairs_user_id"),
    ("an index over two columns", "DROP INDEX ix_kernels_sess_id_role"),
    ("the unique index", "DROP INDEX ix_kernels_unique_sess_token"),
    ("a primary key", "ALTER TABLE vfolder_invitations DROP CONSTRAINT pk_vfolder_invitations"),
    (
        "a primary key over two columns",
        "ALTER TABLE vfolder_attachment DROP CONSTRAINT pk_vfolder_attachment",
    ),
    ("a primary key that others refer to", "ALTER TABLE keypairs DROP CONSTRAINT pk_keypairs CASCADE"),
    ("a foreign key", "ALTER TABLE kernels DROP CONSTRAINT fk_kernels_agent_agents"),
    (
        "a cascading foreign key",
        "ALTER TABLE vfolder_attachment DROP CONSTRAINT fk_vfolder_attachment_kernel_kernels",
    ),
    ("a default", "ALTER TABLE keypairs ALTER COLUMN num_queries DROP DEFAULT"),
    ("the default of a time", "ALTER TABLE kernels ALTER COLUMN created_at DROP DEFAULT"),
    ("the default of an id", "ALTER TABLE vfolders ALTER COLUMN id DROP DEFAULT"),
    ("NOT NULL", "ALTER TABLE agents ALTER COLUMN addr DROP NOT NULL"),
    ("a table", "DROP TABLE vfolder_invitations"),
    ("a table that others refer to", "DROP TABLE agents CASCADE"),
    ("a type", "DROP TYPE agentstatus CASCADE"),
    ("the extension", "DROP EXTENSION \"uuid-ossp\" CASCADE"),
    // Altered.
    ("a shorter text", "ALTER TABLE keypairs ALTER COLUMN secret_key TYPE varchar(20)"),
    ("a number as text", "ALTER TABLE keypairs ALTER COLUMN rate_limit TYPE text"),
    ("a number with a default as text", "ALTER TABLE keypairs ALTER COLUMN num_queries TYPE text"),
    ("a larger number", "ALTER TABLE kernels ALTER COLUMN repl_in_port TYPE bigint"),
    ("whole cores", "ALTER TABLE kernels ALTER COLUMN cpu_slot TYPE integer"),
    (
        "an id as text",
        "ALTER TABLE vfolder_invitations ALTER COLUMN id DROP DEFAULT, ALTER COLUMN id TYPE text",
    ),
    ("a time without a zone", "ALTER TABLE kernels ALTER COLUMN terminated_at TYPE timestamp"),
    (
        "a status as text",
        "DROP INDEX ix_kernels_unique_sess_token; ALTER TABLE kernels ALTER COLUMN status TYPE varchar USING status::text",
    ),
    (
        "a collation that takes different letters for the same",
        "CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false); ALTER TABLE keypairs ALTER COLUMN access_key TYPE varchar(20) COLLATE blind",
    ),
    ("a column under another name", "ALTER TABLE keypairs RENAME secret_key TO secret"),
    ("an indexed column under another name", "ALTER TABLE keypairs RENAME user_id TO \"user\""),
    ("a column that must have a value", "ALTER TABLE kernels ALTER COLUMN terminated_at SET NOT NULL"),
    ("another default", "ALTER TABLE keypairs ALTER COLUMN is_admin SET DEFAULT true"),
    ("a default of another function", "ALTER TABLE vfolders ALTER COLUMN id SET DEFAULT gen_random_uuid()"),
    (
        "a column that the server computes",
        "ALTER TABLE keypairs DROP COLUMN num_queries; ALTER TABLE keypairs ADD COLUMN num_queries integer GENERATED ALWAYS AS (rate_limit + 1) STORED",
    ),
    (
        "a column that the server counts",
        "ALTER TABLE keypairs ALTER COLUMN num_queries DROP DEFAULT, ALTER COLUMN num_queries SET NOT NULL, ALTER COLUMN num_queries ADD GENERATED BY DEFAULT AS IDENTITY",
    ),
    (
        "an index over another column",
        "DROP INDEX ix_agents_region; CREATE INDEX ix_agents_region ON agents (addr)",
    ),
    (
        "an index of another kind",
        "DROP INDEX ix_agents_region; CREATE INDEX ix_agents_region ON agents USING hash (region)",
    ),
    (
        "an index that became unique",
        "DROP INDEX ix_keypairs_user_id; CREATE UNIQUE INDEX ix_keypairs_user_id ON keypairs (user_id)",
    ),
    (
        "the unique index without its condition",
        "DROP INDEX ix_kernels_unique_sess_token; CREATE UNIQUE INDEX ix_kernels_unique_sess_token ON kernels (access_key, sess_id)",
    ),
    (
        "the unique index no longer unique",
        "DROP INDEX ix_kernels_unique_sess_token; CREATE INDEX ix_kernels_unique_sess_token ON kernels (access_key, sess_id) WHERE status <> 'TERMINATED' AND role::text = 'master'",
    ),
    (
        "an index that is not valid",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_agents_status'::regclass",
    ),
    (
        "another primary key",
        "ALTER TABLE vfolder_attachment DROP CONSTRAINT pk_vfolder_attachment, ADD CONSTRAINT pk_vfolder_attachment PRIMARY KEY (vfolder)",
    ),
    (
        "a foreign key that no longer cascades",
        "ALTER TABLE vfolder_permissions DROP CONSTRAINT fk_vfolder_permissions_vfolder_vfolders, ADD CONSTRAINT fk_vfolder_permissions_vfolder_vfolders FOREIGN KEY (vfolder) REFERENCES vfolders",
    ),
    (
        "a foreign key that cascades",
        "ALTER TABLE vfolders DROP CONSTRAINT fk_vfolders_belongs_to_keypairs, ADD CONSTRAINT fk_vfolders_belongs_to_keypairs FOREIGN KEY (belongs_to) REFERENCES keypairs ON DELETE CASCADE",
    ),
    (
        "a foreign key that was never compared",
        "ALTER TABLE vfolders DROP CONSTRAINT fk_vfolders_belongs_to_keypairs, ADD CONSTRAINT fk_vfolders_belongs_to_keypairs FOREIGN KEY (belongs_to) REFERENCES keypairs NOT VALID",
    ),
    ("a foreign key that is switched off", "ALTER TABLE vfolder_permissions DISABLE TRIGGER ALL"),
    (
        "a deferred foreign key",
        "ALTER TABLE kernels ALTER CONSTRAINT fk_kernels_agent_agents DEFERRABLE INITIALLY DEFERRED",
    ),
    ("a value under another name", "ALTER TYPE agentstatus RENAME VALUE 'ALIVE' TO 'UP'"),
    (
        "a type without a value",
        "ALTER TABLE agents ALTER COLUMN status TYPE text; DROP TYPE agentstatus; CREATE TYPE agentstatus AS ENUM ('ALIVE', 'RESTARTING', 'TERMINATED'); ALTER TABLE agents ALTER COLUMN status TYPE agentstatus USING status::agentstatus",
    ),
    ("an unlogged table", "ALTER TABLE vfolder_invitations SET UNLOGGED"),
    (
        "a view in the place of a table",
        "ALTER TABLE vfolder_permissions RENAME TO permissions_kept; CREATE VIEW vfolder_permissions AS SELECT * FROM permissions_kept",
    ),
    (
        "a partitioned table",
        "DROP TABLE vfolder_invitations; CREATE TABLE vfolder_invitations (id uuid NOT NULL DEFAULT uuid_generate_v4() PRIMARY KEY, permission varchar(2), inviter varchar(256), invitee varchar(256) NOT NULL, state varchar(10), created_at timestamptz DEFAULT now(), vfolder uuid NOT NULL) PARTITION BY HASH (id)",
    ),
    // Added.
    ("a column that takes no empty value", "ALTER TABLE keypairs ADD COLUMN \"Team-Id\" integer NOT NULL"),
    ("a unique index", "CREATE UNIQUE INDEX one_pair ON keypairs (user_id)"),
    ("a unique constraint", "ALTER TABLE vfolders ADD CONSTRAINT one_name UNIQUE (belongs_to, name)"),
    (
        "a primary key where there was none",
        "ALTER TABLE vfolder_permissions ADD PRIMARY KEY (vfolder, access_key)",
    ),
    ("a check constraint", "ALTER TABLE keypairs ADD CONSTRAINT some_limit CHECK (concurrency_limit < 10)"),
    (
        "an exclusion constraint",
        "ALTER TABLE agents ADD CONSTRAINT one_address EXCLUDE USING btree (addr WITH =)",
    ),
    (
        "a foreign key",
        "CREATE TABLE people (mail varchar PRIMARY KEY); ALTER TABLE keypairs ADD CONSTRAINT of_people FOREIGN KEY (user_id) REFERENCES people",
    ),
    (
        "a trigger",
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER refuse BEFORE INSERT ON keypairs FOR EACH ROW EXECUTE FUNCTION refuse()",
    ),
    ("a rule", "CREATE RULE forget AS ON DELETE TO vfolders DO INSTEAD NOTHING"),
    ("row security", "ALTER TABLE kernels ENABLE ROW LEVEL SECURITY"),
    (
        "row security with a policy, for the owner too",
        "ALTER TABLE keypairs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY own ON keypairs FOR SELECT USING (user_id = current_user)",
    ),
    ("a table with rows of its own below one", "CREATE TABLE agents_old () INHERITS (agents)"),
];

/// What does the manager no harm.
const HARMLESS: &[Drift] = &[
    ("nothing", ""),
    ("a nullable column", "ALTER TABLE keypairs ADD COLUMN note text"),
    ("a column with a default", "ALTER TABLE keypairs ADD COLUMN team int NOT NULL DEFAULT 1"),
    (
        "a column that the server counts",
        "ALTER TABLE keypairs ADD COLUMN number bigint GENERATED BY DEFAULT AS IDENTITY",
    ),
    (
        "a column that the server computes",
        "ALTER TABLE keypairs ADD COLUMN twice int GENERATED ALWAYS AS (rate_limit * 2) STORED",
    ),
    (
        "longer texts",
        "ALTER TABLE keypairs ALTER COLUMN secret_key TYPE text, ALTER COLUMN user_id TYPE varchar",
    ),
    ("another collation", "ALTER TABLE keypairs ALTER COLUMN user_id TYPE varchar(256) COLLATE \"C\""),
    ("a value of a type", "ALTER TYPE agentstatus ADD VALUE 'ASLEEP' BEFORE 'LOST'"),
    ("a default where none is due", "ALTER TABLE agents ALTER COLUMN region SET DEFAULT 'local'"),
    ("NOT NULL with a default", "ALTER TABLE agents ALTER COLUMN first_contact SET NOT NULL"),
    (
        "plain indexes",
        "CREATE INDEX ON keypairs (last_used); CREATE INDEX ON kernels (lower(lang)) WHERE lang IS NOT NULL",
    ),
    (
        "a twin of the unique index",
        "CREATE UNIQUE INDEX twin ON kernels (access_key, sess_id) WHERE status <> 'TERMINATED' AND role::text = 'master'",
    ),
    (
        "an index with a fill factor",
        "DROP INDEX ix_agents_region; CREATE INDEX ix_agents_region ON agents (region) WITH (fillfactor = 70)",
    ),
    ("an index under another name", "ALTER INDEX ix_agents_region RENAME TO regions"),
    (
        "a constraint under another name",
        "ALTER TABLE kernels RENAME CONSTRAINT fk_kernels_agent_agents TO agent",
    ),
    ("comments", "COMMENT ON TABLE keypairs IS 'ours'; COMMENT ON COLUMN keypairs.user_id IS 'e-mail'"),
    (
        "tables and views of others",
        "CREATE TABLE invoices (id int NOT NULL); CREATE VIEW pairs AS SELECT user_id FROM keypairs; CREATE SCHEMA other; CREATE TABLE other.agents (id text)",
    ),
    ("a table of an old revision", "CREATE TABLE usage (id uuid PRIMARY KEY)"),
    ("a foreign key of others", "CREATE TABLE invoices (pair varchar(20) REFERENCES keypairs)"),
    (
        "a trigger that is switched off",
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER refuse BEFORE INSERT ON keypairs FOR EACH ROW EXECUTE FUNCTION refuse(); ALTER TABLE keypairs DISABLE TRIGGER refuse",
    ),
    (
        "a policy without row security",
        "CREATE POLICY own ON keypairs FOR SELECT USING (user_id = current_user)",
    ),
    (
        "another order of the columns",
        "ALTER TABLE vfolders DROP COLUMN max_files; ALTER TABLE vfolders ADD COLUMN max_files integer",
    ),
    (
        "the extension in another schema",
        "CREATE SCHEMA \"My ext\"; ALTER EXTENSION \"uuid-ossp\" SET SCHEMA \"My ext\"; ALTER DATABASE {name} SET search_path = public, \"My ext\"",
    ),
    (
        "another owner whose rights suffice",
        "CREATE ROLE other_owner_{name}; ALTER TABLE keypairs OWNER TO other_owner_{name}",
    ),
    ("alembic's table without its key", "ALTER TABLE alembic_version DROP CONSTRAINT alembic_version_pkc"),
    (
        "statistics and storage",
        "ALTER TABLE keypairs ALTER COLUMN user_id SET STATISTICS 500; ALTER TABLE kernels SET (fillfactor = 80); ANALYZE keypairs",
    ),
];

/// What `schema diff` says of each, and how it and `check` end.
fn told(template: &'static str, drifts: &'static [Drift], wanted: [i32; 2]) -> String {
    let told = |(title, sql): &Drift| {
        let name = changed(template, "");
        server().psql(&name, &format!("{};", sql.replace("{name}", &name)));
        let (diff, check) = (run(&name, &["schema", "diff"]), run(&name, &["check", "database"]));
        let text = format!("## {title}\n{}", diff.stdout.replace(&name, "DATABASE"));
        let text = text.replace(&server().address(), "POSTGRES");
        let ended = [diff.status, check.status];
        (ended != wanted)
            .then(|| format!("{title}: {ended:?}\n{}{}{}", diff.stdout, diff.stderr, check.stderr))
            .map_or(Ok(text), Err)
    };
    let rows: Vec<Result<String, String>> = thread::scope(|scope| {
        let chunks: Vec<_> = drifts.chunks(drifts.len().div_ceil(3)).collect();
        let threads: Vec<_> = chunks
            .into_iter()
            .map(|chunk| scope.spawn(move || chunk.iter().map(told).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    let wrong: Vec<&String> = rows.iter().filter_map(|row| row.as_ref().err()).collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        rows.len(),
        wrong.iter().map(|it| it.as_str()).collect::<Vec<_>>().join("\n")
    );
    rows.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

#[test]
fn what_breaks_the_manager_is_named() {
    assert!(BREAKS.len() >= 60);
    insta::assert_snapshot!(told("fresh_head", BREAKS, [9, 4]));
}

#[test]
fn what_does_no_harm_is_told_apart() {
    insta::assert_snapshot!(told("fresh_head", HARMLESS, [0, 0]));
}

#[test]
fn the_head_of_the_chain_has_no_difference() {
    let outcome = run(&changed("chain_head", ""), &["schema", "diff"]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert!(outcome.stdout.ends_with("No difference.\n"), "{}", outcome.stdout);
}

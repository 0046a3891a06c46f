//! Every code with its exit status, title and page: the one table.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use super::status::{
    INPUT, INTERNAL, INTERRUPTED, LOCKED, NEEDS_INPUT, NOT_AS_WANTED, REFUSED, UNFIT, UNREACHABLE, USAGE,
};

macro_rules! codes {
    (@found) => { false };
    (@found check) => { true };
    ($($name:ident = $text:literal, $status:ident $($found:ident)?, $title:literal, $page:literal;)+) => {
        /// A stable name for one kind of failure (`E-…`) or warning (`W-…`).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $name,)+
        }

        impl Code {
            /// Every code, in the order of this table.
            pub const ALL: &'static [Code] = &[$(Code::$name,)+];

            /// The code as printed, for example `E-DB-AUTH`.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)+ }
            }

            /// The section of the server that it is about: `etcd` or `database`.
            pub fn server(self) -> Option<&'static str> {
                let name = self.as_str().get(2..).unwrap_or_default();
                [("ETCD-", "etcd"), ("DB-", "database")]
                    .into_iter()
                    .find_map(|(begins, section)| name.starts_with(begins).then_some(section))
            }

            /// The exit status of a failure; of a warning only where `--strict` makes it one.
            pub fn status(self) -> u8 {
                match self { $(Code::$name => $status,)+ }
            }

            /// True for a `W-` code: worth saying, no reason to stop.
            pub fn is_warning(self) -> bool {
                self.as_str().starts_with("W-")
            }

            /// True for a failure that a rung of a check can have: `check` in the table.
            pub fn is_found_by_checks(self) -> bool {
                match self { $(Code::$name => codes!(@found $($found)?),)+ }
            }

            /// One line: what the code means.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)+ }
            }

            /// The page that `explain` prints: how it comes about and what to do.
            pub fn page(self) -> &'static str {
                match self { $(Code::$name => $page,)+ }
            }
        }
    };
}

codes! {
    // The program and its command line
    Internal = "E-INTERNAL", INTERNAL, "A bug in this program",
        "The program reached a state that should be impossible. What a stage had not committed is not written. Run again: what is done is skipped. Keep the transcript for a report.";
    Limits = "E-LIMITS", INTERNAL, "The system does not give the program what it needs to start",
        "The limits of the user, the container or the unit are too narrow: the program needs some threads, some 24 open files and connections, and memory. `ulimit -a` shows the limits of a shell; `pids.max` and `TasksMax` are those of a container and of a unit.";
    Usage = "E-USAGE", USAGE, "The command line is not understood",
        "A flag, stage, check or code is not known, or two of them contradict each other. `backendai-setup --help` lists what there is.";
    Cancelled = "E-CANCELLED", INTERRUPTED, "Stopped on request",
        "A signal asked the program to stop. The unit of work under way was finished or rolled back and nothing new was started. Run the same command again to go on.";
    NeedsAnswers = "E-NEEDS-ANSWERS", NEEDS_INPUT, "Answers are needed and nobody can give them",
        "Nothing says which servers are meant. Give `--answers FILE`, `--set KEY=VALUE`, the environment names of the manager, or `--development` for the values of the guide's development setup.";
    NeedsConfirmation = "E-NEEDS-CONFIRMATION", NEEDS_INPUT, "A confirmation is needed and nobody can give it",
        "`run` shows what it would change and asks before it writes. Without a terminal nobody can answer: give `--yes`, or `--answers FILE`, which needs no confirmation.";
    Editor = "E-EDITOR", INTERNAL, "The editor or the pager did not do its work",
        "The wizard opens files with the program that `VISUAL`, `EDITOR` or `PAGER` names, else with vi, nano, less or more. Set the name to a program that is there; the line is handed over as `+LINE`.";
    StateDir = "E-STATE-DIR", INPUT, "The state directory cannot be written",
        "Transcripts are kept in the state directory: `--state-dir`, else `BACKENDAI_SETUP_STATE_DIR`, `$XDG_STATE_HOME/backendai-setup` or `~/.local/state/backendai-setup`. Commands that write to servers stop when it cannot be written; name another folder with `--state-dir`.";

    StateLost = "W-STATE-DIR", INPUT, "A record of the run is not complete",
        "The transcript or the history in the state directory took only a part, because the file system is full or failed. The work itself is done as the summary says. Make room there, or name another folder with `--state-dir`.";

    // Files that are read
    FileRead = "E-FILE-READ", INPUT, "An input file cannot be read",
        "The file is missing, is a folder, is not readable for this user, is too large, or is not UTF-8 text. Nothing was touched.";
    YamlSyntax = "E-YAML-SYNTAX", INPUT, "The file is not well-formed YAML",
        "The text stops making sense as YAML at the given line and column; often a bracket or quote is left open a line earlier, or the indentation moved.";
    YamlUnsupported = "E-YAML-UNSUPPORTED", INPUT, "The YAML uses something that is refused here",
        "One document a file; no custom tags, no `!!python`, no aliases that contain themselves. Anchors, aliases and merge keys work.";
    YamlLimit = "E-YAML-LIMIT", INPUT, "The YAML holds more than is read",
        "A file may hold 500,000 values and 8 MiB of text, nested 64 levels deep. An alias counts with all that it stands for, so a short file of aliases of aliases can pass a limit; nothing is expanded then. The message has the limit and the line that passes it. 1,000 images, 100,000 tags and 20,000 aliases stay below.";
    YamlDuplicate = "E-YAML-DUPLICATE", INPUT, "A mapping has the same key twice",
        "YAML readers disagree on which of the two counts. Keep one of them.";
    YamlScalar = "E-YAML-SCALAR", INPUT, "An unquoted value means different things to different readers",
        "The manager reads YAML 1.1, newer programs YAML 1.2: `3.10`, `yes`, `010`, `1_000`, `1:30` and `2018-07-13` change their type or value between them. Put quotes around text; write numbers as plain digits.";

    // Answers
    AnswersKey = "E-ANSWERS-KEY", INPUT, "An answer has a key that is not known",
        "The key is misspelt, stands at the wrong depth, or belongs to a newer version. The README lists every key; `sample-configs/answers.example.yml` shows them with comments.";
    AnswersUnbuilt = "E-ANSWERS-UNBUILT", INPUT, "The key is known but this version does not act on it",
        "A key that would be ignored could mislead, so it is refused. Remove it, or use a version that has it.";
    AnswersValue = "E-ANSWERS-VALUE", INPUT, "An answer has a value that cannot be right",
        "The message says which form is expected. Nothing was touched.";
    AnswersMissing = "E-ANSWERS-MISSING", INPUT, "A required answer is missing",
        "The message names the key, the environment name and the flag that can give it; `--development` gives the guide's development values.";
    AnswersVersion = "E-ANSWERS-VERSION", INPUT, "The answers file is of another version",
        "This program reads answers with `version: 1`. A file without the line, or with another number, is refused rather than guessed at.";
    AnswersSecret = "E-ANSWERS-SECRET", INPUT, "A secret cannot be read from its source",
        "A password is in a file that other users can read, in a `--set` argument that others see in the process list, or it cannot be read from its source: an environment name, a file, a program that failed or took more than 30 s, stdin that somebody else reads. Use `{env: NAME}`, `{file: PATH}`, `{command: [PROGRAM, ARGUMENT]}`, `{stdin: true}`, or `chmod 600` on the answers file.";
    UserIds = "E-USER-IDS", INPUT, "A line of the file with the owners' names cannot be used",
        "`database.user-ids: {map: FILE}` names a text file in UTF-8 with a line `NUMBER NAME` for each number in `user_id` of `keypairs`: a whole number, a blank, and a name of at most 256 characters. Each number stands in one line. Empty lines count for nothing.";
    AnswersNote = "W-ANSWERS-NOTE", INPUT, "An answer was understood, with a remark",
        "The value is used as the message says. Write it that way to silence the remark.";
    EnvironmentDiffers = "W-ENV-DIFFERS", INPUT, "An environment name differs from the answers file",
        "The answers file wins, so that a sourced `manager.env` of another cluster never redirects a run. Unset the name, or fix the file.";

    Output = "E-OUTPUT", INTERNAL, "The output could not be written",
        "Standard output or the log file took only a part: the disk is full, or the device failed. What was done is done; run `status` to see it.";

    // The image list
    ImagesShape = "E-IMAGES-SHAPE", INPUT, "The image list has another shape than the manager reads",
        "`image-metadata.yml` is `images:` with a list of `name`, `tags` (pairs of tag and digest) and `slots` (`cpu`, `mem`, `gpu`); `image-aliases.yml` is `aliases:` with pairs of alias and target. The manager crashed on anything else after writing half of the list.";
    ImagesValue = "E-IMAGES-VALUE", INPUT, "A value in the image list is not of the right kind",
        "cpu is an integer; mem (GiB) and gpu are numbers, not negative; names, tags, digests and aliases are text without white space. Where text is due, put quotes around it.";
    ImagesDuplicate = "E-IMAGES-DUPLICATE", INPUT, "Something stands in the image list twice",
        "Two images of one name, two tags of one image, two aliases of one name, or two entries that would write the same etcd key. One of them would silently win; keep one.";
    ImagesLoop = "E-IMAGES-LOOP", INPUT, "Aliases point at each other in a circle",
        "The manager follows an alias until it ends, and would hang on a circle. Point one of them at an image and tag.";
    ImagesField = "W-IMAGES-FIELD", INPUT, "A field in the image list is not known and is ignored",
        "The manager reads `name`, `tags` and `slots`, and ignores the rest.";
    ImagesAlike = "W-IMAGES-ALIKE", INPUT, "Two names in the image list look alike, but are not the same",
        "They differ only by letters of another script with the same picture, by full-width letters or by how accents are stored. The manager takes them for two names, and nobody can tell them apart. Give them one spelling, or different names.";
    ImagesDangling = "W-IMAGES-DANGLING", INPUT, "An alias points to nothing",
        "The alias is written as the manager would have; whoever asks for it gets an error until its image and tag are in the list.";
    ImagesCircle = "E-IMAGES-CIRCLE", UNFIT, "Aliases of an older list would close a circle",
        "The manager never deletes an alias. One that is left in etcd from an older list and one of this list would point at each other, and the manager would hang on them. `--prune` removes what the list does not have.";
    ImagesHidden = "E-IMAGES-HIDDEN", UNFIT check, "Aliases of an older list win over this one",
        "The manager never deletes an alias, and follows aliases before it looks for an image and tag. One that is left in etcd from an older list leads a name of this list elsewhere, so that the list in force would not be the list given. `--prune` removes what the list does not have; `--accept E-IMAGES-HIDDEN` lets it be.";
    ImagesLeftover = "W-IMAGES-LEFTOVER", UNFIT, "etcd holds keys that are left from an older list",
        "The manager never deletes image keys, so old ones stay. These change nothing about what the names of this list lead to. `--prune` removes what the list does not have.";
    Fixture = "E-FIXTURE", INPUT, "The fixture cannot be used",
        "A fixture is JSON or YAML with `keypairs:` and a list of rows: `user_id`, `is_admin`, and `access_key` with `secret_key` or neither. Published example keys are refused.";

    // etcd
    EtcdResolve = "E-ETCD-RESOLVE", UNREACHABLE check, "The host name of the etcd address is unknown",
        "The resolver of this machine has no address for the name. Check the spelling of `etcd.endpoints`, DNS and /etc/hosts.";
    EtcdConnect = "E-ETCD-CONNECT", UNREACHABLE check, "Nothing accepts connections at the etcd address",
        "The host refused the connection or cannot be reached. Is etcd running, does it listen beyond localhost (`--listen-client-urls`), is a firewall between? Clients use port 2379, the development setup 8120.";
    EtcdTimeout = "E-ETCD-TIMEOUT", UNREACHABLE check, "The etcd address does not answer in time",
        "The connection stands or is swallowed, but no answer comes: a firewall that drops, a stopped process, or a member without a quorum.";
    EtcdProtocol = "E-ETCD-PROTOCOL", UNFIT check, "Something answers at the etcd address, but it is not etcd",
        "Another program listens there, or it speaks TLS while plain etcd is expected. The manager speaks plain etcd. 2380 is etcd's peer port; clients use 2379.";
    EtcdAlarm = "E-ETCD-ALARM", UNFIT check, "etcd has raised an alarm",
        "With NOSPACE etcd refuses every write: compact, defragment, then `etcdctl alarm disarm`; the message has the commands. With CORRUPT a member's data differ from the others'.";
    EtcdLeader = "E-ETCD-LEADER", UNREACHABLE check, "The etcd cluster has no leader",
        "Without a majority of its members the cluster answers no reads and does not accept writes. Start the missing members.";
    EtcdNotReady = "E-ETCD-NOT-READY", UNREACHABLE check, "etcd is there, but not ready",
        "It is starting, shutting down, overloaded or electing a leader, or something before it takes connections and closes them again. It passes by itself: `--wait 60s` waits for it. When it stays so, check what listens at the address, and whether the members of the cluster are up.";
    EtcdLearner = "E-ETCD-LEARNER", UNFIT check, "The member of the etcd cluster is a learner",
        "A learner copies the data of the other members, has no vote and refuses requests until it is promoted (`etcdctl member promote ID`, asked of a voting member). Name voting members in `etcd.endpoints`.";
    EtcdAuth = "E-ETCD-AUTH", REFUSED check, "etcd refused the sign-in",
        "The user or the password is wrong, or the cluster wants a sign-in and none is given. Set `etcd.user` and `etcd.password`. The manager itself cannot sign in to etcd.";
    EtcdRights = "E-ETCD-RIGHTS", REFUSED check, "The etcd user may not read or write under the namespace",
        "Grant it: `etcdctl role grant-permission ROLE --prefix=true readwrite /sorna/NAMESPACE/`. `mount offer` and `mount verify` write below `/backendai-setup/NAMESPACE/`, and only read the other.";
    EtcdOther = "E-ETCD-OTHER", UNFIT check, "The etcd cluster is not the one that is meant",
        "Every etcd cluster has an id of its own, which `check etcd` shows. `expect.etcd-cluster` names the one that is meant, so that a wrong address or a name that leads elsewhere by now writes nothing. It is also said when the endpoints belong to two clusters.";
    EtcdCluster = "W-ETCD-CLUSTER", UNFIT, "The id of the etcd cluster does not tell which cluster it is",
        "etcd makes the id of a cluster from the names and peer addresses of its first members and from `--initial-cluster-token`. Every etcd that was started alone with default settings has the id cdf818194e3a8c32, so neither `expect.etcd-cluster` nor a look at several endpoints can tell two of them apart. A token of its own makes the id its own, for a cluster that is yet to be made.";
    EtcdLost = "E-ETCD-LOST", UNREACHABLE check, "etcd stopped answering in the middle of the work",
        "Every transaction that etcd confirmed is in; the rest is not. Run again when it is back: what is done is skipped.";
    EtcdBusy = "E-ETCD-BUSY", LOCKED, "Another run is writing to this namespace of etcd",
        "A run that writes to a namespace holds the key `backendai-setup/lock` below it, under a lease of 15 s that it renews. Wait for its end with `--wait 10m`, or run again then. A run that was killed keeps nobody out on its own machine, and on others until the lease expires. The message says who holds the lock, and since when.";
    EtcdRefused = "E-ETCD-REFUSED", UNFIT check, "etcd refused a request",
        "The message holds etcd's own words. Nothing of the refused transaction was written.";
    EtcdMember = "W-ETCD-MEMBER", UNREACHABLE, "A member of the etcd cluster cannot be used",
        "The others can be used, so the work can go on. Start it, promote it when it is a learner, or remove it from `etcd.endpoints`. When it is the first endpoint see W-ETCD-MANAGER too.";
    EtcdManager = "W-ETCD-MANAGER", UNFIT, "The manager will not be able to use etcd this way",
        "The manager of this day takes one address, `etcd.manager-endpoint` or else the first of `etcd.endpoints`, as `manager.env` names it. It goes to no other when that one is down, is a learner or has no leader, cannot sign in, and takes no IPv6 address: a name that resolves to one works. Put a voting member that answers first, or name a plain address as `etcd.manager-endpoint`.";

    // PostgreSQL
    DbResolve = "E-DB-RESOLVE", UNREACHABLE check, "The host name of the database address is unknown",
        "The resolver of this machine has no address for the name. Check the spelling of `database.address`, DNS and /etc/hosts.";
    DbConnect = "E-DB-CONNECT", UNREACHABLE check, "Nothing accepts connections at the database address",
        "The host refused the connection or cannot be reached. Is PostgreSQL running, does it listen beyond localhost (`listen_addresses`), is a firewall between? The usual port is 5432, the development setup uses 8100.";
    DbTimeout = "E-DB-TIMEOUT", UNREACHABLE check, "The database address does not answer in time",
        "The connection stands or is swallowed, but no answer comes: a firewall that drops, a stopped process, or a server that is overloaded.";
    DbProtocol = "E-DB-PROTOCOL", UNFIT check, "Something answers at the database address, but it is not PostgreSQL",
        "Another program listens there. Check the port of `database.address`.";
    DbTls = "E-DB-TLS", UNFIT check, "The server does not take connections with this `database.sslmode`",
        "With `require` the server must offer TLS; with `disable` a server may refuse unencrypted connections. Choose another `database.sslmode`, or set `ssl = on` in postgresql.conf.";
    DbStarting = "E-DB-STARTING", UNREACHABLE check, "PostgreSQL is starting up or shutting down",
        "The server answers, but takes no connections now. Try again in a moment.";
    DbFull = "E-DB-FULL", UNREACHABLE check, "PostgreSQL has no free connection",
        "All of `max_connections`, or of the role's own limit, are in use. Close some or raise the limit.";
    DbAuth = "E-DB-AUTH", REFUSED check, "PostgreSQL refused the sign-in",
        "The password is wrong, there is no such role, or pg_hba.conf has no line that lets this user in from this host. PostgreSQL does not tell a wrong password from an unknown user or from one that expired; the role's `rolvaliduntil` in `pg_roles` does.";
    DbMissing = "E-DB-MISSING", UNFIT check, "The database is not there",
        "The stage `create-database` makes it. A stage run alone does not.";
    DbRights = "E-DB-RIGHTS", REFUSED check, "The database user lacks a needed right",
        "The user must be able to create the database once (CREATEDB), or own it; in it, CREATE on the database (for the extension) and on schema public.";
    DbVersion = "E-DB-VERSION", UNFIT check, "The PostgreSQL server is too old",
        "The manager of this day needs PostgreSQL 9.6 or newer.";
    DbEncoding = "E-DB-ENCODING", UNFIT check, "The database is not encoded in UTF-8",
        "Names and e-mail addresses would not survive. Create it again: `CREATE DATABASE backend TEMPLATE template0 ENCODING 'UTF8'`.";
    DbExtension = "E-DB-EXTENSION", UNFIT check, "The extension `uuid-ossp` is not available",
        "The tables use `uuid_generate_v4()`. Install PostgreSQL's contrib modules on the server (Debian: postgresql-contrib). Before PostgreSQL 13 a superuser must create the extension.";
    DbReadOnly = "E-DB-READONLY", UNFIT check, "PostgreSQL does not accept writes",
        "The server is a standby or is being recovered, or `default_transaction_read_only` is on for this user or database. The manager writes at every request, so `database.address` must lead to the primary server, with a session that may write.";
    DbPooler = "E-DB-POOLER", UNREACHABLE check, "A connection pooler refused the sign-in",
        "PgBouncer, or another pooler, answers at `database.address` and has no database or user of this name, or cannot reach PostgreSQL itself. Add both to its configuration, or set `database.address` to the PostgreSQL server. It works in session and in transaction mode.";
    DbClash = "E-DB-CLASH", UNFIT check, "An object in the database has a name that the schema needs",
        "The database has none of the manager's tables, but something else, for example a sequence or an index, has a name that one of them needs, so installing the schema would fail. Rename or drop it, or use another `database.name`.";
    DbSearchPath = "E-DB-SEARCH-PATH", UNFIT check, "The manager would not find its tables",
        "The manager names its tables and `uuid_generate_v4()` without a schema, so `public` must be on the `search_path` of its user, and no earlier schema may have tables of the same names. `ALTER ROLE … SET search_path` sets it.";
    DbCollation = "E-DB-COLLATION", UNFIT check, "The template of new databases has another version of its collation",
        "The operating system's or ICU's collations were upgraded after the PostgreSQL server was set up. PostgreSQL refuses to copy such a template: rebuild what depends on it, then refresh its version as the message says.";
    DbCollationOld = "W-DB-COLLATION", UNFIT, "The database was made with another version of its collation",
        "The operating system's or ICU's collations were upgraded after the database was created. Indexes on text may be out of order: `REINDEX DATABASE`, then `ALTER DATABASE … REFRESH COLLATION VERSION`.";
    DbOther = "E-DB-OTHER", UNFIT check, "The PostgreSQL server is not the one that is meant",
        "Every PostgreSQL server has a system identifier, made with its data and kept by its replicas, which `check database` shows. `expect.database-system` names the one that is meant, so that a wrong address or a name that leads elsewhere by now writes nothing.";
    DbUnmanaged = "E-DB-UNMANAGED", UNFIT check, "The database has the manager's tables or types, but no revision",
        "Table `alembic_version` is missing or empty. The message tells which revision the tables are those of: `backendai-setup schema stamp REVISION` writes that down. Where they are those of none, it has the nearest, and `backendai-setup schema diff` shows what is otherwise. Or use another `database.name`, or drop the tables if they are left from a failed try.";
    DbRevision = "E-DB-REVISION", UNFIT check, "The database is at a revision that is not known here",
        "The schema belongs to a newer manager or to another program, or the stamp is wrong. Nothing was touched. `backendai-setup schema show` tells which revision the tables are those of, if they are those of a known one; then `backendai-setup schema stamp REVISION` puts the stamp right. Otherwise use another `database.name`, or the manager's own alembic.";
    DbRevisions = "E-DB-REVISIONS", UNFIT check, "The database is at several revisions at once",
        "Table `alembic_version` has more than one row, as alembic leaves it where two branches were never merged, or as two programs left it. Nothing was touched. `backendai-setup schema show` tells which revision the tables are those of, and `backendai-setup schema stamp REVISION` leaves that one alone, where they are. Otherwise use another `database.name`, or the alembic that made the rows.";
    DbRevisionNull = "E-DB-REVISION-NULL", UNFIT check, "The revision of the database is NULL",
        "Table `alembic_version` has one row without a value, which nothing that works leaves there. Nothing was touched. `backendai-setup schema show` tells which revision the tables are those of, and `backendai-setup schema stamp REVISION` writes it there, where they are. Otherwise use another `database.name`.";
    DbOwner = "E-DB-OWNER", REFUSED check, "The manager's tables belong to somebody else",
        "Reading and writing rows takes rights that an owner can grant; changing what a table is, as an upgrade and a repair do, takes the owner, a member of that role, or a superuser. The message has the statements that make the tables the user's. Or sign in as the owner for that one command (`--set database.user=OWNER`), or hand the script of `backendai-setup schema sql` to the owner.";
    DbShape = "E-DB-SHAPE", UNFIT check, "The schema is not what its revision says",
        "Something of the manager's schema is missing or otherwise (a table, a column, a default, an index, a key, a value of a type), or something that is not the manager's is in its way: a unique index, a constraint, a trigger, a rule, row security, a column that takes no row without a value. Somebody changed the tables, or stamped the revision by hand. `backendai-setup schema diff` names every difference, and `backendai-setup schema repair` puts back what loses nothing. For the rest the message has the statements, or restore a backup, or use another `database.name`.";
    DbUnrepaired = "W-DB-UNREPAIRED", UNFIT, "A difference in the schema is not repaired",
        "`backendai-setup schema repair` puts back what is missing or otherwise at the head where that loses nothing. What somebody added for a purpose that is not known, what rows are in the way of, and what cannot come back as it was stays as it is. The message says why, and has the statement for whoever knows better. `backendai-setup schema diff` shows every difference.";
    DbRows = "E-DB-ROWS", UNFIT, "Rows in the database are in the way of its upgrade",
        "A revision on the way adds a column that must have a value, and there is none for the rows that are there, or it allows one living session of a name and there are several. The message has the tables, how many rows there are, and the statements. Nothing was touched. Sessions and agents of a manager that is stopped are remains: with a dump kept, they can be removed.";
    DbUsage = "E-DB-USAGE", UNFIT, "The upgrade would drop rows of table `usage`",
        "The second revision drops table `usage` with its rows; later managers have no such table. Copy the rows if they are needed (`COPY public.usage TO ...`, or `pg_dump -t usage`), then run again with `--drop-usage`.";
    DbUserIds = "E-DB-USER-IDS", UNFIT, "Owners of keypairs have numbers that become texts",
        "Until revision f8a71c3bffa2 the column `user_id` of `keypairs` holds numbers, later texts. `database.user-ids: direct` keeps each number as text. `database.user-ids: {map: FILE}` gives each the name that a line `NUMBER NAME` of the file has for it; every number in the table needs a line. Only a database from before that revision with such rows asks for it.";
    DbTables = "E-DB-TABLES", LOCKED, "Other sessions use the manager's tables",
        "An upgrade first locks all tables of the manager and waits up to 5 s for sessions that use them: the manager itself, a dump, an open transaction in psql. The message names them. Stop them, or wait for their end, and run again; nothing was changed. A session that comes while the upgrade runs waits for its end and goes on.";
    DbUpgrade = "W-DB-UPGRADE", UNFIT, "An upgrade of the schema cannot be undone",
        "The database is at an older revision, and the run upgrades it to the head in one transaction: all of it or nothing. What it drops or rewrites is in no journal, so `undo` keeps the upgraded schema. Make the dump that the message names before, and restore that if you have to go back. `--strict` makes this a failure, and `--accept W-DB-UPGRADE` accepts it there.";
    DbLost = "E-DB-LOST", UNREACHABLE check, "The connection to PostgreSQL broke in the middle of the work",
        "The server rolled the transaction under way back. Where the connection broke at the commit itself, whether it was committed is not known; either way all of it is there, or none. Run again when the server is back: what is done is skipped.";
    DbRefused = "E-DB-REFUSED", UNFIT check, "PostgreSQL refused a statement",
        "The message holds the server's own words. The transaction was rolled back.";
    DbBusy = "E-DB-BUSY", LOCKED, "Another run is working on this database",
        "A run that writes to a database holds an advisory lock in it, on a connection of its own that is named after the user, the host and the process. Wait for its end with `--wait 10m`, or run again then. A run that was killed lets go with its connection; if it hangs, end that connection as the message says (`pg_terminate_backend`).";
    LockLost = "E-LOCK-LOST", LOCKED, "The run lost its lock, and wrote nothing after that",
        "The lock of a namespace in etcd is a key under a lease of 15 s that the run renews. The lease was revoked, the key was removed or taken over, or etcd could not be reached for as long; the machine may have been asleep. What was written before stays, and the status is 7 then. Run again: what is done is skipped.";

    // The shared folder
    MountPath = "E-MOUNT-PATH", UNFIT check, "The path of the shared folder cannot be used",
        "The manager needs an absolute path that is the same on every node.";
    MountMissing = "E-MOUNT-MISSING", UNFIT check, "The shared folder is not there",
        "Create it and mount the storage, or fix `storage.mount`. On a host that does not have the mount, set `storage.expect: elsewhere`.";
    MountKind = "E-MOUNT-KIND", UNFIT check, "The path of the shared folder is not a directory",
        "A file or a device stands there. Fix `storage.mount`.";
    MountUnmounted = "E-MOUNT-UNMOUNTED", UNFIT check, "Nothing is mounted at the shared folder",
        "Data written there would lie on this host's own disk, hidden once the share is mounted. Mount it, or say what you mean: `storage.expect: directory` for a plain folder.";
    MountReadOnly = "E-MOUNT-READONLY", UNFIT check, "The shared folder is mounted read-only",
        "The manager makes folders below it. Remount it with `rw`, and look why it is `ro`: file systems turn read-only after errors.";
    MountWrite = "E-MOUNT-WRITE", UNFIT check, "The shared folder cannot be written",
        "The probe file could not be written, synced, renamed and removed. The message says which step failed. Check owner, mode, quota and root squash of a network file system.";
    MountHung = "E-MOUNT-HUNG", UNREACHABLE check, "The shared folder does not answer",
        "A network file system whose server is gone blocks every access. Look at the server and at `mount`; `umount -l` frees the path.";
    MountSpace = "W-MOUNT-SPACE", UNFIT, "The shared folder has little space left",
        "Virtual folders of all users lie there. Below 1 GiB free this is said; make room before users come.";
    MountForeign = "E-MOUNT-FOREIGN", UNFIT, "etcd already names another shared folder",
        "A running manager keeps using the old path until it restarts, and folders of users lie there. If the new path is meant, say so with `--replace-mount`.";

    MountDiffers = "E-MOUNT-DIFFERS", UNFIT, "A node has another folder at the path of the shared folder",
        "`backendai-setup mount offer` leaves a file in the shared folder, and on this node `mount verify` does not find it at the path in etcd, or finds another in its place. The message says what is mounted on both sides: often nothing, so that the path lies on the node's own disk, or another export. Mount the same share, then run both commands again.";
    MountOffered = "E-MOUNT-OFFERED", LOCKED, "Another offer of the shared folder is active",
        "`backendai-setup mount offer` runs already for this namespace; the message names its host. Wait for its end, or end it there with Ctrl-C. One that was killed expires by itself within 15 s.";
    MountNoOffer = "E-MOUNT-NO-OFFER", UNREACHABLE, "No offer of the shared folder is active",
        "`backendai-setup mount verify` answers to `mount offer`, which must run at that time on a node that has the folder, with the same `etcd.namespace`, etcd and version of this program. Start it there, then verify again.";
    MountNodes = "E-MOUNT-NODES", UNREACHABLE, "Not all nodes have answered in time",
        "`backendai-setup mount offer` waits for `mount verify` on the other nodes: 10 minutes, or as long as `--for` says; `--nodes N` is how many must answer. Look at what `mount verify` says on the nodes that are missing, then offer again.";

    // Files that are written
    FileParent = "E-FILE-PARENT", UNFIT check, "The folder of a file to write is missing or cannot be written",
        "Create the folder, or name another path under `files`.";
    FileSymlink = "E-FILE-SYMLINK", UNFIT check, "A file to write is a symbolic link or not a plain file",
        "A secret would end somewhere else than it seems. Name the real file under `files`.";
    FileOwner = "E-FILE-OWNER", UNFIT check, "A file to write belongs to somebody else",
        "Replacing it would change its owner. Run as that user, or name another path under `files`.";
    FileMount = "E-FILE-MOUNT", UNFIT check, "A file to write is a mount of its own",
        "Something else is mounted over the very file, as containers do with single files, so nothing can take its place. Mount its folder instead, or name another path under `files`.";
    FileForeign = "E-FILE-FOREIGN", UNFIT check, "A file with other content stands in the way",
        "The file was not written by this program for this target. Move it away, or name another path under `files`.";
    FileWrite = "E-FILE-WRITE", UNFIT, "A file could not be written",
        "The message says why. The old content is still there.";
    FileHung = "E-FILE-HUNG", UNREACHABLE check, "A file or folder does not answer",
        "A network file system whose server is gone blocks every access, so each access has a limit: `--timeout`, or 5 s to look and read and 15 s to write. The message names the path and, where it is not the root file system, what is mounted there. Check the server of that file system, or name another path: `--answers`, `images`, `files`, `--fixture`, `--state-dir`, `--log-file`. What was being written may still be written when the server comes back; `status` shows what is there.";
    FileAlembic = "W-FILE-ALEMBIC", UNFIT, "There is no `alembic/` folder beside `alembic.ini`",
        "The manager's alembic reads its scripts from `alembic/` beside the file. Move `alembic.ini` into the manager's folder before you use it.";
    FileLogging = "W-FILE-LOGGING", UNFIT, "`alembic.ini` lacks what alembic sets up its logging from",
        "The scripts of the manager's alembic hand `alembic.ini` to Python's `logging.config.fileConfig`, which fails when `[loggers]`, `[handlers]`, `[formatters]` or a section that one of them names is missing. A new file, written by `--set files.alembic-ini=PATH`, has them all: copy what stands there from `[loggers]` on.";

    // Keypairs
    KeysPublished = "E-KEYS-PUBLISHED", UNFIT, "The table holds keypairs that anybody can use",
        "The secret is published in the manager's repository, or is empty or blank, and the gateway takes it even when `is_active` is false. A NULL secret breaks the pair instead. `--replace-published-keys` gives these rows new secrets on the same access keys and writes them into the credentials file; folders and sessions stay.";
    KeysConflict = "E-KEYS-CONFLICT", UNFIT, "A row in the table contradicts the fixture",
        "An access key of the fixture is there already with other values. Nothing was touched. Remove it from the fixture, or fix the row.";
    KeysChanged = "E-KEYS-CHANGED", LOCKED, "Another program changed the keypairs meanwhile",
        "The secrets that `--rotate-keypairs` or `--replace-published-keys` was to replace are not those that this run saw: another run, or another program, has written the rows. Its secrets count. Run again without `--rotate-keypairs` to write this credentials file from the table.";
    KeysAltered = "E-KEYS-ALTERED", UNFIT, "The table did not keep a keypair as it was written",
        "A trigger or a rule on table `keypairs` drops or changes rows. No credentials file was written. The message names the statement that disables it, for example `ALTER TABLE public.keypairs DISABLE TRIGGER NAME`; run that as the owner of the table, then run again.";
    KeysRemark = "W-KEYS-REMARK", UNFIT, "Keypairs that deserve a look",
        "Other administrators can read everybody's secrets, and `--rotate-keypairs` does not touch theirs. A published access key may have been used by somebody else. A limit of 0 refuses every request or session. Nothing is changed about any of them. `--strict` makes this a failure, and `--accept W-KEYS-REMARK` accepts it there.";

    // The development stack
    DevMissing = "E-DEV-MISSING", UNFIT, "A server of the development stack is not installed",
        "The development stack runs the etcd and PostgreSQL that are installed on this machine. Debian and Ubuntu: `apt-get install etcd-server postgresql`. Fedora: `dnf install etcd postgresql-server postgresql-contrib`. Homebrew: `brew install etcd postgresql@17`.";
    DevPort = "E-DEV-PORT", UNFIT, "A port of the development stack is taken",
        "The guide's development setup uses 8120 for etcd and 8100 for PostgreSQL. An etcd that answers there without a sign-in, and a PostgreSQL that lets `postgres` in with the password `develove`, are used, whoever started them; anything else is in the way. Stop it, or take other ports: `backendai-setup dev up --etcd-port PORT --postgres-port PORT`; the answers must name them too. The wizards offer free ports themselves.";
    DevHome = "E-DEV-HOME", UNFIT, "The folder of the development stack cannot be used",
        "For root it is /var/lib/backendai-setup-dev, else `$XDG_DATA_HOME/backendai-setup-dev` or `~/.local/share/backendai-setup-dev`. It must be empty or made by this program, belong to this user, and be open to the user who runs PostgreSQL. `backendai-setup dev up --dir FOLDER` takes another.";
    DevStart = "E-DEV-START", UNFIT, "A server of the development stack did not start",
        "The message shows the last lines of the server's log. `backendai-setup dev reset` removes the data, and `backendai-setup dev up` makes them again.";
    DevStop = "E-DEV-STOP", UNFIT, "A server of the development stack did not stop",
        "It belongs to another user, or hangs in a way that even killing does not end. Stop it by hand with the process id of the message.";
    DevBusy = "E-DEV-BUSY", LOCKED, "Another run works on the development stack",
        "`dev up`, `down` and `reset` wait for each other, but not for ever. Try again when the other has ended.";

    // How work runs
    StageNeeds = "E-STAGE-NEEDS", UNFIT, "The stage needs another stage first",
        "A stage run alone finds the world as it is. Run the named stage before it, or all of them.";
    TargetOther = "E-TARGET-OTHER", UNFIT, "Another server stands at the address of one that was set up from here",
        "The state directory remembers what each etcd cluster and each PostgreSQL server said of itself. Now another one answers at the same address, so what is kept of the old one (answers, history, what a run changed) does not belong to it. Nothing was written. Fix the address; when the server was replaced on purpose, `targets remove` forgets the old one.";
    UndoNothing = "E-UNDO-NOTHING", INPUT, "There is no run to undo",
        "`undo` works from the journals that runs keep in the state directory of this machine; the last 20 of each target are kept. None of them tells of a run that changed these servers. Name the folder with `--state-dir`, or the run with `--run`.";
    UndoKept = "W-UNDO-KEPT", UNFIT, "Something that a run wrote is not put back",
        "`undo` puts back what a run changed, where it still stands as the run left it. What somebody changed since, what others' rows or objects depend on, and secrets that anybody could guess stay as they are. Change them by hand where that is wanted.";
    PlanStale = "E-PLAN-STALE", NOT_AS_WANTED, "What was planned no longer fits the world",
        "Between the look and the write something else changed what the plan was made for: a key in etcd, the database, rows or a file. What was changed there was not written over. The status is 9 when this run had written nothing, else 7. Run again: it plans what is left, and what is done is skipped. A saved plan is also out of date when an answer, the image list or the fixture has changed since it was made: make it again with `backendai-setup plan --out FILE`.";
    PlanFile = "E-PLAN-FILE", INPUT, "A file cannot be applied as a saved plan",
        "`backendai-setup plan --out FILE` saves a plan, and `backendai-setup apply FILE` writes exactly that. A plan is taken only as it was saved: with the same release of this program, on the same machine with the same state directory, whose key seals it, and not edited since. The message says what is different. Make a plan again with `backendai-setup plan --out FILE`, look at it, and apply that.";
    StageVerify = "E-STAGE-VERIFY", UNFIT, "A stage ran, but the world is not as it should be",
        "After the work the stage looked again and something was still to do: another program writes at the same time, or a write was lost. Run again.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl FromStr for Code {
    type Err = ();

    /// Takes the code in any case, with or without its first letter: `e-db-auth`, `DB-AUTH`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.trim().to_ascii_uppercase();
        Code::ALL.iter().copied().find(|code| code.as_str() == text || code.as_str()[2..] == *text).ok_or(())
    }
}

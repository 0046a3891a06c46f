//! A private etcd of one member.

use std::collections::BTreeMap;
use std::process::Command;
use std::thread;

use etcd_client::{
    Client, ConnectOptions, DeleteOptions, GetOptions, MemberAddOptions, Permission, PermissionType,
    PutOptions, Txn, TxnOp,
};
use rustix::process::Signal;

use super::guard::Guarded;
use super::{binary, block, free_port};

/// A private etcd; stopped and removed at Drop.
pub struct Etcd {
    /// `127.0.0.1:PORT`, as in `etcd.endpoints`.
    pub endpoint: String,
    /// The port alone.
    pub port: u16,
    server: Guarded,
    arguments: Vec<String>,
    root_password: Option<String>,
    scheme: &'static str,
}

impl Etcd {
    /// Starts an empty etcd without sign-in.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts an empty etcd with further flags, for example `--quota-backend-bytes=…`.
    pub fn start_with(arguments: &[&str]) -> Self {
        Self::start_at("http", "127.0.0.1", arguments)
    }

    /// Starts an empty etcd that listens on this address alone; IPv6 in brackets.
    pub fn start_on(host: &str) -> Self {
        // A token of its own: the id of its cluster is not everybody's.
        Self::start_at("http", host, &["--initial-cluster-token=apart"])
    }

    /// Starts an empty etcd that wants TLS, with a certificate that it makes itself.
    pub fn with_tls() -> Self {
        Self::start_at("https", "127.0.0.1", &["--auto-tls"])
    }

    fn start_at(scheme: &'static str, host: &str, arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        for _ in 0..10 {
            let port = free_port();
            let server = Guarded::new("etcd");
            let endpoint = format!("{host}:{port}");
            let (arguments, root_password) = (arguments.clone(), None);
            let mut etcd = Self { endpoint, port, server, arguments, root_password, scheme };
            if etcd.launch() {
                return etcd;
            }
            let log = etcd.server.log();
            assert!(log.contains("address already in use"), "etcd ended at its start:\n{log}");
        }
        panic!("ten free ports in a row were taken before etcd could have them");
    }

    /// Starts a cluster of so many members.
    pub fn cluster(count: usize) -> Vec<Self> {
        let peers: Vec<String> = (0..count).map(|_| format!("http://127.0.0.1:{}", free_port())).collect();
        let named: Vec<String> = peers.iter().enumerate().map(|(at, url)| format!("m{at}={url}")).collect();
        let all = named.join(",");
        // None is ready before it has seen a majority.
        thread::scope(|scope| {
            let member = |at: usize| Self::member(&format!("m{at}"), &peers[at], &all, "new");
            let starting: Vec<_> = (0..count).map(|at| scope.spawn(move || member(at))).collect();
            starting.into_iter().map(|starting| starting.join().expect("the member starts")).collect()
        })
    }

    fn member(name: &str, peer: &str, all: &str, state: &str) -> Self {
        Self::start_with(&[
            &format!("--name={name}"),
            &format!("--initial-cluster={all}"),
            &format!("--initial-cluster-state={state}"),
            &format!("--listen-peer-urls={peer}"),
            &format!("--initial-advertise-peer-urls={peer}"),
        ])
    }

    /// Adds a learner to this cluster of one member that [`Etcd::cluster`] has made.
    pub fn add_learner(&self) -> Self {
        let peer = format!("http://127.0.0.1:{}", free_port());
        let given = peer.clone();
        self.with(move |mut client| async move {
            client.member_add([given], Some(MemberAddOptions::new().with_is_learner())).await
        });
        let own = self.arguments.iter().find_map(|it| it.strip_prefix("--initial-cluster="));
        let own = own.expect("it was started by cluster()");
        Self::member("learner", &peer, &format!("{own},learner={peer}"), "existing")
    }

    /// The id of this member and of its leader.
    pub fn ids(&self) -> (u64, u64) {
        let status = self.with(|client| async move { client.maintenance_client().status().await });
        (status.header().expect("an answer has a header").member_id(), status.leader())
    }

    /// The id of its cluster.
    pub fn cluster_id(&self) -> u64 {
        let status = self.with(|client| async move { client.maintenance_client().status().await });
        status.header().expect("an answer has a header").cluster_id()
    }

    /// Makes a learner a voting member; false while it has not caught up.
    pub fn promotes(&self, learner: &Self) -> bool {
        let (id, _) = learner.ids();
        self.with(move |mut client| async move { Ok(client.member_promote(id).await.is_ok()) })
    }

    /// Writes one key over and over until there is no space left.
    pub fn fill_up(&self) {
        self.with(|mut client| async move {
            let value = vec![b'x'; 100_000];
            while client.put("fill", value.clone(), None).await.is_ok() {}
            Ok(())
        });
    }

    /// Starts an etcd that wants a sign-in; `root` has the password and all rights.
    pub fn with_auth(root_password: &str) -> Self {
        let mut etcd = Self::start();
        let password = root_password.to_owned();
        etcd.with(move |mut client| async move {
            client.user_add("root", password, None).await?;
            client.role_add("root").await?;
            client.user_grant_role("root", "root").await?;
            client.auth_enable().await
        });
        etcd.root_password = Some(root_password.to_owned());
        etcd
    }

    /// Adds a user who may read and write under `prefix` and nowhere else.
    pub fn limited_user(&self, user: &str, password: &str, prefix: &str) {
        self.user_with(user, password, prefix, PermissionType::Readwrite);
    }

    /// Lets a limited user read under another prefix too.
    pub fn may_read_too(&self, user: &str, prefix: &str) {
        let (role, rights) = (user.to_owned(), Permission::new(PermissionType::Read, prefix).with_prefix());
        self.with(move |mut client| async move { client.role_grant_permission(role, rights).await });
    }

    /// Lets a limited user write under another prefix too.
    pub fn may_write_too(&self, user: &str, prefix: &str) {
        let (role, rights) =
            (user.to_owned(), Permission::new(PermissionType::Readwrite, prefix).with_prefix());
        self.with(move |mut client| async move { client.role_grant_permission(role, rights).await });
    }

    /// Adds a user who may only read under `prefix`.
    pub fn reading_user(&self, user: &str, password: &str, prefix: &str) {
        self.user_with(user, password, prefix, PermissionType::Read);
    }

    fn user_with(&self, user: &str, password: &str, prefix: &str, kind: PermissionType) {
        let (user, password, prefix) = (user.to_owned(), password.to_owned(), prefix.to_owned());
        self.with(move |mut client| async move {
            client.user_add(&*user, password, None).await?;
            client.role_add(&*user).await?;
            let rights = Permission::new(kind, prefix).with_prefix();
            client.role_grant_permission(&*user, rights).await?;
            client.user_grant_role(&*user, &*user).await
        });
    }

    /// All keys with the prefix; all there are with an empty one.
    pub fn get_all(&self, prefix: &str) -> BTreeMap<String, String> {
        let prefix = prefix.to_owned();
        let answer = self.with(move |mut client| async move {
            let options = GetOptions::new().with_prefix();
            if prefix.is_empty() {
                client.get("\0", Some(options.with_from_key())).await
            } else {
                client.get(prefix, Some(options)).await
            }
        });
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8 in etcd");
        answer.kvs().iter().map(|pair| (text(pair.key()), text(pair.value()))).collect()
    }

    /// Every key with the revision at which it was last written, locks of runs left out.
    pub fn revisions(&self) -> BTreeMap<String, i64> {
        let answer = self.with(|mut client| async move {
            client.get("\0", Some(GetOptions::new().with_from_key().with_keys_only())).await
        });
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let keys = answer.kvs().iter().map(|pair| (text(pair.key()), pair.mod_revision()));
        keys.filter(|(key, _)| !key.ends_with("/backendai-setup/lock")).collect()
    }

    /// Writes a key under a lease of so many seconds, which nobody renews, and gives back the lease.
    pub fn put_leased(&self, key: &str, value: &str, seconds: i64) -> i64 {
        let (key, value) = (key.to_owned(), value.to_owned());
        self.with(move |mut client| async move {
            let lease = client.lease_grant(seconds, None).await?.id();
            client.put(key, value, Some(PutOptions::new().with_lease(lease))).await?;
            Ok(lease)
        })
    }

    /// The lease of a key.
    pub fn lease_of(&self, key: &str) -> i64 {
        let key = key.to_owned();
        let answer = self.with(move |mut client| async move { client.get(key, None).await });
        answer.kvs().first().expect("the key is there").lease()
    }

    /// How many seconds a lease has left; none once it has ended.
    pub fn left_of(&self, lease: i64) -> Option<i64> {
        let answer = self.with(move |mut client| async move { client.lease_time_to_live(lease, None).await });
        Some(answer.ttl()).filter(|left| *left > 0)
    }

    /// Ends a lease with its keys, as `etcdctl lease revoke` does.
    pub fn revoke(&self, lease: i64) {
        self.with(move |mut client| async move { client.lease_revoke(lease).await });
    }

    /// How many keys have the prefix.
    pub fn count(&self, prefix: &str) -> usize {
        let prefix = prefix.to_owned();
        let answer = self.with(move |mut client| async move {
            client.get(prefix, Some(GetOptions::new().with_prefix().with_count_only())).await
        });
        usize::try_from(answer.count()).expect("a number of keys")
    }

    /// The revision of the store; every write moves it.
    pub fn revision(&self) -> i64 {
        let answer = self.with(|mut client| async move { client.get("revision", None).await });
        answer.header().expect("an answer has a header").revision()
    }

    /// Writes one key.
    pub fn put(&self, key: &str, value: &str) {
        let (key, value) = (key.to_owned(), value.to_owned());
        self.with(move |mut client| async move { client.put(key, value, None).await });
    }

    /// Writes one key, whose value may be no text.
    pub fn put_bytes(&self, key: &str, value: &[u8]) {
        let (key, value) = (key.to_owned(), value.to_vec());
        self.with(move |mut client| async move { client.put(key, value, None).await });
    }

    /// What one key holds.
    pub fn get_bytes(&self, key: &str) -> Option<Vec<u8>> {
        let key = key.to_owned();
        let answer = self.with(move |mut client| async move { client.get(key, None).await });
        answer.kvs().first().map(|pair| pair.value().to_vec())
    }

    /// Writes so many keys below the prefix.
    pub fn fill(&self, prefix: &str, count: usize) {
        let keys: Vec<String> = (0..count).map(|number| format!("{prefix}{number:06}")).collect();
        for some in keys.chunks(100) {
            let puts: Vec<_> = some.iter().map(|key| TxnOp::put(key.as_str(), "x", None)).collect();
            self.with(move |mut client| async move { client.txn(Txn::new().and_then(puts)).await });
        }
    }

    /// Deletes all keys with the prefix.
    pub fn delete(&self, prefix: &str) {
        let prefix = prefix.to_owned();
        self.with(move |mut client| async move {
            client.delete(prefix, Some(DeleteOptions::new().with_prefix())).await
        });
    }

    /// Stops the server; its data and its port stay for [`Etcd::start_again`].
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// Asks the server to end, as a service manager does, and waits until it has.
    pub fn shut_down(&mut self) {
        self.server.end(Signal::TERM);
    }

    /// Starts a stopped server again, with its data, on the same port.
    pub fn start_again(&mut self) {
        assert!(self.launch(), "etcd does not start again:\n{}", self.server.log());
    }

    /// Lets the server stand still: connections are taken, nothing answers.
    pub fn pause(&self) {
        self.server.signal(Signal::STOP);
    }

    /// Lets a paused server go on.
    pub fn resume(&self) {
        self.server.signal(Signal::CONT);
    }

    fn launch(&mut self) -> bool {
        let url = format!("{}://{}", self.scheme, self.endpoint);
        self.server.spawn(
            Command::new(binary("etcd"))
                .env_clear()
                .env("ETCD_UNSUPPORTED_ARCH", if cfg!(target_arch = "aarch64") { "arm64" } else { "" })
                .current_dir(self.server.folder.clone())
                .args(["--name=default", "--data-dir=data"])
                // Port 0: the kernel picks one, so peers of several servers never clash.
                .arg("--listen-peer-urls=http://127.0.0.1:0")
                .args(["--heartbeat-interval=20", "--election-timeout=200"])
                .arg(format!("--listen-client-urls={url}"))
                .arg(format!("--advertise-client-urls={url}"))
                .args(&self.arguments),
        );
        self.server.comes_up("ready to serve client requests")
    }

    fn with<T, F>(&self, work: impl FnOnce(Client) -> F + Send + 'static) -> T
    where
        T: Send + 'static,
        F: Future<Output = Result<T, etcd_client::Error>> + Send + 'static,
    {
        let endpoint = self.endpoint.clone();
        let options = self.root_password.as_ref().map(|it| ConnectOptions::new().with_user("root", it));
        block(async move { work(Client::connect([endpoint], options).await?).await }).expect("etcd does it")
    }
}

//! How a store is reached, and asked again while etcd is in trouble that passes by itself.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use etcd_client::{Client, ConnectOptions, Error};
use secrecy::ExposeSecret;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    failure::{Code, Failure, status},
    guide::{Address, Etcd},
    services::pauses,
};

use super::{
    Answered, Store,
    trouble::{self, Trouble, bounded, etcdctl, explain},
};

impl Store {
    /// Connects to one endpoint; signs in when a user is given.
    ///
    /// # Errors
    /// When it does not answer or refuses the sign-in.
    pub async fn connect(etcd: &Etcd, endpoint: &Address) -> Result<Self, Failure> {
        // Every request has its time limit, so nothing else has to find out that nobody is there any more.
        let mut options = ConnectOptions::new().with_connect_timeout(etcd.limits.connect());
        if let Some((user, password)) = &etcd.user {
            options = options.with_user(user, password.expose_secret());
        }
        let user = etcd.user.as_ref().map(|(user, _)| user.as_str());
        let connecting = Client::connect([endpoint.to_string()], Some(options));
        let client = bounded(etcd.limits, connecting)
            .await
            .map_err(|error| explain(error, endpoint, user, "the sign-in", &etcd.prefix()))?;
        let (prefix, rendezvous) = (etcd.prefix(), etcd.rendezvous_prefix());
        let (endpoint, settings) = (endpoint.clone(), etcd.clone());
        Ok(Self {
            client,
            endpoint,
            settings,
            cluster: None,
            prefix,
            rendezvous,
            answered: Arc::default(),
            connection: 0,
            fence: None,
            oldest: Arc::default(),
        })
    }

    /// Connects to the first endpoint that can be used, beginning with the one that answered last; remembers which it is, also
    /// when the work goes on at another one. An etcd that is away for a moment is asked again, as long as one operation may
    /// take.
    ///
    /// # Errors
    /// The first endpoint's failure, when none can be used.
    pub async fn connect_any(etcd: &Etcd, answered: &Arc<Answered>) -> Result<Self, Failure> {
        let began = Instant::now();
        let mut pauses = pauses();
        loop {
            let begin = answered.endpoint();
            let failure = match Self::connect_first(etcd, begin, None, Duration::MAX).await {
                Err(failure) if failure.status() == status::UNREACHABLE => failure,
                Err(failure) => return Err(failure),
                Ok(store) => return Ok(store.counted(answered)),
            };
            let Some(pause) = pauses.next().filter(|pause| began.elapsed() + *pause < etcd.limits.answer())
            else {
                return Err(failure);
            };
            sleep(pause).await;
        }
    }

    /// The same, known to all that share this: its connection is the newest.
    #[must_use]
    pub fn counted(self, answered: &Arc<Answered>) -> Self {
        let at = self.settings.endpoints.iter().position(|endpoint| *endpoint == self.endpoint);
        let connection = answered.connected(at.unwrap_or_default());
        Self { answered: Arc::clone(answered), connection, ..self }
    }

    /// Is its connection the newest one? Others had to give theirs up.
    pub fn is_newest(&self) -> bool {
        self.connection == self.answered.connections()
    }

    /// Each endpoint once; with a cluster given, its members alone.
    async fn connect_first(
        etcd: &Etcd,
        begin: usize,
        cluster: Option<u64>,
        patience: Duration,
    ) -> Result<Self, Failure> {
        let mut first = None;
        let count = etcd.endpoints.len();
        let each = patience / u32::try_from(count).unwrap_or(u32::MAX).max(1);
        for endpoint in etcd.endpoints.iter().cycle().skip(begin).take(count) {
            let attempt = async {
                let mut store = Self::connect(etcd, endpoint).await?;
                let member = store.member().await?;
                match member.unusable(endpoint) {
                    Some(failure) => Err(failure),
                    None => Ok(store),
                }
            };
            let silent =
                |_| Err(explain(Trouble::Silent(each), endpoint, None, "the question for its version", ""));
            match timeout(each, attempt).await.unwrap_or_else(silent) {
                Ok(store) if cluster.is_none_or(|cluster| store.cluster == Some(cluster)) => {
                    return Ok(store);
                }
                Ok(_) => {}
                Err(failure) => first = first.or(Some(failure)),
            }
        }
        Err(first.unwrap_or_else(|| Failure::new(Code::EtcdConnect, "no etcd endpoint is given")))
    }

    pub(super) fn user(&self) -> Option<&str> {
        self.settings.user.as_ref().map(|(user, _)| user.as_str())
    }

    /// What the error means; where etcd knows what the remedy needs, it is asked for that.
    pub(super) async fn explain(&mut self, error: Trouble, what: &str) -> Failure {
        let range = self.prefix.clone();
        self.explain_below(error, what, &range).await
    }

    /// The same for keys below another prefix.
    pub(super) async fn explain_below(&mut self, error: Trouble, what: &str, range: &str) -> Failure {
        let failure = explain(error, &self.endpoint, self.user(), what, range);
        match failure.code {
            Code::EtcdRights => match self.role().await {
                Some(role) => {
                    let remedy = trouble::grant(&self.endpoint, self.user(), Some(&role), range);
                    failure.remedy(remedy)
                }
                None => failure,
            },
            Code::EtcdAlarm => failure.remedy(self.make_room().await),
            _ => failure,
        }
    }

    /// A role of our user, where etcd tells it.
    async fn role(&mut self) -> Option<String> {
        let user = self.user()?.to_owned();
        let answer = bounded(self.settings.limits, self.client.user_get(user)).await.ok()?;
        answer.roles().first().cloned()
    }

    /// How an etcd without space is made to take writes again.
    pub async fn make_room(&mut self) -> String {
        let mut maintenance = self.client.maintenance_client();
        let answer = bounded(self.settings.limits, maintenance.status()).await.ok();
        let revision = answer.and_then(|status| status.header().map(|header| header.revision()));
        let revision = revision.map_or("REVISION".to_owned(), |revision| revision.to_string());
        let etcdctl = etcdctl(&self.endpoint, self.user());
        format!(
            "`{etcdctl} compact {revision}`, `{etcdctl} defrag --cluster`, then `{etcdctl} alarm disarm`; or start etcd with a larger `--quota-backend-bytes` first"
        )
    }

    /// Asks again, with growing pauses, for as long as etcd is in trouble that passes by itself and one
    /// operation may take. For questions that can be put twice: reads, and guarded writes. A member that is gone is
    /// replaced by another endpoint of the same cluster; one that says nothing for half of that time too.
    pub(super) async fn repeat<T, F>(&mut self, mut ask: impl FnMut(Client) -> F) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let limit = self.settings.limits.answer();
        let end = Instant::now() + limit;
        let left = || end.saturating_duration_since(Instant::now());
        let mut pauses = pauses();
        let mut last = None;
        let mut may_move = self.settings.endpoints.len() > 1;
        loop {
            let mut request = pin!(ask(self.client.clone()));
            let patience = if may_move { left().min(limit / 2) } else { left() };
            let mut answer = timeout(patience, &mut request).await;
            if answer.is_err() && may_move && self.is_alive(left() / 4).await {
                // Only slow: the request goes on.
                answer = timeout(left(), &mut request).await;
            }
            let error = match answer {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => Trouble::Error(error),
                Err(_) if may_move && !left().is_zero() => {
                    may_move = false;
                    let _ = timeout(left(), self.connect_again(1, left() / 2)).await;
                    continue;
                }
                Err(_) => return Err(last.unwrap_or(Trouble::Silent(limit))),
            };
            let pause = pauses.next().filter(|pause| *pause < left());
            let Some(pause) = pause.filter(|_| error.may_pass(self.settings.user.is_some())) else {
                return Err(error);
            };
            last = Some(error);
            sleep(pause).await;
            let _ = timeout(left(), self.connect_again(0, left())).await;
        }
    }

    /// Does its member say anything at all?
    async fn is_alive(&self, patience: Duration) -> bool {
        let mut client = self.client.maintenance_client();
        timeout(patience, client.status()).await.is_ok_and(|status| status.is_ok())
    }

    /// A new connection, to the first that can be used of the endpoints that begin so many after the one that it has.
    /// Each gets its part of the time. Without one the old stays.
    async fn connect_again(&mut self, after: usize, patience: Duration) {
        let own = self.settings.endpoints.iter().position(|endpoint| *endpoint == self.endpoint);
        let fresh = match (own, self.cluster) {
            (Some(own), Some(cluster)) => {
                Self::connect_first(&self.settings, own + after, Some(cluster), patience).await
            }
            _ => Self::connect(&self.settings, &self.endpoint).await,
        };
        if let Ok(fresh) = fresh {
            // The cluster is known by now, and stays what it is.
            let cluster = self.cluster.or(fresh.cluster);
            let (fence, oldest) = (self.fence, Arc::clone(&self.oldest));
            *self = Self { cluster, fence, oldest, ..fresh.counted(&self.answered) };
        }
    }
}

//! Who holds a lock, as other runs report it.

use jiff::{Timestamp, Unit, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// A run that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The machine that it runs on.
    pub host: String,
    /// The user that it runs as.
    pub user: String,
    /// Its process there.
    pub pid: u32,
    /// Since when.
    pub since: Timestamp,
    /// Which start of that machine it was, where the system tells: after another one no process of it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<String>,
    /// By what others on the same machine find out whether it still runs; none where it has no such file.
    #[serde(flatten)]
    pub alive: Option<SignOfLife>,
}

/// A file that a run keeps locked to its end, however it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignOfLife {
    /// The folder that it is in.
    pub state: String,
    /// Device and inode: another file at the same path, in a container for example, says nothing.
    pub file: String,
}

impl Holder {
    /// `root@gpu-02`.
    pub fn name(&self) -> String {
        format!("{}@{}", self.user, self.host)
    }

    /// `root@gpu-02 has been writing to namespace `local` since 14:03:22, process 4711`.
    pub fn told(&self, what: &str, now: Timestamp) -> String {
        format!(
            "{} has been writing to {what} since {}, process {}",
            self.name(),
            since(self.since, now),
            self.pid
        )
    }
}

/// A time of day, with its date where that is not today's.
pub(super) fn since(moment: Timestamp, now: Timestamp) -> String {
    let local = |at: Timestamp| at.to_zoned_datetime(TimeZone::system());
    let at = local(moment.round(Unit::Second).unwrap_or(moment));
    let form = if at.date() == local(now).date() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
    at.strftime(form).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_told_and_read_back() {
        let since: Timestamp = "2026-12-01T14:03:22.25Z".parse().unwrap();
        let sign = SignOfLife { state: "/var/lib/x".into(), file: "64769:12".into() };
        let mut holder = Holder {
            host: "gpu-02".into(),
            user: "root".into(),
            pid: 4711,
            since,
            boot: Some("b".into()),
            alive: Some(sign),
        };
        let later = since + jiff::SignedDuration::from_hours(48);
        let told = holder.told("namespace `local`", later);
        assert!(
            told.starts_with("root@gpu-02 has been writing to namespace `local` since 2026-12-0"),
            "{told}"
        );
        assert!(told.ends_with(":22, process 4711"), "{told}");
        for _ in 0..2 {
            let text = serde_json::to_string(&holder).unwrap();
            assert_eq!(serde_json::from_str::<Holder>(&text).unwrap(), holder, "{text}");
            holder.alive = None;
        }
    }
}

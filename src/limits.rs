//! How long anything may take.

use std::time::Duration;

/// How long each kind of operation may take: the usual time, unless the command line gives every operation the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    operation: Option<Duration>,
}

impl Limits {
    /// This much time for every operation, where it is given.
    pub fn of_operations(operation: Option<Duration>) -> Self {
        Self { operation }
    }

    fn or(self, usual_seconds: u64) -> Duration {
        self.operation.unwrap_or(Duration::from_secs(usual_seconds))
    }

    /// A host name is resolved, or a connection accepted.
    pub fn connect(self) -> Duration {
        self.or(5)
    }

    /// The first answer of a server: somebody is watching.
    pub fn greeting(self) -> Duration {
        self.or(5)
    }

    /// A server lets somebody in.
    pub fn sign_in(self) -> Duration {
        self.or(15)
    }

    /// A server answers one request.
    pub fn answer(self) -> Duration {
        self.or(10)
    }

    /// All that is asked of a server of the development stack.
    pub fn look(self) -> Duration {
        self.or(8)
    }

    /// Another setup of the same database comes to its end.
    pub fn lock(self) -> Duration {
        self.or(5)
    }

    /// A database is created: copying the template takes as long as the server's disk does.
    pub fn creation(self) -> Duration {
        self.or(120)
    }

    /// A step of an upgrade: the server may write a large table anew.
    pub fn step(self) -> Duration {
        self.or(1_800)
    }

    /// A file system answers.
    pub fn file_system(self) -> Duration {
        self.or(5)
    }

    /// A file is written: a disk that is busy takes its time to sync.
    pub fn write(self) -> Duration {
        self.or(15)
    }

    /// A program gives out a secret.
    pub fn secret(self) -> Duration {
        self.or(30)
    }
}

/// A limit in words: `5 s`, `0.5 s`.
pub fn seconds(limit: Duration) -> String {
    format!("{} s", limit.as_secs_f64())
}

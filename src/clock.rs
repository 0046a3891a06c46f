//! The time of day. What takes time is measured by the instants of `std` and tokio.

use jiff::Timestamp;

/// The clock on the wall.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Clock {
    /// That of the system.
    #[default]
    System,
    /// One that stands, for tests.
    Fixed(Timestamp),
}

impl Clock {
    /// What it shows.
    pub fn now(self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Fixed(time) => time,
        }
    }
}

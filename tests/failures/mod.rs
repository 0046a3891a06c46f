//! A test provokes every failure: the real program against real servers in the wrong state. Each
//! must say what failed, why and what to do, with its code and exit status, and write nothing.

mod answers;
mod bounds;
mod canary;
mod case;
mod cluster;
mod coverage;
mod database;
mod drift;
mod etcd;
mod excerpts;
mod files;
mod hung;
mod input;
mod limits;
mod lost;
mod manager;
mod members;
mod mount;
mod network;
mod nobody;
mod remedies;
mod schema;
mod secrets;
mod servers;
mod session;
mod sign_in;
mod signals;
mod storage;
mod strangers;
mod text;
mod told;
mod usage;

pub use case::{Case, quiet_etcd, walk};
pub use nobody::{NOBODY, as_nobody, as_nobody_by};
pub use session::Session;
pub use told::{Row, Told, row, together};

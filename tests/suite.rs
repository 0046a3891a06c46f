//! All tests that need the program, etcd or PostgreSQL, linked once.

mod devstack;
mod docs;
mod failures;
mod servers;
mod stages;

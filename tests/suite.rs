//! All tests that need the program, etcd or PostgreSQL, linked once.

mod devstack;
mod failures;
mod servers;

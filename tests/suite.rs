//! All tests that need the program, etcd or PostgreSQL, linked once.

mod devstack;
mod docs;
mod servers;
mod stages;

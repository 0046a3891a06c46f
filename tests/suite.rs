//! All tests that need the program, etcd or PostgreSQL, linked once.

mod answers;
mod canary;
mod cli;
mod devstack;
mod docs;
mod failures;
mod mount;
mod schema;
mod servers;
mod stages;
mod tui;

//! What is asked: variables by section, what a [`Guide`] is made of, and the answers to it.
//!
//! Pure: nothing here touches a server, a file or a screen. A variable is an edit to one section's
//! file; command line, answers file, environment names and the tables of the README follow. Which sections make a
//! guide, and what does its work, is said in `guides`.

mod answers;
mod command;
mod contradictions;
pub mod database;
pub mod etcd;
mod file;
mod file_value;
pub mod files;
pub mod general;
pub mod identity;
pub mod images;
mod init;
mod json_schema;
mod key_space;
pub mod keypairs;
mod reference;
mod release;
mod repeat;
mod settings;
mod spelling;
pub mod storage;
pub mod validate;
mod variable;

pub use command::{Doubt, doubts};

pub use answers::{Answers, Given, Origin};
pub use database::{Database, SslMode, UserIds, database_url};
pub use etcd::Etcd;
pub use file::{FileValues, file_values};
pub use file_value::{FileValue, SecretSource};
pub use files::Files;
pub use identity::Identity;
pub use images::Images;
pub use init::SCHEMA_FILE;
pub use key_space::KeySpace;
pub use keypairs::Keypairs;
pub use reference::Reference;
pub use release::{Guide, Samples};
pub use settings::Settings;
pub use spelling::{did_you_mean, meant};
pub use storage::{DEVELOPMENT_HOME, Expect, Storage, development_home, development_mount};
pub use validate::{Address, Refused, parse_address};
pub use variable::{Default, Development, Section, Shape, Variable, environment_name};

//! The schema as something one can look at: what each revision is in the catalogs, drift, and the commands.

mod catalog;
mod commands;
mod drift;
mod scripts;

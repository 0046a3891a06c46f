//! The one YAML reader.

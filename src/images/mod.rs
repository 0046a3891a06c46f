//! The image list.

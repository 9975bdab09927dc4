//! The operators' HTTP API.

pub mod model;

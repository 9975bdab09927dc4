//! Patterns, and what they permit.

mod differences;
mod patterns;
mod permissions;

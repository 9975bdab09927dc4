//! The names in requests and certificates, and what they must look like. No policy changes that.

mod alt_name;
mod alt_names;
mod attribute;
mod attribute_kind;
mod difference;
mod dns;
mod email;
mod raw_name;
mod subject;
#[cfg(test)]
mod tests;
mod uri;

pub use alt_names::{MAX_ALT_NAMES, SubjectAltNames};
pub(crate) use difference::difference;
pub(crate) use raw_name::RawName;
pub use subject::Subject;

//! The names in requests and certificates: what they must look like, and who may have them.
//!
//! Two questions are kept apart. *Syntax*: whether a certificate can have such a name at all. It is
//! checked whenever a name is read ([`Subject`], [`SubjectAltNames`]), and no policy changes the
//! answer. *Permission*: whether this device may have it. It is asked of a first certificate only
//! ([`NamePolicy`], [`NameGrant`]); a renewal repeats the names that it presents.

mod alt_name;
mod alt_names;
mod attribute;
mod attribute_kind;
mod attribute_pattern;
mod difference;
mod dns;
mod email;
mod grant;
mod pattern_error;
mod permission;
mod policy;
mod raw_name;
mod san_pattern;
mod subject;
mod template;
#[cfg(test)]
mod tests;
mod uri;

pub use alt_names::{MAX_ALT_NAMES, SubjectAltNames};
pub use attribute_pattern::AttributePattern;
pub(crate) use difference::difference;
pub use grant::NameGrant;
pub use pattern_error::InvalidPattern;
pub use permission::UncoveredNames;
pub use policy::{NamePolicy, SanPolicy, SubjectPolicy};
pub(crate) use raw_name::{RawAttribute, RawName};
pub use san_pattern::SanPattern;
pub use subject::Subject;

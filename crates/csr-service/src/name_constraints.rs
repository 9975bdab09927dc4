//! The name constraints of an issuer (RFC 5280, section 4.2.1.10), and whether a request obeys them.
//!
//! A name of a form for which there are permitted subtrees must be within one of them, and no name
//! may be within an excluded subtree. A form without subtrees is free. What cannot be compared with a
//! constraint of its form is refused.

mod directory_name;
mod hosts;
mod name;
mod subtree;

use der::asn1::AnyRef;
use der::{Decode, Tag, TagNumber, Tagged};
use renewal_domain::text::clean;
use x509_parser::oid_registry::OID_X509_EXT_NAME_CONSTRAINTS;

use self::name::Name;
use self::subtree::{Relation, Subtree, Unusable};
use crate::certificate_der::parse;
use crate::csr::Csr;
use crate::encoding::{Unreadable, elements};

/// The longest name and the longest list of constraints that are shown, in octets. Both fit into the
/// detail of a rejection.
const MAX_SHOWN: usize = 85;

/// The subtrees of an issuer's certificate; without any, every name is permitted.
#[derive(Clone, Debug, Default)]
pub(crate) struct NameConstraints {
    permitted: Vec<Subtree>,
    excluded: Vec<Subtree>,
}

impl NameConstraints {
    /// Reads the constraints of a certificate, DER. The error says what cannot be obeyed.
    ///
    /// Subtrees of other forms than directory names, DNS names, e-mail addresses, URIs and IP addresses
    /// are an error if the extension is critical. Otherwise they are passed over: names of these forms
    /// are never issued.
    pub(crate) fn of_certificate(der: &[u8]) -> Result<Self, String> {
        let certificate = parse(der).map_err(|Unreadable(why)| why)?;
        match certificate.get_extension_unique(&OID_X509_EXT_NAME_CONSTRAINTS) {
            Ok(None) => Ok(Self::default()),
            Ok(Some(extension)) => Self::read(extension.value, extension.critical),
            Err(_) => Err("the extension occurs twice".into()),
        }
    }

    /// Reads the content of the extension.
    fn read(content: &[u8], critical: bool) -> Result<Self, String> {
        let fields = sequence(content).map_err(unreadable)?;
        let (permitted, excluded) = match fields.as_slice() {
            [one] if one.tag() == implicit(0) => (Some(one), None),
            [one] if one.tag() == implicit(1) => (None, Some(one)),
            [one, other] if one.tag() == implicit(0) && other.tag() == implicit(1) => {
                (Some(one), Some(other))
            }
            [] => return Err("the extension is empty".into()),
            _ => return Err("they are not one list of permitted and one of excluded subtrees".into()),
        };
        let subtrees = |list: Option<&AnyRef<'_>>| match list {
            Some(list) => read_subtrees(list, critical),
            None => Ok(Vec::new()),
        };
        Ok(Self { permitted: subtrees(permitted)?, excluded: subtrees(excluded)? })
    }

    /// Whether all names in the request are permitted; the error has the name and the constraint.
    pub(crate) fn check(&self, csr: &Csr) -> Result<(), String> {
        if self.permitted.is_empty() && self.excluded.is_empty() {
            return Ok(());
        }
        Name::of(csr)?.iter().try_for_each(|name| self.check_name(name))
    }

    fn check_name(&self, name: &Name) -> Result<(), String> {
        let shown = clean(&name.to_string(), MAX_SHOWN);
        let unclear = |why, subtree: &Subtree| {
            let subtree = clean(&subtree.to_string(), MAX_SHOWN);
            Err(format!("{shown} {why}, as the constraint {subtree} requires"))
        };
        for subtree in &self.excluded {
            match subtree.relation(name) {
                Relation::OtherForm | Relation::Outside => {}
                Relation::Within => {
                    let subtree = clean(&subtree.to_string(), MAX_SHOWN);
                    return Err(format!("{shown} is within the excluded {subtree}"));
                }
                Relation::Unclear(why) => return unclear(why, subtree),
            }
        }
        let mut permitted = Vec::new();
        for subtree in &self.permitted {
            match subtree.relation(name) {
                Relation::OtherForm => {}
                Relation::Outside => permitted.push(subtree.to_string()),
                Relation::Within => return Ok(()),
                Relation::Unclear(why) => return unclear(why, subtree),
            }
        }
        if permitted.is_empty() {
            return Ok(());
        }
        let permitted = clean(&permitted.join(" or "), MAX_SHOWN);
        Err(format!("{shown} is not within the permitted {permitted}"))
    }
}

/// Reads `GeneralSubtrees`, of which there is at least one.
fn read_subtrees(list: &AnyRef<'_>, critical: bool) -> Result<Vec<Subtree>, String> {
    let list = elements(list.value()).map_err(unreadable)?;
    if list.is_empty() {
        return Err("a list of subtrees is empty".into());
    }
    let mut read = Vec::new();
    for subtree in list {
        // A `minimum` must be 0, which DER leaves out, and there must be no `maximum`.
        let base = match (subtree.tag(), elements(subtree.value()).map_err(unreadable)?.as_slice()) {
            (Tag::Sequence, [base]) => *base,
            _ => return Err("a subtree is not a base alone".into()),
        };
        match Subtree::read(&base) {
            Ok(subtree) => read.push(subtree),
            Err(Unusable::Form(form)) if critical => return Err(format!("one is of the form {form}")),
            Err(Unusable::Form(_)) => {}
            Err(Unusable::Base(why)) => return Err(why),
        }
    }
    Ok(read)
}

/// The elements of a `SEQUENCE`, which is all there is.
fn sequence(der: &[u8]) -> der::Result<Vec<AnyRef<'_>>> {
    let list = AnyRef::from_der(der)?;
    list.tag().assert_eq(Tag::Sequence)?;
    elements(list.value())
}

fn unreadable(_: der::Error) -> String {
    "they cannot be read".into()
}

const fn implicit(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
}

#[cfg(test)]
mod tests;

//! Message authentication codes of rows: who can write to the database, but has not the key, can make no
//! row that is taken for one of ours.
//!
//! A code is the first 4 octets of the SHA-256 of the key, which say which key it is, and HMAC-SHA-256
//! (RFC 2104) over a label and the fields, each with its length.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use renewal_domain::StoreError;
use sha2::{Digest, Sha256};

/// How many octets say which key it is.
const KEY_ID: usize = 4;

/// The keys that authenticate rows: the first makes codes, and all of them check codes.
///
/// They are the same on every server of a ledger, and are kept outside of its database.
#[derive(Clone)]
pub struct AuthenticationKeys(Arc<[Key]>);

struct Key {
    id: [u8; KEY_ID],
    hmac: Hmac<Sha256>,
}

/// The fields of a row that a code covers.
pub(crate) struct Fields(Vec<u8>);

/// The store was given no key.
#[derive(Debug, thiserror::Error)]
#[error(
    "the store has no authentication key, which tokens and pending requests need: give it one with SeaOrmStore::authenticated"
)]
pub(crate) struct NoKey;

/// What is wrong with a code.
pub(crate) const FORGED: &str = "it was not made with an authentication key of this ledger: \
     somebody else wrote or changed the row, or the key was replaced";

impl AuthenticationKeys {
    /// Takes the key that makes codes, and older ones that only check them. Each has 256 random bits.
    #[must_use]
    pub fn new(first: [u8; 32], older: impl IntoIterator<Item = [u8; 32]>) -> Self {
        Self([first].into_iter().chain(older).map(Key::new).collect())
    }

    /// The code of these fields.
    pub(crate) fn code(&self, fields: &Fields) -> Vec<u8> {
        // There is always a first one.
        self.0.first().map(|key| key.code(fields)).unwrap_or_default()
    }

    /// Whether a code is that of these fields.
    pub(crate) fn verify(&self, fields: &Fields, code: &[u8]) -> bool {
        let Some((id, code)) = code.split_first_chunk::<KEY_ID>() else { return false };
        self.0.iter().filter(|key| key.id == *id).any(|key| {
            let mac = key.hmac.clone().chain_update(&fields.0);
            mac.verify_slice(code).is_ok()
        })
    }
}

impl Key {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    fn new(key: [u8; 32]) -> Self {
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&Sha256::digest(key)[..KEY_ID]);
        Self { id, hmac: Hmac::new_from_slice(&key).expect("a key of any length") }
    }

    fn code(&self, fields: &Fields) -> Vec<u8> {
        let mac = self.hmac.clone().chain_update(&fields.0).finalize().into_bytes();
        [self.id.as_slice(), &mac].concat()
    }
}

impl fmt::Debug for AuthenticationKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthenticationKeys(not shown)")
    }
}

impl Fields {
    /// The fields of a row of a kind: two kinds never have the same code.
    pub(crate) fn of(label: &str) -> Self {
        Self(Vec::new()).add(label)
    }

    /// Adds a field.
    pub(crate) fn add(mut self, field: impl AsRef<[u8]>) -> Self {
        let field = field.as_ref();
        self.0.extend_from_slice(&(field.len() as u64 + 1).to_be_bytes());
        self.0.extend_from_slice(field);
        self
    }

    /// Adds a field that may be missing, which is not the same as empty.
    pub(crate) fn add_optional(mut self, field: Option<impl AsRef<[u8]>>) -> Self {
        let Some(field) = field else {
            self.0.extend_from_slice(&0_u64.to_be_bytes());
            return self;
        };
        self.add(field)
    }
}

/// The keys, where there must be some.
pub(crate) fn required(keys: Option<&AuthenticationKeys>) -> Result<&AuthenticationKeys, StoreError> {
    keys.ok_or_else(|| StoreError::Backend(Box::new(NoKey)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        Fields::of("a row").add("one").add_optional(Some([2]))
    }

    #[test]
    fn a_code_is_good_for_its_fields_and_no_others() {
        let keys = AuthenticationKeys::new([1; 32], []);
        let code = keys.code(&fields());
        assert_eq!(code.len(), 36);
        assert!(keys.verify(&fields(), &code));
        for other in [
            Fields::of("a row").add("one").add_optional(None::<&[u8]>),
            Fields::of("a row").add("on").add("e").add([2]),
            Fields::of("another").add("one").add([2]),
        ] {
            assert!(!keys.verify(&other, &code));
        }
        assert!(!keys.verify(&fields(), &code[..35]));
        assert!(!keys.verify(&fields(), &[]));
    }

    #[test]
    fn an_older_key_checks_and_the_first_one_makes() {
        let (old, new) = (AuthenticationKeys::new([1; 32], []), AuthenticationKeys::new([2; 32], [[1; 32]]));
        assert!(new.verify(&fields(), &old.code(&fields())));
        assert!(!old.verify(&fields(), &new.code(&fields())));
    }

    #[test]
    fn a_missing_field_is_not_an_empty_one() {
        let keys = AuthenticationKeys::new([1; 32], []);
        let missing = Fields::of("row").add_optional(None::<&[u8]>);
        assert!(!keys.verify(&Fields::of("row").add(""), &keys.code(&missing)));
    }

    #[test]
    fn a_key_is_not_shown() {
        assert_eq!(format!("{:?}", AuthenticationKeys::new([7; 32], [])), "AuthenticationKeys(not shown)");
    }
}

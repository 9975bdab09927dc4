//! Who a device is: one pure function from the name in its certificate.

use std::fmt;

use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::text;
use crate::{DeviceId, OrgId};

/// The prefix that may stand before a UUID in a common name unless another is configured.
pub const DEFAULT_PREFIX: &str = "device:";

/// The common name of a device's certificate: 1 to 64 characters (`ub-common-name`,
/// RFC 5280, appendix A.1), none of them [unsafe](text::is_unsafe).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceName(String);

/// The text can't be a device's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// It is empty, or has more than 64 characters.
    #[error("a device's name has 1 to 64 characters, this one has {0}")]
    Length(usize),
    /// It has a control character or one that changes the direction of text.
    #[error("a device's name must not contain control or text-direction characters (U+{0:04X})")]
    Unsafe(u32),
}

impl DeviceName {
    /// Takes a name that keeps the rules.
    ///
    /// # Errors
    /// [`InvalidName`] says which rule the text breaks.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidName> {
        let name = name.into();
        let length = name.chars().count();
        if !(1..=64).contains(&length) {
            return Err(InvalidName::Length(length));
        }
        match name.chars().find(|c| text::is_unsafe(*c)) {
            Some(c) => Err(InvalidName::Unsafe(c.into())),
            None => Ok(Self(name)),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for DeviceName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl DeviceId {
    /// The device that a name means within an organisation.
    ///
    /// A name that is a UUID in its hyphenated form, bare or after `prefix`, is that
    /// UUID. Any other name means the name-based UUID (version 5, RFC 9562, section
    /// 5.5) of the whole name in the name space of the organisation.
    #[must_use]
    pub fn of(org: OrgId, name: &DeviceName, prefix: &str) -> Self {
        let name = name.as_str();
        let bare = name.strip_prefix(prefix).unwrap_or(name);
        hyphenated(bare)
            .or_else(|| hyphenated(name))
            .map_or_else(|| Self::new(Uuid::new_v5(&org.as_uuid(), name.as_bytes())), Self::new)
    }
}

/// The UUID of the 36-character form; the other forms are names like any other
/// (32 hexadecimal digits are a common fingerprint).
fn hyphenated(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(org: u128, name: &str) -> String {
        let name = DeviceName::new(name).unwrap();
        DeviceId::of(OrgId::new(Uuid::from_u128(org)), &name, DEFAULT_PREFIX).to_string()
    }

    /// The test vectors: another implementation must give the same identifiers.
    #[test]
    fn the_vectors() {
        const UUID: &str = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
        assert_eq!(id(0, UUID), UUID);
        assert_eq!(id(1, UUID), UUID);
        assert_eq!(id(0, "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"), UUID);
        assert_eq!(id(0, "device:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"), UUID);
        // Made with Python: uuid.uuid5(uuid.UUID(int=ORG), NAME).
        assert_eq!(id(0, "gateway-0042"), "4c4d281f-70f1-5179-8a1d-31eb82c5001b");
        assert_eq!(id(1, "gateway-0042"), "c1030f83-75c0-54f2-bd49-803c6321fa62");
        assert_eq!(id(0, "device:gateway-0042"), "4a8fc72a-2deb-5977-86a7-b32ac7666fbb");
        assert_eq!(id(0, "Zähler 7"), "d3837115-b3fa-528f-abd3-e9a0fd55b7fa");
        assert_eq!(id(0, "f81d4fae7dec11d0a76500a0c91e6bf6"), "6ab33749-c605-5197-9588-c72a6e996287");
        assert_eq!(
            id(0, "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
            "2421ea69-b86a-5e95-884e-8f5882f1e9cf"
        );
        assert_eq!(
            id(0, "Device:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
            "e7f1e697-4a7f-5525-ba0d-f039edea5d91"
        );
    }

    #[test]
    fn names_that_could_deceive_are_refused() {
        for name in ["", "a\0b", "a\nb", "\u{202E}abc", &"x".repeat(65), &"x".repeat(10_000)] {
            assert!(DeviceName::new(name).is_err(), "{name:?}");
        }
        assert!(DeviceName::new("é".repeat(64)).is_ok());
    }

    proptest! {
        #[test]
        fn every_uuid_names_itself_bare_or_prefixed(uuid: u128, org: u128) {
            let uuid = Uuid::from_u128(uuid).to_string();
            prop_assert_eq!(&id(org, &uuid), &uuid);
            prop_assert_eq!(&id(org, &format!("device:{uuid}")), &uuid);
            prop_assert_eq!(&id(org, &uuid.to_uppercase()), &uuid);
        }

        #[test]
        fn any_other_name_means_a_device_of_its_organisation(name in "[^\\pC]{1,35}", org: u128) {
            prop_assume!(DeviceName::new(name.clone()).is_ok());
            let ours = id(org, &name);
            prop_assert_eq!(&id(org, &name), &ours);
            prop_assert_ne!(&id(org.wrapping_add(1), &name), &ours);
            prop_assert_eq!(Uuid::try_parse(&ours).unwrap().get_version_num(), 5);
        }
    }
}

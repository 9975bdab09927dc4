//! Who a device is: one pure function from the name in its certificate.

use std::fmt;

use serde::{Serialize, Serializer};
use uuid::{Uuid, Variant};

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
    /// A name that is a UUID of version 1, 4, 6, 7 or 8 in its hyphenated form, bare or after `prefix`,
    /// is that UUID. Any other name, a name-based UUID among them, means the name-based UUID
    /// (version 5, RFC 9562, section 5.5) of the whole name in the name space of the organisation. So
    /// two names mean one device only if they spell the same UUID.
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
///
/// A UUID of version 3 or 5 may be another device's, made of its name; so it is a name like any other.
/// So is what RFC 9562, section 4, knows no use for: another variant, and another version.
fn hyphenated(text: &str) -> Option<Uuid> {
    let uuid = (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten()?;
    let names_itself =
        uuid.get_variant() == Variant::RFC4122 && matches!(uuid.get_version_num(), 1 | 4 | 6..=8);
    names_itself.then_some(uuid)
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
        // Another device may have this one of its name: uuid5(ORG 0, "gateway-0042").
        let taken = "4c4d281f-70f1-5179-8a1d-31eb82c5001b";
        assert_eq!(id(0, taken), "489de693-e689-55b5-9630-2240b53bd55b");
        assert_eq!(id(0, &format!("device:{taken}")), "63106815-008d-5135-ac8f-e5252b87d125");
        assert_eq!(id(0, "a3bb189e-8bf9-3888-9912-ace4e6543002"), "7fda15d6-1076-54d9-8904-8b5e13f26562");
        assert_eq!(id(0, "000003e8-cbb9-21ea-b201-00045a86c8a1"), "f381fc8a-9292-5c8f-b6ed-d20b31978ed6");
        assert_eq!(id(0, "00000000-0000-0000-0000-000000000000"), "9c11b015-f43b-5972-b792-b9ca3f1188f3");
        assert_eq!(id(0, "ffffffff-ffff-ffff-ffff-ffffffffffff"), "4d87f3e3-ebbe-5a54-aa2d-5178470dc394");
        assert_eq!(id(0, "f81d4fae-7dec-41d0-c765-00a0c91e6bf6"), "31f5e7b8-ba9b-5ca3-a5da-c77c2a48f901");
        for version in ["1", "4", "6", "7", "8"] {
            let uuid = format!("f81d4fae-7dec-{version}1d0-a765-00a0c91e6bf6");
            assert_eq!(id(0, &uuid), uuid);
        }
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
        fn a_uuid_that_is_made_of_no_name_names_itself_bare_or_prefixed(
            octets: [u8; 16],
            version in prop::sample::select(vec![1_u8, 4, 6, 7, 8]),
            org: u128,
        ) {
            let mut uuid = uuid::Builder::from_bytes(octets);
            uuid.set_variant(Variant::RFC4122);
            let mut octets = uuid.into_uuid().into_bytes();
            octets[6] = octets[6] & 0x0f | version << 4;
            let uuid = Uuid::from_bytes(octets).to_string();
            prop_assert_eq!(&id(org, &uuid), &uuid);
            prop_assert_eq!(&id(org, &format!("device:{uuid}")), &uuid);
            prop_assert_eq!(&id(org, &uuid.to_uppercase()), &uuid);
        }

        #[test]
        fn a_device_cannot_be_named_by_the_id_of_another(name in "[a-z0-9-]{1,35}", org: u128) {
            let theirs = id(org, &name);
            prop_assert_ne!(&id(org, &theirs), &theirs);
            prop_assert_ne!(&id(org, &format!("device:{theirs}")), &theirs);
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

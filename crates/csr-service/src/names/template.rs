//! Text with variables, and what may stand in them.

use std::fmt;

use renewal_domain::DeviceId;

use super::pattern_error::InvalidPattern;
use super::{dns, email, uri};

/// What the variables of a pattern stand for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variables<'a> {
    /// `{cn}`: the common name that is requested.
    pub(super) cn: &'a str,
    /// `{device_id}`: the device that this name means, as a hyphenated lowercase UUID.
    pub(super) device_id: DeviceId,
}

/// Text with variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    CommonName,
    DeviceId,
}

/// What a value must be where it stands, so that it cannot change the structure of the name: a common
/// name `a.b` must not add a label, nor `a/b` a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// One label of a DNS name, or a part of one.
    Label,
    /// In a URI, behind the authority.
    InUri,
    /// Before the `@` of an e-mail address.
    LocalPart,
    /// A text without structure.
    Text,
}

impl Template {
    /// Reads `text`, which is a part of `pattern`, or all of it.
    pub(super) fn parse(text: &str, pattern: &str) -> Result<Self, InvalidPattern> {
        let unmatched = || InvalidPattern::Brace(pattern.into());
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, behind) = behind.split_once('}').ok_or_else(unmatched)?;
            pieces.extend(plain(before, pattern)?);
            pieces.push(match name {
                "cn" => Piece::CommonName,
                "device_id" => Piece::DeviceId,
                _ if name.contains('{') => return Err(unmatched()),
                _ => {
                    return Err(InvalidPattern::UnknownVariable {
                        pattern: pattern.into(),
                        name: name.into(),
                    });
                }
            });
            rest = behind;
        }
        pieces.extend(plain(rest, pattern)?);
        Ok(Self(pieces))
    }

    pub(super) fn has_variables(&self) -> bool {
        self.0.iter().any(|piece| !matches!(piece, Piece::Text(_)))
    }

    /// The text with values for the variables. The error says what the common name would have to be.
    pub(super) fn fill(&self, values: &Variables<'_>, place: Place) -> Result<String, &'static str> {
        if self.0.contains(&Piece::CommonName) {
            place.check(values.cn)?;
        }
        Ok(self.0.iter().fold(String::new(), |text, piece| match piece {
            Piece::Text(plain) => text + plain,
            Piece::CommonName => text + values.cn,
            Piece::DeviceId => text + &values.device_id.to_string(),
        }))
    }
}

fn plain(text: &str, pattern: &str) -> Result<Option<Piece>, InvalidPattern> {
    if text.contains('}') {
        return Err(InvalidPattern::Brace(pattern.into()));
    }
    Ok((!text.is_empty()).then(|| Piece::Text(text.into())))
}

impl Place {
    fn check(self, value: &str) -> Result<(), &'static str> {
        let (fits, rule) = match self {
            Self::Label => (dns::check_label(value).is_ok(), "there {cn} must be one label of a DNS name"),
            Self::InUri => (uri::is_unreserved(value), "there {cn} must have letters, digits and -._~ only"),
            Self::LocalPart => {
                (email::is_dot_string(value), "there {cn} must be valid before the @ of an e-mail address")
            }
            Self::Text => (true, ""),
        };
        if fits { Ok(()) } else { Err(rule) }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::CommonName => f.write_str("{cn}"),
            Piece::DeviceId => f.write_str("{device_id}"),
        })
    }
}

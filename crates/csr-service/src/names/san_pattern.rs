//! Patterns that permit subject alternative names.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use renewal_domain::DeviceId;
use uuid::Uuid;

use super::alt_name::AltName;
use super::pattern_error::InvalidPattern;
use super::template::{Place, Template, Variables};
use super::uri::{self, Host};

/// The values with which a pattern is tried when it is read: what these cannot make valid, none can.
pub(super) const SAMPLE: Variables<'static> = Variables { cn: "a", device_id: DeviceId::new(Uuid::nil()) };

/// What permits a subject alternative name: its kind, and its text with the variables `{cn}` (the common
/// name that is requested) and `{device_id}` (the device's UUID, lowercase with hyphens).
///
/// | kind | pattern | `{cn}` must be |
/// |---|---|---|
/// | `DNS` | `DNS:{cn}.devices.example` | one label of a DNS name: CN `a.b` is permitted nothing |
/// | `email` | `email:{cn}@example.com` | words with single dots before the `@`, one label behind it |
/// | `URI` | `URI:urn:uuid:{device_id}` | letters, digits and `-._~`; one label of a DNS name in the host |
/// | `IP` | `IP:192.0.2.7` | not there: an address is written out |
///
/// A pattern permits a name, and does not add it: the certificate has what the request asks for. DNS
/// names are compared in any case (RFC 4343); everything else octet for octet, also the host of a URI and
/// the domain of an e-mail address.
///
/// ```
/// # use csr_service::SanPattern;
/// let pattern: SanPattern = "DNS:{cn}.devices.example".parse()?;
/// assert_eq!(pattern.to_string(), "DNS:{cn}.devices.example");
/// let error = "DNS:{name}.example".parse::<SanPattern>().unwrap_err();
/// assert!(error.to_string().contains("the variables are {cn} and {device_id}"));
/// # Ok::<(), csr_service::InvalidPattern>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SanPattern(Form);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Dns(Template),
    Email {
        local_part: Template,
        domain: Template,
    },
    Uri {
        /// The scheme, and the authority if there is one.
        front: Template,
        rest: Template,
    },
    Ip(IpAddr),
}

impl SanPattern {
    pub(super) fn permits(&self, name: &AltName, values: &Variables<'_>) -> bool {
        self.fill(values).is_ok_and(|permitted| permitted.is_same_as(name))
    }

    /// The name that the pattern permits with these values; the error says why it permits none.
    pub(super) fn fill(&self, values: &Variables<'_>) -> Result<AltName, String> {
        match &self.0 {
            Form::Dns(name) => AltName::dns(&name.fill(values, Place::Label)?),
            Form::Email { local_part, domain } => {
                let local_part = local_part.fill(values, Place::LocalPart)?;
                AltName::email(&format!("{local_part}@{}", domain.fill(values, Place::Label)?))
            }
            Form::Uri { front, rest } => {
                let text = front.fill(values, Place::Label)? + &rest.fill(values, Place::InUri)?;
                // Else a common name that is a number could make an address of a name.
                if front.has_variables() && uri::check(&text)? != Host::Name {
                    return Err(
                        "with a variable in front of its path, a URI needs a DNS name as its host".into()
                    );
                }
                AltName::uri(&text)
            }
            Form::Ip(address) => Ok(AltName::Ip(*address)),
        }
    }
}

impl FromStr for SanPattern {
    type Err = InvalidPattern;

    /// Reads `KIND:TEXT`; the kind may be written in any case.
    fn from_str(pattern: &str) -> Result<Self, InvalidPattern> {
        let never = |why: String| InvalidPattern::NeverValid { pattern: pattern.into(), why };
        let allowed = || "DNS:, email:, URI: or IP:".to_owned();
        let Some((kind, text)) = pattern.split_once(':') else {
            return Err(InvalidPattern::NoKind { pattern: pattern.into(), allowed: allowed() });
        };
        let form = match kind.to_ascii_lowercase().as_str() {
            "dns" => Form::Dns(Template::parse(text, pattern)?),
            "email" => {
                let (local_part, domain) =
                    text.rsplit_once('@').ok_or_else(|| never("an e-mail address needs an @".into()))?;
                Form::Email {
                    local_part: Template::parse(local_part, pattern)?,
                    domain: Template::parse(domain, pattern)?,
                }
            }
            "uri" => {
                let (scheme, front, rest) = parts_of_uri(text);
                if scheme.contains('{') {
                    return Err(never("the scheme of a URI must be written out".into()));
                }
                Form::Uri { front: Template::parse(front, pattern)?, rest: Template::parse(rest, pattern)? }
            }
            "ip" => {
                Form::Ip(text.parse().map_err(|_| {
                    never("an IP pattern is one IPv4 or IPv6 address, without variables".into())
                })?)
            }
            _ => {
                return Err(InvalidPattern::UnknownKind {
                    pattern: pattern.into(),
                    kind: kind.into(),
                    allowed: allowed(),
                });
            }
        };
        let it = Self(form);
        it.fill(&SAMPLE).map_err(never)?;
        Ok(it)
    }
}

/// The scheme; the scheme and the authority; and the rest.
fn parts_of_uri(text: &str) -> (&str, &str, &str) {
    let scheme_end = text.find(':').map_or(0, |colon| colon + 1);
    let (scheme, behind) = text.split_at(scheme_end);
    let authority = behind
        .strip_prefix("//")
        .map_or(0, |authority| 2 + authority.find(['/', '?', '#']).unwrap_or(authority.len()));
    let (front, rest) = text.split_at(scheme_end + authority);
    (scheme, front, rest)
}

impl fmt::Display for SanPattern {
    /// The text that is read as this pattern.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Dns(name) => write!(f, "DNS:{name}"),
            Form::Email { local_part, domain } => write!(f, "email:{local_part}@{domain}"),
            Form::Uri { front, rest } => write!(f, "URI:{front}{rest}"),
            Form::Ip(address) => write!(f, "IP:{address}"),
        }
    }
}

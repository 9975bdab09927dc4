//! Why an authority's certificate and key cannot be used.

use chrono::{DateTime, Utc};

/// Why an authority cannot be used; each message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerError {
    /// There is no certificate in the input, or not one alone.
    #[error("the issuer's certificate cannot be read ({0}); give the CA certificate alone, PEM or DER")]
    Certificate(String),
    /// The certificate is no authority's: `basicConstraints` lacks CA:TRUE.
    #[error("the issuer's certificate is no CA certificate; give the one with basicConstraints CA:TRUE")]
    NotAnAuthority,
    /// The certificate has a `keyUsage` without `keyCertSign`.
    #[error("the issuer's certificate may not sign certificates; its keyUsage must have keyCertSign")]
    MayNotSign,
    /// The certificate has an `extendedKeyUsage` with neither `clientAuth` nor `anyExtendedKeyUsage`.
    /// Many verifiers take it as a limit on what the authority issues.
    #[error(
        "the issuer's certificate may not issue certificates for TLS clients; its extendedKeyUsage must have clientAuth, or be left out"
    )]
    MayNotIssueForClients,
    /// The certificate has name constraints that cannot be obeyed.
    #[error(
        "the issuer's name constraints cannot be obeyed ({0}); use an authority with other name constraints, or with none"
    )]
    NameConstraints(String),
    /// The certificate has a `keyUsage` without `cRLSign`.
    #[error("the issuer's certificate may not sign revocation lists; its keyUsage must have cRLSign")]
    MayNotSignLists,
    /// The certificate has expired.
    #[error("the issuer's certificate expired at {0}; use the authority's new certificate and key")]
    Expired(DateTime<Utc>),
    /// The certificate is not valid yet.
    #[error("the issuer's certificate is valid from {0}; check this machine's clock, or wait")]
    NotYetValid(DateTime<Utc>),
    /// The subject cannot be written unchanged as the issuer of a certificate.
    #[error("the issuer's subject cannot be used ({0}); use an authority with a simpler name")]
    Name(String),
    /// The key is of a type with which nothing is signed here, or its private key is no secret.
    #[error(
        "the issuer's key cannot be used ({0}); use a new key: ECDSA P-256 or P-384, Ed25519, or RSA of 2048 to 8192 bits"
    )]
    KeyType(String),
    /// There is no private key in the input, or not one alone.
    #[error("no private key was found ({0}); give one PEM block of PKCS#8, SEC 1 or PKCS#1")]
    NoKey(String),
    /// The private key is encrypted.
    #[error(
        "the private key is encrypted; decrypt it first (`openssl pkey -in KEY -out PLAIN`) and keep it readable for the service alone"
    )]
    KeyEncrypted,
    /// The private key cannot be read.
    #[error("the private key cannot be used; check it with `openssl pkey -in KEY -check -noout`")]
    KeyUnusable,
    /// The private key is not the certificate's.
    #[error(
        "the private key does not belong to the issuer's certificate; give the pair that belongs together"
    )]
    KeyMismatch,
    /// The profile of the new authority cannot be satisfied.
    #[error("a new issuer cannot have {0}")]
    NewIssuer(&'static str),
    /// The key or certificate of the new authority could not be made.
    #[error("the new issuer could not be made: {0}")]
    NotMade(#[source] rcgen::Error),
    /// The system gave no random numbers.
    #[error("the system gave no random numbers")]
    Random(#[from] crate::serial::RandomError),
}

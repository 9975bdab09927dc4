//! TLS as devices meet it: the server's certificate, what is asked of a client's, and what a
//! handshake proved.

mod client_certificate;
mod config;
mod peer;
mod server_certificate;

pub(crate) use config::server_config;
pub(crate) use peer::Peer;
pub use server_certificate::{ServerCertificate, ServerCertificateError};

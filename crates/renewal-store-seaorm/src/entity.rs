//! The tables: their columns, and the way from the model to a row and back.

#![expect(unreachable_pub, reason = "SeaORM's derives make public items, and want the same of these")]

pub(crate) mod action;
pub(crate) mod actor;
pub(crate) mod api_token;
pub(crate) mod block;
pub(crate) mod certificate;
pub(crate) mod current;
pub(crate) mod enrollment_token;
pub(crate) mod event;
pub(crate) mod request;
pub(crate) mod revocation;

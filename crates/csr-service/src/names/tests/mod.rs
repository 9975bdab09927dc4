//! Names that are compared.

mod differences;

//! Mail servers that are not the company's: those of its customers, and one that has a colleague's inbox. Each is a
//! real one with the least configuration, at a port of its own, and sends to the company as a stranger does.

pub(crate) mod exim;
pub(crate) mod opensmtpd;
pub(crate) mod postfix;
pub(crate) mod world;

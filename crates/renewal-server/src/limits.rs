//! How much one client may take: time, size, number.

use std::time::Duration;

/// What a listener grants its clients, so that a slow or greedy one takes nothing from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at once; further ones wait in the system's queue. Default 4,096; at least 1
    /// is granted.
    pub connections: usize,
    /// Time for the TLS handshake; default 10 seconds.
    pub handshake: Duration,
    /// Time for the header of a request, and so too for an idle connection to send the next one;
    /// default 10 seconds.
    pub header: Duration,
    /// Number of header fields in a request; default 64. More are answered with 431.
    pub header_fields: usize,
    /// Size of a request's header in octets; default 16 KiB. A larger one is answered with 431.
    pub header_bytes: usize,
    /// Time for the body of a request; default 20 seconds, then it is answered with 408.
    pub body: Duration,
    /// Size of the body of a request in octets; default 64 KiB. A larger one is answered with 413.
    pub body_bytes: usize,
    /// Time for the answer to a request, its body included; default 90 seconds, then it is answered
    /// with 503. An attempt that has begun goes on to its end. To be longer than the profile's
    /// signing deadline.
    pub answer: Duration,
    /// Age at which a connection gets no further request; default 10 minutes.
    pub connection: Duration,
    /// Time for requests in flight to end when the server stops, or a connection has reached its
    /// age; default 30 seconds, then they are cut off.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(10),
            header_fields: 64,
            header_bytes: 16 * 1024,
            body: Duration::from_secs(20),
            body_bytes: 64 * 1024,
            answer: Duration::from_secs(90),
            connection: Duration::from_mins(10),
            drain: Duration::from_secs(30),
        }
    }
}

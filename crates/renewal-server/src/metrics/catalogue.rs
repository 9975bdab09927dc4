//! Every metric: its name, its kind, and what it tells. Names follow the conventions of Prometheus.

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A metric as it is described to those who read it.
#[derive(Debug)]
pub(super) struct Description {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
}

macro_rules! metrics {
    ($($constant:ident $name:literal $kind:ident: $help:literal)*) => {
        $(pub(super) const $constant: &str = $name;)*

        /// All of them.
        pub(super) const ALL: &[Description] =
            &[$(Description { name: $constant, kind: Kind::$kind, help: $help }),*];
    };
}

metrics! {
    BUILD_INFO "renewal_build_info" Gauge:
        "Always 1; the label tells the version."
    PROCESS_START "process_start_time_seconds" Gauge:
        "When the process began to count, in Unix seconds."

    // What happens to devices.
    EVENTS "renewal_events_total" Counter:
        "Events that this server committed to the ledger, by type and, of failures, reason."
    ISSUED "renewal_certificates_issued_total" Counter:
        "Certificates that this server issued and committed, by kind of request."
    UNAUTHENTICATED_REQUESTS "renewal_unauthenticated_requests_total" Counter:
        "Requesters refused without an event, having proved no identity, by reason."
    ENROLLMENTS_REFUSED "renewal_enrollments_refused_total" Counter:
        "Enrollments refused of requesters who had proved who they are, by reason."
    RECONCILED "renewal_reconciled_total" Counter:
        "Requests that were left open and that this server ended, by reason."

    // How the server does.
    HTTP_REQUESTS "renewal_http_requests_total" Counter:
        "HTTP requests answered, by listener, operation and class of status."
    HTTP_DURATION "renewal_http_request_duration_seconds" Histogram:
        "Time from the head of a request to its answer, by listener and operation."
    HTTP_REFUSALS "renewal_http_refusals_total" Counter:
        "HTTP requests answered with an error, by listener and the code that the client is told."
    API_FORBIDDEN "renewal_api_forbidden_total" Counter:
        "Requests of the HTTP API refused because the token's role does not permit them, by that role."
    SIGNING_DURATION "renewal_signing_duration_seconds" Histogram:
        "Time to sign a certificate, the wait for a thread included, by outcome."
    STORE_DURATION "renewal_store_call_duration_seconds" Histogram:
        "Time of a call of the store, by method."
    STORE_FAILURES "renewal_store_failures_total" Counter:
        "Calls of the store that failed, by kind; cancelled are those that nobody waited for any more."

    // What is pruned.
    PRUNED_EVENTS "renewal_pruned_events_total" Counter:
        "Events that this server removed from the ledger because they were too old."
    PRUNED_CERTIFICATES "renewal_pruned_certificates_total" Counter:
        "Certificates that this server removed from the ledger because they expired too long ago."
    PRUNED_REVOCATIONS "renewal_pruned_revocations_total" Counter:
        "Revocations that this server removed from the ledger because their certificates ended too long ago."
    RETENTION_RAN "renewal_retention_last_run_timestamp_seconds" Gauge:
        "When this server last finished to remove what was too old, in Unix seconds; 0 for never."

    // How things stand. Of the ledger, so that every server of one ledger says the same.
    REFRESHED "renewal_gauges_refreshed_timestamp_seconds" Gauge:
        "When the gauges of the ledger were last read, in Unix seconds; 0 for never."
    OPEN "renewal_open_requests" Gauge:
        "Requests without an end: being signed, or pending until a person decides."
    OPEN_AGE "renewal_oldest_open_request_age_seconds" Gauge:
        "Age of the oldest request without an end, by state; 0 if there is none."
    EXPIRING "renewal_certificates_expiring" Gauge:
        "Devices whose current certificate expires within so many days, and that have no newer one."
    FAILING "renewal_devices_failing" Gauge:
        "Devices with a failure in the last 24 hours and no success since."
    ISSUER_EXPIRY "renewal_issuer_certificate_expiry_timestamp_seconds" Gauge:
        "When the certificate that signs devices' certificates expires, in Unix seconds."
    SERVER_EXPIRY "renewal_server_certificate_expiry_timestamp_seconds" Gauge:
        "When the certificate that the server shows devices expires, in Unix seconds."
}

CREATE TABLE IF NOT EXISTS "certificate_renewal_events" ( "org_id" blob(16) NOT NULL,
    "id" blob(16) NOT NULL,
    "device_id" blob(16) NOT NULL,
    "attempt_id" blob(16) NOT NULL,
    "stage" smallint NOT NULL,
    "event_type" varchar(32) NOT NULL,
    "reason" varchar(64) NULL,
    "old_cert_expiration" timestamp_with_timezone_text NOT NULL,
    "new_cert_expiration" timestamp_with_timezone_text NULL,
    "error_message" text NULL,
    "created_at" timestamp_with_timezone_text NOT NULL,
    PRIMARY KEY ("org_id", "id") ) WITHOUT ROWID;
CREATE INDEX "idx_cert_renewal_events_device_id" ON "certificate_renewal_events" ("org_id", "device_id", "id");
CREATE INDEX "idx_cert_renewal_events_event_type" ON "certificate_renewal_events" ("org_id", "event_type", "id");
CREATE INDEX "idx_cert_renewal_events_created_at" ON "certificate_renewal_events" ("org_id", "reason", "event_type", "id");
CREATE UNIQUE INDEX "idx_cert_renewal_events_org_id" ON "certificate_renewal_events" ("org_id", "attempt_id", "stage");

CREATE TABLE IF NOT EXISTS "device_certificates" ( "org_id" blob(16) NOT NULL,
    "serial" varchar(40) NOT NULL,
    "device_id" blob(16) NOT NULL,
    "device_name" varchar(64) NOT NULL,
    "request_id" blob(16) NOT NULL,
    "kind" varchar(16) NOT NULL,
    "attempt_id" blob(16) NULL,
    "public_key_sha256" blob(32) NOT NULL,
    "csr_sha256" blob(32) NOT NULL,
    "issuer_key_sha256" blob(32) NOT NULL,
    "certificate_sha256" blob(32) NOT NULL,
    "presented_serial" varchar(40) NULL,
    "not_before" timestamp_with_timezone_text NOT NULL,
    "not_after" timestamp_with_timezone_text NOT NULL,
    "der" blob NOT NULL,
    "revoked_at" timestamp_with_timezone_text NULL,
    "revocation_reason" varchar(32) NULL,
    PRIMARY KEY ("org_id", "serial") );
CREATE INDEX "idx_device_certificates_device_id" ON "device_certificates" ("org_id", "device_id", "request_id");
CREATE INDEX "idx_device_certificates_key" ON "device_certificates" ("org_id", "public_key_sha256", "csr_sha256", "request_id");

CREATE TABLE IF NOT EXISTS "open_requests" ( "org_id" blob(16) NOT NULL,
    "id" blob(16) NOT NULL,
    "device_id" blob(16) NOT NULL,
    "device_name" varchar(64) NOT NULL,
    "kind" varchar(16) NOT NULL,
    "state" varchar(16) NOT NULL,
    "csr_der" blob NOT NULL,
    "csr_sha256" blob(32) NOT NULL,
    "public_key_sha256" blob(32) NOT NULL,
    "presented_serial" varchar(40) NOT NULL,
    "old_cert_expiration" timestamp_with_timezone_text NULL,
    "presented_issuer_key_sha256" blob(32) NULL,
    "presented_sha256" blob(32) NULL,
    "presented_key_sha256" blob(32) NULL,
    "presented_origin" varchar(16) NULL,
    "requested_lifetime_seconds" integer NULL,
    "credential" varchar(255) NOT NULL,
    "source_address" varchar(45) NULL,
    "mac" varbinary_blob(64) NULL,
    PRIMARY KEY ("org_id", "id") );
CREATE UNIQUE INDEX "idx_open_requests_request" ON "open_requests" ("org_id", "device_id", "csr_sha256", "presented_serial");


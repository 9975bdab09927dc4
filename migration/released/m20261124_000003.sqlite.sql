CREATE TABLE IF NOT EXISTS "current_certificates" ( "org_id" blob(16) NOT NULL,
    "device_id" blob(16) NOT NULL,
    "request_id" blob(16) NOT NULL,
    "serial" varchar(40) NOT NULL,
    "not_after" timestamp_with_timezone_text NULL,
    "presented_serial" varchar(40) NULL,
    "used" boolean NOT NULL,
    PRIMARY KEY ("org_id", "device_id") ) WITHOUT ROWID;
CREATE INDEX "idx_current_certificates_not_after" ON "current_certificates" ("org_id", "not_after", "request_id");

CREATE TABLE IF NOT EXISTS "api_tokens" ( "org_id" blob(16) NOT NULL,
    "id" blob(16) NOT NULL,
    "name" varchar(64) NOT NULL,
    "role" varchar(16) NOT NULL,
    "secret_sha256" blob(32) NOT NULL,
    "expires_at" timestamp_with_timezone_text NULL,
    "revoked_at" timestamp_with_timezone_text NULL,
    "mac" varbinary_blob(64) NULL,
    "made_by_kind" varchar(16) NOT NULL,
    "made_by_token_id" blob(16) NULL,
    "made_by_name" varchar(255) NOT NULL,
    "made_by_host" varchar(255) NULL,
    PRIMARY KEY ("org_id", "id") );
CREATE INDEX "idx_api_tokens_made_by" ON "api_tokens" ("org_id", "made_by_token_id", "id") WHERE "made_by_token_id" IS NOT NULL;

CREATE INDEX "idx_device_certificates_revoked_at" ON "device_certificates" ("org_id", "revoked_at", "request_id") WHERE "revoked_at" IS NOT NULL;
INSERT INTO current_certificates (org_id, device_id, request_id, serial, not_after, presented_serial, used)
SELECT one.org_id, one.device_id, one.request_id, one.serial,
    CASE WHEN one.revoked_at IS NULL THEN one.not_after END, one.presented_serial, FALSE
FROM device_certificates AS one
WHERE NOT EXISTS (
        SELECT 1 FROM device_certificates AS newer
        WHERE newer.org_id = one.org_id AND newer.device_id = one.device_id AND newer.request_id > one.request_id
    )
    AND NOT EXISTS (
        SELECT 1 FROM current_certificates AS present
        WHERE present.org_id = one.org_id AND present.device_id = one.device_id
    );

CREATE TABLE IF NOT EXISTS "enrollment_tokens" ( "org_id" blob(16) NOT NULL,
    "id" blob(16) NOT NULL,
    "device_name" varchar(64) NOT NULL,
    "secret_sha256" blob(32) NOT NULL,
    "expires_at" timestamp_with_timezone_text NOT NULL,
    "used_by_request_id" blob(16) NULL,
    "revoked_at" timestamp_with_timezone_text NULL,
    PRIMARY KEY ("org_id", "id") );
CREATE UNIQUE INDEX "idx_enrollment_tokens_secret" ON "enrollment_tokens" ("org_id", "secret_sha256");

ALTER TABLE "open_requests" ADD COLUMN "enrollment_token_id" blob(16) NULL;

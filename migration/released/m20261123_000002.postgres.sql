CREATE TABLE IF NOT EXISTS "enrollment_tokens" ( "org_id" uuid NOT NULL,
    "id" uuid NOT NULL,
    "device_name" varchar(64) NOT NULL,
    "secret_sha256" bytea NOT NULL,
    "expires_at" timestamp with time zone NOT NULL,
    "used_by_request_id" uuid NULL,
    "revoked_at" timestamp with time zone NULL,
    PRIMARY KEY ("org_id", "id") );
CREATE UNIQUE INDEX "idx_enrollment_tokens_secret" ON "enrollment_tokens" ("org_id", "secret_sha256");

ALTER TABLE "open_requests" ADD COLUMN "enrollment_token_id" uuid NULL;

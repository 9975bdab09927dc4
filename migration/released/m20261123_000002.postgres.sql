CREATE TABLE IF NOT EXISTS "enrollment_tokens" ( "org_id" uuid NOT NULL,
    "id" uuid NOT NULL,
    "device_name" varchar(64) NOT NULL,
    "secret_sha256" bytea NOT NULL,
    "expires_at" timestamp with time zone NOT NULL,
    "used_by_request_id" uuid NULL,
    "revoked_at" timestamp with time zone NULL,
    "granted_names" text NULL,
    "mac" bytea NULL,
    "made_by_kind" varchar(16) NOT NULL,
    "made_by_token_id" uuid NULL,
    "made_by_name" varchar(255) NOT NULL,
    "made_by_host" varchar(255) NULL,
    PRIMARY KEY ("org_id", "id") );
CREATE UNIQUE INDEX "idx_enrollment_tokens_secret" ON "enrollment_tokens" ("org_id", "secret_sha256");
CREATE INDEX "idx_enrollment_tokens_made_by" ON "enrollment_tokens" ("org_id", "made_by_token_id", "id") WHERE "made_by_token_id" IS NOT NULL;

ALTER TABLE "open_requests" ADD COLUMN "enrollment_token_id" uuid NULL;

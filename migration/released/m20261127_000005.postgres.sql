CREATE TABLE IF NOT EXISTS "actions" ( "org_id" uuid NOT NULL,
    "id" uuid NOT NULL,
    "actor_kind" varchar(16) NOT NULL,
    "actor_token_id" uuid NULL,
    "actor_name" varchar(255) NOT NULL,
    "actor_host" varchar(255) NULL,
    "kind" varchar(32) NOT NULL,
    "target_kind" varchar(16) NOT NULL,
    "target_id" varchar(64) NOT NULL,
    "device_id" uuid NULL,
    "reason" varchar(64) NULL,
    "note" text NOT NULL,
    "source_address" varchar(45) NULL,
    "http_request_id" varchar(64) NULL,
    PRIMARY KEY ("org_id", "id") );
CREATE INDEX "idx_actions_device_id" ON "actions" ("org_id", "device_id", "id") WHERE "device_id" IS NOT NULL;
CREATE INDEX "idx_actions_target" ON "actions" ("org_id", "target_kind", "target_id", "id");
CREATE INDEX "idx_actions_kind" ON "actions" ("org_id", "kind", "id");

CREATE TABLE IF NOT EXISTS "blocks" ( "org_id" uuid NOT NULL,
    "subject_kind" varchar(16) NOT NULL,
    "subject_id" varchar(64) NOT NULL,
    "reason" text NOT NULL,
    "since" timestamp with time zone NOT NULL,
    "action_id" uuid NOT NULL,
    PRIMARY KEY ("org_id", "subject_id", "subject_kind") );
CREATE INDEX "idx_blocks_action_id" ON "blocks" ("org_id", "action_id");

CREATE TABLE IF NOT EXISTS "certificate_revocations" ( "org_id" uuid NOT NULL,
    "id" uuid NOT NULL,
    "issuer_key_sha256" bytea NOT NULL,
    "serial" varchar(40) NOT NULL,
    "certificate_sha256" bytea NULL,
    "device_id" uuid NULL,
    "not_after" timestamp with time zone NULL,
    "revoked_at" timestamp with time zone NOT NULL,
    "reason" varchar(32) NOT NULL,
    "action_id" uuid NOT NULL,
    PRIMARY KEY ("org_id", "id") );
CREATE UNIQUE INDEX "idx_certificate_revocations_certificate" ON "certificate_revocations" ("issuer_key_sha256", "serial", "org_id");


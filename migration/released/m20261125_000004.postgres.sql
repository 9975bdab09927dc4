CREATE INDEX "idx_cert_renewal_events_created_at" ON "certificate_renewal_events" ("org_id", "reason", "event_type", "id") WHERE "reason" IS NOT NULL;
CREATE UNIQUE INDEX "idx_cert_renewal_events_org_id" ON "certificate_renewal_events" ("org_id", "attempt_id") WHERE "stage" = 1;
ALTER TABLE certificate_renewal_events ADD CONSTRAINT cert_renewal_events_stage
    CHECK ((stage = 0 AND id = attempt_id) OR (stage = 1 AND id <> attempt_id)) NOT VALID;

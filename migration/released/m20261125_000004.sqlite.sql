CREATE INDEX "idx_cert_renewal_events_created_at" ON "certificate_renewal_events" ("org_id", "reason", "event_type", "id") WHERE "reason" IS NOT NULL;

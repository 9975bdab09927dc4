CREATE TABLE IF NOT EXISTS `enrollment_tokens` ( `org_id` binary(16) NOT NULL,
    `id` binary(16) NOT NULL,
    `device_name` varchar(64) NOT NULL,
    `secret_sha256` binary(32) NOT NULL,
    `expires_at` datetime(6) NOT NULL,
    `used_by_request_id` binary(16) NULL,
    `revoked_at` datetime(6) NULL,
    `granted_names` text NULL,
    `mac` varbinary(64) NULL,
    `made_by_kind` varchar(16) NOT NULL,
    `made_by_token_id` binary(16) NULL,
    `made_by_name` varchar(255) NOT NULL,
    `made_by_host` varchar(255) NULL,
    PRIMARY KEY (`org_id`, `id`) ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE UNIQUE INDEX `idx_enrollment_tokens_secret` ON `enrollment_tokens` (`org_id`, `secret_sha256`);
CREATE INDEX `idx_enrollment_tokens_made_by` ON `enrollment_tokens` (`org_id`, `made_by_token_id`, `id`);

ALTER TABLE `open_requests` ADD COLUMN `enrollment_token_id` binary(16) NULL;

CREATE TABLE IF NOT EXISTS `actions` ( `org_id` binary(16) NOT NULL,
    `id` binary(16) NOT NULL,
    `actor_kind` varchar(16) NOT NULL,
    `actor_token_id` binary(16) NULL,
    `actor_name` varchar(255) NOT NULL,
    `actor_host` varchar(255) NULL,
    `kind` varchar(32) NOT NULL,
    `target_kind` varchar(16) NOT NULL,
    `target_id` varchar(64) NOT NULL,
    `device_id` binary(16) NULL,
    `reason` varchar(64) NULL,
    `note` text NOT NULL,
    `source_address` varchar(45) NULL,
    `http_request_id` varchar(64) NULL,
    PRIMARY KEY (`org_id`, `id`) ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE INDEX `idx_actions_device_id` ON `actions` (`org_id`, `device_id`, `id`);
CREATE INDEX `idx_actions_target` ON `actions` (`org_id`, `target_kind`, `target_id`, `id`);
CREATE INDEX `idx_actions_kind` ON `actions` (`org_id`, `kind`, `id`);

CREATE TABLE IF NOT EXISTS `blocks` ( `org_id` binary(16) NOT NULL,
    `subject_kind` varchar(16) NOT NULL,
    `subject_id` varchar(64) NOT NULL,
    `reason` text NOT NULL,
    `since` datetime(6) NOT NULL,
    `action_id` binary(16) NOT NULL,
    PRIMARY KEY (`org_id`, `subject_id`, `subject_kind`) ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE INDEX `idx_blocks_action_id` ON `blocks` (`org_id`, `action_id`);

CREATE TABLE IF NOT EXISTS `certificate_revocations` ( `org_id` binary(16) NOT NULL,
    `id` binary(16) NOT NULL,
    `issuer_key_sha256` binary(32) NOT NULL,
    `serial` varchar(40) NOT NULL,
    `certificate_sha256` binary(32) NULL,
    `device_id` binary(16) NULL,
    `not_after` datetime(6) NULL,
    `revoked_at` datetime(6) NOT NULL,
    `reason` varchar(32) NOT NULL,
    `action_id` binary(16) NOT NULL,
    PRIMARY KEY (`org_id`, `id`) ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE UNIQUE INDEX `idx_certificate_revocations_certificate` ON `certificate_revocations` (`issuer_key_sha256`, `serial`, `org_id`);


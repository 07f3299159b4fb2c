alter table retention_rules
    drop column view_version,
    drop column segment_version;

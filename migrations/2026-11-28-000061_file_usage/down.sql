drop index files_usage_idx;

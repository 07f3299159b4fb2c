-- A rule goes by what its view and segment said when it was saved: their versions then.
alter table retention_rules
    add column view_version bigint,
    add column segment_version bigint;

update retention_rules r
set view_version = (select v.version from views v
        where v.workspace_id = r.workspace_id and v.id = (r.selection ->> 'view_id')::uuid),
    segment_version = (select s.version from segments s
        where s.workspace_id = r.workspace_id and s.id = (r.selection ->> 'segment_id')::uuid)
where coalesce(r.selection ->> 'view_id', r.selection ->> 'segment_id') is not null;

-- Files on records. The bytes lie in the file store under workspace and id; a row says what they are.

create table files (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    name text not null,
    content_type text not null,
    size bigint not null,
    sha256 bytea not null,
    contact_id uuid,
    company_id uuid,
    lead_id uuid,
    deal_id uuid,
    activity_id uuid,
    author_id uuid,
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    deleted_at timestamptz(3),
    purged_at timestamptz(3),
    constraint files_pkey primary key (workspace_id, id),
    constraint files_contact_id_fkey foreign key (workspace_id, contact_id) references contacts,
    constraint files_company_id_fkey foreign key (workspace_id, company_id) references companies,
    constraint files_lead_id_fkey foreign key (workspace_id, lead_id) references leads,
    constraint files_deal_id_fkey foreign key (workspace_id, deal_id) references deals,
    constraint files_activity_id_fkey foreign key (workspace_id, activity_id) references activities,
    constraint files_author_id_fkey foreign key (workspace_id, author_id) references users
);
create index files_recent on files (workspace_id, created_at, id);
create index files_by_contact on files (workspace_id, contact_id) where contact_id is not null;
create index files_by_company on files (workspace_id, company_id) where company_id is not null;
create index files_by_lead on files (workspace_id, lead_id) where lead_id is not null;
create index files_by_deal on files (workspace_id, deal_id) where deal_id is not null;
create index files_by_activity on files (workspace_id, activity_id) where activity_id is not null;
create index files_deleted on files (deleted_at) where deleted_at is not null and purged_at is null;

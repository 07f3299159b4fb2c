-- Projects for companies.
create table projects (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    name text not null,
    status text not null,
    company_id uuid,
    owner_id uuid,
    budget_amount bigint,
    budget_currency text,
    ends_on date,
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    deleted_at timestamptz(3),
    constraint projects_pkey primary key (workspace_id, id),
    constraint projects_company_id_fkey foreign key (workspace_id, company_id) references companies,
    constraint projects_owner_id_fkey foreign key (workspace_id, owner_id) references users,
    constraint projects_status_check check (status in ('planned', 'active', 'done'))
);
create index projects_recent on projects (workspace_id, created_at, id);
create index projects_by_company on projects (workspace_id, company_id, created_at, id);
create index projects_by_owner on projects (workspace_id, owner_id, created_at, id);
create index projects_words on projects using gin (workspace_id, fold(name) gin_trgm_ops);
create index projects_trash on projects (workspace_id, deleted_at, id) where deleted_at is not null;

-- The whole first schema. Three rules hold for every table of a workspace and are checked against the catalogue by a test:
-- the primary key begins with workspace_id, so does every unique index, and so does every foreign key.

create extension if not exists btree_gin;
create extension if not exists pg_trgm;
create extension if not exists unaccent;

-- unaccent() is only "stable"; pinned to its dictionary it may stand in an index.
create function fold(text) returns text language sql immutable strict parallel safe
    as $$ select lower(public.unaccent('public.unaccent', $1)) $$;

-- A transaction is settled once no older one is still running: a reader that stops at the first unsettled event
-- can never skip an event that commits late. Volatile, so that it runs where the row lives.
create function settled(bigint) returns boolean language sql volatile
    as $$ select $1 < pg_snapshot_xmin(pg_current_snapshot())::text::bigint $$;

-- identity ------------------------------------------------------------------------------------------------------------

create table workspaces (
    id uuid primary key,
    name text not null,
    base_currency text not null default 'USD',
    time_zone text not null default 'UTC',
    country text not null default 'US',
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null
);

create table logins (
    id uuid primary key,
    email text not null,
    password_hash text,
    created_at timestamptz(3) not null,
    constraint logins_email_key unique (email)
);

create table teams (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    name text not null,
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    constraint teams_pkey primary key (workspace_id, id),
    constraint teams_name_key unique (workspace_id, name)
);

create table users (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    login_id uuid references logins (id),
    name text not null,
    email text,
    role text not null,
    status text not null,
    team_id uuid,
    time_zone text,
    external_id text,
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    constraint users_pkey primary key (workspace_id, id),
    constraint users_email_key unique (workspace_id, email),
    constraint users_login_id_key unique (workspace_id, login_id),
    constraint users_external_id_key unique (workspace_id, external_id),
    constraint users_team_id_fkey foreign key (workspace_id, team_id) references teams,
    constraint users_role_check check (role in ('owner', 'admin', 'manager', 'seller', 'viewer')),
    constraint users_status_check check (status in ('invited', 'active', 'suspended'))
);
create index users_by_login on users (login_id);

create table sessions (
    id uuid primary key,
    login_id uuid not null references logins (id),
    workspace_id uuid not null,
    user_id uuid not null,
    created_at timestamptz(3) not null,
    last_used_at timestamptz(3) not null,
    revoked_at timestamptz(3),
    constraint sessions_user_id_fkey foreign key (workspace_id, user_id) references users
);

create table refresh_tokens (
    hash bytea primary key,
    session_id uuid not null references sessions (id),
    created_at timestamptz(3) not null,
    expires_at timestamptz(3) not null,
    used_at timestamptz(3),
    successor bytea
);
create index refresh_tokens_by_session on refresh_tokens (session_id);

create table api_keys (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    user_id uuid not null,
    name text not null,
    prefix text not null,
    hash bytea not null,
    scopes text[] not null,
    expires_at timestamptz(3),
    last_used_at timestamptz(3),
    created_at timestamptz(3) not null,
    constraint api_keys_pkey primary key (workspace_id, id),
    constraint api_keys_user_id_fkey foreign key (workspace_id, user_id) references users
);
create index api_keys_by_hash on api_keys (hash);

-- records: what every change leaves behind ----------------------------------------------------------------------------

create table events (
    workspace_id uuid not null,
    id uuid not null,
    xid bigint not null default (pg_current_xact_id()::text::bigint),
    seq bigint generated always as identity,
    at timestamptz(3) not null,
    type text not null,
    record_kind text not null,
    record_id uuid not null,
    actor_kind text not null,
    actor_id uuid,
    request_id text not null,
    changes jsonb not null,
    constraint events_pkey primary key (workspace_id, id)
);
create index events_feed on events (workspace_id, xid, seq);
create index events_by_record on events (workspace_id, record_id, at, id);

create table idempotency_keys (
    workspace_id uuid not null,
    principal uuid not null,
    key text not null,
    request_hash bytea not null,
    status smallint not null,
    location text,
    etag text,
    body bytea not null,
    created_at timestamptz(3) not null,
    constraint idempotency_keys_pkey primary key (workspace_id, principal, key)
);
create index idempotency_keys_old on idempotency_keys (created_at);

create table counters (
    workspace_id uuid not null references workspaces (id),
    kind text not null,
    last bigint not null,
    constraint counters_pkey primary key (workspace_id, kind)
);

create table tags (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    name text not null,
    color text,
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    constraint tags_pkey primary key (workspace_id, id),
    constraint tags_name_key unique (workspace_id, name)
);

-- people --------------------------------------------------------------------------------------------------------------

create table sources (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    name text not null,
    channel text,
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    constraint sources_pkey primary key (workspace_id, id),
    constraint sources_name_key unique (workspace_id, name)
);

create table companies (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    name text not null,
    domain text,
    sector text,
    employees bigint,
    revenue_amount bigint,
    revenue_currency text,
    founded_year integer,
    address text,
    country text,
    parent_id uuid,
    owner_id uuid,
    tags text[] not null default '{}',
    external_id text,
    next_task_id uuid,
    next_task_at timestamptz(3),
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    deleted_at timestamptz(3),
    constraint companies_pkey primary key (workspace_id, id),
    constraint companies_external_id_key unique (workspace_id, external_id),
    constraint companies_parent_id_fkey foreign key (workspace_id, parent_id) references companies,
    constraint companies_owner_id_fkey foreign key (workspace_id, owner_id) references users
);
create index companies_recent on companies (workspace_id, created_at, id);
create index companies_by_name on companies (workspace_id, lower(name));
create index companies_by_owner on companies (workspace_id, owner_id, created_at, id);
create index companies_by_tag on companies using gin (workspace_id, tags);
create index companies_words on companies using gin (workspace_id, fold(name || ' ' || coalesce(domain, '')) gin_trgm_ops);

create table contacts (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    first_name text,
    last_name text,
    email text,
    phone text,
    emails jsonb not null default '[]',
    phones jsonb not null default '[]',
    company_id uuid,
    position text,
    address text,
    birthday date,
    locale text,
    time_zone text,
    preferred_channel text,
    do_not_contact boolean not null default false,
    consents jsonb not null default '[]',
    lifecycle text not null default 'lead',
    source_id uuid,
    first_touch jsonb,
    owner_id uuid,
    tags text[] not null default '{}',
    external_id text,
    next_task_id uuid,
    next_task_at timestamptz(3),
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    deleted_at timestamptz(3),
    constraint contacts_pkey primary key (workspace_id, id),
    constraint contacts_external_id_key unique (workspace_id, external_id),
    constraint contacts_company_id_fkey foreign key (workspace_id, company_id) references companies,
    constraint contacts_source_id_fkey foreign key (workspace_id, source_id) references sources,
    constraint contacts_owner_id_fkey foreign key (workspace_id, owner_id) references users
);
create unique index contacts_email_key on contacts (workspace_id, email) where deleted_at is null;
create index contacts_recent on contacts (workspace_id, created_at, id);
create index contacts_by_company on contacts (workspace_id, company_id, created_at, id);
create index contacts_by_owner on contacts (workspace_id, owner_id, created_at, id);
create index contacts_by_phone on contacts (workspace_id, phone);
create index contacts_by_tag on contacts using gin (workspace_id, tags);
create index contacts_words on contacts using gin (workspace_id,
    fold(coalesce(first_name, '') || ' ' || coalesce(last_name, '') || ' ' || coalesce(email, '') || ' ' || coalesce(phone, '')) gin_trgm_ops);

-- catalogue -----------------------------------------------------------------------------------------------------------

create table products (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    name text not null,
    sku text,
    series text,
    unit text,
    price_amount bigint,
    price_currency text,
    active boolean not null default true,
    external_id text,
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    deleted_at timestamptz(3),
    constraint products_pkey primary key (workspace_id, id),
    constraint products_external_id_key unique (workspace_id, external_id)
);
create unique index products_sku_key on products (workspace_id, sku) where deleted_at is null;
create index products_by_name on products (workspace_id, lower(name));

-- sales ---------------------------------------------------------------------------------------------------------------

create table pipelines (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    name text not null,
    kind text not null,
    is_default boolean not null default false,
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    constraint pipelines_pkey primary key (workspace_id, id),
    constraint pipelines_name_key unique (workspace_id, name),
    constraint pipelines_kind_check check (kind in ('lead', 'deal'))
);
create unique index pipelines_default_key on pipelines (workspace_id, kind) where is_default;

create table stages (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    pipeline_id uuid not null,
    name text not null,
    category text not null,
    position integer not null,
    probability_percent integer not null,
    rotting_days integer,
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    deleted_at timestamptz(3),
    constraint stages_pkey primary key (workspace_id, id),
    constraint stages_pipeline_key unique (workspace_id, pipeline_id, id),
    constraint stages_pipeline_id_fkey foreign key (workspace_id, pipeline_id) references pipelines,
    constraint stages_category_check check (category in ('open', 'won', 'lost'))
);
create unique index stages_name_key on stages (workspace_id, pipeline_id, name) where deleted_at is null;

create table loss_reasons (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    name text not null,
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    constraint loss_reasons_pkey primary key (workspace_id, id),
    constraint loss_reasons_name_key unique (workspace_id, name)
);

create table deals (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    number text not null,
    title text not null,
    pipeline_id uuid not null,
    stage_id uuid not null,
    status text not null,
    company_id uuid,
    owner_id uuid,
    source_id uuid,
    value_amount bigint,
    value_currency text,
    probability_percent integer,
    expected_close_date date,
    forecast_category text not null default 'pipeline',
    closed_at timestamptz(3),
    delivery_date date,
    loss_reason_id uuid,
    loss_note text,
    competitor text,
    next_step text,
    tags text[] not null default '{}',
    contacts jsonb not null default '[]',
    external_id text,
    stage_entered_at timestamptz(3) not null,
    last_activity_at timestamptz(3) not null,
    next_task_id uuid,
    next_task_at timestamptz(3),
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    deleted_at timestamptz(3),
    constraint deals_pkey primary key (workspace_id, id),
    constraint deals_number_key unique (workspace_id, number),
    constraint deals_external_id_key unique (workspace_id, external_id),
    constraint deals_stage_fkey foreign key (workspace_id, pipeline_id, stage_id)
        references stages (workspace_id, pipeline_id, id),
    constraint deals_company_id_fkey foreign key (workspace_id, company_id) references companies,
    constraint deals_owner_id_fkey foreign key (workspace_id, owner_id) references users,
    constraint deals_source_id_fkey foreign key (workspace_id, source_id) references sources,
    constraint deals_loss_reason_id_fkey foreign key (workspace_id, loss_reason_id) references loss_reasons,
    constraint deals_status_check check (status in ('open', 'won', 'lost')),
    constraint deals_value_check check ((value_amount is null) = (value_currency is null)),
    constraint deals_closed_check check ((status = 'open') = (closed_at is null))
);
create index deals_recent on deals (workspace_id, created_at, id);
create index deals_by_stage on deals (workspace_id, stage_id, created_at, id);
create index deals_by_stage_owner on deals (workspace_id, stage_id, owner_id, created_at, id);
create index deals_by_owner on deals (workspace_id, owner_id, created_at, id);
create index deals_by_company on deals (workspace_id, company_id, created_at, id);
create index deals_by_pipeline on deals (workspace_id, pipeline_id, created_at, id);
create index deals_closed on deals (workspace_id, pipeline_id, closed_at) where closed_at is not null;
create index deals_by_tag on deals using gin (workspace_id, tags);
create index deals_words on deals using gin (workspace_id, fold(title) gin_trgm_ops);

create table deal_contacts (
    workspace_id uuid not null,
    deal_id uuid not null,
    contact_id uuid not null,
    role text,
    constraint deal_contacts_pkey primary key (workspace_id, deal_id, contact_id),
    constraint deal_contacts_deal_id_fkey foreign key (workspace_id, deal_id) references deals,
    constraint deal_contacts_contact_id_fkey foreign key (workspace_id, contact_id) references contacts
);
create index deal_contacts_by_contact on deal_contacts (workspace_id, contact_id);

create table line_items (
    workspace_id uuid not null,
    id uuid not null,
    deal_id uuid not null,
    position integer not null,
    product_id uuid not null,
    quantity integer not null,
    price_amount bigint not null,
    price_currency text not null,
    discount_percent integer not null default 0,
    constraint line_items_pkey primary key (workspace_id, id),
    constraint line_items_deal_id_fkey foreign key (workspace_id, deal_id) references deals,
    constraint line_items_product_id_fkey foreign key (workspace_id, product_id) references products
);
create index line_items_by_deal on line_items (workspace_id, deal_id, position);
create index line_items_by_product on line_items (workspace_id, product_id);

create table leads (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    number text not null,
    title text not null,
    description text,
    pipeline_id uuid not null,
    stage_id uuid not null,
    status text not null,
    contact_id uuid,
    company_id uuid,
    person jsonb,
    product_id uuid,
    value_amount bigint,
    value_currency text,
    rating text,
    owner_id uuid,
    source_id uuid,
    come_back_on date,
    loss_reason_id uuid,
    closed_at timestamptz(3),
    converted_at timestamptz(3),
    converted_deal_id uuid,
    tags text[] not null default '{}',
    external_id text,
    stage_entered_at timestamptz(3) not null,
    last_activity_at timestamptz(3) not null,
    next_task_id uuid,
    next_task_at timestamptz(3),
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    deleted_at timestamptz(3),
    constraint leads_pkey primary key (workspace_id, id),
    constraint leads_number_key unique (workspace_id, number),
    constraint leads_external_id_key unique (workspace_id, external_id),
    constraint leads_stage_fkey foreign key (workspace_id, pipeline_id, stage_id)
        references stages (workspace_id, pipeline_id, id),
    constraint leads_contact_id_fkey foreign key (workspace_id, contact_id) references contacts,
    constraint leads_company_id_fkey foreign key (workspace_id, company_id) references companies,
    constraint leads_product_id_fkey foreign key (workspace_id, product_id) references products,
    constraint leads_owner_id_fkey foreign key (workspace_id, owner_id) references users,
    constraint leads_source_id_fkey foreign key (workspace_id, source_id) references sources,
    constraint leads_loss_reason_id_fkey foreign key (workspace_id, loss_reason_id) references loss_reasons,
    constraint leads_converted_deal_id_fkey foreign key (workspace_id, converted_deal_id) references deals,
    constraint leads_status_check check (status in ('open', 'won', 'lost')),
    constraint leads_value_check check ((value_amount is null) = (value_currency is null)),
    constraint leads_closed_check check ((status = 'open') = (closed_at is null))
);
create index leads_recent on leads (workspace_id, created_at, id);
create index leads_by_stage on leads (workspace_id, stage_id, created_at, id);
create index leads_by_owner on leads (workspace_id, owner_id, created_at, id);
create index leads_by_contact on leads (workspace_id, contact_id);
create index leads_by_company on leads (workspace_id, company_id);
create index leads_by_deal on leads (workspace_id, converted_deal_id);
create index leads_by_tag on leads using gin (workspace_id, tags);
create index leads_words on leads using gin (workspace_id, fold(title || ' ' || coalesce(person ->> 'name', '') || ' ' || coalesce(person ->> 'company_name', '')) gin_trgm_ops);

-- "record_id was in stage_id from entered_at to left_at (null: now)". Append-only but for left_at.
create table stage_spans (
    workspace_id uuid not null,
    id uuid not null,
    record_id uuid not null,
    pipeline_id uuid not null,
    stage_id uuid not null,
    entered_at timestamptz(3) not null,
    left_at timestamptz(3),
    moved_by uuid,
    constraint stage_spans_pkey primary key (workspace_id, id),
    constraint stage_spans_stage_fkey foreign key (workspace_id, pipeline_id, stage_id)
        references stages (workspace_id, pipeline_id, id),
    constraint stage_spans_order_check check (left_at >= entered_at)
);
create unique index stage_spans_current_key on stage_spans (workspace_id, record_id) where left_at is null;
create index stage_spans_by_record on stage_spans (workspace_id, record_id, entered_at);
create index stage_spans_flow on stage_spans (workspace_id, pipeline_id, entered_at) include (stage_id, left_at, record_id);

-- work ----------------------------------------------------------------------------------------------------------------

create table tasks (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    type text not null,
    title text not null,
    notes text,
    due_at timestamptz(3),
    due_date date,
    -- The instant by which it is due: due_at, or the end of due_date in the workspace's time zone.
    due_end timestamptz(3),
    priority text not null default 'normal',
    assignee_id uuid,
    contact_id uuid,
    company_id uuid,
    lead_id uuid,
    deal_id uuid,
    status text not null default 'open',
    result text,
    completed_at timestamptz(3),
    completed_by uuid,
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    deleted_at timestamptz(3),
    constraint tasks_pkey primary key (workspace_id, id),
    constraint tasks_assignee_id_fkey foreign key (workspace_id, assignee_id) references users,
    constraint tasks_contact_id_fkey foreign key (workspace_id, contact_id) references contacts,
    constraint tasks_company_id_fkey foreign key (workspace_id, company_id) references companies,
    constraint tasks_lead_id_fkey foreign key (workspace_id, lead_id) references leads,
    constraint tasks_deal_id_fkey foreign key (workspace_id, deal_id) references deals,
    constraint tasks_due_check check (due_at is null or due_date is null),
    constraint tasks_status_check check (status in ('open', 'done'))
);
create index tasks_recent on tasks (workspace_id, created_at, id);
create index tasks_by_assignee on tasks (workspace_id, assignee_id, status, due_end);
create index tasks_by_contact on tasks (workspace_id, contact_id, status);
create index tasks_by_company on tasks (workspace_id, company_id, status);
create index tasks_by_lead on tasks (workspace_id, lead_id, status);
create index tasks_by_deal on tasks (workspace_id, deal_id, status);

create table activities (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    type text not null,
    occurred_at timestamptz(3) not null,
    text text,
    direction text,
    duration_seconds integer,
    outcome text,
    recording_url text,
    contact_id uuid,
    company_id uuid,
    lead_id uuid,
    deal_id uuid,
    author_id uuid,
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    deleted_at timestamptz(3),
    constraint activities_pkey primary key (workspace_id, id),
    constraint activities_contact_id_fkey foreign key (workspace_id, contact_id) references contacts,
    constraint activities_company_id_fkey foreign key (workspace_id, company_id) references companies,
    constraint activities_lead_id_fkey foreign key (workspace_id, lead_id) references leads,
    constraint activities_deal_id_fkey foreign key (workspace_id, deal_id) references deals,
    constraint activities_author_id_fkey foreign key (workspace_id, author_id) references users
);
create index activities_recent on activities (workspace_id, occurred_at, id);
create index activities_by_contact on activities (workspace_id, contact_id, occurred_at);
create index activities_by_company on activities (workspace_id, company_id, occurred_at);
create index activities_by_lead on activities (workspace_id, lead_id, occurred_at);
create index activities_by_deal on activities (workspace_id, deal_id, occurred_at);

-- intake --------------------------------------------------------------------------------------------------------------

create table imports (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    resource text not null,
    file_name text not null,
    content bytea not null,
    status text not null,
    detected jsonb not null,
    settings jsonb not null,
    report jsonb,
    created_by uuid not null,
    job_id uuid,
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    constraint imports_pkey primary key (workspace_id, id)
);
create index imports_recent on imports (workspace_id, created_at, id);

create table import_problems (
    workspace_id uuid not null,
    import_id uuid not null,
    id bigint generated always as identity,
    row_number integer not null,
    column_name text,
    severity text not null,
    code text not null,
    detail text not null,
    value text,
    constraint import_problems_pkey primary key (workspace_id, import_id, id),
    constraint import_problems_import_id_fkey foreign key (workspace_id, import_id) references imports
);

-- The queue is read across workspaces (skip locked), so it stays a plain table.
create table jobs (
    id uuid primary key,
    workspace_id uuid not null,
    user_id uuid not null,
    kind text not null,
    args jsonb not null,
    status text not null default 'queued',
    done bigint not null default 0,
    total bigint,
    error text,
    attempts integer not null default 0,
    lease_until timestamptz(3),
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    constraint jobs_status_check check (status in ('queued', 'running', 'succeeded', 'failed', 'cancelled'))
);
create index jobs_waiting on jobs (created_at) where status in ('queued', 'running');
create index jobs_by_workspace on jobs (workspace_id, created_at, id);

-- A word with one of its letters left out, in every way, and the word itself: two words that share one of these are a slip apart.
-- The cost keeps the planner from making them for every word instead of asking the index.
create function gaps(word text) returns text[] language sql immutable strict parallel safe cost 1000000
    as $$ select array_agg(distinct overlay($1 placing '' from n for 1)) || $1 from generate_series(1, length($1)) n $$;

-- How far into the events of a workspace its words have been gathered.
create table vocabularies (
    workspace_id uuid not null,
    xid bigint not null default 0,
    seq bigint not null default 0,
    constraint vocabularies_pkey primary key (workspace_id),
    constraint vocabularies_workspace_id_fkey foreign key (workspace_id) references workspaces (id)
);

-- What the records of a workspace say, each word once. In byte order, so that a beginning is a range.
create table words (
    workspace_id uuid not null,
    word text collate "C" not null,
    constraint words_pkey primary key (workspace_id, word),
    constraint words_workspace_id_fkey foreign key (workspace_id) references workspaces (id)
) with (autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000);
create index words_near on words using gin (workspace_id, gaps(word), word gin_trgm_ops);

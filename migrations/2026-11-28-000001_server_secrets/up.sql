-- Which VORONKA_SECRET the database is used with. A secret is never here, only its fingerprint.

create table server_secrets (
    fingerprint bytea not null,
    created_at timestamptz(3) not null,
    -- Of a secret that was replaced: what it signed cursors and proofs of erasures with, sealed with the one in use.
    sealed_key bytea,
    constraint server_secrets_pkey primary key (fingerprint)
);
create unique index server_secrets_in_use on server_secrets ((sealed_key is null)) where sealed_key is null;

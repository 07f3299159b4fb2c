-- A second factor (TOTP, RFC 6238), and identities at an OpenID provider. Secrets that have to be read again are sealed with the server's key.

alter table logins add column totp_secret bytea;
alter table logins add column totp_since timestamptz(3);
-- The step of the last code that was taken: each code is good once.
alter table logins add column totp_step bigint;

create table recovery_codes (
    login_id uuid not null references logins (id),
    hash bytea not null,
    used_at timestamptz(3),
    constraint recovery_codes_pkey primary key (login_id, hash)
);

create table login_identities (
    issuer text not null,
    subject text not null,
    login_id uuid not null references logins (id),
    created_at timestamptz(3) not null,
    constraint login_identities_pkey primary key (issuer, subject)
);
create index login_identities_by_login on login_identities (login_id);

-- Sign-ins that are under way at the provider.
create table oidc_sign_ins (
    state_hash bytea primary key,
    nonce bytea not null,
    verifier bytea not null,
    created_at timestamptz(3) not null,
    expires_at timestamptz(3) not null
);

-- What is sent by mail to prove that somebody reads it: invitations, password resets, changes of address. Stored as SHA-256.

create table login_tokens (
    hash bytea primary key,
    kind text not null,
    email text not null,
    login_id uuid references logins (id),
    workspace_id uuid,
    user_id uuid,
    created_at timestamptz(3) not null,
    expires_at timestamptz(3) not null,
    used_at timestamptz(3),
    constraint login_tokens_user_id_fkey foreign key (workspace_id, user_id) references users,
    constraint login_tokens_kind_check check (kind in ('invitation', 'password_reset', 'email_change'))
);
create index login_tokens_by_login on login_tokens (login_id, kind);

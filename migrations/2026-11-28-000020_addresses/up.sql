-- Every address and number of a person is found, in whatever form it is asked for.

-- What a phone number is found by: its digits as written, in international and in national form. Made by the program, which knows the
-- numbering plans; rows that are there get theirs by a backfill, after the migrations.
alter table contacts add column phone_keys jsonb not null default '[]';
alter table leads add column phone_keys jsonb not null default '[]';

-- An address belongs to one living contact, first of its list or not.
create table contact_emails (
    workspace_id uuid not null references workspaces (id),
    email text not null,
    contact_id uuid not null,
    constraint contact_emails_key primary key (workspace_id, email),
    constraint contact_emails_contact_id_fkey foreign key (workspace_id, contact_id) references contacts on delete cascade
);
create index contact_emails_by_contact on contact_emails (workspace_id, contact_id);

-- Where several have an address, whose first it is has it, else who had it first.
insert into contact_emails (workspace_id, email, contact_id)
select c.workspace_id, e ->> 'email', c.id
from contacts c cross join jsonb_array_elements(c.emails) with ordinality as listed (e, n)
where c.deleted_at is null and e ->> 'email' is not null
order by n > 1, c.created_at, c.id
on conflict do nothing;

drop index contacts_by_phone;
create index contacts_by_any_phone on contacts using gin (workspace_id, phone_keys);
create index contacts_by_any_email on contacts using gin (workspace_id, jsonb_path_query_array(emails, '$[*].email'));

-- Chinese, Japanese and Korean names are written without a space, the family name first.
drop index contacts_words;
create index contacts_words on contacts using gin (workspace_id,
    fold(coalesce(first_name, '') || ' ' || coalesce(last_name, '') || ' ' || translate(jsonb_path_query_array(emails, '$[*].email')::text, '[]",', '')
        || ' ' || translate(phone_keys::text, '[]",', '') || case when last_name ~ '[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]' then ' ' || last_name || coalesce(first_name, '') else '' end)
    gin_trgm_ops);
drop index leads_words;
create index leads_words on leads using gin (workspace_id, fold(title || ' ' || number || ' ' || coalesce(person ->> 'name', '') || ' ' ||
    coalesce(person ->> 'company_name', '') || ' ' || coalesce(person ->> 'email', '') || ' ' || coalesce(person ->> 'phone', '') || ' ' || translate(phone_keys::text, '[]",', ''))
    gin_trgm_ops);

-- Companies are looked up by their domain in its one form.
drop index companies_by_domain;
create index companies_by_domain on companies (workspace_id, domain) where domain is not null;

-- Work on rows that SQL cannot do, done once after the migrations: how far each is.
create table backfills (
    name text primary key,
    workspace_id uuid,
    record_id uuid,
    done_at timestamptz(3)
);
insert into backfills (name) values ('contacts'), ('leads'), ('companies');

-- The task that stands for the day on which to come back to a lead: it moves and goes with that day.
alter table leads add column come_back_task_id uuid;
alter table leads add constraint leads_come_back_task_id_fkey foreign key (workspace_id, come_back_task_id) references tasks;

update leads set come_back_task_id = (
    select t.id from tasks t
    where t.workspace_id = leads.workspace_id and t.lead_id = leads.id and t.due_date = leads.come_back_on
        and t.type = 'call' and t.title like 'Come back to %' and t.status = 'open' and t.deleted_at is null
    order by t.created_at desc, t.id desc limit 1
)
where come_back_on is not null;

create index contacts_by_campaign on contacts (workspace_id, (first_touch ->> 'campaign')) where first_touch ->> 'campaign' is not null;

-- The channels to which a person's last word is yes. Instants are kept in one form, so that texts compare as they do.
create function agreed(consents jsonb) returns text[] language sql immutable strict parallel safe as $$
    select case when $1 = '[]' then '{}'::text[] else coalesce((
        select array_agg(latest.channel) from (
            select distinct on (said ->> 'channel') said ->> 'channel' as channel, (said ->> 'granted')::boolean as granted
            from jsonb_array_elements($1) said order by said ->> 'channel', said ->> 'at' desc
        ) latest where latest.granted
    ), '{}') end
$$;
create index contacts_by_consent on contacts using gin (workspace_id, agreed(consents));

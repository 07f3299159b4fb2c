drop index contacts_by_account;
alter table contacts
    drop column do_not_contact_channels,
    drop column quiet_hours,
    drop column accounts;

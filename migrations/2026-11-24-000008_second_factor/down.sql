drop table oidc_sign_ins;
drop table login_identities;
drop table recovery_codes;
alter table logins drop column totp_step;
alter table logins drop column totp_since;
alter table logins drop column totp_secret;

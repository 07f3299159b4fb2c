drop table login_tokens;

-- For each word that was asked for: whether some word begins so, and the words that may have been meant: a slip apart, or made of
-- much the same letters (pg_trgm).
select asked.word as asked, near.word, (
    exists (
        select from words
        where words.workspace_id = :workspace and words.word >= asked.word and words.word < asked.word || U&'\+10FFFF'
    )
    or exists (select from unnest(:fresh) fresh (word) where starts_with(fresh.word, asked.word))
) as known
from unnest(:asked) asked (word)
left join lateral (
    select words.word from words
    where words.workspace_id = :workspace and (words.gaps && gaps(asked.word) or words.word % asked.word)
    union
    select fresh.word from unnest(:fresh) fresh (word)
    where gaps(fresh.word) && gaps(asked.word) or fresh.word % asked.word
) near on true

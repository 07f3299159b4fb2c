-- For each word of the query: whether a known word begins with it, and its candidates: words that are one edit apart,
-- or for long words, words with similar trigrams (pg_trgm).
select asked.word as asked, asked.known, near.word
from (
    select word, gaps(word), length(word) > 6 as long, (
        exists (
            select from words
            where words.workspace_id = :workspace and words.word >= asked.word and words.word < asked.word || U&'\+10FFFF'
        )
        or exists (select from unnest(:fresh) fresh (word) where starts_with(fresh.word, asked.word))
    ) as known
    from unnest(:asked) asked (word)
    offset 0
) asked
left join lateral (
    select words.word from words where words.workspace_id = :workspace and gaps(words.word) && asked.gaps
    union
    select words.word from words where words.workspace_id = :workspace and asked.long and words.word % asked.word
    union
    select fresh.word from unnest(:fresh) fresh (word)
    where gaps(fresh.word) && asked.gaps or asked.long and fresh.word % asked.word
) near on true

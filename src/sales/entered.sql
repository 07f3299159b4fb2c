:record in (
    select sp.record_id from stage_spans sp
    where sp.workspace_id = :workspace and sp.entered_at >= :from and sp.entered_at < :to
        and sp.pipeline_id = coalesce((select pipeline_id from stages where workspace_id = :workspace and id = :place), :place)
        and (sp.stage_id = :place or sp.pipeline_id = :place)
)

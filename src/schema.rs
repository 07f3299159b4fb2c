// @generated automatically by Diesel CLI.

diesel::table! {
    activities (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        #[sql_name = "type"]
        type_ -> Text,
        occurred_at -> Timestamptz,
        text -> Nullable<Text>,
        direction -> Nullable<Text>,
        duration_seconds -> Nullable<Int4>,
        outcome -> Nullable<Text>,
        recording_url -> Nullable<Text>,
        contact_id -> Nullable<Uuid>,
        company_id -> Nullable<Uuid>,
        lead_id -> Nullable<Uuid>,
        deal_id -> Nullable<Uuid>,
        author_id -> Nullable<Uuid>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        mentioned_user_ids -> Jsonb,
        pinned -> Bool,
        edited_at -> Nullable<Timestamptz>,
        place -> Nullable<Text>,
        participants -> Jsonb,
        product_ids -> Jsonb,
        next_task_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    api_keys (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        user_id -> Uuid,
        name -> Text,
        prefix -> Text,
        hash -> Bytea,
        scopes -> Array<Nullable<Text>>,
        expires_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    backfills (name) {
        name -> Text,
        workspace_id -> Nullable<Uuid>,
        record_id -> Nullable<Uuid>,
        done_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    calendar_feeds (workspace_id, user_id) {
        workspace_id -> Uuid,
        user_id -> Uuid,
        hash -> Bytea,
        created_at -> Timestamptz,
        last_read_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    companies (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        name -> Text,
        domain -> Nullable<Text>,
        sector -> Nullable<Text>,
        employees -> Nullable<Int8>,
        revenue_amount -> Nullable<Int8>,
        revenue_currency -> Nullable<Text>,
        founded_year -> Nullable<Int4>,
        address -> Nullable<Text>,
        country -> Nullable<Text>,
        parent_id -> Nullable<Uuid>,
        owner_id -> Nullable<Uuid>,
        tags -> Array<Nullable<Text>>,
        external_id -> Nullable<Text>,
        next_task_id -> Nullable<Uuid>,
        next_task_at -> Nullable<Timestamptz>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        custom -> Jsonb,
        next_task_on -> Nullable<Date>,
    }
}

diesel::table! {
    consent_records (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        contact_id -> Uuid,
        channel -> Text,
        granted -> Bool,
        at -> Timestamptz,
        how -> Nullable<Text>,
        words -> Nullable<Text>,
        recorded_at -> Timestamptz,
        recorded_by -> Nullable<Uuid>,
    }
}

diesel::table! {
    contact_emails (workspace_id, email) {
        workspace_id -> Uuid,
        email -> Text,
        contact_id -> Uuid,
    }
}

diesel::table! {
    contacts (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        first_name -> Nullable<Text>,
        last_name -> Nullable<Text>,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        emails -> Jsonb,
        phones -> Jsonb,
        company_id -> Nullable<Uuid>,
        position -> Nullable<Text>,
        address -> Nullable<Text>,
        birthday -> Nullable<Date>,
        locale -> Nullable<Text>,
        time_zone -> Nullable<Text>,
        preferred_channel -> Nullable<Text>,
        do_not_contact -> Bool,
        consents -> Jsonb,
        lifecycle -> Text,
        source_id -> Nullable<Uuid>,
        first_touch -> Nullable<Jsonb>,
        owner_id -> Nullable<Uuid>,
        tags -> Array<Nullable<Text>>,
        external_id -> Nullable<Text>,
        next_task_id -> Nullable<Uuid>,
        next_task_at -> Nullable<Timestamptz>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        custom -> Jsonb,
        phone_keys -> Jsonb,
        next_task_on -> Nullable<Date>,
        accounts -> Jsonb,
        quiet_hours -> Nullable<Jsonb>,
        do_not_contact_channels -> Jsonb,
    }
}

diesel::table! {
    counters (workspace_id, kind) {
        workspace_id -> Uuid,
        kind -> Text,
        last -> Int8,
    }
}

diesel::table! {
    custom_fields (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        resource -> Text,
        key -> Text,
        name -> Text,
        description -> Nullable<Text>,
        kind -> Text,
        options -> Array<Nullable<Text>>,
        refers_to -> Nullable<Text>,
        group_name -> Nullable<Text>,
        position -> Int4,
        required_stage_ids -> Array<Nullable<Uuid>>,
        archived_at -> Nullable<Timestamptz>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    deal_contacts (workspace_id, deal_id, contact_id) {
        workspace_id -> Uuid,
        deal_id -> Uuid,
        contact_id -> Uuid,
        role -> Nullable<Text>,
    }
}

diesel::table! {
    deals (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        number -> Text,
        title -> Text,
        pipeline_id -> Uuid,
        stage_id -> Uuid,
        status -> Text,
        company_id -> Nullable<Uuid>,
        owner_id -> Nullable<Uuid>,
        source_id -> Nullable<Uuid>,
        value_amount -> Nullable<Int8>,
        value_currency -> Nullable<Text>,
        probability_percent -> Nullable<Int4>,
        expected_close_date -> Nullable<Date>,
        forecast_category -> Text,
        closed_at -> Nullable<Timestamptz>,
        delivery_date -> Nullable<Date>,
        loss_reason_id -> Nullable<Uuid>,
        loss_note -> Nullable<Text>,
        competitor -> Nullable<Text>,
        next_step -> Nullable<Text>,
        tags -> Array<Nullable<Text>>,
        contacts -> Jsonb,
        external_id -> Nullable<Text>,
        stage_entered_at -> Timestamptz,
        last_activity_at -> Timestamptz,
        next_task_id -> Nullable<Uuid>,
        next_task_at -> Nullable<Timestamptz>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        custom -> Jsonb,
        closed_by_id -> Nullable<Uuid>,
        without_beginning -> Bool,
        next_task_on -> Nullable<Date>,
        board_position -> Int8,
        stage_path_id -> Nullable<Int8>,
        last_open_stage_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    erasures (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        contact_id -> Nullable<Uuid>,
        reason -> Text,
        address_hashes -> Array<Nullable<Text>>,
        erased -> Jsonb,
        erased_by -> Nullable<Uuid>,
        rule_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        lead_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    events (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        xid -> Int8,
        seq -> Int8,
        at -> Timestamptz,
        #[sql_name = "type"]
        type_ -> Text,
        record_kind -> Text,
        record_id -> Uuid,
        actor_kind -> Text,
        actor_id -> Nullable<Uuid>,
        request_id -> Text,
        changes -> Jsonb,
        address -> Nullable<Text>,
        redacted_at -> Nullable<Timestamptz>,
        record_version -> Nullable<Int8>,
        api_key_id -> Nullable<Uuid>,
        job_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    files (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        name -> Text,
        content_type -> Text,
        size -> Int8,
        sha256 -> Bytea,
        contact_id -> Nullable<Uuid>,
        company_id -> Nullable<Uuid>,
        lead_id -> Nullable<Uuid>,
        deal_id -> Nullable<Uuid>,
        activity_id -> Nullable<Uuid>,
        author_id -> Nullable<Uuid>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        purged_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    idempotency_keys (workspace_id, principal, key) {
        workspace_id -> Uuid,
        principal -> Uuid,
        key -> Text,
        request_hash -> Bytea,
        status -> Int2,
        location -> Nullable<Text>,
        etag -> Nullable<Text>,
        body -> Bytea,
        created_at -> Timestamptz,
        names -> Array<Nullable<Uuid>>,
        erased -> Bool,
        hidden_fields -> Jsonb,
    }
}

diesel::table! {
    import_mappings (workspace_id, resource, header) {
        workspace_id -> Uuid,
        resource -> Text,
        header -> Text,
        mapping -> Jsonb,
        used_at -> Timestamptz,
    }
}

diesel::table! {
    import_problems (workspace_id, import_id, id) {
        workspace_id -> Uuid,
        import_id -> Uuid,
        id -> Int8,
        row_number -> Int4,
        column_name -> Nullable<Text>,
        severity -> Text,
        code -> Text,
        detail -> Text,
        value -> Nullable<Text>,
    }
}

diesel::table! {
    import_records (workspace_id, import_id, kind, record_id, version) {
        workspace_id -> Uuid,
        import_id -> Uuid,
        kind -> Text,
        record_id -> Uuid,
        version -> Int8,
        created -> Bool,
        undone -> Bool,
        tried_by -> Nullable<Uuid>,
    }
}

diesel::table! {
    import_blocks (workspace_id, import_id, number) {
        workspace_id -> Uuid,
        import_id -> Uuid,
        number -> Int4,
        content -> Bytea,
    }
}

diesel::table! {
    imports (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        resource -> Nullable<Text>,
        file_name -> Text,
        status -> Text,
        detected -> Jsonb,
        settings -> Jsonb,
        report -> Nullable<Jsonb>,
        created_by -> Uuid,
        job_id -> Nullable<Uuid>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        file_removed_at -> Nullable<Timestamptz>,
        undo -> Nullable<Jsonb>,
        parent_id -> Nullable<Uuid>,
        parts -> Jsonb,
    }
}

diesel::table! {
    jobs (id) {
        id -> Uuid,
        workspace_id -> Uuid,
        user_id -> Uuid,
        kind -> Text,
        args -> Jsonb,
        status -> Text,
        done -> Int8,
        total -> Nullable<Int8>,
        error -> Nullable<Text>,
        attempts -> Int4,
        lease_until -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        result -> Nullable<Jsonb>,
        position -> Nullable<Uuid>,
        taken -> Int4,
        lane -> Text,
        taken_at -> Nullable<Timestamptz>,
        api_key_id -> Nullable<Uuid>,
        scopes -> Nullable<Array<Nullable<Text>>>,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    leads (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        number -> Text,
        title -> Text,
        description -> Nullable<Text>,
        pipeline_id -> Uuid,
        stage_id -> Uuid,
        status -> Text,
        contact_id -> Nullable<Uuid>,
        company_id -> Nullable<Uuid>,
        person -> Nullable<Jsonb>,
        product_id -> Nullable<Uuid>,
        value_amount -> Nullable<Int8>,
        value_currency -> Nullable<Text>,
        rating -> Nullable<Text>,
        owner_id -> Nullable<Uuid>,
        source_id -> Nullable<Uuid>,
        come_back_on -> Nullable<Date>,
        loss_reason_id -> Nullable<Uuid>,
        closed_at -> Nullable<Timestamptz>,
        converted_at -> Nullable<Timestamptz>,
        converted_deal_id -> Nullable<Uuid>,
        tags -> Array<Nullable<Text>>,
        external_id -> Nullable<Text>,
        stage_entered_at -> Timestamptz,
        last_activity_at -> Timestamptz,
        next_task_id -> Nullable<Uuid>,
        next_task_at -> Nullable<Timestamptz>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        custom -> Jsonb,
        closed_by_id -> Nullable<Uuid>,
        without_beginning -> Bool,
        phone_keys -> Jsonb,
        next_task_on -> Nullable<Date>,
        come_back_task_id -> Nullable<Uuid>,
        first_response_at -> Nullable<Timestamptz>,
        board_position -> Int8,
        stage_path_id -> Nullable<Int8>,
        last_open_stage_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    letter_counts (counted, day) {
        counted -> Bytea,
        day -> Date,
        count -> Int4,
    }
}

diesel::table! {
    line_items (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        deal_id -> Uuid,
        position -> Int4,
        product_id -> Uuid,
        quantity -> Int4,
        price_amount -> Int8,
        price_currency -> Text,
        discount_percent -> Int4,
    }
}

diesel::table! {
    login_identities (issuer, subject) {
        issuer -> Text,
        subject -> Text,
        login_id -> Uuid,
        created_at -> Timestamptz,
        id -> Uuid,
    }
}

diesel::table! {
    login_tokens (hash) {
        hash -> Bytea,
        kind -> Text,
        email -> Text,
        login_id -> Nullable<Uuid>,
        workspace_id -> Nullable<Uuid>,
        user_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    logins (id) {
        id -> Uuid,
        email -> Text,
        password_hash -> Nullable<Text>,
        created_at -> Timestamptz,
        totp_secret -> Nullable<Bytea>,
        totp_since -> Nullable<Timestamptz>,
        totp_step -> Nullable<Int8>,
        holder -> Bool,
        secured_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    loss_reasons (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        name -> Text,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    notifications (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        user_id -> Uuid,
        kind -> Text,
        record_kind -> Nullable<Text>,
        record_id -> Nullable<Uuid>,
        count -> Int4,
        actor_id -> Nullable<Uuid>,
        once -> Nullable<Text>,
        created_at -> Timestamptz,
        read_at -> Nullable<Timestamptz>,
        letter -> Nullable<Text>,
        letter_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    oidc_sign_ins (state_hash) {
        state_hash -> Bytea,
        nonce -> Bytea,
        verifier -> Bytea,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    pipelines (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        name -> Text,
        kind -> Text,
        is_default -> Bool,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    products (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        name -> Text,
        sku -> Nullable<Text>,
        series -> Nullable<Text>,
        unit -> Nullable<Text>,
        price_amount -> Nullable<Int8>,
        price_currency -> Nullable<Text>,
        active -> Bool,
        external_id -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    recovery_codes (login_id, hash) {
        login_id -> Uuid,
        hash -> Bytea,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    refresh_tokens (hash) {
        hash -> Bytea,
        session_id -> Uuid,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
        successor -> Nullable<Bytea>,
    }
}

diesel::table! {
    restorations (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        record_id -> Uuid,
        deleted_at -> Timestamptz,
        restored_at -> Timestamptz,
    }
}

diesel::table! {
    retention_rules (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        name -> Text,
        resource -> Text,
        selection -> Jsonb,
        action -> Text,
        reason -> Text,
        active -> Bool,
        owner_id -> Uuid,
        last_run_at -> Nullable<Timestamptz>,
        last_job_id -> Nullable<Uuid>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        view_version -> Nullable<Int8>,
        segment_version -> Nullable<Int8>,
    }
}

diesel::table! {
    roles (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        key -> Text,
        name -> Text,
        builtin -> Bool,
        grants -> Jsonb,
        hidden_fields -> Jsonb,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    segment_members (workspace_id, segment_id, record_id) {
        workspace_id -> Uuid,
        segment_id -> Uuid,
        record_id -> Uuid,
        added_at -> Timestamptz,
    }
}

diesel::table! {
    segments (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        resource -> Text,
        name -> Text,
        description -> Nullable<Text>,
        kind -> Text,
        selection -> Jsonb,
        owner_id -> Nullable<Uuid>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    server_secrets (fingerprint) {
        fingerprint -> Bytea,
        created_at -> Timestamptz,
        sealed_key -> Nullable<Bytea>,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        login_id -> Uuid,
        workspace_id -> Uuid,
        user_id -> Uuid,
        created_at -> Timestamptz,
        last_used_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        user_agent -> Nullable<Text>,
        address -> Nullable<Text>,
    }
}

diesel::table! {
    sources (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        name -> Text,
        channel -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    stage_orders (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        pipeline_id -> Uuid,
        stage_ids -> Array<Nullable<Uuid>>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    stage_paths (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Int8,
        stage_ids -> Array<Nullable<Uuid>>,
    }
}

diesel::table! {
    stage_places (workspace_id, order_id, stage_id) {
        workspace_id -> Uuid,
        order_id -> Uuid,
        stage_id -> Uuid,
        rank -> Int4,
        passed -> Array<Nullable<Uuid>>,
    }
}

diesel::table! {
    stage_spans (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        record_id -> Uuid,
        pipeline_id -> Uuid,
        stage_id -> Uuid,
        entered_at -> Timestamptz,
        left_at -> Nullable<Timestamptz>,
        moved_by -> Nullable<Uuid>,
        order_id -> Nullable<Uuid>,
        length_unknown -> Bool,
        left_forward -> Bool,
        stage_entered_before -> Nullable<Timestamptz>,
        pipeline_entered_before -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    stages (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        pipeline_id -> Uuid,
        name -> Text,
        category -> Text,
        position -> Int4,
        probability_percent -> Int4,
        rotting_days -> Nullable<Int4>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        order_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    tags (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        name -> Text,
        color -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    tasks (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        #[sql_name = "type"]
        type_ -> Text,
        title -> Text,
        notes -> Nullable<Text>,
        due_at -> Nullable<Timestamptz>,
        due_date -> Nullable<Date>,
        due_end -> Nullable<Timestamptz>,
        priority -> Text,
        assignee_id -> Nullable<Uuid>,
        contact_id -> Nullable<Uuid>,
        company_id -> Nullable<Uuid>,
        lead_id -> Nullable<Uuid>,
        deal_id -> Nullable<Uuid>,
        status -> Text,
        result -> Nullable<Text>,
        completed_at -> Nullable<Timestamptz>,
        completed_by -> Nullable<Uuid>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        duration_minutes -> Nullable<Int4>,
        place -> Nullable<Text>,
        reminders -> Jsonb,
        next_reminder_at -> Nullable<Timestamptz>,
        recurrence -> Nullable<Text>,
        recurrence_from -> Text,
        recurrence_exceptions -> Jsonb,
        series_id -> Nullable<Uuid>,
        series_start -> Nullable<Timestamp>,
        occurrence -> Int4,
        occurrence_at -> Nullable<Timestamp>,
        next_instance_id -> Nullable<Uuid>,
        mentioned_user_ids -> Jsonb,
    }
}

diesel::table! {
    teams (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        name -> Text,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        parent_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    users (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        login_id -> Nullable<Uuid>,
        name -> Text,
        email -> Nullable<Text>,
        role -> Text,
        status -> Text,
        team_id -> Nullable<Uuid>,
        time_zone -> Nullable<Text>,
        external_id -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        language -> Nullable<Text>,
        avatar_url -> Nullable<Text>,
        muted_notifications -> Jsonb,
        working_hours -> Nullable<Jsonb>,
        absences -> Jsonb,
        notification_letters -> Jsonb,
        digest_on -> Nullable<Date>,
    }
}

diesel::table! {
    views (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        resource -> Text,
        name -> Text,
        owner_id -> Uuid,
        shared -> Bool,
        selection -> Jsonb,
        words -> Nullable<Text>,
        sort -> Nullable<Text>,
        shown_columns -> Array<Nullable<Text>>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    vocabularies (workspace_id) {
        workspace_id -> Uuid,
        xid -> Int8,
        seq -> Int8,
    }
}

diesel::table! {
    words (workspace_id, word) {
        workspace_id -> Uuid,
        word -> Text,
    }
}

diesel::table! {
    workspaces (id) {
        id -> Uuid,
        name -> Text,
        base_currency -> Text,
        time_zone -> Text,
        country -> Text,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        working_hours -> Jsonb,
        holidays -> Jsonb,
        call_url -> Text,
    }
}

diesel::joinable!(activities -> workspaces (workspace_id));
diesel::joinable!(api_keys -> workspaces (workspace_id));
diesel::joinable!(calendar_feeds -> workspaces (workspace_id));
diesel::joinable!(companies -> workspaces (workspace_id));
diesel::joinable!(consent_records -> workspaces (workspace_id));
diesel::joinable!(contact_emails -> workspaces (workspace_id));
diesel::joinable!(contacts -> workspaces (workspace_id));
diesel::joinable!(counters -> workspaces (workspace_id));
diesel::joinable!(custom_fields -> workspaces (workspace_id));
diesel::joinable!(deals -> workspaces (workspace_id));
diesel::joinable!(erasures -> workspaces (workspace_id));
diesel::joinable!(files -> workspaces (workspace_id));
diesel::joinable!(imports -> workspaces (workspace_id));
diesel::joinable!(leads -> workspaces (workspace_id));
diesel::joinable!(login_identities -> logins (login_id));
diesel::joinable!(login_tokens -> logins (login_id));
diesel::joinable!(loss_reasons -> workspaces (workspace_id));
diesel::joinable!(notifications -> workspaces (workspace_id));
diesel::joinable!(pipelines -> workspaces (workspace_id));
diesel::joinable!(products -> workspaces (workspace_id));
diesel::joinable!(recovery_codes -> logins (login_id));
diesel::joinable!(refresh_tokens -> sessions (session_id));
diesel::joinable!(restorations -> workspaces (workspace_id));
diesel::joinable!(retention_rules -> workspaces (workspace_id));
diesel::joinable!(roles -> workspaces (workspace_id));
diesel::joinable!(segments -> workspaces (workspace_id));
diesel::joinable!(sessions -> logins (login_id));
diesel::joinable!(sources -> workspaces (workspace_id));
diesel::joinable!(stage_orders -> workspaces (workspace_id));
diesel::joinable!(stage_paths -> workspaces (workspace_id));
diesel::joinable!(stages -> workspaces (workspace_id));
diesel::joinable!(tags -> workspaces (workspace_id));
diesel::joinable!(tasks -> workspaces (workspace_id));
diesel::joinable!(teams -> workspaces (workspace_id));
diesel::joinable!(users -> logins (login_id));
diesel::joinable!(users -> workspaces (workspace_id));
diesel::joinable!(views -> workspaces (workspace_id));
diesel::joinable!(vocabularies -> workspaces (workspace_id));
diesel::joinable!(words -> workspaces (workspace_id));

diesel::allow_tables_to_appear_in_same_query!(
    activities,
    api_keys,
    backfills,
    calendar_feeds,
    companies,
    consent_records,
    contact_emails,
    contacts,
    counters,
    custom_fields,
    deal_contacts,
    deals,
    erasures,
    events,
    files,
    idempotency_keys,
    import_mappings,
    import_problems,
    import_records,
    import_blocks,
    imports,
    jobs,
    leads,
    letter_counts,
    line_items,
    login_identities,
    login_tokens,
    logins,
    loss_reasons,
    notifications,
    oidc_sign_ins,
    pipelines,
    products,
    recovery_codes,
    refresh_tokens,
    restorations,
    retention_rules,
    roles,
    segment_members,
    segments,
    server_secrets,
    sessions,
    sources,
    stage_orders,
    stage_paths,
    stage_places,
    stage_spans,
    stages,
    tags,
    tasks,
    teams,
    users,
    views,
    vocabularies,
    words,
    workspaces,
);

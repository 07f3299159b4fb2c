
diesel::table! {
    projects (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        name -> Text,
        status -> Text,
        company_id -> Nullable<Uuid>,
        owner_id -> Nullable<Uuid>,
        budget_amount -> Nullable<Int8>,
        budget_currency -> Nullable<Text>,
        ends_on -> Nullable<Date>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

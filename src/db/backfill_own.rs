//! The data migration that normalises e-mail addresses and phone numbers in custom fields.
use crate::db::backfill::{Place, from};
use crate::db::sql::{Part, Statement};
use crate::kernel::error::Result;
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::address;
use crate::kernel::values::phones;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Text, Uuid as SqlUuid};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

#[derive(QueryableByName)]
struct Carrier {
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    country: String,
    #[diesel(sql_type = Jsonb)]
    custom: Json,
    #[diesel(sql_type = Jsonb)]
    kinds: Json,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

pub fn run(conn: &mut PgConnection, at: Place, kind: Kind) -> Result<Option<Place>> {
    let records = |statement: Statement| statement.set("records", Part::Sql(kind.path()));
    let carriers = records(from(include_str!("backfill_own.sql"), at));
    let carriers: Vec<Carrier> = carriers.set("resource", Part::Text(kind.path().to_owned())).load(conn)?;
    let rows: Vec<Json> = carriers.iter().filter_map(changed).collect();
    if !rows.is_empty() {
        records(Statement::new(include_str!("backfill_own_written.sql")))
            .set("rows", Part::Text(Json::from(rows).to_string()))
            .set("kind", Part::Text(kind.as_str().to_owned()))
            .execute(conn)?;
    }
    Ok(carriers.last().map(|last| (last.workspace_id, last.id)))
}

/// Returns the row with its new values; none if they are already normalised.
fn changed(row: &Carrier) -> Option<Json> {
    let (mut custom, mut changes) = (row.custom.clone(), Map::new());
    for (key, kind) in row.kinds.as_object()? {
        let Some(value) = custom.get_mut(key).and_then(|stored| stored.get_mut("text")) else { continue };
        let text = value.as_str().unwrap_or_default();
        let form = if kind == "email" { address::email(text) } else { phones::own(text, &row.country) };
        if form != text {
            changes.insert(format!("cf.{key}"), json!([text, form]));
            *value = json!(form);
        }
    }
    (!changes.is_empty()).then(|| {
        json!({ "workspace_id": row.workspace_id, "id": row.id, "custom": custom, "changes": changes, "version": row.version + 1,
            "event_id": Uuid::now_v7() })
    })
}

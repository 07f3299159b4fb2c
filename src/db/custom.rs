//! Loads the custom fields of a workspace for its actors.
use crate::kernel::access::resource;
use crate::kernel::error::Result;
use crate::kernel::fields::custom::{CustomField, CustomFields, CustomKind};
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::tags::Tags;
use crate::kernel::values::time::DateTime;
use crate::schema::custom_fields as f;
use diesel::prelude::*;
use std::sync::Arc;
use uuid::Uuid;

#[derive(Queryable, Selectable)]
#[diesel(table_name = f)]
struct Row {
    resource: String,
    key: String,
    name: String,
    description: Option<String>,
    kind: CustomKind,
    options: Tags,
    refers_to: Option<String>,
    group_name: Option<String>,
    required_stage_ids: Vec<Option<Uuid>>,
    archived_at: Option<DateTime>,
}

pub fn load(conn: &mut PgConnection, workspace: Uuid) -> Result<CustomFields> {
    let all = f::table.filter(f::workspace_id.eq(workspace)).order((f::position, f::created_at, f::id));
    let rows: Vec<Row> = all.select(Row::as_select()).load(conn)?;
    Ok(CustomFields(rows.into_iter().filter_map(field).map(Arc::new).collect()))
}

fn field(row: Row) -> Option<CustomField> {
    Some(CustomField {
        record: resource::kind_at(&row.resource)?,
        path: format!("cf.{}", row.key),
        key: row.key,
        name: row.name,
        description: row.description,
        group_name: row.group_name,
        refers: if row.kind == CustomKind::User {
            Some(Kind::USER)
        } else {
            row.refers_to.as_deref().and_then(resource::kind_at)
        },
        kind: row.kind,
        options: row.options.0,
        required_stages: row.required_stage_ids.into_iter().flatten().collect(),
        archived: row.archived_at.is_some(),
    })
}

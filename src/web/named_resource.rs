//! Lists of named entries: teams, sources, loss reasons. They differ only in the table and one optional text, so one
//! macro defines the whole module. Resources that need more have a module of their own.

/// Defines the row, bodies, fields, store and routes:
/// `named_resource! { Source, SourceCreate, …; sources, "/sources", … }`.
#[macro_export]
macro_rules! named_resource {
    (
        $(#[$doc:meta])* $row:ident, $create:ident, $update:ident, $page:ident, $params:ident;
        table: $table:ident, kind: $kind:ident, extra: [$($extra:ident),*], unique: $unique:tt;
        paths: $all:tt, $one:tt, $id:tt;
        operations: $list_id:tt, $create_id:tt, $get_id:tt, $update_id:tt, $delete_id:tt;
    ) => {
        use $crate::db::constraint::{MapConstraint, ConstraintRule, ConstraintRules};
        use $crate::db::events::{self, Event};
        use $crate::db::table::Expected;
        use $crate::db::tx::Tx;
        use $crate::kernel::actor::can;
        use $crate::kernel::error::{Code, Error, Result};
        use $crate::kernel::field::{Fields, Search, field};
        use $crate::kernel::kind::Kind;
        use $crate::kernel::reply::Reply;
        use $crate::kernel::shape::Rules;
        use $crate::kernel::time::DateTime;
        use $crate::schema::$table;
        use $crate::web::body::Valid;
        use $crate::web::ctx::{Ctx, Id};
        use actix_web::{delete, get, patch, post};
        use diesel::prelude::*;
        use serde::{Deserialize, Serialize};
        use utoipa::ToSchema;
        use utoipa_actix_web::service_config::ServiceConfig;
        use uuid::Uuid;

        $(#[$doc])*
        #[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
        #[diesel(table_name = $table)]
        pub struct $row {
            pub id: Uuid,
            pub name: String,
            $(pub $extra: Option<String>,)*
            pub version: i64,
            pub created_at: DateTime,
            pub updated_at: DateTime,
        }
        $crate::record!($row, $kind);
        $crate::page!($page of $row);

        #[derive(Clone, Debug, Deserialize, ToSchema)]
        pub struct $create {
            pub id: Option<Uuid>,
            #[schema(min_length = 1, max_length = 200)]
            pub name: String,
            $(#[schema(max_length = 100)] pub $extra: Option<String>,)*
        }
        impl Rules for $create {}

        #[derive(Debug, Deserialize, AsChangeset, ToSchema)]
        #[diesel(table_name = $table)]
        pub struct $update {
            #[schema(nullable = false, min_length = 1, max_length = 200)]
            pub name: Option<String>,
            $(#[serde(default, deserialize_with = "crate::kernel::merge_patch::clearable")]
            #[schema(max_length = 100)]
            pub $extra: Option<Option<String>>,)*
        }
        impl Rules for $update {
            $crate::read_only_members_of!($row);
        }

        static FIELDS: Fields<$table::table> = Fields {
            kind: Kind::$kind,
            all: &[
                field("name", &$table::name),
                $(field(stringify!($extra), &$table::$extra),)*
                field("created_at", &$table::created_at),
                field("updated_at", &$table::updated_at),
            ],
            default_sort: "name",
            id: field("id", &$table::id),
            search: Some(Search {
                sql: concat!("fold(", stringify!($table), ".name)"),
                members: &["name"],
                exact: &[$crate::kernel::rank::exact(concat!("fold(", stringify!($table), ".name) = "), &["name"])],
            }),
            links: &[],
            table: std::marker::PhantomData,
        };
        $crate::list_params!($params, FIELDS.parameters());
        $crate::owned!($table, $row);

        const CONSTRAINTS: ConstraintRules = &[($unique, ConstraintRule::Taken(Code::DuplicateName, "/name"))];

        pub fn insert(tx: &mut Tx<'_>, new: &$create) -> Result<$row> {
            let row = diesel::insert_into($table::table)
                .values((
                    $table::workspace_id.eq(tx.workspace()),
                    $table::id.eq(new.id.unwrap_or_else(Uuid::now_v7)),
                    $table::name.eq(&new.name),
                    $($table::$extra.eq(&new.$extra),)*
                    $table::created_at.eq(tx.now),
                    $table::updated_at.eq(tx.now),
                ))
                .returning($row::as_returning())
                .get_result(tx.conn)
                .map_constraint(CONSTRAINTS)?;
            tx.record(Event::created(&row)?);
            Ok(row)
        }

        pub fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &$update) -> Result<$row> {
            let before = lock(tx, id, expected)?;
            let after = diesel::update($table::table.find((tx.workspace(), id)))
                .set((changes, $table::version.eq(before.version + 1), $table::updated_at.eq(tx.now)))
                .returning($row::as_returning())
                .get_result(tx.conn)
                .map_constraint(CONSTRAINTS)?;
            events::record_change(tx, &before, after)
        }

        /// Deletes an entry; returns 409 if records refer to it.
        pub fn delete(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<()> {
            let row = lock(tx, id, expected)?;
            diesel::delete($table::table.find((tx.workspace(), id))).execute(tx.conn).map_err(|error| match error {
                diesel::result::Error::DatabaseError(diesel::result::DatabaseErrorKind::ForeignKeyViolation, _) => {
                    Error::new(Code::InUse, "other records refer to this entry; change them first, or rename the entry")
                }
                other => other.into(),
            })?;
            tx.record(Event::deleted(&row)?);
            Ok(())
        }

        /// List the entries, sorted by name.
        #[utoipa::path(operation_id = $list_id, params($params), responses((status = 200, description = "A page", body = $page)))]
        #[get($all)]
        async fn list(ctx: Ctx<can::Read<$row>>) -> Result<Reply> {
            let (plan, link) = (FIELDS.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
            ctx.read(move |tx| {
                let page = $crate::list!(tx, $table, $row, &plan => $page);
                link.reply(&page.page, &page)
            })
            .await
        }

        /// Create an entry.
        #[utoipa::path(operation_id = $create_id, request_body = $create,
            responses((status = 201, description = "The created entry", body = $row)))]
        #[post($all)]
        async fn create(ctx: Ctx<can::Create<$row>>, new: Valid<$create>) -> Result<Reply> {
            ctx.write(move |tx| Reply::created(&insert(tx, &new)?)).await
        }

        /// Get an entry.
        #[utoipa::path(operation_id = $get_id, params(($id = Uuid, Path, description = "The id of the entry")),
            responses((status = 200, description = "The entry", body = $row)))]
        #[get($one)]
        async fn read(ctx: Ctx<can::Read<$row>>, id: Id) -> Result<Reply> {
            ctx.read(move |tx| Reply::record(&find(tx, id.0)?)).await
        }

        /// Update an entry. Records that refer to it show the change.
        #[utoipa::path(operation_id = $update_id, params(($id = Uuid, Path, description = "The id of the entry")),
            request_body = $update, responses((status = 200, description = "The updated entry", body = $row)))]
        #[patch($one)]
        async fn change(ctx: Ctx<can::Update<$row>>, id: Id, changes: Valid<$update>) -> Result<Reply> {
            let expected = ctx.expected()?;
            ctx.write(move |tx| Reply::record(&update(tx, id.0, expected, &changes)?)).await
        }

        /// Delete an entry that no record refers to.
        #[utoipa::path(operation_id = $delete_id, params(($id = Uuid, Path, description = "The id of the entry")),
            responses((status = 204, description = "Deleted")))]
        #[delete($one)]
        async fn remove(ctx: Ctx<can::Delete<$row>>, id: Id) -> Result<Reply> {
            let expected = ctx.expected()?;
            ctx.write(move |tx| delete(tx, id.0, expected).map(|()| Reply::none())).await
        }

        pub fn service(config: &mut ServiceConfig<'_>) {
            config.service(list).service(create).service(read).service(change).service(remove);
        }
    };
}

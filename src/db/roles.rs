//! The database role of the server: it reads and writes rows, only adds to append-only tables, and owns nothing.
use crate::db::pooler;
use crate::db::sql::{Part, Statement};
use crate::kernel::error::{Error, Result};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

/// The role in the private PostgreSQL.
pub const SERVER: &str = "voronka_server";

/// Tables whose rows are only added, never changed or deleted.
pub const APPEND_ONLY: [&str; 3] = ["events", "consent_records", "erasures"];

/// Grants on functions of this schema, except those of extensions, which have other owners and are public.
const OWN_FUNCTIONS: &str = "do $own$ declare f regprocedure; begin \
    for f in select p.oid from pg_proc p where p.pronamespace = 'public'::regnamespace \
        and pg_has_role(p.proowner, 'usage') \
        and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e') \
    loop execute format('grant execute on function %s to {role}', f); end loop; end $own$;";

/// Grants the permissions that the server needs to a role, and revokes others. The owner runs this after each
/// migration; `make` also creates the role. Returns the SQL for the session defaults of the role if the owner may not
/// set them.
pub fn grant(url: &str, role: &str, make: bool) -> Result<Option<String>> {
    let plain = !role.is_empty() && role.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !plain {
        return Err(Error::internal(format!(
            "{role} is not a valid role name: use only lower-case letters, digits and _"
        )));
    }
    let mut conn = PgConnection::establish(url).map_err(Error::internal)?;
    if make {
        conn.batch_execute(&format!(
            "do $$ begin if not exists (select from pg_roles where rolname = '{role}') then create role {role} login; end if; end $$"
        ))?;
    }
    let own_functions = OWN_FUNCTIONS.replace("{role}", role);
    conn.batch_execute(&format!(
        "grant usage on schema public to {role};
         grant select, insert, update, delete on all tables in schema public to {role};
         grant usage, select on all sequences in schema public to {role};
         {own_functions}
         revoke insert, update, delete on __diesel_schema_migrations from {role};
         revoke update, delete, truncate on {} from {role}",
        APPEND_ONLY.join(", ")
    ))?;
    let database: String = diesel::select(current_database()).get_result(&mut conn)?;
    let defaults = pooler::defaults(role, &database);
    match conn.batch_execute(&defaults) {
        Ok(()) => Ok(None),
        Err(diesel::result::Error::DatabaseError(_, info)) if info.message().contains("permission denied") => {
            Ok(Some(defaults))
        }
        Err(error) => Err(error.into()),
    }
}

diesel::define_sql_function! { fn current_database() -> diesel::sql_types::Text; }

#[derive(QueryableByName)]
struct Lack {
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Bool)]
    lacks: bool,
}

/// Returns the name of the role if it lacks permissions of `grant`: after a restore without grants, or for new tables.
pub fn ungranted(conn: &mut PgConnection) -> Result<Option<String>> {
    let tables = APPEND_ONLY.iter().map(|table| (*table).to_owned()).collect();
    let lack: Lack =
        Statement::new(include_str!("ungranted.sql")).set("tables", Part::Texts(tables)).get_result(conn)?;
    Ok(Some(lack.role).filter(|_| lack.lacks))
}

#[derive(QueryableByName)]
struct Powers {
    #[diesel(sql_type = Bool)]
    unlimited: bool,
    #[diesel(sql_type = Bool)]
    rewrites: bool,
}

/// Returns the reason why the server must not use this role, if there is one.
pub fn too_powerful(conn: &mut PgConnection) -> Result<Option<String>> {
    let tables = APPEND_ONLY.iter().map(|table| (*table).to_owned()).collect();
    let powers: Powers = Statement::new(
        "select r.rolsuper or r.rolbypassrls as unlimited, \
            exists (select from unnest(:tables) t where has_table_privilege(current_user, t, 'update, delete, truncate')) as rewrites \
         from pg_roles r where r.rolname = current_user",
    )
    .set("tables", Part::Texts(tables))
    .get_result(conn)?;
    Ok(match powers {
        Powers { unlimited: true, .. } => Some("the database role is a superuser or bypasses row security".into()),
        Powers { rewrites: true, .. } => {
            Some(format!("the database role may change or delete rows of {}", APPEND_ONLY.join(", ")))
        }
        _ => None,
    })
}

//! The migrations of the schema, embedded in the binary.
use crate::db::backfill;
use crate::db::sql::Statement;
use crate::kernel::error::{Code, Error, Result};
use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// Added to the event counter after a restore from a dump. The dump may be older than what clients have read, so later
/// events must get higher numbers.
const AHEAD: i64 = 1_000_000_000;

/// Applies the pending migrations and data migrations, and returns their names. After a restore from a dump, moves the
/// event counter forward.
pub fn run(url: &str) -> Result<Vec<String>> {
    let mut conn = PgConnection::establish(url).map_err(Error::internal)?;
    if let Some(why) = reason_of_wrong_owner(&mut conn)? {
        return Err(Error::new(Code::Conflict, why));
    }
    let applied = conn.run_pending_migrations(MIGRATIONS).map_err(|e| Error::Internal(e.to_string()))?;
    let names = applied.iter().map(ToString::to_string).collect();
    backfill::run(&mut conn)?;
    if let Some(last) = counted_elsewhere(&mut conn)? {
        let before = last + AHEAD;
        conn.batch_execute(&format!(
            "create or replace function counted_before() returns bigint language sql immutable parallel safe as $$ select {before}::bigint $$"
        ))?;
    }
    Ok(names)
}

/// Returns the reason why this role cannot migrate: a superuser who restores a dump without owners becomes the owner of
/// the tables.
fn reason_of_wrong_owner(conn: &mut PgConnection) -> Result<Option<String>> {
    #[derive(QueryableByName)]
    struct Belongs {
        #[diesel(sql_type = Text)]
        owner: String,
        #[diesel(sql_type = Text)]
        role: String,
    }
    let asked = "select quote_ident(pg_get_userbyid(c.relowner)) as owner, quote_ident(current_user) as role from pg_class c \
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not pg_has_role(c.relowner, 'usage') limit 1";
    let found: Option<Belongs> = Statement::new(asked).load(conn)?.pop();
    Ok(found.map(|Belongs { owner, role }| {
        let give = include_str!("own_all.sql").replace("{owner}", &role);
        format!(
            "the tables belong to {owner}, and {role} may not change them: restore the dump as {role}, \
             or change their owner to {role}, as a superuser with \
             psql in this database:\n{give}"
        )
    }))
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

/// Checks whether all migrations of this binary are applied. Needs only permission to read.
pub fn is_current(conn: &mut PgConnection) -> Result<bool> {
    let begun = "select 'begun' as version where to_regclass('__diesel_schema_migrations') is not null";
    if Statement::new(begun).load::<Applied>(conn)?.is_empty() {
        return Ok(false);
    }
    let applied: Vec<Applied> = Statement::new("select version from __diesel_schema_migrations").load(conn)?;
    let known: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(|e| Error::Internal(e.to_string()))?;
    let mut versions = known.iter().map(|known| known.name().version().to_string());
    let all = versions.all(|version| applied.iter().any(|applied| applied.version == version));
    Ok(all && backfill::is_done(conn)?)
}

/// Returns the number of the last event if another PostgreSQL with a higher transaction counter wrote it: readers of
/// the feed would miss new events.
pub fn counted_elsewhere(conn: &mut PgConnection) -> Result<Option<i64>> {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    let last: Number = Statement::new(include_str!("latest_event.sql")).get_result(conn)?;
    // This runs second, because the last event of this database always has a lower number than the current transaction.
    let now = "select counted_before() + pg_current_xact_id()::text::bigint as number";
    let now: Number = Statement::new(now).get_result(conn)?;
    Ok(Some(last.number).filter(|last| *last >= now.number))
}

/// Reverts all migrations, newest first.
pub fn revert_all(url: &str) -> Result<()> {
    let mut conn = PgConnection::establish(url).map_err(Error::internal)?;
    conn.revert_all_migrations(MIGRATIONS).map(drop).map_err(|e| Error::Internal(e.to_string()))
}

//! The schema's migrations, built into the binary.
use crate::kernel::error::{Error, Result};
use diesel::{Connection, PgConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// Applies what is missing and returns the names.
pub fn run(url: &str) -> Result<Vec<String>> {
    let mut conn = PgConnection::establish(url).map_err(Error::internal)?;
    let applied = conn.run_pending_migrations(MIGRATIONS).map_err(|e| Error::Internal(e.to_string()))?;
    Ok(applied.iter().map(ToString::to_string).collect())
}

/// Whether the database is as this binary needs it.
pub fn is_current(conn: &mut PgConnection) -> Result<bool> {
    conn.has_pending_migration(MIGRATIONS).map(|pending| !pending).map_err(|e| Error::Internal(e.to_string()))
}

/// Takes every migration back, newest first.
pub fn revert_all(url: &str) -> Result<()> {
    let mut conn = PgConnection::establish(url).map_err(Error::internal)?;
    conn.revert_all_migrations(MIGRATIONS).map(drop).map_err(|e| Error::Internal(e.to_string()))
}

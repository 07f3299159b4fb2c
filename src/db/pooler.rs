//! Poolers in transaction mode, such as PgBouncer with `pool_mode = transaction`: each transaction may run on another
//! connection to PostgreSQL. Prepared statements and session settings do not survive a transaction.
use crate::db::sql::{Part, Statement};
use crate::kernel::error::{Error, Result};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::DatabaseErrorKind;
use diesel::sql_types::{Integer, Text};

/// The way of connecting to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionMode {
    Direct,
    /// Through a pooler: without prepared statements, and with settings only from the role.
    Pooled,
}

/// The settings of every session. Lists and writes take milliseconds, so a statement that takes seconds is out of
/// control.
pub const SESSION: [(&str, &str); 4] = [
    ("jit", "off"),
    ("statement_timeout", "10s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "15s"),
];

/// The order in which two connections are used; irregular, so that a pooler's own rotation does not hide that it shares
/// connections.
const QUERY_ORDER: [usize; 12] = [0, 1, 0, 0, 1, 1, 0, 1, 1, 1, 0, 0];

#[derive(QueryableByName)]
struct Backend {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

/// Checks whether client connections share server connections: two open connections use the same process, or one uses
/// several.
pub fn shares_connections(url: &str) -> Result<bool> {
    let connect = || PgConnection::establish(url).map_err(Error::internal);
    let (mut conns, mut seen) = ([connect()?, connect()?], [None, None]);
    for n in QUERY_ORDER {
        let (Some(conn), other) = (conns.get_mut(n), seen.get(1 - n).copied().flatten()) else { continue };
        let backend: Backend = Statement::new("select pg_backend_pid() as pid").get_result(conn)?;
        let before = seen.get_mut(n).and_then(|seen: &mut Option<i32>| seen.replace(backend.pid));
        if other == Some(backend.pid) || before.is_some_and(|before| before != backend.pid) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Checks whether several statements can form a transaction. A pooler in statement mode refuses that by closing the
/// connection.
pub fn takes_transactions(conn: &mut PgConnection) -> Result<bool> {
    match conn.batch_execute("begin").and_then(|()| conn.batch_execute("commit")) {
        Ok(()) => Ok(true),
        Err(diesel::result::Error::DatabaseError(DatabaseErrorKind::ClosedConnection, _)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Returns the settings that a session does not get from its role.
pub fn unset(conn: &mut PgConnection) -> Result<Vec<String>> {
    #[derive(QueryableByName)]
    struct Unset {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let names = SESSION.iter().map(|(name, _)| (*name).to_owned()).collect();
    let unset = "select name from pg_settings where name = any(:names) and setting = boot_val order by name";
    let unset: Vec<Unset> = Statement::new(unset).set("names", Part::Texts(names)).load(conn)?;
    Ok(unset.into_iter().map(|unset| unset.name).collect())
}

/// Returns the SQL that gives the role of a connection the settings.
pub fn own_defaults(conn: &mut PgConnection) -> Result<String> {
    #[derive(QueryableByName)]
    struct Own {
        #[diesel(sql_type = Text)]
        role: String,
        #[diesel(sql_type = Text)]
        database: String,
    }
    let own = "select current_user::text as role, current_database()::text as database";
    let own: Own = Statement::new(own).get_result(conn)?;
    Ok(defaults(&own.role, &own.database))
}

/// Returns the SQL that gives a role the settings in a database.
pub fn defaults(role: &str, database: &str) -> String {
    let one =
        |(name, value): &(&str, &str)| format!("alter role {role} in database \"{database}\" set {name} = '{value}';");
    SESSION.iter().map(one).collect::<Vec<_>>().join("\n")
}

//! The scope of a report about the work of users: users, period, time zone and grouping.
use crate::analytics::grouping::{TEAM_NAME, USER_NAME};
use crate::analytics::period::{self, DAY, MONTH, Period, QUARTER, Unit, WEEK, wrong};
use crate::analytics::scope::COMPARE;
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::kernel::access::actor::Actor;
use crate::kernel::error::{Error, FieldError, Result};
use crate::kernel::query::openapi::{parameter, schema};
use crate::kernel::query::params::QueryParams;
use crate::kernel::values::time::day_start;
use crate::kernel::values::value_type::ValueType;
use chrono_tz::Tz;
use utoipa::openapi::path::Parameter;
use uuid::Uuid;

/// The parsed parameters.
#[derive(Clone, Debug)]
pub struct UserScope {
    pub period: Period,
    earlier: Option<Period>,
    pub zone: Tz,
    pub group: &'static UserGroup,
    users: Option<Vec<Uuid>>,
    teams: Option<Vec<Uuid>>,
}

/// A grouping of what users did. `f` is what a user did at a time; `u` is the user.
#[derive(Debug)]
pub struct UserGroup {
    pub name: &'static str,
    key: &'static str,
    text: &'static str,
    label: &'static str,
}

const fn of_time(unit: Unit) -> UserGroup {
    UserGroup { name: unit.name, key: unit.key, text: unit.text, label: unit.text }
}

const GROUPS: [UserGroup; 7] = [
    UserGroup { name: "none", key: "null::text", text: "key", label: "key" },
    UserGroup { name: "user", key: "f.user_id", text: "key::text", label: USER_NAME },
    UserGroup { name: "team", key: "u.team_id", text: "key::text", label: TEAM_NAME },
    of_time(DAY),
    of_time(WEEK),
    of_time(MONTH),
    of_time(QUARTER),
];

impl UserScope {
    /// Parses the query, which has no other parameters.
    pub fn read(query: &str, actor: &Actor, csv: bool) -> Result<UserScope> {
        UserScope::read_by("user_id", query, actor, csv)
    }

    /// Like `read`, with another name for the parameter of the users.
    pub fn read_by(users: &'static str, query: &str, actor: &Actor, csv: bool) -> Result<UserScope> {
        let mut params = QueryParams::read(query)?;
        if csv && params.names().any(|name| name == COMPARE.0) {
            return Err(wrong(COMPARE.0, "must be absent for a CSV file, which has one period"));
        }
        let zone = params.parsed("time_zone", "an IANA time zone such as Europe/Tallinn")?;
        let zone = zone.unwrap_or(actor.settings.own_time_zone);
        let period = Period::read(&mut params, zone)?;
        let earlier = period.compared(&mut params)?;
        let group = params.take("group_by").unwrap_or_else(|| "none".into());
        let names: Vec<&str> = GROUPS.iter().map(|known| known.name).collect();
        let unknown = || Error::parameters(vec![FieldError::not_among(&names).at_parameter("group_by")]);
        let group = GROUPS.iter().find(|known| known.name == group).ok_or_else(unknown)?;
        match group.name {
            "user" => actor.require_read("users")?,
            "team" => actor.require_read("teams")?,
            _ => {}
        }
        let teams = ids(&mut params, "team_id", actor)?;
        if teams.is_some() {
            actor.require_read("teams")?;
        }
        let scope = UserScope { period, earlier, zone, group, users: ids(&mut params, users, actor)?, teams };
        params.finish(&["from", "to", "period", "time_zone", "compare", "group_by", users, "team_id"])?;
        Ok(scope)
    }

    /// Returns the scope of the earlier period, if the report compares.
    pub fn earlier(&self) -> Option<UserScope> {
        Some(UserScope { period: self.earlier?, earlier: None, ..self.clone() })
    }

    /// Returns the keys of all groups of a bounded period that is grouped by time, those without figures too.
    pub fn time_groups(&self) -> Result<Option<Vec<String>>> {
        period::time_groups(self.group.name, self.period)
    }

    /// Returns a statement with the parameters of the scope. `:of_users` restricts the users `f.user_id`.
    pub fn statement(&self, tx: &Tx<'_>, text: &'static str) -> Statement {
        let [from, to] = self.period.instants(self.zone);
        let piece = |sql: &'static str| {
            let nested = Statement::new(sql).set("zone", Part::Text(self.zone.name().to_owned()));
            let nested = nested.set("time", Part::Sql("f.at"));
            Part::Nested(Box::new(nested.set("workspace", Part::Id(tx.workspace()))))
        };
        let restricted = match (&self.users, &self.teams) {
            (None, None) => "true",
            (Some(_), None) => "f.user_id = any(:users)",
            (None, Some(_)) => "u.team_id = any(:teams)",
            (Some(_), Some(_)) => "f.user_id = any(:users) and u.team_id = any(:teams)",
        };
        let restricted = Statement::new(restricted)
            .set("users", Part::Ids(self.users.clone().unwrap_or_default()))
            .set("teams", Part::Ids(self.teams.clone().unwrap_or_default()));
        Statement::new(text)
            .set("workspace", Part::Id(tx.workspace()))
            .set("from", Part::At(from))
            .set("to", Part::At(to))
            .set("of_users", Part::Nested(Box::new(restricted)))
            .set("group_key", piece(self.group.key))
            .set("group_text", piece(self.group.text))
            .set("group_label", piece(self.group.label))
    }

    /// Returns the list query for the group with this key: `list` with its filters, restricted by `user` to the users
    /// and by `time` to the period. None if no list selects exactly these records.
    pub fn drill_down(&self, list: &str, user: &str, time: &str, key: Option<&str>) -> Option<String> {
        let mut users = self.users.clone();
        let mut days = self.period;
        match (self.group.name, key) {
            _ if self.teams.is_some() => return None,
            ("none", _) => {}
            ("user", Some(key)) => users = Some(vec![key.parse().ok()?]),
            ("user" | "team", _) => return None,
            (unit, Some(key)) => days = period::unit(unit, key)?.within(days),
            (_, None) => return None,
        }
        let mut query = list.to_owned();
        let mut add = |name: String, value: String| {
            let pair = form_urlencoded::Serializer::new(String::new()).append_pair(&name, &value).finish();
            query.push(if query.contains('?') { '&' } else { '?' });
            query.push_str(&pair);
        };
        if let Some(users) = users {
            add(user.to_owned(), users.iter().map(Uuid::to_string).collect::<Vec<_>>().join(","));
        }
        for (bound, day) in [("gte", days.from), ("lt", days.to)] {
            if let Some(day) = day {
                add(format!("{time}__{bound}"), day_start(day, self.zone).to_string());
            }
        }
        Some(format!("/api/v1/{query}"))
    }
}

/// Removes a list of ids. `me` is the caller, as in lists.
fn ids(params: &mut QueryParams, name: &str, actor: &Actor) -> Result<Option<Vec<Uuid>>> {
    let Some(text) = params.take(name) else { return Ok(None) };
    let id = |text: &str| if text == "me" { Ok(actor.user) } else { text.parse() };
    let ids: Result<Vec<Uuid>, _> = text.split(',').map(id).collect();
    ids.map(Some).map_err(|_| wrong(name, "must be ids, separated by commas"))
}

/// Returns the parameters of such a report.
pub fn parameters() -> Vec<Parameter> {
    let text = || schema(ValueType::Text);
    let mut list = period::parameters();
    let names: Vec<&str> = GROUPS.iter().map(|group| group.name).collect();
    list.push(parameter(
        "group_by".into(),
        "Groups the figures.".into(),
        text().enum_values(Some(names)).default(Some("none".into())),
        None,
    ));
    let (name, meaning, pattern) = COMPARE;
    list.push(parameter(name.into(), meaning.into(), text().pattern(Some(pattern)), None));
    for (name, meaning) in [("user_id", "Only these users."), ("team_id", "Only the present members of these teams.")] {
        list.push(parameter(name.into(), meaning.into(), schema(ValueType::Uuid), Some(false)));
    }
    list
}

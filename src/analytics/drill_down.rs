//! Drill-down: the list query that returns the records behind a figure of a report.
use crate::analytics::scope::Scope;
use crate::kernel::values::time::DateTime;
use crate::sales::pipelines::PipelineKind;
use uuid::Uuid;

/// The filters that make a figure out of the records of a report.
#[derive(Clone, Debug, Default)]
pub struct Drill {
    filters: Vec<(&'static str, String)>,
    /// The time that lies in the period of the report.
    time: Option<&'static str>,
    /// Whether records that have left the pipeline count too.
    anywhere: bool,
}

impl Drill {
    /// The records whose `time` is in the period of the report.
    pub fn of_period(time: &'static str) -> Drill {
        Drill { time: Some(time), ..Drill::default() }
    }

    /// The records of any pipeline.
    #[must_use]
    pub fn anywhere(self) -> Drill {
        Drill { anywhere: true, ..self }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Drill {
        self.filters.push((name, value.into()));
        self
    }

    /// Selects the records with this id, or with the other filter those without one.
    #[must_use]
    pub fn with_id(self, name: &'static str, id: Option<Uuid>, (empty, value): (&'static str, &str)) -> Drill {
        match id {
            Some(id) => self.with(name, id.to_string()),
            None => self.with(empty, value),
        }
    }

    /// Returns the list query for the group with this key, or none if no list can select exactly these records.
    pub fn query(&self, scope: &Scope, key: Option<&str>) -> Option<String> {
        let mut own: Vec<(String, String)> =
            self.filters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        own.extend(self.time.into_iter().flat_map(|time| bounds(time, scope.instants_of(key))));
        let asked = scope.asked()?;
        // A list has each of these filters once: it cannot select what both the report and the figure do.
        if asked.iter().any(|(name, _)| own.iter().any(|(own, _)| own == name)) {
            return None;
        }
        let group = scope.group.filters(key)?;
        if group.iter().any(|(grouped, _)| own.iter().any(|(own, _)| own == grouped)) {
            return None;
        }
        // The group is a part of what the same filter of the report selects, unless all its values must match.
        let together = |name: &str| name == "cf" || name.ends_with("__all");
        let rest = asked.iter().filter(|(name, _)| together(name) || group.iter().all(|(grouped, _)| grouped != name));
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !self.anywhere {
            query.append_pair("pipeline_id", &scope.pipeline.to_string());
        }
        for (name, value) in own.iter().chain(&group).chain(rest) {
            query.append_pair(name, value);
        }
        let list = if scope.kind == PipelineKind::Deal { "deals" } else { "leads" };
        Some(format!("/api/v1/{list}?{}", query.finish()))
    }
}

fn bounds(time: &str, [from, to]: [Option<DateTime>; 2]) -> Vec<(String, String)> {
    let from = from.map(|at| (format!("{time}__gte"), at.to_string()));
    let to = to.map(|at| (format!("{time}__lt"), at.to_string()));
    from.into_iter().chain(to).collect()
}

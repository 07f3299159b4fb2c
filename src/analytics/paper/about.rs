//! What a report is about, and how it describes itself on paper.
use crate::analytics::paper::chart::Chart;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::answers::table::Table;
use crate::kernel::error::Result;
use crate::kernel::values::time::DateTime;
use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::Serialize;
use uuid::Uuid;

/// A report that describes itself once for all formats.
pub trait OnPaper: Serialize + NothingHidden + Send + Sized + 'static {
    /// Whether the report has the parameter `compare`.
    const COMPARES: bool = true;

    fn about(&self) -> About;

    /// The figures, one line each. Sums in the workspace's `currency` come first.
    fn table(&self, currency: &str) -> Result<Table>;

    /// The main figures. Sums are in the workspace's `currency` if there are any in it.
    fn chart(&self, currency: &str) -> Chart;

    /// The same report for the earlier period.
    fn earlier(&self) -> Option<&Self> {
        None
    }
}

#[derive(Clone, Debug)]
pub struct About {
    /// The name of the file.
    pub name: &'static str,
    pub title: &'static str,
    pub definition: String,
    pub pipeline_id: Uuid,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    pub time_zone: String,
    pub group_by: String,
}

/// Returns what a report is about: `about!(self, "win-rate", "Win rate")`. Every report has these members.
#[macro_export]
macro_rules! about {
    ($report:expr, $name:literal, $title:literal) => {
        About {
            name: $name,
            title: $title,
            definition: $report.definition.clone(),
            pipeline_id: $report.pipeline_id,
            from: $report.from,
            to: $report.to,
            time_zone: $report.time_zone.clone(),
            group_by: $report.group_by.clone(),
        }
    };
}

/// A finished report, of which any file can be written without the database.
#[derive(Clone, Debug)]
pub struct Paper {
    pub about: About,
    /// The name of the pipeline, if the caller may see it.
    pub pipeline: Option<String>,
    pub table: Table,
    /// The earlier period and its figures.
    pub earlier: Option<(About, Table)>,
    pub chart: Chart,
    pub now: DateTime,
}

impl About {
    /// Returns the title with the grouping.
    pub fn heading(&self) -> String {
        match self.group_by.as_str() {
            "none" => self.title.to_owned(),
            by => format!("{} by {}", self.title, by.trim_start_matches("cf.").replace('_', " ")),
        }
    }

    /// Returns the period in words; the last day is the one before `to`.
    pub fn period(&self) -> String {
        let last = self.to.map(|to| to.pred_opt().unwrap_or(to));
        match (self.from, last) {
            (Some(from), Some(last)) if from == last => from.to_string(),
            (Some(from), Some(last)) => format!("{from} to {last}"),
            (Some(from), None) => format!("since {from}"),
            (None, Some(last)) => format!("until {last}"),
            (None, None) => "all time".into(),
        }
    }

    pub fn zone(&self) -> Tz {
        self.time_zone.parse().unwrap_or(Tz::UTC)
    }

    /// Returns the name of the file with this ending.
    pub fn file_name(&self, ending: &str) -> String {
        let days = [self.from, self.to].iter().flatten().map(|day| format!("-{day}")).collect::<String>();
        format!("{}{days}.{ending}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use crate::analytics::paper::samples::about;

    #[test]
    fn reports_name_what_they_are_about() {
        let mut about = about();
        assert_eq!(about.heading(), "Win rate by closed by");
        assert_eq!(about.file_name("xlsx"), "win-rate-2026-01-01-2026-02-01.xlsx");
        for (from, to, expected) in [
            (Some("2026-01-01"), Some("2026-02-01"), "2026-01-01 to 2026-01-31"),
            (Some("2026-01-01"), Some("2026-01-02"), "2026-01-01"),
            (Some("2026-01-01"), None, "since 2026-01-01"),
            (None, Some("2026-01-01"), "until 2025-12-31"),
            (None, None, "all time"),
        ] {
            let day = |text: Option<&str>| text.map(|text| text.parse().unwrap());
            (about.from, about.to) = (day(from), day(to));
            assert_eq!(about.period(), expected);
        }
        about.group_by = "cf.region".into();
        assert_eq!(about.heading(), "Win rate by region");
        about.group_by = "none".into();
        assert_eq!((about.heading().as_str(), about.file_name("png").as_str()), ("Win rate", "win-rate.png"));
    }
}

//! A chart as a picture: title, legend, plot and notes.
use crate::analytics::paper::about::About;
use crate::analytics::paper::canvas::{Alternative, Area, Canvas, Words};
use crate::analytics::paper::chart::{Chart, Figure, Series, Shape};
use crate::analytics::paper::look::Look;
use crate::analytics::paper::text::{clean, fit, width};
use crate::analytics::paper::{bars, columns, funnel};
use crate::kernel::error::Result;

const MARGIN: f64 = 24.0;
const TITLE: f64 = 19.0;
const SMALL: f64 = 12.0;
/// The widest entry of a legend.
const ENTRY: f64 = 180.0;
const LEGEND_LINE: f64 = 20.0;
/// The most lines of a legend.
const LEGEND_LINES: usize = 3;

/// Draws the chart of a report. `pipeline` is the name of its pipeline, if the caller may see it.
pub fn draw(about: &About, pipeline: Option<&str>, chart: Chart, look: Look) -> Result<String> {
    let (wide, high) = (f64::from(look.width), f64::from(look.height));
    let mut canvas = Canvas::default();
    canvas.fill(Area { x: 0.0, y: 0.0, width: wide, height: high }, look.background());
    let inside = wide - 2.0 * MARGIN;
    let heading = clean(&about.heading());
    let title = fit(&heading, TITLE * 1.1, inside);
    canvas.words(Words::new(MARGIN, MARGIN + TITLE * 0.8, title, TITLE, look.ink()).bold());
    let subtitle = subtitle(about, pipeline);
    let below = fit(&subtitle, SMALL, inside);
    canvas.words(Words::new(MARGIN, MARGIN + TITLE + 16.0, below, SMALL, look.muted()));
    let empty = chart.is_empty();
    let chart = chart.bounded();
    let top = legend(&mut canvas, &chart, MARGIN + TITLE + 28.0, inside, look) + 8.0;
    let plot = Area { x: MARGIN, y: top, width: inside, height: high - top - MARGIN - SMALL };
    let chart = if empty { nothing(&mut canvas, chart, plot, look) } else { plotted(&mut canvas, chart, plot, look) };
    let remarks = chart.remarks().join("; ");
    let note = fit(&remarks, SMALL, inside);
    canvas.words(Words::new(MARGIN, high - MARGIN + 8.0, note, SMALL, look.muted()));
    let alternative = Alternative { title: heading, description: description(&subtitle, &chart, &remarks) };
    canvas.svg(look.width, look.height, &alternative)
}

fn subtitle(about: &About, pipeline: Option<&str>) -> String {
    let facts = [pipeline.map(clean), Some(about.period()), Some(about.time_zone.clone())];
    facts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn nothing(canvas: &mut Canvas, chart: Chart, area: Area, look: Look) -> Chart {
    canvas.words(Words::new(area.x, area.y + 30.0, "No data in this period", 14.0, look.muted()));
    Chart { more: 0, ..chart }
}

fn plotted(canvas: &mut Canvas, chart: Chart, area: Area, look: Look) -> Chart {
    match chart.shape {
        Shape::Funnel => funnel::draw(canvas, chart, area, look),
        Shape::Bars => bars::draw(canvas, chart, area, look),
        Shape::Columns => columns::draw(canvas, chart, area, look),
    }
}

/// Draws a legend if there is more than one kind of figures, and returns where it ends.
fn legend(canvas: &mut Canvas, chart: &Chart, top: f64, inside: f64, look: Look) -> f64 {
    let marks = chart.marks.iter().filter(|_| chart.shape == Shape::Bars);
    let entries: Vec<&Series> = chart.series.iter().chain(marks).collect();
    if entries.len() < 2 || chart.is_empty() {
        return top;
    }
    let (mut x, mut line) = (MARGIN, 0);
    for series in entries {
        let name = fit(&series.name, SMALL, ENTRY);
        let needed = width(&name, SMALL) + 34.0;
        if x > MARGIN && x + needed > MARGIN + inside {
            (x, line) = (MARGIN, line + 1);
        }
        if line >= LEGEND_LINES {
            break;
        }
        let y = top + bars::float(line) * LEGEND_LINE;
        canvas.bar(Area { x, y, width: 12.0, height: 12.0 }, series.colour.hex(), look.ink(), series.name.clone());
        canvas.words(Words::new(x + 18.0, y + 10.5, name, SMALL, look.ink()));
        x += needed;
    }
    top + bars::float((line + 1).min(LEGEND_LINES)) * LEGEND_LINE
}

/// Returns all figures in words.
fn description(subtitle: &str, chart: &Chart, remarks: &str) -> String {
    let said = |figure: &Option<Figure>| figure.as_ref().map_or("unknown".to_owned(), |figure| figure.text.clone());
    let of_label = |(n, label): (usize, &String)| {
        let all = chart.series.iter().chain(&chart.marks);
        let figures = all.filter_map(|series| Some((series, series.figures.get(n)?)));
        // In a funnel each label has a figure in one series.
        let figures = figures.filter(|(_, figure)| chart.shape != Shape::Funnel || figure.is_some());
        let named = figures.map(|(series, figure)| format!("{} {}", series.name, said(figure)));
        format!("{label}: {}", named.collect::<Vec<_>>().join(", "))
    };
    let mut lines = vec![subtitle.to_owned()];
    lines.extend(chart.labels.iter().enumerate().map(of_label));
    lines.extend((!remarks.is_empty()).then(|| remarks.to_owned()));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::paper::look::Theme;
    use crate::analytics::paper::samples::{about, chart, texts};

    fn look(theme: Theme) -> Look {
        Look { theme, width: 640, height: 400 }
    }

    #[test]
    fn every_shape_says_its_figures() {
        for shape in [Shape::Funnel, Shape::Bars, Shape::Columns] {
            let svg = draw(&about(), Some("Sales"), chart(shape), look(Theme::Light)).unwrap();
            let texts = texts(&svg);
            for word in ["Win rate by closed by", "Sales · 2026-01-01 to 2026-01-31 · Europe/Tallinn", "Anna", "40"] {
                assert!(texts.iter().any(|text| text == word), "{shape:?}: no {word} in {texts:?}");
            }
            assert!(svg.contains("#0072B2"), "{shape:?}");
        }
    }

    #[test]
    fn a_dark_picture_has_a_dark_background() {
        let svg = draw(&about(), None, chart(Shape::Bars), look(Theme::Dark)).unwrap();
        assert!(svg.contains(look(Theme::Dark).background()) && !svg.contains(look(Theme::Light).background()));
    }

    #[test]
    fn an_empty_chart_says_so() {
        let empty = Chart { labels: vec![], series: vec![], ..chart(Shape::Bars) };
        let svg = draw(&about(), None, empty, look(Theme::Light)).unwrap();
        assert!(texts(&svg).contains(&"No data in this period".to_owned()), "{svg}");
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let labels: Vec<String> = (0..100).map(|n| format!("Group {n}")).collect();
        let figures = (0..100).map(|n| Some(Figure::count(n))).collect();
        for (shape, expected) in [(Shape::Bars, "and 87 more"), (Shape::Columns, "and 74 more")] {
            let many = Chart { labels: labels.clone(), shape, ..chart(shape) }.one(Vec::clone(&figures));
            let texts = texts(&draw(&about(), None, many, look(Theme::Light)).unwrap());
            assert!(texts.contains(&expected.to_owned()), "{shape:?}: {texts:?}");
        }
    }
}

//! A funnel: bars around a middle line, one below the other.
use crate::analytics::paper::bars::{Rows, capacity};
use crate::analytics::paper::canvas::{Area, Canvas};
use crate::analytics::paper::chart::{Chart, Figure, Series};
use crate::analytics::paper::look::Look;

/// Draws the funnel, and returns what was drawn.
pub fn draw(canvas: &mut Canvas, chart: Chart, area: Area, look: Look) -> Chart {
    let chart = chart.keep(capacity(area.height, 1));
    let figures: Vec<Option<(&Series, &Figure)>> = (0..chart.labels.len()).map(|n| figure(&chart, n)).collect();
    let texts: Vec<String> = figures.iter().flatten().map(|(_, figure)| figure.text.clone()).collect();
    let rows = Rows::new(&chart, area, 1, &texts);
    let most = figures.iter().flatten().map(|(_, figure)| figure.value).fold(0.0, f64::max);
    let widths: Vec<f64> = figures
        .iter()
        .map(|found| found.map_or(0.0, |(_, figure)| if most > 0.0 { figure.value / most } else { 0.0 }))
        .collect();
    let middle = rows.plot.x + rows.plot.width / 2.0;
    let half = |n: usize| widths.get(n).map_or(0.0, |part| part * rows.plot.width / 2.0);
    let bar = |n: usize| {
        let row = rows.area(n);
        Area { x: middle - half(n), y: row.middle() - rows.bar / 2.0, width: 2.0 * half(n), height: rows.bar }
    };
    for n in 1..figures.len() {
        let (above, below) = (bar(n - 1), bar(n));
        let sides = [(above.x, above.bottom()), (above.right(), above.bottom())];
        let points = sides.into_iter().chain([(below.right(), below.y), (below.x, below.y)]).collect();
        canvas.polygon(points, look.grid());
    }
    for (n, found) in figures.iter().enumerate() {
        rows.write_label(canvas, n, look);
        let Some((series, figure)) = found else { continue };
        let label = chart.labels.get(n).map_or("", String::as_str);
        canvas.bar(bar(n), series.colour.hex(), look.ink(), format!("{label}: {}", figure.text));
        rows.write_figure(canvas, rows.plot.right(), rows.area(n).middle(), &figure.text, look);
    }
    chart
}

/// Returns the figure of a label, and its series.
fn figure(chart: &Chart, n: usize) -> Option<(&Series, &Figure)> {
    chart.series.iter().find_map(|series| Some((series, series.figures.get(n)?.as_ref()?)))
}

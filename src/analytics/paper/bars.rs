//! Horizontal bars, with a label before and the figure behind each.
use crate::analytics::paper::canvas::{Anchor, Area, Canvas, Words};
use crate::analytics::paper::chart::{Chart, Figure, LABELS_MAX, Series};
use crate::analytics::paper::look::Look;
use crate::analytics::paper::scale::{Scale, brief};
use crate::analytics::paper::text::{fit, width};

/// The font sizes of labels and ticks.
pub const LABEL: f64 = 12.0;
const TICK: f64 = 11.0;
/// The smallest and the largest height of a bar.
const BAR: [f64; 2] = [13.0, 46.0];
/// The smallest and the largest space between rows, as a part of the height of a bar.
const GAP: [f64; 2] = [0.45, 0.9];
/// The space for the axis below the bars.
const AXIS: f64 = 36.0;
/// The largest part of the width for labels and for figures.
const LABELS_PART: f64 = 0.34;
const FIGURES_PART: f64 = 0.3;

/// The rows of a chart and their places.
pub struct Rows {
    pub labels: Vec<String>,
    pub plot: Area,
    pub row: f64,
    /// The height of one bar.
    pub bar: f64,
}

/// Returns how many rows fit into a height, if each has some bars.
pub fn capacity(height: f64, bars: usize) -> usize {
    let row = BAR[0] * (float(bars) + GAP[0]);
    let fits = (1..=LABELS_MAX).take_while(|rows| float(*rows) * row <= height).count();
    fits.clamp(1, (LABELS_MAX / bars.max(1)).max(1))
}

impl Rows {
    /// Divides an area among labels, bars and figures. `bars` is the number of bars of a row.
    pub fn new(chart: &Chart, area: Area, bars: usize, figures: &[String]) -> Rows {
        let widest = |texts: &[String]| texts.iter().map(|text| width(text, LABEL)).fold(0.0, f64::max);
        let names = widest(&chart.labels).min(area.width * LABELS_PART);
        let behind = widest(figures).min(area.width * FIGURES_PART);
        let plot = Area { x: area.x + names + 10.0, width: area.width - names - behind - 20.0, ..area };
        let row = (area.height / float(chart.labels.len().max(1))).min(BAR[1] * (float(bars) + GAP[1]));
        let bar = (row / (float(bars) + GAP[0])).min(BAR[1]);
        let labels = chart.labels.iter().map(|label| fit(label, LABEL, names)).collect();
        Rows { labels, plot, row, bar }
    }

    /// Returns the area of a row.
    pub fn area(&self, n: usize) -> Area {
        Area { y: self.plot.y + float(n) * self.row, height: self.row, ..self.plot }
    }

    pub fn bottom(&self) -> f64 {
        self.plot.y + float(self.labels.len()) * self.row
    }

    pub fn write_label(&self, canvas: &mut Canvas, n: usize, look: Look) {
        let Some(label) = self.labels.get(n) else { return };
        let (x, y) = (self.plot.x - 10.0, self.area(n).middle() + LABEL * 0.35);
        canvas.words(Words::new(x, y, label, LABEL, look.ink()).anchored(Anchor::End));
    }

    pub fn write_figure(&self, canvas: &mut Canvas, x: f64, middle: f64, text: &str, look: Look) {
        canvas.words(Words::new(x + 6.0, middle + LABEL * 0.35, text, LABEL, look.ink()));
    }
}

/// Draws the bars, and returns what was drawn.
pub fn draw(canvas: &mut Canvas, chart: Chart, area: Area, look: Look) -> Chart {
    let count = chart.series.len().max(1);
    let chart = chart.keep(capacity(area.height - AXIS, count));
    let plot = Area { height: area.height - AXIS, ..area };
    let texts: Vec<String> = chart.series.iter().flat_map(|series| texts(&chart, series)).collect();
    let rows = Rows::new(&chart, plot, count, &texts);
    let all = chart.series.iter().chain(&chart.marks).flat_map(|series| series.figures.iter().flatten());
    let scale = Scale::new(all.map(|figure| figure.value), &chart.unit, rows.plot.x, rows.plot.right());
    axis(canvas, &chart, &rows, &scale, look);
    for (k, series) in chart.series.iter().enumerate() {
        for (n, figure) in series.figures.iter().enumerate() {
            let row = rows.area(n);
            let first = row.middle() - rows.bar * float(count) / 2.0;
            let bar = Area { y: first + rows.bar * float(k), height: rows.bar, ..row };
            let Some(figure) = figure else {
                rows.write_figure(canvas, scale.at(0.0), bar.middle(), "–", look);
                continue;
            };
            one_bar(canvas, &chart, series, (n, figure), bar, &scale, look);
        }
    }
    (0..chart.labels.len()).for_each(|n| rows.write_label(canvas, n, look));
    chart
}

/// Returns the texts behind the bars of a series.
fn texts(chart: &Chart, series: &Series) -> Vec<String> {
    series.figures.iter().enumerate().map(|(n, figure)| text_of(chart, n, figure.as_ref())).collect()
}

/// Returns a figure and its mark as a text.
fn text_of(chart: &Chart, n: usize, figure: Option<&Figure>) -> String {
    let mark = chart.marks.as_ref().and_then(|marks| marks.figures.get(n)?.as_ref());
    let text = figure.map(|figure| figure.text.clone()).unwrap_or_default();
    mark.map_or(text.clone(), |mark| format!("{text} · {}", mark.text))
}

fn one_bar(
    canvas: &mut Canvas,
    chart: &Chart,
    series: &Series,
    (n, figure): (usize, &Figure),
    place: Area,
    scale: &Scale,
    look: Look,
) {
    let (zero, end) = (scale.at(0.0), scale.at(figure.value));
    let bar = Area { x: zero.min(end), width: (end - zero).abs(), ..place };
    let text = text_of(chart, n, Some(figure));
    let label = chart.labels.get(n).map_or("", String::as_str);
    let name = if chart.series.len() > 1 { format!("{}, ", series.name) } else { String::new() };
    canvas.bar(bar, series.colour.hex(), look.ink(), format!("{label}: {name}{text}"));
    let mut right = bar.right();
    let mark = chart.marks.as_ref().and_then(|marks| Some((marks, marks.figures.get(n)?.as_ref()?)));
    if let Some((marks, mark)) = mark {
        let x = scale.at(mark.value);
        let (top, bottom) = ((x, place.y - 2.0), (x, place.bottom() + 2.0));
        canvas.line((zero, place.middle()), (x, place.middle()), marks.colour.hex(), 1.5);
        canvas.line(top, bottom, marks.colour.hex(), 4.0);
        right = right.max(x + 2.0);
    }
    let behind = Words::new(right + 6.0, place.middle() + LABEL * 0.35, text, LABEL, look.ink());
    canvas.words(behind);
}

/// Draws the grid, the numbers of the axis and its name.
fn axis(canvas: &mut Canvas, chart: &Chart, rows: &Rows, scale: &Scale, look: Look) {
    let (top, bottom) = (rows.plot.y, rows.bottom() + 4.0);
    for tick in scale.ticks() {
        let x = scale.at(tick);
        canvas.line((x, top), (x, bottom), if tick == 0.0 { look.muted() } else { look.grid() }, 1.0);
        let number = Words::new(x, bottom + 13.0, brief(tick, &chart.unit), TICK, look.muted());
        canvas.words(number.anchored(Anchor::Middle));
    }
    let middle = rows.plot.x + rows.plot.width / 2.0;
    let name = fit(&chart.axis_name(), TICK, rows.plot.width);
    canvas.words(Words::new(middle, bottom + 28.0, name, TICK, look.muted()).anchored(Anchor::Middle));
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "numbers of bars and pixels are small")]
pub fn float(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_fit_into_a_low_picture() {
        for (height, bars, expected) in [(200.0, 1, 10), (2_000.0, 1, 40), (2_000.0, 8, 5), (300.0, 8, 2), (5.0, 1, 1)]
        {
            assert_eq!(capacity(height, bars), expected, "{bars} bars in {height}");
        }
    }
}

//! Vertical bars of several series on top of each other, with the total above and the label below.
use crate::analytics::paper::bars::float;
use crate::analytics::paper::canvas::{Anchor, Area, Canvas, Words};
use crate::analytics::paper::chart::{Chart, LABELS_MAX};
use crate::analytics::paper::look::Look;
use crate::analytics::paper::scale::{Scale, brief};
use crate::analytics::paper::text::{fit, width};

const LABEL: f64 = 11.0;
/// The smallest and the largest width of a column with its gaps.
const SLOT: [f64; 2] = [20.0, 150.0];
/// The part of a slot that the bar takes.
const BAR: f64 = 0.7;
/// The space for the numbers of the axis, and for the texts above the columns.
const AXIS: f64 = 58.0;
const ABOVE: f64 = 20.0;
/// The longest upright label.
const UPRIGHT: f64 = 90.0;

struct Layout {
    plot: Area,
    slot: f64,
    /// Whether labels and totals run upwards, because the columns are narrow.
    upright: bool,
    upright_totals: bool,
}

impl Layout {
    fn new(chart: &Chart, totals: &[String], area: Area) -> Layout {
        let count = float(chart.labels.len().max(1));
        let slot = ((area.width - AXIS) / count).min(SLOT[1]);
        let widest =
            |texts: &mut dyn Iterator<Item = &String>| texts.map(|text| width(text, LABEL)).fold(0.0, f64::max);
        let (labels, above) = (widest(&mut chart.labels.iter()), widest(&mut totals.iter()));
        let (upright, upright_totals) = (labels > slot * 1.6, above > slot);
        let below = if upright { labels.min(UPRIGHT) + 8.0 } else { 20.0 };
        let top = if upright_totals { above.min(UPRIGHT) + 10.0 } else { ABOVE };
        let height = (area.height - below - top - 4.0).max(20.0);
        let plot = Area { x: area.x + AXIS, y: area.y + top, width: slot * count, height };
        Layout { plot, slot, upright, upright_totals }
    }

    fn slot(&self, n: usize) -> Area {
        Area { x: self.plot.x + float(n) * self.slot, width: self.slot, ..self.plot }
    }
}

/// Draws the columns, and returns what was drawn.
pub fn draw(canvas: &mut Canvas, chart: Chart, area: Area, look: Look) -> Chart {
    let fits = (1..=LABELS_MAX).take_while(|count| float(*count) * SLOT[0] <= area.width - AXIS).count();
    let chart = chart.keep(fits.max(1));
    let stacks: Vec<Stack> = (0..chart.labels.len()).map(|n| Stack::new(&chart, n)).collect();
    let wide = ((area.width - AXIS) / float(stacks.len().max(1))).min(SLOT[1]);
    let totals: Vec<String> = stacks.iter().map(|stack| stack.total(&chart, wide)).collect();
    let layout = Layout::new(&chart, &totals, area);
    let ends = stacks.iter().flat_map(|stack| [stack.low, stack.high]);
    let scale = Scale::new(ends, &chart.unit, layout.plot.bottom(), layout.plot.y);
    axis(canvas, &chart, &layout, &scale, look);
    for (n, stack) in stacks.iter().enumerate() {
        stack.draw(canvas, &chart, layout.slot(n), &scale, look);
        let total = totals.get(n).map_or("", String::as_str);
        write_total(canvas, total, &layout, (n, scale.at(stack.high)), look);
        write_label(canvas, &chart, &layout, n, look);
    }
    chart
}

/// The figures of a column, and where its highest and its lowest end are.
struct Stack {
    n: usize,
    low: f64,
    high: f64,
}

impl Stack {
    fn new(chart: &Chart, n: usize) -> Stack {
        let values = || chart.series.iter().filter_map(|series| series.figures.get(n)?.as_ref()).map(|one| one.value);
        Stack { n, low: values().filter(|v| *v < 0.0).sum(), high: values().filter(|v| *v > 0.0).sum() }
    }

    /// Returns the text above the column: the total or the only figure, without its second part or in brief if it is
    /// wider than its place.
    fn total(&self, chart: &Chart, place: f64) -> String {
        let only = if chart.series.len() == 1 { chart.series.first() } else { None };
        let Some(of) = chart.marks.as_ref().or(only) else { return String::new() };
        let Some(figure) = of.figures.get(self.n).and_then(Option::as_ref) else { return String::new() };
        let first = figure.text.split(" · ").next().unwrap_or_default();
        let fitting = [figure.text.as_str(), first].into_iter().find(|text| width(text, LABEL) <= place);
        fitting.map_or_else(|| brief(figure.value, &chart.unit), str::to_owned)
    }

    fn draw(&self, canvas: &mut Canvas, chart: &Chart, slot: Area, scale: &Scale, look: Look) {
        let label = chart.labels.get(self.n).map_or("", String::as_str);
        let (mut up, mut down) = (0.0, 0.0);
        for series in &chart.series {
            let Some(figure) = series.figures.get(self.n).and_then(Option::as_ref) else { continue };
            let base = if figure.value < 0.0 { &mut down } else { &mut up };
            let (from, to) = (scale.at(*base), scale.at(*base + figure.value));
            *base += figure.value;
            if figure.value == 0.0 && chart.series.len() > 1 {
                continue;
            }
            let (x, width) = (slot.x + slot.width * (1.0 - BAR) / 2.0, slot.width * BAR);
            let bar = Area { x, y: from.min(to), width, height: (from - to).abs() };
            let name = if chart.series.len() > 1 { format!("{}, ", series.name) } else { String::new() };
            canvas.bar(bar, series.colour.hex(), look.ink(), format!("{label}: {name}{}", figure.text));
        }
    }
}

fn write_total(canvas: &mut Canvas, total: &str, layout: &Layout, (n, top): (usize, f64), look: Look) {
    let slot = layout.slot(n);
    let x = slot.x + slot.width / 2.0;
    let words = Words::new(x, top - 5.0, total, LABEL, look.ink());
    if layout.upright_totals {
        let text = fit(total, LABEL, UPRIGHT);
        canvas.words(Words { x: x + LABEL * 0.35, text, ..words }.upright());
    } else {
        canvas.words(words.anchored(Anchor::Middle));
    }
}

fn write_label(canvas: &mut Canvas, chart: &Chart, layout: &Layout, n: usize, look: Look) {
    let (slot, label) = (layout.slot(n), chart.labels.get(n).map_or("", String::as_str));
    let (x, y) = (slot.x + slot.width / 2.0, layout.plot.bottom());
    if layout.upright {
        let words = Words::new(x + LABEL * 0.35, y + 8.0, fit(label, LABEL, UPRIGHT), LABEL, look.ink());
        canvas.words(words.anchored(Anchor::End).upright());
    } else {
        let words = Words::new(x, y + 16.0, fit(label, LABEL, slot.width - 2.0), LABEL, look.ink());
        canvas.words(words.anchored(Anchor::Middle));
    }
}

/// Draws the grid, the numbers of the axis and its name.
fn axis(canvas: &mut Canvas, chart: &Chart, layout: &Layout, scale: &Scale, look: Look) {
    let plot = layout.plot;
    for tick in scale.ticks() {
        let y = scale.at(tick);
        canvas.line((plot.x, y), (plot.right(), y), if tick == 0.0 { look.muted() } else { look.grid() }, 1.0);
        let number = Words::new(plot.x - 6.0, y + LABEL * 0.35, brief(tick, &chart.unit), LABEL, look.muted());
        canvas.words(number.anchored(Anchor::End));
    }
    let name = fit(&chart.axis_name(), LABEL, plot.height);
    let words = Words::new(plot.x - AXIS + LABEL, plot.middle(), name, LABEL, look.muted());
    canvas.words(words.anchored(Anchor::Middle).upright());
}

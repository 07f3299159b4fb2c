//! The axis of a chart: from values to pixels, with ticks at round numbers.
use crate::analytics::paper::chart::Unit;

/// The largest number of steps between ticks that is aimed at, and the space for a number beside a tick.
const STEPS: f64 = 5.0;
const SPACE: f64 = 48.0;

#[derive(Clone, Copy, Debug)]
pub struct Scale {
    low: f64,
    high: f64,
    step: f64,
    /// The pixels of the lowest and of the highest value.
    from: f64,
    to: f64,
}

impl Scale {
    /// Returns the scale on which all values and 0 have a place between two pixels.
    pub fn new(values: impl Iterator<Item = f64>, unit: &Unit, from: f64, to: f64) -> Scale {
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for value in values.filter(|value| value.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
        if *unit == Unit::Rate {
            high = 1.0;
        }
        if high - low <= 0.0 {
            high = 1.0;
        }
        let least = if *unit == Unit::Count { 1.0 } else { 0.0 };
        let steps = ((to - from).abs() / SPACE).clamp(1.0, STEPS);
        let step = round_step((high - low) / steps).max(least);
        Scale { low: (low / step).floor() * step, high: (high / step).ceil() * step, step, from, to }
    }

    pub fn at(&self, value: f64) -> f64 {
        let part = (value.clamp(self.low, self.high) - self.low) / (self.high - self.low);
        self.from + part * (self.to - self.from)
    }

    /// Returns the round numbers on the axis.
    pub fn ticks(&self) -> Vec<f64> {
        let mut ticks = Vec::new();
        let mut tick = self.low;
        while tick <= self.high + self.step / 2.0 {
            // Steps below one leave residues such as 1e-17 at 0.
            ticks.push(if tick.abs() < self.step / 2.0 { 0.0 } else { tick });
            tick += self.step;
        }
        ticks
    }
}

/// Returns the next larger of 1, 2, 5, 10, 20, 50 and so on.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= least).unwrap_or(10.0);
    factor * power
}

/// Writes a number on an axis or on a narrow bar.
pub fn brief(value: f64, unit: &Unit) -> String {
    if *unit == Unit::Rate {
        return format!("{}\u{a0}%", trimmed(value * 100.0, 0));
    }
    let sizes = [(1e12, "\u{a0}tn"), (1e9, "\u{a0}bn"), (1e6, "\u{a0}M"), (1e3, "\u{a0}k")];
    match sizes.iter().find(|(size, _)| value.abs() >= *size) {
        Some((size, word)) => format!("{}{word}", trimmed(value / size, 1)),
        None => trimmed(value, 1),
    }
}

/// Writes a number without zeros at the end.
fn trimmed(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".into() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        for (values, unit, expected) in [
            (vec![], Unit::Count, vec![0.0, 1.0]),
            (vec![3.0], Unit::Count, vec![0.0, 1.0, 2.0, 3.0]),
            (vec![7.0, 41.0], Unit::Count, vec![0.0, 10.0, 20.0, 30.0, 40.0, 50.0]),
            (vec![0.1], Unit::Rate, vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
            (vec![-150.0, 300.0], Unit::Days, vec![-200.0, -100.0, 0.0, 100.0, 200.0, 300.0]),
            (vec![f64::NAN, f64::INFINITY], Unit::Days, vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ] {
            let ticks = Scale::new(values.iter().copied(), &unit, 0.0, 500.0).ticks();
            let written = |ticks: &[f64]| ticks.iter().map(|tick| format!("{tick:.2}")).collect::<Vec<_>>();
            assert_eq!(written(&ticks), written(&expected), "{values:?}");
        }
        let narrow = Scale::new([0.1].into_iter(), &Unit::Rate, 0.0, 110.0).ticks();
        assert_eq!(narrow, [0.0, 0.5, 1.0]);
    }

    #[test]
    fn values_have_a_place() {
        let scale = Scale::new([-100.0, 100.0].into_iter(), &Unit::Days, 10.0, 210.0);
        for (value, expected) in [(-100.0, 10.0), (0.0, 110.0), (100.0, 210.0), (1e9, 210.0)] {
            assert!((scale.at(value) - expected).abs() < 1e-6, "{value}: {}", scale.at(value));
        }
    }

    #[test]
    fn numbers_are_brief() {
        for (value, unit, expected) in [
            (0.0, Unit::Count, "0"),
            (-0.04, Unit::Days, "0"),
            (12.5, Unit::Days, "12.5"),
            (1_500.0, Unit::Count, "1.5 k"),
            (-2_000_000.0, Unit::Money("EUR".into()), "-2 M"),
            (7.25e9, Unit::Count, "7.2 bn"),
            (9e13, Unit::Count, "90 tn"),
            (0.2, Unit::Rate, "20 %"),
            (1.0, Unit::Rate, "100 %"),
        ] {
            assert_eq!(brief(value, &unit).replace('\u{a0}', " "), expected, "{value}");
        }
    }
}

//! A report as an Excel workbook: the figures, those of the earlier period, the chart with its numbers, and what it is
//! about. All texts are text cells, so none is a formula.
use crate::analytics::paper::about::{About, Paper};
use crate::analytics::paper::chart::{Chart, Shape, Unit, float, major};
use crate::analytics::period::wrong;
use crate::kernel::answers::table::{Cell, Column, Table};
use crate::kernel::error::{Error, Result};
use crate::kernel::values::money::exponent;
use crate::kernel::values::time::DateTime;
use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime};
use chrono_tz::Tz;
use rust_xlsxwriter::{
    Chart as Drawing, ChartFormat, ChartSolidFill, ChartType, DocProperties, Format, FormatAlign, Workbook, Worksheet,
    XlsxError,
};

/// The most cells of a table, each of which takes some hundred bytes while the workbook is written.
const CELLS_MAX: usize = 200_000;
/// The most characters of a cell, in UTF-16.
const TEXT_MAX: usize = 32_767;
/// The narrowest and the widest column, in characters.
const WIDTH: [f64; 2] = [9.0, 48.0];
/// The first year that a cell can hold as a date.
const FIRST_YEAR: i32 = 1900;

const FIGURES: &str = "Figures";
const EARLIER: &str = "Earlier period";
const CHART: &str = "Chart";
const ABOUT: &str = "About";

type Written<T = ()> = Result<T, XlsxError>;

/// Writes the workbook.
pub fn write(paper: &Paper) -> Result<Vec<u8>> {
    for table in [Some(&paper.table), paper.earlier.as_ref().map(|(_, table)| table)].into_iter().flatten() {
        if table.rows.len().saturating_mul(table.columns.len()) > CELLS_MAX {
            let detail =
                format!("must give fewer groups for a workbook, which has at most {CELLS_MAX} cells; use text/csv");
            return Err(wrong("group_by", detail));
        }
    }
    written(paper).map_err(Error::internal)
}

fn written(paper: &Paper) -> Written<Vec<u8>> {
    let mut book = Workbook::new();
    let zone = paper.about.zone();
    // Only the day, so that the same figures are the same file for a while.
    let made = local(paper.now, zone).date().and_time(NaiveTime::MIN);
    book.set_properties(&DocProperties::new().set_title(paper.about.heading()).set_creation_datetime(&made));
    figures(book.add_worksheet().set_name(FIGURES)?, &paper.table, zone)?;
    if let Some((_, table)) = &paper.earlier {
        figures(book.add_worksheet().set_name(EARLIER)?, table, zone)?;
    }
    let chart = paper.chart.clone().bounded();
    drawing(book.add_worksheet().set_name(CHART)?, &paper.about, &chart)?;
    about(book.add_worksheet().set_name(ABOUT)?, paper, &chart)?;
    book.save_to_buffer()
}

fn header() -> Format {
    Format::new().set_bold().set_align(FormatAlign::Left)
}

fn number_format(pattern: &str) -> Format {
    Format::new().set_num_format(pattern)
}

/// Returns the pattern of amounts: with the number of decimals that the currency has.
fn money_pattern(currency: &str) -> String {
    match usize::try_from(exponent(currency)).unwrap_or(0) {
        0 => "#,##0".into(),
        digits => format!("#,##0.{}", "0".repeat(digits)),
    }
}

/// Writes a table with a header that stays when the sheet is scrolled.
fn figures(sheet: &mut Worksheet, table: &Table, zone: Tz) -> Written {
    sheet.set_freeze_panes(1, 0)?;
    for (n, column) in (0..).zip(&table.columns) {
        sheet.write_string_with_format(0, n, column.name.as_str(), &header())?;
        let cells = table.rows.iter().filter_map(|row| row.get(usize::from(n)));
        let widest = cells.map(width_of).max().unwrap_or(0).max(column.name.chars().count() + 1);
        set_width(sheet, n, widest)?;
    }
    for (row, cells) in (1..).zip(&table.rows) {
        for ((n, cell), column) in (0..).zip(cells).zip(&table.columns) {
            write_cell(sheet, (row, n), cell, column, zone)?;
        }
    }
    Ok(())
}

fn set_width(sheet: &mut Worksheet, column: u16, characters: usize) -> Written {
    let [least, most] = WIDTH;
    let width = u32::try_from(characters).map_or(most, f64::from) * 1.1 + 1.0;
    sheet.set_column_width(column, width.clamp(least, most)).map(drop)
}

/// Returns about how many characters a cell shows.
fn width_of(cell: &Cell) -> usize {
    match cell {
        Cell::Empty => 0,
        Cell::Text(text) => text.chars().count(),
        Cell::Count(count) => count.to_string().len(),
        Cell::Number(_) => 8,
        Cell::Money(money) => money.amount.to_string().len() + 5,
        Cell::Instant(_) => 19,
    }
}

fn write_cell(sheet: &mut Worksheet, (row, n): (u32, u16), cell: &Cell, column: &Column, zone: Tz) -> Written {
    let rate = |pattern: &'static str| number_format(if column.rate { "0.0%" } else { pattern });
    match cell {
        Cell::Empty => Ok(()),
        Cell::Text(text) => sheet.write_string(row, n, plain(text)).map(drop),
        Cell::Count(count) => sheet.write_number_with_format(row, n, float(*count), &rate("#,##0")).map(drop),
        Cell::Number(number) => sheet.write_number_with_format(row, n, *number, &rate("#,##0.00")).map(drop),
        Cell::Money(money) => {
            let format = number_format(&money_pattern(&money.currency));
            sheet.write_number_with_format(row, n, major(money), &format).map(drop)
        }
        Cell::Instant(at) => write_time(sheet, (row, n), local(*at, zone), "yyyy-mm-dd hh:mm:ss"),
    }
}

fn local(at: DateTime, zone: Tz) -> NaiveDateTime {
    at.utc().with_timezone(&zone).naive_local()
}

/// Writes a date, as a text if no cell can hold it.
fn write_time(sheet: &mut Worksheet, (row, n): (u32, u16), at: NaiveDateTime, pattern: &str) -> Written {
    if at.year() < FIRST_YEAR {
        return sheet.write_string(row, n, at.to_string()).map(drop);
    }
    let format = number_format(pattern).set_align(FormatAlign::Left);
    sheet.write_datetime_with_format(row, n, at, &format).map(drop)
}

/// Returns a text without what a cell cannot hold: control characters, and more than the largest number of characters.
fn plain(text: &str) -> String {
    let kept =
        text.chars().filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}') && (!c.is_control() || "\n\t".contains(*c)));
    let mut units = 0;
    let cut: String = kept
        .take_while(|c| {
            units += c.len_utf16();
            units < TEXT_MAX
        })
        .collect();
    if units < TEXT_MAX { cut } else { format!("{cut}…") }
}

/// Writes the numbers of the chart, and the chart beside them.
fn drawing(sheet: &mut Worksheet, about: &About, chart: &Chart) -> Written {
    sheet.set_freeze_panes(1, 0)?;
    let by = if about.group_by == "none" { "" } else { about.group_by.as_str() };
    sheet.write_string_with_format(0, 0, if by.is_empty() { "of" } else { by }, &header())?;
    set_width(sheet, 0, chart.labels.iter().map(|label| label.chars().count()).max().unwrap_or(0))?;
    for (row, label) in (1..).zip(&chart.labels) {
        sheet.write_string(row, 0, plain(label))?;
    }
    let pattern = pattern(&chart.unit);
    let format = number_format(&pattern);
    let series: Vec<_> = chart.series.iter().chain(chart.marks.iter().filter(|_| chart.shape == Shape::Bars)).collect();
    for (n, series) in (1..).zip(&series) {
        sheet.write_string_with_format(0, n, plain(&series.name), &header())?;
        set_width(sheet, n, series.name.chars().count().max(10))?;
        for (row, figure) in (1..).zip(&series.figures) {
            if let Some(figure) = figure {
                sheet.write_number_with_format(row, n, figure.value, &format)?;
            }
        }
    }
    if chart.is_empty() {
        return Ok(());
    }
    let mut drawing = Drawing::new(chart_type(chart));
    let last = u32::try_from(chart.labels.len()).unwrap_or(1);
    for (n, series) in (1..).zip(&series) {
        let fill = ChartSolidFill::new().set_color(series.colour.hex()).clone();
        drawing
            .add_series()
            .set_categories((CHART, 1, 0, last, 0))
            .set_values((CHART, 1, n, last, n))
            .set_name((CHART, 0, n))
            .set_gap(60)
            .set_format(ChartFormat::new().set_solid_fill(&fill));
    }
    drawing.title().set_name(&about.heading());
    drawing.y_axis().set_name(&chart.axis_name()).set_num_format(pattern);
    if chart.shape != Shape::Columns {
        drawing.x_axis().set_reverse();
    }
    if series.len() < 2 {
        drawing.legend().set_hidden();
    }
    drawing.set_width(760).set_height(460).set_alt_text(about.heading());
    let beside = u16::try_from(series.len()).unwrap_or(1) + 2;
    sheet.insert_chart(1, beside, &drawing).map(drop)
}

fn pattern(unit: &Unit) -> String {
    match unit {
        Unit::Count => "#,##0".into(),
        Unit::Rate => "0.0%".into(),
        Unit::Days => "#,##0.0".into(),
        Unit::Money(currency) => money_pattern(currency),
    }
}

fn chart_type(chart: &Chart) -> ChartType {
    match chart.shape {
        Shape::Funnel => ChartType::BarStacked,
        Shape::Bars => ChartType::Bar,
        Shape::Columns => ChartType::ColumnStacked,
    }
}

/// Writes what the report is about.
fn about(sheet: &mut Worksheet, paper: &Paper, chart: &Chart) -> Written {
    let about = &paper.about;
    sheet.set_column_width(0, 26)?.set_column_width(1, 100)?;
    let mut row = 0;
    let mut text = |name: &str, text: &str| -> Written {
        let wrapped = Format::new().set_text_wrap().set_align(FormatAlign::Top);
        sheet.write_string_with_format(row, 0, name, &header().set_align(FormatAlign::Top))?;
        sheet.write_string_with_format(row, 1, plain(text), &wrapped)?;
        row += 1;
        Ok(())
    };
    text("Report", &about.heading())?;
    text("Definition", &about.definition)?;
    text("Pipeline", paper.pipeline.as_deref().unwrap_or(""))?;
    text("Pipeline id", &about.pipeline_id.to_string())?;
    text("Time zone", &about.time_zone)?;
    text("Grouped by", &about.group_by)?;
    text("Chart", &chart.remarks().join("; "))?;
    let earlier = paper.earlier.as_ref().map(|(earlier, _)| [earlier.from, earlier.to]);
    let mut day = |name: &str, day: Option<NaiveDate>| -> Written {
        sheet.write_string_with_format(row, 0, name, &header())?;
        if let Some(day) = day {
            write_time(sheet, (row, 1), day.and_time(NaiveTime::MIN), "yyyy-mm-dd")?;
        }
        row += 1;
        Ok(())
    };
    day("First day", about.from)?;
    day("First day after", about.to)?;
    if let Some([from, to]) = earlier {
        day("Earlier: first day", from)?;
        day("Earlier: first day after", to)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        for (currency, expected) in [("EUR", "#,##0.00"), ("JPY", "#,##0"), ("KWD", "#,##0.000")] {
            assert_eq!(money_pattern(currency), expected);
        }
    }

    #[test]
    fn texts_fit_into_cells() {
        assert_eq!(plain("=1+1\r\n\u{0}x\u{ffff}"), "=1+1\nx");
        for text in ["a".repeat(40_000), "😀".repeat(20_000)] {
            let cut = plain(&text);
            assert!(cut.ends_with('…') && cut.encode_utf16().count() <= TEXT_MAX, "{}", cut.len());
        }
    }
}

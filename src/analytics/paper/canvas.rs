//! Shapes, and how they are written as SVG. Texts and attributes are escaped by the XML writer.
use crate::analytics::paper::text;
use crate::kernel::error::{Error, Result};
use quick_xml::Writer;
use quick_xml::events::BytesText;
use std::io;

/// A part of the picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Area {
    pub fn right(self) -> f64 {
        self.x + self.width
    }

    pub fn bottom(self) -> f64 {
        self.y + self.height
    }

    pub fn middle(self) -> f64 {
        self.y + self.height / 2.0
    }
}

/// Which point of a text is at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

#[derive(Clone, Debug)]
pub struct Words {
    pub x: f64,
    pub y: f64,
    pub text: String,
    pub size: f64,
    pub colour: &'static str,
    pub anchor: Anchor,
    pub bold: bool,
    /// Whether the text runs upwards.
    pub upright: bool,
}

#[derive(Clone, Debug)]
enum Shape {
    Box { area: Area, fill: &'static str, outline: Option<&'static str>, meaning: Option<String> },
    Line { from: (f64, f64), to: (f64, f64), colour: &'static str, width: f64 },
    Polygon { points: Vec<(f64, f64)>, fill: &'static str },
    Words(Words),
}

/// What the picture says to those who do not see it.
#[derive(Clone, Debug)]
pub struct Alternative {
    pub title: String,
    pub description: String,
}

#[derive(Clone, Debug, Default)]
pub struct Canvas(Vec<Shape>);

/// Fonts with the letters of most languages. The viewer takes the first one that it has.
const FONTS: &str = "'Noto Sans', 'DejaVu Sans', 'Segoe UI', 'Helvetica Neue', Arial, 'Noto Sans Arabic', \
                     'Noto Sans CJK JP', 'Hiragino Sans', 'Yu Gothic', sans-serif";

impl Canvas {
    pub fn fill(&mut self, area: Area, fill: &'static str) {
        self.0.push(Shape::Box { area, fill, outline: None, meaning: None });
    }

    /// Adds a bar. `meaning` is shown when the pointer is on it.
    pub fn bar(&mut self, area: Area, fill: &'static str, outline: &'static str, meaning: String) {
        self.0.push(Shape::Box { area, fill, outline: Some(outline), meaning: Some(meaning) });
    }

    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &'static str, width: f64) {
        self.0.push(Shape::Line { from, to, colour, width });
    }

    pub fn polygon(&mut self, points: Vec<(f64, f64)>, fill: &'static str) {
        self.0.push(Shape::Polygon { points, fill });
    }

    pub fn words(&mut self, words: Words) {
        if !words.text.is_empty() {
            self.0.push(Shape::Words(words));
        }
    }

    /// Returns the picture.
    pub fn svg(&self, width: u32, height: u32, alternative: &Alternative) -> Result<String> {
        let mut writer = Writer::new(Vec::new());
        self.write(&mut writer, width, height, alternative).map_err(Error::internal)?;
        String::from_utf8(writer.into_inner()).map_err(Error::internal)
    }

    fn write(&self, to: &mut Writer<Vec<u8>>, width: u32, height: u32, said: &Alternative) -> io::Result<()> {
        let (w, h, view) = (width.to_string(), height.to_string(), format!("0 0 {width} {height}"));
        let root = to.create_element("svg").with_attributes([
            ("xmlns", "http://www.w3.org/2000/svg"),
            ("width", w.as_str()),
            ("height", h.as_str()),
            ("viewBox", view.as_str()),
            ("role", "img"),
            ("aria-labelledby", "title desc"),
            ("font-family", FONTS),
        ]);
        root.write_inner_content(|to| {
            let named = |to: &mut Writer<Vec<u8>>, name: &str, text: &str| {
                let element = to.create_element(name).with_attribute(("id", name));
                element.write_text_content(BytesText::new(text)).map(drop)
            };
            named(to, "title", &said.title)?;
            named(to, "desc", &said.description)?;
            self.0.iter().try_for_each(|shape| shape.write(to))
        })?;
        Ok(())
    }
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}

impl Shape {
    fn write(&self, to: &mut Writer<Vec<u8>>) -> io::Result<()> {
        match self {
            Shape::Box { area, fill, outline, meaning } => write_box(to, *area, fill, *outline, meaning.as_deref()),
            Shape::Line { from, to: end, colour, width } => {
                let places = [("x1", from.0), ("y1", from.1), ("x2", end.0), ("y2", end.1), ("stroke-width", *width)];
                let places = places.map(|(name, value)| (name, number(value)));
                let element = to.create_element("line").with_attribute(("stroke", *colour));
                let places = places.iter().map(|(name, value)| (*name, value.as_str()));
                element.with_attributes(places).write_empty().map(drop)
            }
            Shape::Polygon { points, fill } => {
                let points = points.iter().map(|(x, y)| format!("{},{}", number(*x), number(*y)));
                let points = points.collect::<Vec<_>>().join(" ");
                let element = to.create_element("polygon").with_attribute(("points", points.as_str()));
                element.with_attribute(("fill", *fill)).write_empty().map(drop)
            }
            Shape::Words(words) => words.write(to),
        }
    }
}

fn write_box(
    to: &mut Writer<Vec<u8>>,
    area: Area,
    fill: &str,
    outline: Option<&str>,
    meaning: Option<&str>,
) -> io::Result<()> {
    let places = [("x", area.x), ("y", area.y), ("width", area.width.max(0.0)), ("height", area.height.max(0.0))];
    let places = places.map(|(name, value)| (name, number(value)));
    let mut element = to.create_element("rect").with_attribute(("fill", fill));
    element = element.with_attributes(places.iter().map(|(name, value)| (*name, value.as_str())));
    if let Some(outline) = outline {
        element = element.with_attributes([("stroke", outline), ("stroke-width", "0.75")]);
    }
    let Some(meaning) = meaning else { return element.write_empty().map(drop) };
    let title =
        |to: &mut Writer<Vec<u8>>| to.create_element("title").write_text_content(BytesText::new(meaning)).map(drop);
    element.write_inner_content(title).map(drop)
}

impl Words {
    pub fn new(x: f64, y: f64, text: impl Into<String>, size: f64, colour: &'static str) -> Words {
        Words { x, y, text: text.into(), size, colour, anchor: Anchor::Start, bold: false, upright: false }
    }

    #[must_use]
    pub fn anchored(self, anchor: Anchor) -> Words {
        Words { anchor, ..self }
    }

    #[must_use]
    pub fn bold(self) -> Words {
        Words { bold: true, ..self }
    }

    #[must_use]
    pub fn upright(self) -> Words {
        Words { upright: true, ..self }
    }

    fn write(&self, to: &mut Writer<Vec<u8>>) -> io::Result<()> {
        let (x, y, size) = (number(self.x), number(self.y), number(self.size));
        let anchor = match self.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let mut element = to.create_element("text").with_attributes([
            ("x", x.as_str()),
            ("y", y.as_str()),
            ("font-size", size.as_str()),
            ("fill", self.colour),
            ("text-anchor", anchor),
        ]);
        if self.bold {
            element = element.with_attribute(("font-weight", "bold"));
        }
        let turn = format!("rotate(-90 {x} {y})");
        if self.upright {
            element = element.with_attribute(("transform", turn.as_str()));
        }
        element.write_text_content(BytesText::new(&text::isolated(self.text.clone()))).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        let hostile = "</text><script>alert(\"1\" & '2')</script>";
        let mut canvas = Canvas::default();
        let area = Area { x: 1.0, y: 2.0, width: 3.04, height: -1.0 };
        canvas.bar(area, "#000000", "#FFFFFF", hostile.into());
        canvas.words(Words::new(0.0, 0.0, hostile, 12.0, "#000000").bold().upright().anchored(Anchor::End));
        canvas.words(Words::new(0.0, 0.0, "", 12.0, "#000000"));
        let alternative = Alternative { title: hostile.into(), description: hostile.into() };
        let svg = canvas.svg(320, 320, &alternative).unwrap();
        assert!(!svg.contains("<script"), "{svg}");
        assert_eq!(svg.matches("&lt;script&gt;").count(), 4, "{svg}");
        assert_eq!(svg.matches("<text").count(), 1, "an empty text is not written");
        assert!(svg.contains("width=\"3.0\" height=\"0.0\""), "{svg}");
        assert!(svg.contains("role=\"img\"") && svg.contains("<title id=\"title\">"), "{svg}");
    }
}

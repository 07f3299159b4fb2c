//! How a picture looks: its size, and its colours on a light or a dark background.
use crate::analytics::period::wrong;
use crate::kernel::error::{Error, FieldError, Result};
use crate::kernel::query::openapi::{parameter, schema};
use crate::kernel::query::params::QueryParams;
use crate::kernel::values::value_type::ValueType;
use crate::text_enum;
use utoipa::openapi::path::{Parameter, ParameterBuilder};

text_enum! {
    pub enum Theme { Light = "light", Dark = "dark", }
}

/// The parameters of pictures.
pub const OWN: [&str; 3] = ["theme", "width", "height"];

/// The smallest and the largest width and height, in pixels. The largest picture takes 16 MB in memory.
const SIDE: [u32; 2] = [320, 2_000];
const WIDTH: u32 = 960;
const HEIGHT: u32 = 540;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub theme: Theme,
    pub width: u32,
    pub height: u32,
}

/// The colours of Okabe and Ito, which people with any colour vision can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    Blue,
    Orange,
    Green,
    Purple,
    Sky,
    Vermilion,
    Yellow,
    Grey,
}

impl Colour {
    /// The order in which series get a colour.
    pub const ALL: [Colour; 8] = [
        Colour::Blue,
        Colour::Orange,
        Colour::Green,
        Colour::Purple,
        Colour::Sky,
        Colour::Vermilion,
        Colour::Yellow,
        Colour::Grey,
    ];

    pub const fn hex(self) -> &'static str {
        match self {
            Colour::Blue => "#0072B2",
            Colour::Orange => "#E69F00",
            Colour::Green => "#009E73",
            Colour::Purple => "#CC79A7",
            Colour::Sky => "#56B4E9",
            Colour::Vermilion => "#D55E00",
            Colour::Yellow => "#F0E442",
            Colour::Grey => "#999999",
        }
    }
}

impl Look {
    /// Reads the parameters of a picture.
    pub fn read(query: &str) -> Result<Look> {
        let mut params = QueryParams::read(query)?;
        let unknown = |_| Error::parameters(vec![FieldError::not_among(Theme::TEXTS).at_parameter("theme")]);
        let theme = params.take("theme").map(|text| text.parse().map_err(unknown)).transpose()?;
        let mut side = |name: &str, usual| side(&mut params, name, usual);
        let (width, height) = (side("width", WIDTH)?, side("height", HEIGHT)?);
        Ok(Look { theme: theme.unwrap_or(Theme::Light), width, height })
    }

    /// Refuses the parameters of pictures.
    pub fn refuse(query: &str) -> Result<()> {
        Look::read(query)?;
        let params = QueryParams::read(query)?;
        let found = params.names().find(|name| OWN.contains(name));
        found.map_or(Ok(()), |name| Err(wrong(name, "must be absent unless the response is a picture")))
    }

    /// Removes the parameters of pictures from those of a report.
    pub fn set_aside(params: &mut QueryParams) {
        for name in OWN {
            params.take(name);
        }
    }

    pub const fn background(self) -> &'static str {
        match self.theme {
            Theme::Light => "#FFFFFF",
            Theme::Dark => "#15181C",
        }
    }

    /// The colour of texts, and of the outlines without which light bars would not stand out.
    pub const fn ink(self) -> &'static str {
        match self.theme {
            Theme::Light => "#1B1F24",
            Theme::Dark => "#F2F4F6",
        }
    }

    /// The colour of less important texts.
    pub const fn muted(self) -> &'static str {
        match self.theme {
            Theme::Light => "#57606A",
            Theme::Dark => "#AEB6BF",
        }
    }

    pub const fn grid(self) -> &'static str {
        match self.theme {
            Theme::Light => "#D8DEE4",
            Theme::Dark => "#3A4148",
        }
    }
}

fn side(params: &mut QueryParams, name: &str, usual: u32) -> Result<u32> {
    let [least, most] = SIDE;
    let given = params.parsed(name, "a number of pixels")?.unwrap_or(usual);
    let outside = || FieldError::out_of_range(Some(least.into()), Some(most.into())).at_parameter(name);
    if (least..=most).contains(&given) { Ok(given) } else { Err(Error::parameters(vec![outside()])) }
}

/// Returns the parameters of pictures for the document. They state no defaults: generated clients would send these with
/// each request, also for JSON.
pub fn parameters() -> Vec<Parameter> {
    let [least, most] = SIDE.map(f64::from);
    let side = |name: &str, meaning: &str, usual: u32| {
        let one = schema(ValueType::Int).minimum(Some(least)).maximum(Some(most));
        ParameterBuilder::from(parameter(name.into(), meaning.into(), one, None)).example(Some(usual.into())).build()
    };
    let theme = schema(ValueType::Text).pattern(Some("^(light|dark)$"));
    vec![
        parameter("theme".into(), "Only for a picture: the background; light if absent.".into(), theme, None),
        side("width", "Only for a picture: its width in pixels; 960 if absent.", WIDTH),
        side("height", "Only for a picture: its height in pixels; 540 if absent.", HEIGHT),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::samples::refusals;

    #[test]
    fn the_size_is_bounded() {
        let usual = Look { theme: Theme::Light, width: WIDTH, height: HEIGHT };
        for (query, expected) in [
            ("", Ok(usual)),
            ("group_by=owner", Ok(usual)),
            ("theme=dark&width=320&height=2000", Ok(Look { theme: Theme::Dark, width: 320, height: 2_000 })),
            ("theme=blue", Err("theme")),
            ("width=319", Err("width")),
            ("height=2001", Err("height")),
            ("height=4294967296", Err("height")),
            ("width=wide", Err("width")),
        ] {
            match (Look::read(query), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{query}"),
                (Err(error), Err(name)) => assert!(refusals(&error)[0].starts_with(name), "{query}"),
                (found, _) => panic!("{query}: {found:?}"),
            }
        }
    }

    #[test]
    fn other_formats_have_no_size() {
        assert!(Look::refuse("group_by=owner").is_ok());
        for query in ["width=500", "a=b&theme=dark"] {
            assert!(Look::refuse(query).is_err(), "{query}");
        }
    }
}

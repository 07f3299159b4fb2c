//! A picture as PNG. It needs fonts: a picture without its letters would be wrong, so it is refused.
use crate::analytics::paper::fonts::Fonts;
use crate::kernel::error::{Code, Error, Result};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::{Database, ID};
use resvg::usvg::{FontResolver, Options, Tree};
use std::sync::{Arc, Mutex, PoisonError};

/// The number of different signs without a font that are replaced.
const REPLACED_MAX: usize = 16;

/// Draws a picture that was written as SVG.
pub fn draw(svg: String, fonts: &Fonts) -> Result<Vec<u8>> {
    if fonts.database().is_empty() {
        return Err(refused("this server has no fonts"));
    }
    let tree = with_known_signs(svg, fonts)?;
    let size = tree.size().to_int_size();
    let mut pixels = Pixmap::new(size.width(), size.height()).ok_or_else(|| Error::internal("an empty picture"))?;
    resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
    pixels.encode_png().map_err(Error::internal)
}

/// Lays out a picture. Signs that no font has, such as emoji, become question marks; a missing letter is refused.
fn with_known_signs(mut svg: String, fonts: &Fonts) -> Result<Tree> {
    for _ in 0..REPLACED_MAX {
        let (tree, missing) = laid_out(&svg, fonts)?;
        let Some(sign) = missing else { return Ok(tree) };
        if sign.is_alphabetic() {
            let sign = format!("no font of this server has the letter {sign} (U+{:04X})", u32::from(sign));
            return Err(refused(&sign));
        }
        svg = svg.replace(sign, if is_invisible(sign) { "" } else { "?" });
    }
    laid_out(&svg, fonts).map(|(tree, _)| tree)
}

/// Lays out a picture, and returns a sign that no font has.
fn laid_out(svg: &str, fonts: &Fonts) -> Result<(Tree, Option<char>)> {
    let missing = Mutex::new(None);
    let tree = {
        let usual = FontResolver::default_fallback_selector();
        let select_fallback = Box::new(|sign: char, used: &[ID], fonts: &mut Arc<Database>| {
            let found = usual(sign, used, fonts);
            if found.is_none() {
                *missing.lock().unwrap_or_else(PoisonError::into_inner) = Some(sign);
            }
            found
        });
        let font_resolver = FontResolver { select_fallback, ..FontResolver::default() };
        let options = Options { fontdb: fonts.database(), font_resolver, ..Options::default() };
        Tree::from_str(svg, &options).map_err(Error::internal)?
    };
    Ok((tree, missing.into_inner().unwrap_or_else(PoisonError::into_inner)))
}

/// Joiners, variation selectors and marks of the direction.
const fn is_invisible(sign: char) -> bool {
    matches!(sign, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{e0000}'..='\u{e01ef}')
}

fn refused(why: &str) -> Error {
    let detail = format!("{why}; accept image/svg+xml, or ask the operator to install fonts (VORONKA_FONTS)");
    Error::new(Code::NotAcceptable, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::paper::chart::{Chart, Shape};
    use crate::analytics::paper::look::{Look, Theme};
    use crate::analytics::paper::samples::{about, chart};
    use crate::analytics::paper::svg;

    fn drawn(label: &str, fonts: &Fonts) -> Result<Vec<u8>, String> {
        let look = Look { theme: Theme::Light, width: 320, height: 320 };
        let chart = Chart { labels: vec![label.into(), "b".into()], ..chart(Shape::Bars) };
        draw(svg::draw(&about(), None, chart, look).unwrap(), fonts).map_err(|error| match error {
            Error::Problem(problem) => format!("{} {}", problem.code.as_str(), problem.detail),
            other => other.to_string(),
        })
    }

    #[test]
    fn letters_need_a_font() {
        let found = Fonts::default();
        for label in ["Anna", "Анна", "\u{2068}Anna\u{2069}\u{200d}", "\u{10fffd}\u{e000} two private signs"] {
            let png = drawn(label, &found).unwrap_or_else(|problem| panic!("{label}: {problem}"));
            assert_eq!(Pixmap::decode_png(&png).map(|png| png.width()).ok(), Some(320), "{label}");
        }
        // Hardly any font has the letters of Kawi.
        let refused = drawn("\u{10fffd}𑼄", &found).unwrap_err();
        assert!(refused.starts_with("not_acceptable no font of this server has the letter 𑼄 (U+11F04)"), "{refused}");
        let refused = drawn("Anna", &Fonts::new(vec!["/nowhere".into()])).unwrap_err();
        assert!(refused.starts_with("not_acceptable this server has no fonts"), "{refused}");
    }
}

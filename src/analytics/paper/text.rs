//! Texts in pictures: without control characters, and not longer than their place.
use unicode_width::UnicodeWidthChar;

/// The width of a letter, as a part of the font size: an average, a little too large for most fonts.
const NARROW: f64 = 0.6;
/// The same for ideographs and other wide signs.
const WIDE: f64 = 1.05;

/// Removes control characters, what XML cannot contain, and marks that would change the direction of other texts.
/// Several blanks become one.
pub fn clean(text: &str) -> String {
    let blank = |c: char| if c.is_control() || c.is_whitespace() { ' ' } else { c };
    let kept: String = text.chars().filter(|c| !is_refused(*c)).map(blank).collect();
    kept.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

const fn is_refused(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
}

/// Returns about how many pixels a text is wide.
pub fn width(text: &str, size: f64) -> f64 {
    let of = |c: char| match c.width() {
        None | Some(0) => 0.0,
        Some(1) => NARROW,
        Some(_) => WIDE,
    };
    text.chars().map(of).sum::<f64>() * size
}

/// Cuts a text that is wider than its place, and ends it with an ellipsis.
pub fn fit(text: &str, size: f64, place: f64) -> String {
    if width(text, size) <= place {
        return text.to_owned();
    }
    let (mut cut, mut left) = (String::new(), place - width("…", size));
    for c in text.chars() {
        left -= width(c.encode_utf8(&mut [0; 4]), size);
        if left < 0.0 {
            break;
        }
        cut.push(c);
    }
    format!("{}…", cut.trim_end())
}

/// Cuts a text after a number of characters.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default().trim_end()),
    }
}

/// Encloses a text in marks by which its own first letter decides its direction, if it is written from right to left.
pub fn isolated(text: String) -> String {
    if text.chars().any(is_right_to_left) { format!("\u{2068}{text}\u{2069}") } else { text }
}

/// Hebrew, Arabic, Syriac and the other scripts from right to left.
const fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}'
        | '\u{1e800}'..='\u{1efff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cleaned() {
        for (text, expected) in [
            ("Acme", "Acme"),
            (" two\r\n lines\t", "two lines"),
            ("\u{1}a\u{7f}b\u{fffe}", "a b"),
            ("a\u{202e}b\u{2066}", "ab"),
            ("日本 語", "日本 語"),
            ("<script>", "<script>"),
            ("", ""),
        ] {
            assert_eq!(clean(text), expected, "{text:?}");
        }
    }

    #[test]
    fn long_texts_are_cut() {
        for (text, expected) in [
            ("short", "short"),
            ("a rather long label of a group", "a rather long…"),
            ("長い長い長い長い長い名前", "長い長い長い長い…"),
            ("Анна-Мария Константиновна", "Анна-Мария Кон…"),
        ] {
            let found = fit(text, 10.0, 90.0);
            assert_eq!(found, expected, "{text}");
            assert!(width(&found, 10.0) <= 90.0, "{text}");
        }
        assert_eq!(fit("long", 10.0, 0.0), "…");
        assert_eq!(shortened("abc", 3), "abc");
        assert_eq!(shortened("ab дe", 4), "ab д…");
    }

    #[test]
    fn texts_from_right_to_left_keep_to_themselves() {
        assert_eq!(isolated("Anna".into()), "Anna");
        assert_eq!(isolated("مبيعات…".into()), "\u{2068}مبيعات…\u{2069}");
        assert_eq!(isolated("דנה".into()), "\u{2068}דנה\u{2069}");
    }
}

//! Names of people in scripts that write the family name first, without a space.

/// Checks whether a name is in Chinese, Japanese or Korean script. The ranges are those of the indexes `contacts_words`
/// and `leads_words`.
pub fn family_first(name: &str) -> bool {
    name.chars().any(|c| {
        matches!(c, '\u{3005}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}')
            || matches!(c, '\u{20000}'..='\u{3ffff}')
    })
}

//! Phone numbers: kept as they were written, and in E.164 where they can be understood.
use phonenumber::country::Id;

/// `+3725550101` for "+372 555 0101", or for "555 0101" in Estonia; nothing for what is no number.
pub fn e164(text: &str, country: &str) -> Option<String> {
    let text = text.strip_prefix("00").map_or_else(|| text.to_owned(), |rest| format!("+{rest}"));
    let number = phonenumber::parse(country.parse::<Id>().ok(), text).ok()?;
    let formatted = number.format().mode(phonenumber::Mode::E164).to_string();
    (8..=16).contains(&formatted.len()).then_some(formatted)
}

#[cfg(test)]
mod tests {
    use super::e164;

    #[test]
    fn numbers_become_e164() {
        assert_eq!(e164("+372 555 01011", "US").as_deref(), Some("+37255501011"));
        assert_eq!(e164("00372 555 01011", "US").as_deref(), Some("+37255501011"));
        assert_eq!(e164("8 (912) 345-67-89", "RU").as_deref(), Some("+79123456789"));
        assert_eq!(e164("(212) 555-0123", "US").as_deref(), Some("+12125550123"));
        assert_eq!(e164("ask at the desk", "US"), None);
    }
}

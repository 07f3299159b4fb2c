//! The letters by which spreadsheets call columns.

/// `A` for 0, `Z` for 25, `AA` for 26.
pub fn of(column: usize) -> String {
    let (mut rest, mut letters) = (column + 1, Vec::new());
    while rest > 0 {
        letters.push(char::from(b'A' + u8::try_from((rest - 1) % 26).unwrap_or(0)));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

/// The column of a cell such as `AB12`, counted from 0.
pub fn column(reference: &[u8]) -> Option<usize> {
    let letters = reference.iter().take_while(|byte| byte.is_ascii_alphabetic());
    let add =
        |sum: usize, byte: &u8| sum.checked_mul(26)?.checked_add(usize::from(byte.to_ascii_uppercase() - b'A') + 1);
    letters.take(4).try_fold(0, add)?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn letters_and_columns_correspond() {
        for (column, letters) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16_383, "XFD")] {
            assert_eq!(super::of(column), letters);
            assert_eq!(super::column(format!("{letters}12").as_bytes()), Some(column));
        }
        assert_eq!(super::column(b"12"), None);
    }
}

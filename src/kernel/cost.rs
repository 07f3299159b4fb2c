//! What a question costs the database. One that would keep a thread busy for seconds is refused, with words.
use crate::kernel::cond::{Cond, Op};
use crate::kernel::error::{Bad, FieldCode};
use crate::kernel::field::FieldRef;

/// What the conditions of a list or of a selection may cost together.
const COST_MAX: usize = 100;
/// Different words of one search.
pub const WORDS_MAX: usize = 12;
/// What looks into texts, by word or condition; everything else costs one.
const TEXT: usize = 5;
/// What costs more is asked on the threads that are kept for searches.
const LIGHT: usize = 4;

impl Cond {
    pub fn cost(&self) -> usize {
        match self {
            Cond::All(list) | Cond::Any(list) => list.iter().map(Cond::cost).sum(),
            Cond::Not(cond) => cond.cost(),
            Cond::Is(FieldRef::Built(field), ..) | Cond::Empty(FieldRef::Built(field)) if field.beside => 0,
            Cond::Is(_, Op::Contains | Op::StartsWith, _) => TEXT,
            Cond::Mentions(_, words) => TEXT * words.len(),
            Cond::Among(_, _, cost) => *cost,
            Cond::Is(..) | Cond::Empty(_) | Cond::Carries(..) | Cond::Within(..) => 1,
        }
    }
}

/// Whether conditions may take long.
pub fn is_costly(conds: &[Cond]) -> bool {
    conds.iter().map(Cond::cost).sum::<usize>() > LIGHT
}

/// Adds up what conditions cost.
#[derive(Debug, Default)]
pub struct Spent(usize);

impl Spent {
    /// Adds one; the error says that with it there are too many.
    pub fn add(&mut self, cond: &Cond) -> Result<(), Bad> {
        let before = self.0;
        self.0 += cond.cost();
        if before <= COST_MAX && self.0 > COST_MAX {
            let detail = format!(
                "is too much beside the others: contains and starts_with count {TEXT}, every other condition 1, and all together may \
                 count {COST_MAX}"
            );
            return Err(Bad::new(FieldCode::TooLong, detail).within(None, i64::try_from(COST_MAX).ok()));
        }
        Ok(())
    }
}

/// Words without those that others contain: what holds "annabel" holds "anna" too.
pub fn needed(words: Vec<String>) -> Vec<String> {
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let implied = |n: usize, word: &String| {
        lower.iter().enumerate().any(|(m, other)| m != n && other.contains(word) && (other != word || m < n))
    };
    let needed: Vec<bool> = lower.iter().enumerate().map(|(n, word)| !implied(n, word)).collect();
    words.into_iter().zip(needed).filter(|(_, needed)| *needed).map(|(word, _)| word).collect()
}

#[cfg(test)]
mod tests {
    use super::needed;

    #[test]
    fn a_word_inside_another_is_not_looked_for() {
        for (text, wanted) in [
            ("anna", "anna"),
            ("anna Anna ANNA", "anna"),
            ("anna annabel", "annabel"),
            ("a b c abc", "abc"),
            ("anna lee", "anna lee"),
            ("Ann Lee ann", "Ann Lee"),
            ("", ""),
        ] {
            assert_eq!(needed(text.split_whitespace().map(str::to_owned).collect()).join(" "), wanted, "{text}");
        }
    }
}

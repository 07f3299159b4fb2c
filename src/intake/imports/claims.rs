//! The records that the rows of a file stand for, to find rows that mean the same record wherever they are in the file.
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use uuid::Uuid;

/// A cell that is not empty: its column, and a digest of its value. A file has millions of cells, so the values
/// themselves are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stated {
    pub column: u16,
    digest: u32,
}

impl Stated {
    /// `value` is in normal form.
    pub fn new(column: usize, value: &str) -> Stated {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        let digest = u32::try_from(hasher.finish() & u64::from(u32::MAX)).unwrap_or_default();
        Stated { column: u16::try_from(column).unwrap_or(u16::MAX), digest }
    }
}

/// The first row of a record, and what this row and later ones state.
#[derive(Clone, Debug)]
pub struct Claim {
    pub line: u64,
    stated: Vec<Stated>,
}

/// A later row of a record, compared with the earlier ones.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The columns in which it has another value.
    pub contradicted: Vec<u16>,
    /// The columns in which it has the same value.
    pub repeated: Vec<u16>,
    /// Whether it has a value where the earlier rows have none.
    pub adds: bool,
}

impl Claim {
    /// Compares a later row. In the columns of `additive`, such as tags, each row adds its values.
    pub fn compare(&self, row: &[Stated], additive: &[u16]) -> Comparison {
        let mut comparison = Comparison::default();
        for cell in row {
            let earlier = self.stated.iter().find(|stated| stated.column == cell.column);
            match earlier {
                Some(earlier) if earlier == cell => comparison.repeated.push(cell.column),
                Some(_) if !additive.contains(&cell.column) => comparison.contradicted.push(cell.column),
                _ => comparison.adds = true,
            }
        }
        comparison
    }

    fn extend(&mut self, row: &[Stated]) {
        for cell in row {
            if !self.stated.iter().any(|stated| stated.column == cell.column) {
                self.stated.push(*cell);
            }
        }
    }
}

/// The claims of the rows so far.
#[derive(Debug, Default)]
pub struct Claims {
    kept: HashMap<Uuid, Claim>,
    /// Those of the current chunk. They are lost if its transaction is retried.
    fresh: HashMap<Uuid, Claim>,
}

impl Claims {
    pub fn of(&self, record: Uuid) -> Option<&Claim> {
        self.fresh.get(&record).or_else(|| self.kept.get(&record))
    }

    /// Adds a row that was written.
    pub fn add(&mut self, record: Uuid, line: u64, stated: &[Stated]) {
        let known = self.of(record).cloned();
        let mut claim = known.unwrap_or_else(|| Claim { line, stated: Vec::new() });
        claim.extend(stated);
        self.fresh.insert(record, claim);
    }

    /// Forgets the claims of a chunk that was rolled back.
    pub fn rewind(&mut self) {
        self.fresh.clear();
    }

    /// Keeps the claims of a chunk that was committed.
    pub fn keep(&mut self) {
        self.kept.extend(self.fresh.drain());
    }
}

#[cfg(test)]
mod tests {
    use super::{Claims, Comparison, Stated};
    use uuid::Uuid;

    const RECORD: Uuid = Uuid::nil();
    /// A column of tags.
    const TAGS: [u16; 1] = [9];

    fn row(cells: &[(usize, &str)]) -> Vec<Stated> {
        cells.iter().map(|(column, value)| Stated::new(*column, value)).collect()
    }

    fn compared(later: &[(usize, &str)]) -> Comparison {
        let mut claims = Claims::default();
        claims.add(RECORD, 2, &row(&[(0, "a@x.example"), (1, "anna"), (9, "vip")]));
        claims.of(RECORD).unwrap().compare(&row(later), &TAGS)
    }

    #[test]
    fn a_later_row_repeats_adds_or_contradicts() {
        for (case, later, contradicted, repeated, adds) in [
            ("the same", vec![(0, "a@x.example"), (1, "anna")], vec![], vec![0, 1], false),
            ("less", vec![(0, "a@x.example")], vec![], vec![0], false),
            ("another name", vec![(0, "a@x.example"), (1, "bert")], vec![1], vec![0], false),
            ("a phone number", vec![(0, "a@x.example"), (2, "555")], vec![], vec![0], true),
            ("another tag", vec![(0, "a@x.example"), (9, "fair")], vec![], vec![0], true),
        ] {
            assert_eq!(compared(&later), Comparison { contradicted, repeated, adds }, "{case}");
        }
    }

    #[test]
    fn additions_are_compared_too() {
        let mut claims = Claims::default();
        claims.add(RECORD, 2, &row(&[(0, "a")]));
        claims.keep();
        claims.add(RECORD, 3, &row(&[(1, "b")]));
        let claim = claims.of(RECORD).unwrap();
        assert_eq!(claim.line, 2);
        assert_eq!(claim.compare(&row(&[(1, "c")]), &[]).contradicted, [1]);
        claims.rewind();
        assert!(claims.of(RECORD).unwrap().compare(&row(&[(1, "c")]), &[]).adds);
    }
}

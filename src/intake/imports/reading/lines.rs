//! Counts lines as editors do: `\n`, `\r\n` and a single `\r` each end one.
use memchr::{memchr, memchr_iter};

#[derive(Clone, Copy, Debug)]
pub struct Lines {
    /// The line on which the next byte stands. The first line is 1.
    pub line: u64,
    after_return: bool,
}

impl Default for Lines {
    fn default() -> Lines {
        Lines { line: 1, after_return: false }
    }
}

impl Lines {
    pub fn pass(&mut self, bytes: &[u8]) {
        let feeds = memchr_iter(b'\n', bytes).count();
        let mut ends = feeds;
        if self.after_return && bytes.first() == Some(&b'\n') {
            ends -= 1;
        }
        if memchr(b'\r', bytes).is_some() {
            let followed = |at: &usize| bytes.get(at + 1) == Some(&b'\n');
            ends += memchr_iter(b'\r', bytes).filter(|at| !followed(at)).count();
        }
        self.line += u64::try_from(ends).unwrap_or(u64::MAX);
        if let Some(last) = bytes.last() {
            self.after_return = *last == b'\r';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn every_kind_of_line_end_counts_once() {
        for (text, line) in [
            ("", 1),
            ("a", 1),
            ("a\nb", 2),
            ("a\r\nb", 2),
            ("a\rb", 2),
            ("a\r\rb\n\n", 5),
            ("a\r\n\r\nb", 3),
            ("a\n\rb", 3),
        ] {
            for cut in 0..=text.len() {
                let mut lines = Lines::default();
                lines.pass(&text.as_bytes()[..cut]);
                lines.pass(&text.as_bytes()[cut..]);
                assert_eq!(lines.line, line, "{text:?} cut at {cut}");
            }
        }
    }
}

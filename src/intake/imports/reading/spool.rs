//! Bytes that are written once and read often. What exceeds a limit is on disk, in a file that has no name and
//! disappears with the spool.
use crate::intake::imports::reading::failure::{Failure, Result};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

#[derive(Debug)]
pub struct Spool {
    /// The last bytes, which are not on disk.
    tail: Vec<u8>,
    file: Option<File>,
    /// The number of bytes on disk.
    stored: u64,
    /// The number of bytes that are held in memory.
    most: usize,
}

impl Spool {
    pub fn new(most: usize) -> Spool {
        Spool { tail: Vec::new(), file: None, stored: 0, most }
    }

    /// The number of bytes.
    pub fn size(&self) -> u64 {
        self.stored.saturating_add(u64::try_from(self.tail.len()).unwrap_or(u64::MAX))
    }

    /// Adds a piece, which can only be read as a whole or with the pieces next to it.
    pub fn push(&mut self, piece: &[u8]) -> Result<()> {
        self.tail.extend_from_slice(piece);
        if self.tail.len() > self.most { self.store().map_err(lost) } else { Ok(()) }
    }

    fn store(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile()?),
        };
        file.write_all(&self.tail)?;
        self.stored = self.stored.saturating_add(u64::try_from(self.tail.len()).unwrap_or(u64::MAX));
        self.tail.clear();
        Ok(())
    }

    /// Reads the bytes from one position to another, into a buffer whose contents they replace.
    pub fn read(&self, begin: u64, end: u64, into: &mut Vec<u8>) -> Result<()> {
        let on_disk = end.min(self.stored).saturating_sub(begin);
        into.clear();
        into.resize(length(on_disk), 0);
        if let Some(file) = self.file.as_ref().filter(|_| on_disk > 0) {
            file.read_exact_at(into, begin).map_err(lost)?;
        }
        let position = |at: u64| length(at.saturating_sub(self.stored));
        into.extend_from_slice(self.tail.get(position(begin)..position(end)).unwrap_or_default());
        Ok(())
    }
}

fn length(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn lost(error: io::Error) -> Failure {
    Failure::of_server(&error)
}

#[cfg(test)]
mod tests {
    use super::Spool;

    #[test]
    fn pieces_are_read_from_memory_and_from_disk() {
        for most in [0, 3, 7, 1_000] {
            let mut spool = Spool::new(most);
            let pieces = ["one", "", "two", "three", "four"];
            let ends: Vec<u64> = pieces
                .iter()
                .map(|piece| {
                    spool.push(piece.as_bytes()).unwrap();
                    spool.size()
                })
                .collect();
            let mut read = Vec::new();
            for (n, piece) in pieces.iter().enumerate() {
                let begin = if n == 0 { 0 } else { ends[n - 1] };
                spool.read(begin, ends[n], &mut read).unwrap();
                assert_eq!(read, piece.as_bytes(), "{most}");
            }
            spool.read(0, spool.size(), &mut read).unwrap();
            assert_eq!(read, b"onetwothreefour", "{most}");
        }
    }
}

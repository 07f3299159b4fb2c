//! Readers that stop a file that is larger than it may be.
use crate::intake::imports::reading::failure::Failure;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a file is read from: memory, or a file on disk.
pub trait Input: Read + Seek + Send {}
impl<T: Read + Seek + Send> Input for T {}

/// Reads at most a number of bytes, and fails if there are more.
pub struct Limited<R> {
    inner: R,
    left: u64,
    detail: String,
}

impl<R> Limited<R> {
    pub fn new(inner: R, most: u64, detail: String) -> Limited<R> {
        Limited { inner, left: most, detail }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(u64::try_from(read).unwrap_or(u64::MAX)) {
            Some(left) => self.left = left,
            None => return Err(Failure::new(self.detail.as_str()).into()),
        }
        Ok(read)
    }
}

/// Counts the bytes that are read while the directory of an archive is loaded, which bounds its memory.
pub struct Metered<R> {
    inner: R,
    left: u64,
    released: Arc<AtomicBool>,
}

impl<R> Metered<R> {
    /// Returns the reader, and the flag that removes its limit.
    pub fn new(inner: R, most: u64) -> (Metered<R>, Arc<AtomicBool>) {
        let released = Arc::new(AtomicBool::new(false));
        (Metered { inner, left: most, released: released.clone() }, released)
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if !self.released.load(Ordering::Relaxed) {
            let left = self.left.checked_sub(u64::try_from(read).unwrap_or(u64::MAX));
            self.left = left.ok_or_else(|| Failure::new("the archive has too many entries"))?;
        }
        Ok(read)
    }
}

impl<R: Seek> Seek for Metered<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// A buffered reader that bounds the number of bytes between two calls of `mark`. The XML reader holds one tag or
/// text in memory, however long it is.
pub struct Pieces<R> {
    inner: R,
    most: usize,
    left: usize,
}

impl<R> Pieces<R> {
    pub fn new(inner: R, most: usize) -> Pieces<R> {
        Pieces { inner, most, left: most }
    }

    pub fn mark(&mut self) {
        self.left = self.most;
    }
}

impl<R: BufRead> Read for Pieces<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let read = available.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Pieces<R> {
    #[inline]
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(Failure::new(format!("a text has more than {} bytes", self.most)).into());
        }
        self.inner.fill_buf()
    }

    #[inline]
    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount);
        self.inner.consume(amount);
    }
}

//! Zip archives: an export of several files, or a workbook.
use crate::intake::imports::reading::bounded::{Input, Limited, Metered};
use crate::intake::imports::reading::failure::{Failure, Result};
use crate::intake::imports::reading::limits::Limits;
use std::io::Read;
use std::sync::atomic::Ordering;
use zip::ZipArchive;
use zip::result::ZipError;

/// Bytes of an archive that are read to find its entries.
const DIRECTORY: u64 = 2 << 20;
/// The length of a name that is kept, in characters.
const NAME: usize = 200;

pub struct Archive {
    zip: ZipArchive<Metered<Box<dyn Input>>>,
    pub entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub struct Entry {
    /// The name as it is in the archive.
    pub path: String,
    /// The size that the archive claims. Reading stops there.
    pub size: u64,
    pub encrypted: bool,
}

impl Entry {
    /// The name without folders and without control characters, for people.
    pub fn name(&self) -> String {
        let last = self.path.rsplit(['/', '\\']).next().unwrap_or_default();
        last.chars().filter(|c| !c.is_control()).take(NAME).collect()
    }

    /// The name with its folders, for people.
    pub fn full_name(&self) -> String {
        let parts = self.path.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | ".."));
        let name = parts.collect::<Vec<_>>().join("/");
        name.chars().filter(|c| !c.is_control()).take(NAME).collect()
    }

    pub fn is_folder(&self) -> bool {
        self.path.ends_with(['/', '\\'])
    }

    /// Whether an operating system put the entry there.
    pub fn is_system(&self) -> bool {
        let name = self.name();
        self.path.starts_with("__MACOSX/")
            || name.starts_with('.')
            || matches!(name.as_str(), "Thumbs.db" | "desktop.ini")
    }
}

impl Archive {
    /// Reads the directory of an archive. Refuses one whose entries are too many or too large together.
    pub fn open(input: Box<dyn Input>, limits: &Limits) -> Result<Archive> {
        let (input, released) = Metered::new(input, DIRECTORY);
        let zip = ZipArchive::new(input).map_err(failure)?;
        released.store(true, Ordering::Relaxed);
        if zip.len() > limits.entries {
            return Err(Failure::new(format!(
                "the archive has {} entries; at most {} are read",
                zip.len(),
                limits.entries
            )));
        }
        let mut entries = Vec::new();
        for index in 0..zip.len() {
            let entry = zip.by_index_data(index).map_err(failure)?;
            // Some programs write UTF-8 without saying so.
            let path = match std::str::from_utf8(entry.name_raw()) {
                Ok(name) => name.to_owned(),
                Err(_) => entry.name().map_err(failure)?.into_owned(),
            };
            entries.push(Entry { path, size: entry.size(), encrypted: entry.encrypted() });
        }
        let total: u64 = entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.size));
        if total > limits.bytes {
            let most = limits.bytes >> 20;
            return Err(Failure::new(format!("the files in the archive have more than {most} MiB together; split it")));
        }
        Ok(Archive { zip, entries })
    }

    pub fn find(&self, path: &str) -> Option<usize> {
        let same = |entry: &Entry| entry.path.replace('\\', "/").eq_ignore_ascii_case(path);
        self.entries.iter().position(same)
    }

    /// Opens an entry. Reading fails where the entry is larger than the archive claims.
    pub fn read(&mut self, index: usize) -> Result<Box<dyn Read + '_>> {
        let size = self.entries.get(index).map_or(0, |entry| entry.size);
        let entry = self.zip.by_index(index).map_err(failure)?;
        let detail = "the archive is damaged: an entry is larger than the archive says".to_owned();
        Ok(Box::new(Limited::new(entry, size, detail)))
    }

    /// Reads a small entry as a text.
    pub fn text(&mut self, index: usize, most: u64) -> Result<String> {
        let size = self.entries.get(index).map_or(0, |entry| entry.size);
        if size > most {
            return Err(Failure::new("the file is damaged: a part is too large"));
        }
        let mut text = String::new();
        self.read(index)?.read_to_string(&mut text)?;
        Ok(text)
    }
}

pub fn failure(error: ZipError) -> Failure {
    match error {
        ZipError::Io(error) => Failure::of_io(&error),
        ZipError::UnsupportedArchive(detail) if detail.contains("assword") => {
            Failure::new("the archive is protected by a password; remove it")
        }
        ZipError::UnsupportedArchive(detail) => Failure::new(format!("the archive cannot be read: {detail}")),
        error => Failure::new(format!("the archive is damaged: {error}")),
    }
}

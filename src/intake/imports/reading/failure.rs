//! The error for a file that cannot be read, with its place in the file.
use std::fmt;
use std::io;

pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a file cannot be read. The text is meant for the person who brought the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The file in an archive.
    pub file: Option<String>,
    pub sheet: Option<String>,
    /// The line of a text file, or the row of a sheet.
    pub line: Option<u64>,
    pub detail: String,
    /// Whether the server failed, and not the file.
    pub of_server: bool,
}

impl Failure {
    pub fn new(detail: impl Into<String>) -> Failure {
        Failure { file: None, sheet: None, line: None, detail: detail.into(), of_server: false }
    }

    /// Returns the failure of a temporary file of the server.
    pub fn of_server(error: &io::Error) -> Failure {
        let detail = format!("the server cannot store the file at the moment: {error}");
        Failure { of_server: true, ..Failure::new(detail) }
    }

    pub fn at(self, line: u64) -> Failure {
        Failure { line: self.line.or(Some(line)), ..self }
    }

    pub fn in_sheet(self, sheet: &str) -> Failure {
        Failure { sheet: self.sheet.or_else(|| Some(sheet.to_owned())), ..self }
    }

    pub fn in_file(self, file: &str) -> Failure {
        Failure { file: self.file.or_else(|| Some(file.to_owned())), ..self }
    }

    /// Returns the failure that a reader reported as an I/O error, or one for the I/O error itself.
    pub fn of_io(error: &io::Error) -> Failure {
        let own = error.get_ref().and_then(|inner| inner.downcast_ref::<Failure>());
        own.cloned().unwrap_or_else(|| Failure::new(format!("the file is damaged: {error}")))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.as_ref().map(|file| format!("file {file}"));
        let sheet = self.sheet.as_ref().map(|sheet| format!("sheet {sheet}"));
        let line = self.line.map(|line| format!("{} {line}", if sheet.is_some() { "row" } else { "line" }));
        let place: Vec<String> = [file, sheet, line].into_iter().flatten().collect();
        if !place.is_empty() {
            write!(f, "{}: ", place.join(", "))?;
        }
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Failure {}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::of_io(&error)
    }
}

/// Readers of the standard library and of XML pass a failure on as an I/O error.
impl From<Failure> for io::Error {
    fn from(failure: Failure) -> io::Error {
        io::Error::other(failure)
    }
}

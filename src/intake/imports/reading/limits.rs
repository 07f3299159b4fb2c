//! The limits that bound the memory and the time that one file can take.

/// The largest number of cells of a row in any spreadsheet program.
pub const SHEET_COLUMNS: usize = 16_384;

#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes after decompression: of a text file, and of all parts of an archive or workbook together.
    pub bytes: u64,
    /// Files in an archive that are read.
    pub files: usize,
    /// Entries in an archive, including those of a workbook.
    pub entries: usize,
    /// Bytes of a workbook that lies in an archive. It is unpacked to disk while it is read.
    pub inner_workbook: u64,
    /// Rows of one table.
    pub rows: u64,
    /// Columns with values.
    pub columns: usize,
    /// Cells of one table, rows times columns.
    pub cells: u64,
    /// Bytes of one cell.
    pub cell: usize,
    /// Bytes of one row.
    pub row: usize,
    /// Bytes of the texts that the cells of an XLSX workbook refer to.
    pub shared_texts: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            bytes: 512 << 20,
            files: 100,
            entries: 5_000,
            inner_workbook: 32 << 20,
            rows: 1_000_000,
            columns: 1_024,
            cells: 50_000_000,
            cell: 100_000,
            row: 4 << 20,
            shared_texts: 64 << 20,
        }
    }
}

/// The maximum number of rows of a sheet in Excel.
pub const SHEET_ROWS: u64 = 1_048_576;

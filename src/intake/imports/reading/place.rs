//! Where a file is: by itself, or in an archive.
use crate::intake::imports::reading::archive::Archive;
use crate::intake::imports::reading::bounded::{Input, Limited};
use crate::intake::imports::reading::failure::Result;
use crate::intake::imports::reading::limits::Limits;
use std::io::{Read, SeekFrom};

pub enum Place<'s> {
    Alone(&'s mut dyn Input, u64),
    Entry(&'s mut Archive, usize),
}

impl<'s> Place<'s> {
    pub fn alone(input: &'s mut dyn Input, limits: &Limits) -> Place<'s> {
        Place::Alone(input, limits.bytes)
    }

    /// Reads the file from its beginning.
    pub fn open(&mut self) -> Result<Box<dyn Read + '_>> {
        match self {
            Place::Alone(input, most) => whole(&mut **input, *most),
            Place::Entry(archive, index) => archive.read(*index),
        }
    }

    /// Reads the file from its beginning, for the last time.
    pub fn into_reader(self) -> Result<Box<dyn Read + 's>> {
        match self {
            Place::Alone(input, most) => whole(input, most),
            Place::Entry(archive, index) => archive.read(index),
        }
    }
}

fn whole(input: &mut dyn Input, most: u64) -> Result<Box<dyn Read + '_>> {
    input.seek(SeekFrom::Start(0))?;
    Ok(Box::new(Limited::new(input, most, format!("the file has more than {} MiB; split it", most >> 20))))
}

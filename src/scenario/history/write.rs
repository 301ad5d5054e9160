use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::Entry;

/// Writes a record, one line for each entry.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    lines: BTreeMap<String, u64>,
}

impl Writer<BufWriter<File>> {
    /// Creates or truncates a file.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self::new(BufWriter::with_capacity(1 << 18, File::create(path)?)))
    }
}

impl<W: Write> Writer<W> {
    pub fn new(out: W) -> Self {
        Self { out, lines: BTreeMap::new() }
    }

    /// # Errors
    /// The entry cannot be written.
    pub fn write(&mut self, entry: &Entry) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, entry)?;
        self.out.write_all(b"\n")?;
        let name = entry.change.name();
        match self.lines.get_mut(name) {
            Some(count) => *count += 1,
            None => {
                self.lines.insert(name.to_owned(), 1);
            }
        }
        Ok(())
    }

    /// The number of lines of each type so far, for the last line.
    pub fn lines(&self) -> &BTreeMap<String, u64> {
        &self.lines
    }

    /// # Errors
    /// The buffered lines cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

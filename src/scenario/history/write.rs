use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::Entry;

#[derive(Debug)]
pub struct Writer {
    out: BufWriter<File>,
    lines: BTreeMap<String, u64>,
}

impl Writer {
    pub fn create(path: &Path) -> io::Result<Self> {
        let out = BufWriter::with_capacity(1 << 18, File::create(path)?);
        Ok(Self { out, lines: BTreeMap::new() })
    }

    pub fn write(&mut self, entry: &Entry) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, entry)?;
        self.out.write_all(b"\n")?;
        *self.lines.entry(entry.change.name().to_owned()).or_default() += 1;
        Ok(())
    }

    /// The number of lines of each type so far, for the last line.
    pub fn lines(&self) -> &BTreeMap<String, u64> {
        &self.lines
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

use super::Moment;
use super::line::Line;
use super::record::{Change, Entry, KindName, ObjectChange, ObjectEvent};

/// The version of the record's format that this kindrs reads and writes.
pub const FORMAT: u32 = 1;

/// The number of bytes that one thread parses at a time.
const CHUNK: usize = 1 << 20;

/// Why a record cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// A line is invalid, or out of place.
    #[error("{}:{line}: {message}", path.display())]
    Line {
        path: PathBuf,
        /// From 1.
        line: usize,
        message: String,
    },
}

/// Reads a record line by line. Several threads parse lines in advance.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    threads: Vec<Receiver<Parsed>>,
    next_thread: usize,
    entries: std::vec::IntoIter<(usize, Entry)>,
    failed: Option<ReadError>,
    last: Option<Moment>,
    truncated: Option<usize>,
    ended: bool,
}

/// The entries of a chunk with their line numbers, up to the first invalid line.
struct Parsed {
    entries: Vec<(usize, Entry)>,
    failed: Option<ReadError>,
    truncated: Option<usize>,
}

struct Chunk {
    first_line: usize,
    text: Vec<u8>,
}

impl Reader {
    /// Opens a record. With `kinds`, objects of other kinds are skipped: they are `null` in their entries.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path, kinds: Option<BTreeSet<KindName>>) -> Result<Self, ReadError> {
        let file =
            File::open(path).map_err(|source| ReadError::File { path: path.to_owned(), source })?;
        let count = thread::available_parallelism().map_or(1, usize::from).min(8);
        let kinds = Arc::new(kinds);
        let mut chunks = Vec::new();
        let mut threads = Vec::new();
        let (done, used) = channel();
        for _ in 0..count {
            let (to_parser, from_file) = sync_channel::<Result<Chunk, io::Error>>(1);
            let (to_reader, from_parser) = sync_channel(2);
            let (path, kinds, done) = (path.to_owned(), Arc::clone(&kinds), done.clone());
            thread::spawn(move || {
                parse_chunks(&path, kinds.as_ref(), &from_file, &to_reader, &done);
            });
            chunks.push(to_parser);
            threads.push(from_parser);
        }
        thread::spawn(move || split(file, &chunks, &used));
        Ok(Self {
            path: path.to_owned(),
            threads,
            next_thread: 0,
            entries: Vec::new().into_iter(),
            failed: None,
            last: None,
            truncated: None,
            ended: false,
        })
    }

    /// The number of an incomplete last line, which is skipped: the run was killed while it wrote the line.
    /// Known after the last entry.
    pub fn truncated(&self) -> Option<usize> {
        self.truncated
    }

    fn check(&mut self, line: usize, entry: &Entry) -> Result<(), ReadError> {
        let wrong = |message: String| ReadError::Line { path: self.path.clone(), line, message };
        match (&entry.change, self.last) {
            (Change::Begin(begin), None) if begin.format != FORMAT => {
                return Err(wrong(format!(
                    "unsupported record format {}; expected {FORMAT}",
                    begin.format
                )));
            }
            (Change::Begin(_), None) => {}
            (_, None) => {
                return Err(wrong(format!(
                    "expected `begin` as the first line of a record, found `{}`",
                    entry.change.name()
                )));
            }
            (_, Some(last)) if entry.at < last => {
                return Err(wrong(format!(
                    "`at` is {}, earlier than {last} in the previous line",
                    entry.at
                )));
            }
            _ => {}
        }
        self.last = Some(entry.at);
        Ok(())
    }
}

impl Iterator for Reader {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        loop {
            if let Some((line, entry)) = self.entries.next() {
                let checked = self.check(line, &entry);
                self.ended = checked.is_err();
                return Some(checked.map(|()| entry));
            }
            if let Some(error) = self.failed.take() {
                self.ended = true;
                return Some(Err(error));
            }
            let thread = self.threads.get(self.next_thread)?;
            let Ok(parsed) = thread.recv() else {
                self.ended = true;
                return None;
            };
            self.next_thread = (self.next_thread + 1) % self.threads.len();
            self.entries = parsed.entries.into_iter();
            self.failed = parsed.failed;
            self.truncated = parsed.truncated.or(self.truncated);
        }
    }
}

/// Splits the file into chunks of complete lines, and sends them to the threads in turn. The threads return
/// the buffers, because allocating large buffers is slow.
fn split(file: File, threads: &[SyncSender<Result<Chunk, io::Error>>], used: &Receiver<Vec<u8>>) {
    let mut file = BufReader::with_capacity(CHUNK, file);
    let mut first_line = 1;
    for thread in threads.iter().cycle() {
        let mut text = used.try_recv().unwrap_or_else(|_| Vec::with_capacity(CHUNK + (1 << 14)));
        let read = file
            .by_ref()
            .take(CHUNK as u64)
            .read_to_end(&mut text)
            .and_then(|_| file.read_until(b'\n', &mut text));
        let failed = read.is_err();
        if !failed && text.is_empty() {
            return;
        }
        let lines = text.iter().filter(|byte| **byte == b'\n').count();
        let sent = thread.send(read.map(|_| Chunk { first_line, text }));
        if failed || sent.is_err() {
            return;
        }
        first_line += lines;
    }
}

fn parse_chunks(
    path: &Path,
    kinds: &Option<BTreeSet<KindName>>,
    chunks: &Receiver<Result<Chunk, io::Error>>,
    out: &SyncSender<Parsed>,
    done: &Sender<Vec<u8>>,
) {
    let mut parser = Parser { kinds, names: HashMap::new(), nothing: Arc::new(Value::Null) };
    while let Ok(chunk) = chunks.recv() {
        let parsed = match chunk {
            Ok(mut chunk) => {
                let parsed = parser.parse(path, &chunk);
                chunk.text.clear();
                // There is no receiver after the end of the file.
                let _ = done.send(chunk.text);
                parsed
            }
            Err(source) => Parsed {
                entries: Vec::new(),
                failed: Some(ReadError::File { path: path.to_owned(), source }),
                truncated: None,
            },
        };
        if out.send(parsed).is_err() {
            return;
        }
    }
}

struct Parser<'k> {
    kinds: &'k Option<BTreeSet<KindName>>,
    names: HashMap<String, KindName>,
    nothing: Arc<Value>,
}

/// An object's line, before the object itself is parsed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawObject<'a> {
    event: ObjectEvent,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    resource_version: String,
    #[serde(borrow)]
    object: &'a RawValue,
}

impl Parser<'_> {
    fn parse(&mut self, path: &Path, chunk: &Chunk) -> Parsed {
        let mut parsed = Parsed { entries: Vec::new(), failed: None, truncated: None };
        let lines = chunk.text.split_inclusive(|byte| *byte == b'\n');
        for (number, text) in (chunk.first_line..).zip(lines) {
            if text.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match self.line(text) {
                Ok(entry) => parsed.entries.push((number, entry)),
                // Only the last line of the file can be incomplete.
                Err(_) if text.last() != Some(&b'\n') => parsed.truncated = Some(number),
                Err(message) => {
                    let path = path.to_owned();
                    parsed.failed = Some(ReadError::Line { path, line: number, message });
                    break;
                }
            }
        }
        parsed
    }

    fn line(&mut self, text: &[u8]) -> Result<Entry, String> {
        let line: Line<RawObject<'_>> = serde_json::from_slice(text).map_err(|error| {
            format!("invalid line: {error}").replace(" at line 1 column", " at column")
        })?;
        line.into_entry(|object| self.object(object))
    }

    fn object(&mut self, raw: RawObject<'_>) -> Result<ObjectChange, String> {
        let kind = match self.names.get(&*raw.kind) {
            Some(kind) => kind.clone(),
            None => {
                let kind = KindName(Arc::from(&*raw.kind));
                self.names.insert(raw.kind.into_owned(), kind.clone());
                kind
            }
        };
        let wanted = self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind));
        let object = if wanted {
            let read = serde_json::from_str(raw.object.get());
            Arc::new(read.map_err(|error| format!("invalid object: {error}"))?)
        } else {
            Arc::clone(&self.nothing)
        };
        let (event, resource_version) = (raw.event, raw.resource_version);
        Ok(ObjectChange { event, kind, resource_version, object })
    }
}

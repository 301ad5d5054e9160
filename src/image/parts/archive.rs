use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::UNIX_EPOCH;

use crate::failure::Failure;
use crate::kubernetes::Version;
use crate::progress::{Progress, Stage};

use super::binaries::{Unpacked, Versions, all_binaries};
use super::cache::{Claim, PartsCache, fingerprint};
use super::process::TICK;
use super::{diagnosis, elf};

const VERSIONS_FILE: &str = "versions";
/// Binary logarithm of the largest accepted zstd window, that of `--long=31`.
const ZSTD_WINDOW: u32 = 31;
/// The binaries that report the version of Kubernetes, with their arguments.
const SPEAKING: [(&str, &[&str]); 3] = [
    ("kubeadm", &["version", "-o", "short"]),
    ("kubelet", &["--version"]),
    ("kube-apiserver", &["--version"]),
];

/// The version of Kubernetes in an archive.
pub fn version(path: &Path, memory: Option<&PartsCache>) -> Result<Version, Failure> {
    let name = format!("version-{}", identity(path)?);
    let remembered = memory.and_then(|memory| memory.recall(&name)).and_then(|v| v.parse().ok());
    if let Some(version) = remembered {
        return Ok(version);
    }
    let version = read_version(path)?;
    if let Some(memory) = memory {
        memory.remember(&name, &version.to_string());
    }
    Ok(version)
}

/// Unpacks the known binaries of an archive into the cache, once for each state of the file.
/// Fails with `Failure::Input` when the archive cannot be read, contains no known binary, or
/// contains one that is not a program for `architecture`.
pub async fn unpack(
    path: &Path,
    architecture: &str,
    cache: &PartsCache,
    progress: &Progress,
) -> anyhow::Result<Unpacked> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let key = format!("archive-{architecture}-{}", identity(path)?);
    let folder = match cache.claim(&key, &name, progress).await? {
        Claim::Landed(folder) => folder,
        Claim::Ours(workspace) => {
            let stage = progress.stage(format!("Unpack {name}"));
            unpack_into(path, workspace.output(), architecture, &stage).await?;
            let folder = workspace.land().await?;
            stage.finish();
            folder
        }
    };
    read_unpacked(&folder)
}

pub fn read_unpacked(folder: &Path) -> anyhow::Result<Unpacked> {
    let mut unpacked = Unpacked::default();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == VERSIONS_FILE {
            unpacked.versions = read_versions(&fs::read_to_string(entry.path())?);
        } else {
            unpacked.binaries.insert(name, entry.path());
        }
    }
    Ok(unpacked)
}

/// Unpacks the known binaries into a directory, with a list of their versions.
pub async fn unpack_into(
    path: &Path,
    output: PathBuf,
    architecture: &str,
    stage: &Stage,
) -> anyhow::Result<()> {
    // A blocking task cannot be aborted. Dropping this makes its reader fail.
    let read = Arc::default();
    let meter = Arc::downgrade(&read);
    let total = fs::metadata(path).map(|metadata| metadata.len()).unwrap_or_default();
    let (owned, architecture) = (path.to_owned(), architecture.to_owned());
    let work = tokio::task::spawn_blocking(move || extract(&owned, &output, &architecture, meter));
    tokio::pin!(work);
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            done = &mut work => return Ok(done??),
            _ = tick.tick() => {
                let read = read.load(Ordering::Relaxed);
                stage.advance(Some(read as f64 / total.max(1) as f64), "");
            }
        }
    }
}

pub fn read_versions(text: &str) -> Versions {
    let lines = text.lines().filter_map(|line| line.trim().split_once(char::is_whitespace));
    lines.map(|(part, version)| (part.to_owned(), version.trim().to_owned())).collect()
}

fn extract(path: &Path, output: &Path, architecture: &str, meter: Meter) -> Result<(), Failure> {
    let shown = path.display();
    let mut versions = Versions::new();
    let mut found = Vec::new();
    walk(path, meter, |name, reader| {
        if let Some(listed) = listed_versions(path, name, reader)? {
            versions.extend(listed);
        } else if all_binaries().any(|binary| binary == name)
            && !found.iter().any(|have| have == name)
        {
            let target = output.join(name);
            copy(path, reader, &target)?;
            check_architecture(path, name, &target, architecture)?;
            found.push(name.to_owned());
        }
        Ok(true)
    })?;
    if found.is_empty() {
        return Err(Failure::input(format!(
            "{shown} contains no binary of a node, such as kubelet or kubeadm"
        ))
        .with_hint("the names of the files matter, their directories do not"));
    }
    if !versions.contains_key("kubernetes")
        && let Some(version) = ask_kubernetes(output)
    {
        versions.insert("kubernetes".to_owned(), version.to_string());
    }
    if !versions.contains_key("etcd")
        && let Some(version) = ask(&output.join("etcd"), &["--version"])
    {
        versions.insert("etcd".to_owned(), version.to_string());
    }
    let list: String =
        versions.iter().map(|(part, version)| format!("{part} {version}\n")).collect();
    fs::write(output.join(VERSIONS_FILE), list)
        .map_err(|error| diagnosis::io(&format!("cannot unpack {shown}"), &error))
}

fn read_version(path: &Path) -> Result<Version, Failure> {
    let folder = tempfile::tempdir()
        .map_err(|error| diagnosis::io("cannot create a temporary directory", &error))?;
    let (mut listed, read) = (None, Arc::default());
    walk(path, Arc::downgrade(&read), |name, reader| {
        if let Some(versions) = listed_versions(path, name, reader)? {
            listed = versions.get("kubernetes").cloned();
        } else if SPEAKING.iter().any(|(speaking, _)| *speaking == name) {
            copy(path, reader, &folder.path().join(name))?;
        }
        Ok(listed.is_none())
    })?;
    match listed {
        Some(version) => version.parse().map_err(|error| {
            Failure::input(format!("the file `versions` in {}: {error}", path.display()))
        }),
        None => ask_kubernetes(folder.path()).ok_or_else(|| {
            Failure::input(format!("{} does not contain the version of Kubernetes", path.display()))
                .with_hint("add a file `versions` with a line such as `kubernetes v1.37.2`")
        }),
    }
}

/// The versions in a text file of an archive: `versions`, upstream's `kubernetes/version`, or the
/// tags beside upstream's binaries. `None` for other files.
fn listed_versions(
    path: &Path,
    name: &str,
    reader: &mut dyn Read,
) -> Result<Option<Versions>, Failure> {
    if ![VERSIONS_FILE, "version", "kube-apiserver.docker_tag"].contains(&name) {
        return Ok(None);
    }
    let mut text = Vec::new();
    reader.take(64 << 10).read_to_end(&mut text).map_err(|error| corrupt(path, &error))?;
    let text = String::from_utf8_lossy(&text);
    if name == VERSIONS_FILE {
        return Ok(Some(read_versions(&text)));
    }
    let version = text.trim().replace('_', "+").parse::<Version>();
    Ok(version.ok().map(|v| Versions::from([("kubernetes".to_owned(), v.to_string())])))
}

fn ask_kubernetes(folder: &Path) -> Option<Version> {
    SPEAKING.iter().find_map(|(binary, arguments)| ask(&folder.join(binary), arguments))
}

/// The version that a binary reports; `None` if it does not exist or does not run here.
fn ask(binary: &Path, arguments: &[&str]) -> Option<Version> {
    let output = Command::new(binary).args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_whitespace().find_map(|word| word.parse().ok())
}

fn check_architecture(
    path: &Path,
    name: &str,
    binary: &Path,
    architecture: &str,
) -> Result<(), Failure> {
    let kind = elf::kind(binary).map_err(|error| diagnosis::io("cannot read a binary", &error))?;
    let is = match kind {
        elf::Kind::Executable(found) if found == architecture => return Ok(()),
        elf::Kind::Executable(found) => format!("a program for {found}"),
        elf::Kind::OtherMachine => "a program for another architecture".to_owned(),
        elf::Kind::NotElf => "not a program".to_owned(),
    };
    Err(Failure::input(format!(
        "{name} in {} is {is}: expected a Linux program for {architecture}",
        path.display()
    ))
    .with_hint(format!("use an archive for linux-{architecture}")))
}

/// Calls `visit` with the name of each file in an archive, without its directory, until it returns
/// false.
fn walk(
    path: &Path,
    meter: Meter,
    mut visit: impl FnMut(&str, &mut dyn Read) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let mut archive = tar::Archive::new(open(path, meter)?);
    for entry in archive.entries().map_err(|error| corrupt(path, &error))? {
        let mut entry = entry.map_err(|error| corrupt(path, &error))?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let full = entry.path().map_err(|error| corrupt(path, &error))?.into_owned();
        let Some(name) = full.file_name().and_then(|name| name.to_str()) else { continue };
        if !visit(name, &mut entry)? {
            break;
        }
    }
    Ok(())
}

/// Opens the tar in a file. The content, not the name, determines the compression.
fn open(path: &Path, meter: Meter) -> Result<Box<dyn Read>, Failure> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut head = Vec::new();
    file.take(512).read_to_end(&mut head).map_err(|error| unreadable(path, &error))?;
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let file = BufReader::with_capacity(1 << 20, Metered { file, meter });
    match head.as_slice() {
        [] => Err(not_an_archive(format!("{} is empty", path.display()))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let decoder = zstd::stream::read::Decoder::with_buffer(file);
            let mut decoder = decoder.map_err(|error| corrupt(path, &error))?;
            decoder.window_log_max(ZSTD_WINDOW).map_err(|error| corrupt(path, &error))?;
            Ok(Box::new(decoder))
        }
        [0x1f, 0x8b, ..] => Ok(Box::new(flate2::bufread::MultiGzDecoder::new(file))),
        _ if head.get(257..262) == Some(b"ustar") => Ok(Box::new(file)),
        _ => Err(not_an_archive(format!("{} is not an archive", path.display()))),
    }
}

fn copy(path: &Path, reader: &mut dyn Read, target: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        diagnosis::io(&format!("cannot unpack {} to {}", path.display(), target.display()), &error)
    };
    let mut options = File::options();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o755);
    let mut file = options.open(target).map_err(failed)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        // A read error is a problem of the archive, a write error one of the disk.
        let count = reader.read(&mut buffer).map_err(|error| corrupt(path, &error))?;
        if count == 0 {
            return Ok(());
        }
        file.write_all(&buffer[..count]).map_err(failed)?;
    }
}

/// Identifies one state of a file by its path, size and time, without reading it.
pub fn identity(path: &Path) -> Result<String, Failure> {
    let full = fs::canonicalize(path).map_err(|error| unreadable(path, &error))?;
    let metadata = fs::metadata(&full).map_err(|error| unreadable(path, &error))?;
    if !metadata.is_file() {
        return Err(not_an_archive(format!("{} is not a file", path.display())));
    }
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Ok(fingerprint([
        full.as_os_str().as_encoded_bytes(),
        &metadata.len().to_le_bytes(),
        &changed.unwrap_or_default().as_nanos().to_le_bytes(),
    ]))
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    not_an_archive(format!("cannot read {}: {error}", path.display()))
}

fn not_an_archive(message: String) -> Failure {
    Failure::input(message).with_hint("expected a tar, tar.gz or tar.zst of binaries")
}

fn corrupt(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::input(format!("{} is damaged: {error}", path.display()));
    failure.with_hint("create or download it again")
}

/// The number of bytes read from a file. Reading stops when its owner drops it.
type Meter = Weak<AtomicU64>;

struct Metered {
    file: File,
    meter: Meter,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let total = self.meter.upgrade().ok_or_else(|| io::Error::other("stopped"))?;
        let count = self.file.read(buffer)?;
        total.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
#[path = "archive_tests.rs"]
pub(crate) mod tests;

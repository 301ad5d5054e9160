use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use futures::StreamExt as _;
use reqwest::{Client, StatusCode, header};
use sha2::{Digest, Sha256, Sha512};
use tokio::io::AsyncWriteExt as _;

use crate::failure::Failure;
use crate::kubernetes::Version;
use crate::progress::{Progress, Stage};

use super::archive::{read_unpacked, unpack_into};
use super::binaries::Unpacked;
use super::cache::{Claim, PartsCache, hexadecimal};
use super::diagnosis;
use super::generate::does_not_exist;
use super::module::pinned_versions;

const UPSTREAM: &str = "https://dl.k8s.io/release";
/// Time limit for connecting, and for silence of a connection.
const PATIENCE: Duration = Duration::from_secs(60);

/// The base URL of releases: `KINDRS_RELEASE_URL`, otherwise upstream's.
pub fn base_url() -> String {
    let set = std::env::var("KINDRS_RELEASE_URL").ok().filter(|url| !url.is_empty());
    set.unwrap_or_else(|| UPSTREAM.to_owned()).trim_end_matches('/').to_owned()
}

/// Downloads a release's archive of binaries, verifies it, and unpacks it into the cache.
/// Fails with `Failure::Input` when the release does not exist; `Failure::Environment` when it
/// cannot be downloaded or does not match its checksum.
pub async fn fetch(
    version: &Version,
    architecture: &str,
    base: &str,
    cache: &PartsCache,
    progress: &Progress,
) -> anyhow::Result<Unpacked> {
    let name = format!("the release of Kubernetes {version}");
    let key = format!("release-{version}-{architecture}");
    let folder = match cache.claim(&key, &name, progress).await? {
        Claim::Landed(folder) => folder,
        Claim::Ours(workspace) => {
            let file = format!("kubernetes-server-linux-{architecture}.tar.gz");
            let url = format!("{base}/{version}/{file}");
            let partial = cache.folder("downloads")?.join(format!("{version}-{file}.partial"));
            let stage = progress.stage(format!("Download Kubernetes {version}"));
            let download = Download { url: &url, version, partial: &partial };
            download.run(&stage).await?;
            stage.finish();
            let stage = progress.stage(format!("Unpack Kubernetes {version}"));
            unpack_into(&partial, workspace.output(), architecture, &stage).await?;
            let folder = workspace.land().await?;
            fs::remove_file(&partial)
                .with_context(|| format!("cannot remove {}", partial.display()))?;
            stage.finish();
            folder
        }
    };
    let mut unpacked = read_unpacked(&folder)?;
    unpacked.versions.insert("kubernetes".to_owned(), version.to_string());
    Ok(unpacked)
}

/// A download, which continues the partial file of an interrupted run.
struct Download<'a> {
    url: &'a str,
    version: &'a Version,
    partial: &'a Path,
}

impl Download<'_> {
    async fn run(&self, stage: &Stage) -> anyhow::Result<()> {
        // Fails if a provider is installed already, which works as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().connect_timeout(PATIENCE).read_timeout(PATIENCE).build()?;
        let (algorithm, expected) = self.expected(&client).await?;
        self.transfer(&client, stage).await?;
        stage.advance(Some(1.0), "checksum");
        let file = self.partial.to_owned();
        let found = tokio::task::spawn_blocking(move || algorithm.of_file(&file))
            .await?
            .with_context(|| format!("cannot read {}", self.partial.display()))?;
        if found != expected {
            fs::remove_file(self.partial)
                .with_context(|| format!("cannot remove {}", self.partial.display()))?;
            return Err(Failure::environment(format!(
                "{} does not match its checksum: expected {expected}, found {found}",
                self.url
            ))
            .with_hint("kindrs removed the downloaded file; run the same command again")
            .into());
        }
        Ok(())
    }

    /// The published checksum: SHA-256, otherwise SHA-512.
    async fn expected(&self, client: &Client) -> anyhow::Result<(Algorithm, String)> {
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            let url = format!("{}.{algorithm}", self.url);
            let answer = client.get(&url).send().await.map_err(|e| self.unreachable(e))?;
            if answer.status() == StatusCode::NOT_FOUND {
                continue;
            }
            let answer = answer.error_for_status().map_err(|e| self.unreachable(e))?;
            let text = answer.text().await.map_err(|e| self.unreachable(e))?;
            let digits = algorithm.digits_in(&text).ok_or_else(|| {
                Failure::environment(format!("{url} does not contain a {algorithm} checksum"))
            })?;
            return Ok((algorithm, digits));
        }
        let answer = client.head(self.url).send().await.map_err(|e| self.unreachable(e))?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Err(self.absent().into());
        }
        Err(Failure::environment(format!("{} has no published checksum", self.url))
            .with_hint(
                "to use an archive without a checksum, download it and use --kubernetes file:PATH",
            )
            .into())
    }

    /// Downloads the missing rest of the file.
    async fn transfer(&self, client: &Client, stage: &Stage) -> anyhow::Result<()> {
        let mut have = fs::metadata(self.partial).map(|m| m.len()).unwrap_or_default();
        let mut request = client.get(self.url);
        if have > 0 {
            request = request.header(header::RANGE, format!("bytes={have}-"));
        }
        let answer = request.send().await.map_err(|e| self.unreachable(e))?;
        match answer.status() {
            StatusCode::NOT_FOUND => return Err(self.absent().into()),
            // The file is complete already. The checksum verifies it.
            StatusCode::RANGE_NOT_SATISFIABLE => return Ok(()),
            StatusCode::PARTIAL_CONTENT => {}
            _ => have = 0,
        }
        let answer = answer.error_for_status().map_err(|e| self.unreachable(e))?;
        let total = answer.content_length().map(|rest| rest + have);
        let failed = |error: io::Error| {
            diagnosis::io(&format!("cannot write {}", self.partial.display()), &error)
        };
        let mut file = tokio::fs::File::options()
            .create(true)
            .write(true)
            .truncate(have == 0)
            .append(have > 0)
            .open(self.partial)
            .await
            .map_err(failed)?;
        let mut chunks = answer.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) => {
                    file.flush().await.map_err(failed)?;
                    return Err(self.unreachable(error).into());
                }
            };
            file.write_all(&chunk).await.map_err(failed)?;
            have += chunk.len() as u64;
            let share = total.map(|total| have as f64 / total.max(1) as f64);
            stage.advance(share, format!("{} MB", have / 1_000_000));
        }
        file.flush().await.map_err(failed)?;
        file.sync_all().await.map_err(|error| failed(error).into())
    }

    fn absent(&self) -> Failure {
        let known: Vec<Version> =
            pinned_versions("kubernetes").iter().filter_map(|v| v.parse().ok()).collect();
        does_not_exist(self.version, &known)
    }

    fn unreachable(&self, error: reqwest::Error) -> Failure {
        let error = anyhow::Error::from(error);
        Failure::environment(format!("cannot download {}: {error:#}", self.url)).with_hint(format!(
            "run the same command again to continue the download, set KINDRS_RELEASE_URL to a \
                 mirror, or use --kubernetes {} to compile it",
            self.version
        ))
    }
}

/// The algorithm of a published checksum, which is the extension of its file.
#[derive(Debug, Clone, Copy, strum::Display)]
#[strum(serialize_all = "lowercase")]
enum Algorithm {
    Sha256,
    Sha512,
}

impl Algorithm {
    /// Reads a checksum file: the digits, optionally followed by a file name.
    fn digits_in(self, text: &str) -> Option<String> {
        let length = match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        };
        let digits = text.split_whitespace().next()?.to_ascii_lowercase();
        let is_hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        (digits.len() == length && is_hexadecimal).then_some(digits)
    }

    fn of_file(self, file: &Path) -> io::Result<String> {
        match self {
            Self::Sha256 => hash_of::<Sha256>(file),
            Self::Sha512 => hash_of::<Sha512>(file),
        }
    }
}

fn hash_of<D: Digest>(file: &Path) -> io::Result<String> {
    let mut file = File::open(file)?;
    let mut hash = D::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(hexadecimal(&hash.finalize())),
            count => hash.update(&buffer[..count]),
        }
    }
}

#[cfg(test)]
#[path = "release_tests.rs"]
mod tests;

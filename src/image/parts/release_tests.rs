use super::*;
use crate::failure::describe;
use crate::image::parts::{archive, elf};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

const NAME: &str = "/v1.36.3/kubernetes-server-linux-arm64.tar.gz";

/// A server of files that knows ranges, and the requests it saw.
struct Server {
    base: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn serving(files: &[(&str, Vec<u8>)]) -> Self {
        let files: HashMap<String, Vec<u8>> =
            files.iter().map(|(name, content)| ((*name).to_owned(), content.clone())).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let path = head.split(' ').nth(1).unwrap();
                let range = head.lines().find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("range: bytes=")
                        .map(|range| range.trim_end_matches('-').parse::<usize>().unwrap())
                });
                seen.lock().unwrap().push(match range {
                    Some(from) => format!("{path} from {from}"),
                    None => path.to_owned(),
                });
                let answer = match (files.get(path), range) {
                    (None, _) => (404, &[][..]),
                    (Some(content), Some(from)) if from >= content.len() => (416, &[][..]),
                    (Some(content), Some(from)) => (206, &content[from..]),
                    (Some(content), None) => (200, &content[..]),
                };
                let head = format!(
                    "HTTP/1.1 {} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    answer.0,
                    answer.1.len()
                );
                stream.write_all(head.as_bytes()).await.unwrap();
                stream.write_all(answer.1).await.unwrap();
            }
        });
        Self { base, requests }
    }

    async fn fetch(&self, cache: &PartsCache) -> Result<Unpacked, String> {
        let version = Version::new(1, 36, 3);
        fetch(&version, "arm64", &self.base, cache, &Progress::silent())
            .await
            .map_err(|error| describe(&error, None).replace(&self.base, "BASE"))
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(|r| r.replace(NAME, "ARCHIVE")).collect()
    }
}

fn release() -> Vec<u8> {
    archive::tests::gzip(&archive::tests::tar_of(&[(
        "kubernetes/server/bin/kubelet",
        &elf::head_for("arm64"),
    )]))
}

fn digits<D: Digest>(content: &[u8]) -> Vec<u8> {
    format!("{}  kubernetes-server-linux-arm64.tar.gz\n", hexadecimal(&D::digest(content))).into()
}

fn partial(cache: &PartsCache) -> PathBuf {
    let folder = cache.folder("downloads").unwrap();
    folder.join("v1.36.3-kubernetes-server-linux-arm64.tar.gz.partial")
}

#[tokio::test]
async fn downloads_verifies_and_unpacks_a_release_once() {
    let folder = tempfile::tempdir().unwrap();
    let cache = PartsCache::at(folder.path());
    let content = release();
    let sum = format!("{NAME}.sha256");
    let server =
        Server::serving(&[(&sum, digits::<Sha256>(&content)), (NAME, content.clone())]).await;
    let unpacked = server.fetch(&cache).await.unwrap();
    assert_eq!(unpacked.binaries.keys().collect::<Vec<_>>(), ["kubelet"]);
    assert_eq!(unpacked.versions["kubernetes"], "v1.36.3");
    assert!(!partial(&cache).exists());
    assert_eq!(server.fetch(&cache).await.unwrap(), unpacked);
    assert_eq!(server.requests(), ["ARCHIVE.sha256", "ARCHIVE"]);
}

#[tokio::test]
async fn continues_an_interrupted_download() {
    let folder = tempfile::tempdir().unwrap();
    let cache = PartsCache::at(folder.path());
    let content = release();
    let sum = format!("{NAME}.sha512");
    let server =
        Server::serving(&[(&sum, digits::<Sha512>(&content)), (NAME, content.clone())]).await;
    fs::write(partial(&cache), &content[..10]).unwrap();
    server.fetch(&cache).await.unwrap();
    assert_eq!(server.requests(), ["ARCHIVE.sha256", "ARCHIVE.sha512", "ARCHIVE from 10"]);
}

#[tokio::test]
async fn a_wrong_checksum_leaves_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let cache = PartsCache::at(folder.path());
    let sum = format!("{NAME}.sha256");
    let server = Server::serving(&[(&sum, digits::<Sha256>(b"other")), (NAME, release())]).await;
    // The partial file can be longer than the archive.
    fs::write(partial(&cache), vec![0; 4096]).unwrap();
    let error = server.fetch(&cache).await.unwrap_err();
    assert!(error.contains("does not match its checksum: expected d9298a10"), "{error}");
    assert!(!partial(&cache).exists());
    assert_eq!(fs::read_dir(cache.folder("built").unwrap()).unwrap().count(), 0);
}

#[tokio::test]
async fn reports_a_release_that_does_not_exist() {
    let folder = tempfile::tempdir().unwrap();
    let cache = PartsCache::at(folder.path());
    let server = Server::serving(&[]).await;
    assert_eq!(
        server.fetch(&cache).await.unwrap_err(),
        "error: Kubernetes v1.36.3 does not exist\nhint: releases of 1.36: v1.36.3"
    );
    let unsummed = Server::serving(&[(NAME, release())]).await;
    let error = unsummed.fetch(&cache).await.unwrap_err();
    assert!(error.contains("has no published checksum"), "{error}");
}

#[tokio::test]
async fn an_unreachable_server_has_a_hint_about_mirrors() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let server = Server { base, requests: Arc::default() };
    let error = server.fetch(&PartsCache::at(folder.path())).await.unwrap_err();
    assert!(error.contains("cannot download") && error.contains("KINDRS_RELEASE_URL"), "{error}");
}

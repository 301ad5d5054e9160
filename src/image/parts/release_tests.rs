use super::*;
use crate::failure::describe;
use crate::image::parts::archive::tests::{gzip, tar_of};
use crate::image::parts::elf;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

const NAME: &str = "/v1.36.3/kubernetes-server-linux-arm64.tar.gz";

/// A server of files that knows ranges, and the requests it saw.
struct Server {
    base: String,
    folder: tempfile::TempDir,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves the release, and a file with this checksum.
    async fn with_checksum(extension: &str, checksum: Vec<u8>) -> Self {
        Self::serving([(format!("{NAME}.{extension}"), checksum), (NAME.to_owned(), release())])
            .await
    }

    async fn serving<const N: usize>(files: [(String, Vec<u8>); N]) -> Self {
        let files = HashMap::from(files);
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
                    let line = line.to_ascii_lowercase();
                    line.strip_prefix("range: bytes=")?.trim_end_matches('-').parse::<usize>().ok()
                });
                seen.lock().unwrap().push(match range {
                    Some(from) => format!("{path} from {from}"),
                    None => path.to_owned(),
                });
                let (code, body) = match (files.get(path), range) {
                    (None, _) => (404, &[][..]),
                    (Some(content), Some(from)) if from >= content.len() => (416, &[][..]),
                    (Some(content), Some(from)) => (206, &content[from..]),
                    (Some(content), None) => (200, &content[..]),
                };
                let head = format!(
                    "HTTP/1.1 {code} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
            }
        });
        Self { base, requests, folder: tempfile::tempdir().unwrap() }
    }

    fn cache(&self) -> PartsCache {
        PartsCache::at(self.folder.path())
    }

    fn partial(&self) -> PathBuf {
        let folder = self.cache().folder("downloads").unwrap();
        folder.join("v1.36.3-kubernetes-server-linux-arm64.tar.gz.partial")
    }

    async fn fetch(&self) -> Result<Unpacked, String> {
        let version = Version::new(1, 36, 3);
        fetch(&version, "arm64", &self.base, &self.cache(), &Progress::silent())
            .await
            .map_err(|error| describe(&error, None).replace(&self.base, "BASE"))
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(|r| r.replace(NAME, "ARCHIVE")).collect()
    }
}

fn release() -> Vec<u8> {
    let kubelet = elf::head_for("arm64");
    gzip(&tar_of(&[("kubernetes/server/bin/kubelet", &kubelet)]))
}

fn digits<D: Digest>(content: &[u8]) -> Vec<u8> {
    format!("{}  kubernetes-server-linux-arm64.tar.gz\n", hexadecimal(&D::digest(content))).into()
}

#[tokio::test]
async fn downloads_verifies_and_unpacks_a_release_once() {
    let server = Server::with_checksum("sha256", digits::<Sha256>(&release())).await;
    let unpacked = server.fetch().await.unwrap();
    assert_eq!(unpacked.binaries.keys().collect::<Vec<_>>(), ["kubelet"]);
    assert_eq!(unpacked.versions["kubernetes"], "v1.36.3");
    assert!(!server.partial().exists());
    assert_eq!(server.fetch().await.unwrap(), unpacked);
    assert_eq!(server.requests(), ["ARCHIVE.sha256", "ARCHIVE"]);
}

#[tokio::test]
async fn continues_an_interrupted_download() {
    let server = Server::with_checksum("sha512", digits::<Sha512>(&release())).await;
    fs::write(server.partial(), &release()[..10]).unwrap();
    server.fetch().await.unwrap();
    assert_eq!(server.requests(), ["ARCHIVE.sha256", "ARCHIVE.sha512", "ARCHIVE from 10"]);
}

#[tokio::test]
async fn a_wrong_checksum_leaves_no_files() {
    let server = Server::with_checksum("sha256", digits::<Sha256>(b"other")).await;
    // The partial file can be longer than the archive.
    fs::write(server.partial(), vec![0; 4096]).unwrap();
    let error = server.fetch().await.unwrap_err();
    assert!(error.contains("does not match its checksum: expected d9298a10"), "{error}");
    assert!(!server.partial().exists());
    assert_eq!(fs::read_dir(server.cache().folder("built").unwrap()).unwrap().count(), 0);
}

#[tokio::test]
async fn reports_a_release_that_does_not_exist() {
    let server = Server::serving([]).await;
    assert_eq!(
        server.fetch().await.unwrap_err(),
        "error: Kubernetes v1.36.3 does not exist\nhint: releases of 1.36: v1.36.3"
    );
    let unsummed = Server::serving([(NAME.to_owned(), release())]).await;
    let error = unsummed.fetch().await.unwrap_err();
    assert!(error.contains("has no published checksum"), "{error}");
}

#[tokio::test]
async fn an_unreachable_server_has_a_hint_about_mirrors() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let folder = tempfile::tempdir().unwrap();
    let server = Server { base, folder, requests: Arc::default() };
    let error = server.fetch().await.unwrap_err();
    assert!(error.contains("cannot download") && error.contains("KINDRS_RELEASE_URL"), "{error}");
}

use std::process::Command;

use super::docker::try_docker;
use super::{Ran, Sandbox, docker, run};

/// Imports an image that has nothing but `files` (name and content, executable) and an entrypoint.
pub fn small_image(sandbox: &Sandbox, reference: &str, files: &[(&str, &[u8])], entrypoint: &str) {
    let archive = sandbox.home().with_file_name("image.tar");
    let mut builder = tar::Builder::new(std::fs::File::create(&archive).unwrap());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.finish().unwrap();
    let path = archive.to_str().unwrap();
    let change = format!("ENTRYPOINT {entrypoint}");
    try_docker(&["import", "--change", &change, path, reference]).ok();
}

pub fn image_of(reference: &str, dockerfile: &str) -> Ran {
    let mut command = Command::new("docker");
    command.args(["build", "--tag", reference, "-"]);
    run(command, dockerfile)
}

pub fn remove_images(references: &[&str]) {
    docker(&format!("rmi --force {}", references.join(" ")));
}

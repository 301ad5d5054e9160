use std::fs;
use std::path::PathBuf;

use tokio::process::Command;

use super::cache::{Claim, fingerprint};
use super::compile::{DEBIAN_IMAGE, Workshop, c_is_missing};
use super::container::{Job, ensure_image};
use super::module::pause_source;
use super::toolchain::{c_compiler, host_architecture, names};
use super::{diagnosis, process};

/// Flags for a small program without a C library.
const FLAGS: [&str; 10] = [
    "-Os",
    "-s",
    "-static",
    "-nostdlib",
    "-ffreestanding",
    "-fno-pie",
    "-no-pie",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-Wl,--build-id=none,-z,noseparate-code",
];

/// Compiles `pause`, or finds it in the cache. Returns its directory.
pub async fn compile(workshop: &Workshop<'_>) -> anyhow::Result<PathBuf> {
    let source = pause_source();
    let flags = FLAGS.join(" ");
    let architecture = workshop.architecture;
    let key =
        format!("pause-{architecture}-{}", fingerprint([source.as_slice(), flags.as_bytes()]));
    let workspace = match workshop.cache.claim(&key, "pause", workshop.progress).await? {
        Claim::Landed(folder) => return Ok(folder),
        Claim::Ours(workspace) => workspace,
    };
    let stage = workshop.progress.stage("Compile pause");
    let file = workspace.module().join("pause.c");
    fs::write(&file, &source).map_err(|error| diagnosis::io("cannot compile pause", &error))?;
    let mut arguments: Vec<String> = FLAGS.map(str::to_owned).into();
    arguments.extend(["-o".to_owned(), workspace.output().join("pause").display().to_string()]);
    arguments.push(file.display().to_string());

    let ended = match c_compiler(architecture).await {
        Some(compiler) => {
            let mut command = Command::new(compiler);
            command.args(&arguments).env("LC_ALL", "C").env("TMPDIR", workspace.temporary());
            process::run(&mut command, workspace.log(), &mut |_| ())
                .await
                .map_err(|error| diagnosis::io("cannot run the C compiler", &error))?
        }
        None => {
            ensure_image(workshop.engine, DEBIAN_IMAGE)
                .await
                .map_err(|reason| c_is_missing("pause", "gcc", &reason))?;
            let (compiler, package) = if architecture == host_architecture() {
                ("gcc".to_owned(), "gcc".to_owned())
            } else {
                let names = names(architecture);
                (format!("{}-gcc", names.triplet), format!("gcc-{}", names.package))
            };
            let mut command = vec![compiler];
            command.extend(arguments);
            let job = Job {
                image: DEBIAN_IMAGE.to_owned(),
                packages: vec![package],
                foreign: None,
                command,
                environment: [("LC_ALL".to_owned(), "C".to_owned())].into(),
                written: Vec::new(),
                read: Vec::new(),
            };
            job.run(workshop.engine, &workspace, &mut |_| ()).await?
        }
    };
    if !ended.success {
        return Err(diagnosis::compilation("compile pause", &ended.stderr, workspace.log()).into());
    }
    let folder = workspace.land().await?;
    stage.finish();
    Ok(folder)
}

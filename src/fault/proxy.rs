use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use bytes::Bytes;

use crate::image;
use crate::progress::Progress;
use crate::runtime::Engine;

use super::kind::{PROGRAM, has_program};
use super::plan::FaultPlan;

/// Installs the API fault proxy in the nodes that the plan needs it in and that lack it: nodes of kind's
/// images, or of another version of kindrs. The proxy stays there, and does nothing without a fault.
/// Fails with [`crate::failure::Failure::Environment`] if the proxy cannot be compiled.
pub async fn install_proxy(
    engine: &dyn Engine,
    plan: &FaultPlan,
    progress: &Progress,
) -> anyhow::Result<()> {
    if !plan.fault.needs_proxy() {
        return Ok(());
    }
    let nodes: BTreeSet<&str> = plan.actions.iter().map(|action| action.node.as_str()).collect();
    let mut lacking = Vec::new();
    for node in nodes {
        if engine.exec(node, &["sh", "-c", &has_program()], None).await?.code != 0 {
            lacking.push(node);
        }
    }
    if lacking.is_empty() {
        return Ok(());
    }
    let program = image::api_faults(engine, progress).await?;
    let tar = archive(&program).with_context(|| format!("cannot read {}", program.display()))?;
    for node in lacking {
        engine.upload(node, "/", tar.clone()).await?;
    }
    Ok(())
}

fn archive(program: &Path) -> std::io::Result<Bytes> {
    let content = std::fs::read(program)?;
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o755);
    builder.append_data(&mut header, PROGRAM.trim_start_matches('/'), content.as_slice())?;
    builder.into_inner().map(Bytes::from)
}

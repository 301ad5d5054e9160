use crate::runtime::Engine;

use super::collect::collect;
use super::journal::{self, Entry};
use super::kind::FaultKind;
use super::plan::{FaultPlan, Request, plan};

/// Looks at a cluster and plans a fault there. Nothing changes.
///
/// # Errors
/// Those of [`Request::check`], [`collect`] and [`plan`].
pub async fn prepare(
    engine: &dyn Engine,
    cluster: &str,
    request: &Request,
) -> anyhow::Result<FaultPlan> {
    request.check()?;
    let view = collect(engine, cluster, &request.fault).await?;
    let active: Vec<Entry> =
        journal::read(engine, &view.nodes).await?.into_iter().map(|(_, entry)| entry).collect();
    Ok(plan(request, new_id(&request.fault), &view, &active)?)
}

fn new_id(fault: &FaultKind) -> String {
    let tail: String = std::iter::repeat_with(fastrand::alphanumeric).take(5).collect();
    format!("{}-{}", fault.name(), tail.to_lowercase())
}

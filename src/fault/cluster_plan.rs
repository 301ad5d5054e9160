use crate::runtime::Engine;

use super::entry::Entry;
use super::journal;
use super::kind::FaultKind;
use super::observe::observe;
use super::plan::{FaultPlan, Request, plan};
use super::refusal::Error;

/// Plans a fault for a running cluster. Nothing changes.
///
/// # Errors
/// As [`Request::check`], [`observe`] and [`plan`].
pub async fn plan_for_cluster(
    engine: &dyn Engine,
    cluster: &str,
    request: &Request,
) -> Result<FaultPlan, Error> {
    request.check()?;
    let view = observe(engine, cluster, &request.fault).await?;
    let active: Vec<Entry> =
        journal::read(engine, &view.nodes).await?.into_iter().map(|(_, entry)| entry).collect();
    Ok(plan(request, new_id(&request.fault), &view, &active)?)
}

fn new_id(fault: &FaultKind) -> String {
    let tail: String = std::iter::repeat_with(fastrand::alphanumeric).take(5).collect();
    format!("{}-{}", fault.name(), tail.to_lowercase())
}

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use kube::Client;
use tokio::sync::watch::Sender;

use super::outcome::reason;
use super::recorder::Recorder;
use crate::scenario::history::{ApiState, Change};

/// How often the API server is asked whether it is there. A frozen one closes no connection, so that
/// watches alone would not tell.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long it may take to come back when what kept it away is healed.
const LONGEST_ABSENCE: Duration = Duration::from_secs(60);
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the API server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Availability {
    /// Whether it does now.
    pub is_available: bool,
    /// How often it has stopped to.
    pub outages: u64,
}

impl Availability {
    /// As a run finds it.
    pub const AT_FIRST: Self = Self { is_available: true, outages: 0 };
}

/// Records when the API server goes and comes back, for ever; tells of it by `api`.
pub(super) async fn probe(client: Client, recorder: Arc<Recorder>, api: Sender<Availability>) {
    let mut available = true;
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match (available, answer(&client).await.err()) {
            (true, Some(reason)) => {
                available = false;
                api.send_modify(|api| {
                    *api = Availability { is_available: false, outages: api.outages + 1 }
                });
                recorder.record(Change::Api(ApiState { available, reason }));
            }
            (false, None) => {
                available = true;
                recorder.record(Change::Api(ApiState { available, reason: String::new() }));
                api.send_modify(|api| api.is_available = true);
            }
            _ => {}
        }
    }
}

/// Waits until the API server answers, but not for ever.
pub(super) async fn await_return(client: &Client) {
    let back = async {
        while answer(client).await.is_err() {
            tokio::time::sleep(INTERVAL).await;
        }
    };
    let _ = tokio::time::timeout(LONGEST_ABSENCE, back).await;
}

/// Whether the API server answers that it is ready.
///
/// # Errors
/// Why not.
pub(super) async fn answer(client: &Client) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, ask(client)).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer in {} s", PATIENCE.as_secs())),
    }
}

async fn ask(client: &Client) -> Result<(), String> {
    let request = Request::get("/readyz").body(Vec::new()).map_err(|error| error.to_string())?;
    client.request_text(request).await.map(drop).map_err(|error| reason(&error))
}

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use kube::Client;
use tokio::sync::watch::{Receiver, Sender, channel};

use super::outcome::reason;
use super::recorder::Recorder;
use crate::scenario::history::{ApiState, Change};

/// The pause between requests. A frozen API server closes no connection, so watches alone would not
/// notice it.
const INTERVAL: Duration = Duration::from_secs(1);
/// The time limit for an answer.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Tells watches when the API server stops and starts to answer. Counts both, so the count is odd during an
/// outage.
#[derive(Debug, Clone)]
pub(super) struct Outages(Receiver<u64>);

impl Outages {
    /// Creates the sending and the receiving end.
    pub fn channel() -> (Sender<u64>, Self) {
        let (sender, receiver) = channel(0);
        (sender, Self(receiver))
    }

    /// Whether there is an outage now.
    pub fn is_away(&self) -> bool {
        *self.0.borrow() % 2 == 1
    }

    /// Waits until there is no outage.
    pub async fn while_away(&self) {
        if self.0.clone().wait_for(|count| count % 2 == 0).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// A receiver of changes from now on. A current outage counts as a change.
    pub fn since_now(&self) -> Self {
        let mut count = self.0.clone();
        if *count.borrow_and_update() % 2 == 1 {
            count.mark_changed();
        }
        Self(count)
    }

    /// Waits until an outage begins or ends.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Records outages of the API server and sends them to `outages`, until the task is aborted.
pub(super) async fn probe(client: Client, recorder: Arc<Recorder>, outages: Sender<u64>) {
    let mut available = true;
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let reason = match (available, answer(&client).await) {
            (true, Err(reason)) => reason,
            (false, Ok(())) => String::new(),
            _ => continue,
        };
        available = !available;
        recorder.record(Change::Api(ApiState { available, reason }));
        outages.send_modify(|count| *count += 1);
    }
}

/// Asks the API server whether it is ready.
///
/// # Errors
/// Why it is not ready.
pub(super) async fn answer(client: &Client) -> Result<(), String> {
    match tokio::time::timeout(TIMEOUT, ask(client)).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer in {} s", TIMEOUT.as_secs())),
    }
}

async fn ask(client: &Client) -> Result<(), String> {
    let request = Request::get("/readyz").body(Vec::new()).map_err(|error| error.to_string())?;
    client.request_text(request).await.map(drop).map_err(|error| reason(&error))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scenario::run::fixture::{Answer, FakeApi, after_lines, recorder, scenario};

    #[tokio::test(start_paused = true)]
    async fn records_outages() {
        let folder = tempfile::tempdir().unwrap();
        let recorder = recorder(&scenario(json!([]), json!({})), &folder);
        let api = FakeApi::default();
        api.gives("GET /readyz", json!("ok"))
            .on("GET /readyz", Answer::Broken)
            .on("GET /readyz", Answer::Silence)
            .refuses("GET /readyz", 500, "etcd failed")
            .gives("GET /readyz", json!("ok"))
            .refuses("GET /readyz", 500, "etcd failed")
            .gives("GET /readyz", json!("ok"));
        let (sender, mut outages) = Outages::channel();
        let waits = outages.clone();
        let probe = tokio::spawn(probe(api.client(), recorder.clone(), sender));
        outages.next().await;
        assert!(waits.is_away());
        waits.while_away().await;
        assert!(!waits.is_away());
        let lines = after_lines(4, &recorder, &folder).await;
        assert_eq!(lines, ["no API: connection refused", "API", "no API: etcd failed", "API"]);
        probe.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_receiver_learns_of_a_current_outage() {
        let (sender, outages) = Outages::channel();
        sender.send_modify(|count| *count += 1);
        outages.since_now().next().await;
        sender.send_modify(|count| *count += 1);
        outages.while_away().await;
        let mut late = outages.since_now();
        let next = tokio::time::timeout(Duration::from_secs(9), late.next()).await;
        assert!(next.is_err(), "the outage is over");
    }
}

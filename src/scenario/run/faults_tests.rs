use serde_json::{Value, json};

use super::*;
use crate::runtime::{ContainerState, ExecOutput};
use crate::runtime::{Engine as _, EngineError};
use crate::scenario::run::execute::execute;
use crate::scenario::run::fixture::{Stage, lines};
use crate::scenario::run::session::Stop;

/// A stage on which every script in a node succeeds.
async fn stage(steps: Value) -> Stage {
    let stage = Stage::with(steps).await;
    stage
        .engine
        .on_exec(|_, _, _| ExecOutput { stdout: b"healed\n".to_vec(), ..Default::default() });
    stage
}

fn kill(name: &str) -> Value {
    json!({ "name": name, "inject": { "fault": "node-kill", "node": "dev-worker" } })
}

fn with(mut step: Value, pointer: &str, field: &str, value: Value) -> Value {
    step.pointer_mut(pointer).unwrap()[field] = value;
    step
}

fn sleep(name: &str, lasting: &str) -> Value {
    json!({ "name": name, "sleep": { "for": lasting, "reason": "a test" } })
}

fn heal_step(step: &str) -> Value {
    json!({ "name": "heal", "heal": { "step": step } })
}

async fn state(stage: &Stage) -> ContainerState {
    stage.engine.container("dev-worker").await.unwrap().unwrap().state
}

#[tokio::test(start_paused = true)]
async fn a_fault_lasts_until_it_is_healed() {
    let stage = stage(json!([kill("lose"), sleep("a", "1m"), heal_step("lose")])).await;
    let ends = stage.run().await;
    assert!(ends[0].starts_with("lose Passed dev-worker: "), "{ends:?}");
    assert_eq!(ends[2], "heal Passed");
    assert_eq!(lines(&stage.folder), ["Injected lose", "Healed lose"]);
    assert_eq!(state(&stage).await, ContainerState::Running);
    assert_eq!(heal_all(&stage.session).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_has_ended_needs_no_healing() {
    let short = with(kill("lose"), "/inject", "for", json!("5s"));
    let stage = stage(json!([short, sleep("a", "1m"), heal_step("lose")])).await;
    let ends = stage.run().await;
    assert_eq!(ends[2], "heal Passed the fault had already ended");
    assert_eq!(lines(&stage.folder), ["Injected lose", "Healed lose"]);
    assert_eq!(state(&stage).await, ContainerState::Running);
}

#[tokio::test(start_paused = true)]
async fn cannot_heal_a_fault_that_was_never_injected() {
    let late = with(kill("lose"), "/inject", "when", json!("size(web) == 1"));
    let late = with(late, "", "background", json!(true));
    let stage = stage(json!([late, heal_step("lose")])).await;
    let ends = stage.run().await;
    assert_eq!(ends[1], "heal Failed step `lose` has not injected a fault");
    assert_eq!(ends[0], "lose Inconclusive cut short: another step failed");
    assert_eq!(lines(&stage.folder), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn heals_all_active_faults_at_the_end() {
    let background = with(kill("lose"), "", "background", json!(true));
    let long = with(kill("other"), "/inject", "for", json!("1h"));
    let other = with(long, "/inject", "node", json!("dev-worker2"));
    let stage = stage(json!([background, other])).await;
    stage.run().await;
    assert_eq!(state(&stage).await, ContainerState::Exited);
    assert_eq!(heal_all(&stage.session).await.unwrap(), 2);
    assert_eq!(state(&stage).await, ContainerState::Running);
    // The end of one of them comes after it is healed.
    tokio::time::sleep(Duration::from_secs(7200)).await;
    assert_eq!(lines(&stage.folder).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn heals_an_injection_that_is_cut_short() {
    let stage = stage(json!([kill("lose")])).await;
    tokio::join!(execute(&stage.session), async {
        // While the fault is being injected.
        while state(&stage).await == ContainerState::Running {
            tokio::task::yield_now().await;
        }
        stage.session.end_steps(Stop::Interrupted);
    });
    heal_all(&stage.session).await.unwrap();
    assert_eq!(state(&stage).await, ContainerState::Running);
    assert_eq!(lines(&stage.folder), ["Injected lose", "Healed lose"]);
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_could_not_be_healed_is_still_active() {
    let stage = stage(json!([kill("lose")])).await;
    stage.run().await;
    let refused = || EngineError::refused("starting", "full");
    let starts = stage.engine.calls().iter().filter(|call| call.starts_with("start_c")).count();
    stage.engine.fail("start_container", starts + 4, refused());
    let error = heal_all(&stage.session).await.unwrap_err();
    assert!(format!("{error:#}").contains("full"), "{error:#}");
    assert_eq!(state(&stage).await, ContainerState::Exited);
    assert_eq!(heal(&stage.session, "lose").await.unwrap(), Healing::Done);
    assert_eq!(state(&stage).await, ContainerState::Running);
}

#[tokio::test(start_paused = true)]
async fn injects_a_fault_when_its_condition_holds() {
    let late = with(kill("lose"), "/inject", "when", json!("size(web) == 0"));
    let stage = stage(json!([late])).await;
    let ends = stage.run().await;
    assert!(ends[0].starts_with("lose Passed dev-worker: "), "{ends:?}");
    assert_eq!(lines(&stage.folder), ["Injected lose"]);
}

use std::time::Duration;

use anyhow::Context as _;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ObjectMeta, PostParams};

use super::patience::patiently;
use super::resource;
use super::session::Session;
use crate::scenario::language::Action;
use crate::scenario::read::manifests;

/// How long the API server may take to make it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes the scenario's namespace where there is none, and no step is to make it.
///
/// # Errors
/// When it cannot be made.
pub(super) async fn provide(session: &Session) -> anyhow::Result<()> {
    let name = &session.scenario.namespace;
    if is_created_by_step(session) {
        return Ok(());
    }
    let made = async {
        let namespaces: Api<Namespace> = Api::all(session.client.clone());
        if patiently(|| namespaces.get_opt(name)).await?.is_some() {
            return anyhow::Ok(());
        }
        let kind = resource::require(&session.client, "Namespace").await?;
        session.tidying.made(&kind, "", name);
        let metadata = ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        let parameters = PostParams::default();
        match patiently(|| namespaces.create(&parameters, &namespace)).await {
            // By a try whose answer was lost.
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            result => Ok(result.map(drop)?),
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, made).await;
    in_time
        .context("the API server has no answer")
        .flatten()
        .with_context(|| format!("making namespace `{name}`"))
}

/// Whether a step creates the scenario's namespace.
fn is_created_by_step(session: &Session) -> bool {
    session.scenario.all_steps().into_iter().any(|step| match &step.action {
        Action::Apply(apply) | Action::Create(apply) => {
            let objects = manifests(apply, &session.folder, &session.variables);
            objects.unwrap_or_default().iter().any(|object| {
                object["kind"] == "Namespace"
                    && object["metadata"]["name"] == *session.scenario.namespace
            })
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::scenario::run::fixture::{Stage, scenario};

    async fn stage(steps: Value) -> Stage {
        let stage = Stage::of(scenario(steps, json!({ "namespace": "shop" }))).await;
        stage.session.tidying.enable();
        stage
    }

    fn made(stage: &Stage) -> Vec<Value> {
        let asked = stage.api.asked_for("POST /api/v1/namespaces");
        asked.into_iter().map(|asked| asked.body["metadata"]["name"].clone()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_namespace_that_is_not_there_is_made_and_removed() {
        let stage = stage(json!([])).await;
        let namespace = json!({ "metadata": { "name": "shop" } });
        stage.api.refuses("POST /api/v1/namespaces", 500, "not now");
        stage.api.gives("POST /api/v1/namespaces", namespace);
        provide(&stage.session).await.unwrap();
        assert_eq!(made(&stage), ["shop", "shop"]);
        stage.api.gives("DELETE /api/v1/namespaces/shop", json!({ "metadata": {} }));
        stage.session.tidying.tidy(&stage.session.client).await.unwrap();
        assert_eq!(stage.api.asked_for("DELETE /api/v1/namespaces/shop").len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_there_stays() {
        let stage = stage(json!([])).await;
        let namespace = json!({ "metadata": { "name": "shop" } });
        stage.api.gives("GET /api/v1/namespaces/shop", namespace);
        provide(&stage.session).await.unwrap();
        stage.session.tidying.tidy(&stage.session.client).await.unwrap();
        assert_eq!(made(&stage), Vec::<Value>::new());
        assert_eq!(stage.api.asked_for("DELETE /api/v1/namespaces/shop").len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_a_step_makes_is_left_to_it() {
        let object = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" },
        });
        let create = json!({ "name": "make", "create": { "objects": [object] } });
        let stage = stage(json!([{ "name": "group", "steps": [create] }])).await;
        provide(&stage.session).await.unwrap();
        assert_eq!(stage.api.asked().len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_may_not_be_made_is_named() {
        let stage = stage(json!([])).await;
        stage.api.refuses("POST /api/v1/namespaces", 403, "you may not");
        let error = provide(&stage.session).await.unwrap_err();
        let text = crate::scenario::run::outcome::told(&error);
        assert_eq!(text, "making namespace `shop`: you may not");
    }
}

use std::time::Duration;

use anyhow::Context as _;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ObjectMeta, PostParams};

use super::resource;
use super::retry::retry;
use super::session::Session;
use crate::scenario::language::Action;
use crate::scenario::read::manifests;

/// The time limit for the creation.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Creates the scenario's namespace, unless it exists or a step creates it.
///
/// # Errors
/// The namespace cannot be created.
pub(super) async fn ensure(session: &Session) -> anyhow::Result<()> {
    let name = &session.scenario.namespace;
    if is_created_by_step(session) {
        return Ok(());
    }
    let created = async {
        let namespaces: Api<Namespace> = Api::all(session.client.clone());
        if retry(|| namespaces.get_opt(name)).await?.is_some() {
            return anyhow::Ok(());
        }
        let kind = resource::require(&session.client, "Namespace").await?;
        session.state.cleanup.created(&kind, "", name);
        let metadata = ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        let parameters = PostParams::default();
        match retry(|| namespaces.create(&parameters, &namespace)).await {
            // Created by a try whose answer was lost.
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            result => Ok(result.map(drop)?),
        }
    };
    let in_time = tokio::time::timeout(TIMEOUT, created).await;
    in_time
        .context("the API server does not answer")
        .flatten()
        .with_context(|| format!("cannot create namespace `{name}`"))
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
        stage.session.state.cleanup.enable();
        stage
    }

    fn created(stage: &Stage) -> Vec<Value> {
        let asked = stage.api.asked_for("POST /api/v1/namespaces");
        asked.into_iter().map(|asked| asked.body["metadata"]["name"].clone()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn creates_and_deletes_a_missing_namespace() {
        let stage = stage(json!([])).await;
        let namespace = json!({ "metadata": { "name": "shop" } });
        stage.api.refuses("POST /api/v1/namespaces", 500, "not now");
        stage.api.gives("POST /api/v1/namespaces", namespace);
        ensure(&stage.session).await.unwrap();
        assert_eq!(created(&stage), ["shop", "shop"]);
        stage.api.gives("DELETE /api/v1/namespaces/shop", json!({ "metadata": {} }));
        stage.session.state.cleanup.run(&stage.session.client).await.unwrap();
        assert_eq!(stage.api.asked_for("DELETE /api/v1/namespaces/shop").len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_an_existing_namespace() {
        let stage = stage(json!([])).await;
        let namespace = json!({ "metadata": { "name": "shop" } });
        stage.api.gives("GET /api/v1/namespaces/shop", namespace);
        ensure(&stage.session).await.unwrap();
        stage.session.state.cleanup.run(&stage.session.client).await.unwrap();
        assert_eq!(created(&stage), Vec::<Value>::new());
        assert_eq!(stage.api.asked_for("DELETE /api/v1/namespaces/shop").len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn leaves_the_namespace_to_the_step_that_creates_it() {
        let object = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" },
        });
        let create = json!({ "name": "make", "create": { "objects": [object] } });
        let stage = stage(json!([{ "name": "group", "steps": [create] }])).await;
        ensure(&stage.session).await.unwrap();
        assert_eq!(stage.api.asked().len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn names_a_namespace_that_cannot_be_created() {
        let stage = stage(json!([])).await;
        stage.api.refuses("POST /api/v1/namespaces", 403, "you may not");
        let error = ensure(&stage.session).await.unwrap_err();
        let text = crate::scenario::run::outcome::describe(&error);
        assert_eq!(text, "cannot create namespace `shop`: you may not");
    }
}

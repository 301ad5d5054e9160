//! Authentication and authorization.

use serde_json::{Value, json};

use harness::{Cluster, Kubectl, container, pod, run, until_holds, with_spec, with_volume, words};

const MOUNTED: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The status of a review of a token by the API server.
fn review(kubectl: &Kubectl, token: &str, audience: Option<&str>) -> Value {
    let mut review = json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": { "token": token },
    });
    if let Some(audience) = audience {
        review["spec"]["audiences"] = json!([audience]);
    }
    let answer = kubectl.with_input("create -o json -f -", &review.to_string()).ok();
    serde_json::from_str::<Value>(&answer).unwrap()["status"].take()
}

pub fn token(cluster: &Cluster) {
    let kubectl = &cluster.kubectl.namespace("token");
    kubectl.run("create serviceaccount robot");
    let robot = json!({ "serviceAccountName": "robot" });
    let bearer = with_spec(pod("bearer", &[container("sleep 3600")]), &robot);
    let token = json!({ "path": "token", "audience": "vault", "expirationSeconds": 600 });
    let vault = json!({ "projected": { "sources": [{ "serviceAccountToken": token }] } });
    kubectl.start(&[with_volume(bearer, "/vault", vault)]);

    let token = kubectl.exec("bearer", &format!("cat {MOUNTED}/token"));
    let status = review(kubectl, &token, None);
    assert_eq!(status["authenticated"], true, "{status}");
    assert_eq!(status["user"]["username"], "system:serviceaccount:token:robot");
    let of_pod = &status["user"]["extra"]["authentication.kubernetes.io/pod-name"];
    assert_eq!(*of_pod, json!(["bearer"]));
    assert_eq!(kubectl.exec("bearer", &format!("cat {MOUNTED}/namespace")), "token");
    let authority = kubectl.exec("bearer", &format!("cat {MOUNTED}/ca.crt"));
    assert!(authority.starts_with("-----BEGIN CERTIFICATE-----"), "{authority}");

    let other = kubectl.exec("bearer", "cat /vault/token");
    assert_ne!(review(kubectl, &other, None)["authenticated"], true);
    let status = review(kubectl, &other, Some("vault"));
    assert_eq!(status["authenticated"], true, "{status}");
    assert_eq!(status["audiences"], json!(["vault"]));

    // A client in the pod uses the token at the Service of the API server.
    let call = format!(
        "wget -q -O - --no-check-certificate --header \"Authorization: Bearer $(cat {MOUNTED}/token)\" \
         --header 'Content-Type: application/json' --post-data \
         '{{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"SelfSubjectReview\"}}' \
         https://kubernetes.default.svc.cluster.local/apis/authentication.k8s.io/v1/selfsubjectreviews"
    );
    let answer = kubectl.exec("bearer", &call);
    assert!(answer.contains("system:serviceaccount:token:robot"), "{answer}");

    let asked = kubectl.run("create token robot --duration=10m");
    assert_eq!(review(kubectl, asked.trim(), None)["authenticated"], true);
    kubectl.run("delete pod bearer");
    kubectl.run("delete serviceaccount robot");
    // The API server caches a valid token for some seconds.
    until_holds(
        "the token is invalid",
        || review(kubectl, &token, None),
        |status| status["authenticated"] != true,
    );
}

pub fn roles(cluster: &Cluster) {
    let kubectl = &cluster.kubectl.namespace("roles");
    kubectl.run("create serviceaccount reader");
    kubectl.run("create role reader --verb=get,list --resource=configmaps");
    let account = "roles:reader";
    kubectl.run(&format!("create rolebinding reader --role=reader --serviceaccount={account}"));
    let token = kubectl.run("create token reader");
    // Without the certificate of the administrator, which would override the token.
    let as_reader = |line: &str| {
        let server = kubectl.value("config view --minify", ".clusters[0].cluster.server");
        let mut arguments = vec![
            "--kubeconfig=/dev/null",
            "--server",
            &server,
            "--insecure-skip-tls-verify",
            "--token",
            token.trim(),
        ];
        arguments.extend(words(line));
        run(kubectl.command(&arguments), "")
    };
    as_reader("get configmaps").ok();
    let refused = as_reader("get secrets").fails(1);
    assert!(refused.contains("forbidden"), "{refused}");
    let refused = as_reader("create configmap mine").fails(1);
    assert!(refused.contains("forbidden"), "{refused}");
}

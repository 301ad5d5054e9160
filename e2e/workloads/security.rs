//! Authentication and authorization.

use serde_json::{Value, json};

use harness::{Cluster, Kubectl, container, pod, run, until_holds, words};

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
    let (kubectl, ns) = (&cluster.kubectl, "token");
    kubectl.namespace(ns);
    kubectl.run(&format!("-n {ns} create serviceaccount robot"));
    let mut main = container("sleep 3600");
    main["volumeMounts"] = json!([{ "name": "vault", "mountPath": "/vault" }]);
    let mut bearer = pod("bearer", &[main]);
    bearer["spec"]["serviceAccountName"] = json!("robot");
    bearer["spec"]["volumes"] = json!([{
        "name": "vault",
        "projected": { "sources": [{
            "serviceAccountToken": { "path": "token", "audience": "vault", "expirationSeconds": 600 },
        }] },
    }]);
    kubectl.apply(ns, &[bearer]);
    kubectl.wait_for(ns, "pod/bearer", "condition=Ready");

    let token = kubectl.exec(ns, "bearer", &format!("cat {MOUNTED}/token"));
    let status = review(kubectl, &token, None);
    assert_eq!(status["authenticated"], true, "{status}");
    assert_eq!(status["user"]["username"], "system:serviceaccount:token:robot");
    let of_pod = &status["user"]["extra"]["authentication.kubernetes.io/pod-name"];
    assert_eq!(*of_pod, json!(["bearer"]));
    assert_eq!(kubectl.exec(ns, "bearer", &format!("cat {MOUNTED}/namespace")), ns);
    let authority = kubectl.exec(ns, "bearer", &format!("cat {MOUNTED}/ca.crt"));
    assert!(authority.starts_with("-----BEGIN CERTIFICATE-----"), "{authority}");

    let other = kubectl.exec(ns, "bearer", "cat /vault/token");
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
    let answer = kubectl.exec(ns, "bearer", &call);
    assert!(answer.contains("system:serviceaccount:token:robot"), "{answer}");

    let asked = kubectl.run(&format!("-n {ns} create token robot --duration=10m"));
    assert_eq!(review(kubectl, asked.trim(), None)["authenticated"], true);
    kubectl.run(&format!("-n {ns} delete pod bearer"));
    kubectl.run(&format!("-n {ns} delete serviceaccount robot"));
    // The API server caches a valid token for some seconds.
    until_holds(
        "the token is invalid",
        || review(kubectl, &token, None),
        |status| status["authenticated"] != true,
    );
}

pub fn roles(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "roles");
    kubectl.namespace(ns);
    kubectl.run(&format!("-n {ns} create serviceaccount reader"));
    kubectl.run(&format!("-n {ns} create role reader --verb=get,list --resource=configmaps"));
    let account = format!("{ns}:reader");
    kubectl.run(&format!(
        "-n {ns} create rolebinding reader --role=reader --serviceaccount={account}"
    ));
    let token = kubectl.run(&format!("-n {ns} create token reader"));
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
            "-n",
            ns,
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

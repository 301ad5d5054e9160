use proptest::prelude::*;
use serde_yaml::Value;

use super::*;

fn access(cluster: &str) -> Access {
    Access {
        cluster: cluster.to_owned(),
        server: "https://127.0.0.1:41235".to_owned(),
        ca_pem: "the authority".to_owned(),
        client_cert_pem: "the certificate".to_owned(),
        client_key_pem: "the key".to_owned(),
    }
}

fn value(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

/// The content of a document, however it writes an empty list or an unset current context.
fn meaning(text: &str) -> (Vec<(String, Vec<Value>)>, Mapping) {
    let mut rest = parse(text).unwrap();
    let lists = LISTS
        .iter()
        .map(|list| match rest.remove(*list) {
            Some(Value::Sequence(entries)) => ((*list).to_owned(), entries),
            _ => ((*list).to_owned(), Vec::new()),
        })
        .collect();
    rest.retain(|field, content| {
        !content.is_null()
            && !["apiVersion", "kind", "current-context"].contains(&field.as_str().unwrap_or(""))
    });
    (lists, rest)
}

const FOREIGN: &str = "\
# written by hand
apiVersion: v1
kind: Config
preferences: {colors: true}
current-context: work
clusters:
- name: work
  cluster:
    server: https://work.example:6443
    insecure-skip-tls-verify: true
    extensions: [{name: x, extension: {seen: 1}}]
users:
- name: work
  user: {username: \"yes\", password: '0777'}
contexts:
- context: {cluster: work, user: work, namespace: \"123\"}
  name: work
x-own: kept
";

#[test]
fn renders_a_kubeconfig_for_one_cluster() {
    insta::assert_snapshot!(render(&access("dev")), @r"
    apiVersion: v1
    kind: Config
    clusters:
    - name: kindrs-dev
      cluster:
        server: https://127.0.0.1:41235
        certificate-authority-data: dGhlIGF1dGhvcml0eQ==
    contexts:
    - name: kindrs-dev
      context:
        cluster: kindrs-dev
        user: kindrs-dev
    users:
    - name: kindrs-dev
      user:
        client-certificate-data: dGhlIGNlcnRpZmljYXRl
        client-key-data: dGhlIGtleQ==
    current-context: kindrs-dev
    ");
}

#[test]
fn merging_keeps_all_other_content() {
    insta::assert_snapshot!(merge(FOREIGN, &access("dev")).unwrap(), @r#"
    apiVersion: v1
    kind: Config
    preferences:
      colors: true
    current-context: kindrs-dev
    clusters:
    - name: work
      cluster:
        server: https://work.example:6443
        insecure-skip-tls-verify: true
        extensions:
        - name: x
          extension:
            seen: 1
    - name: kindrs-dev
      cluster:
        server: https://127.0.0.1:41235
        certificate-authority-data: dGhlIGF1dGhvcml0eQ==
    users:
    - name: work
      user:
        username: "yes"
        password: "0777"
    - name: kindrs-dev
      user:
        client-certificate-data: dGhlIGNlcnRpZmljYXRl
        client-key-data: dGhlIGtleQ==
    contexts:
    - context:
        cluster: work
        user: work
        namespace: "123"
      name: work
    - name: kindrs-dev
      context:
        cluster: kindrs-dev
        user: kindrs-dev
    x-own: kept
    "#);
}

#[test]
fn accepts_an_empty_text() {
    for text in ["", "\n", "# nothing\n", "---\n", "{}", "clusters: null\nusers: []\n"] {
        let merged = merge(text, &access("dev")).unwrap();
        assert_eq!(meaning(&merged), meaning(&render(&access("dev"))), "{text:?}");
        assert_eq!(remove(text, "dev").unwrap(), text);
    }
}

#[test]
fn removing_the_last_cluster_leaves_a_valid_file() {
    let left = remove(&render(&access("dev")), "dev").unwrap();
    insta::assert_snapshot!(left, @r"
    apiVersion: v1
    kind: Config
    clusters: []
    contexts: []
    users: []
    current-context: ''
    ");
}

#[test]
fn removing_keeps_the_current_context_of_another_cluster() {
    let two = merge(&render(&access("dev")), &access("test")).unwrap();
    let left = remove(&two, "dev").unwrap();
    assert_eq!(value(&left)["current-context"], Value::from("kindrs-test"));
    assert_eq!(meaning(&left), meaning(&render(&access("test"))));
}

#[test]
fn removing_ignores_a_cluster_whose_name_starts_the_same() {
    let text = render(&access("dev2"));
    assert_eq!(remove(&text, "dev").unwrap(), text);
}

#[test]
fn a_new_server_replaces_the_old_one_in_place() {
    let two = merge(&render(&access("dev")), &access("test")).unwrap();
    let moved = Access { server: "https://127.0.0.1:5".to_owned(), ..access("dev") };
    let merged = merge(&two, &moved).unwrap();
    assert_eq!(value(&merged)["clusters"][0]["cluster"]["server"], Value::from(moved.server));
    assert_eq!(value(&merged)["clusters"].as_sequence().unwrap().len(), 2);
}

#[test]
fn rejects_other_documents_with_their_position() {
    let cases = [
        ("a: b\nclusters: [\n", "line 3, column 1: did not find expected node content"),
        ("just text", "the document: expected a mapping, found `just text`"),
        ("- a\n", "the document: expected a mapping, found a list"),
        ("kind: Pod\n", "`kind`: expected `Config`, found `Pod`"),
        ("apiVersion: v2\n", "`apiVersion`: expected `v1`, found `v2`"),
        ("clusters: 5\n", "`clusters`: expected a list, found `5`"),
        ("users: [{name: a}, b]\n", "`users[1]`: expected a mapping, found `b`"),
        ("current-context: []\n", "`current-context`: expected a name, found a list"),
    ];
    for (text, message) in cases {
        assert_eq!(merge(text, &access("dev")).unwrap_err().to_string(), message, "{text}");
        assert_eq!(remove(text, "dev").unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn reads_an_admin_conf_for_another_server() {
    let admin_conf = render(&access("whatever"));
    let read = from_admin_conf(&admin_conf, "dev", "https://172.20.0.2:6443").unwrap();
    assert_eq!(read, Access { server: "https://172.20.0.2:6443".to_owned(), ..access("dev") });
    let error = from_admin_conf("clusters: []", "dev", "").unwrap_err().to_string();
    assert_eq!(
        error,
        "`clusters[0].cluster.certificate-authority-data`: expected PEM data in base64, found nothing"
    );
}

fn mapping<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Mapping(fields.into_iter().map(|(key, value)| (Value::from(key), value)).collect())
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[a-zA-Z0-9 _:.#'\"{}\\[\\]&*!|>%@-]{0,12}".prop_map(Value::from),
        Just(Value::from("line\nbreak\n")),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::from("yes")),
    ]
}

fn foreign_entry(field: &'static str) -> impl Strategy<Value = Value> {
    let fields = prop::collection::vec(("[a-z-]{1,8}", scalar()), 0..4);
    ("[a-z]{1,8}", fields).prop_map(move |(name, fields)| {
        let content = fields.into_iter().map(|(key, value)| (Value::from(key), value)).collect();
        mapping([("name", name.into()), (field, Value::Mapping(content))])
    })
}

prop_compose! {
    fn foreign_document()(
        clusters in prop::collection::vec(foreign_entry("cluster"), 0..4),
        contexts in prop::collection::vec(foreign_entry("context"), 0..4),
        users in prop::collection::vec(foreign_entry("user"), 0..4),
        unknown in scalar(),
    ) -> String {
        let document = mapping([
            ("users", Value::Sequence(users)),
            ("unknown", unknown),
            ("clusters", Value::Sequence(clusters)),
            ("contexts", Value::Sequence(contexts)),
            ("current-context", "some".into()),
        ]);
        serde_yaml::to_string(&document).unwrap()
    }
}

proptest! {
    #[test]
    fn merging_then_removing_changes_no_other_entry(text in foreign_document(), name in "[a-z0-9-]{1,10}") {
        let merged = merge(&text, &access(&name)).unwrap();
        prop_assert_eq!(&merge(&merged, &access(&name)).unwrap(), &merged);
        let left = remove(&merged, &name).unwrap();
        prop_assert_eq!(meaning(&left), meaning(&text));
        prop_assert_eq!(&remove(&left, &name).unwrap(), &left);
    }

    #[test]
    fn clusters_do_not_affect_each_other(text in foreign_document(), one in "[a-m]{1,6}", other in "[n-z]{1,6}") {
        let both = merge(&merge(&text, &access(&one)).unwrap(), &access(&other)).unwrap();
        let left = remove(&both, &one).unwrap();
        prop_assert_eq!(meaning(&left), meaning(&merge(&text, &access(&other)).unwrap()));
    }

    #[test]
    fn reading_never_panics(text in ".{0,80}") {
        let _ = remove(&text, "dev");
    }
}

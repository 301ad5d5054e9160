use std::collections::BTreeMap;

use serde_json::json;

/// Where the render container finds its input and leaves its output.
pub const RENDER_DIRECTORY: &str = "/kindrs/render";

/// The script that a container of the node image runs to render what depends on the Kubernetes
/// version, by kubeadm's own phases: static pods and kubelet's files of each node, the addons.
/// In `RENDER_DIRECTORY`: `in/NODE/kubeadm.conf` (with `in/NODE/control-plane` beside it where
/// the node is one) becomes `out/nodes/NODE/…`, and `in/ADDON.arguments` becomes `out/ADDON.yaml`.
pub fn render_script() -> &'static str {
    "\
#!/bin/sh
set -eu
cd /kindrs/render
mkdir -p out/nodes out/image
refuse() { grep -vE '^\\[|^W[0-9]{4} |^To see the stack trace' out/log >&2; exit 10; }
phase() { kubeadm init phase \"$@\" --config \"$config\" >>out/log 2>&1 || refuse; }
if [ -e in/gates.yaml ]; then
    kubelet --config in/gates.yaml >out/gates.log 2>&1 || true
    if grep -E 'unrecognized feature gate|cannot set feature gate' out/gates.log >&2; then exit 11; fi
fi
for node in in/*/; do
    node=$(basename \"$node\") config=in/$(basename \"$node\")/kubeadm.conf
    rm -rf /etc/kubernetes/manifests /var/lib/kubelet
    mkdir -p /etc/kubernetes/manifests /var/lib/kubelet out/nodes/$node
    if [ -e in/$node/control-plane ]; then
        phase control-plane all
        phase etcd local
    fi
    phase kubelet-start
    if [ -e in/$node/join.conf ]; then
        kubeadm config validate --config in/$node/join.conf >>out/log 2>&1 || refuse
    fi
    mv /etc/kubernetes/manifests /var/lib/kubelet out/nodes/$node/
done
# kubeadm only warns of a field that it does not know, and goes on without it.
strict=$(sed -n 's/.*Kind:\"\\([^\"]*\\)\"}: strict decoding error: /\\1: /p' out/log | sort -u)
if [ -n \"$strict\" ]; then echo \"$strict\" >&2; exit 10; fi
for addon in coredns kube-proxy; do
    if [ -e in/$addon.arguments ]; then
        kubeadm init phase addon $addon $(cat in/$addon.arguments) --print-manifest >out/$addon.yaml 2>>out/log || refuse
    fi
done
cp /kind/manifests/*.yaml out/image/ 2>/dev/null || true
cp /etc/containerd/config.toml out/image/
"
}

/// A kubelet configuration that makes kubelet check the names of feature gates and then end: its
/// `maxPods` is invalid on purpose. kubelet knows the gates of every component.
pub fn feature_gate_probe(gates: &BTreeMap<String, bool>) -> String {
    let document = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "maxPods": -1,
        "featureGates": gates,
    });
    document.to_string()
}

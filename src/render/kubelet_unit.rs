/// A drop-in for kubelet's unit that holds it back until the API server at `endpoint`
/// (`ADDRESS:PORT`) is ready, a minute at most. A kubelet that is refused asks again after
/// pauses that double up to 7 s.
pub fn await_api_drop_in(endpoint: &str) -> String {
    format!(
        "\
[Service]
TimeoutStartSec=90s
ExecStartPre=-/bin/bash -c 'for i in $(seq 300); do \
curl -sf -o /dev/null --max-time 2 --cacert /etc/kubernetes/pki/ca.crt \
--cert /var/lib/kubelet/pki/kubelet-client-current.pem https://{endpoint}/readyz && exit; \
sleep 0.2; done'
"
    )
}

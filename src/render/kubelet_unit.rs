/// A drop-in for kubelet's unit on workers: kubelet starts after the script at `script`, which waits
/// until the API server at `endpoint` (`ADDRESS:PORT`) is ready.
pub fn await_api_drop_in(script: &str, endpoint: &str) -> String {
    format!(
        "\
[Service]
TimeoutStartSec=90s
ExecStartPre=-{script} https://{endpoint}
"
    )
}

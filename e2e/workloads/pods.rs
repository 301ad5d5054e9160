//! Commands of kubectl for a single pod.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use serde_json::json;

use harness::{BUSYBOX, Cluster, container, pod, run, run_in, until_holds, web_container};

/// A child process that is killed when it is dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn exec(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "exec");
    kubectl.namespace(ns);
    // One on each node, because the API server connects to each kubelet.
    for node in ["control-plane", "worker", "worker2"] {
        let mut pod = pod(node, &[container("sleep 3600")]);
        pod["spec"]["nodeName"] = json!(cluster.sandbox.node(node));
        kubectl.apply(ns, &[pod]);
    }
    for node in ["control-plane", "worker", "worker2"] {
        kubectl.wait_for(ns, &format!("pod/{node}"), "condition=Ready");
        assert_eq!(kubectl.exec(ns, node, "echo $((6 * 7)); hostname"), format!("42\n{node}\n"));
        assert_eq!(kubectl.try_exec(ns, node, "echo lost >&2; exit 7").code, Some(7));
        let echoed =
            kubectl.with_input(&format!("-n {ns} exec -i {node} -- cat"), "to and fro").ok();
        assert_eq!(echoed, "to and fro");
    }
}

pub fn attach(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "attach");
    kubectl.namespace(ns);
    let mut listener = container("read line; echo \"you said $line\"; sleep 2");
    listener["stdin"] = json!(true);
    listener["stdinOnce"] = json!(true);
    let mut pod = pod("listener", &[listener]);
    pod["spec"]["restartPolicy"] = json!("Never");
    kubectl.apply(ns, &[pod]);
    kubectl.wait_for(ns, "pod/listener", "condition=Ready");
    let heard = kubectl.with_input(&format!("-n {ns} attach -i listener"), "hello\n").ok();
    assert!(heard.contains("you said hello"), "{heard}");
    kubectl.wait_for(ns, "pod/listener", "jsonpath={.status.phase}=Succeeded");
}

pub fn logs(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "logs");
    kubectl.namespace(ns);
    // The second run finds a file of the first in the volume.
    let script = "if [ -e /data/ran ]; then echo second; sleep 3600; fi; \
                  touch /data/ran; echo first; exit 1";
    let mut main = container(script);
    main["volumeMounts"] = json!([{ "name": "data", "mountPath": "/data" }]);
    let mut pod = pod("twice", &[main]);
    pod["spec"]["volumes"] = json!([{ "name": "data", "emptyDir": {} }]);
    kubectl.apply(ns, &[pod]);
    until_holds(
        "the second run is heard",
        || kubectl.attempt(&format!("-n {ns} logs twice")).stdout,
        |text| text == "second\n",
    );
    assert_eq!(kubectl.run(&format!("-n {ns} logs twice --previous")), "first\n");

    let mut command = kubectl.command(&["-n", ns, "logs", "twice", "--follow", "--timestamps"]);
    let mut child = Ended(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.ends_with(" second\n"), "{line}");
}

pub fn port_forward(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "forward");
    kubectl.namespace(ns);
    kubectl.apply(ns, &[pod("web", &[web_container()])]);
    kubectl.wait_for(ns, "pod/web", "condition=Ready");
    let mut command = kubectl.command(&["-n", ns, "port-forward", "pod/web", ":8080"]);
    let mut child = Ended(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    // Stays open to the end, because kubectl prints a line for each connection.
    let mut output = BufReader::new(child.0.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    // "Forwarding from 127.0.0.1:PORT -> 8080"
    let address = line.split(' ').nth(2).unwrap_or_else(|| panic!("{line}"));
    for _ in 0..3 {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("web\n"), "{answer}");
    }
}

pub fn copy(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "copy");
    kubectl.namespace(ns);
    kubectl.apply(ns, &[pod("files", &[container("sleep 3600")])]);
    kubectl.wait_for(ns, "pod/files", "condition=Ready");
    let folder = tempfile::tempdir().unwrap();
    // Larger than a message of the protocol.
    let content: Vec<u8> = (0..3_000_000_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
    std::fs::write(folder.path().join("there"), &content).unwrap();
    let run = |from: &str, to: &str| {
        let mut command = kubectl.command(&["-n", ns, "cp", from, to]);
        run_in(&mut command, folder.path());
    };
    run("there", "files:/tmp/file");
    assert_eq!(kubectl.exec(ns, "files", "wc -c </tmp/file").trim(), "3000000");
    run("files:/tmp/file", "back");
    assert!(std::fs::read(folder.path().join("back")).unwrap() == content);
}

pub fn ephemeral_container(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "ephemeral");
    kubectl.namespace(ns);
    kubectl.apply(ns, &[pod("web", &[web_container()])]);
    kubectl.wait_for(ns, "pod/web", "condition=Ready");
    let image = format!("--image={BUSYBOX}");
    let mut arguments = vec!["-n", ns, "debug", "pod/web", &image, "--image-pull-policy=Never"];
    arguments.extend(["-c", "debugger", "--", "wget", "-q", "-O", "-", "http://127.0.0.1:8080"]);
    run(kubectl.command(&arguments), "").ok();
    until_holds(
        "the debugger sees the pod's own port",
        || kubectl.attempt(&format!("-n {ns} logs web -c debugger")).stdout,
        |text| text == "web\n",
    );
}

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use super::Role;
use super::cluster::{Cluster, Networking, Node};
use super::decode::{Decoder, Field, Fields, Schema};
use super::validate::violations;
use crate::runtime::{Mount, MountSource, PortBinding, Propagation, Protocol};
use crate::yaml::{self, Data, Entry, Position, Problem, Problems, describe, nearest};

/// Where the format is described, for hints.
const FORMAT: &str = "the format is described at https://kind.sigs.k8s.io/docs/user/configuration/";

const KIND: &str = "Cluster";
const API_VERSION: &str = "kind.x-k8s.io/v1alpha4";

// The fields of https://pkg.go.dev/sigs.k8s.io/kind@v0.33.0/pkg/apis/config/v1alpha4.
const CLUSTER: Schema = Schema {
    what: "a cluster",
    supported: &[
        "kind",
        "apiVersion",
        "name",
        "nodes",
        "networking",
        "featureGates",
        "runtimeConfig",
        "kubeadmConfigPatches",
        "containerdConfigPatches",
    ],
    unsupported: &["kubeadmConfigPatchesJSON6902", "containerdConfigPatchesJSON6902"],
};
const NODE: Schema = Schema {
    what: "a node",
    supported: &[
        "role",
        "image",
        "labels",
        "extraMounts",
        "extraPortMappings",
        "kubeadmConfigPatches",
    ],
    unsupported: &["kubeadmConfigPatchesJSON6902"],
};
const NETWORKING: Schema = Schema {
    what: "networking",
    supported: &[
        "podSubnet",
        "serviceSubnet",
        "apiServerAddress",
        "apiServerPort",
        "disableDefaultCNI",
        "ipFamily",
        "kubeProxyMode",
    ],
    unsupported: &["dnsSearch"],
};
const MOUNT: Schema = Schema {
    what: "a mount",
    supported: &["hostPath", "containerPath", "readOnly", "selinuxRelabel", "propagation"],
    unsupported: &[],
};
const PORT_MAPPING: Schema = Schema {
    what: "a port mapping",
    supported: &["containerPort", "hostPort", "listenAddress", "protocol"],
    unsupported: &[],
};

/// Reads a cluster from a file in kind's format
/// (<https://kind.sigs.k8s.io/docs/user/configuration/>): `kind: Cluster`, `apiVersion:
/// kind.x-k8s.io/v1alpha4`, in YAML or JSON. Absent, null and empty fields mean their default.
///
/// `source` names the text in errors: a file's name, or `standard input`. Relative host paths stay
/// as they are; [`Cluster::resolve_host_paths`] makes them absolute.
///
/// # Errors
/// Every problem there is, of syntax, fields, types and rules, with its place. A field of the
/// format that kindrs does not have yet is refused by name.
pub fn load(source: &str, text: &str) -> Result<Cluster, Problems> {
    decode(text).map_err(|problems| Problems { file: source.to_string(), problems, hint: FORMAT })
}

fn decode(text: &str) -> Result<Cluster, Vec<Problem>> {
    let mut decoder = Decoder::default();
    let documents = match yaml::parse(text) {
        Ok(documents) => documents,
        Err(error) => {
            decoder.problem(error.position, "", error.message, None);
            return Err(decoder.finish(Vec::new()));
        }
    };
    let mut documents = documents.iter().filter(|document| !document.is_null());
    let Some(root) = documents.next() else {
        let message = format!("empty; expected `kind: {KIND}`, `apiVersion: {API_VERSION}`");
        decoder.problem(Position::START, "", message, None);
        return Err(decoder.finish(Vec::new()));
    };
    if let Some(second) = documents.next() {
        let message = "a second document starts here; expected one cluster in a file";
        decoder.problem(second.position, "", message, None);
    }
    decode_root(decoder, root)
}

/// Reads a cluster from a value of another document, as [`load`] does from a text, but `kind` and
/// `apiVersion` may be left out. Places are those of that document, and paths begin at the value.
///
/// # Errors
/// Every problem there is.
pub(crate) fn load_value(value: &yaml::Node) -> Result<Cluster, Vec<Problem>> {
    let mut value = value.clone();
    let position = value.position;
    if let Data::Mapping(mapping) = &mut value.data {
        for (key, word) in [("kind", KIND), ("apiVersion", API_VERSION)] {
            if mapping.entry(key).is_none() {
                let value = yaml::Node::from_json(&word.into(), position);
                mapping.entries.push(Entry { key: key.to_owned(), position, value });
            }
        }
    }
    decode_root(Decoder::default(), &value)
}

fn decode_root(mut decoder: Decoder, root: &yaml::Node) -> Result<Cluster, Vec<Problem>> {
    let root = decoder.root(root);
    let cluster = decoder.header(&root).and_then(|()| decoder.cluster(&root));
    let broken = cluster.as_ref().map(violations).unwrap_or_default();
    match (decoder.finish(broken), cluster) {
        (problems, Some(cluster)) if problems.is_empty() => Ok(cluster),
        (problems, _) => Err(problems),
    }
}

impl Decoder {
    /// Checks `kind` and `apiVersion`; `None` when the document is of another kind altogether, so
    /// that complaints about its fields would say nothing.
    fn header(&mut self, root: &Field<'_>) -> Option<()> {
        let Data::Mapping(mapping) = &root.node.data else {
            self.unexpected(root, &format!("a mapping with `kind: {KIND}`"));
            return None;
        };
        let mut ours = true;
        for (name, expected) in [("kind", KIND), ("apiVersion", API_VERSION)] {
            let entry = mapping.entries.iter().find(|entry| entry.key == name);
            let Some(Entry { value, .. }) = entry else {
                let message = format!("missing; expected `{name}: {expected}`");
                self.problem(root.node.position, name, message, None);
                continue;
            };
            let (found, near) = match &value.data {
                Data::Scalar { text, .. } if text == expected => continue,
                Data::Scalar { text, .. } if !value.is_null() => {
                    let near = nearest(text, &[expected]);
                    ours &= near.is_some();
                    (format!("`{}`", text.escape_debug()), near)
                }
                _ => (describe(value).to_string(), None),
            };
            let message = format!("expected `{expected}`, found {found}");
            self.problem(value.position, name, message, near);
        }
        ours.then_some(())
    }

    fn cluster(&mut self, root: &Field<'_>) -> Option<Cluster> {
        let fields = self.fields(root, &CLUSTER)?;
        let mut cluster = Cluster::default();
        if let Some(field) = fields.get(self, "name") {
            cluster.name = self.filled_text(&field);
        }
        if let Some(field) = fields.get(self, "nodes") {
            let nodes: Vec<_> = self.items(&field).iter().map(|item| self.node(item)).collect();
            if !nodes.is_empty() {
                cluster.nodes = nodes;
            }
        }
        if let Some(field) = fields.get(self, "networking") {
            cluster.networking = self.networking(&field);
        }
        if let Some(field) = fields.get(self, "featureGates") {
            let expected = "a mapping of feature gates to `true` or `false`";
            for (gate, value) in self.entries(&field, expected) {
                if let Some(enabled) = self.boolean(&value) {
                    cluster.feature_gates.insert(gate, enabled);
                }
            }
        }
        if let Some(field) = fields.get(self, "runtimeConfig") {
            cluster.runtime_config =
                self.texts_by_key(&field, "a mapping of APIs to `\"true\"` or `\"false\"`");
        }
        cluster.kubeadm_config_patches = self.patches(&fields, "kubeadmConfigPatches", "YAML");
        cluster.containerd_config_patches =
            self.patches(&fields, "containerdConfigPatches", "TOML");
        Some(cluster)
    }

    fn node(&mut self, field: &Field<'_>) -> Node {
        let mut node = Node::new(Role::ControlPlane);
        let Some(fields) = self.fields(field, &NODE) else { return node };
        if let Some(field) = fields.get(self, "role") {
            let roles = Role::ALL.map(|role| (role.name(), role));
            node.role = self.choice(&field, &roles).unwrap_or(node.role);
        }
        if let Some(field) = fields.get(self, "image") {
            node.image = self.filled_text(&field);
        }
        if let Some(field) = fields.get(self, "labels") {
            node.labels = self.texts_by_key(&field, "a mapping of labels to their values");
        }
        if let Some(field) = fields.get(self, "extraMounts") {
            node.extra_mounts = self.items(&field).iter().map(|item| self.mount(item)).collect();
        }
        if let Some(field) = fields.get(self, "extraPortMappings") {
            node.extra_port_mappings =
                self.items(&field).iter().map(|item| self.port_mapping(item)).collect();
        }
        node.kubeadm_config_patches = self.patches(&fields, "kubeadmConfigPatches", "YAML");
        node
    }

    fn networking(&mut self, field: &Field<'_>) -> Networking {
        let mut networking = Networking::default();
        let Some(fields) = self.fields(field, &NETWORKING) else { return networking };
        if let Some(field) = fields.get(self, "podSubnet") {
            networking.pod_subnet = self.parsed(&field, subnet).unwrap_or(networking.pod_subnet);
        }
        if let Some(field) = fields.get(self, "serviceSubnet") {
            networking.service_subnet =
                self.parsed(&field, subnet).unwrap_or(networking.service_subnet);
        }
        if let Some(field) = fields.get(self, "apiServerAddress") {
            networking.api_server_address =
                self.parsed(&field, address).unwrap_or(networking.api_server_address);
        }
        if let Some(field) = fields.get(self, "apiServerPort") {
            networking.api_server_port = self.host_port(&field).filter(|port| *port != 0);
        }
        if self.has_failed(&fields.path_of("apiServerAddress")) {
            networking.api_server_port = None;
        }
        if let Some(field) = fields.get(self, "disableDefaultCNI") {
            networking.disable_default_cni = self.boolean(&field).unwrap_or_default();
        }
        if let Some(field) = fields.get(self, "ipFamily") {
            self.only(&field, "ipv4", &["ipv6", "dual"]);
        }
        if let Some(field) = fields.get(self, "kubeProxyMode") {
            self.only(&field, "iptables", &["ipvs", "nftables", "none"]);
        }
        networking
    }

    /// A field of which kindrs has one value so far.
    fn only(&mut self, field: &Field<'_>, supported: &str, unsupported: &[&str]) {
        let Some(text) = self.filled_text(field) else { return };
        if unsupported.contains(&text.as_str()) {
            let message = format!("`{text}` is not supported by kindrs yet; it has `{supported}`");
            self.fail(field, message, None);
        } else {
            let mut choices = vec![(supported, ())];
            choices.extend(unsupported.iter().map(|word| (*word, ())));
            self.choice(field, &choices);
        }
    }

    fn mount(&mut self, field: &Field<'_>) -> Mount {
        let mut mount = Mount {
            source: MountSource::Host(String::new()),
            target: String::new(),
            read_only: false,
            propagation: Propagation::None,
        };
        let Some(fields) = self.fields(field, &MOUNT) else {
            return mount;
        };
        if let Some(field) = self.required(&fields, field, "hostPath") {
            mount.source = MountSource::Host(self.text(&field).unwrap_or_default());
        }
        if let Some(field) = self.required(&fields, field, "containerPath") {
            mount.target = self.text(&field).unwrap_or_default();
        }
        if let Some(field) = fields.get(self, "readOnly") {
            mount.read_only = self.boolean(&field).unwrap_or_default();
        }
        if let Some(field) = fields.get(self, "selinuxRelabel")
            && self.boolean(&field) == Some(true)
        {
            self.fail(&field, "`true` is not supported by kindrs yet", None);
        }
        if let Some(field) = fields.get(self, "propagation") {
            let choices = [
                ("None", Propagation::None),
                ("HostToContainer", Propagation::HostToContainer),
                ("Bidirectional", Propagation::Bidirectional),
            ];
            mount.propagation = self.choice(&field, &choices).unwrap_or_default();
        }
        mount
    }

    fn port_mapping(&mut self, field: &Field<'_>) -> PortBinding {
        let mut binding = PortBinding {
            container_port: 0,
            protocol: Protocol::Tcp,
            host_address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            host_port: 0,
        };
        let Some(fields) = self.fields(field, &PORT_MAPPING) else { return binding };
        if let Some(field) = self.required(&fields, field, "containerPort") {
            let port = self.integer(&field, 1, u16::MAX.into());
            binding.container_port = port.and_then(|port| port.try_into().ok()).unwrap_or_default();
        }
        if let Some(field) = fields.get(self, "listenAddress") {
            binding.host_address = self.parsed(&field, address).unwrap_or(binding.host_address);
        }
        if let Some(field) = fields.get(self, "protocol") {
            binding.protocol = self.protocol(&field).unwrap_or_default();
        }
        if let Some(field) = fields.get(self, "hostPort") {
            binding.host_port = self.host_port(&field).unwrap_or_default();
        }
        // A port at an address that could not be read must not look like another's duplicate.
        if ["listenAddress", "protocol"].iter().any(|name| self.has_failed(&fields.path_of(name))) {
            binding.host_port = 0;
        }
        binding
    }

    fn protocol(&mut self, field: &Field<'_>) -> Option<Protocol> {
        let choices = [("TCP", Protocol::Tcp), ("UDP", Protocol::Udp), ("SCTP", Protocol::Sctp)];
        let text = self.filled_text(field)?;
        // kind takes them in either case.
        match choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text)) {
            Some((_, protocol)) => Some(*protocol),
            None => self.choice(field, &choices),
        }
    }

    /// A port of the host: 0 for a free one, which kind also writes as -1.
    fn host_port(&mut self, field: &Field<'_>) -> Option<u16> {
        let port = self.integer(field, -1, u16::MAX.into())?;
        port.max(0).try_into().ok()
    }

    fn required<'a>(
        &mut self,
        fields: &Fields<'a>,
        parent: &Field<'_>,
        name: &str,
    ) -> Option<Field<'a>> {
        let field = fields.get(self, name);
        if field.is_none() {
            let position = fields.name_position(name).unwrap_or(parent.node.position);
            self.missing(position, fields.path_of(name));
        }
        field
    }

    fn texts_by_key(&mut self, field: &Field<'_>, expected: &str) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        for (key, value) in self.entries(field, expected) {
            if value.node.is_null() {
                texts.insert(key, String::new());
            } else if let Some(text) = self.text(&value) {
                texts.insert(key, text);
            }
        }
        texts
    }

    /// Patches, each a string that holds a document of its own.
    fn patches(&mut self, fields: &Fields<'_>, name: &str, language: &str) -> Vec<String> {
        let Some(field) = fields.get(self, name) else { return Vec::new() };
        let mut patches = Vec::new();
        for item in self.items(&field) {
            match &item.node.data {
                Data::Scalar { text, .. } if !item.node.is_null() => patches.push(text.clone()),
                _ => {
                    let expected = format!("a string that holds {language} (begin it with `- |`)");
                    self.unexpected(&item, &expected);
                    // Keeps the places of the patches after it.
                    patches.push(String::new());
                }
            }
        }
        patches
    }
}

fn subnet(text: &str) -> Result<Ipv4Net, String> {
    if text.contains(',') {
        return Err(format!("`{text}`: dual-stack subnets are not supported by kindrs yet"));
    }
    match text.parse() {
        Ok(IpNet::V4(subnet)) => Ok(subnet),
        Ok(IpNet::V6(_)) => Err(format!("`{text}`: IPv6 is not supported by kindrs yet")),
        Err(_) => Err(format!(
            "expected an IPv4 subnet as `10.0.0.0/16`, found `{}`",
            text.escape_debug()
        )),
    }
}

fn address(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| format!("expected an IP address, found `{}`", text.escape_debug()))
}

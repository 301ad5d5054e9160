use k8s_openapi::api::core::v1::Pod;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cluster::load;
use crate::fault::action::{Action, Hold, Probe};
use crate::fault::parameter::Text;
use crate::fault::refusal::{Inability, PodRefusal, Refusal};
use crate::fault::targeting::{PodTargets, View};

use super::pod::refuse;

/// Parameters of `image-pull-failure`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub struct ImagePullFailure {
    /// Only the image of this container [default: the images of all containers]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-value-name" = "NAME"))]
    pub container: Option<Text>,
    #[serde(flatten)]
    pub targets: PodTargets,
}

impl ImagePullFailure {
    /// Hits every running node, because a new pod can come to any. A node that starts later still has
    /// its image.
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Refusal> {
        let mut images: Vec<Image> = Vec::new();
        for pod in self.targets.resolve(view)? {
            for image in images_of(pod, self.container.as_deref())? {
                if !images.contains(&image) {
                    images.push(image);
                }
            }
        }
        Ok(view
            .nodes
            .iter()
            .filter(|node| node.is_running())
            .flat_map(|node| {
                images.iter().map(|image| Action {
                    probe: Some(Probe {
                        script: format!("{FIND_CERTS}[ -n \"$certs\" ]"),
                        inability: Inability::RegistrySettings { node: node.name.clone() },
                    }),
                    inject: Some(image.remove()),
                    heal: Some(image.restore()),
                    healing: format!(
                        "restores image {} and allows pulls from {}",
                        image.name, image.registry
                    ),
                    holds: vec![Hold::Image(image.name.clone())],
                    ..Action::on_node(
                        node,
                        format!(
                            "removes image {} and blocks pulls from {}",
                            image.name, image.registry
                        ),
                    )
                })
            })
            .collect())
    }
}

/// Finds containerd's folder with the settings of registries, which containerd reads at each pull.
/// Since 2.2 there is a default.
///
/// Source: <https://github.com/containerd/containerd/blob/main/docs/hosts.md>
const FIND_CERTS: &str = "\
certs=$(containerd config dump 2>/dev/null | \
sed -n \"s/^ *config_path = ['\\\"]\\([^'\\\":]\\{1,\\}\\).*/\\1/p\" | head -n 1)
if [ -z \"$certs\" ] && containerd --version | \
awk '{ sub(/^v/, \"\", $3); split($3, v, \".\"); exit !(v[1] > 2 || (v[1] == 2 && v[2] >= 2)) }'; then
    certs=/etc/containerd/certs.d
fi
";

/// Shell code of both scripts: whether containerd has an image of a name. In a node that has just
/// started, containerd does not answer yet.
const HAS: &str = "\
tries=50
until ctr version >/dev/null 2>&1; do
    [ \"$tries\" -gt 0 ] || { echo 'containerd does not answer' >&2; exit 1; }
    tries=$((tries - 1))
    sleep 0.2
done
has() { ctr -n k8s.io images ls -q 2>/dev/null | grep -qxF \"$1\"; }
";

/// An image by full name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Image {
    name: String,
    registry: String,
}

impl Image {
    /// Reads the reference of a pod.
    fn read(reference: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@+".contains(&byte);
        if reference.is_empty() || !reference.bytes().all(plain) {
            return None;
        }
        let full = load::full_name(reference);
        // With a digest, containerd leaves the tag out.
        let name = match full.split_once('@') {
            Some((tagged, digest)) => match tagged.rsplit_once(':') {
                Some((bare, tag)) if !tag.contains('/') => format!("{bare}@{digest}"),
                _ => full,
            },
            None => full,
        };
        let registry = name.split('/').next()?.to_owned();
        Some(Self { name, registry })
    }

    /// The folder of the registry's settings, with the port between underscores.
    fn folder(&self) -> String {
        match self.registry.split_once(':') {
            Some((host, port)) => format!("{host}_{port}_"),
            None => self.registry.clone(),
        }
    }

    /// Points the registry's settings at a server that does not exist. Several faults can do this to
    /// one registry: each adds its line, and the last one to heal restores the original settings.
    fn remove(&self) -> String {
        format!(
            "{FIND_CERTS}{HAS}\
image='{name}' kept=\"kindrs.invalid/$id:kept\"
registry=\"$certs/{folder}\"
hosts=\"$registry/hosts.toml\"
echo \"$registry\" >\"$fault/registry\"
exec 8</etc/containerd
flock 8
mkdir -p \"$registry\"
if ! grep -qs '^# kindrs: ' \"$hosts\"; then
    [ ! -e \"$hosts\" ] || mv \"$hosts\" \"$hosts.before-kindrs\"
    echo 'server = \"http://127.0.0.1:1\"' >\"$hosts\"
fi
echo \"# kindrs: $id\" >>\"$hosts\"
flock -u 8
if has \"$image\"; then
    ctr -n k8s.io images tag \"$image\" \"$kept\" >/dev/null
    ctr -n k8s.io images rm \"$image\" >/dev/null
fi
",
            name = self.name,
            folder = self.folder(),
        )
    }

    /// An image that somebody loaded under the same name in the meantime stays.
    fn restore(&self) -> String {
        format!(
            "\
if [ -s \"$fault/registry\" ]; then
{HAS}\
image='{name}' kept=\"kindrs.invalid/$id:kept\"
if has \"$kept\"; then
    has \"$image\" || ctr -n k8s.io images tag \"$kept\" \"$image\" >/dev/null
    ctr -n k8s.io images rm \"$kept\" >/dev/null
fi
registry=$(cat \"$fault/registry\")
hosts=\"$registry/hosts.toml\"
exec 8</etc/containerd
flock 8
if grep -qsxF \"# kindrs: $id\" \"$hosts\"; then
    sed -i \"/^# kindrs: $id\\$/d\" \"$hosts\"
    if ! grep -q '^# kindrs: ' \"$hosts\"; then
        rm -f \"$hosts\"
        [ ! -e \"$hosts.before-kindrs\" ] || mv \"$hosts.before-kindrs\" \"$hosts\"
        rmdir \"$registry\" \"${{registry%/*}}\" 2>/dev/null || true
    fi
fi
flock -u 8
fi
",
            name = self.name,
        )
    }
}

/// The images of the pod's containers and init containers.
fn images_of(pod: &Pod, container: Option<&str>) -> Result<Vec<Image>, Refusal> {
    let spec = pod.spec.as_ref();
    let all: Vec<_> = spec
        .into_iter()
        .flat_map(|spec| spec.containers.iter().chain(spec.init_containers.iter().flatten()))
        .collect();
    let meant: Vec<_> =
        all.iter().filter(|one| container.is_none_or(|name| one.name == name)).collect();
    if let (Some(name), true) = (container, meant.is_empty()) {
        let containers = all.iter().map(|one| one.name.clone()).collect();
        return Err(refuse(pod, PodRefusal::NoContainer { name: name.to_owned(), containers }));
    }
    meant
        .into_iter()
        .map(|one| {
            let reference = one.image.as_deref().unwrap_or_default();
            Image::read(reference).ok_or_else(|| {
                let (container, image) = (one.name.clone(), reference.to_owned());
                refuse(pod, PodRefusal::NoImage { container, image })
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_images_as_containerd_does() {
        for (reference, name, folder) in [
            ("nginx", "docker.io/library/nginx:latest", "docker.io"),
            ("me/app:1", "docker.io/me/app:1", "docker.io"),
            ("localhost:5000/app", "localhost:5000/app:latest", "localhost_5000_"),
            ("ghcr.io/me/app:1@sha256:ab", "ghcr.io/me/app@sha256:ab", "ghcr.io"),
            ("r.io:1/me/app@sha256:ab", "r.io:1/me/app@sha256:ab", "r.io_1_"),
        ] {
            let image = Image::read(reference).unwrap();
            assert_eq!((image.name.as_str(), image.folder().as_str()), (name, folder));
        }
        for reference in ["", "a b", "a'; reboot", "$(x)"] {
            assert_eq!(Image::read(reference), None, "{reference}");
        }
    }
}

use clap::Args;
use k8s_openapi::api::core::v1::Pod;
use serde::{Deserialize, Serialize};

use crate::cluster::load;
use crate::failure::Failure;
use crate::fault::action::{Action, Hold};
use crate::fault::targeting::{PodTargets, View};

use super::pod::path;

/// Images that cannot be pulled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImagePullFailure {
    /// Only the image of this container, instead of all of the pod's
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Which pods.
    #[command(flatten)]
    #[serde(flatten)]
    pub targets: PodTargets,
}

impl ImagePullFailure {
    /// Every running node is hit, because a new pod may come to any. One that is started later
    /// has its image still.
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Failure> {
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
                    probe: Some((
                        format!("{FIND_CERTS}[ -n \"$certs\" ]"),
                        format!(
                            "containerd of {} reads no settings of registries: set config_path to \
                             /etc/containerd/certs.d with containerdConfigPatches",
                            node.name
                        ),
                    )),
                    inject: Some(image.take_away()),
                    heal: Some(image.bring_back()),
                    healing: format!(
                        "brings image {} back and pulls from {} again",
                        image.name, image.registry
                    ),
                    holds: vec![Hold::Image(image.name.clone())],
                    ..Action::on_node(
                        &node.name,
                        format!(
                            "takes image {} away, and pulls nothing from {}",
                            image.name, image.registry
                        ),
                    )
                })
            })
            .collect())
    }
}

/// Finds containerd's folder with the settings of registries, which it reads at each pull. Since
/// 2.2 it has one without being told.
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

/// What both scripts know: whether containerd has an image of a name. In a node that has just started
/// it may not answer yet.
const HAS: &str = "\
tries=50
until ctr version >/dev/null 2>&1; do
    [ \"$tries\" -gt 0 ] || { echo 'containerd does not answer' >&2; exit 1; }
    tries=$((tries - 1))
    sleep 0.2
done
has() { ctr -n k8s.io images ls -q 2>/dev/null | grep -qxF \"$1\"; }
";

/// An image by its full name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Image {
    name: String,
    registry: String,
}

impl Image {
    /// Reads a reference as a pod has it.
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

    /// The folder of the registry's settings: a port is written between underscores.
    fn folder(&self) -> String {
        match self.registry.split_once(':') {
            Some((host, port)) => format!("{host}_{port}_"),
            None => self.registry.clone(),
        }
    }

    /// The registry's settings name a server that is not there. Several faults may need that of one
    /// registry: each adds its line, and the last one to go puts back what was there before.
    fn take_away(&self) -> String {
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

    /// Whatever has the name meanwhile stays: somebody loaded it.
    fn bring_back(&self) -> String {
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

/// The images of a pod's containers, those of its init containers too.
fn images_of(pod: &Pod, container: Option<&str>) -> Result<Vec<Image>, Failure> {
    let spec = pod.spec.as_ref();
    let all: Vec<_> = spec
        .into_iter()
        .flat_map(|spec| spec.containers.iter().chain(spec.init_containers.iter().flatten()))
        .collect();
    let meant: Vec<_> =
        all.iter().filter(|one| container.is_none_or(|name| one.name == name)).collect();
    if let (Some(name), true) = (container, meant.is_empty()) {
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        return Err(Failure::input(format!("{} has no container `{name}`", path(pod)))
            .with_hint(format!("it has: {}", names.join(", "))));
    }
    meant
        .into_iter()
        .map(|one| {
            let reference = one.image.as_deref().unwrap_or_default();
            Image::read(reference).ok_or_else(|| {
                Failure::input(format!(
                    "container `{}` of {} has no image that could be pulled: `{reference}`",
                    one.name,
                    path(pod)
                ))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_have_the_names_that_containerd_gives_them() {
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

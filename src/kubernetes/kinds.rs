//! The built-in kinds of Kubernetes, by all their names.

use std::sync::LazyLock;

use k8s_openapi::api::{
    admissionregistration::v1 as admission, apps::v1 as apps, autoscaling::v2 as autoscaling,
    batch::v1 as batch, certificates::v1 as certificates, coordination::v1 as coordination,
    core::v1 as core, discovery::v1 as discovery, networking::v1 as networking, node::v1 as node,
    policy::v1 as policy, rbac::v1 as rbac, resource::v1 as resource, scheduling::v1 as scheduling,
    storage::v1 as storage,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1 as extensions;
use k8s_openapi::{ClusterResourceScope, NamespaceResourceScope, Resource};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

/// A built-in kind of Kubernetes.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Empty for the core group.
    pub group: &'static str,
    pub version: &'static str,
    /// Such as `Deployment`.
    pub kind: &'static str,
    /// The name in paths, such as `deployments`.
    pub plural: &'static str,
    pub namespaced: bool,
    /// kubectl's short name, such as `deploy`; empty if there is none.
    pub short: &'static str,
    schema: fn() -> Schema,
}

impl Kind {
    /// Group and version in the format of `apiVersion`: `v1`, `apps/v1`.
    pub fn api_version(&self) -> String {
        match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// The self-contained schema of its objects.
    pub fn schema(&self) -> Schema {
        (self.schema)()
    }
}

trait Scope {
    const NAMESPACED: bool;
}

impl Scope for NamespaceResourceScope {
    const NAMESPACED: bool = true;
}

impl Scope for ClusterResourceScope {
    const NAMESPACED: bool = false;
}

fn kind<K: Resource + JsonSchema>(short: &'static str) -> Kind
where
    K::Scope: Scope,
{
    Kind {
        group: K::GROUP,
        version: K::VERSION,
        kind: K::KIND,
        plural: K::URL_PATH_SEGMENT,
        namespaced: K::Scope::NAMESPACED,
        short,
        schema: || SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<K>(),
    }
}

/// Kinds with their short names: <https://kubernetes.io/docs/reference/kubectl/#resource-types>.
static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    vec![
        kind::<core::Pod>("po"),
        kind::<core::Node>("no"),
        kind::<core::Event>("ev"),
        kind::<core::Service>("svc"),
        kind::<core::Namespace>("ns"),
        kind::<core::ConfigMap>("cm"),
        kind::<core::Secret>(""),
        kind::<core::ServiceAccount>("sa"),
        kind::<core::PersistentVolume>("pv"),
        kind::<core::PersistentVolumeClaim>("pvc"),
        kind::<core::ReplicationController>("rc"),
        kind::<core::LimitRange>("limits"),
        kind::<core::ResourceQuota>("quota"),
        kind::<core::Endpoints>("ep"),
        kind::<apps::Deployment>("deploy"),
        kind::<apps::ReplicaSet>("rs"),
        kind::<apps::StatefulSet>("sts"),
        kind::<apps::DaemonSet>("ds"),
        kind::<apps::ControllerRevision>(""),
        kind::<batch::Job>(""),
        kind::<batch::CronJob>("cj"),
        kind::<autoscaling::HorizontalPodAutoscaler>("hpa"),
        kind::<policy::PodDisruptionBudget>("pdb"),
        kind::<scheduling::PriorityClass>("pc"),
        kind::<coordination::Lease>(""),
        kind::<discovery::EndpointSlice>(""),
        kind::<networking::Ingress>("ing"),
        kind::<networking::IngressClass>(""),
        kind::<networking::NetworkPolicy>("netpol"),
        kind::<node::RuntimeClass>(""),
        kind::<rbac::Role>(""),
        kind::<rbac::RoleBinding>(""),
        kind::<rbac::ClusterRole>(""),
        kind::<rbac::ClusterRoleBinding>(""),
        kind::<storage::StorageClass>("sc"),
        kind::<storage::VolumeAttachment>(""),
        kind::<storage::CSIDriver>(""),
        kind::<storage::CSINode>(""),
        kind::<storage::CSIStorageCapacity>(""),
        kind::<resource::ResourceClaim>(""),
        kind::<resource::ResourceClaimTemplate>(""),
        kind::<resource::ResourceSlice>(""),
        kind::<resource::DeviceClass>(""),
        kind::<certificates::CertificateSigningRequest>("csr"),
        kind::<admission::ValidatingWebhookConfiguration>(""),
        kind::<admission::MutatingWebhookConfiguration>(""),
        kind::<admission::ValidatingAdmissionPolicy>(""),
        kind::<admission::ValidatingAdmissionPolicyBinding>(""),
        kind::<extensions::CustomResourceDefinition>("crd"),
    ]
});

pub fn kinds() -> &'static [Kind] {
    &KINDS
}

/// Finds a kind by a name such as `Pod`, `pod`, `pods` or `po`, or with its group and version, such
/// as `apps/v1/Deployment`.
pub fn find_kind(name: &str) -> Option<&'static Kind> {
    if let Some((api_version, kind)) = name.rsplit_once('/') {
        return KINDS.iter().find(|known| known.kind == kind && known.api_version() == api_version);
    }
    let is_called = |known: &&Kind| {
        known.kind.eq_ignore_ascii_case(name)
            || known.plural.eq_ignore_ascii_case(name)
            || (!name.is_empty() && known.short.eq_ignore_ascii_case(name))
    };
    KINDS.iter().find(is_called)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_all_their_names() {
        for name in ["Deployment", "deployment", "deployments", "deploy", "apps/v1/Deployment"] {
            let kind = find_kind(name).unwrap();
            assert_eq!((kind.api_version().as_str(), kind.kind), ("apps/v1", "Deployment"));
        }
        assert_eq!(find_kind("no").unwrap().kind, "Node");
        assert!(!find_kind("Node").unwrap().namespaced);
        assert!(find_kind("v1/Pod").unwrap().namespaced);
        for name in ["", "Widget", "example.com/v1/Pod", "apps/v1/Pod"] {
            assert!(find_kind(name).is_none(), "{name}");
        }
    }

    #[test]
    fn kinds_have_schemas() {
        let schema = find_kind("Pod").unwrap().schema();
        assert!(schema.pointer("/properties/spec").is_some());
        assert!(schema.pointer("/$defs").is_some());
    }
}

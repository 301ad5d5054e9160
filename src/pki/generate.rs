use std::collections::BTreeMap;
use std::net::IpAddr;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use time::{Duration, OffsetDateTime};

use crate::kubernetes::Identity;
use crate::plan::ClusterPlan;

use super::{Authority, CertificatePlan, Usage, certificates};

/// The keys that sign and verify service account tokens, PEM-encoded.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceAccountKeys {
    pub public: String,
    /// PKCS #8.
    pub private: String,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Pki {
    pub authorities: BTreeMap<Authority, Identity>,
    pub service_account: ServiceAccountKeys,
    /// Certificates by node and by [`CertificatePlan::id`].
    pub nodes: BTreeMap<String, BTreeMap<&'static str, Identity>>,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot create the {what} certificate: {source}")]
pub struct PkiError {
    what: String,
    source: rcgen::Error,
}

/// Generates every key and certificate of `plan`. All keys are ECDSA P-256: generating an RSA key
/// takes a hundred times as long.
/// Fails when a name in the plan is not valid in a certificate.
pub fn generate(plan: &ClusterPlan) -> Result<Pki, PkiError> {
    let mut authorities = BTreeMap::new();
    let mut issuers = BTreeMap::new();
    for authority in Authority::ALL {
        let failed = |source| PkiError { what: authority.common_name().to_owned(), source };
        let key = KeyPair::generate().map_err(failed)?;
        let params = authority_params(authority);
        let certificate = params.self_signed(&key).map_err(failed)?;
        authorities.insert(authority, identity(&certificate, &key));
        issuers.insert(authority, Issuer::new(params, key));
    }
    let mut nodes = BTreeMap::new();
    for node in &plan.nodes {
        let mut identities = BTreeMap::new();
        for wanted in certificates(plan, node) {
            let failed = |source| PkiError { what: wanted.common_name.clone(), source };
            let key = KeyPair::generate().map_err(failed)?;
            let certificate = certificate_params(&wanted)
                .and_then(|params| params.signed_by(&key, &issuers[&wanted.authority]))
                .map_err(failed)?;
            identities.insert(wanted.id, identity(&certificate, &key));
        }
        nodes.insert(node.name.clone(), identities);
    }
    let service_account = KeyPair::generate()
        .map_err(|source| PkiError { what: "service account".to_owned(), source })?;
    Ok(Pki {
        authorities,
        service_account: ServiceAccountKeys {
            public: service_account.public_key_pem(),
            private: service_account.serialize_pem(),
        },
        nodes,
    })
}

fn identity(certificate: &Certificate, key: &KeyPair) -> Identity {
    Identity { certificate: certificate.pem(), key: key.serialize_pem() }
}

/// Valid from an hour ago, in case clocks differ, for ten years, longer than any such cluster lives.
fn dated() -> CertificateParams {
    let mut params = CertificateParams::default();
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::hours(1);
    params.not_after = now + Duration::days(3650);
    params.distinguished_name = DistinguishedName::new();
    params
}

fn authority_params(authority: Authority) -> CertificateParams {
    let mut params = dated();
    params.distinguished_name.push(DnType::CommonName, authority.common_name());
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
        KeyUsagePurpose::CrlSign,
    ];
    params
}

fn certificate_params(wanted: &CertificatePlan) -> Result<CertificateParams, rcgen::Error> {
    let mut params = dated();
    params.distinguished_name.push(DnType::CommonName, wanted.common_name.as_str());
    if let Some(organization) = wanted.organization {
        params.distinguished_name.push(DnType::OrganizationName, organization);
    }
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = match wanted.usage {
        Usage::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
        Usage::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
        Usage::ServerAndClient => {
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth]
        }
    };
    for name in &wanted.dns_names {
        params.subject_alt_names.push(SanType::DnsName(name.as_str().try_into()?));
    }
    let addresses = wanted.addresses.iter().copied().map(|a: IpAddr| SanType::IpAddress(a));
    params.subject_alt_names.extend(addresses);
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::Version;
    use crate::plan::sample::sample_plan;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

    #[test]
    fn certificates_are_signed_by_their_authority_and_serve_their_names() {
        let plan = sample_plan(1, 1, &Version::new(1, 37, 2));
        let pki = generate(&plan).unwrap();
        let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(der(&pki.authorities[&Authority::Kubernetes].certificate)).unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            rustls::client::WebPkiServerVerifier::builder_with_provider(roots.into(), provider)
                .build()
                .unwrap();
        let verify = |id: &str, name: &str| {
            use rustls::client::danger::ServerCertVerifier as _;
            let certificate = der(&pki.nodes["dev-control-plane"][id].certificate);
            let name = ServerName::try_from(name).unwrap();
            verifier.verify_server_cert(&certificate, &[], &name, &[], UnixTime::now())
        };
        for name in ["127.0.0.1", "10.96.0.1", "172.28.0.2", "kubernetes.default.svc"] {
            verify("apiserver", name).unwrap();
        }
        verify("apiserver", "192.0.2.1").unwrap_err();
        verify("etcd/server", "127.0.0.1").unwrap_err();
    }

    #[test]
    fn every_node_has_every_planned_certificate() {
        let plan = sample_plan(3, 1, &Version::new(1, 37, 2));
        let pki = generate(&plan).unwrap();
        for node in &plan.nodes {
            let wanted: Vec<&str> = certificates(&plan, node).iter().map(|c| c.id).collect();
            assert!(wanted.iter().all(|id| pki.nodes[&node.name].contains_key(id)));
        }
    }
}

//! The `kindrs` command.
use kindrs::{cluster::create::*, config::*, progress::*, runtime::*};
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new("off"))
        .with_writer(std::io::stderr)
        .init();
    let engine = Docker::connect().await?;
    let mut config = Cluster::default();
    for _ in 0..2 {
        config.nodes.push(Node::new(Role::Worker));
    }
    let options = CreateOptions {
        name: "k".into(),
        config,
        image: std::env::var("IMG").ok(),
        kubernetes: kindrs::image::KubernetesSource::Version(
            kindrs::kubernetes::Version::default_release(),
        ),
        wait: Some(std::time::Duration::from_secs(120)),
        retain: true,
        kubeconfig: None,
    };
    let p = Progress::new(std::sync::Arc::new(Lines));
    let c = create(&engine, &options, &p).await?;
    println!("{:?}", c.elapsed);
    Ok(())
}

//! Named volumes.

use bollard::models::VolumeCreateRequest;
use bollard::query_parameters::{ListVolumesOptionsBuilder, RemoveVolumeOptions};

use super::Docker;
use super::error::missing_is_fine;
use super::networks::label_filter;
use crate::runtime::{EngineError, Label};

impl Docker {
    pub(super) async fn make_volume(
        &self,
        name: &str,
        labels: &[Label],
    ) -> Result<(), EngineError> {
        let request = VolumeCreateRequest {
            name: Some(name.to_owned()),
            labels: Some(labels.iter().cloned().collect()),
            ..Default::default()
        };
        let object = format!("volume {name}");
        self.client.create_volume(request).await.map_err(self.failed("creating", &object))?;
        Ok(())
    }

    pub(super) async fn list_volumes(&self, labels: &[Label]) -> Result<Vec<String>, EngineError> {
        let options = ListVolumesOptionsBuilder::new().filters(&label_filter(labels)).build();
        let list = self
            .client
            .list_volumes(Some(options))
            .await
            .map_err(self.failed("listing", "volumes"))?;
        Ok(list.volumes.unwrap_or_default().into_iter().map(|volume| volume.name).collect())
    }

    pub(super) async fn delete_volume(&self, name: &str) -> Result<(), EngineError> {
        let object = format!("volume {name}");
        missing_is_fine(
            self.client
                .remove_volume(name, None::<RemoveVolumeOptions>)
                .await
                .map_err(self.failed("removing", &object)),
        )
    }
}

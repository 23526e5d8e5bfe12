//! Makes and removes the bucket itself.

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};

use super::store::S3Store;
use crate::error::{Error, Result};

/// Whose buckets have no location constraint.
const CLASSIC_REGION: &str = "us-east-1";

impl S3Store {
    pub(super) async fn create_bucket(&self) -> Result<()> {
        let connected = self.service.connected().await?;
        let region = connected
            .client
            .config()
            .region()
            .map_or(CLASSIC_REGION, |region| region.as_ref());
        let location = (connected.is_aws && region != CLASSIC_REGION).then(|| {
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(region))
                .build()
        });
        let mut attempts = self.service.attempts();
        let create = || async {
            let request = connected
                .client
                .create_bucket()
                .bucket(&self.bucket)
                .set_create_bucket_configuration(location.clone());
            self.service.send(request.send()).await.map(drop)
        };
        match attempts.run(create).await {
            // Made by a try whose answer was lost.
            Err(error) if attempts.unsure() && has_code(&error, "BucketAlreadyOwnedByYou") => {
                Ok(())
            }
            result => result,
        }
    }

    pub(super) async fn delete_bucket(&self) -> Result<()> {
        let client = self.service.client().await?;
        let mut attempts = self.service.attempts();
        let delete = || async {
            self.service
                .send(client.delete_bucket().bucket(&self.bucket).send())
                .await
                .map(drop)
        };
        match attempts.run(delete).await {
            // Removed by a try whose answer was lost.
            Err(error) if attempts.unsure() && has_code(&error, "NoSuchBucket") => Ok(()),
            result => result,
        }
    }
}

fn has_code(error: &Error, code: &str) -> bool {
    error.code() == Some(code)
}

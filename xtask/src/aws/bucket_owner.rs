//! Lets S3 refuse every call on a bucket that another account owns (`ExpectedBucketOwner`).

use std::sync::{Arc, OnceLock};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeTransmitInterceptorContextMut},
        orchestrator::Metadata,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;

/// The account that has to own every bucket, once it is known.
#[derive(Debug, Clone, Default)]
pub(super) struct BucketOwner(Arc<OnceLock<String>>);

impl BucketOwner {
    /// Sets the account; the first one stays.
    pub(super) fn set(&self, account: &str) {
        self.0.get_or_init(|| account.to_owned());
    }
}

/// The calls that take no owner.
const WITHOUT_OWNER: [&str; 2] = ["ListBuckets", "CreateBucket"];

impl Intercept for BucketOwner {
    fn name(&self) -> &'static str {
        "BucketOwner"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let takes_none = config.load::<Metadata>().is_some_and(|call| WITHOUT_OWNER.contains(&call.name()));
        if let Some(account) = self.0.get()
            && !takes_none
        {
            context.request_mut().headers_mut().insert("x-amz-expected-bucket-owner", account.clone());
        }
        Ok(())
    }
}

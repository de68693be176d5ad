//! One client for each service that the tool speaks to.

use aws_smithy_http_client::proxy::ProxyConfig;

use super::{Access, network};

/// The SDK clients of one target.
#[derive(Debug, Clone)]
pub struct Clients {
    /// Buckets.
    pub s3: aws_sdk_s3::Client,
    /// Executions.
    pub sfn: aws_sdk_sfn::Client,
    /// Identity.
    pub sts: aws_sdk_sts::Client,
    /// What the calls of [`super::signed_calls`] are signed with.
    pub config: aws_config::SdkConfig,
    /// The proxies of those calls.
    pub(super) proxies: ProxyConfig,
}

impl Clients {
    /// Clients for `access`.
    pub async fn new(access: &Access) -> Self {
        let config = access.sdk_config().await;
        Self {
            s3: aws_sdk_s3::Client::new(&config),
            sfn: aws_sdk_sfn::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            config,
            proxies: network::proxies(&access.target),
        }
    }
}

//! One client for each service that the tool speaks to.

use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;

use super::{Access, credentials::Keys, network, witness};
use crate::{console::Console, names::Region};

/// The SDK clients of one target.
#[derive(Debug, Clone)]
pub struct Clients {
    /// Buckets.
    pub s3: aws_sdk_s3::Client,
    /// Executions.
    pub sfn: aws_sdk_sfn::Client,
    /// Identity.
    pub sts: aws_sdk_sts::Client,
    /// The region of all calls.
    pub(super) region: Region,
    /// Where the calls of [`super::signed_calls`] go.
    pub config: aws_config::SdkConfig,
    /// What they are signed with.
    pub keys: Keys,
    /// The proxies of those calls.
    pub(super) proxies: ProxyConfig,
    /// How seldom a running execution may be looked at: its end is noticed at most this late.
    pub(super) notice: Duration,
    /// Where calls and transfers are told.
    pub(super) console: Console,
}

/// An account may describe 10 to 15 executions a second, all of its users together.
const NOTICE_ON_AWS: Duration = Duration::from_millis(800);

/// An emulator has one user, but renders on the same processors.
const NOTICE_HERE: Duration = Duration::from_millis(150);

impl Clients {
    /// Clients for `access` that tell `console` what they do.
    pub async fn new(access: &Access, console: &Console) -> Self {
        let config = access.sdk_config().await;
        let mut s3 = aws_sdk_s3::config::Builder::from(&config);
        let mut sfn = aws_sdk_sfn::config::Builder::from(&config);
        let mut sts = aws_sdk_sts::config::Builder::from(&config);
        if let Some(witness) = witness::interceptor(console) {
            s3.push_interceptor(witness.clone());
            sfn.push_interceptor(witness.clone());
            sts.push_interceptor(witness);
        }
        Self {
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            sfn: aws_sdk_sfn::Client::from_conf(sfn.build()),
            sts: aws_sdk_sts::Client::from_conf(sts.build()),
            keys: Keys::of(config.credentials_provider()),
            config,
            region: access.region.clone(),
            proxies: network::proxies(&access.target),
            notice: if access.target.host_on_this_machine().is_some() { NOTICE_HERE } else { NOTICE_ON_AWS },
            console: console.clone(),
        }
    }
}

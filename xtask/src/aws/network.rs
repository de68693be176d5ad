//! How the SDK reaches a target: by the proxies of the environment, or straight.

use std::time::Duration;

use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpClient};

use super::Target;

/// A proxy may lead out of this machine, but not to an emulator on it.
pub(super) fn proxies(target: &Target) -> ProxyConfig {
    if target.host_on_this_machine().is_some() { ProxyConfig::disabled() } else { ProxyConfig::from_env() }
}

/// The SDK's client with these proxies.
pub(super) fn client(proxies: ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, _| {
        let default = HttpConnectorSettings::builder().build();
        connector(settings.unwrap_or(&default), proxies.clone())
    })
}

/// A connector for single calls.
pub(super) fn single(proxies: ProxyConfig) -> Connector {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(30))
        .build();
    connector(&settings, proxies)
}

fn connector(settings: &HttpConnectorSettings, proxies: ProxyConfig) -> Connector {
    let mut builder = Connector::builder().connector_settings(settings.clone()).proxy_config(proxies);
    builder.set_sleep_impl(aws_smithy_async::rt::sleep::default_async_sleep());
    builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build()
}

//! How requests reach a service: certificates, proxies, and what stands in the way.

use std::{
    error::Error,
    fs::File,
    io::{self, BufReader},
    path::PathBuf,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context as Task, Poll},
    time::Duration,
};

use anyhow::{Context, anyhow, ensure};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use http::{
    HeaderValue, Request, Response, Uri,
    header::{HOST, PROXY_AUTHORIZATION},
};
use hyper::{body::Incoming, client::conn::http1};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector as Tcp, proxy::Tunnel},
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tower_service::Service;

use crate::{
    aws::{
        proxies::{Proxies, Proxy, without_password},
        settings::{Named, in_home},
    },
    tools::env::Env,
};

/// How requests reach a service.
#[derive(Debug, Clone)]
pub struct Network {
    /// The certificates that are trusted instead of the system's.
    bundle: Option<Named<PathBuf>>,
    roots: Roots,
    pub(crate) proxies: Proxies,
    line: Arc<OnceLock<Line>>,
}

/// Certificates to trust; none for those of the system.
type Roots = Option<Arc<RootCertStore>>;

/// A connection has to be there within this time; a proxy looks for the host first.
const CONNECT: Duration = Duration::from_secs(10);

impl Network {
    /// What `env` says; `of_profile` is the profile's `ca_bundle`.
    ///
    /// # Errors
    /// When a bundle can't be read or has no certificate, or the address of a proxy is none.
    pub fn of(env: &Env, of_profile: Option<Named<String>>) -> anyhow::Result<Self> {
        let variable = |name: &str| env.path(name).map(|value| Named { value, by: name.to_owned() });
        let of_profile = of_profile.map(|named| Named { value: named.value.into(), by: named.by });
        // In the order of botocore, with OpenSSL's variable, which botocore does not read and sam is given.
        let bundle = variable("AWS_CA_BUNDLE")
            .or(of_profile)
            .or_else(|| variable("SSL_CERT_FILE"))
            .or_else(|| variable("REQUESTS_CA_BUNDLE"));
        let home = env.path("HOME").unwrap_or_default();
        let bundle = bundle.map(|named| Named { value: in_home(&named.value, &home), by: named.by });
        let roots = bundle.as_ref().map(|named| {
            read(&named.value).with_context(|| format!("{} names {}", named.by, named.value.display())).map(Arc::new)
        });
        Ok(Self { bundle, roots: roots.transpose()?, proxies: Proxies::of(env)?, line: Arc::default() })
    }

    /// The bundle's path, absolute, for programs that run elsewhere.
    pub(crate) fn bundle(&self) -> Option<PathBuf> {
        let path = &self.bundle.as_ref()?.value;
        Some(std::path::absolute(path).unwrap_or_else(|_| path.clone()))
    }

    /// The client of the SDK, and of calls that are signed by hand.
    pub(crate) fn client(&self) -> SharedHttpClient {
        let network = self.clone();
        http_client_fn(move |_, _| SharedHttpConnector::new(network.connector()))
    }

    /// Sends single requests. All share the connections that are open.
    pub(crate) fn connector(&self) -> impl HttpConnector + use<> {
        self.line.get_or_init(|| Line::new(self)).clone()
    }

    /// What was decided, a line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        let bundle =
            self.bundle.iter().map(|named| format!("certificates of {} ({})", named.value.display(), named.by));
        bundle.chain(self.proxies.lines()).collect()
    }
}

/// The certificates of a bundle. Those that can't be used are left out, as companies' bundles have some.
fn read(path: &std::path::Path) -> anyhow::Result<RootCertStore> {
    ensure!(!path.is_dir(), "which is a folder, not a file of certificates");
    let file = BufReader::new(File::open(path)?);
    let certificates = CertificateDer::pem_reader_iter(file).filter_map(Result::ok);
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    ensure!(!roots.is_empty(), "which has no certificate in PEM format");
    Ok(roots)
}

/// Connections of one network, and the way of requests that need none of their own.
#[derive(Debug, Clone)]
struct Line {
    client: Client<HttpsConnector<Way>, SdkBody>,
    way: Way,
}

impl Line {
    fn new(network: &Network) -> Self {
        let roots = network.roots.clone().unwrap_or_else(|| {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            Arc::new(roots)
        });
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has the usual versions of TLS")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let https = || HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http().enable_http1();
        let way = Way { first: https().wrap_connector(tcp), proxies: Arc::new(network.proxies.clone()) };
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new());
        Self { client: builder.build(https().wrap_connector(way.clone())), way }
    }
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { client, way } = self.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let host = request.uri().host().unwrap_or_default().to_owned();
            let without_tls = request.uri().scheme_str() == Some("http");
            let proxy = way.proxies.of_request(request.uri()).filter(|_| without_tls).cloned();
            let response = match proxy {
                Some(proxy) => way.through(proxy.value, request).await,
                None => client.request(request).await.map_err(Failure::from),
            };
            let response = response.map_err(|error| reason(error, &host))?;
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Leads from here to a host: straight, or through the tunnel of a proxy.
#[derive(Debug, Clone)]
struct Way {
    /// To the host or the proxy; with TLS to a proxy that wants it.
    first: HttpsConnector<Tcp>,
    proxies: Arc<Proxies>,
}

impl Way {
    /// Sends a request without TLS through a proxy, which is sent the whole address: there is no tunnel.
    async fn through(mut self, proxy: Proxy, mut request: Request<SdkBody>) -> Result<Response<Incoming>, Failure> {
        // As it was signed: the usual port is not named.
        let host = request.uri().authority().map(|host| host.as_str().strip_suffix(":80").unwrap_or(host.as_str()));
        let host = host.map(HeaderValue::from_str).transpose()?;
        let fields =
            host.map(|host| (HOST, host)).into_iter().chain(proxy.user.map(|user| (PROXY_AUTHORIZATION, user)));
        request.headers_mut().extend(fields);
        let (mut sender, connection) = http1::handshake(within(self.first.call(proxy.address)).await?).await?;
        tokio::spawn(connection);
        Ok(sender.send_request(request).await?)
    }
}

type Stream = MaybeHttpsStream<TokioIo<tokio::net::TcpStream>>;

type Failure = Box<dyn Error + Send + Sync>;

impl Service<Uri> for Way {
    type Response = Stream;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Failure>> + Send>>;

    fn poll_ready(&mut self, task: &mut Task<'_>) -> Poll<Result<(), Failure>> {
        self.first.poll_ready(task)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let Some(Named { value: proxy, by }) = self.proxies.of_request(&to).cloned() else {
            // TLS with the host is what the caller adds.
            return within(self.first.call(plain(&to)));
        };
        let host = to.host().unwrap_or_default().to_owned();
        let mut tunnel = Tunnel::new(proxy.address.clone(), self.first.clone());
        if let Some(user) = proxy.user.clone() {
            tunnel = tunnel.with_auth(user);
        }
        let opened = tunnel.call(to);
        within(async move { opened.await.map_err(|error| refused(&error, &proxy, &by, &host)) })
    }
}

fn within(connecting: impl Future<Output = Result<Stream, Failure>> + Send + 'static) -> <Way as Service<Uri>>::Future {
    Box::pin(async move {
        let late = || io::Error::new(io::ErrorKind::TimedOut, format!("no connection within {} s", CONNECT.as_secs()));
        tokio::time::timeout(CONNECT, connecting).await.map_err(|_| late())?
    })
}

/// The same host and port, without TLS.
fn plain(to: &Uri) -> Uri {
    let port = to.port_u16().unwrap_or(if to.scheme_str() == Some("https") { 443 } else { 80 });
    let address = format!("http://{}:{port}/", to.host().unwrap_or_default());
    address.parse().unwrap_or_else(|_| to.clone())
}

/// Something that stands in the way until someone changes a setting.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Obstacle(String);

impl Obstacle {
    /// The obstacle behind an error of the SDK or of this module.
    pub(crate) fn behind<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        chain(error).into_iter().find_map(|cause| cause.downcast_ref())
    }
}

/// What a proxy's refusal of a tunnel means.
fn refused(error: &(dyn Error + 'static), proxy: &Proxy, by: &str, host: &str) -> Failure {
    let shown = without_password(&proxy.given);
    let text = error.to_string();
    if text.contains("authorization required") {
        let what = if proxy.user.is_some() { "another user or password than" } else { "a user and a password in" };
        return Obstacle(format!("the proxy {shown} asks for {what} {by}, as in http://USER:PASSWORD@HOST:PORT"))
            .into();
    }
    if text.contains("unsuccessful") {
        return Obstacle(format!(
            "the proxy {shown} ({by}) refuses to connect to {host}; it or NO_PROXY has to allow that"
        ))
        .into();
    }
    let cause = deepest(error);
    io::Error::other(format!("the proxy {shown} ({by}) can't be reached: {cause}")).into()
}

/// The error of a request, as the SDK decides by it whether to try again.
fn reason(error: Failure, host: &str) -> ConnectorError {
    if let Some(obstacle) = Obstacle::behind(&*error) {
        return ConnectorError::other(obstacle.clone().into(), None);
    }
    let of_tls = chain(&*error).into_iter().find_map(|cause| cause.downcast_ref::<rustls::Error>());
    if let Some(rustls::Error::InvalidCertificate(why)) = of_tls {
        let reason = format!("{why:?}");
        let text = if reason.starts_with("UnsupportedSignatureAlgorithm") {
            format!(
                "the certificate of {host} can't be checked: its signature is none of RSA, Ed25519, P-256 with SHA-256 and \
                 P-384 with SHA-384; have the company's authority sign with one of these for this host"
            )
        } else {
            format!(
                "the certificate of {host} is not trusted ({reason}); where a company's authority signed it, name a file \
                 with that authority in AWS_CA_BUNDLE, or in ca_bundle of the profile"
            )
        };
        return ConnectorError::other(Obstacle(text).into(), None);
    }
    let is_late = |cause: &&(dyn Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::TimedOut)
    };
    match chain(&*error).iter().any(is_late) {
        true => ConnectorError::timeout(error),
        false => ConnectorError::io(error),
    }
}

/// An error and all that is behind it; an error of the system hides what it was made of.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let (mut all, mut last) = (Vec::new(), Some(error));
    while let Some(error) = last {
        all.push(error);
        let hidden = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        last = hidden.map(|hidden| hidden as &(dyn Error + 'static)).or_else(|| error.source());
    }
    all
}

fn deepest(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

/// An error of a request as one of this tool.
pub(crate) fn as_error(error: ConnectorError) -> anyhow::Error {
    match Obstacle::behind(&error) {
        Some(obstacle) => anyhow!(obstacle.clone()),
        None => anyhow!(error),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, Write},
        net::TcpListener,
    };

    use super::*;

    #[tokio::test]
    async fn a_proxy_is_sent_the_whole_address_of_a_host_without_tls() {
        let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://me:p%40ss@{}", proxy.local_addr().unwrap());
        let received = std::thread::spawn(move || {
            let (mut stream, _) = proxy.accept().unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
            let lines: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").unwrap();
            lines
        });
        let network = Network::of(&Env::from([("HTTP_PROXY", address.as_str())]), None).unwrap();
        let request = HttpRequest::get("http://aws.invalid:4566/bucket?list-type=2").unwrap();
        let answer = network.connector().call(request).await.unwrap();
        let body = aws_sdk_s3::primitives::ByteStream::new(answer.into_body()).collect().await.unwrap();
        assert_eq!(body.into_bytes(), "hi");
        let mut received = received.join().unwrap();
        received[1..].sort();
        let user = format!("proxy-authorization: Basic {}", aws_smithy_types::base64::encode("me:p@ss"));
        assert_eq!(
            received,
            ["GET http://aws.invalid:4566/bucket?list-type=2 HTTP/1.1", "host: aws.invalid:4566", &user]
        );
    }
}

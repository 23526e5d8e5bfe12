//! Makes the SDK client: HTTP, trust, region, credentials, endpoint.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::imds;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::endpoint::ParamsBuilder;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, IdentityCache, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    RuntimeComponents, SharedCredentialsProvider, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};

use super::http::Http;
use super::identity::Identity;
use super::peer::{Observer, Peer};
use super::source::{OfProfile, Source, for_sdk};
use crate::config::{Config, S3Config, S3Identity};
use crate::error::{Error, Result};
use crate::transport::Transport;

const FALLBACK_REGION: &str = "us-east-1";
/// Off EC2 nothing answers at the metadata address; without a short limit every start would wait for it.
const IMDS_LIMIT: Duration = Duration::from_secs(1);

/// A client, whether it speaks to AWS itself, and what the short way needs.
pub(super) struct Connected {
    pub(super) client: Client,
    pub(super) is_aws: bool,
    pub(super) transport: Transport,
    pub(super) identity: Identity,
    /// Where buckets are, but for their names.
    pub(super) rules: ParamsBuilder,
}

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client would show the access key id.
        f.debug_struct("Connected")
            .field("is_aws", &self.is_aws)
            .finish_non_exhaustive()
    }
}

/// Asks the credential and region chains, but sends nothing to the store.
///
/// # Errors
/// `InvalidInput` naming a CA bundle that cannot be used.
pub(super) async fn connect(config: &Config, peer: &Arc<Peer>) -> Result<Connected> {
    let transport = Transport::new(config)?;
    let theirs = sdk_client(config.ca_bundle.as_deref())?;
    let http = Http::new(transport.clone(), theirs, config.retry.stall_timeout);
    let http = SharedHttpClient::new(http);
    let provider = ProviderConfig::default().with_http_client(http.clone());
    let imds = imds::Client::builder()
        .configure(&provider)
        .max_attempts(1)
        .connect_timeout(IMDS_LIMIT)
        .read_timeout(IMDS_LIMIT)
        .operation_timeout(IMDS_LIMIT)
        .build();
    let region = region(&config.s3, &provider, &imds).await;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(config.retry.connect_timeout)
        .build();

    let mut shared = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .region(region.clone())
        .timeout_config(timeouts)
        // Ours, see `attempts` and `stall`: they go on through the body and count it all together.
        .retry_config(RetryConfig::disabled())
        // As `identity` has it for the requests that are signed here.
        .identity_cache(
            IdentityCache::lazy()
                .load_timeout(config.retry.stall_timeout)
                .build(),
        )
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(profile) = &config.s3.profile {
        shared = shared.profile_name(profile);
    }
    let credentials = credentials(&config.s3, &provider, &region, imds).await;
    shared = match credentials.clone() {
        Some(credentials) => shared.credentials_provider(credentials),
        None => shared.no_credentials(),
    };
    let shared = shared.load().await;

    let endpoint = config
        .s3
        .endpoint_url
        .as_deref()
        .or(shared.endpoint_url())
        .map(str::to_owned);
    tracing::info!(
        endpoint = endpoint.as_deref().unwrap_or("AWS"),
        %region,
        signed_by = signer(&config.s3.identity),
        "requests to S3"
    );
    let is_aws = endpoint.as_deref().is_none_or(is_aws_endpoint);
    let path_style = config.s3.path_style.unwrap_or(!is_aws);
    let rules = ParamsBuilder::default()
        .region(region.to_string())
        .set_endpoint(endpoint.clone())
        .force_path_style(path_style)
        .set_use_fips(shared.use_fips())
        .set_use_dual_stack(shared.use_dual_stack());
    let mut s3 = aws_sdk_s3::config::Builder::from(&shared)
        .force_path_style(path_style)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .interceptor(Observer(Arc::clone(peer)));
    if let Some(endpoint) = endpoint {
        s3 = s3.endpoint_url(endpoint);
    }
    if matches!(config.s3.identity, S3Identity::Anonymous) {
        s3 = s3.allow_no_auth();
    }
    Ok(Connected {
        client: Client::from_conf(s3.build()),
        is_aws,
        transport,
        identity: Identity::new(credentials, config.retry.stall_timeout),
        rules,
    })
}

async fn region(config: &S3Config, provider: &ProviderConfig, imds: &imds::Client) -> Region {
    if let Some(region) = &config.region {
        return Region::new(region.clone());
    }
    let mut profile = ProfileFileRegionProvider::builder().configure(provider);
    if let Some(name) = &config.profile {
        profile = profile.profile_name(name);
    }
    let mut chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(profile.build());
    if config.endpoint_url.as_deref().is_none_or(is_aws_endpoint) {
        let metadata = ImdsRegionProvider::builder()
            .configure(provider)
            .imds_client(imds.clone());
        chain = chain.or_else(metadata.build());
    }
    chain
        .region()
        .await
        .unwrap_or_else(|| Region::from_static(FALLBACK_REGION))
}

fn signer(identity: &S3Identity) -> &'static str {
    match identity {
        S3Identity::Anonymous => "nobody",
        S3Identity::Keys(_) => "given keys",
        S3Identity::Source(_) => "the given credentials",
        S3Identity::Profile => "the profile",
        S3Identity::Chain => "the credential chain",
    }
}

/// `None` for unsigned requests.
async fn credentials(
    config: &S3Config,
    provider: &ProviderConfig,
    region: &Region,
    imds: imds::Client,
) -> Option<SharedCredentialsProvider> {
    let found = match &config.identity {
        S3Identity::Anonymous => return None,
        S3Identity::Keys(given) => return Some(SharedCredentialsProvider::new(for_sdk(given))),
        S3Identity::Source(source) => {
            return Some(SharedCredentialsProvider::new(Source(Arc::clone(source))));
        }
        S3Identity::Profile => {
            let mut profile = ProfileFileCredentialsProvider::builder().configure(provider);
            if let Some(name) = &config.profile {
                profile = profile.profile_name(name);
            }
            SharedCredentialsProvider::new(profile.build())
        }
        S3Identity::Chain => {
            let mut chain = DefaultCredentialsChain::builder()
                .configure(provider.clone())
                .region(region.clone())
                .imds_client(imds);
            if let Some(name) = &config.profile {
                chain = chain.profile_name(name);
            }
            SharedCredentialsProvider::new(chain.build().await)
        }
    };
    Some(match &config.profile {
        Some(name) => SharedCredentialsProvider::new(OfProfile {
            name: name.clone(),
            provider: found,
        }),
        None => found,
    })
}

/// The SDK's own HTTP client, for what our transport does not take.
fn sdk_client(ca_bundle: Option<&str>) -> Result<SharedHttpClient> {
    let mut trust = TrustStore::default();
    if let Some(path) = ca_bundle {
        // The transport has tried its certificates: the SDK panics on one it cannot read.
        let pem = std::fs::read(path).map_err(|cause| {
            Error::invalid(format!("ca_bundle {path}: cannot be read")).with_source(cause)
        })?;
        trust = trust.with_pem_certificate(pem);
    }
    let tls = TlsContext::builder().with_trust_store(trust).build();
    let tls = tls.map_err(|cause| Error::invalid("TLS cannot be set up").with_source(cause))?;
    Ok(
        Builder::new().build_with_connector_fn(move |settings, components| {
            let mut connector = Connector::builder()
                .proxy_config(ProxyConfig::from_env())
                .tls_provider(Provider::rustls(CryptoMode::AwsLc))
                .tls_context(tls.clone());
            if let Some(settings) = settings {
                connector = connector.connector_settings(settings.clone());
            }
            if let Some(sleep) = components.and_then(RuntimeComponents::sleep_impl) {
                connector = connector.sleep_impl(sleep);
            }
            connector.build()
        }),
    )
}

fn is_aws_endpoint(url: &str) -> bool {
    let host = url::Url::parse(url)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_amazon_is_aws() {
        assert!(is_aws_endpoint("https://s3.eu-west-1.amazonaws.com"));
        assert!(is_aws_endpoint("https://s3.cn-north-1.amazonaws.com.cn"));
        assert!(!is_aws_endpoint("http://127.0.0.1:9000"));
        assert!(!is_aws_endpoint("https://amazonaws.com.example.org"));
    }
}

//! The connections to upstreams, kept alive, and what is known of each upstream's health.

use super::body::BodyStream;
use super::breaker::Breaker;
use crate::config::GatewaySettings;
use crate::web::trust;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A connection that waits longer is closed; shorter than most servers wait.
const IDLE_MAX: Duration = Duration::from_secs(30);
const IDLE_PER_HOST_MAX: usize = 128;
const HEADERS_BUFFER_MAX: usize = 64 * 1024;
/// Upstreams are few, and named by the administrator.
const BREAKERS_MAX: usize = 1024;

pub type Plain = Client<HttpConnector, BodyStream>;
pub type Tls = Client<HttpsConnector<HttpConnector>, BodyStream>;

pub struct Upstreams {
    plain: Plain,
    /// HTTP/1.1 alone: what can be given over as a tunnel.
    plain_http1: Plain,
    tls: OnceLock<Result<(Tls, Tls), String>>,
    ca_file: Option<PathBuf>,
    breakers: Mutex<HashMap<String, Arc<Breaker>>>,
}

impl Upstreams {
    pub fn new(settings: &GatewaySettings) -> Result<Self, String> {
        let upstreams = Self {
            plain: client(connector(), settings.http2),
            plain_http1: client(connector(), false),
            tls: OnceLock::new(),
            ca_file: settings.ca_file.clone(),
            breakers: Mutex::default(),
        };
        // A file that cannot be read is told at the start, not at the first request.
        if settings.ca_file.is_some() {
            upstreams.tls().map_err(str::to_owned)?;
        }
        Ok(upstreams)
    }

    pub fn plain(&self, tunnel: bool) -> &Plain {
        if tunnel { &self.plain_http1 } else { &self.plain }
    }

    /// Reading the system's authorities takes a while, and an http upstream needs none.
    pub fn https(&self, tunnel: bool) -> Result<&Tls, &str> {
        self.tls().map(|(any, http1)| if tunnel { http1 } else { any })
    }

    fn tls(&self) -> Result<&(Tls, Tls), &str> {
        let made = self.tls.get_or_init(|| {
            let config = trusting(self.ca_file.as_deref())?;
            let builder = || {
                HttpsConnectorBuilder::new()
                    .with_tls_config(config.clone())
                    .https_only()
            };
            let any = builder().enable_http1().enable_http2().wrap_connector(connector());
            let http1 = builder().enable_http1().wrap_connector(connector());
            Ok((client(any, false), client(http1, false)))
        });
        made.as_ref().map_err(String::as_str)
    }

    /// Of the upstream at this origin.
    pub fn breaker(&self, origin: &str) -> Arc<Breaker> {
        let mut breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = breakers.get(origin) {
            return Arc::clone(known);
        }
        if breakers.len() >= BREAKERS_MAX {
            breakers.clear();
        }
        Arc::clone(breakers.entry(origin.to_owned()).or_default())
    }
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_MAX));
    connector
}

fn client<C>(connector: C, http2: bool) -> Client<C, BodyStream>
where
    C: hyper_util::client::legacy::connect::Connect + Clone,
{
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_MAX)
        .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
        .http1_max_buf_size(HEADERS_BUFFER_MAX)
        .http2_only(http2)
        .build(connector)
}

/// The system's authorities, and those of the file.
fn trusting(ca_file: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = trust::of_system();
    if let Some(file) = ca_file {
        trust::add_file(&mut roots, file)?;
    }
    if roots.is_empty() {
        return Err("no certificate authority was found: install ca-certificates, or set `gateway.ca_file`".to_owned());
    }
    trust::client(roots)
}

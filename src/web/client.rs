//! A small HTTP/1.1 client for the program's own checks and commands: one request, one connection, no redirects.

use super::trust;
use bytes::Bytes;
use http::header::HOST;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const TIME_MAX: Duration = Duration::from_secs(10);
const BODY_BYTES_MAX: usize = 1024 * 1024;

#[derive(Clone)]
pub struct Client {
    tls: Option<Arc<ClientConfig>>,
}

impl Client {
    /// Trusts the certificates of `ca_file` and no others; without one it speaks plain http only.
    pub fn new(ca_file: Option<&Path>) -> Result<Self, String> {
        Ok(Self {
            tls: ca_file.map(trusting).transpose()?.map(Arc::new),
        })
    }

    /// Trusts the certificate authorities of the system, and those of `ca_file`.
    pub fn of_system(ca_file: Option<&Path>) -> Result<Self, String> {
        let mut roots = trust::of_system();
        if let Some(file) = ca_file {
            trust::add_file(&mut roots, file)?;
        }
        Ok(Self {
            tls: Some(Arc::new(trust::client(roots)?)),
        })
    }

    /// Errors are sentences.
    pub async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        let uri = request.uri().clone();
        let host = uri.host().ok_or("the address has no host")?.to_owned();
        let authority = uri.authority().ok_or("the address has no host")?.as_str();
        let authority = authority.parse().map_err(|_| "the host is malformed".to_owned())?;
        request.headers_mut().insert(HOST, authority);
        let path = uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
        *request.uri_mut() = path.parse::<Uri>().map_err(|e| e.to_string())?;
        let exchange = async {
            let port = uri
                .port_u16()
                .unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
            let bare = host.trim_matches(['[', ']']).to_owned();
            let stream = TcpStream::connect((bare.as_str(), port))
                .await
                .map_err(|e| format!("{uri}: {e}"))?;
            match (uri.scheme_str(), &self.tls) {
                (Some("http"), _) => exchange(stream, request).await,
                (Some("https"), Some(config)) => {
                    let name = bare.try_into().map_err(|_| "the host is no server name".to_owned())?;
                    let stream = TlsConnector::from(config.clone()).connect(name, stream).await;
                    exchange(stream.map_err(|e| format!("{uri}: {e}"))?, request).await
                }
                _ => Err(format!("{uri} is not an address this client speaks to")),
            }
        };
        tokio::time::timeout(TIME_MAX, exchange)
            .await
            .map_err(|_| "no answer in time".to_owned())?
    }
}

async fn exchange<S>(stream: S, request: Request<Bytes>) -> Result<Response<Bytes>, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let shaken = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(|e| e.to_string())?;
    let connection = tokio::spawn(connection);
    let response = sender
        .send_request(request.map(Full::new))
        .await
        .map_err(|e| e.to_string())?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX)
        .collect()
        .await
        .map_err(|e| e.to_string())?;
    connection.abort();
    Ok(Response::from_parts(head, body.to_bytes()))
}

fn trusting(ca_file: &Path) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    trust::add_file(&mut roots, ca_file)?;
    trust::client(roots)
}

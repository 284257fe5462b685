//! The least a proxy can do: hyper and rustls before, hyper's pooled client behind, the head and both bodies passed on.
//! It guards nothing, bounds nothing and takes out no header but those of one connection. Besides it, the API that is
//! behind: one small answer to whatever is asked.

use crate::limit_server::tls;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderValue};
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// The arguments that make this program the proxy, or the API.
pub const COMMAND: &str = "bare-proxy";
pub const API_COMMAND: &str = "small-api";

/// A line of JSON on standard input.
#[derive(Serialize, Deserialize)]
pub struct Orders {
    pub certificates: String,
    /// `http://` and an address.
    pub upstream: String,
}

type Upstream = Client<HttpConnector, Incoming>;

pub fn run() -> ExitCode {
    ended(proxy())
}

pub fn run_api() -> ExitCode {
    ended(api())
}

fn ended(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("bare proxy: {why}");
            ExitCode::FAILURE
        }
    }
}

fn line() -> Result<String, String> {
    let mut input = String::new();
    std::io::stdin().read_line(&mut input).map_err(|e| e.to_string())?;
    Ok(input)
}

fn on_one_thread(work: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|e| e.to_string())?.block_on(work)
}

fn proxy() -> Result<(), String> {
    let orders: Orders = serde_json::from_str(&line()?).map_err(|e| e.to_string())?;
    let tls = TlsAcceptor::from(Arc::new(tls(Path::new(&orders.certificates))?));
    on_one_thread(async move {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client: Upstream = Client::builder(TokioExecutor::new()).build(connector);
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|e| e.to_string())?;
        println!("https://{}", listener.local_addr().map_err(|e| e.to_string())?);
        loop {
            let (stream, _) = listener.accept().await.map_err(|e| e.to_string())?;
            let (client, tls, upstream) = (client.clone(), tls.clone(), orders.upstream.clone());
            tokio::spawn(async move {
                let _ = stream.set_nodelay(true);
                let Ok(stream) = tls.accept(stream).await else { return };
                let service = service_fn(|request| forward(&client, &upstream, request));
                let _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    })
}

async fn forward(
    client: &Upstream,
    upstream: &str,
    mut request: Request<Incoming>,
) -> Result<Response<Incoming>, String> {
    let target: Uri = format!("{upstream}{}", request.uri())
        .parse()
        .map_err(|_| "no address")?;
    *request.uri_mut() = target;
    for name in [HOST, CONNECTION] {
        request.headers_mut().remove(name);
    }
    client.request(request).await.map_err(|e| e.to_string())
}

fn api() -> Result<(), String> {
    line()?;
    on_one_thread(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|e| e.to_string())?;
        println!("http://{}", listener.local_addr().map_err(|e| e.to_string())?);
        loop {
            let (stream, _) = listener.accept().await.map_err(|e| e.to_string())?;
            tokio::spawn(async move {
                let _ = stream.set_nodelay(true);
                let service = service_fn(async |_: Request<Incoming>| {
                    let body = Bytes::from_static(br#"{"data":[{"id":"1","name":"First"}],"has_more":false}"#);
                    let mut response = Response::new(Full::new(body));
                    let json = HeaderValue::from_static("application/json");
                    response.headers_mut().insert(CONTENT_TYPE, json);
                    Ok::<_, String>(response)
                });
                let _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    })
}

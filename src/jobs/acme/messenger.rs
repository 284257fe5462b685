//! How the messages of ACME travel: by our own client, over https alone (RFC 8555 §6.1).

use crate::web::client::Client;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use std::future::Future;
use std::pin::Pin;

pub struct Messenger(pub Client);

impl HttpClient for Messenger {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.0.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            // Addresses come from the authority too.
            if head.uri.scheme_str() != Some("https") {
                return Err(Error::Other(format!("{} is not https", head.uri).into()));
            }
            let Ok(body) = body.collect().await;
            let answer = client.send(Request::from_parts(head, body.to_bytes())).await;
            let answer = answer.map_err(|why| Error::Other(why.into()))?;
            Ok(answer.map(Full::new).into())
        })
    }
}

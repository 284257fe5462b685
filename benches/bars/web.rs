//! Single requests, to find out what the generator is to send.

use bytes::Bytes;
use grantd::web::client::Client;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use serde_json::Value;
use std::path::Path;

pub fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// The answer to a form, as JSON.
pub fn post(ca_file: &str, url: &str, form: &str) -> Result<Value, String> {
    let request = Request::post(url)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Bytes::from(form.to_owned()));
    let response = send(ca_file, request.map_err(|e| e.to_string())?)?;
    serde_json::from_slice(response.body()).map_err(|e| format!("{url} said no JSON: {e}"))
}

pub fn get(ca_file: &str, url: &str) -> Result<Response<Bytes>, String> {
    send(
        ca_file,
        Request::get(url).body(Bytes::new()).map_err(|e| e.to_string())?,
    )
}

fn send(ca_file: &str, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
    let client = Client::new(Some(Path::new(ca_file)))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|e| e.to_string())?.block_on(client.send(request))
}

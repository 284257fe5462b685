//! `grantd webhook`: what a receiver of deliveries wants to try, without the server that sends them.

use super::arguments::webhooks::{WebhookListen, WebhookVerb, WebhookVerify};
use super::output::{Output, visible};
use super::start::{block_on, catch_signals};
use crate::base::limits::Limits;
use crate::base::random::SystemRandom;
use crate::base::secret::Secret;
use crate::base::time::{Clock, SystemClock};
use crate::platform::webhooks::signature;
use crate::web::listener::Listener;
use crate::web::request::{BodyRule, Request};
use crate::web::response::Response;
use crate::web::server::serve;
use crate::web::signals::Stop;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// More than any delivery has.
const BODY_BYTES_MAX: usize = 1024 * 1024;
const VARIABLE: &str = "GRANTD_WEBHOOK_SECRET";

pub fn run(verb: WebhookVerb, output: &Output) -> Result<(), String> {
    match verb {
        WebhookVerb::Verify(verify) => check(&verify, output),
        WebhookVerb::Listen(how) => block_on(listen(how, output)),
    }
}

fn check(verify: &WebhookVerify, output: &Output) -> Result<(), String> {
    let receiver = Receiver::new(verify.secret_file.as_deref(), verify.tolerance_s)?;
    let mut body = Vec::new();
    std::io::stdin()
        .take(BODY_BYTES_MAX as u64 + 1)
        .read_to_end(&mut body)
        .map_err(|e| format!("the body cannot be read from standard input: {e}"))?;
    if body.len() > BODY_BYTES_MAX {
        return Err(format!("the body has more than {BODY_BYTES_MAX} bytes"));
    }
    let signed_at = receiver.verify(&verify.signature, &body)?;
    output.answer(&json!({ "verified": true, "signed_at": signed_at }));
    Ok(())
}

/// Whoever wants to know whether what they were sent is the server's.
struct Receiver {
    secret: Secret,
    tolerance: Duration,
}

impl Receiver {
    fn new(file: Option<&Path>, tolerance_s: u64) -> Result<Self, String> {
        let text = match file {
            Some(file) => {
                std::fs::read_to_string(file).map_err(|e| format!("{} cannot be read: {e}", file.display()))?
            }
            None => std::env::var(VARIABLE)
                .map_err(|_| format!("name the secret: with --secret-file, or in the variable {VARIABLE}"))?,
        };
        let text = text.trim();
        if text.is_empty() {
            return Err("the secret is empty".into());
        }
        Ok(Self {
            secret: Secret::new(text),
            tolerance: Duration::from_secs(tolerance_s),
        })
    }

    /// When it was signed; else a sentence.
    fn verify(&self, header: &str, body: &[u8]) -> Result<String, String> {
        let signed_at = signature::verify(&self.secret, header, body, SystemClock.now(), self.tolerance)?;
        Ok(signed_at.to_string())
    }

    /// Whichever header has the form of a signature: its name is the profile's.
    fn judge(&self, request: &Request) -> Result<String, String> {
        let mut values = request.headers.values().filter_map(|value| value.to_str().ok());
        let found = values.find(|value| signature::is_one(value));
        let found = found.ok_or("no header has the form of a signature, t=SECONDS,v1=HEX")?;
        self.verify(found, &request.body)
    }
}

async fn listen(how: WebhookListen, output: &Output) -> Result<(), String> {
    let receiver = Arc::new(Receiver::new(how.secret_file.as_deref(), how.tolerance_s)?);
    let listener = Listener::http(how.listen)?;
    let address = listener.address().map_err(|e| e.to_string())?;
    let (stop, stopped) = watch::channel(Stop::Run);
    let following = tokio::spawn(catch_signals()?.follow(stop, || {}));
    output.answer(&json!({ "listening": format!("http://{address}") }));
    let json = output.json;
    let handle = move |request: Request| {
        let judged = receiver.judge(&request);
        let (status, answer) = match &judged {
            Ok(_) => (StatusCode::OK, json!({ "received": true })),
            Err(why) => (StatusCode::UNAUTHORIZED, json!({ "error": why })),
        };
        tell(&Output { json }, &request, &judged);
        async move { Response::json(status, &answer) }
    };
    let rule = |method: &Method, _: &str| {
        let takes = *method == Method::POST;
        BodyRule::Whole(if takes { BODY_BYTES_MAX } else { 0 }).into()
    };
    let served = serve(
        vec![listener],
        Limits::default(),
        Arc::new(SystemRandom),
        Arc::default(),
        rule,
        handle,
        stopped,
    )
    .await;
    following.abort();
    served.map(|_| ()).map_err(|e| format!("listening failed: {e}"))
}

/// One delivery. What it holds is a stranger's: nothing in it moves the cursor.
fn tell(output: &Output, request: &Request, judged: &Result<String, String>) {
    let body = String::from_utf8_lossy(&request.body);
    let message: Option<Value> = serde_json::from_str(&body).ok();
    if output.json {
        let (verified, error) = (judged.is_ok(), judged.as_ref().err());
        let shown = verified.then(|| message.unwrap_or_else(|| json!(body)));
        output.answer(&json!({ "verified": verified, "error": error, "path": request.path, "body": shown }));
        return;
    }
    let path = visible(&request.path);
    match judged {
        Ok(signed_at) => {
            let text = message.and_then(|message| serde_json::to_string_pretty(&message).ok());
            let text = text.unwrap_or_else(|| body.into_owned());
            let lines: Vec<String> = text.lines().map(visible).collect();
            output.text(&format!("verified  {signed_at}  {path}\n{}\n\n", lines.join("\n")));
        }
        Err(why) => output.text(&format!("refused   {path}: {}\n\n", visible(why))),
    }
}

//! Everything that runs while the server does.

use super::Service;
use crate::api::{acme_http, metrics};
use crate::context::Context;
use crate::control::socket;
use crate::jobs;
use crate::web::listener::Listener;
use crate::web::request::{BodyRule, Request};
use crate::web::server::{self, Ended};
use crate::web::signals::Stop;
use crate::web::tls::Tls;
use http::Method;
use std::io;
use std::sync::Arc;
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Where everything comes in.
pub struct Doors {
    pub listeners: Vec<Listener>,
    pub metrics: Option<Listener>,
    pub acme_http: Vec<Listener>,
    /// Of the https listeners.
    pub tls: Option<Arc<Tls>>,
    pub control: UnixListener,
}

/// Everything that runs while the server does: the listeners, the local socket, the jobs. Ends when `stop` says so.
pub async fn serve(service: Arc<Service>, doors: Doors, stop: watch::Receiver<Stop>) -> io::Result<Ended> {
    let ctx = Arc::clone(&service.ctx);
    let mut beside = JoinSet::new();
    beside.spawn(socket::serve(ctx.clone(), doors.control));
    beside.spawn(jobs::run(ctx.clone(), doors.tls));
    if let Some(listener) = doors.metrics {
        beside.spawn(tell_metrics(ctx.clone(), listener, stop.clone()));
    }
    if !doors.acme_http.is_empty() {
        beside.spawn(answer_challenges(ctx.clone(), doors.acme_http, stop.clone()));
    }
    let (limits, random) = (ctx.config.limits.clone(), ctx.random.clone());
    let meter = Arc::clone(&ctx.counts.server);
    let of_rules = Arc::clone(&service);
    let rule = move |method: &Method, path: &str| of_rules.rule(method, path);
    let handle = move |request| {
        let service = Arc::clone(&service);
        async move { service.answer(request).await }
    };
    let ended = server::serve(doors.listeners, limits, random, meter, rule, handle, stop).await;
    // What they were at is over before the last word is written.
    beside.shutdown().await;
    jobs::finish(&ctx).await;
    ended
}

/// The listener of metrics is a server of its own, with the same limits, so that neither holds the other up.
async fn tell_metrics(ctx: Arc<Context>, listener: Listener, stop: watch::Receiver<Stop>) {
    let (limits, random) = (ctx.config.limits.clone(), ctx.random.clone());
    let handle = move |request: Request| {
        let ctx = Arc::clone(&ctx);
        async move { metrics::answer(&ctx, &request).await }
    };
    let rule = |_: &Method, _: &str| BodyRule::Whole(0).into();
    let served = server::serve(vec![listener], limits, random, Arc::default(), rule, handle, stop).await;
    told("metrics", served);
}

/// So is that of challenges: plain http from everybody takes no place from those who speak https.
async fn answer_challenges(ctx: Arc<Context>, listeners: Vec<Listener>, stop: watch::Receiver<Stop>) {
    let (limits, random) = (ctx.config.limits.clone(), ctx.random.clone());
    let handle = move |request: Request| {
        let ctx = Arc::clone(&ctx);
        async move { acme_http::answer(&ctx, &request) }
    };
    let rule = |_: &Method, _: &str| BodyRule::Whole(0).into();
    let served = server::serve(listeners, limits, random, Arc::default(), rule, handle, stop).await;
    told("challenges", served);
}

fn told(of: &str, served: io::Result<Ended>) {
    if let Err(why) = served {
        log::error!("the listener of {of} ended: {why}");
    }
}

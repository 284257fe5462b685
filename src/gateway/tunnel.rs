//! A connection that both sides use as they like (WebSocket, RFC 6455), for as long as its credential stands.

use super::guard::Admitted;
use super::held::credential_ends;
use super::places::Place;
use crate::context::Context;
use crate::web::request::Upgrade;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::io::copy_bidirectional;

/// Runs by itself until one side ends it or the credential does.
pub fn open(ctx: Arc<Context>, (admitted, place): (Admitted, Place), client: Upgrade, upstream: OnUpgrade) {
    tokio::spawn(async move {
        let (client, slot) = client.into_parts();
        let (client, upstream) = match tokio::try_join!(client, upstream) {
            Ok(both) => both,
            Err(error) => return log::debug!("a tunnel was not opened: {error}"),
        };
        let (mut client, mut upstream) = (TokioIo::new(client), TokioIo::new(upstream));
        tokio::select! {
            ended = copy_bidirectional(&mut client, &mut upstream) => {
                if let Err(error) = ended {
                    log::debug!("a tunnel broke: {error}");
                }
            }
            () = slot.told_to_end() => log::info!("a tunnel was ended with its connection"),
            () = credential_ends(&ctx, &admitted) => log::info!("a tunnel was ended with its credential"),
        }
        drop((slot, place));
    });
}

//! The certificate, where an authority gives it by ACME (RFC 8555): asked for, renewed before it ends, put into use.
//!
//! What fails is told in the log, kept for whoever asks, and tried again, later each time. Meanwhile the certificate in
//! use stays: a new one replaces it only once it is there and good.

pub mod files;
mod messenger;
mod order;

use crate::base::certificate::Validity;
use crate::base::random;
use crate::base::time::Timestamp;
use crate::config::Acme;
use crate::context::Context;
use crate::model::counts::Ordered;
use crate::web::tls::Tls;
use files::Files;
use order::Trouble;
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked whether something is due.
const EVERY: Duration = Duration::from_secs(15);
/// After the first failure; twice as long after each further one. Let's Encrypt lets five an hour fail.
const FIRST_PAUSE: Duration = Duration::from_secs(2 * 60);
const PAUSE_MAX: Duration = Duration::from_secs(60 * 60);
/// Of one order, from the first request to the certificate.
const ORDER_MAX: Duration = Duration::from_secs(5 * 60);

/// Runs until dropped; at once done where no certificate is obtained.
pub async fn run(ctx: &Context, tls: Option<Arc<Tls>>) {
    let Some(mut keeper) = tls.and_then(|tls| Keeper::new(ctx, tls)) else {
        return;
    };
    loop {
        keeper.look_after(ctx).await;
        // Told, or not: either way there is a next turn.
        if tokio::time::timeout(EVERY, ctx.acme.wanted.notified()).await.is_ok() {
            keeper.try_now();
        }
    }
}

/// What one server remembers of its certificate.
pub struct Keeper {
    plan: Acme,
    files: Files,
    tls: Arc<Tls>,
    /// When the next certificate is asked for.
    due: Timestamp,
    failures: u32,
    /// Obtained and in use, but not on disk.
    unwritten: Option<String>,
}

impl Keeper {
    /// `None` where no certificate is obtained.
    pub fn new(ctx: &Context, tls: Arc<Tls>) -> Option<Self> {
        let plan = ctx.config.acme.clone()?;
        let files = Files::of(&ctx.config);
        // One of another authority, or for other names, serves only until there is a better one.
        let due = match tls.validity() {
            Some(validity) if files.certificate_fits(&plan) => due_for(ctx, validity),
            _ => Timestamp::default(),
        };
        ctx.acme.is_due(due.max(ctx.now()), tls.stands_in());
        Some(Self {
            plan,
            files,
            tls,
            due,
            failures: 0,
            unwritten: None,
        })
    }

    /// Somebody says that what stood in the way is gone.
    pub fn try_now(&mut self) {
        if self.failures > 0 {
            self.due = Timestamp::default();
        }
    }

    /// Does what is due; what fails is told, and left alone for a while.
    pub async fn look_after(&mut self, ctx: &Context) {
        if ctx.now() < self.due {
            return;
        }
        match self.turn(ctx).await {
            Ok(()) => {
                self.failures = 0;
                ctx.acme.works();
            }
            Err(trouble) => {
                let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(10)).min(PAUSE_MAX);
                let pause = if trouble.is_patient { PAUSE_MAX } else { pause };
                self.failures += 1;
                // Up to a quarter more: those who failed together do not come back together.
                self.due = ctx.now() + pause + share(ctx, pause / 4);
                ctx.counts.order(Ordered::Failed).one();
                if ctx.acme.fails(ctx.now(), &trouble.why) {
                    log::error!("{}; it is tried again at {}", trouble.why, self.due);
                }
            }
        }
        ctx.acme.is_due(self.due, self.tls.stands_in());
    }

    async fn turn(&mut self, ctx: &Context) -> Result<(), Trouble> {
        if self.unwritten.is_none() {
            let pem = order::obtain(ctx, &self.plan, &self.files, &self.tls);
            let pem = tokio::time::timeout(ORDER_MAX, pem).await;
            // However it ended: nobody is expected any more.
            ctx.acme.expect_nobody();
            self.tls.answer_challenges(Vec::new()).map_err(Trouble::new)?;
            let pem = pem.map_err(|_| Trouble::new("the certificate authority took too long".to_owned()))??;
            self.tls.take(&pem).map_err(Trouble::new)?;
            ctx.set_certificate(self.tls.validity());
            ctx.counts.order(Ordered::Obtained).one();
            self.unwritten = Some(pem);
        }
        // A disk that is full keeps nobody from using it; it is written as soon as there is room.
        if let Some(pem) = &self.unwritten {
            self.files.write_certificate(pem).map_err(Trouble::new)?;
            self.unwritten = None;
        }
        let validity = self.tls.validity();
        let validity =
            validity.ok_or_else(|| Trouble::new("the certificate does not say until when it is good".into()))?;
        self.due = due_for(ctx, validity);
        if self.due <= ctx.now() {
            return Err(Trouble::new(format!(
                "the certificate that was obtained ends at {}, by this machine's clock too soon",
                validity.ends
            )));
        }
        log::info!(
            "a certificate for {} is in use: it ends at {}, and the next one is asked for at {}",
            self.plan.domains.join(", "),
            validity.ends,
            self.due
        );
        Ok(())
    }
}

/// When two thirds of its life are over, or up to a twentieth of it earlier: not all servers come at the same moment.
fn due_for(ctx: &Context, validity: Validity) -> Timestamp {
    let life = validity.ends.since(validity.begins);
    validity.begins + life * 2 / 3 - share(ctx, life / 20)
}

/// Any part of it.
fn share(ctx: &Context, span: Duration) -> Duration {
    let part = u32::from_be_bytes(random::bytes(&*ctx.random));
    Duration::from_millis(u64::from(part) % (span.as_millis() as u64).max(1))
}

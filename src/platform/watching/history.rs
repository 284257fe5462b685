//! What was seen each minute of the last hours, for small charts. In memory alone: it begins anew with the process.

use super::look;
use crate::base::meter::Distribution;
use crate::context::Context;
use crate::model::counts::{Counts, Endpoint, Outcome};
use crate::model::history::{Minute, Totals};

/// Called every minute.
pub async fn note(ctx: &Context) {
    let seen = look(ctx).await;
    let now = totals(&ctx.counts, seen.store.as_ref().map_or(0, |store| store.commits));
    let waiting = seen.queues.map_or(0, |queues| {
        queues.mails.count + queues.events.count + queues.deliveries.count
    });
    ctx.history.note(now, |then, now| Minute {
        at: seen.at,
        requests: now.requests.saturating_sub(then.requests),
        failed: now.failed.saturating_sub(then.failed),
        commits: now.commits.saturating_sub(then.commits),
        slowest_us: now.latency.since(&then.latency).quantile(0.99).unwrap_or(0),
        waiting,
    });
}

fn totals(counts: &Counts, commits: u64) -> Totals {
    let mut totals = Totals {
        commits,
        ..Totals::default()
    };
    for endpoint in Endpoint::ALL {
        for outcome in Outcome::ALL {
            let answered = counts.requests(*endpoint, *outcome).get();
            totals.requests += answered;
            if matches!(outcome, Outcome::Failed | Outcome::Unavailable) {
                totals.failed += answered;
            }
        }
        add(&mut totals.latency, counts.latency(*endpoint).read());
    }
    totals
}

/// All of them have the same bounds.
fn add(sum: &mut Distribution, more: Distribution) {
    if sum.counts.is_empty() {
        *sum = more;
        return;
    }
    sum.sum += more.sum;
    for (count, more) in sum.counts.iter_mut().zip(more.counts) {
        *count += more;
    }
}

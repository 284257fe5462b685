//! `/admin/health`: how the server is, for administrators: what should worry them, what it holds, what it did lately.

use super::on_duty;
use super::parts::{moment, way};
use crate::context::Context;
use crate::model::counts::{Endpoint, Outcome};
use crate::model::history::Minute;
use crate::platform::rights::Right;
use crate::platform::watching::warnings::{self, bytes};
use crate::platform::watching::{Seen, WAITING_MAX, Waiting, look};
use crate::portal::desk::{Desk, Part};
use crate::portal::trouble::Paged;
use crate::web::request::Request;
use maud::{Markup, html};

pub async fn get(ctx: &Context, request: &Request) -> Paged {
    let desk = match on_duty(ctx, request, Right::Administer).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let seen = look(ctx).await;
    let minutes = ctx.history.minutes();
    let body = html! {
        (worries(&desk, &seen))
        h2 { (desk.text("health_lately")) }
        @if minutes.len() < 2 {
            p.quiet { (desk.text("health_too_soon")) }
        } @else {
            p.quiet { (desk.fill("health_lately_text", &[("minutes", &minutes.len().to_string())])) }
            div.charts {
                (chart(desk.text("health_requests"), &minutes, |minute| minute.requests, |most| most.to_string()))
                (chart(desk.text("health_failed"), &minutes, |minute| minute.failed, |most| most.to_string()))
                (chart(desk.text("health_slowest"), &minutes, |minute| minute.slowest_us, milliseconds))
                (chart(desk.text("health_commits"), &minutes, |minute| minute.commits, |most| most.to_string()))
                (chart(desk.text("health_waiting"), &minutes, |minute| minute.waiting, |most| most.to_string()))
            }
        }
        (store(&desk, &seen))
        (queues(&desk, &seen))
        (ages(&desk, &seen))
        (process(&desk, &seen))
        (counts(&desk))
    };
    let title = desk.text("health");
    Ok(desk
        .page(Part::Administration, &way(&desk, &[]), title, body)
        .show(&desk.visit))
}

fn worries(desk: &Desk<'_>, seen: &Seen) -> Markup {
    let found = warnings::of(desk.ctx(), seen);
    html! {
        @if found.is_empty() {
            p.notice.good role="status" { (desk.text("health_good")) }
        }
        @for one in &found {
            @let values: Vec<(&str, &str)> = one.values.iter().map(|(name, value)| (*name, value.as_str())).collect();
            p.notice.danger[one.urgent].warning[!one.urgent] role="status" { (desk.fill(one.key, &values)) }
        }
    }
}

const WIDTH: usize = 300;
const HEIGHT: u64 = 60;

/// A line over time, drawn here: no script, no style but the page's own.
fn chart(title: &str, minutes: &[Minute], of: fn(&Minute) -> u64, shown: fn(u64) -> String) -> Markup {
    let values: Vec<u64> = minutes.iter().map(of).collect();
    let most = values.iter().copied().max().unwrap_or(0);
    let steps = values.len().saturating_sub(1).max(1);
    let point = |(at, value): (usize, &u64)| {
        let (x, y) = (at * WIDTH / steps, HEIGHT - value.saturating_mul(HEIGHT) / most.max(1));
        format!("{x},{y}")
    };
    let line: Vec<String> = values.iter().enumerate().map(point).collect();
    let line = line.join(" ");
    let (last, most) = (shown(values.last().copied().unwrap_or(0)), shown(most));
    html! {
        figure.chart {
            figcaption { strong { (title) } span.quiet { (last) " · max " (most) } }
            svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label=(format!("{title}: {last}, max {most}"))
                viewBox=(format!("-2 -2 {} {}", WIDTH + 4, HEIGHT + 4)) preserveAspectRatio="none" {
                polygon points=(format!("0,{HEIGHT} {line} {WIDTH},{HEIGHT}")) {}
                polyline points=(line) {}
            }
        }
    }
}

fn milliseconds(us: u64) -> String {
    if us < 1000 {
        format!("{:.1} ms", us as f64 / 1000.0)
    } else {
        format!("{} ms", us / 1000)
    }
}

fn store(desk: &Desk<'_>, seen: &Seen) -> Markup {
    html! {
        h2 { (desk.text("health_store")) }
        dl {
            @if let Some(room) = &seen.room {
                dt { (desk.text("health_disk")) }
                dd { (bytes(room.free_bytes)) " / " (bytes(room.total_bytes)) }
            }
            @if let Some(store) = &seen.store {
                dt { (desk.text("health_size")) } dd { (bytes(store.disk_bytes)) }
                dt { (desk.text("health_journal")) } dd { (bytes(store.journal_bytes)) }
                dt { (desk.text("health_commits_total")) }
                dd { (desk.fill("health_commits_of", &[
                    ("commits", &store.commits.to_string()),
                    ("last", &store.durable.0.to_string()),
                ])) }
                @if let Some(us) = store.sync_us.quantile(0.99) {
                    dt { (desk.text("health_sync")) } dd { (milliseconds(us)) }
                }
            }
        }
    }
}

fn queues(desk: &Desk<'_>, seen: &Seen) -> Markup {
    let row = |name, waiting: &Waiting| {
        let more = if waiting.count >= WAITING_MAX { "+" } else { "" };
        html! {
            dt { (desk.text(name)) }
            dd {
                (waiting.count) (more)
                @if let Some(due) = waiting.due { " · " (desk.text("health_due")) " " (moment(due)) }
            }
        }
    };
    html! {
        @if let Ok(queues) = &seen.queues {
            h2 { (desk.text("health_queues")) }
            dl {
                (row("health_mails", &queues.mails))
                (row("health_events", &queues.events))
                (row("health_deliveries", &queues.deliveries))
            }
        }
    }
}

fn ages(desk: &Desk<'_>, seen: &Seen) -> Markup {
    html! {
        h2 { (desk.text("health_keys")) }
        dl {
            dt { (desk.text("health_certificate")) }
            @let renewal = seen.renewal.as_ref();
            @match seen.certificate {
                Some(certificate) => dd {
                    (desk.text("health_until")) " " (moment(certificate.ends))
                    @if let Some(next) = renewal.and_then(|renewal| renewal.next_at) {
                        " · " (desk.text("health_certificate_next")) " " (moment(next))
                    }
                }
                None if renewal.is_some() => dd { (desk.text("health_certificate_none")) }
                None => dd { (desk.text("health_no_certificate")) }
            }
            @for key in &seen.keys {
                dt { (desk.fill("health_key", &[("algorithm", key.algorithm.as_str())])) }
                dd {
                    (desk.text("health_since")) " " (moment(key.activated_at))
                    " · " (desk.text("health_next")) " " (moment(key.due_at))
                }
            }
        }
    }
}

fn process(desk: &Desk<'_>, seen: &Seen) -> Markup {
    let about = &seen.process;
    html! {
        h2 { (desk.text("health_process")) }
        dl {
            dt { (desk.text("health_version")) } dd { "grantd " (env!("CARGO_PKG_VERSION")) }
            dt { (desk.text("health_runs_since")) } dd { (moment(seen.began)) }
            dt { (desk.text("health_time")) } dd { (moment(seen.at)) }
            @if let Some(memory) = about.resident_bytes {
                dt { (desk.text("health_memory")) } dd { (bytes(memory)) }
            }
            @if let (Some(open), Some(most)) = (about.descriptors, about.descriptors_max) {
                dt { (desk.text("health_files")) } dd { (open) " / " (most) }
            }
            dt { (desk.text("health_connections")) } dd { (desk.ctx().counts.server.connections.get()) }
        }
    }
}

/// What was asked for since the process began, as far as anything was.
fn counts(desk: &Desk<'_>) -> Markup {
    let counts = &desk.ctx().counts;
    let total = |endpoint, outcomes: &[Outcome]| -> u64 {
        outcomes
            .iter()
            .map(|outcome| counts.requests(endpoint, *outcome).get())
            .sum()
    };
    html! {
        h2 { (desk.text("health_counts")) }
        div.scrolling tabindex="0" role="region" aria-label=(desk.text("health_counts")) {
            table.numbers {
                thead { tr {
                    th scope="col" { (desk.text("health_endpoint")) }
                    th scope="col" { (desk.text("health_answered")) }
                    th scope="col" { (desk.text("health_refused")) }
                    th scope="col" { (desk.text("health_failed_count")) }
                    th scope="col" { "p99" }
                } }
                tbody {
                    @for endpoint in Endpoint::ALL {
                        @let answered = total(*endpoint, &[Outcome::Ok, Outcome::Redirected]);
                        @let refused = total(*endpoint, &[Outcome::Refused, Outcome::Limited]);
                        @let failed = total(*endpoint, &[Outcome::Failed, Outcome::Unavailable]);
                        @if answered + refused + failed > 0 {
                            tr {
                                th scope="row" { code { (endpoint.as_str()) } }
                                td { (answered) }
                                td { (refused) }
                                td { (failed) }
                                @let slowest = counts.latency(*endpoint).read().quantile(0.99);
                                td { (slowest.map_or(String::new(), milliseconds)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

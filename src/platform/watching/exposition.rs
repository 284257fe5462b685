//! Metrics as text: OpenMetrics 1.0, or the older form of Prometheus for who asks for no other.

use super::sheet::{self, Family, Kind, Unit, Value};
use super::{Seen, look};
use crate::context::Context;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{self, Registry};
use std::collections::HashSet;
use std::fmt;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    OpenMetrics,
    /// Version 0.0.4, without units, and a counter is called what its samples are.
    Prometheus,
}

impl Form {
    /// By the `Accept` of a request; Prometheus takes OpenMetrics wherever it names it.
    pub fn wanted(accept: &str) -> Self {
        let named = |range: &str| {
            let (name, rest) = range.split_once(';').unwrap_or((range, ""));
            name.trim() == "application/openmetrics-text" && !rest.replace(' ', "").ends_with("q=0")
        };
        if accept.split(',').any(named) {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// Everything, as it is now.
pub async fn text(ctx: &Context, form: Form) -> String {
    write(ctx, &look(ctx).await, form)
}

fn write(ctx: &Context, seen: &Seen, form: Form) -> String {
    let families = sheet::families(&ctx.counts, seen);
    let counters = of_kind(&families, Kind::Counter);
    let infos = of_kind(&families, Kind::Info);
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Sheet(families)));
    let mut text = String::new();
    encode(&mut text, &registry).expect("a String takes everything");
    match form {
        Form::OpenMetrics => text,
        Form::Prometheus => older(&text, &counters, &infos),
    }
}

fn of_kind(families: &[Family], kind: Kind) -> HashSet<&'static str> {
    families
        .iter()
        .filter(|family| family.kind == kind)
        .map(|family| family.name)
        .collect()
}

/// Samples are the same in both.
fn older(text: &str, counters: &HashSet<&str>, infos: &HashSet<&str>) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        match words[..] {
            ["#", "EOF"] | ["#", "UNIT", ..] => continue,
            ["#", what, name, rest] if counters.contains(name) => {
                out.push_str(&format!("# {what} {name}_total {rest}"));
            }
            ["#", what, name, rest] if infos.contains(name) => {
                let rest = if what == "TYPE" { "gauge" } else { rest };
                out.push_str(&format!("# {what} {name}_info {rest}"));
            }
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

struct Sheet(Vec<Family>);

impl fmt::Debug for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} families", self.0.len())
    }
}

impl Collector for Sheet {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in &self.0 {
            let unit = family.unit.map(|unit| match unit {
                Unit::Seconds => registry::Unit::Seconds,
                Unit::Bytes => registry::Unit::Bytes,
            });
            let kind = match family.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
                Kind::Histogram => MetricType::Histogram,
                Kind::Info => MetricType::Info,
            };
            let mut metric = encoder.encode_descriptor(family.name, family.help, unit.as_ref(), kind)?;
            for row in &family.rows {
                match (&row.value, row.labels.is_empty()) {
                    (Value::Info, _) => metric.encode_info(&row.labels)?,
                    (value, true) => sample(&mut metric, value)?,
                    (value, false) => sample(&mut metric.encode_family(&row.labels)?, value)?,
                }
            }
        }
        Ok(())
    }
}

fn sample(metric: &mut MetricEncoder<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::Count(count) => metric.encode_counter::<NoLabelSet, _, f64>(count, None),
        Value::Level(level) => metric.encode_gauge(level),
        Value::Info => Ok(()),
        Value::Spread(spread, unit) => {
            let bounds = spread
                .bounds
                .iter()
                .map(|bound| *bound as f64 * unit)
                .chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = bounds.zip(spread.counts.iter().copied()).collect();
            metric.encode_histogram::<NoLabelSet>(spread.sum as f64 * unit, spread.count(), &buckets, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn openmetrics_is_for_who_names_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                          text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for accept in [
            prometheus,
            "application/openmetrics-text",
            "text/plain, application/openmetrics-text; q=0.1",
        ] {
            assert_eq!(Form::wanted(accept), Form::OpenMetrics, "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "text/plain;version=0.0.4",
            "application/openmetrics-text; q=0",
            "application/json",
        ] {
            assert_eq!(Form::wanted(accept), Form::Prometheus, "{accept}");
        }
    }
}

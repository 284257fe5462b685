//! Reads `rate_limits` of `routes.json`: how many requests to the API's routes somebody may make.

use super::duration_text;
use super::reader::{Item, Table};
use http::HeaderValue;
use serde::Serialize;
use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

const REQUESTS_MAX: i64 = 1_000_000_000;
const DAY_S: u64 = 24 * 60 * 60;

/// `None`: no limit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RateLimits {
    #[serde(serialize_with = "duration_text")]
    pub window: Duration,
    /// In a window, of one app in one organization, or of one person with their own tokens and keys.
    pub app: Option<NonZeroU32>,
    /// In a window, of one grant, personal access token or API key.
    pub credential: Option<NonZeroU32>,
    /// Of one app in one organization, as above, in a day and in a month of UTC.
    pub day: Option<NonZeroU64>,
    pub month: Option<NonZeroU64>,
}

impl Default for RateLimits {
    /// What a busy integration does not meet, and a loop without end does at once.
    fn default() -> Self {
        Self {
            window: Duration::from_secs(60),
            app: NonZeroU32::new(6000),
            credential: NonZeroU32::new(3000),
            day: None,
            month: None,
        }
    }
}

impl RateLimits {
    /// `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-11 §3) of a route, which may have a limit of its own;
    /// `None` where nothing is limited. A month has no window: they differ in length.
    pub fn policy(&self, route: Option<NonZeroU32>) -> Option<HeaderValue> {
        let window = self.window.as_secs();
        let within =
            |name: &str, quota: Option<NonZeroU32>| quota.map(|quota| format!("\"{name}\";q={quota};w={window}"));
        let items = [
            within("app", self.app),
            within("credential", self.credential),
            within("route", route),
            self.day.map(|quota| format!("\"day\";q={quota};w={DAY_S}")),
            self.month.map(|quota| format!("\"month\";q={quota}")),
        ];
        let items: Vec<String> = items.into_iter().flatten().collect();
        HeaderValue::from_str(&items.join(", "))
            .ok()
            .filter(|value| !value.is_empty())
    }
}

/// Keys that are not there have their default.
pub(super) fn read(table: &Table<'_>) -> RateLimits {
    let mut limits = RateLimits::default();
    let Some(table) = table.table("rate_limits") else {
        return limits;
    };
    if let Some(window) = table.duration("window", Duration::from_secs(1)..=Duration::from_secs(60 * 60)) {
        limits.window = window;
    }
    let set = |key, place: &mut Option<NonZeroU32>| {
        if let Some(found) = table.get(key).and_then(|item| requests(&item)) {
            *place = found;
        }
    };
    set("app", &mut limits.app);
    set("credential", &mut limits.credential);
    let quota = |key| {
        let found = table.get(key).and_then(|item| requests(&item))?;
        found.map(NonZeroU64::from)
    };
    limits.day = quota("day");
    limits.month = quota("month");
    if let (Some(day), Some(month)) = (limits.day, limits.month)
        && month < day
    {
        table.complain("lets fewer requests through in a month than in a day");
    }
    table.finish();
    limits
}

/// `Some(None)` for 0, which is no limit.
pub(super) fn requests(item: &Item<'_>) -> Option<Option<NonZeroU32>> {
    let number = item.integer(0..=REQUESTS_MAX)?;
    Some(NonZeroU32::new(u32::try_from(number).expect("judged to be less")))
}

//! The time zone of the user, in which pages show times. The browser reports its zone in a cookie;
//! the server renders in that zone. Without the cookie, as without scripts, times are in UTC, and
//! those with an hour say so.

#[cfg(not(feature = "ssr"))]
use crate::browser;

/// The name of the cookie; its value is a name of the IANA time zone database.
pub const COOKIE: &str = "countersign-time-zone";

/// (browser) Reports the time zone of the browser for the next pages.
#[cfg(not(feature = "ssr"))]
pub(crate) fn report() {
    use wasm_bindgen::JsValue;
    let options = js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &js_sys::Object::new())
        .resolved_options();
    let zone = js_sys::Reflect::get(&options, &JsValue::from_str("timeZone"));
    if let Some(zone) = zone.ok().and_then(|zone| zone.as_string())
        && browser::cookie(COOKIE) != zone
    {
        browser::set_cookie(COOKIE, &zone, browser::PREFERENCE_TTL_SECONDS);
    }
}

#[cfg(feature = "ssr")]
pub(crate) use server::{LocalTime, provide_zone};

#[cfg(feature = "ssr")]
mod server {
    use super::COOKIE;
    use countersign_http::cookies;
    use countersign_types::{TimeSpan, Timestamp, UtcDateTime};
    use jiff::tz::TimeZone;
    use leptos::prelude::{provide_context, use_context};

    /// The time zone of the user of a page, if it is known.
    #[derive(Clone)]
    struct PageZone(Option<TimeZone>);

    /// Finds the time zone of the user, once per page. Called by the root component.
    pub(crate) fn provide_zone() {
        let zone = use_context::<http::request::Parts>()
            .and_then(|request| zone(&cookies::value(&request.headers, COOKIE)?));
        provide_context(PageZone(zone));
    }

    /// A time as the clock of the user shows it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct LocalTime {
        /// The instant whose UTC date and time are `civil`.
        clock: Timestamp,
        /// Date and time in the time zone of the user.
        pub(crate) civil: UtcDateTime,
        /// Whether the time zone of the user is unknown, so that the time is in UTC.
        pub(crate) is_zone_unknown: bool,
    }

    impl LocalTime {
        /// Converts a time for the user of the page that is being rendered.
        pub(crate) fn of(at: Timestamp) -> Self {
            Self::in_zone(at, use_context::<PageZone>().and_then(|zone| zone.0).as_ref())
        }

        pub(crate) fn in_zone(at: Timestamp, zone: Option<&TimeZone>) -> Self {
            let offset = zone.and_then(|zone| {
                let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
                Some(zone.to_offset(at).seconds())
            });
            let clock = at + TimeSpan::seconds(offset.unwrap_or(0).into());
            Self { clock, civil: clock.into(), is_zone_unknown: offset.is_none() }
        }

        /// Returns whether both times are on the same day.
        pub(crate) fn is_same_day(self, other: Self) -> bool {
            let day = |time: Self| (time.civil.year, time.civil.month, time.civil.day);
            day(self) == day(other)
        }

        /// Returns the same time on the day before, whatever the length of the days.
        pub(crate) fn day_before(self) -> Self {
            let clock = self.clock - TimeSpan::days(1);
            Self { clock, civil: clock.into(), ..self }
        }
    }

    /// Returns the time zone with this name. The database is part of the program, so a name never
    /// becomes the path of a file.
    pub(super) fn zone(name: &str) -> Option<TimeZone> {
        TimeZone::get(name).ok()
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::server::{LocalTime, zone};
    use countersign_types::Timestamp;

    /// 28 March 2027, 00:59:59 UTC: one second before Europe changes to summer time.
    const BEFORE_SUMMER_TIME: i64 = 1_806_195_599_000;

    #[test]
    fn time_is_that_of_the_zone_with_its_summer_time() {
        let hour = |zone_name: &str, millis| {
            let local = LocalTime::in_zone(Timestamp(millis), zone(zone_name).as_ref());
            (local.civil.hour, local.civil.minute, local.is_zone_unknown)
        };
        assert_eq!(hour("Europe/Berlin", BEFORE_SUMMER_TIME), (1, 59, false));
        assert_eq!(hour("Europe/Berlin", BEFORE_SUMMER_TIME + 1000), (3, 0, false));
        assert_eq!(hour("Asia/Kolkata", BEFORE_SUMMER_TIME), (6, 29, false));
        assert_eq!(hour("UTC", BEFORE_SUMMER_TIME), (0, 59, false));
    }

    #[test]
    fn unknown_zone_and_any_time_are_shown_in_utc() {
        for name in ["", "Nowhere/City", "../../etc/passwd", "/etc/localtime", "\u{0}"] {
            assert!(zone(name).is_none(), "{name}");
        }
        for millis in [0, i64::MIN, i64::MAX] {
            let berlin = zone("Europe/Berlin");
            let _ = LocalTime::in_zone(Timestamp(millis), berlin.as_ref());
            assert!(LocalTime::in_zone(Timestamp(millis), None).is_zone_unknown);
        }
    }
}

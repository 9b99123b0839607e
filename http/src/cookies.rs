//! The cookies: their names, and how they are read and set.
//!
//! In a browser, the refresh token is kept in the refresh cookie only. The access cookie is for
//! scripts of other applications that ask the JSON API for tokens in cookies (`"transport":
//! "cookie"`); the pages don't use it.

use cookie::{Cookie, SameSite, time::Duration};
use countersign_core::{AccessToken, RefreshToken};
use http::{HeaderMap, HeaderValue, header::COOKIE};
use url::Url;

/// Maximum number of cookies of one name that are read from a request.
pub const MAX_DUPLICATES: usize = 4;

/// The cookie names of one installation, derived from its public URL.
///
/// Browsers send a cookie to every port of its host (RFC 6265, 8.5). Therefore the names contain a
/// port that isn't the default of its scheme, so that two installations on one host don't overwrite
/// each other's cookies: `countersign-3001`, `countersign-3001-access`,
/// `__Host-countersign-8443`.
///
/// With the prefix `__Host-`, browsers accept the cookie only from this host and over https
/// (RFC 6265bis, 4.1.3.2). Over plain http, which is for loopback and private addresses only, they
/// would reject it.
#[derive(Clone, Debug)]
pub struct CookieNames {
    secure: bool,
    refresh: String,
    access: String,
    device: String,
    link: String,
    verification: String,
    entered: String,
}

impl CookieNames {
    /// Returns the names for the installation at `public_url`.
    #[must_use]
    pub fn new(public_url: &Url) -> Self {
        let secure = public_url.scheme() == "https";
        let prefix = if secure { "__Host-" } else { "" };
        // `None` for the default port of the scheme.
        let port = public_url.port().map(|port| format!("-{port}")).unwrap_or_default();
        let name = |suffix: &str| format!("{prefix}countersign{port}{suffix}");
        Self {
            secure,
            refresh: name(""),
            access: name("-access"),
            device: name("-device"),
            link: name("-link"),
            verification: name("-verification"),
            entered: name("-entered"),
        }
    }

    /// The name of the refresh cookie.
    #[must_use]
    pub fn refresh(&self) -> &str {
        &self.refresh
    }

    /// The name of the access cookie.
    #[must_use]
    pub fn access(&self) -> &str {
        &self.access
    }

    /// The name of the device cookie, which marks a browser that has signed in before.
    #[must_use]
    pub fn device(&self) -> &str {
        &self.device
    }

    /// The name of the link cookie, which holds the token of a link from an email while its page is
    /// open, so that the token is not in the URL of the page.
    #[must_use]
    pub fn link(&self) -> &str {
        &self.link
    }

    /// The name of the verification cookie, which holds the id of a sign-up or log-in that waits
    /// for the code from an email. It is no URL parameter, so that a link from another person
    /// cannot make a user enter the code for that person's sign-up.
    #[must_use]
    pub fn verification(&self) -> &str {
        &self.verification
    }

    /// The name of the cookie with the values that were entered in a refused form, for the page
    /// that shows the form again.
    #[must_use]
    pub fn entered(&self) -> &str {
        &self.entered
    }
}

/// Returns the id of the sign-up or log-in that waits in this browser for the verification of an
/// address.
pub fn verification_cookie(headers: &HeaderMap, names: &CookieNames) -> Option<String> {
    tokens(headers, names.verification()).pop()
}

/// Returns the values that were entered in a refused form, encoded.
pub fn entered_cookie(headers: &HeaderMap, names: &CookieNames) -> Option<String> {
    tokens(headers, names.entered()).pop()
}

/// Returns the token of the link from an email that this browser has opened.
pub fn link_cookie(headers: &HeaderMap, names: &CookieNames) -> Option<String> {
    tokens(headers, names.link()).pop()
}

/// Returns the device cookie of a request.
pub fn device_cookie(headers: &HeaderMap, names: &CookieNames) -> Option<String> {
    tokens(headers, names.device()).pop()
}

/// Returns the refresh token in the cookies of a request.
pub fn refresh_cookie(headers: &HeaderMap, names: &CookieNames) -> Option<String> {
    refresh_cookies(headers, names).pop()
}

/// Returns all refresh tokens in the cookies of a request, at most [`MAX_DUPLICATES`]. The last one
/// counts unless something else is known about them.
pub fn refresh_cookies(headers: &HeaderMap, names: &CookieNames) -> Vec<String> {
    tokens(headers, names.refresh())
}

/// Returns the access token in the cookies of a request. It is accepted on `/api/v1` only.
pub fn access_cookie(headers: &HeaderMap, names: &CookieNames) -> Option<String> {
    tokens(headers, names.access()).pop()
}

/// Returns whether a request has a refresh or access cookie, with any value. (The device cookie
/// doesn't authenticate.)
pub fn has_auth_cookie(headers: &HeaderMap, names: &CookieNames) -> bool {
    [names.refresh(), names.access()].into_iter().any(|name| values(headers, name).next().is_some())
}

/// Returns the values of all cookies of this name that can be tokens, in order, at most
/// [`MAX_DUPLICATES`].
///
/// Over plain http, another port of the same host can set a cookie of this name for a longer path,
/// and the browser then sends both. The cookies set here have the path `/`, the shortest one, which
/// browsers send last (RFC 6265, 5.4).
fn tokens(headers: &HeaderMap, name: &str) -> Vec<String> {
    let is_well_formed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let mut found: Vec<_> = values(headers, name)
        .filter(|value| !value.is_empty() && value.iter().all(is_well_formed))
        .map(|value| String::from_utf8_lossy(value).into_owned())
        .collect();
    found.drain(..found.len().saturating_sub(MAX_DUPLICATES));
    found
}

/// Removes all refresh cookies of a request except the one with this token.
pub fn retain_refresh_cookie(headers: &mut HeaderMap, names: &CookieNames, token: &str) {
    let others = pairs(headers).filter(|(name, _)| *name != names.refresh().as_bytes());
    let mut line = others.fold(Vec::new(), |mut line, (name, value)| {
        line.extend_from_slice(&[name, b"=", value, b"; "].concat());
        line
    });
    line.extend_from_slice(format!("{}={token}", names.refresh()).as_bytes());
    // Parts of header values and a token always form a valid header value.
    if let Ok(line) = HeaderValue::from_bytes(&line) {
        headers.insert(COOKIE, line);
    }
}

/// Returns the value of the first cookie of this name, if it is printable ASCII.
pub fn value(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = values(headers, name).next()?;
    value.iter().all(u8::is_ascii_graphic).then(|| String::from_utf8_lossy(value).into_owned())
}

fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> {
    pairs(headers).filter(move |(key, _)| *key == name.as_bytes()).map(|(_, value)| value)
}

/// Returns names and values of all cookies. They are bytes, because a cookie of another application
/// on this host may contain any bytes, and must not hide a cookie in the same header.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| {
            let (name, value) =
                pair.split_at_checked(pair.iter().position(|byte| *byte == b'=')?)?;
            Some((name.trim_ascii(), value[1..].trim_ascii()))
        })
}

/// Returns the `Set-Cookie` value for a refresh token.
pub fn set_refresh_cookie(refresh: &RefreshToken, names: &CookieNames) -> HeaderValue {
    header(names, names.refresh(), &refresh.token, refresh.max_age.map(i64::from))
}

/// Returns the `Set-Cookie` value for an access token, which expires with it.
pub fn set_access_cookie(access: &AccessToken, names: &CookieNames) -> HeaderValue {
    header(names, names.access(), &access.token, Some(access.expires_in.into()))
}

/// Returns the `Set-Cookie` value of the device cookie, with the longest lifetime that browsers
/// accept: 400 days (RFC 6265bis, 5.5).
pub fn set_device_cookie(token: &str, names: &CookieNames) -> HeaderValue {
    header(names, names.device(), token, Some(400 * 24 * 60 * 60))
}

/// Maximum lifetime of the link cookie in seconds: an hour. The link itself may expire earlier.
const LINK_COOKIE_TTL: i64 = 60 * 60;

/// Returns the `Set-Cookie` value for the token of a link from an email.
pub fn set_link_cookie(token: &str, names: &CookieNames) -> HeaderValue {
    header(names, names.link(), token, Some(LINK_COOKIE_TTL))
}

/// Returns the `Set-Cookie` values that delete the link cookie. Both must be sent, in this order:
/// see [`clear_session_cookies`].
pub fn clear_link_cookie(names: &CookieNames) -> [HeaderValue; 2] {
    [header(names, names.link(), "over", Some(60)), header(names, names.link(), "", Some(0))]
}

/// Lifetime in seconds of the cookie with entered values: enough to follow the redirect.
const ENTERED_COOKIE_TTL: i64 = 60;

/// Returns the `Set-Cookie` value for the values that were entered in a refused form.
pub fn set_entered_cookie(values: &str, names: &CookieNames) -> HeaderValue {
    header(names, names.entered(), values, Some(ENTERED_COOKIE_TTL))
}

/// Returns the `Set-Cookie` value that deletes the cookie with entered values.
pub fn clear_entered_cookie(names: &CookieNames) -> HeaderValue {
    header(names, names.entered(), "", Some(0))
}

/// Lifetime of the verification cookie in seconds: a day, as long as a sign-up waits.
const VERIFICATION_COOKIE_TTL: i64 = 24 * 60 * 60;

/// Returns the `Set-Cookie` value for the id of a sign-up or log-in that waits.
pub fn set_verification_cookie(id: &str, names: &CookieNames) -> HeaderValue {
    header(names, names.verification(), id, Some(VERIFICATION_COOKIE_TTL))
}

/// Returns the `Set-Cookie` values that delete the verification cookie. Both must be sent, in this
/// order: see [`clear_session_cookies`].
pub fn clear_verification_cookie(names: &CookieNames) -> [HeaderValue; 2] {
    [
        header(names, names.verification(), "over", Some(60)),
        header(names, names.verification(), "", Some(0)),
    ]
}

/// Returns the `Set-Cookie` value that deletes the access cookie.
pub fn clear_access_cookie(names: &CookieNames) -> HeaderValue {
    header(names, names.access(), "", Some(0))
}

/// Returns the `Set-Cookie` value that deletes the refresh cookie.
pub fn clear_refresh_cookie(names: &CookieNames) -> HeaderValue {
    header(names, names.refresh(), "", Some(0))
}

/// Returns the `Set-Cookie` values that delete the refresh cookie of a browser that shows pages.
/// Both must be sent, in this order.
///
/// Chromium keeps even a `no-store` page in the back-forward cache unless an `HttpOnly` cookie
/// *changes*, and a deletion alone doesn't count as a change.
pub fn clear_session_cookies(names: &CookieNames) -> [HeaderValue; 2] {
    [header(names, names.refresh(), "over", Some(60)), clear_refresh_cookie(names)]
}

fn header(names: &CookieNames, name: &str, value: &str, max_age: Option<i64>) -> HeaderValue {
    let cookie = Cookie::build((name, value))
        .http_only(true)
        .path("/")
        .same_site(SameSite::Lax)
        .secure(names.secure);
    let cookie = match max_age {
        Some(seconds) => cookie.max_age(Duration::seconds(seconds)),
        None => cookie,
    };
    HeaderValue::from_str(&cookie.to_string()).expect("token bytes are valid in headers")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection, prelude::*};

    const PLAIN: &str = "http://localhost";
    const SECURE: &str = "https://accounts.example.com";

    fn names(public_url: &str) -> CookieNames {
        CookieNames::new(&public_url.parse().expect("a URL"))
    }

    fn headers(lines: &[&[u8]]) -> HeaderMap {
        lines.iter().map(|line| (COOKIE, HeaderValue::from_bytes(line).expect("a header"))).fold(
            HeaderMap::new(),
            |mut headers, (name, line)| {
                headers.append(name, line);
                headers
            },
        )
    }

    fn read(lines: &[&[u8]], public_url: &str) -> Option<String> {
        refresh_cookie(&headers(lines), &names(public_url))
    }

    #[test]
    fn cookie_names_carry_a_port_that_is_not_the_default() {
        for (url, expected) in [
            (
                "https://a.example",
                ["__Host-countersign", "__Host-countersign-access", "__Host-countersign-device"],
            ),
            (
                "https://a.example:443",
                ["__Host-countersign", "__Host-countersign-access", "__Host-countersign-device"],
            ),
            (
                "https://a.example:8443",
                [
                    "__Host-countersign-8443",
                    "__Host-countersign-8443-access",
                    "__Host-countersign-8443-device",
                ],
            ),
            ("http://localhost", ["countersign", "countersign-access", "countersign-device"]),
            (
                "http://localhost:443",
                ["countersign-443", "countersign-443-access", "countersign-443-device"],
            ),
            (
                "http://[::1]:3001",
                ["countersign-3001", "countersign-3001-access", "countersign-3001-device"],
            ),
        ] {
            let names = names(url);
            assert_eq!([names.refresh(), names.access(), names.device()], expected, "{url}");
        }
    }

    #[test]
    fn cookie_of_another_port_is_not_read() {
        assert_eq!(
            read(
                &[concat!(
                    "countersign-3000=theirs; countersign-30012=x; countersign=y; ",
                    "countersign-3001-access=z"
                )
                .as_bytes()],
                "http://localhost:3001"
            ),
            None
        );
        assert_eq!(
            read(&[b"countersign-3000=theirs; countersign-3001=ours"], "http://localhost:3001")
                .as_deref(),
            Some("ours")
        );
    }

    #[test]
    fn last_cookies_of_one_name_are_read_up_to_the_maximum() {
        let cookies = |line: &str| refresh_cookies(&headers(&[line.as_bytes()]), &names(PLAIN));
        assert_eq!(cookies("countersign=a; x=y; countersign=b"), ["a", "b"]);
        assert_eq!(cookies("countersign=a; countersign=\"b\"; countersign="), ["a"]);
        let many: Vec<_> = (0..100).map(|n| format!("countersign={n}")).collect();
        assert_eq!(cookies(&many.join("; ")), ["96", "97", "98", "99"]);
    }

    #[test]
    fn retain_removes_only_other_refresh_cookies() {
        let mut headers = headers(&[
            b"countersign=a; spoilt=\xff; =; countersign=b",
            b"theme=dark; countersign=c; countersign-device=d",
        ]);
        retain_refresh_cookie(&mut headers, &names(PLAIN), "b");
        let lines: Vec<_> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
        assert_eq!(
            lines,
            [&b"spoilt=\xff; =; theme=dark; countersign-device=d; countersign=b"[..]]
        );
    }

    #[test]
    fn refresh_cookie_is_found_among_other_cookies() {
        let lines: &[&[&[u8]]] = &[
            &[b"countersign=csgn_rt_a-b"],
            &[b"theme=dark; countersign=csgn_rt_a-b; x=y"],
            &[b"theme=dark;countersign=csgn_rt_a-b"],
            &[b"theme=dark", b"countersign=csgn_rt_a-b"],
            &[b"spoilt=\xff\xfe; countersign=csgn_rt_a-b"],
            &[b"countersigns=x; xcountersign=y; countersign=csgn_rt_a-b; Countersign=z"],
            &[b"=; ;; countersign=csgn_rt_a-b ; =x"],
        ];
        for line in lines {
            assert_eq!(read(line, PLAIN).as_deref(), Some("csgn_rt_a-b"), "{line:?}");
        }
    }

    #[test]
    fn missing_or_malformed_cookie_is_ignored() {
        let lines: &[&[&[u8]]] = &[
            &[],
            &[b""],
            &[b"countersign"],
            &[b"countersign="],
            &[b"countersign=a=b"],
            &[b"countersign=\"a\""],
            &[b"countersign=a b"],
            &[b"countersign=\xff"],
            &[b"__Host-countersign=a"],
        ];
        for line in lines {
            assert_eq!(read(line, PLAIN), None, "{line:?}");
        }
    }

    #[test]
    fn other_cookies_are_read_only_if_printable_ascii() {
        let mut headers = HeaderMap::new();
        headers.append(
            COOKIE,
            HeaderValue::from_bytes(b"theme=dark; spoilt=\xff; theme=light; two=a b")
                .expect("a header"),
        );
        assert_eq!(value(&headers, "theme").as_deref(), Some("dark"));
        assert_eq!(value(&headers, "spoilt"), None);
        assert_eq!(value(&headers, "two"), None);
        assert_eq!(value(&headers, "three"), None);
    }

    #[test]
    fn https_reads_only_cookies_with_host_prefix() {
        assert_eq!(
            read(&[b"countersign=planted; __Host-countersign=ours"], SECURE).as_deref(),
            Some("ours")
        );
        assert_eq!(read(&[b"countersign=planted"], SECURE), None);
    }

    #[test]
    fn cookies_have_exactly_the_expected_attributes() {
        let refresh = |max_age| RefreshToken { token: "csgn_rt_a-b".to_owned(), max_age };
        assert_eq!(
            set_refresh_cookie(&refresh(Some(600)), &names(SECURE)),
            "__Host-countersign=csgn_rt_a-b; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=600"
        );
        assert_eq!(
            set_refresh_cookie(&refresh(None), &names(PLAIN)),
            "countersign=csgn_rt_a-b; HttpOnly; SameSite=Lax; Path=/"
        );
        let [change, deletion] = clear_session_cookies(&names(SECURE));
        assert_eq!(
            change,
            "__Host-countersign=over; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60"
        );
        assert_eq!(
            deletion,
            "__Host-countersign=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"
        );
    }

    #[test]
    fn only_refresh_and_access_cookies_are_credentials() {
        let has = |line: &[u8], public_url| has_auth_cookie(&headers(&[line]), &names(public_url));
        for line in [
            &b"countersign=x"[..],
            b"countersign=",
            b"countersign-access=x",
            b"a=b; countersign=x; countersign=y",
            b"countersign=\xff",
        ] {
            assert!(has(line, PLAIN), "{line:?}");
        }
        for line in [
            &b""[..],
            b"countersign",
            b"countersign-device=csgn_dc_x",
            b"countersign-theme=dark",
            b"countersigns=x",
            b"__Host-countersign=x",
            b"theme=countersign=x",
        ] {
            assert!(!has(line, PLAIN), "{line:?}");
        }
        assert!(
            has(b"countersign-3000=x", "http://localhost:3000")
                && !has(b"countersign=x; countersign-3001-access=x", "http://localhost:3000")
        );
        assert!(
            has(b"__Host-countersign=x", SECURE)
                && has(b"__Host-countersign-access=x", SECURE)
                && !has(b"__Host-countersign-device=csgn_dc_x", SECURE)
        );
    }

    /// A cookie of another application: any bytes that a header can have.
    fn other() -> impl Strategy<Value = Vec<u8>> {
        let bytes = collection::vec(
            (0x20_u8..=0xff)
                .prop_filter("valid in a header", |byte| *byte != 0x7f && *byte != b';'),
            0..20,
        );
        bytes.prop_filter("another name", |pair| {
            pair.split(|byte| *byte == b'=')
                .next()
                .is_none_or(|key| key.trim_ascii() != b"countersign")
        })
    }

    proptest! {
        #[test]
        fn refresh_cookie_is_found_among_arbitrary_cookies(
            before in collection::vec(other(), 0..4),
            after in collection::vec(other(), 0..4),
            lines in any::<bool>(),
        ) {
            let pairs: Vec<_> = before
                .iter()
                .map(Vec::as_slice)
                .chain([&b"countersign=csgn_rt_a-b"[..]])
                .chain(after.iter().map(Vec::as_slice))
                .collect();
            let read = if lines { read(&pairs, PLAIN) } else { read(&[&pairs.join(&b';')], PLAIN) };
            prop_assert_eq!(read.as_deref(), Some("csgn_rt_a-b"));
        }

        #[test]
        fn arbitrary_cookie_headers_yield_only_valid_tokens(
            input in prop_oneof![
                collection::vec(any::<u8>(), 0..100),
                concat!(
                    "(countersign|__Host-|-access|-device|theme|=|;| |\\t|\\n|a|_|\"|,|%)",
                    "{0,24}"
                )
                .prop_map(String::into_bytes),
            ]
        ) {
            crate::testing::assert_cookie_invariants(&input);
        }
    }
}

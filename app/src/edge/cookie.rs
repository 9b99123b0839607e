//! (server) Our cookies, in and out. The refresh cookie is the only place that a refresh token is ever kept in a browser. The access cookie is for
//! programs in a browser that asked the JSON API to keep its tokens for them (`"transport": "cookie"`); our own pages do not use it.

use auth::{Access, Refresh};
use cookie::{Cookie, SameSite, time::Duration};
use http::{HeaderMap, HeaderValue, header::COOKIE};

/// The name of the cookie. The prefix makes browsers refuse it from anywhere but this very host over https (RFC 6265bis, 4.1.3.2); over plain
/// http, which is for loopback and private addresses only, it would be refused altogether.
pub const fn name(secure: bool) -> &'static str {
    if secure { "__Host-latchkey" } else { "latchkey" }
}

/// The name of the access cookie.
pub const fn access_name(secure: bool) -> &'static str {
    if secure { "__Host-latchkey-access" } else { "latchkey-access" }
}

/// The name of the cookie of a browser that somebody has logged in with.
pub const fn known_name(secure: bool) -> &'static str {
    if secure { "__Host-latchkey-known" } else { "latchkey-known" }
}

/// What a browser shows that has been here before.
pub fn known_browser(headers: &HeaderMap, secure: bool) -> Option<String> {
    token(headers, known_name(secure))
}

/// The refresh token that came with a request.
pub fn refresh_cookie(headers: &HeaderMap, secure: bool) -> Option<String> {
    token(headers, name(secure))
}

/// The access token that came with a request in a cookie. It counts on `/api/v1` only.
pub fn access_cookie(headers: &HeaderMap, secure: bool) -> Option<String> {
    token(headers, access_name(secure))
}

/// Two cookies of our name are none: only one can be ours, and somebody wants us to take the other.
fn token(headers: &HeaderMap, name: &'static str) -> Option<String> {
    let mut values = values(headers, name);
    let (value, None) = (values.next()?, values.next()) else { return None };
    let plausible = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    (!value.is_empty() && value.iter().all(plausible)).then(|| String::from_utf8_lossy(value).into_owned())
}

/// The value of any other cookie: the first of that name, if it is plain text.
pub fn value(headers: &HeaderMap, name: &'static str) -> Option<String> {
    let value = values(headers, name).next()?;
    value.iter().all(u8::is_ascii_graphic).then(|| String::from_utf8_lossy(value).into_owned())
}

/// Bytes, not text: a cookie that some other program set for this host may hold anything, and must not hide ours, which stands in the same line.
fn values<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
    headers.get_all(COOKIE).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b';')).filter_map(move |pair| {
        let (key, value) = pair.split_at_checked(pair.iter().position(|byte| *byte == b'=')?)?;
        (key.trim_ascii() == name.as_bytes()).then(|| value[1..].trim_ascii())
    })
}

/// Gives a browser its (next) refresh token.
pub fn set_cookie(refresh: &Refresh, secure: bool) -> HeaderValue {
    header(name(secure), &refresh.token, refresh.max_age.map(i64::from), secure)
}

/// Gives a browser its (next) access token, for as long as it is good.
pub fn set_access_cookie(access: &Access, secure: bool) -> HeaderValue {
    header(access_name(secure), &access.token, Some(access.expires_in.into()), secure)
}

/// Has a browser known from now on, for as long as browsers keep anything (RFC 6265bis, 5.5: 400 days).
pub fn set_known_browser(known: &str, secure: bool) -> HeaderValue {
    header(known_name(secure), known, Some(400 * 24 * 60 * 60), secure)
}

/// Takes the access token away.
pub fn clear_access_cookie(secure: bool) -> HeaderValue {
    header(access_name(secure), "", Some(0), secure)
}

/// Takes the refresh token away: both must be sent, in this order. Chromium keeps even a `no-store` page for its Back button unless a cookie
/// that scripts cannot see *changes*, and a deletion alone does not count as a change.
pub fn clear_cookies(secure: bool) -> [HeaderValue; 2] {
    [header(name(secure), "over", Some(60), secure), header(name(secure), "", Some(0), secure)]
}

fn header(name: &'static str, value: &str, max_age: Option<i64>, secure: bool) -> HeaderValue {
    let cookie = Cookie::build((name, value)).http_only(true).path("/").same_site(SameSite::Lax).secure(secure);
    let cookie = match max_age {
        Some(seconds) => cookie.max_age(Duration::seconds(seconds)),
        None => cookie,
    };
    HeaderValue::from_str(&cookie.to_string()).expect("a token is letters, digits, -, _ and .")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&[u8]], secure: bool) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_bytes(line).expect("a header"));
        }
        refresh_cookie(&headers, secure)
    }

    #[test]
    fn our_cookie_is_found_among_others() {
        let lines: &[&[&[u8]]] = &[
            &[b"latchkey=lkr_a-b"],
            &[b"theme=dark; latchkey=lkr_a-b; x=y"],
            &[b"theme=dark;latchkey=lkr_a-b"],
            &[b"theme=dark", b"latchkey=lkr_a-b"],
            &[b"spoilt=\xff\xfe; latchkey=lkr_a-b"],
            &[b"latchkeys=x; xlatchkey=y; latchkey=lkr_a-b; Latchkey=z"],
            &[b"=; ;; latchkey=lkr_a-b ; =x"],
        ];
        for line in lines {
            assert_eq!(read(line, false).as_deref(), Some("lkr_a-b"), "{line:?}");
        }
    }

    #[test]
    fn none_or_two_or_rubbish_is_no_cookie() {
        let lines: &[&[&[u8]]] = &[
            &[],
            &[b""],
            &[b"latchkey"],
            &[b"latchkey="],
            &[b"latchkey=a; latchkey=b"],
            &[b"latchkey=a; latchkey=a"],
            &[b"latchkey=a", b"latchkey=b"],
            &[b"latchkey=a=b"],
            &[b"latchkey=\"a\""],
            &[b"latchkey=a b"],
            &[b"latchkey=\xff"],
            &[b"__Host-latchkey=a"],
        ];
        for line in lines {
            assert_eq!(read(line, false), None, "{line:?}");
        }
    }

    #[test]
    fn other_cookies_are_read_only_if_they_are_plain_text() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_bytes(b"theme=dark; spoilt=\xff; theme=light; two=a b").expect("a header"));
        assert_eq!(value(&headers, "theme").as_deref(), Some("dark"));
        assert_eq!(value(&headers, "spoilt"), None);
        assert_eq!(value(&headers, "two"), None);
        assert_eq!(value(&headers, "three"), None);
    }

    #[test]
    fn over_https_only_the_name_that_browsers_protect_counts() {
        assert_eq!(read(&[b"latchkey=planted; __Host-latchkey=ours"], true).as_deref(), Some("ours"));
        assert_eq!(read(&[b"latchkey=planted"], true), None);
    }

    #[test]
    fn the_attributes_are_exactly_these() {
        let refresh = |max_age| Refresh { token: "lkr_a-b".to_owned(), max_age };
        assert_eq!(set_cookie(&refresh(Some(600)), true), "__Host-latchkey=lkr_a-b; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=600");
        assert_eq!(set_cookie(&refresh(None), false), "latchkey=lkr_a-b; HttpOnly; SameSite=Lax; Path=/");
        let [change, deletion] = clear_cookies(true);
        assert_eq!(change, "__Host-latchkey=over; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60");
        assert_eq!(deletion, "__Host-latchkey=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0");
    }
}

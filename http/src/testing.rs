//! Invariants for arbitrary input, as functions that panic if they are violated. Used by tests and
//! by `script/fuzz`.

use crate::cookies::{self, CookieNames};
use ::cookie::Cookie;
use countersign_core::RefreshToken;
use http::{HeaderMap, HeaderValue, header};

/// Checks how `Cookie` headers, one per line, are read.
///
/// # Panics
/// If something else is taken for a cookie of this application, or if another parser disagrees.
pub fn assert_cookie_invariants(input: &[u8]) {
    let mut headers = HeaderMap::new();
    // Bytes that are invalid in a header never arrive here.
    for line in
        input.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok())
    {
        headers.append(header::COOKIE, line);
    }
    for url in ["https://accounts.example.com", "http://localhost", "http://localhost:3000"] {
        let names = CookieNames::new(&url.parse().expect("a URL"));
        let read = [
            (names.refresh(), cookies::refresh_cookie(&headers, &names)),
            (names.access(), cookies::access_cookie(&headers, &names)),
            (names.device(), cookies::device_cookie(&headers, &names)),
        ];
        for (name, token) in read {
            let Some(token) = token else { continue };
            assert!(
                !token.is_empty()
                    && token
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)),
                "{token:?}"
            );
            // The reference parser finds it, too.
            if let Some(values) = reference_cookie_values(&headers, name) {
                assert!(values.contains(&token), "{name}");
            }
            let set_cookie = cookies::set_refresh_cookie(
                &RefreshToken { token: token.clone(), max_age: None },
                &names,
            );
            assert!(
                set_cookie
                    .as_bytes()
                    .starts_with(format!("{}={token}; ", names.refresh()).as_bytes()),
                "{set_cookie:?}"
            );
        }
    }
    let theme = cookies::value(&headers, "theme");
    assert!(theme.is_none_or(|theme| theme.bytes().all(|byte| byte.is_ascii_graphic())));
}

/// Returns the values of all cookies of this name, by the crate `cookie`. `None` if the headers are
/// not ASCII: then parsers differ.
fn reference_cookie_values(headers: &HeaderMap, name: &str) -> Option<Vec<String>> {
    let lines: Option<Vec<_>> =
        headers.get_all(header::COOKIE).iter().map(|line| line.to_str().ok()).collect();
    let cookies = lines?.into_iter().flat_map(Cookie::split_parse).filter_map(Result::ok);
    Some(
        cookies
            .filter(|cookie| cookie.name() == name)
            .map(|cookie| cookie.value().to_owned())
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corpus_cookie_headers_keep_the_invariants() {
        countersign_types::testing::replay_corpus("cookie", |_, input| {
            assert_cookie_invariants(input);
        });
    }
}

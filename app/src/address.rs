//! The addresses of our own pages, and what is said in their query strings. Text only: nothing here looks at a request or at the browser.

/// Somebody who is not signed in is sent away from these pages and everything below them before anything is rendered.
pub const PROTECTED: &[&str] = &["/account"];

/// Where people log in.
pub const LOG_IN: &str = "/login";
/// Where people sign up.
pub const SIGN_UP: &str = "/signup";

/// `?bye`: they have just logged out here.
pub const BYE: &str = "bye";
/// `?elsewhere`: they logged out in another tab.
pub const ELSEWHERE: &str = "elsewhere";
/// `?ended`: the session was over, or was ended from another device.
pub const ENDED: &str = "ended";
/// `?saved`: a plain form was accepted.
pub const SAVED: &str = "saved";

/// News about what has just happened: to be told once, not again after a reload. The first two are the framework's.
const NEWS: &[&str] = &["__path", "__err", BYE, ELSEWHERE, ENDED, SAVED];

/// Whether a page is only for somebody who is signed in.
pub fn is_protected(path: &str) -> bool {
    PROTECTED.iter().any(|page| is_at_or_below(path, page))
}

/// Whether `path` is `page` or below it.
pub fn is_at_or_below(path: &str, page: &str) -> bool {
    path.strip_prefix(page).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The log-in page, with a piece of news, which leads back to `next`. `escape` is what the caller has for a value in a query string.
pub fn log_in_and_return(news: &str, next: &str, escape: impl Fn(&str) -> String) -> String {
    format!("{LOG_IN}?{news}&next={}", escape(next))
}

/// A query string (with or without its `?`) without the news in it, with its `?` unless it is empty.
pub fn without_news(query: &str) -> String {
    let kept: Vec<&str> = query.trim_start_matches('?').split('&').filter(|pair| !pair.is_empty() && !NEWS.contains(&key(pair))).collect();
    if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) }
}

/// Whether a query string says `news`.
pub fn says(query: &str, news: &str) -> bool {
    query.trim_start_matches('?').split('&').any(|pair| key(pair) == news)
}

/// The value of `name` in a query string, still escaped.
pub fn value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.trim_start_matches('?').split('&').filter_map(|pair| pair.split_once('=')).find_map(|(key, value)| (key == name).then_some(value))
}

fn key(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_account_and_what_is_below_it_is_protected() {
        for path in ["/account", "/account/", "/account/activity"] {
            assert!(is_protected(path), "{path}");
        }
        for path in ["/", "/login", "/accounts", "/accountable/x", "/x/account"] {
            assert!(!is_protected(path), "{path}");
        }
    }

    #[test]
    fn news_is_told_once_and_the_rest_stays() {
        assert_eq!(without_news("?bye"), "");
        assert_eq!(without_news("__path=%2Ffn%2Flogin&next=%2Faccount&__err=abc&__err=def&bye="), "?next=%2Faccount");
        assert_eq!(without_news("?cursor=abc%3D&"), "?cursor=abc%3D");
        assert_eq!(without_news(""), "");
    }

    #[test]
    fn a_query_is_read_without_unescaping() {
        assert!(says("?next=%2F&bye", BYE) && says("bye=", BYE) && !says("?goodbye", BYE) && !says("?next=bye", BYE));
        assert_eq!(value("?elsewhere&next=%2Faccount", "next"), Some("%2Faccount"));
        assert_eq!(value("?elsewhere", "next"), None);
        assert_eq!(log_in_and_return(ENDED, "/account", |text| text.replace('/', "%2F")), "/login?ended&next=%2Faccount");
    }
}

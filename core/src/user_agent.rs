//! A description of the `User-Agent` header (RFC 9110, 10.1.5), such as "Firefox on Linux". It is a
//! hint for users and never the basis of a decision.

use countersign_types::views::DEVICE_NAME_SEPARATOR;

/// The first match decides, because browsers also name the browsers that they are compatible with.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
/// Programs and HTTP libraries by the lower-case name of their first product.
const HTTP_CLIENTS: &[(&str, &str)] = &[
    ("apache-httpclient", "Java (Apache HttpClient)"),
    ("axios", "Node.js (axios)"),
    ("brunoruntime", "Bruno"),
    ("cfnetwork", "Apple app"),
    ("dart", "Dart app"),
    ("go-http-client", "Go"),
    ("httpie", "HTTPie"),
    ("insomnia", "Insomnia"),
    ("java", "Java"),
    ("java-http-client", "Java"),
    ("node", "Node.js"),
    ("node-fetch", "Node.js (node-fetch)"),
    ("okhttp", "Android app (okhttp)"),
    ("postmanruntime", "Postman"),
    ("python-httpx", "Python (httpx)"),
    ("python-requests", "Python (requests)"),
    ("python-urllib", "Python (urllib)"),
    ("reqwest", "Rust (reqwest)"),
    ("undici", "Node.js (undici)"),
    ("wget", "Wget"),
];
/// Maximum length in bytes of a name that is in no table.
const MAX_PRODUCT_LENGTH: usize = 32;
/// Marks and names. The page of devices has an icon for each name.
const OPERATING_SYSTEMS: &[(&str, &str)] = &[
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// Describes a client. Returns `None` if neither program nor system is known. For a program that is
/// in no table, only the name of its first product is used.
pub(crate) fn parse_user_agent(agent: &str) -> Option<String> {
    let find = |table: &[(&'static str, &'static str)]| {
        table.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    match (find(BROWSERS).or_else(|| first_product(agent)), find(OPERATING_SYSTEMS)) {
        (Some(program), Some(system)) => Some(format!("{program}{DEVICE_NAME_SEPARATOR}{system}")),
        (Some(name), None) | (None, Some(name)) => Some(name.to_owned()),
        (None, None) => None,
    }
}

/// The name of the first product, if it begins with a letter. `Mozilla` is ignored, because all
/// browsers claim to be it.
fn first_product(agent: &str) -> Option<&str> {
    let end = agent
        .bytes()
        .position(|byte| !byte.is_ascii_alphanumeric() && !b"-_.".contains(&byte))
        .unwrap_or(agent.len());
    let product = &agent[..end.min(MAX_PRODUCT_LENGTH)];
    let known = HTTP_CLIENTS
        .iter()
        .find(|(name, _)| product.eq_ignore_ascii_case(name))
        .map(|(_, words)| *words);
    known.or_else(|| {
        Some(product).filter(|product| {
            product.starts_with(|first: char| first.is_ascii_alphabetic()) && *product != "Mozilla"
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn user_agent_of_known_client_is_described() {
        for (agent, words) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, \
                    like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, \
                    like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 \
                    (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.5.0", "curl"),
            ("okhttp/4.12.0", "Android app (okhttp)"),
            ("Dart/3.4 (dart:io)", "Dart app"),
            ("Latchbook/7 CFNetwork/1494.0.7 Darwin/23.4.0", "Latchbook"),
            ("CFNetwork/1494.0.7 Darwin/23.4.0", "Apple app"),
            ("python-requests/2.32.3", "Python (requests)"),
            ("python-httpx/0.28.1", "Python (httpx)"),
            ("Python/3.12 aiohttp/3.9.5", "Python"),
            ("axios/1.7.2", "Node.js (axios)"),
            ("node", "Node.js"),
            ("Go-http-client/2.0", "Go"),
            ("reqwest/0.12.4", "Rust (reqwest)"),
            ("Java/17.0.1", "Java"),
            ("HTTPie/3.2.2", "HTTPie"),
            ("Wget/1.21.3", "Wget"),
            ("insomnia/9.3.2", "Insomnia"),
            ("PostmanRuntime/7.39.0", "Postman"),
            ("Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/AP1A)", "Dalvik on Android"),
            ("acme-billing/1.4 (+https://acme.example)", "acme-billing"),
        ] {
            assert_eq!(parse_user_agent(agent).as_deref(), Some(words));
        }
    }

    #[test]
    fn user_agent_without_product_is_ignored() {
        for agent in [
            "<script>alert(1)</script>\r\n",
            "",
            " ",
            "/1.0",
            "1.0",
            "-x",
            "Mozilla/5.0 (compatible)",
            "(curl/8.5.0)",
            "\u{202e}curl",
            "ünknown/1",
        ] {
            assert_eq!(parse_user_agent(agent), None, "{agent:?}");
        }
        assert_eq!(
            parse_user_agent(&"a".repeat(10_000)).map(|name| name.len()),
            Some(MAX_PRODUCT_LENGTH)
        );
        assert_eq!(parse_user_agent("evil<b>x</b>/1").as_deref(), Some("evil"));
    }

    proptest! {
        #[test]
        fn any_user_agent_gives_bounded_plain_text(
            agent in prop_oneof![
                any::<String>(),
                r"(okhttp|node|Mozilla|Firefox|/|1\.0| |Linux|\(|é|%20){0,12}",
                r"\PC{0,80}",
            ],
        ) {
            if let Some(words) = parse_user_agent(&agent) {
                let plain = words.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" \
                    -_.()".contains(&byte));
                prop_assert!(plain && !words.is_empty() && words.len() <= 64, "{words:?}");
            }
        }
    }
}

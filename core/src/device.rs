//! A `User-Agent` (RFC 9110, 10.1.5) in words that its owner recognises: "Firefox on Linux". A hint
//! for people, never a decision.

use countersign_types::view::DEVICE_JOINT;

/// The first that is found decides: browsers name the ones that they descend from.
const PROGRAMS: &[(&str, &str)] = &[
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
/// Programs and HTTP libraries by the name of their first product, in lower case.
const CLIENTS: &[(&str, &str)] = &[
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
/// The longest name, in bytes, that is taken from a program that is in no table.
const MAX_PRODUCT_LENGTH: usize = 32;
const SYSTEMS: &[(&str, &str)] = &[
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// `None` if it names no program and no system. Of a program that is in no table, the name of its
/// first product is kept, and no other text.
pub(crate) fn describe(agent: &str) -> Option<String> {
    let find = |table: &[(&'static str, &'static str)]| {
        table.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    match (find(PROGRAMS).or_else(|| client(agent)), find(SYSTEMS)) {
        (Some(program), Some(system)) => Some(format!("{program}{DEVICE_JOINT}{system}")),
        (Some(name), None) | (None, Some(name)) => Some(name.to_owned()),
        (None, None) => None,
    }
}

/// The name of the first product, if it begins with a letter. Browsers and what imitates them call
/// it `Mozilla`, which names nothing.
fn client(agent: &str) -> Option<&str> {
    let end = agent
        .bytes()
        .position(|byte| !byte.is_ascii_alphanumeric() && !b"-_.".contains(&byte))
        .unwrap_or(agent.len());
    let product = &agent[..end.min(MAX_PRODUCT_LENGTH)];
    let known = CLIENTS
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
    fn well_known_programs_are_recognised() {
        for (agent, words) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
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
            assert_eq!(describe(agent).as_deref(), Some(words));
        }
    }

    #[test]
    fn a_user_agent_without_a_product_is_not_kept() {
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
            assert_eq!(describe(agent), None, "{agent:?}");
        }
        assert_eq!(describe(&"a".repeat(10_000)).map(|name| name.len()), Some(MAX_PRODUCT_LENGTH));
        assert_eq!(describe("evil<b>x</b>/1").as_deref(), Some("evil"));
    }

    proptest! {
        #[test]
        fn any_user_agent_is_described_in_plain_words(agent in prop_oneof![any::<String>(), r"(okhttp|node|Mozilla|Firefox|/|1\.0| |Linux|\(|é|%20){0,12}", r"\PC{0,80}"]) {
            if let Some(words) = describe(&agent) {
                let plain = words.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -_.()".contains(&byte));
                prop_assert!(plain && !words.is_empty() && words.len() <= 64, "{words:?}");
            }
        }
    }
}

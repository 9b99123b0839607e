use super::{
    types::Limit,
    value::{DefaultValue, NONE, SettingValue},
    *,
};
use crate::brand::test_font::TestFont;
use countersign_core::{
    LimitedAction, RandomSource, RateLimit, RateLimits, ServerSecret, Verification,
};
use countersign_types::TimeSpan;

fn read<const N: usize>(pairs: [(&str, &str); N]) -> Result<Config, Vec<String>> {
    Config::from_settings(&Settings::from(pairs))
}

#[test]
fn defaults_work_on_a_local_machine() {
    let config = read([]).expect("a configuration");
    assert_eq!(config.address.to_string(), "127.0.0.1:3000");
    assert_eq!(config.http().origin(), "http://localhost:3000");
    assert!(!config.http().is_secure());
    assert_eq!(config.database.to_string(), "sqlite:data/countersign.db");
    assert_eq!(config.policy().access_token_ttl, TimeSpan::minutes(10));
    assert_eq!(
        (config.hashing().memory_kib, config.hashing().iterations, config.hashing().parallelism),
        (19_456, 2, 1)
    );
}

#[test]
fn all_errors_are_reported_with_their_settings() {
    let problems = read([
        ("COUNTERSIGN_ACESS_TTL", "5m"),
        ("COUNTERSIGN_SESSION_IDLE", "soon"),
        ("COUNTERSIGN_SECRET", "changeme"),
        ("COUNTERSIGN_HASH_THREADS", "0"),
        ("COUNTERSIGN_ARGON2", "high"),
        ("DATABASE_URL", "mysql://localhost"),
        ("LEPTOS_SITE_ADDR", "here"),
        ("COUNTERSIGN_PUBLIC_URL", "http://accounts.example.com"),
        ("COUNTERSIGN_TRUSTED_PROXIES", "everywhere"),
        ("COUNTERSIGN_MAIL", "smtp://mail.example.com"),
        ("COUNTERSIGN_VERIFICATION", "yes"),
    ])
    .expect_err("problems");
    assert_eq!(problems.len(), 11, "{problems:#?}");
    assert!(
        problems[0].contains("COUNTERSIGN_ACESS_TTL")
            && problems[0].contains("did you mean COUNTERSIGN_ACCESS_TTL?"),
        "{}",
        problems[0]
    );
    assert!(!problems.join(" ").contains("changeme"), "errors contain no values");
}

#[test]
fn errors_of_one_value_are_reported_together() {
    for (name, value, expected) in [
        ("COUNTERSIGN_PUBLIC_URL", "http://example.com/path", ["an origin", "https://"]),
        ("COUNTERSIGN_CORS_ORIGINS", "*, http://example.com", ["an exact origin", "http:// only"]),
    ] {
        let errors = read([(name, value)]).expect_err(name);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].starts_with(name), "{errors:?}");
        assert!(expected.iter().all(|part| errors[0].contains(part)), "{errors:?}");
    }
}

#[test]
fn demo_replaces_database_and_secret_and_requires_no_verification() {
    let mail = [("COUNTERSIGN_MAIL", "console"), ("COUNTERSIGN_MAIL_FROM", "a@example.com")];
    let secret = ServerSecret::generate(&RandomSource::System).expect("randomness");
    for (settings, verification) in
        [(Settings::from([]), Verification::Off), (Settings::from(mail), Verification::Optional)]
    {
        let config = Config::from_demo_settings(&settings).expect("settings");
        let demo = config.for_demo("/tmp/demo.db".into(), secret.clone());
        assert_eq!(demo.verification(), verification);
        assert_eq!(demo.database.expose(), "sqlite:/tmp/demo.db");
        assert!(matches!(
            demo.secret(),
            Secret::Given(given) if given.expose() == secret.expose()
        ));
    }
    let set = Settings::from([("DATABASE_URL", "sqlite:data/countersign.db")]);
    let errors = Config::from_demo_settings(&set).expect_err("errors");
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].starts_with("DATABASE_URL must not be set"), "{errors:?}");
}

#[test]
fn verification_is_required_with_email_and_impossible_without() {
    let mail = [("COUNTERSIGN_MAIL", "console"), ("COUNTERSIGN_MAIL_FROM", "a@example.com")];
    let [transport, from] = mail;
    assert_eq!(read([]).expect("settings").verification(), Verification::Off);
    assert_eq!(read(mail).expect("settings").verification(), Verification::Required);
    let optional = read([transport, from, ("COUNTERSIGN_VERIFICATION", "optional")]);
    assert_eq!(optional.expect("settings").verification(), Verification::Optional);
    let problems = read([("COUNTERSIGN_VERIFICATION", "required")]).expect_err("problems");
    assert!(problems[0].contains("COUNTERSIGN_MAIL"), "{problems:?}");
}

#[test]
fn logo_must_be_a_small_image() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("logo");
    let read_logo = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("a file");
        read([("COUNTERSIGN_BRAND_LOGO", path.to_str().expect("a path"))])
    };
    assert!(read_logo(b"\x89PNG\r\n\x1a\n...").is_ok());
    assert!(read_logo(b"\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>").is_ok());
    assert!(read_logo(b"RIFF....WEBPVP8 ").is_ok());
    for (bytes, expected) in [(&b"<html>"[..], "SVG"), (&vec![0xff; 70_000], "64 KiB")] {
        let errors = read_logo(bytes).expect_err("an error");
        assert!(errors[0].contains(expected), "{errors:?}");
    }
}

#[test]
fn brand_settings_say_what_they_need() {
    for (name, value, expected) in [
        ("COUNTERSIGN_BRAND_NAME", "a\u{7}b", "control characters"),
        ("COUNTERSIGN_BRAND_TAGLINE", &"x".repeat(121), "120 characters"),
        ("COUNTERSIGN_BRAND_ACCENT", "purple", "#3b2fb5"),
        ("COUNTERSIGN_BRAND_ACCENT", "#ffd400", "nearest valid color is #"),
        ("COUNTERSIGN_BRAND_RADIUS", "big", "none, small, soft or round"),
        ("COUNTERSIGN_BRAND_THEME", "sepia", "system, light or dark"),
        ("COUNTERSIGN_BRAND_TERMS", "javascript:alert(1)", "https://"),
        ("COUNTERSIGN_BRAND_APP_URL", "app.example.com", "https://"),
        ("COUNTERSIGN_BRAND_APP_URL", "mailto:help@example.com", "https://"),
        ("COUNTERSIGN_BRAND_RETURN_TO", "https://app.example.com/notes", "exact origin"),
        ("COUNTERSIGN_BRAND_LAYOUT", "wide", "card, plain or split"),
        ("COUNTERSIGN_BRAND_FONT", "/nowhere/font.woff2", "can't be read"),
        ("COUNTERSIGN_SIGN_UP", "invite", "open, invited or closed"),
    ] {
        let errors = read([(name, value)]).expect_err(name);
        assert!(errors[0].starts_with(name) && errors[0].contains(expected), "{errors:?}");
    }
}

#[test]
fn damaged_font_is_refused_with_the_name_of_its_setting() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("font.woff2");
    let read_font = |font: &[u8]| {
        std::fs::write(&path, font).expect("a file");
        read([("COUNTERSIGN_BRAND_FONT", path.to_str().expect("a path"))])
    };
    let font = TestFont::default().to_woff2();
    assert!(read_font(&font).is_ok());
    for (bytes, expected) in [
        (&font[..font.len() - 1], "damaged WOFF2 font"),
        (&[0; 1000], "not a WOFF2 font"),
        (&[b"wOF2", &*vec![0xff; 600 * 1024]].concat(), "512 KiB"),
    ] {
        let errors = read_font(bytes).expect_err("an error");
        let error = &errors[0];
        assert!(error.starts_with("COUNTERSIGN_BRAND_FONT") && error.contains(expected), "{error}");
    }
}

#[test]
fn style_sheet_must_be_complete() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("extra.css");
    let read_css = |css: &[u8]| {
        std::fs::write(&path, css).expect("a file");
        read([("COUNTERSIGN_BRAND_CSS", path.to_str().expect("a path"))])
    };
    assert!(read_css(b"a { color: red } @media print { a { color: blue } }").is_ok());
    for css in [&b"a { color: red"[..], b"} a { color: red }{", b"\xff"] {
        assert!(read_css(css).is_err(), "{css:?}");
    }
}

#[test]
fn public_address_requires_https() {
    for private in [
        "http://localhost:8080",
        "http://127.0.0.1",
        "http://10.1.2.3:3000",
        "http://[::1]:3000",
        "https://accounts.example.com",
    ] {
        assert!(read([("COUNTERSIGN_PUBLIC_URL", private)]).is_ok(), "{private}");
    }
    for wrong in [
        "http://accounts.example.com",
        "http://8.8.8.8",
        "ftp://localhost",
        "https://example.com/path",
        "https://user@example.com",
        "example.com",
    ] {
        assert!(read([("COUNTERSIGN_PUBLIC_URL", wrong)]).is_err(), "{wrong}");
    }
}

#[test]
fn access_token_ttl_is_bounded_and_shorter_on_loopback() {
    let read_ttl =
        |url, ttl| read([("COUNTERSIGN_PUBLIC_URL", url), ("COUNTERSIGN_ACCESS_TTL", ttl)]);
    assert!(
        read_ttl("https://example.com", "1m").is_ok()
            && read_ttl("https://example.com", "60m").is_ok()
            && read_ttl("http://localhost:3000", "2s").is_ok()
    );
    for (url, out_of_range) in [
        ("https://example.com", "59s"),
        ("https://example.com", "2s"),
        ("http://localhost:3000", "1s"),
        ("http://localhost:3000", "61m"),
        ("http://10.0.0.1", "2s"),
    ] {
        assert!(read_ttl(url, out_of_range).is_err(), "{url} {out_of_range}");
    }
}

#[test]
fn tls_certificate_requires_key_and_https() {
    let both = [("COUNTERSIGN_TLS_CERT", "cert.pem"), ("COUNTERSIGN_TLS_KEY", "key.pem")];
    let config = read(both).expect("a configuration");
    assert_eq!(config.http().origin(), "https://localhost:3000");
    assert!(config.http().is_secure() && config.tls().is_some());
    assert!(read([both[0]]).is_err() && read([both[1]]).is_err());
    assert!(read([both[0], both[1], ("COUNTERSIGN_PUBLIC_URL", "http://localhost:3000")]).is_err());
}

#[test]
fn cors_origins_must_be_exact() {
    let origins =
        |text| read([("COUNTERSIGN_CORS_ORIGINS", text)]).map(|config| config.http().cors_origins);
    assert_eq!(origins(""), Ok(Vec::new()));
    assert_eq!(
        origins("https://app.example.com, http://localhost:5173"),
        Ok(vec!["https://app.example.com".to_owned(), "http://localhost:5173".to_owned()])
    );
    for wrong in [
        "*",
        "null",
        "app.example.com",
        "https://app.example.com/",
        "https://App.example.com",
        "https://app.example.com:443",
        "http://app.example.com",
        "https://*.example.com",
        "ftp://app.example.com",
    ] {
        assert!(origins(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn security_contacts_must_be_uris() {
    let contacts = |text| {
        read([("COUNTERSIGN_SECURITY_CONTACT", text)]).map(|config| config.http().security_contacts)
    };
    assert_eq!(contacts(""), Ok(Vec::new()));
    assert_eq!(
        contacts("mailto:security@example.com, https://example.com/report"),
        Ok(vec!["mailto:security@example.com".to_owned(), "https://example.com/report".to_owned()])
    );
    for wrong in [
        "security@example.com",
        "http://example.com",
        "javascript:alert(1)",
        "mailto:",
        "mailto:a b@example.com",
        "mailto:a@example.com\nX: y",
    ] {
        assert!(contacts(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn rate_limits_can_be_off_only_on_loopback() {
    let limits = |url, value| {
        read([("COUNTERSIGN_PUBLIC_URL", url), ("COUNTERSIGN_RATE_LIMITS", value)])
            .map(|config| config.policy().limits)
    };
    assert_eq!(limits("https://example.com", ""), Ok(RateLimits::default()));
    assert_eq!(limits("http://localhost:3000", "off"), Ok(RateLimits::off()));
    for url in ["https://example.com", "http://10.0.0.1"] {
        assert_eq!(limits(url, "on"), Ok(RateLimits::default()));
        assert!(limits(url, "off").is_err(), "{url}");
    }
    assert!(limits("http://localhost:3000", "no").is_err());
}

#[test]
fn every_rate_limit_is_a_listed_setting() {
    for action in LimitedAction::ALL {
        let rule = action.rule();
        let with = |url, value| read([("COUNTERSIGN_PUBLIC_URL", url), (rule.setting, value)]);
        let config = with("https://example.com", "7/2m").expect("a limit");
        assert_eq!(
            config.policy().limits.get(*action),
            Some(RateLimit { burst: 7, period: TimeSpan::minutes(2) })
        );
        assert!(
            config.to_text().lines().any(|line| line.split_whitespace().eq([rule.setting, "7/2m"])),
            "{}",
            config.to_text()
        );
        let defaults = read([]).expect("a configuration").to_text();
        assert!(
            defaults.lines().any(|line| line
                .split_whitespace()
                .eq([rule.setting, &Limit(Some(rule.default)).to_text()])),
            "{defaults}"
        );
        for wrong in
            ["7", "0/1s", "-1/1s", "100001/1s", "1/0s", "1/2d", "1/1", "one/1s", "1/1s/1s", "on"]
        {
            let errors = with("https://example.com", wrong).expect_err(wrong);
            assert!(
                errors.len() == 1
                    && errors[0].starts_with(rule.setting)
                    && errors[0].contains("must be off, or"),
                "{errors:?}"
            );
        }
        assert!(
            with("http://localhost:3000", "off")
                .expect("off")
                .to_text()
                .lines()
                .any(|line| line.split_whitespace().eq([rule.setting, "off"]))
        );
        assert_eq!(with("https://example.com", "off").is_ok(), rule.may_be_off, "{action:?}");
    }
}

#[test]
fn documentation_lists_every_rate_limit_with_its_default() {
    let settings = std::fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/SETTINGS.md"),
    )
    .expect("the settings");
    for action in LimitedAction::ALL {
        let rule = action.rule();
        let start = format!("| `{}` | `{}` |", rule.setting, Limit(Some(rule.default)).to_text());
        assert!(settings.lines().any(|line| line.starts_with(&start)), "{start}");
    }
}

#[test]
fn weak_hashing_on_public_address_is_rejected() {
    let with =
        |url, argon2| read([("COUNTERSIGN_PUBLIC_URL", url), ("COUNTERSIGN_ARGON2", argon2)]);
    assert!(with("https://example.com", "m=12288,t=3,p=1").is_ok());
    assert!(with("https://example.com", "m=12288,t=2,p=1").is_err());
    assert!(with("http://localhost:3000", "m=64,t=1,p=1").is_ok());
    for wrong in [
        "m=1,t=1,p=1",
        "m=4294967295,t=1,p=1",
        "m=64,t=1,p=4294967295",
        "m=64,t=4294967295,p=1",
        "m=64,t=1,p=536870912",
        "m=64,t=0,p=1",
        "m=64,t=1,p=0",
    ] {
        assert!(with("http://localhost:3000", wrong).is_err(), "{wrong}");
    }
}

#[test]
fn table_defaults_match_effective_defaults() {
    let config = read([]).expect("a configuration");
    for setting in Setting::all() {
        if let DefaultValue::Fixed(text) = setting.default_value() {
            assert_eq!(setting.display_value(&config), text, "{}", setting.name());
        }
        assert!(!setting.display_value(&config).is_empty(), "{}", setting.name());
    }
}

#[test]
fn default_values_are_accepted_as_settings() {
    for setting in Setting::all() {
        if let DefaultValue::Fixed(text) = setting.default_value()
            && text != NONE
        {
            let config =
                read([(setting.name(), &text)]).unwrap_or_else(|problems| panic!("{problems:?}"));
            assert_eq!(setting.display_value(&config), text, "{}", setting.name());
        }
    }
}

#[test]
fn every_setting_is_shown_once() {
    let shown: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&read([]).expect("a configuration").to_json()).expect("an object");
    let mut names: Vec<_> = Setting::all().map(Setting::name).collect();
    names.sort_unstable();
    assert_eq!(shown.keys().collect::<Vec<_>>(), names);
    assert_eq!(read([]).expect("a configuration").to_text().lines().count(), names.len());
}

#[test]
fn shown_configuration_contains_no_secret() {
    let secret = countersign_core::ServerSecret::generate(&countersign_core::RandomSource::System)
        .expect("randomness")
        .expose();
    let config = read([
        ("COUNTERSIGN_SECRET", &secret),
        ("DATABASE_URL", "postgres://ann:hunter2@db/countersign"),
    ])
    .expect("a configuration");
    let by_query = read([("DATABASE_URL", "postgres:///countersign?password=hunter2")])
        .expect("a configuration");
    assert!(!by_query.to_text().contains("hunter2"));
    for text in [config.to_text(), config.to_json(), format!("{:?}", config.secret())] {
        assert!(!text.contains(&secret) && !text.contains("hunter2"), "{text}");
    }
}

#[test]
fn external_address_with_localhost_url_is_detected() {
    let hinted = |listen, url| {
        read([("LEPTOS_SITE_ADDR", listen), ("COUNTERSIGN_PUBLIC_URL", url)])
            .expect("a configuration")
            .is_local_by_name_only()
    };
    for listen in ["0.0.0.0:3000", "[::]:3000", "192.168.1.5:3000"] {
        assert!(hinted(listen, ""), "{listen}");
        assert!(!hinted(listen, "http://192.168.1.5:3000"), "{listen}");
    }
    for listen in ["127.0.0.1:3000", "[::1]:3000", "[::ffff:127.0.0.1]:3000"] {
        assert!(!hinted(listen, ""), "{listen}");
    }
}

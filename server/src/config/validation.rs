//! The rules between settings. Rules about one value are in its type.

use super::{
    reader::SettingsReader,
    table::{Config, Setting},
    types::{is_loopback, is_private},
};
use countersign_core::{LimitedAction, Verification, mail::MailTransport};
use countersign_leptos::brand::AuthPageLayout;
use countersign_types::TimeSpan;

/// Adds an error for each rule that the settings break together. The value of an invalid setting is
/// its default, which breaks none.
pub(super) fn validate(config: &Config, reader: &mut SettingsReader<'_>) {
    let url = config.public_url();
    let (is_loopback, is_private) = (is_loopback(&url), is_private(&url));
    let mut check = |setting, is_wrong, message| {
        if is_wrong {
            reader.add_error(setting, message);
        }
    };

    let (has_certificate, has_key) = (config.tls_cert.is_some(), config.tls_key.is_some());
    check(
        Setting::TlsKey,
        has_certificate && !has_key,
        "is missing: set it to the private key of COUNTERSIGN_TLS_CERT",
    );
    check(
        Setting::TlsCert,
        has_key && !has_certificate,
        "is missing: set it to the certificate of COUNTERSIGN_TLS_KEY",
    );
    check(
        Setting::PublicUrl,
        config.tls().is_some() && url.scheme() == "http",
        "must start with https://, because COUNTERSIGN_TLS_CERT is set",
    );
    check(
        Setting::AccessTtl,
        config.access_ttl < TimeSpan::minutes(1) && !is_loopback,
        "must be at least 1m, unless the public URL is a loopback address",
    );
    check(
        Setting::Argon2,
        !config.argon2.is_strong() && !is_private,
        "is too weak: at min m=19456,t=2,p=1 or m=12288,t=3,p=1 or m=47104,t=1,p=1",
    );
    let transport = config.mail_transport.0.as_ref();
    check(
        Setting::MailFrom,
        transport.is_some() && config.mail_from.is_none(),
        "is missing: set it to the sender of emails, such as Example <accounts@example.com>",
    );
    check(
        Setting::Mail,
        transport.is_some_and(MailTransport::is_for_development) && !is_private,
        "can be console only on a private address: the output would contain links and codes",
    );
    check(
        Setting::BrandAppUrl,
        config.brand_app_url.as_ref().is_some_and(|url| url.0.starts_with("mailto:")),
        "must start with https:// or http://",
    );
    check(
        Setting::BrandImage,
        (config.brand_layout == AuthPageLayout::Split) != config.brand_image.is_some(),
        "and COUNTERSIGN_BRAND_LAYOUT=split need each other: set both or none",
    );
    check(
        Setting::BrandLogoDark,
        config.brand_logo_dark.is_some() && config.brand_logo.is_none(),
        "needs COUNTERSIGN_BRAND_LOGO, the logo for light pages",
    );
    check(
        Setting::Verification,
        config.verification() != Verification::Off && transport.is_none(),
        "needs email: set COUNTERSIGN_MAIL",
    );
    for action in LimitedAction::ALL {
        check(
            Setting::Limit(*action),
            config.limits.get(*action).is_none() && !action.rule().may_be_off && !is_loopback,
            "can be off only with a loopback public URL: passwords or codes could be guessed",
        );
    }
    check(
        Setting::RateLimits,
        !config.are_limits_on && !is_loopback,
        "can be off only with a loopback public URL: it is for tests and benchmarks",
    );

    for (secret, file, message) in [
        (
            Setting::Secret,
            Setting::SecretFile,
            "and COUNTERSIGN_SECRET_FILE are both set: remove one",
        ),
        (
            Setting::IntrospectionSecret,
            Setting::IntrospectionSecretFile,
            "and COUNTERSIGN_INTROSPECTION_SECRET_FILE are both set: remove one",
        ),
    ] {
        if reader.is_set(secret) && reader.is_set(file) {
            reader.add_error(secret, message);
        }
    }
}

//! The key of a counter, and the error of an action beyond its limit.

use crate::{Error, RequestContext, ServerSecret, rate_limit::policy::LimitedAction};
use aws_lc_rs::hmac;
use countersign_types::{TimeSpan, Timestamp};

/// How long failed password attempts are counted.
pub(crate) const ATTEMPT_RETENTION: TimeSpan = TimeSpan::days(1);

/// Number of device counters of an account. Cookies share these, so that an attacker who collected
/// many cookies gets no more guesses than this many.
pub(crate) const DEVICE_SLOTS: u8 = 4;

/// The key of a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counter {
    pub(crate) action: LimitedAction,
    pub(crate) subject: Vec<u8>,
}

impl Counter {
    /// Returns the counter of password attempts for an account (by the
    /// [`countersign_types::Email::lookup_key`] of its address): that of a device, or that of all
    /// unknown clients.
    pub(crate) fn for_password(
        secret: &ServerSecret,
        email_key: &str,
        device: Option<&[u8; 16]>,
    ) -> Self {
        // Keyed, so that the table is no list of addresses.
        let mut text = email_key.as_bytes().to_vec();
        let action = if let Some(device) = device {
            let slot = hmac::sign(
                &secret.mac_key("device_slot", &[]),
                &[&text[..], &[0], device].concat(),
            )
            .as_ref()[0]
                % DEVICE_SLOTS;
            text.extend([0, slot]);
            LimitedAction::DevicePassword
        } else {
            LimitedAction::AccountPassword
        };
        Self {
            action,
            subject: hmac::sign(&secret.mac_key("limits", &[]), &text).as_ref().to_vec(),
        }
    }

    /// Returns the counter of emails to an address (by its
    /// [`countersign_types::Email::lookup_key`]).
    pub(crate) fn for_address(
        action: LimitedAction,
        secret: &ServerSecret,
        email_key: &str,
    ) -> Self {
        let mac = hmac::sign(&secret.mac_key("limits", &[]), email_key.as_bytes());
        Self { action, subject: mac.as_ref().to_vec() }
    }

    /// Returns the counter of a network. Clients without an address share one.
    pub(crate) fn for_network(action: LimitedAction, context: &RequestContext) -> Self {
        Self { action, subject: context.network().to_bytes() }
    }
}

/// Returns the error of an action that is allowed at `until`.
pub(crate) fn rate_limited(
    action: LimitedAction,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Error {
    let millis = until.map_or(0, |until| until.since(now).0).max(1);
    Error::RateLimited {
        action,
        retry_after: u32::try_from(millis.saturating_add(999) / 1000).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn retry_after_is_rounded_up_to_whole_seconds() {
        let wait = |millis| match rate_limited(
            LimitedAction::SignUp,
            Some(Timestamp(millis)),
            Timestamp(0),
        ) {
            Error::RateLimited { retry_after, .. } => retry_after,
            other => panic!("{other:?}"),
        };
        assert_eq!([-5, 0, 1, 999, 1000, 1001, 30_000].map(wait), [1, 1, 1, 1, 1, 2, 30]);
        assert_eq!(wait(i64::MAX), u32::MAX);
    }

    #[test]
    fn devices_of_an_account_share_few_counters() {
        let secret = ServerSecret::generate(&crate::RandomSource::seeded(1)).expect("seeded");
        let counters = |email: &str| {
            (0..200_u128)
                .map(|device| {
                    Counter::for_password(&secret, email, Some(&device.to_be_bytes())).subject
                })
                .collect::<HashSet<_>>()
        };
        assert_eq!(counters("ada@example.com").len(), usize::from(DEVICE_SLOTS));
        assert!(counters("ada@example.com").is_disjoint(&counters("eve@example.com")));
        assert!(
            !counters("ada@example.com")
                .contains(&Counter::for_password(&secret, "ada@example.com", None).subject)
        );
    }
}

//! The refresh token, and the decision on a presented one.
//!
//! `csgn_rt_` and, in base64url: 16 bytes of session id, 16 of user id, 8 of generation, 16 of
//! HMAC-SHA-256 over these. The MAC key is derived from the server secret and the session id, so a
//! stolen database yields no tokens, and a forged token is rejected without a read. The user id
//! binds the token to its user: it is rejected if the session row is moved to another user. Each
//! generation has exactly one token, so that tabs that refresh concurrently get the same successor.
//! The key is not rotated on its own: it can only leak with the server secret.

use crate::{ServerSecret, sessions::access_token::CLOCK_SKEW};
use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign_types::{SessionId, TimeSpan, Timestamp, UserId};
use uuid::Uuid;

/// The prefix of refresh tokens, for secret scanners.
pub const PREFIX: &str = "csgn_rt_";
const BODY_LENGTH: usize = 16 + 16 + 8;
const MAC_LENGTH: usize = 16;
/// Length in base64url, without padding.
const ENCODED_LENGTH: usize = ((BODY_LENGTH + MAC_LENGTH) * 4).div_ceil(3);

/// A token with a valid MAC. Whether it is accepted depends on the session row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsedRefreshToken {
    /// The session.
    pub session: SessionId,
    /// The owner of the session.
    pub user: UserId,
    /// The generation.
    pub generation: i64,
}

/// Returns the token of one generation of a session.
pub(crate) fn encode(
    secret: &ServerSecret,
    session: SessionId,
    user: UserId,
    generation: i64,
) -> String {
    let mut bytes = Vec::with_capacity(BODY_LENGTH + MAC_LENGTH);
    bytes.extend(session.0.as_bytes());
    bytes.extend(user.0.as_bytes());
    bytes.extend(generation.to_be_bytes());
    let mac = mac(secret, &bytes);
    bytes.extend(&mac.as_ref()[..MAC_LENGTH]);
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// Decodes a token. Returns `None` if its MAC is wrong.
pub(crate) fn decode(secret: &ServerSecret, token: &str) -> Option<ParsedRefreshToken> {
    let encoded = token.strip_prefix(PREFIX).filter(|encoded| encoded.len() == ENCODED_LENGTH)?;
    let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    let (body, presented_mac) = bytes.split_at_checked(BODY_LENGTH)?;
    verify_slices_are_equal(&mac(secret, body).as_ref()[..MAC_LENGTH], presented_mac).ok()?;
    let (session, rest) = body.split_first_chunk::<16>()?;
    let (user, generation) = rest.split_first_chunk::<16>()?;
    Some(ParsedRefreshToken {
        session: SessionId(Uuid::from_bytes(*session)),
        user: UserId(Uuid::from_bytes(*user)),
        generation: i64::from_be_bytes(generation.try_into().ok()?),
    })
}

fn mac(secret: &ServerSecret, body: &[u8]) -> hmac::Tag {
    // The session id is the first part of the body and selects the key.
    hmac::sign(&secret.mac_key("refresh", &body[..16]), body)
}

/// The part of a session row that the decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct RotationState {
    /// The generation that was issued last.
    pub generation: i64,
    /// The time when that generation was issued.
    pub rotated_at: Timestamp,
    /// The time when the generation before it was issued.
    pub previous_rotated_at: Timestamp,
    /// The highest generation that is known to have reached the client.
    pub confirmed_generation: i64,
    /// The lowest accepted generation. Lower ones were issued before the last password change.
    pub oldest_generation: i64,
}

/// The decision on a presented generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshDecision {
    /// Issue the next generation, by one conditional update; decide again if it fails.
    Rotate,
    /// The response with the newest generation was lost, because its token was never presented:
    /// issue the same generation again, any number of times.
    Reissue,
    /// Two concurrent requests: return the existing successor. Nothing is written.
    ConcurrentRetry,
    /// Concurrent requests rotated the token twice or more: the client has a newer one by now.
    Superseded,
    /// The token is older than the last password change: reject it. The session stays active.
    BeforePasswordChange,
    /// A successor was used and the grace period has ended: revoke the session (RFC 9700, 4.14.2).
    ReuseDetected,
    /// The MAC is valid, but this row never had the generation: the database is older than its
    /// tokens.
    UnknownGeneration,
}

/// Decides by the first matching row of a table. The caller has checked that session and user are
/// active. The grace period is measured at arrival, so that queueing does not count against the
/// client.
#[must_use]
pub fn decide(
    presented: i64,
    state: RotationState,
    arrived: Timestamp,
    now: Timestamp,
    grace: TimeSpan,
) -> RefreshDecision {
    // The node that rotated may have a clock that is slightly ahead. If its clock was further
    // ahead, the grace period counts as over.
    let in_grace_of = |moment: Timestamp| {
        now.since(moment) >= TimeSpan(-CLOCK_SKEW.0) && arrived.min(now).since(moment) < grace
    };
    match state.generation.checked_sub(presented) {
        // A tab refreshed while another one changed the password: it has a newer token by now.
        Some(_)
            if presented < state.oldest_generation
                && (in_grace_of(state.rotated_at) || in_grace_of(state.previous_rotated_at)) =>
        {
            RefreshDecision::Superseded
        }
        Some(_) if presented < state.oldest_generation => RefreshDecision::BeforePasswordChange,
        Some(0) => RefreshDecision::Rotate,
        Some(1) if in_grace_of(state.rotated_at) => RefreshDecision::ConcurrentRetry,
        Some(1) if state.confirmed_generation <= presented => RefreshDecision::Reissue,
        Some(2) if in_grace_of(state.previous_rotated_at) => RefreshDecision::Superseded,
        // The request arrived before the last two rotations and was queued meanwhile: its token may
        // have been the newest at arrival.
        Some(behind)
            if behind > 1
                && arrived < state.previous_rotated_at
                && state.previous_rotated_at <= now =>
        {
            RefreshDecision::Superseded
        }
        Some(behind) if behind > 0 => RefreshDecision::ReuseDetected,
        _ => RefreshDecision::UnknownGeneration,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RandomSource;
    use proptest::prelude::*;

    /// Characters of a refresh token.
    const LENGTH: usize = PREFIX.len() + 75;

    fn secret() -> ServerSecret {
        ServerSecret::generate(&RandomSource::seeded(1)).expect("seeded")
    }

    fn session() -> SessionId {
        SessionId(Uuid::from_u128(7))
    }

    fn user() -> UserId {
        UserId(Uuid::from_u128(8))
    }

    #[test]
    fn generation_has_exactly_one_token() {
        let token = encode(&secret(), session(), user(), 5);
        assert_eq!(token, encode(&secret(), session(), user(), 5));
        assert_eq!(token.len(), LENGTH);
        assert_eq!(
            decode(&secret(), &token),
            Some(ParsedRefreshToken { session: session(), user: user(), generation: 5 })
        );
    }

    #[test]
    fn modified_token_is_rejected() {
        let token = encode(&secret(), session(), user(), 5);
        for at in 0..token.len() {
            assert_eq!(decode(&secret(), &token[..at]), None, "cut at {at}");
            for bit in 0..7 {
                let mut broken = token.clone().into_bytes();
                broken[at] ^= 1 << bit;
                assert_eq!(
                    decode(&secret(), &String::from_utf8_lossy(&broken)),
                    None,
                    "bit {bit} of byte {at}"
                );
            }
        }
        assert_eq!(decode(&secret(), &format!("{token}A")), None);
        assert_eq!(
            decode(&ServerSecret::generate(&RandomSource::seeded(2)).expect("seeded"), &token),
            None
        );
    }

    #[test]
    fn decision_table_is_applied() {
        let (grace, now) = (TimeSpan::seconds(10), Timestamp(1_000_000));
        let (long_ago, just_now, future) =
            (now - TimeSpan::seconds(60), now - TimeSpan::seconds(3), now + TimeSpan::seconds(6));
        let state = |confirmed_generation, rotated_at, previous_rotated_at| RotationState {
            generation: 5,
            rotated_at,
            previous_rotated_at,
            confirmed_generation,
            oldest_generation: 0,
        };
        for (presented, state, decision) in [
            (5, state(5, long_ago, long_ago), RefreshDecision::Rotate),
            (4, state(5, just_now, long_ago), RefreshDecision::ConcurrentRetry),
            (4, state(4, just_now, long_ago), RefreshDecision::ConcurrentRetry),
            (4, state(4, long_ago, long_ago), RefreshDecision::Reissue),
            (4, state(5, long_ago, long_ago), RefreshDecision::ReuseDetected),
            (4, state(5, now + TimeSpan::seconds(3), long_ago), RefreshDecision::ConcurrentRetry),
            (4, state(5, future, long_ago), RefreshDecision::ReuseDetected),
            (3, state(5, just_now, just_now), RefreshDecision::Superseded),
            (3, state(5, just_now, long_ago), RefreshDecision::ReuseDetected),
            (3, state(3, long_ago, long_ago), RefreshDecision::ReuseDetected),
            (1, state(5, just_now, just_now), RefreshDecision::ReuseDetected),
            (6, state(5, just_now, just_now), RefreshDecision::UnknownGeneration),
            (i64::MAX, state(5, just_now, just_now), RefreshDecision::UnknownGeneration),
            (i64::MIN, state(5, just_now, just_now), RefreshDecision::UnknownGeneration),
        ] {
            assert_eq!(
                decide(presented, state, now, now, grace),
                decision,
                "{presented} against {state:?}"
            );
        }
        let changed =
            |rotated_at| RotationState { oldest_generation: 5, ..state(4, rotated_at, long_ago) };
        assert_eq!(decide(5, changed(just_now), now, now, grace), RefreshDecision::Rotate);
        assert_eq!(
            decide(4, changed(just_now), now, now, grace),
            RefreshDecision::Superseded,
            "no tokens within the grace period"
        );
        assert_eq!(
            decide(4, changed(long_ago), now, now, grace),
            RefreshDecision::BeforePasswordChange,
            "neither reuse nor a lost response"
        );
        assert_eq!(
            decide(1, changed(long_ago), now, now, grace),
            RefreshDecision::BeforePasswordChange
        );
        let late = state(5, long_ago, long_ago);
        assert_eq!(
            decide(4, late, long_ago + TimeSpan::seconds(9), now, grace),
            RefreshDecision::ConcurrentRetry,
            "it arrived within the grace period"
        );
        assert_eq!(
            decide(4, late, long_ago + TimeSpan::seconds(10), now, grace),
            RefreshDecision::ReuseDetected
        );
        let quick = state(5, just_now, just_now);
        let before = just_now - TimeSpan(1);
        assert_eq!(
            decide(2, quick, before, now, grace),
            RefreshDecision::Superseded,
            "it was queued while others rotated three times"
        );
        assert_eq!(decide(2, quick, just_now, now, grace), RefreshDecision::ReuseDetected);
        assert_eq!(
            decide(2, state(5, future, future), before, now, grace),
            RefreshDecision::ReuseDetected,
            "a slow clock proves no earlier arrival"
        );
        assert_eq!(
            decide(4, state(5, future, long_ago), now - TimeSpan::days(1), now, grace),
            RefreshDecision::ReuseDetected,
            "a slow clock ends the grace period"
        );
    }

    proptest! {
        #[test]
        fn any_token_is_decoded_to_its_parts(
            session in any::<u128>(),
            user in any::<u128>(),
            generation in any::<i64>(),
        ) {
            let session = SessionId(Uuid::from_u128(session));
            let user = UserId(Uuid::from_u128(user));
            prop_assert_eq!(
                decode(&secret(), &encode(&secret(), session, user, generation)),
                Some(ParsedRefreshToken { session, user, generation })
            );
        }

        #[test]
        fn text_without_valid_mac_is_rejected(
            text in prop_oneof![
                any::<String>(),
                "csgn_rt_[A-Za-z0-9_-]{75}",
                r"csgn_rt_\PC{0,60}",
            ],
        ) {
            prop_assert_eq!(decode(&secret(), &text), None);
        }

        #[test]
        fn token_with_replaced_characters_is_rejected(
            generation in any::<i64>(),
            at in 0..LENGTH,
            cut in 0..4_usize,
            with in r"\PC{0,3}",
        ) {
            let issued = encode(&secret(), session(), user(), generation);
            let mut changed = issued.clone();
            changed.replace_range(at..(at + cut).min(LENGTH), &with);
            prop_assume!(changed != issued);
            prop_assert_eq!(decode(&secret(), &changed), None);
        }

        /// Generations and times come from a database and a clock that may both be wrong. Overflow
        /// checks are enabled in tests.
        #[test]
        fn only_newest_generation_rotates_for_any_numbers(
            presented in any::<i64>(),
            generation in any::<i64>(),
            confirmed_generation in any::<i64>(),
            oldest_generation in any::<i64>(),
            times in any::<[i64; 5]>(),
        ) {
            let [rotated_at, previous_rotated_at, arrived, now] =
                [times[0], times[1], times[2], times[3]].map(Timestamp);
            let state = RotationState {
                generation,
                rotated_at,
                previous_rotated_at,
                confirmed_generation,
                oldest_generation,
            };
            let decision = decide(presented, state, arrived, now, TimeSpan(times[4]));
            prop_assert_eq!(
                decision == RefreshDecision::Rotate,
                presented == generation && presented >= oldest_generation
            );
            let issues_tokens = matches!(
                decision,
                RefreshDecision::Rotate
                    | RefreshDecision::Reissue
                    | RefreshDecision::ConcurrentRetry
            );
            prop_assert!(
                !issues_tokens || presented >= oldest_generation,
                "older than the last password change"
            );
        }
    }
}

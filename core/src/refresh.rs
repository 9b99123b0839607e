//! The refresh token, and what a presented one means.
//!
//! `csgn_rt_` and, in base64url: 16 bytes of session id, 16 of user id, 8 of counter, 16 of
//! HMAC-SHA-256 over these. The key of the MAC is derived from the server secret and the session
//! id, so a stolen database makes no tokens and a forged token dies without a read. The user id
//! binds the token to its user as well: a session row that is moved to another user refuses it. One
//! counter always gives one token: tabs that renew together get the same successor. The key has no
//! rotation of its own: it leaks only with the server secret, which it is derived from.

use crate::{ServerSecret, token::SKEW};
use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign_types::{SessionId, Span, Timestamp, UserId};
use uuid::Uuid;

/// For those who scan for leaked secrets.
pub const PREFIX: &str = "csgn_rt_";
const BODY: usize = 16 + 16 + 8;
const MAC: usize = 16;
/// Characters of base64url, without padding.
const ENCODED: usize = ((BODY + MAC) * 4).div_ceil(3);

/// A genuine token, taken apart. Genuine is not valid: that depends on the session row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Genuine {
    /// Which session.
    pub session: SessionId,
    /// Whose session.
    pub user: UserId,
    /// Which generation.
    pub counter: i64,
}

/// The token of one generation of a session.
pub(crate) fn mint(
    secret: &ServerSecret,
    session: SessionId,
    user: UserId,
    counter: i64,
) -> String {
    let mut bytes = Vec::with_capacity(BODY + MAC);
    bytes.extend(session.0.as_bytes());
    bytes.extend(user.0.as_bytes());
    bytes.extend(counter.to_be_bytes());
    let mac = mac(secret, &bytes);
    bytes.extend(&mac.as_ref()[..MAC]);
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// `None` for whatever we did not make.
pub(crate) fn open(secret: &ServerSecret, token: &str) -> Option<Genuine> {
    let encoded = token.strip_prefix(PREFIX).filter(|encoded| encoded.len() == ENCODED)?;
    let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    let (body, shown) = bytes.split_at_checked(BODY)?;
    verify_slices_are_equal(&mac(secret, body).as_ref()[..MAC], shown).ok()?;
    let (session, rest) = body.split_first_chunk::<16>()?;
    let (user, counter) = rest.split_first_chunk::<16>()?;
    Some(Genuine {
        session: SessionId(Uuid::from_bytes(*session)),
        user: UserId(Uuid::from_bytes(*user)),
        counter: i64::from_be_bytes(counter.try_into().ok()?),
    })
}

fn mac(secret: &ServerSecret, body: &[u8]) -> hmac::Tag {
    // The session id, the fixed-length start of the body, chooses the key.
    hmac::sign(&secret.mac_key("refresh", &body[..16]), body)
}

/// What the session row says that matters here.
#[derive(Clone, Copy, Debug)]
pub struct State {
    /// The generation that was issued last.
    pub counter: i64,
    /// When it was.
    pub rotated_at: Timestamp,
    /// When the one before it was.
    pub previous_rotated_at: Timestamp,
    /// The highest generation that is known to have reached the client.
    pub confirmed: i64,
    /// Generations before this one are refused: the password has been changed since.
    pub oldest: i64,
}

/// What a presented generation means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Renew: one conditional step of the counter; look again if it fails.
    Step,
    /// The answer with the newest generation was lost, for nobody ever showed it: give the same one
    /// again, as often as it takes.
    Reissue,
    /// Two tabs at once: the successor that exists already, again. Nothing is written.
    Parallel,
    /// A tab that waited while another renewed twice or more: it holds a newer token by now.
    Stale,
    /// Of before the last change of the password: refused, whoever shows it. The session goes on.
    Superseded,
    /// A successor has been used and the grace is over: whoever shows this is not who used that.
    /// End the session.
    Theft,
    /// Genuine, but of a generation that this row never had: a database older than its tokens.
    NotIssued,
}

/// The decision table: the first row that matches. Liveness of session and user has been looked at
/// before. The grace is over for a request that *arrived* after it: how long it then waited for us
/// is not its fault.
#[must_use]
pub fn judge(
    presented: i64,
    state: State,
    arrived: Timestamp,
    now: Timestamp,
    grace: Span,
) -> Verdict {
    // The node that renewed may have a clock that is a little ahead. One that stands further before
    // the renewal proves nothing: the grace counts as over.
    let in_grace_of = |moment: Timestamp| {
        now.since(moment) >= Span(-SKEW.0) && arrived.min(now).since(moment) < grace
    };
    match state.counter.checked_sub(presented) {
        // A tab that was renewing while another one changed the password: it holds a newer token by
        // now.
        Some(_)
            if presented < state.oldest
                && (in_grace_of(state.rotated_at) || in_grace_of(state.previous_rotated_at)) =>
        {
            Verdict::Stale
        }
        Some(_) if presented < state.oldest => Verdict::Superseded,
        Some(0) => Verdict::Step,
        Some(1) if in_grace_of(state.rotated_at) => Verdict::Parallel,
        Some(1) if state.confirmed <= presented => Verdict::Reissue,
        Some(2) if in_grace_of(state.previous_rotated_at) => Verdict::Stale,
        // It came before the last two renewals and waited for us until they were done: when it
        // came, it may have been the newest.
        Some(behind)
            if behind > 1
                && arrived < state.previous_rotated_at
                && state.previous_rotated_at <= now =>
        {
            Verdict::Stale
        }
        Some(behind) if behind > 0 => Verdict::Theft,
        _ => Verdict::NotIssued,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Entropy;
    use proptest::prelude::*;

    fn secret() -> ServerSecret {
        ServerSecret::generate(&Entropy::seeded(1)).expect("seeded")
    }

    fn session() -> SessionId {
        SessionId(Uuid::from_u128(7))
    }

    fn user() -> UserId {
        UserId(Uuid::from_u128(8))
    }

    #[test]
    fn one_generation_has_one_token() {
        let token = mint(&secret(), session(), user(), 5);
        assert_eq!(token, mint(&secret(), session(), user(), 5));
        assert_eq!(token.len(), 79);
        assert_eq!(
            open(&secret(), &token),
            Some(Genuine { session: session(), user: user(), counter: 5 })
        );
    }

    #[test]
    fn whatever_was_changed_is_not_genuine() {
        let token = mint(&secret(), session(), user(), 5);
        for at in 0..token.len() {
            assert_eq!(open(&secret(), &token[..at]), None, "cut at {at}");
            for bit in 0..7 {
                let mut broken = token.clone().into_bytes();
                broken[at] ^= 1 << bit;
                assert_eq!(
                    open(&secret(), &String::from_utf8_lossy(&broken)),
                    None,
                    "bit {bit} of byte {at}"
                );
            }
        }
        assert_eq!(open(&secret(), &format!("{token}A")), None);
        assert_eq!(
            open(&ServerSecret::generate(&Entropy::seeded(2)).expect("seeded"), &token),
            None
        );
    }

    #[test]
    fn the_decision_table() {
        let (grace, now) = (Span::seconds(10), Timestamp(1_000_000));
        let (long_ago, just_now, future) =
            (now - Span::seconds(60), now - Span::seconds(3), now + Span::seconds(6));
        let state = |confirmed, rotated_at, previous_rotated_at| State {
            counter: 5,
            rotated_at,
            previous_rotated_at,
            confirmed,
            oldest: 0,
        };
        for (presented, state, verdict) in [
            (5, state(5, long_ago, long_ago), Verdict::Step),
            (4, state(5, just_now, long_ago), Verdict::Parallel),
            (4, state(4, just_now, long_ago), Verdict::Parallel),
            (4, state(4, long_ago, long_ago), Verdict::Reissue),
            (4, state(5, long_ago, long_ago), Verdict::Theft),
            (4, state(5, now + Span::seconds(3), long_ago), Verdict::Parallel),
            (4, state(5, future, long_ago), Verdict::Theft),
            (3, state(5, just_now, just_now), Verdict::Stale),
            (3, state(5, just_now, long_ago), Verdict::Theft),
            (3, state(3, long_ago, long_ago), Verdict::Theft),
            (1, state(5, just_now, just_now), Verdict::Theft),
            (6, state(5, just_now, just_now), Verdict::NotIssued),
            (i64::MAX, state(5, just_now, just_now), Verdict::NotIssued),
            (i64::MIN, state(5, just_now, just_now), Verdict::NotIssued),
        ] {
            assert_eq!(
                judge(presented, state, now, now, grace),
                verdict,
                "{presented} against {state:?}"
            );
        }
        let changed = |rotated_at| State { oldest: 5, ..state(4, rotated_at, long_ago) };
        assert_eq!(judge(5, changed(just_now), now, now, grace), Verdict::Step);
        assert_eq!(
            judge(4, changed(just_now), now, now, grace),
            Verdict::Stale,
            "no tokens though it is within the grace"
        );
        assert_eq!(
            judge(4, changed(long_ago), now, now, grace),
            Verdict::Superseded,
            "no alarm, and no answer that was lost"
        );
        assert_eq!(judge(1, changed(long_ago), now, now, grace), Verdict::Superseded);
        let late = state(5, long_ago, long_ago);
        assert_eq!(
            judge(4, late, long_ago + Span::seconds(9), now, grace),
            Verdict::Parallel,
            "it arrived in time and waited for us"
        );
        assert_eq!(judge(4, late, long_ago + Span::seconds(10), now, grace), Verdict::Theft);
        let quick = state(5, just_now, just_now);
        let before = just_now - Span(1);
        assert_eq!(
            judge(2, quick, before, now, grace),
            Verdict::Stale,
            "it hung for a moment while others renewed three times"
        );
        assert_eq!(judge(2, quick, just_now, now, grace), Verdict::Theft);
        assert_eq!(
            judge(2, state(5, future, future), before, now, grace),
            Verdict::Theft,
            "by a clock that runs behind nothing came before"
        );
        assert_eq!(
            judge(4, state(5, future, long_ago), now - Span::days(1), now, grace),
            Verdict::Theft,
            "a clock that stands before it proves nothing"
        );
    }

    proptest! {
        #[test]
        fn every_generation_of_every_session_is_read_back(session in any::<u128>(), user in any::<u128>(), counter in any::<i64>()) {
            let (session, user) = (SessionId(Uuid::from_u128(session)), UserId(Uuid::from_u128(user)));
            prop_assert_eq!(open(&secret(), &mint(&secret(), session, user, counter)), Some(Genuine { session, user, counter }));
        }

        #[test]
        fn nothing_is_genuine_that_was_not_minted(text in prop_oneof![any::<String>(), "csgn_rt_[A-Za-z0-9_-]{75}", r"csgn_rt_\PC{0,60}"]) {
            prop_assert_eq!(open(&secret(), &text), None);
        }

        #[test]
        fn a_token_that_was_written_over_anywhere_is_not_genuine(counter in any::<i64>(), at in 0..79_usize, cut in 0..4_usize, with in r"\PC{0,3}") {
            let minted = mint(&secret(), session(), user(), counter);
            let mut changed = minted.clone();
            changed.replace_range(at..(at + cut).min(79), &with);
            prop_assume!(changed != minted);
            prop_assert_eq!(open(&secret(), &changed), None);
        }

        /// Counters and times come from a database and a clock that may both be wrong. (Tests are
        /// built with checks of overflow.)
        #[test]
        fn whatever_the_numbers_there_is_a_verdict_and_only_the_newest_renews(
            presented in any::<i64>(), counter in any::<i64>(), confirmed in any::<i64>(), oldest in any::<i64>(), times in any::<[i64; 5]>()
        ) {
            let [rotated_at, previous_rotated_at, arrived, now] = [times[0], times[1], times[2], times[3]].map(Timestamp);
            let state = State { counter, rotated_at, previous_rotated_at, confirmed, oldest };
            let verdict = judge(presented, state, arrived, now, Span(times[4]));
            prop_assert_eq!(verdict == Verdict::Step, presented == counter && presented >= oldest);
            let gives_tokens = matches!(verdict, Verdict::Step | Verdict::Reissue | Verdict::Parallel);
            prop_assert!(!gives_tokens || presented >= oldest, "of before the last change of the password");
        }
    }
}

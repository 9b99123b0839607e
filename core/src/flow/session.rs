//! Renewing a session and ending it.

use super::{Auth, Happened, Issued, Retries};
use crate::{
    Client, Error, LimitedAction, Presented,
    fail_point::{self, FailPoint},
    refresh::{self, Genuine, State, Verdict},
    store::{
        feed::News,
        sessions::{STOLEN, SessionOfUser},
    },
    token,
};
use countersign_types::{SessionId, Timestamp, UserId, view::EventKind};

/// How often a renewal looks again because another one was quicker. Each time somebody else has
/// made progress.
const ATTEMPTS: usize = 8;

impl Auth {
    /// Gives the next pair of tokens for a refresh token, as the decision table of
    /// [`refresh::judge`] says.
    pub async fn refresh(&self, client: &Client, token: &str) -> Result<Issued, Error> {
        let Some(shown) = refresh::open(&self.secret, token) else {
            self.log_bad_token(client, "refresh token is not genuine");
            return Err(Error::SignedOut);
        };
        let arrived = self.clock.now();
        let mut permit = None;
        for _ in 0..ATTEMPTS {
            let (row, now) = self.living_session(shown).await?;
            match refresh::judge(
                shown.counter,
                self.state_of(&row),
                arrived,
                now,
                self.policy.grace,
            ) {
                verdict @ (Verdict::Step | Verdict::Reissue) => {
                    // On this node only: a refresh stays one statement. One request counts once,
                    // however often it looks again.
                    if permit.is_none() {
                        permit = Some(self.permit(
                            client,
                            LimitedAction::Refresh,
                            row.session.user_id,
                        )?);
                    }
                    let mut tx = self.store.write().await?;
                    // Waiting for the writer may have taken its time.
                    let now = self.clock.now();
                    let counter = row.session.counter;
                    let done = match verdict {
                        Verdict::Step => tx.session_step(shown.session, counter, now).await,
                        _ => tx.session_reissue(shown.session, counter, now).await,
                    };
                    let done = match done {
                        // A concurrent transaction that undid this one has made progress: judge
                        // again.
                        Err(error) if error.is_conflict() => continue,
                        done => done?,
                    };
                    if done {
                        // Read again in the same transaction: what the new token says is what was
                        // true when it was made.
                        let row =
                            tx.session_with_user(shown.session).await?.ok_or(Error::SignedOut)?;
                        if row.disabled_at.is_some() {
                            return Err(Error::SignedOut);
                        }
                        tx.commit().await?;
                        fail_point::reach(FailPoint::Renewed);
                        return self.issue(&row, row.session.counter, now);
                    }
                    // Waits for what this saw to be committed: until then a reader does not see it.
                    tx.commit().await?;
                }
                Verdict::Parallel => return self.issue(&row, row.session.counter, now),
                Verdict::Stale => return Err(Error::Stale),
                Verdict::Superseded => {
                    self.log_bad_token(
                        client,
                        "refresh token is older than the last change of the password",
                    );
                    return Err(Error::SignedOut);
                }
                Verdict::Theft => {
                    self.end_stolen(client, shown.session, now).await?;
                    return Err(Error::SignedOut);
                }
                Verdict::NotIssued => {
                    let _counted =
                        self.permit(client, LimitedAction::Refresh, row.session.user_id)?;
                    self.log_bad_token(client, "refresh token was not issued here");
                    let mut tx = self.store.write().await?;
                    let user = Some(row.session.user_id);
                    self.record(
                        &mut tx,
                        client,
                        now,
                        Happened::refused(EventKind::TokenNotIssued, user, Some(shown.session)),
                    )
                    .await?;
                    tx.commit().await?;
                    return Err(Error::SignedOut);
                }
            }
        }
        Err(Error::Busy { retry_after: 1 })
    }

    /// Ends the session of a credential. It is no error if it is over already. An access token need
    /// not be unrevoked, and a refresh token may be of any generation: whoever can show one may
    /// always leave.
    pub async fn log_out(&self, client: &Client, presented: Presented<'_>) -> Result<(), Error> {
        let now = self.clock.now();
        let (session, user) = match presented {
            Presented::Bearer(token) => {
                let claims =
                    token::verify(&self.keys, &self.verified, &self.policy.issuer, token, now)
                        .map_err(|_| Error::SignedOut)?;
                (claims.sid, claims.sub)
            }
            Presented::Cookie(token) => {
                let shown = refresh::open(&self.secret, token).ok_or(Error::SignedOut)?;
                (shown.session, shown.user)
            }
        };
        // A token of a session that is over can be shown without end: that costs a read, and nobody
        // waits for the writer.
        let row = self.store.read().await?.session_with_user(session).await?;
        if !row.is_some_and(|row| row.session.user_id == user && row.session.is_alive(now)) {
            return Ok(());
        }
        let mut retries = Retries::default();
        loop {
            let done = self.end_session(client, session, user, now).await;
            if !retries.again(&done) {
                return done;
            }
        }
    }

    async fn end_session(
        &self,
        client: &Client,
        session: SessionId,
        user: UserId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut tx = self.store.write().await?;
        if !tx.session_revoke_own(session, user, "logged_out", now).await? {
            return Ok(());
        }
        self.record(&mut tx, client, now, Happened::own(EventKind::LoggedOut, user, session))
            .await?;
        self.commit_with(tx, &[News::SessionEnded(session)], now).await
    }

    /// The session of a refresh token that was made with the secret of this installation. Whether
    /// it is alive is not looked at: nothing is read.
    #[must_use]
    pub fn session_of(&self, refresh_token: &str) -> Option<SessionId> {
        refresh::open(&self.secret, refresh_token).map(|shown| shown.session)
    }

    /// The session of a genuine token, if it and its user are alive, and when that was so: after it
    /// was read, or a renewal that came between would seem to be in the future.
    pub(super) async fn living_session(
        &self,
        shown: Genuine,
    ) -> Result<(SessionOfUser, Timestamp), Error> {
        let row = self
            .store
            .read()
            .await?
            .session_with_user(shown.session)
            .await?
            .ok_or(Error::SignedOut)?;
        let now = self.clock.now();
        let alive = row.session.is_alive(now)
            && row.disabled_at.is_none()
            && row.session.user_id == shown.user;
        if alive { Ok((row, now)) } else { Err(Error::SignedOut) }
    }

    /// With what this node knows and has not written yet.
    pub(super) fn state_of(&self, row: &SessionOfUser) -> State {
        let session = &row.session;
        State {
            counter: session.counter,
            rotated_at: session.rotated_at,
            previous_rotated_at: session.previous_rotated_at,
            confirmed: session.confirmed.max(self.seen.confirmed(session.id)),
            oldest: session.oldest_generation,
        }
    }

    /// At most one line a minute: a client without an account can send such tokens without end.
    fn log_bad_token(&self, client: &Client, reason: &'static str) {
        if let Some(suppressed) = self.bad_tokens.due() {
            tracing::warn!(
                request.id = client.request_id,
                address = client.address.map(tracing::field::display),
                reason,
                suppressed,
                "refresh token refused"
            );
        }
    }

    async fn end_stolen(
        &self,
        client: &Client,
        session: SessionId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut tx = self.store.write().await?;
        let Some(user) = tx.session_revoke(session, STOLEN, now).await? else { return Ok(()) };
        self.record(
            &mut tx,
            client,
            now,
            Happened::refused(EventKind::TokenReused, Some(user), Some(session)),
        )
        .await?;
        tracing::warn!(request.id = client.request_id, user.id = %user, "a refresh token was used again after its successor: its session is ended");
        self.commit_with(tx, &[News::SessionEnded(session)], now).await
    }
}

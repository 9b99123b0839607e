//! The audit log: time, kind, outcome, actor, target, session, origin and request ID.

use crate::common::{PASSWORD, START, TestContext, client};
use countersign_core::{
    Auth, IssuedTokens, PresentedCredential, SignedIn, admin::AdminAction, test_on_each_database,
    testing::tokens_of,
};
use countersign_types::{
    Email, EventKind, SessionId, TimeSpan, UserId,
    forms::{ChangePasswordForm, CurrentPasswordForm, LogInForm, SignUpForm, UpdateProfileForm},
    views::Role,
};
use std::collections::BTreeSet;

const ADA: &str = "ada@example.com";

async fn signed_in<'a>(auth: &'a Auth, issued: &IssuedTokens) -> SignedIn<'a> {
    auth.signed_in(&client(), PresentedCredential::Bearer(&issued.access.token))
        .await
        .expect("signed in")
}

async fn log_in(
    context: &TestContext,
    password: &str,
    replaces: Option<&str>,
) -> Option<IssuedTokens> {
    let form = LogInForm { email: ADA.into(), password: password.into(), ..LogInForm::default() };
    context.auth.log_in(&client(), &form, replaces).await.map(tokens_of).ok()
}

/// Performs every audited operation except those that need a restored database. Returns the user
/// and the administrator.
async fn perform_all(context: &TestContext) -> (UserId, UserId) {
    let ada = context.sign_up(ADA).await;
    let _refused = log_in(context, "wrong horse battery", None).await;
    let second = log_in(context, PASSWORD, None).await.expect("a log-in");
    let third = log_in(context, PASSWORD, Some(&second.refresh.token)).await.expect("a log-in");
    let me = signed_in(&context.auth, &third).await;
    me.update_display_name(&UpdateProfileForm { name: "Ada".into() }).await.expect("renamed");
    me.change_password(&ChangePasswordForm {
        current_password: "wrong horse battery".into(),
        new_password: "a quite different one".into(),
    })
    .await
    .expect_err("refused");
    me.delete_account(&CurrentPasswordForm { current_password: "wrong horse battery".into() })
        .await
        .expect_err("refused");
    let form = |password: &str| CurrentPasswordForm { current_password: password.into() };
    me.confirm_password(&form("wrong horse battery")).await.expect_err("refused");
    me.confirm_password(&form(PASSWORD)).await.expect("confirmed");
    let other = me
        .sessions(10, None)
        .await
        .expect("a list")
        .items
        .into_iter()
        .find(|session| !session.current)
        .expect("another session")
        .id;
    me.revoke_session(other).await.expect("revoked");
    log_in(context, PASSWORD, None).await.expect("a log-in");
    me.revoke_other_sessions().await.expect("revoked");
    me.delete_account(&CurrentPasswordForm { current_password: PASSWORD.into() })
        .await
        .expect("requested");
    me.cancel_deletion().await.expect("cancelled");
    me.revoke_all_sessions().await.expect("revoked");
    // Refresh token reuse.
    let fourth = log_in(context, PASSWORD, None).await.expect("a log-in");
    let next = context.auth.refresh(&client(), &fourth.refresh.token).await.expect("refreshed");
    context.auth.refresh(&client(), &next.refresh.token).await.expect("refreshed");
    context.clock.advance(TimeSpan::minutes(1));
    context.auth.refresh(&client(), &fourth.refresh.token).await.expect_err("refused");
    let fifth = log_in(context, PASSWORD, None).await.expect("a log-in");
    let change = ChangePasswordForm {
        current_password: PASSWORD.into(),
        new_password: "a quite different one".into(),
    };
    signed_in(&context.auth, &fifth).await.change_password(&change).await.expect("changed");
    context
        .auth
        .log_out(&client(), PresentedCredential::Cookie(&fifth.refresh.token))
        .await
        .expect("a log-out");
    // Operations of an administrator.
    let invite =
        context.auth.issue_setup_token().await.expect("an answer").expect("no administrator yet");
    let form = SignUpForm {
        email: "root@example.com".into(),
        password: PASSWORD.into(),
        link_token: invite,
        ..SignUpForm::default()
    };
    let root =
        context.auth.sign_up(&client(), &form, None).await.map(tokens_of).expect("a sign-up");
    let signed_in = signed_in(&context.auth, &root).await;
    let admin = signed_in.admin().expect("an administrator");
    for change in [
        AdminAction::Role(Role::Admin),
        AdminAction::Disable,
        AdminAction::Enable,
        AdminAction::RevokeSessions,
    ] {
        admin.change(ada.account.id, change).await.expect("changed");
    }
    let email = Email::parse("new@example.com").expect("an address");
    let invitation = admin.invite(&email).await.expect("an invitation").invitation;
    admin.revoke_invitation(invitation.id).await.expect("a revocation");
    (ada.account.id, root.account.id)
}

test_on_each_database! {
    async fn every_operation_is_recorded_with_full_context(context: TestContext) {
        let (ada, root) = perform_all(&context).await;
        let records = context
            .store
            .read()
            .await
            .expect("a connection")
            .event_records()
            .await
            .expect("records");
        for record in &records {
            let kind = EventKind::from_name(&record.kind).expect("a kind");
            let refused = matches!(
                kind,
                EventKind::LogInFailed
                    | EventKind::PasswordChangeFailed
                    | EventKind::PasswordConfirmationFailed
                    | EventKind::DeletionPasswordFailed
                    | EventKind::RefreshTokenReused
            );
            assert_eq!(record.outcome, if refused { "refused" } else { "done" }, "{record:?}");
            assert!(record.at >= START && record.at <= context.clock.now(), "{record:?}");
            let by_admin = matches!(
                kind,
                EventKind::AccountDisabled | EventKind::AccountEnabled | EventKind::RoleChanged
            );
            if by_admin {
                assert_eq!(
                    (record.actor_id, record.target_id),
                    (Some(root), Some(ada)),
                    "{record:?}"
                );
            } else if refused {
                // The actor is not authenticated.
                assert_eq!((record.actor_id, record.target_id), (None, Some(ada)), "{record:?}");
            } else {
                assert!(record.actor_id.is_some() && record.target_id.is_some(), "{record:?}");
            }
            assert_eq!(
                record.session_hash.as_ref().map(Vec::len),
                (kind != EventKind::LogInFailed).then_some(32),
                "{record:?}"
            );
            assert_eq!(
                (record.address.as_deref(), record.device.as_deref(), record.request_id.as_deref()),
                (Some("192.0.2.7"), Some("curl"), Some("test")),
                "{record:?}"
            );
        }
        let seen: BTreeSet<&str> = records.iter().map(|record| record.kind.as_str()).collect();
        // These need a hundred sessions, a restored database, a deleted account (see
        // `account_deletion`) or email (see `password_reset` and `email_verification`).
        let rare = [
            EventKind::SessionEvicted,
            EventKind::UnknownTokenGeneration,
            EventKind::AccountDeleted,
            EventKind::PasswordReset,
            EventKind::ActivityReported,
            EventKind::EmailVerified,
            EventKind::EmailChangeRequested,
            EventKind::EmailChangeCancelled,
            EventKind::EmailChangePasswordFailed,
            EventKind::EmailChanged,
            EventKind::EmailRestored,
        ];
        let expected: BTreeSet<&str> = EventKind::ALL
            .iter()
            .filter(|kind| !rare.contains(kind))
            .map(|kind| kind.as_str())
            .collect();
        assert_eq!(seen, expected);
    }

    async fn failed_operations_are_not_recorded_as_done(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        let me = signed_in(&context.auth, &ada).await;
        me.revoke_session(SessionId(uuid::Uuid::nil())).await.expect_err("no such session");
        context
            .auth
            .sign_up(
                &client(),
                &SignUpForm {
                    email: ADA.into(),
                    password: PASSWORD.into(),
                    ..SignUpForm::default()
                },
                None,
            )
            .await
            .map(tokens_of)
            .expect_err("taken");
        let records = context
            .store
            .read()
            .await
            .expect("a connection")
            .event_records()
            .await
            .expect("records");
        assert_eq!(
            records.iter().map(|record| record.kind.as_str()).collect::<Vec<_>>(),
            ["signed_up"]
        );
    }
}

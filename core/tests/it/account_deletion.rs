//! Data export and account deletion: requested with the password, cancellable until the deletion
//! date, effective on every node.

use crate::common::{PASSWORD, TestContext, accepts, can_refresh, client, execute, signed_in};
use countersign_core::{
    Error, IssuedTokens, PresentedCredential, RequestContext, admin::AdminAction,
    test_on_each_database, testing::tokens_of,
};
use countersign_types::{
    ActivityFilter, Email, EventKind, Field, FieldError, TimeSpan,
    forms::{CurrentPasswordForm, LogInForm, SignUpForm, UpdateProfileForm},
    views::{Account, DELETION_GRACE_PERIOD, Role},
};

const ADA: &str = "ada@example.com";

async fn request_deletion(
    context: &TestContext,
    issued: &IssuedTokens,
    password: &str,
) -> Result<Account, Error> {
    let form = CurrentPasswordForm { current_password: password.into() };
    signed_in(context, issued).await.delete_account(&form).await
}

async fn event_kinds(context: &TestContext, issued: &IssuedTokens) -> Vec<EventKind> {
    signed_in(context, issued)
        .await
        .activity(ActivityFilter::All, 100, None)
        .await
        .expect("a list")
        .items
        .into_iter()
        .map(|event| event.kind)
        .collect()
}

/// Advances the clock and runs maintenance.
async fn advance(context: &TestContext, span: TimeSpan) {
    context.clock.advance(span);
    context.auth.run_maintenance(true).await.expect("maintenance");
}

test_on_each_database! {
    async fn account_and_its_data_are_deleted_after_14_days(context: TestContext) {
        let (ada, phone, bob) = (
            context.sign_up(ADA).await,
            context.log_in(ADA).await,
            context.sign_up("bob@example.com").await,
        );
        let account = request_deletion(&context, &phone, PASSWORD).await.expect("requested");
        assert_eq!(
            account.deletion_scheduled_at,
            Some(context.clock.now() + DELETION_GRACE_PERIOD)
        );
        assert!(
            !accepts(&context.auth, &ada.access.token).await,
            "the other sessions are revoked at once"
        );
        assert!(
            accepts(&context.auth, &phone.access.token).await,
            "the current session stays active"
        );

        advance(&context, TimeSpan(DELETION_GRACE_PERIOD.0 - TimeSpan::minutes(2).0)).await;
        let last = context.log_in(ADA).await;
        assert_eq!(
            last.account.deletion_scheduled_at, account.deletion_scheduled_at,
            "the date is shown after log-in"
        );
        advance(&context, TimeSpan::minutes(2)).await;

        assert!(
            !accepts(&context.auth, &last.access.token).await
                && !can_refresh(&context.auth, &last.refresh.token).await
        );
        let form =
            LogInForm { email: ADA.into(), password: PASSWORD.into(), ..LogInForm::default() };
        assert!(matches!(
            context.auth.log_in(&client(), &form, None).await.map(tokens_of),
            Err(Error::InvalidCredentials)
        ));
        let records =
            context.store.read().await.expect("a reader").event_records().await.expect("events");
        let events_of_ada: Vec<_> =
            records.iter().filter(|record| record.target_id == Some(account.id)).collect();
        assert_eq!(
            events_of_ada.iter().map(|record| record.kind.as_str()).collect::<Vec<_>>(),
            ["account_deleted"],
            "only the event of the deletion is left"
        );
        assert!(events_of_ada[0].address.is_none() && events_of_ada[0].device.is_none());
        assert_eq!(
            event_kinds(&context, &context.log_in("bob@example.com").await).await,
            [EventKind::LoggedIn, EventKind::SignedUp],
            "the data of other users is kept"
        );
        drop(bob);

        let again = context.sign_up(ADA).await;
        assert_ne!(again.account.id, account.id);
        assert_eq!(event_kinds(&context, &again).await, [EventKind::SignedUp]);
    }

    async fn cancelled_deletion_keeps_the_account(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        request_deletion(&context, &ada, PASSWORD).await.expect("requested");
        advance(&context, TimeSpan::days(13)).await;
        let ada = context.log_in(ADA).await;
        assert_eq!(
            signed_in(&context, &ada)
                .await
                .cancel_deletion()
                .await
                .expect("cancelled")
                .deletion_scheduled_at,
            None
        );
        signed_in(&context, &ada).await.cancel_deletion().await.expect("nothing to cancel");
        advance(&context, TimeSpan::days(2)).await;
        let ada = context.log_in(ADA).await;
        let seen = event_kinds(&context, &ada).await;
        assert_eq!(seen[..2], [EventKind::LoggedIn, EventKind::DeletionCancelled]);
        assert_eq!(seen.iter().filter(|kind| **kind == EventKind::DeletionCancelled).count(), 1);
    }

    async fn repeated_deletion_request_keeps_the_date(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        let first = request_deletion(&context, &ada, PASSWORD)
            .await
            .expect("requested")
            .deletion_scheduled_at;
        context.clock.advance(TimeSpan::minutes(5));
        assert_eq!(
            request_deletion(&context, &ada, PASSWORD)
                .await
                .expect("requested again")
                .deletion_scheduled_at,
            first
        );
    }

    async fn deletion_requires_the_password(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        for (password, fault) in [("", FieldError::Missing), ("a wrong one", FieldError::Incorrect)]
        {
            let Err(Error::Invalid(errors)) = request_deletion(&context, &ada, password).await
            else {
                panic!("field errors expected")
            };
            assert_eq!(errors.get(Field::CurrentPassword), Some(fault));
        }
        assert_eq!(
            signed_in(&context, &ada)
                .await
                .account()
                .await
                .expect("an account")
                .deletion_scheduled_at,
            None
        );
        assert_eq!(
            event_kinds(&context, &ada).await,
            [EventKind::DeletionPasswordFailed, EventKind::SignedUp]
        );
    }

    async fn deletion_password_attempts_are_rate_limited(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        let node = context.limiting_node().await;
        let me = node
            .signed_in(&client(), PresentedCredential::Bearer(&ada.access.token))
            .await
            .expect("signed in");
        let form = CurrentPasswordForm { current_password: "a wrong one".into() };
        for _ in 0..5 {
            assert!(matches!(me.delete_account(&form).await, Err(Error::Invalid(_))));
        }
        assert!(matches!(me.delete_account(&form).await, Err(Error::RateLimited { .. })));
    }

    async fn disabling_an_account_cancels_its_deletion(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        request_deletion(&context, &ada, PASSWORD).await.expect("requested");
        let operator = context.auth.operator_for_tests(&client());
        assert_eq!(
            operator
                .change(ada.account.id, AdminAction::Disable)
                .await
                .expect("disabled")
                .deletion_scheduled_at,
            None
        );
        advance(&context, DELETION_GRACE_PERIOD).await;
        operator.change(ada.account.id, AdminAction::Enable).await.expect("enabled");
        advance(&context, TimeSpan::minutes(1)).await;
        assert_eq!(context.log_in(ADA).await.account.deletion_scheduled_at, None);
    }

    async fn admin_deletion_redacts_their_events_of_other_users(context: TestContext) {
        let operator = context.auth.operator_for_tests(&RequestContext::default());
        for email in [ADA, "root@example.com"] {
            operator
                .create(
                    &SignUpForm {
                        email: email.into(),
                        password: PASSWORD.into(),
                        ..SignUpForm::default()
                    },
                    Role::Admin,
                )
                .await
                .expect("an administrator");
        }
        let (root, bob) =
            (context.log_in("root@example.com").await, context.sign_up("bob@example.com").await);
        let me = signed_in(&context, &root).await;
        me.admin()
            .expect("an administrator")
            .change(bob.account.id, AdminAction::Role(Role::Admin))
            .await
            .expect("changed");
        let bob = context.log_in("bob@example.com").await;
        let bob = signed_in(&context, &bob).await;
        let seen = bob.activity(ActivityFilter::All, 100, None).await.expect("a list").items;
        let changed =
            seen.iter().find(|event| event.kind == EventKind::RoleChanged).expect("recorded");
        assert_eq!(
            (&changed.address, &changed.device),
            (&None, &None),
            "the address of an administrator is not shown"
        );
        assert!(
            seen.iter().any(|event| event.kind == EventKind::LoggedIn && event.address.is_some()),
            "the user's own address is shown"
        );

        request_deletion(&context, &root, PASSWORD).await.expect("requested");
        advance(&context, DELETION_GRACE_PERIOD).await;
        let records =
            context.store.read().await.expect("a reader").event_records().await.expect("events");
        let by_root: Vec<_> =
            records.iter().filter(|record| record.actor_id == Some(root.account.id)).collect();
        assert_eq!(
            by_root.iter().map(|record| record.kind.as_str()).collect::<Vec<_>>(),
            ["role_changed"],
            "the event is kept"
        );
        assert!(
            by_root[0].address.is_none()
                && by_root[0].device.is_none()
                && by_root[0].session_hash.is_none()
        );
    }

    async fn failed_log_ins_do_not_block_the_deletion_request(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        let node = context.limiting_node().await;
        let wrong =
            LogInForm { email: ADA.into(), password: "a wrong one".into(), ..LogInForm::default() };
        while !matches!(node.log_in(&client(), &wrong, None).await, Err(Error::RateLimited { .. }))
        {
        }
        let me = node
            .signed_in(&client(), PresentedCredential::Bearer(&ada.access.token))
            .await
            .expect("signed in");
        me.delete_account(&CurrentPasswordForm { current_password: PASSWORD.into() })
            .await
            .expect("requested");
    }

    async fn other_node_rejects_tokens_of_a_deleted_account(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        request_deletion(&context, &ada, PASSWORD).await.expect("requested");
        let node = context.another_node().await;
        context.clock.advance(DELETION_GRACE_PERIOD);
        let ada = context.log_in(ADA).await;
        node.sync_feed().await.expect("synced");
        assert!(accepts(&node, &ada.access.token).await);
        context.auth.run_maintenance(true).await.expect("maintenance");
        node.run_maintenance(true).await.expect("maintenance");
        node.sync_feed().await.expect("synced");
        assert!(
            !accepts(&node, &ada.access.token).await
                && !can_refresh(&node, &ada.refresh.token).await
        );
    }

    async fn last_admin_cannot_request_deletion(context: TestContext) {
        let operator = context.auth.operator_for_tests(&client());
        let form = |email: &str| SignUpForm {
            email: email.into(),
            password: PASSWORD.into(),
            ..SignUpForm::default()
        };
        operator.create(&form(ADA), Role::Admin).await.expect("an administrator");
        let ada = context.log_in(ADA).await;
        assert!(matches!(request_deletion(&context, &ada, PASSWORD).await, Err(Error::LastAdmin)));
        assert_eq!(
            signed_in(&context, &ada)
                .await
                .account()
                .await
                .expect("an account")
                .deletion_scheduled_at,
            None
        );

        operator.create(&form("bob@example.com"), Role::Admin).await.expect("an administrator");
        let bob = operator
            .user_by_email(&Email::parse("bob@example.com").expect("an address"))
            .await
            .expect("a user");
        request_deletion(&context, &ada, PASSWORD).await.expect("another administrator is left");
        // An administrator with a scheduled deletion does not count.
        let me = signed_in(&context, &ada).await;
        assert!(matches!(
            me.admin().expect("an administrator").change(bob.id, AdminAction::Disable).await,
            Err(Error::LastAdmin)
        ));
        signed_in(&context, &ada).await.cancel_deletion().await.expect("cancelled");
        signed_in(&context, &ada)
            .await
            .admin()
            .expect("an administrator")
            .change(bob.id, AdminAction::Disable)
            .await
            .expect("another administrator is left");
    }

    async fn last_admin_with_another_role_is_protected(context: TestContext) {
        const AUDITORS: &str =
            "INSERT INTO csgn_user_roles (user_id, role) SELECT id, 'auditor' FROM csgn_users";
        let operator = context.auth.operator_for_tests(&client());
        for email in [ADA, "bob@example.com"] {
            let form = SignUpForm {
                email: email.into(),
                password: PASSWORD.into(),
                ..SignUpForm::default()
            };
            operator.create(&form, Role::Admin).await.expect("an administrator");
        }
        // A role that a newer version has granted: the name is unknown to this one.
        execute(&context, AUDITORS).await;
        let (ada, bob) = (context.log_in(ADA).await, context.log_in("bob@example.com").await);
        assert_eq!(ada.account.roles, [Role::User, Role::Admin]);
        let me = signed_in(&context, &ada).await;
        let admin = me.admin().expect("an administrator");
        let demote = AdminAction::Role(Role::User);
        admin.change(bob.account.id, demote).await.expect("another administrator is left");
        // Bob's other role does not count.
        for change in [demote, AdminAction::Disable] {
            let refused = admin.change(ada.account.id, change).await;
            assert!(matches!(refused, Err(Error::LastAdmin)), "{change:?}");
        }
        assert!(matches!(request_deletion(&context, &ada, PASSWORD).await, Err(Error::LastAdmin)));
        assert!(accepts(&context.auth, &ada.access.token).await, "nothing has changed");

        let demoted = operator.change(ada.account.id, demote).await.expect("by the operator");
        assert_eq!(demoted.roles, [Role::User]);
        let mut reader = context.store.read().await.expect("a connection");
        assert_eq!(reader.count_rows("csgn_user_roles").await.expect("a count"), 2, "auditors");
    }

    async fn data_export_contains_all_data_but_the_password(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        context.clock.advance(TimeSpan::minutes(1));
        let phone = context.log_in(ADA).await;
        signed_in(&context, &ada)
            .await
            .update_display_name(&UpdateProfileForm { name: "Ada Lovelace".into() })
            .await
            .expect("renamed");
        context
            .auth
            .log_out(&client(), PresentedCredential::Bearer(&phone.access.token))
            .await
            .expect("logged out");
        let ada_signed_in = signed_in(&context, &ada).await;
        let (export, older) =
            ada_signed_in.fresh().expect("fresh").export_data().await.expect("an export");
        assert!(older.is_none());
        assert_eq!(
            (export.account.email.as_str(), export.account.name.as_deref()),
            (ADA, Some("Ada Lovelace"))
        );
        assert_eq!(
            (export.as_of, export.last_login_at),
            (context.clock.now(), Some(context.clock.now()))
        );
        assert_eq!(
            export.sessions.iter().map(|session| session.ended_at.is_some()).collect::<Vec<_>>(),
            [true, false],
            "ended sessions are included"
        );
        let kinds: Vec<_> = export.activity.iter().map(|event| event.kind).collect();
        assert_eq!(
            kinds,
            [
                EventKind::LoggedOut,
                EventKind::NameChanged,
                EventKind::LoggedIn,
                EventKind::SignedUp
            ]
        );
        assert_eq!(export.next_cursor, None);
    }
}

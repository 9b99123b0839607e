//! Invitations to sign up.

use crate::{
    common::{ISSUER, PASSWORD, TestContext, client, signed_in},
    mail_node::{Node, code, is_expired, kinds, pending, signed_in_to, token},
};
use countersign_core::{
    Auth, Error, IssuedTokens, LimitedAction, Policy, RateLimit, RateLimits, SignUpPolicy,
    Verification, accounts::LogInStep, admin::AdminAction, invitations::MAX_OPEN_INVITATIONS,
    one_time_links::LinkPurpose, store::Seed, test_on_each_database, testing::tokens_of,
};
use countersign_types::{
    ActivityFilter, Email, EventKind, Field, FieldError, LinkId, TimeSpan, UserId,
    forms::SignUpForm,
    views::{NewInvitation, Role},
};
use futures::future::join_all;
use uuid::Uuid;

const ADA: &str = "ada@example.com";
const EVE: &str = "eve@example.com";

/// Starts a node on which only people with an invitation can sign up.
async fn inviting(context: &TestContext, verification: Verification) -> Node {
    let (limits, sign_ups) = (RateLimits::off(), SignUpPolicy::Invited);
    let policy = Policy { limits, verification, sign_ups, ..Policy::new(ISSUER) };
    Node::with_policy(context, policy).await
}

async fn invite(auth: &Auth, email: &str) -> Result<NewInvitation, Error> {
    auth.operator_for_tests(&client()).invite(&Email::parse(email).expect("an address")).await
}

/// Returns the token in the link for the administrator.
fn passed(invitation: &NewInvitation) -> String {
    let token = invitation.link.strip_prefix(&format!("{ISSUER}/link?token="));
    token.expect("a link").to_owned()
}

async fn accept(auth: &Auth, email: &str, token: &str) -> Result<LogInStep, Error> {
    let form = SignUpForm {
        email: email.into(),
        password: PASSWORD.into(),
        link_token: token.into(),
        ..SignUpForm::default()
    };
    auth.sign_up(&client(), &form, None).await
}

async fn open_addresses(auth: &Auth) -> Vec<String> {
    let list = auth.operator_for_tests(&client()).invitations(100, None).await.expect("a list");
    list.items.into_iter().map(|invitation| invitation.email).collect()
}

async fn has_account(context: &TestContext, email: &str) -> bool {
    let mut reader = context.store.read().await.expect("a connection");
    reader.user_by_email(email).await.expect("a result").is_some()
}

/// Signs up an administrator.
async fn create_admin(context: &TestContext) -> IssuedTokens {
    let root = context.sign_up("root@example.com").await;
    let operator = context.auth.operator_for_tests(&client());
    operator.change(root.account.id, AdminAction::Role(Role::Admin)).await.expect("a change");
    context.log_in("root@example.com").await
}

test_on_each_database! {
    async fn emailed_invitation_creates_a_verified_account(context: TestContext) {
        let node = inviting(&context, Verification::Required).await;
        let invitation = invite(&node.auth, "Ada@Example.com").await.expect("an invitation");
        assert!(invitation.email_sent);
        let mail = node.sent_one().await;
        assert_eq!(
            (&*mail.to, &*mail.subject),
            ("Ada@Example.com", "You're invited to Countersign")
        );
        let link = node.auth.read_invitation(&token(&mail)).await.expect("a valid link");
        assert_eq!((link.id, &*link.email), (invitation.invitation.id, "Ada@Example.com"));
        let issued = tokens_of(accept(&node.auth, ADA, &token(&mail)).await.expect("a sign-up"));
        assert!(issued.is_sign_up && issued.account.email_verified);
        assert_eq!(issued.account.email, "Ada@Example.com", "as the email was sent to it");
        assert_eq!(kinds(&node, &issued).await, [EventKind::SignedUp]);
        assert!(node.sent().await.is_empty(), "no second email verifies the address");
        assert!(is_expired(&accept(&node.auth, ADA, &token(&mail)).await));
        assert!(is_expired(&accept(&node.auth, ADA, &passed(&invitation)).await));
    }

    async fn shared_invitation_verifies_no_address(context: TestContext) {
        let node = inviting(&context, Verification::Required).await;
        let invitation = invite(&node.auth, ADA).await.expect("an invitation");
        let mail = node.sent_one().await;
        let id = pending(accept(&node.auth, ADA, &passed(&invitation)).await);
        assert!(is_expired(&accept(&node.auth, ADA, &token(&mail)).await), "one of the two");
        assert!(has_account(&context, ADA).await);
        let mail = node.sent_one().await;
        let issued = node.complete(id, &code(&mail)).await.expect("a session");
        assert!(issued.account.email_verified);
        assert_eq!(
            kinds(&node, &issued).await,
            [EventKind::LoggedIn, EventKind::EmailVerified, EventKind::SignedUp]
        );

        let node = inviting(&context, Verification::Optional).await;
        let invitation = invite(&node.auth, EVE).await.expect("an invitation");
        node.sent().await;
        let issued = accept(&node.auth, EVE, &passed(&invitation)).await.expect("a sign-up");
        assert!(!tokens_of(issued).account.email_verified);
        assert_eq!(node.sent().await.len(), 1, "an email asks for it");
    }

    async fn invitation_works_without_email_and_with_open_sign_up(context: TestContext) {
        let invitation = invite(&context.auth, ADA).await.expect("an invitation");
        assert!(!invitation.email_sent);
        let issued = accept(&context.auth, ADA, &passed(&invitation)).await.expect("a sign-up");
        assert!(!tokens_of(issued).account.email_verified);
        context.sign_up(EVE).await;
    }

    async fn sign_up_without_invitation_is_refused_for_every_address(context: TestContext) {
        context.sign_up(ADA).await;
        let open = Node::required(&context).await;
        let (id, mail) = open.begin("bob@example.com", PASSWORD).await;
        let node = inviting(&context, Verification::Required).await;
        invite(&node.auth, EVE).await.expect("an invitation");
        for email in [ADA, EVE, "new@example.com"] {
            let refused = accept(&node.auth, email, "").await;
            assert!(matches!(refused, Err(Error::InvitationRequired)), "{email}: {refused:?}");
        }
        // The sign-up may be from before.
        let refused = node.complete(id, &code(&mail)).await.map(drop);
        assert!(matches!(refused, Err(Error::InvitationRequired)), "{refused:?}");
        let refused = node.choose_password(&mail, PASSWORD).await.map(drop);
        assert!(matches!(refused, Err(Error::InvitationRequired)), "{refused:?}");
    }

    async fn invitation_for_another_address_is_refused_by_name(context: TestContext) {
        let node = inviting(&context, Verification::Required).await;
        let token = passed(&invite(&node.auth, ADA).await.expect("an invitation"));
        let Err(Error::Invalid(errors)) = accept(&node.auth, EVE, &token).await else {
            panic!("the address is not invited")
        };
        assert_eq!(errors.get(Field::Email), Some(FieldError::NotInvited));
        assert_eq!(open_addresses(&node.auth).await, [ADA], "it was not used");
    }

    async fn newer_invitation_replaces_older(context: TestContext) {
        let node = inviting(&context, Verification::Off).await;
        let older = invite(&node.auth, ADA).await.expect("an invitation");
        let newer = invite(&node.auth, "ADA@example.com").await.expect("an invitation");
        assert_eq!(open_addresses(&node.auth).await, ["ADA@example.com"]);
        assert_eq!(node.sent().await.len(), 1, "the older email is not sent any more");
        assert!(is_expired(&accept(&node.auth, ADA, &passed(&older)).await));
        let _ = accept(&node.auth, ADA, &passed(&newer)).await.expect("a sign-up");
    }

    async fn concurrent_invitations_of_one_address_leave_one_open(context: TestContext) {
        let node = inviting(&context, Verification::Off).await;
        let invitations = join_all((0..8).map(|_| invite(&node.auth, ADA))).await;
        assert!(invitations.iter().all(Result::is_ok), "{invitations:?}");
        assert_eq!(open_addresses(&node.auth).await.len(), 1);
    }

    async fn concurrent_sign_ups_with_one_invitation_create_one_account(context: TestContext) {
        let node = inviting(&context, Verification::Off).await;
        let invitation = invite(&node.auth, ADA).await.expect("an invitation");
        let tokens = [passed(&invitation), token(&node.sent_one().await)];
        let sign_ups = (0..10).map(|n| {
            let (auth, token) = (node.auth.clone(), tokens[n % 2].clone());
            tokio::spawn(async move { accept(&auth, ADA, &token).await })
        });
        let mut accepted = 0;
        for result in join_all(sign_ups).await {
            match result.expect("a task") {
                Ok(_) => accepted += 1,
                Err(Error::LinkExpired | Error::EmailTaken) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(accepted, 1);
        let accounts = context.store.read().await.expect("a connection");
        let accounts = { accounts }.count_rows("csgn_users").await.expect("a number");
        assert_eq!(accounts, 1);
    }

    async fn expired_and_revoked_invitations_are_refused(context: TestContext) {
        let node = inviting(&context, Verification::Off).await;
        let ttl = LinkPurpose::Invitation.ttl();
        assert_eq!(ttl, TimeSpan::days(7));
        let expired = invite(&node.auth, ADA).await.expect("an invitation");
        context.clock.advance(TimeSpan(ttl.0 - 1));
        node.auth.read_invitation(&passed(&expired)).await.expect("a valid link");
        context.clock.advance(TimeSpan(1));
        let revoked = invite(&node.auth, EVE).await.expect("an invitation");
        let operator = node.auth.operator_for_tests(&client());
        operator.revoke_invitation(revoked.invitation.id).await.expect("a revocation");
        for id in [revoked.invitation.id, expired.invitation.id, LinkId(Uuid::nil())] {
            assert!(matches!(operator.revoke_invitation(id).await, Err(Error::NotFound)));
        }
        assert!(open_addresses(&node.auth).await.is_empty());
        for (email, invitation) in [(ADA, &expired), (EVE, &revoked)] {
            assert!(is_expired(&accept(&node.auth, email, &passed(invitation)).await));
            assert!(is_expired(&node.auth.read_invitation(&passed(invitation)).await));
        }
        // The email that waited for the revoked invitation is not sent; sending the one of the
        // other begins its lifetime.
        let sent: Vec<_> = node.sent().await.into_iter().map(|mail| mail.to).collect();
        assert_eq!(sent, [ADA]);
    }

    async fn expired_invitations_are_deleted(context: TestContext) {
        invite(&context.auth, ADA).await.expect("an invitation");
        let rows = async || {
            let mut reader = context.store.read().await.expect("a connection");
            reader.count_rows("csgn_one_time_links").await.expect("a number")
        };
        context.clock.advance(TimeSpan::days(9));
        context.auth.run_retention().await.expect("a round");
        assert_eq!(rows().await, 1, "retained for two days");
        context.clock.advance(TimeSpan(1));
        context.auth.run_retention().await.expect("a round");
        assert_eq!(rows().await, 0);
    }

    async fn address_with_account_cannot_be_invited(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        assert!(matches!(invite(&context.auth, "Ada@example.com").await, Err(Error::EmailTaken)));
        let operator = context.auth.operator_for_tests(&client());
        operator.change(ada.account.id, AdminAction::Disable).await.expect("a change");
        assert!(matches!(invite(&context.auth, ADA).await, Err(Error::EmailTaken)));
        // An account that was created in another way makes the invitation useless.
        let invitation = invite(&context.auth, EVE).await.expect("an invitation");
        context.sign_up(EVE).await;
        assert!(open_addresses(&context.auth).await.is_empty());
        let token = passed(&invitation);
        assert!(is_expired(&context.auth.read_invitation(&token).await));
        assert!(matches!(accept(&context.auth, EVE, &token).await, Err(Error::EmailTaken)));
    }

    async fn account_of_invited_address_gets_no_invitation(context: TestContext) {
        let node = Node::optional(&context).await;
        invite(&node.auth, ADA).await.expect("an invitation");
        let _ = node.sign_up(ADA, PASSWORD).await.expect("a sign-up");
        let subjects: Vec<_> =
            node.sent().await.into_iter().map(|mail| mail.subject).collect();
        assert!(subjects.iter().all(|subject| !subject.contains("invited")), "{subjects:?}");
        assert_eq!(subjects.len(), 1);
    }

    async fn open_invitations_are_bounded(context: TestContext) {
        let mut tx = context.store.write().await.expect("a transaction");
        let (no_user, now) = (UserId(Uuid::nil()), context.clock.now());
        tx.seed(Seed::Invitations, no_user, MAX_OPEN_INVITATIONS, now).await.expect("rows");
        tx.commit().await.expect("a commit");
        let refused = invite(&context.auth, ADA).await;
        assert!(matches!(refused, Err(Error::TooManyInvitations)), "{refused:?}");
        invite(&context.auth, "1@example.com").await.expect("it replaces one");
        // Without the invitation, which is then in no list.
        context.sign_up("2@example.com").await;
        invite(&context.auth, "more@example.com").await.expect("an invitation");
        let refused = invite(&context.auth, ADA).await;
        assert!(matches!(refused, Err(Error::TooManyInvitations)), "{refused:?}");
        let operator = context.auth.operator_for_tests(&client());
        let first = operator.invitations(1, None).await.expect("a list").items.remove(0);
        operator.revoke_invitation(first.id).await.expect("a revocation");
        invite(&context.auth, ADA).await.expect("an invitation");
    }

    async fn invitations_to_one_address_are_limited(context: TestContext) {
        let node = Node::start(&context, RateLimits::default()).await;
        invite(&node.auth, ADA).await.expect("an invitation");
        let Err(Error::RateLimited { action, retry_after }) = invite(&node.auth, ADA).await else {
            panic!("the second one at once is refused")
        };
        assert_eq!((action, retry_after), (LimitedAction::RepeatedMail, 30));
        assert_eq!(node.sent().await.len(), 1, "the first one stays valid");
        context.clock.advance(TimeSpan::seconds(30));
        invite(&node.auth, ADA).await.expect("an invitation");
    }

    async fn invitations_of_one_administrator_are_limited(context: TestContext) {
        let root = create_admin(&context).await;
        let mut limits = RateLimits::off();
        let once = RateLimit { burst: 1, period: TimeSpan::seconds(60) };
        limits.set(LimitedAction::Administration, Some(once));
        let auth = context.node_with(limits).await;
        let admin = signed_in_to(&auth, &root).await.expect("signed in").admin().expect("an admin");
        admin.invite(&Email::parse(ADA).expect("an address")).await.expect("an invitation");
        let refused = admin.invite(&Email::parse(EVE).expect("an address")).await.map(drop);
        assert!(matches!(
            refused,
            Err(Error::RateLimited { action: LimitedAction::Administration, .. })
        ));
    }

    async fn invitations_are_part_of_the_administrators_activity(context: TestContext) {
        let root = create_admin(&context).await;
        let user = signed_in(&context, &root).await;
        let admin = user.admin().expect("an admin");
        let email = Email::parse(ADA).expect("an address");
        let invitation = admin.invite(&email).await.expect("an invitation");
        admin.revoke_invitation(invitation.invitation.id).await.expect("a revocation");
        let page = user.activity(ActivityFilter::Changes, 2, None).await.expect("events");
        let kinds: Vec<_> = page.items.into_iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [EventKind::InvitationRevoked, EventKind::InvitationCreated]);
    }

    async fn closed_sign_up_accepts_no_invitation(context: TestContext) {
        let invitation = invite(&context.auth, ADA).await.expect("an invitation");
        let closed = Node::closed(&context).await;
        let refused = accept(&closed.auth, ADA, &passed(&invitation)).await.map(drop);
        assert!(matches!(refused, Err(Error::SignUpClosed)), "{refused:?}");
        let refused = closed.auth.read_invitation(&passed(&invitation)).await.map(drop);
        assert!(matches!(refused, Err(Error::SignUpClosed)), "{refused:?}");
        let refused = invite(&closed.auth, EVE).await.map(drop);
        assert!(matches!(refused, Err(Error::SignUpClosed)), "{refused:?}");
        assert_eq!(open_addresses(&closed.auth).await, [ADA], "it can be revoked");
    }

    async fn setup_token_needs_no_invitation(context: TestContext) {
        let node = inviting(&context, Verification::Required).await;
        let setup = node.auth.issue_setup_token().await.expect("a result").expect("a token");
        let issued = accept(&node.auth, ADA, &setup).await.expect("a sign-up");
        assert!(tokens_of(issued).account.roles.contains(&Role::Admin));
    }

    async fn link_for_another_purpose_is_no_invitation(context: TestContext) {
        let node = Node::required(&context).await;
        let (_, mail) = node.begin(ADA, PASSWORD).await;
        let inviting = inviting(&context, Verification::Required).await;
        for wrong in [&*token(&mail), "csgn_link_", "invitation"] {
            assert!(is_expired(&accept(&inviting.auth, ADA, wrong).await), "{wrong}");
            assert!(is_expired(&inviting.auth.read_invitation(wrong).await), "{wrong}");
        }
        // And the other way round.
        let invitation = invite(&inviting.auth, EVE).await.expect("an invitation");
        let mail = inviting.sent_one().await;
        assert!(is_expired(&node.choose_password(&mail, PASSWORD).await));
        let held = node.auth.read_address_link(&passed(&invitation), None, None).await;
        assert!(is_expired(&held));
    }
}

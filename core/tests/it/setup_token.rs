//! The setup token, which creates the first administrator.

use crate::common::{PASSWORD, TestContext, client};
use countersign_core::{
    Auth, Error, IssuedTokens, PresentedCredential, admin::AdminAction, test_on_each_database,
    testing::tokens_of,
};
use countersign_types::{Email, TimeSpan, forms::SignUpForm, views::Role};

async fn sign_up_with(auth: &Auth, email: &str, setup_token: &str) -> Result<IssuedTokens, Error> {
    let form = SignUpForm {
        email: email.into(),
        password: PASSWORD.into(),
        link_token: setup_token.into(),
        ..SignUpForm::default()
    };
    auth.sign_up(&client(), &form, None).await.map(tokens_of)
}

async fn is_admin(auth: &Auth, issued: &IssuedTokens) -> bool {
    auth.signed_in(&client(), PresentedCredential::Bearer(&issued.access.token))
        .await
        .expect("signed in")
        .admin()
        .is_ok()
}

test_on_each_database! {
    async fn setup_token_creates_one_admin_only(context: TestContext) {
        let setup_token = context
            .auth
            .issue_setup_token()
            .await
            .expect("an answer")
            .expect("no administrator yet");
        let other = context
            .another_node()
            .await
            .issue_setup_token()
            .await
            .expect("an answer")
            .expect("every node issues one");
        let first =
            sign_up_with(&context.auth, "ada@example.com", &setup_token).await.expect("a sign-up");
        assert!(is_admin(&context.auth, &first).await);
        for setup_token in [&setup_token, &other] {
            assert!(matches!(
                sign_up_with(&context.auth, "eve@example.com", setup_token).await,
                Err(Error::LinkExpired)
            ));
        }
        assert!(context.auth.issue_setup_token().await.expect("an answer").is_none());
        // The rejected sign-up has not created a user.
        let eve = sign_up_with(&context.auth, "eve@example.com", "").await.expect("a sign-up");
        assert!(!is_admin(&context.auth, &eve).await);
    }

    async fn concurrent_sign_ups_with_setup_token_create_one_admin(context: TestContext) {
        let setup_token = context
            .auth
            .issue_setup_token()
            .await
            .expect("an answer")
            .expect("no administrator yet");
        let sign_ups: Vec<_> = (0..20)
            .map(|n| {
                let (auth, setup_token) = (context.auth.clone(), setup_token.clone());
                tokio::spawn(async move {
                    sign_up_with(&auth, &format!("ada-{n}@example.com"), &setup_token).await
                })
            })
            .collect();
        let mut admins = 0;
        for sign_up in sign_ups {
            match sign_up.await.expect("a task") {
                Ok(issued) => admins += u32::from(is_admin(&context.auth, &issued).await),
                Err(Error::LinkExpired) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(admins, 1);
    }

    async fn setup_token_expires_after_an_hour_and_is_reissued(context: TestContext) {
        let setup_token = context
            .auth
            .issue_setup_token()
            .await
            .expect("an answer")
            .expect("no administrator yet");
        context.clock.advance(TimeSpan::minutes(60));
        for wrong in [setup_token.as_str(), "csgn_link_", "admin", "1"] {
            assert!(
                matches!(
                    sign_up_with(&context.auth, "ada@example.com", wrong).await,
                    Err(Error::LinkExpired)
                ),
                "{wrong}"
            );
        }
        let again = context
            .auth
            .issue_setup_token()
            .await
            .expect("an answer")
            .expect("no administrator yet");
        assert!(sign_up_with(&context.auth, "ada@example.com", &again).await.is_ok());
    }

    async fn other_tokens_are_rejected_as_setup_token(context: TestContext) {
        let ada = context.sign_up("ada@example.com").await;
        let device = ada.device_cookie.expect("a device cookie");
        for other in
            [&ada.access.token, &ada.refresh.token, &device.token, &ada.session_tag]
        {
            assert!(
                matches!(
                    sign_up_with(&context.auth, "eve@example.com", other).await,
                    Err(Error::LinkExpired)
                ),
                "{other}"
            );
        }
    }

    async fn taken_address_does_not_consume_setup_token(context: TestContext) {
        context.sign_up("ada@example.com").await;
        let setup_token = context
            .auth
            .issue_setup_token()
            .await
            .expect("an answer")
            .expect("no administrator yet");
        assert!(matches!(
            sign_up_with(&context.auth, "ada@example.com", &setup_token).await,
            Err(Error::EmailTaken)
        ));
        assert!(sign_up_with(&context.auth, "eve@example.com", &setup_token).await.is_ok());
    }

    async fn setup_token_is_void_once_operator_made_an_admin(context: TestContext) {
        let setup_token = context
            .auth
            .issue_setup_token()
            .await
            .expect("an answer")
            .expect("no administrator yet");
        context.sign_up("ada@example.com").await;
        let operator = context.auth.operator_for_tests(&client());
        let ada = operator
            .user_by_email(&Email::parse("ada@example.com").expect("an address"))
            .await
            .expect("an account");
        operator.change(ada.id, AdminAction::Role(Role::Admin)).await.expect("a change");
        // Removing the last administrator does not make a new setup token possible.
        operator.change(ada.id, AdminAction::Role(Role::User)).await.expect("a change");
        assert!(context.auth.issue_setup_token().await.expect("an answer").is_none());
        assert!(matches!(
            sign_up_with(&context.auth, "eve@example.com", &setup_token).await,
            Err(Error::LinkExpired)
        ));
    }
}

//! Step-up authentication: fresh for ten minutes after the password was entered, on one session.

use crate::common::{PASSWORD, TestContext, client, signed_in};
use countersign_core::{Error, IssuedTokens, PresentedCredential, SignedIn, test_on_each_database};
use countersign_types::{
    ActivityFilter, EventKind, FRESH_PERIOD, Field, FieldError, TimeSpan,
    forms::{ChangePasswordForm, CurrentPasswordForm},
};

const ADA: &str = "ada@example.com";

async fn with_cookie<'a>(context: &'a TestContext, issued: &IssuedTokens) -> SignedIn<'a> {
    let token = PresentedCredential::Cookie(&issued.refresh.token);
    context.auth.signed_in(&client(), token).await.expect("signed in")
}

fn is_fresh(user: &SignedIn<'_>) -> bool {
    match user.fresh() {
        Ok(_) => true,
        Err(Error::ReauthenticationRequired) => false,
        Err(error) => panic!("{error:?}"),
    }
}

async fn confirm(
    context: &TestContext,
    issued: &IssuedTokens,
    password: &str,
) -> Result<(), Error> {
    let form = CurrentPasswordForm { current_password: password.into() };
    with_cookie(context, issued).await.confirm_password(&form).await
}

async fn newest_event(context: &TestContext, issued: &IssuedTokens) -> EventKind {
    let events = with_cookie(context, issued)
        .await
        .activity(ActivityFilter::All, 1, None)
        .await
        .expect("a list");
    events.items[0].kind
}

test_on_each_database! {
    async fn authentication_is_fresh_for_ten_minutes_despite_refresh(
        context: TestContext,
    ) {
        let ada = context.sign_up(ADA).await;
        context.clock.advance(TimeSpan(FRESH_PERIOD.0 - 1));
        assert!(is_fresh(&with_cookie(&context, &ada).await));
        let ada = context.auth.refresh(&client(), &ada.refresh.token).await.expect("refreshed");
        assert!(is_fresh(&signed_in(&context, &ada).await));
        context.clock.advance(TimeSpan::seconds(1));
        assert!(!is_fresh(&signed_in(&context, &ada).await));
        assert!(!is_fresh(&with_cookie(&context, &ada).await));
    }

    async fn confirmed_password_makes_one_session_fresh(context: TestContext) {
        let (ada, phone) = (context.sign_up(ADA).await, context.log_in(ADA).await);
        context.clock.advance(FRESH_PERIOD);
        let (ada, phone) = (
            context.auth.refresh(&client(), &ada.refresh.token).await.expect("refreshed"),
            context.auth.refresh(&client(), &phone.refresh.token).await.expect("refreshed"),
        );
        confirm(&context, &ada, PASSWORD).await.expect("confirmed");
        assert_eq!(newest_event(&context, &ada).await, EventKind::PasswordConfirmed);
        assert!(is_fresh(&with_cookie(&context, &ada).await), "the session is fresh");
        assert!(!is_fresh(&signed_in(&context, &ada).await), "the token has the previous time");
        assert!(!is_fresh(&with_cookie(&context, &phone).await), "another session");
        let ada = context.auth.refresh(&client(), &ada.refresh.token).await.expect("refreshed");
        assert!(is_fresh(&signed_in(&context, &ada).await), "a token from after it");
        context.clock.advance(FRESH_PERIOD);
        assert!(!is_fresh(&with_cookie(&context, &ada).await));
    }

    async fn wrong_password_is_recorded_and_confirms_nothing(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        context.clock.advance(FRESH_PERIOD);
        for (password, error) in
            [("", FieldError::Missing), ("wrong horse battery", FieldError::Incorrect)]
        {
            let Err(Error::Invalid(errors)) = confirm(&context, &ada, password).await else {
                panic!("{password:?}")
            };
            assert_eq!(errors.0, [(Field::CurrentPassword, error)]);
        }
        assert_eq!(newest_event(&context, &ada).await, EventKind::PasswordConfirmationFailed);
        assert!(!is_fresh(&with_cookie(&context, &ada).await));
    }

    async fn password_changed_elsewhere_is_the_one_to_confirm(context: TestContext) {
        let (ada, phone) = (context.sign_up(ADA).await, context.log_in(ADA).await);
        let form = ChangePasswordForm {
            current_password: PASSWORD.into(),
            new_password: "a quite different one".into(),
        };
        let changed = signed_in(&context, &phone).await.change_password(&form).await;
        let changed = changed.expect("changed");
        context.clock.advance(FRESH_PERIOD);
        assert!(confirm(&context, &changed, PASSWORD).await.is_err(), "the previous one");
        confirm(&context, &changed, "a quite different one").await.expect("the new one");
        let ended = PresentedCredential::Cookie(&ada.refresh.token);
        assert!(
            matches!(
                context.auth.signed_in(&client(), ended).await.map(drop),
                Err(Error::Unauthenticated)
            ),
            "the other session has ended"
        );
    }

    async fn session_that_ends_meanwhile_is_not_confirmed(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        let user = with_cookie(&context, &ada).await;
        let cookie = PresentedCredential::Cookie(&ada.refresh.token);
        context.auth.log_out(&client(), cookie).await.expect("logged out");
        let form = CurrentPasswordForm { current_password: PASSWORD.into() };
        assert!(matches!(
            user.confirm_password(&form).await.map(drop),
            Err(Error::Unauthenticated)
        ));
    }

    async fn clock_that_was_set_back_makes_no_authentication_fresh(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        context.clock.advance(TimeSpan::days(-1));
        assert!(!is_fresh(&with_cookie(&context, &ada).await));
        let ada = context.auth.refresh(&client(), &ada.refresh.token).await.expect("refreshed");
        assert!(!is_fresh(&signed_in(&context, &ada).await), "a refreshed token");
    }
}

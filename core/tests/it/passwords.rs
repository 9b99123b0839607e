//! Stored password hashes: binding to a user, invalid hashes, and Unicode normalization.

use crate::common::{PASSWORD, TestContext, client, execute};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use countersign_core::{
    Error, IssuedTokens, PresentedCredential, sessions::IntrospectedToken, test_on_each_database,
    testing::tokens_of,
};
use countersign_types::{
    Field, FieldError, UserId,
    forms::{ChangePasswordForm, CurrentPasswordForm, LogInForm, SignUpForm},
};

const ADA: &str = "ada@example.com";
const EVE: &str = "eve@example.com";
const COMPOSED: &str = "caf\u{e9} noir at nine";
const DECOMPOSED: &str = "cafe\u{301} noir at nine";

async fn stored_hash(context: &TestContext, id: UserId) -> String {
    let user = context
        .store
        .read()
        .await
        .expect("a connection")
        .user_by_id(id)
        .await
        .expect("an answer")
        .expect("a user");
    user.password_hash.as_deref().expect("a hash").to_owned()
}

async fn log_in(context: &TestContext, email: &str, password: &str) -> Result<IssuedTokens, Error> {
    let form = LogInForm { email: email.into(), password: password.into(), ..LogInForm::default() };
    context.auth.log_in(&client(), &form, None).await.map(tokens_of)
}

/// Returns a hash in the legacy format: not bound to a user, password not normalized.
fn legacy_hash(password: &str, m: u32, t: u32) -> String {
    let argon2 = Argon2::new(
        Algorithm::Argon2id,
        Version::V0x13,
        Params::new(m, t, 1, Some(32)).expect("parameters"),
    );
    argon2
        .hash_password_with_salt(password.as_bytes(), b"somesaltsomesalt")
        .expect("a hash")
        .to_string()
}

test_on_each_database! {
    async fn any_invalid_stored_hash_fails_like_a_wrong_password(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        let valid_hash = stored_hash(&context, ada.account.id).await;
        let (head, tail) = valid_hash.rsplit_once('$').expect("parts");
        let mut values: Vec<String> = [
            "",
            " ",
            "$",
            "$argon2id$",
            "password",
            "{SSHA}AAAA",
            "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
            "$argon2id$v=20$m=64,t=1,p=1$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=4194304,t=1000000,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=4294967295,t=4294967295,p=16777215$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=8,t=4294967295,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA",
        ].map(|text| format!("'{text}'")).into();
        values.extend(
            (0..valid_hash.len()).step_by(7).map(|length| format!("'{}'", &valid_hash[..length])),
        );
        values.extend([
            format!("'{head}${}'", tail.to_uppercase()),
            format!("'{valid_hash}$'"),
            format!("' {valid_hash}'"),
            "NULL".into(),
        ]);
        values.push(format!("'{}'", "A".repeat(1_000_000)));
        if context.database.url.starts_with("sqlite:") {
            // SQLite columns accept values of any type.
            values.extend(
                ["x'00ff80'", "x''", "17", "-1.5e300", "zeroblob(1000000)", "char(0)"]
                    .map(str::to_owned),
            );
        }
        for value in values {
            execute(&context, &format!("UPDATE csgn_users SET password_hash = {value}")).await;
            let shown = &value[..value.len().min(80)];
            assert!(
                matches!(log_in(&context, ADA, PASSWORD).await, Err(Error::InvalidCredentials)),
                "{shown}"
            );
            // A signed-in user gets the error for an incorrect password.
            let user = context
                .auth
                .signed_in(&client(), PresentedCredential::Bearer(&ada.access.token))
                .await
                .expect("signed in");
            let form = ChangePasswordForm {
                current_password: PASSWORD.into(),
                new_password: "torrent of glass".into(),
            };
            let Err(Error::Invalid(errors)) = user.change_password(&form).await else {
                panic!("{shown}")
            };
            assert_eq!(errors.0, [(Field::CurrentPassword, FieldError::Incorrect)], "{shown}");
        }
        execute(&context, &format!("UPDATE csgn_users SET password_hash = '{valid_hash}'")).await;
        log_in(&context, ADA, PASSWORD).await.expect("the hash was the only problem");
    }

    async fn hash_copied_to_another_user_is_rejected(context: TestContext) {
        let eve = (context.sign_up(ADA).await, context.sign_up(EVE).await).1;
        execute(
            &context,
            &format!(
                "UPDATE csgn_users SET password_hash = '{}'",
                stored_hash(&context, eve.account.id).await
            ),
        )
        .await;
        assert!(
            matches!(log_in(&context, ADA, PASSWORD).await, Err(Error::InvalidCredentials)),
            "the hash belongs to another user"
        );
        log_in(&context, EVE, PASSWORD).await.expect("a log-in of its user");
    }

    async fn tokens_of_session_moved_to_another_user_are_rejected(context: TestContext) {
        let (ada, eve) = (context.sign_up(ADA).await, context.sign_up(EVE).await);
        let session_of_ada = context
            .auth
            .signed_in(&client(), PresentedCredential::Bearer(&ada.access.token))
            .await
            .expect("signed in")
            .session();
        let session_of_eve = context
            .auth
            .signed_in(&client(), PresentedCredential::Bearer(&eve.access.token))
            .await
            .expect("signed in")
            .session();
        let token = &eve.refresh.token;
        assert!(matches!(
            context.auth.introspect(token).await,
            Ok(Some(IntrospectedToken::Refresh(_)))
        ));
        // The session is assigned to the other user.
        let mut tx = context.store.write().await.expect("a transaction");
        tx.session_set_user(session_of_eve, ada.account.id).await.expect("moved");
        tx.commit().await.expect("a commit");
        assert!(matches!(
            context.auth.refresh(&client(), token).await,
            Err(Error::Unauthenticated)
        ));
        assert!(matches!(
            context.auth.signed_in(&client(), PresentedCredential::Cookie(token)).await,
            Err(Error::Unauthenticated)
        ));
        assert!(matches!(context.auth.introspect(token).await, Ok(None)));
        context
            .auth
            .log_out(&client(), PresentedCredential::Cookie(token))
            .await
            .expect("a log-out without effect");
        let row = context
            .store
            .read()
            .await
            .expect("a connection")
            .session_with_user(session_of_eve, context.clock.now())
            .await
            .expect("an answer")
            .expect("a session");
        assert_eq!(row.session.revoked_at, None, "the session of the other user stays active");
        assert_eq!(row.session.generation, 1, "and is not rotated");
        assert_ne!(session_of_ada, session_of_eve);
        context.auth.refresh(&client(), &ada.refresh.token).await.expect("refreshed");
    }

    async fn legacy_hash_is_bound_to_its_user_at_next_log_in(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        for (m, t) in [(64, 1), (32, 1), (128, 2)] {
            execute(
                &context,
                &format!("UPDATE csgn_users SET password_hash = '{}'", legacy_hash(PASSWORD, m, t)),
            )
            .await;
            assert!(matches!(
                log_in(&context, ADA, "wrong horse battery").await,
                Err(Error::InvalidCredentials)
            ));
            assert!(!stored_hash(&context, ada.account.id).await.contains("keyid"));
            log_in(&context, ADA, PASSWORD).await.expect("a log-in");
            assert!(
                stored_hash(&context, ada.account.id)
                    .await
                    .starts_with("$argon2id$v=19$m=64,t=1,p=1,keyid=dXNlcg$")
            );
            log_in(&context, ADA, PASSWORD).await.expect("a log-in with the new hash");
        }
    }

    async fn password_matches_in_any_unicode_normalization(context: TestContext) {
        for (email, stored_form, typed) in
            [(ADA, COMPOSED, DECOMPOSED), (EVE, DECOMPOSED, COMPOSED)]
        {
            let form = SignUpForm {
                email: email.into(),
                password: stored_form.into(),
                ..SignUpForm::default()
            };
            let issued = context.auth.sign_up(&client(), &form, None).await
                .map(tokens_of)
                .expect("a sign-up");
            log_in(&context, email, typed).await.expect("the same password");
            let change = ChangePasswordForm {
                current_password: typed.into(),
                new_password: typed.replace("nine", "ten"),
            };
            let user = context
                .auth
                .signed_in(&client(), PresentedCredential::Bearer(&issued.access.token))
                .await
                .expect("signed in");
            user.change_password(&change).await.expect("changed");
            let typed = stored_form.replace("nine", "ten").replace(' ', "\u{a0}");
            let issued = log_in(&context, email, &typed).await.expect("the same password");
            let user = context
                .auth
                .signed_in(&client(), PresentedCredential::Bearer(&issued.access.token))
                .await
                .expect("signed in");
            user
                .delete_account(&CurrentPasswordForm { current_password: typed })
                .await
                .expect("requested");
        }
    }

    async fn legacy_unnormalized_hash_is_replaced_at_log_in(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        execute(
            &context,
            &format!("UPDATE csgn_users SET password_hash = '{}'", legacy_hash(DECOMPOSED, 64, 1)),
        )
        .await;
        assert!(
            matches!(log_in(&context, ADA, COMPOSED).await, Err(Error::InvalidCredentials)),
            "the legacy hash matches one form only"
        );
        log_in(&context, ADA, DECOMPOSED).await.expect("the same form");
        assert!(stored_hash(&context, ada.account.id).await.contains("keyid"));
        log_in(&context, ADA, COMPOSED).await.expect("any form after the upgrade");
    }
}

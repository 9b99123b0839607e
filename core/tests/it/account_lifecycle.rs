//! Sign-up, log-in, the account, the activity list and log-out.

use crate::common::{PASSWORD, TestContext, client};
use countersign_core::{
    Auth, Error, HashingConfig, PresentedCredential, RandomSource,
    accounts::store::VerifiedCredentials, passwords::hasher::PasswordHasher,
    store::change_feed::Change, test_on_each_database, testing::TestDatabase, testing::tokens_of,
};
use countersign_types::{
    ActivityFilter, EventKind, Field, FieldError, TimeSpan,
    forms::{LogInForm, SignUpForm, UpdateProfileForm},
};

async fn log_in(auth: &Auth, email: &str, password: &str) -> Result<(), Error> {
    auth.log_in(
        &client(),
        &LogInForm { email: email.into(), password: password.into(), ..LogInForm::default() },
        None,
    )
    .await
    .map(tokens_of)
    .map(drop)
}

async fn event_kinds(auth: &Auth, token: &str) -> Vec<EventKind> {
    let me =
        auth.signed_in(&client(), PresentedCredential::Bearer(token)).await.expect("signed in");
    me.activity(ActivityFilter::All, 100, None)
        .await
        .expect("a list")
        .items
        .iter()
        .map(|event| event.kind)
        .collect()
}

test_on_each_database! {
    async fn sign_up_signs_in(context: TestContext) {
        let form = SignUpForm {
            name: " Ada ".into(),
            email: "Ada@Example.com".into(),
            password: PASSWORD.into(),
            ..SignUpForm::default()
        };
        let issued = context.auth.sign_up(&client(), &form, None).await
            .map(tokens_of)
            .expect("a sign-up");
        for presented in [
            PresentedCredential::Bearer(&issued.access.token),
            PresentedCredential::Cookie(&issued.refresh.token),
        ] {
            let account = context
                .auth
                .signed_in(&client(), presented)
                .await
                .expect("signed in")
                .account()
                .await
                .expect("an account");
            assert_eq!(
                (account.email.as_str(), account.name.as_deref()),
                ("Ada@Example.com", Some("Ada"))
            );
            assert_eq!(account, issued.account);
        }
        assert_eq!(issued.refresh.max_age, Some(90 * 24 * 3600));
        assert!((570..=600).contains(&issued.access.expires_in), "{}", issued.access.expires_in);
    }

    async fn spellings_of_one_address_share_one_account(context: TestContext) {
        context.sign_up("alice@x.example").await;
        for email in ["Alice@X.example", " alice@x.example ", "ALICE@x.EXAMPLE"] {
            let form = SignUpForm {
                email: email.into(),
                password: PASSWORD.into(),
                ..SignUpForm::default()
            };
            assert!(
                matches!(
                    context.auth.sign_up(&client(), &form, None).await.map(tokens_of),
                    Err(Error::EmailTaken)
                ),
                "{email}"
            );
            log_in(&context.auth, email, PASSWORD).await.expect("a log-in");
        }
    }

    async fn concurrent_sign_ups_with_one_address_create_one_user(context: TestContext) {
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let auth = context.auth.clone();
                tokio::spawn(async move {
                    auth.sign_up(
                        &client(),
                        &SignUpForm {
                            email: "ada@example.com".into(),
                            password: PASSWORD.into(),
                            ..SignUpForm::default()
                        },
                        None,
                    )
                    .await
                    .map(tokens_of)
                })
            })
            .collect();
        let mut done = 0;
        for task in tasks {
            match task.await.expect("a task") {
                Ok(_) => done += 1,
                Err(Error::EmailTaken) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(done, 1);
    }

    async fn wrong_password_and_unknown_user_give_the_same_error(context: TestContext) {
        context.sign_up("ada@example.com").await;
        for (email, password) in [
            ("ada@example.com", "wrong horse"),
            ("unknown@example.com", PASSWORD),
            ("ada@example.com", "x"),
        ] {
            assert!(
                matches!(
                    log_in(&context.auth, email, password).await,
                    Err(Error::InvalidCredentials)
                ),
                "{email}"
            );
        }
    }

    async fn disabled_account_is_rejected_everywhere(context: TestContext) {
        let issued = context.sign_up("ada@example.com").await;
        let mut tx = context.store.write().await.expect("a transaction");
        tx.user_disable(issued.account.id, context.clock.now()).await.expect("disabled");
        tx.commit().await.expect("a commit");
        assert!(matches!(
            log_in(&context.auth, "ada@example.com", PASSWORD).await,
            Err(Error::InvalidCredentials)
        ));
        assert!(matches!(
            context.auth.refresh(&client(), &issued.refresh.token).await,
            Err(Error::Unauthenticated)
        ));
        assert!(matches!(
            context
                .auth
                .signed_in(&client(), PresentedCredential::Cookie(&issued.refresh.token))
                .await,
            Err(Error::Unauthenticated)
        ));
        let bearer = context
            .auth
            .signed_in(&client(), PresentedCredential::Bearer(&issued.access.token))
            .await
            .expect("accepted until the feed is synced");
        assert!(matches!(bearer.account().await, Err(Error::Unauthenticated)));
        assert!(matches!(
            bearer.update_display_name(&UpdateProfileForm { name: "Eve".into() }).await,
            Err(Error::Unauthenticated)
        ));
    }

    async fn log_in_verified_before_a_change_is_rejected(context: TestContext) {
        let issued = context.sign_up("ada@example.com").await;
        let id = issued.account.id;
        let user = context
            .store
            .read()
            .await
            .expect("a connection")
            .user_by_id(id)
            .await
            .expect("an answer")
            .expect("a user");
        let hash = user.password_hash.expect("a hash");
        let verified = VerifiedCredentials { id, epoch: user.epoch, hash: &hash };
        let now = context.clock.now();
        let is_unchanged = async || {
            let mut tx = context.store.write().await.expect("a transaction");
            tx.user_record_log_in_if_unchanged(verified, &hash, now).await.expect("an answer")
        };
        assert!(is_unchanged().await);
        for change in 0..3 {
            let mut tx = context.store.write().await.expect("a transaction");
            match change {
                0 => drop(tx.user_raise_epoch(id).await.expect("raised")),
                1 => tx.user_set_hash(id, Some("$argon2id$another")).await.expect("changed"),
                _ => drop(tx.user_disable(id, now).await.expect("disabled")),
            }
            tx.commit().await.expect("a commit");
            assert!(!is_unchanged().await, "change {change}");
        }
    }

    async fn epoch_increment_revokes_access_tokens_on_every_node(context: TestContext) {
        let (issued, other) =
            (context.sign_up("ada@example.com").await, context.another_node().await);
        let mut tx = context.store.write().await.expect("a transaction");
        let epoch =
            tx.user_raise_epoch(issued.account.id).await.expect("an answer").expect("raised");
        tx.feed_append(
            &[Change::EpochRaised(issued.account.id, epoch)],
            context.clock.now() + TimeSpan::minutes(60),
        )
        .await
        .expect("an entry");
        tx.commit().await.expect("a commit");
        for node in [&context.auth, &other] {
            node.sync_feed().await.expect("synced");
            assert!(matches!(
                node.signed_in(&client(), PresentedCredential::Bearer(&issued.access.token)).await,
                Err(Error::Unauthenticated)
            ));
        }
        let refreshed = context
            .auth
            .refresh(&client(), &issued.refresh.token)
            .await
            .expect("the session stays active");
        assert!(
            other
                .signed_in(&client(), PresentedCredential::Bearer(&refreshed.access.token))
                .await
                .is_ok()
        );
    }

    async fn weak_hash_is_upgraded_during_concurrent_log_ins(context: TestContext) {
        let issued = context.sign_up("ada@example.com").await;
        let hashing = HashingConfig {
            memory_kib: 32,
            iterations: 1,
            parallelism: 1,
            threads: 1,
            queue_capacity: 8,
        };
        let light = PasswordHasher::start(
            hashing,
            RandomSource::System,
            &context.secret,
            context.auth.background(),
        )
        .expect("threads");
        let slot = light
            .reserve(countersign_core::passwords::hasher::Priority::Anonymous, Vec::new())
            .expect("a slot");
        let weak = light
            .hash(
                countersign_types::Password::for_verification(PASSWORD).expect("a password"),
                issued.account.id,
                slot,
            )
            .await
            .expect("a hash");
        let mut tx = context.store.write().await.expect("a transaction");
        tx.user_set_hash(issued.account.id, Some(&weak)).await.expect("changed");
        tx.commit().await.expect("a commit");
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                tokio::spawn({
                    let auth = context.auth.clone();
                    async move { log_in(&auth, "ada@example.com", PASSWORD).await }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("a task").expect("a log-in");
        }
        let user = context
            .store
            .read()
            .await
            .expect("a connection")
            .user_by_id(issued.account.id)
            .await
            .expect("an answer")
            .expect("a user");
        assert!(
            user.password_hash
                .expect("a hash")
                .starts_with("$argon2id$v=19$m=64,t=1,p=1,keyid=dXNlcg$"),
            "the hash was not upgraded"
        );
    }

    async fn empty_log_in_form_reports_both_fields(context: TestContext) {
        let Err(Error::Invalid(errors)) =
            context.auth.log_in(&client(), &LogInForm::default(), None).await.map(tokens_of)
        else {
            panic!("field errors expected")
        };
        assert_eq!(
            errors.0,
            [(Field::Email, FieldError::Missing), (Field::Password, FieldError::Missing)]
        );
    }

    async fn log_out_revokes_both_tokens_and_is_idempotent(context: TestContext) {
        let issued = context.sign_up("ada@example.com").await;
        context.clock.advance(TimeSpan(1));
        for _ in 0..2 {
            context
                .auth
                .log_out(&client(), PresentedCredential::Bearer(&issued.access.token))
                .await
                .expect("a log-out");
        }
        for presented in [
            PresentedCredential::Bearer(&issued.access.token),
            PresentedCredential::Cookie(&issued.refresh.token),
        ] {
            assert!(
                matches!(
                    context.auth.signed_in(&client(), presented).await,
                    Err(Error::Unauthenticated)
                ),
                "{presented:?}"
            );
        }
        assert!(matches!(
            context.auth.refresh(&client(), &issued.refresh.token).await,
            Err(Error::Unauthenticated)
        ));
        context.clock.advance(TimeSpan(1));
        let again = context.log_in("ada@example.com").await;
        assert_eq!(
            event_kinds(&context.auth, &again.access.token).await,
            [EventKind::LoggedIn, EventKind::LoggedOut, EventKind::SignedUp]
        );
    }

    async fn other_node_rejects_revoked_token_after_feed_sync(context: TestContext) {
        let (issued, other) =
            (context.sign_up("ada@example.com").await, context.another_node().await);
        assert!(
            other
                .signed_in(&client(), PresentedCredential::Bearer(&issued.access.token))
                .await
                .is_ok()
        );
        context
            .auth
            .log_out(&client(), PresentedCredential::Cookie(&issued.refresh.token))
            .await
            .expect("a log-out");
        other.sync_feed().await.expect("synced");
        assert!(matches!(
            other.signed_in(&client(), PresentedCredential::Bearer(&issued.access.token)).await,
            Err(Error::Unauthenticated)
        ));
        // A node that starts later rejects it, too.
        let late = context.another_node().await;
        assert!(matches!(
            late.signed_in(&client(), PresentedCredential::Bearer(&issued.access.token)).await,
            Err(Error::Unauthenticated)
        ));
    }

    async fn log_in_revokes_the_session_it_replaces(context: TestContext) {
        let first = context.sign_up("ada@example.com").await;
        let form = LogInForm {
            email: "ada@example.com".into(),
            password: PASSWORD.into(),
            ..LogInForm::default()
        };
        let second = context
            .auth
            .log_in(&client(), &form, Some(&first.refresh.token))
            .await
            .map(tokens_of)
            .expect("a log-in");
        assert_ne!(first.session_tag, second.session_tag);
        assert!(matches!(
            context
                .auth
                .signed_in(&client(), PresentedCredential::Bearer(&first.access.token))
                .await,
            Err(Error::Unauthenticated)
        ));
        assert!(
            context
                .auth
                .signed_in(&client(), PresentedCredential::Bearer(&second.access.token))
                .await
                .is_ok()
        );
        // An invalid token instead of the old one is ignored.
        let third = context
            .auth
            .log_in(&client(), &form, Some("csgn_rt_invented"))
            .await
            .map(tokens_of)
            .expect("a log-in");
        assert!(!third.refresh.token.contains("invented"));
    }

    async fn activity_list_pages_have_no_gaps(context: TestContext) {
        let issued = context.sign_up("ada@example.com").await;
        for _ in 0..11 {
            context.clock.advance(TimeSpan::seconds(1));
            assert!(log_in(&context.auth, "ada@example.com", "wrong horse").await.is_err());
        }
        context.sign_up("bob@example.com").await;
        let me = context
            .auth
            .signed_in(&client(), PresentedCredential::Bearer(&issued.access.token))
            .await
            .expect("signed in");
        let (mut all, mut cursor, mut calls) = (Vec::new(), None, 0);
        loop {
            let page =
                me.activity(ActivityFilter::All, 5, cursor.as_deref()).await.expect("a page");
            all.extend(page.items);
            calls += 1;
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((all.len(), calls), (12, 3), "without the events of the other user");
        assert!(all.windows(2).all(|pair| pair[0].id > pair[1].id && pair[0].at >= pair[1].at));
        assert_eq!(all[0].kind, EventKind::LogInFailed);
        assert_eq!(
            (all[0].device.as_deref(), all[0].address.as_deref()),
            (Some("curl"), Some("192.0.2.7"))
        );
        for cursor in ["", "x", "AAAA", "' OR 1=1 --"] {
            let page = me.activity(ActivityFilter::All, 5, Some(cursor)).await;
            assert!(matches!(page, Err(Error::InvalidCursor)), "{cursor:?}");
        }
    }

    async fn audit_events_are_deleted_after_400_days(context: TestContext) {
        context.sign_up("ada@example.com").await;
        context.clock.advance(TimeSpan::days(400));
        context.log_in("ada@example.com").await;
        context.auth.run_maintenance(true).await.expect("maintenance");
        let issued = context.log_in("ada@example.com").await;
        assert_eq!(
            event_kinds(&context.auth, &issued.access.token).await,
            [EventKind::LoggedIn, EventKind::LoggedIn, EventKind::SignedUp],
            "before the retention period ends"
        );
        context.clock.advance(TimeSpan(1));
        context.auth.run_maintenance(true).await.expect("maintenance");
        let issued = context.log_in("ada@example.com").await;
        assert_eq!(
            event_kinds(&context.auth, &issued.access.token).await,
            [EventKind::LoggedIn; 3]
        );
    }

    async fn display_name_is_changed_and_removed(context: TestContext) {
        let issued = context.sign_up("ada@example.com").await;
        context.clock.advance(TimeSpan(1));
        let me = context
            .auth
            .signed_in(&client(), PresentedCredential::Cookie(&issued.refresh.token))
            .await
            .expect("signed in");
        let named = me
            .update_display_name(&UpdateProfileForm { name: " Ada Lovelace ".into() })
            .await
            .expect("renamed");
        assert_eq!(named.name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(
            me.update_display_name(&UpdateProfileForm::default()).await.expect("renamed").name,
            None
        );
        let Err(Error::Invalid(errors)) = me
            .update_display_name(&UpdateProfileForm { name: "a\nb".into() })
            .await
        else {
            panic!("field errors expected")
        };
        assert_eq!(errors.get(Field::Name), Some(FieldError::ControlCharacter));
        assert_eq!(
            event_kinds(&context.auth, &issued.access.token).await,
            [EventKind::NameChanged, EventKind::NameChanged, EventKind::SignedUp]
        );
    }
}

#[tokio::test]
async fn database_files_contain_no_token_or_password() {
    let context = TestContext::on(TestDatabase::sqlite()).await;
    let issued = context.sign_up("ada@example.com").await;
    let refreshed =
        context.auth.refresh(&client(), &issued.refresh.token).await.expect("refreshed");
    let path = context.database.url.strip_prefix("sqlite:").expect("a path");
    let mut bytes = std::fs::read(path).expect("the file");
    bytes.extend(std::fs::read(format!("{path}-wal")).expect("the write-ahead log"));
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("ada@example.com"), "stored data is found");
    for secret in [
        PASSWORD,
        &issued.access.token,
        &issued.refresh.token,
        &refreshed.access.token,
        &refreshed.refresh.token,
        &context.secret.expose(),
    ] {
        assert!(!holds(secret) && !holds(&secret[secret.len() - 12..]));
    }
}

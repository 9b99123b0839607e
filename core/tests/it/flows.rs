//! Sign up, log in, read and change one's own, log out.

use crate::support::{PASSWORD, World, client};
use countersign_core::{
    Auth, Entropy, Error, Hashing, Presented,
    hasher::Hasher,
    on_both,
    store::{feed::News, users::Verified},
    testing::FreshDatabase,
};
use countersign_types::{
    Fault, Field, Span,
    form::{LogIn, Rename, SignUp},
    view::EventKind,
};

async fn log_in(auth: &Auth, email: &str, password: &str) -> Result<(), Error> {
    auth.log_in(
        &client(),
        &LogIn { email: email.into(), password: password.into(), ..LogIn::default() },
        None,
    )
    .await
    .map(drop)
}

async fn kinds(auth: &Auth, token: &str) -> Vec<EventKind> {
    let me = auth.signed_in(&client(), Presented::Bearer(token)).await.expect("signed in");
    me.activity(100, None).await.expect("a list").items.iter().map(|event| event.kind).collect()
}

on_both! {
    async fn who_signs_up_is_signed_in(world: World) {
        let form = SignUp {
            name: " Ada ".into(),
            email: "Ada@Example.com".into(),
            password: PASSWORD.into(),
            next: "/account/activity".into(),
            ..SignUp::default()
        };
        let (next, issued) = world.auth.sign_up(&client(), &form, None).await.expect("a sign-up");
        assert_eq!(next.as_str(), "/account/activity");
        for presented in
            [Presented::Bearer(&issued.access.token), Presented::Cookie(&issued.refresh.token)]
        {
            let account = world
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

    async fn one_mailbox_has_one_account_however_it_is_written(world: World) {
        world.sign_up("alice@x.example").await;
        for email in ["Alice@X.example", " alice@x.example ", "ALICE@x.EXAMPLE"] {
            let form =
                SignUp { email: email.into(), password: PASSWORD.into(), ..SignUp::default() };
            assert!(
                matches!(world.auth.sign_up(&client(), &form, None).await, Err(Error::EmailTaken)),
                "{email}"
            );
            log_in(&world.auth, email, PASSWORD).await.expect("a log-in");
        }
    }

    async fn of_many_sign_ups_at_once_with_one_address_one_succeeds(world: World) {
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let auth = world.auth.clone();
                tokio::spawn(async move {
                    auth.sign_up(
                        &client(),
                        &SignUp {
                            email: "ada@example.com".into(),
                            password: PASSWORD.into(),
                            ..SignUp::default()
                        },
                        None,
                    )
                    .await
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

    async fn wrong_and_unknown_are_the_same_error(world: World) {
        world.sign_up("ada@example.com").await;
        for (email, password) in [
            ("ada@example.com", "wrong horse"),
            ("nobody@example.com", PASSWORD),
            ("ada@example.com", "x"),
        ] {
            assert!(
                matches!(log_in(&world.auth, email, password).await, Err(Error::Credentials)),
                "{email}"
            );
        }
    }

    async fn a_disabled_account_is_let_in_nowhere(world: World) {
        let issued = world.sign_up("ada@example.com").await;
        let mut tx = world.store.write().await.expect("a transaction");
        tx.user_disable(issued.account.id, world.clock.now()).await.expect("disabled");
        tx.commit().await.expect("a commit");
        assert!(matches!(
            log_in(&world.auth, "ada@example.com", PASSWORD).await,
            Err(Error::Credentials)
        ));
        assert!(matches!(
            world.auth.refresh(&client(), &issued.refresh.token).await,
            Err(Error::SignedOut)
        ));
        assert!(matches!(
            world.auth.signed_in(&client(), Presented::Cookie(&issued.refresh.token)).await,
            Err(Error::SignedOut)
        ));
        let bearer = world
            .auth
            .signed_in(&client(), Presented::Bearer(&issued.access.token))
            .await
            .expect("genuine until the feed says otherwise");
        assert!(matches!(bearer.account().await, Err(Error::SignedOut)));
        assert!(matches!(
            bearer.rename(&Rename { name: "Eve".into(), ..Rename::default() }).await,
            Err(Error::SignedOut)
        ));
    }

    async fn nobody_slips_in_with_what_was_verified_before_a_change(world: World) {
        let issued = world.sign_up("ada@example.com").await;
        let id = issued.account.id;
        let user = world
            .store
            .read()
            .await
            .expect("a connection")
            .user_by_id(id)
            .await
            .expect("an answer")
            .expect("a user");
        let hash = user.password_hash.expect("a hash");
        let verified = Verified { id, epoch: user.epoch, hash: &hash };
        let now = world.clock.now();
        let still = async || {
            let mut tx = world.store.write().await.expect("a transaction");
            tx.user_still_verified(verified, &hash, now).await.expect("an answer")
        };
        assert!(still().await);
        for change in 0..3 {
            let mut tx = world.store.write().await.expect("a transaction");
            match change {
                0 => drop(tx.user_raise_epoch(id).await.expect("raised")),
                1 => tx.user_set_hash(id, Some("$argon2id$another")).await.expect("changed"),
                _ => drop(tx.user_disable(id, now).await.expect("disabled")),
            }
            tx.commit().await.expect("a commit");
            assert!(!still().await, "change {change}");
        }
    }

    async fn a_raised_epoch_ends_the_tokens_of_the_old_one_on_every_node(world: World) {
        let (issued, other) = (world.sign_up("ada@example.com").await, world.another_node().await);
        let mut tx = world.store.write().await.expect("a transaction");
        let epoch =
            tx.user_raise_epoch(issued.account.id).await.expect("an answer").expect("raised");
        tx.feed_append(
            &[News::EpochRaised(issued.account.id, epoch)],
            world.clock.now() + Span::minutes(60),
        )
        .await
        .expect("a line");
        tx.commit().await.expect("a commit");
        for node in [&world.auth, &other] {
            node.listen().await.expect("a round");
            assert!(matches!(
                node.signed_in(&client(), Presented::Bearer(&issued.access.token)).await,
                Err(Error::SignedOut)
            ));
        }
        let renewed = world
            .auth
            .refresh(&client(), &issued.refresh.token)
            .await
            .expect("the session goes on");
        assert!(other.signed_in(&client(), Presented::Bearer(&renewed.access.token)).await.is_ok());
    }

    async fn a_hash_of_less_effort_is_replaced_once_and_everybody_gets_in(world: World) {
        let issued = world.sign_up("ada@example.com").await;
        let hashing = Hashing { m: 32, t: 1, p: 1, threads: 1, queue: 8 };
        let light = Hasher::start(hashing, Entropy::System, &world.secret, world.auth.background())
            .expect("threads");
        let place = light.place(countersign_core::hasher::Lane::Strangers, Vec::new()).expect("a place");
        let weak = light
            .hash(
                countersign_types::Password::given(PASSWORD).expect("a password"),
                issued.account.id,
                place,
            )
            .await
            .expect("a hash");
        let mut tx = world.store.write().await.expect("a transaction");
        tx.user_set_hash(issued.account.id, Some(&weak)).await.expect("changed");
        tx.commit().await.expect("a commit");
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                tokio::spawn({
                    let auth = world.auth.clone();
                    async move { log_in(&auth, "ada@example.com", PASSWORD).await }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("a task").expect("a log-in");
        }
        let user = world
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
            "upgraded"
        );
    }

    async fn an_empty_form_names_both_fields(world: World) {
        let Err(Error::Invalid(faults)) =
            world.auth.log_in(&client(), &LogIn::default(), None).await
        else {
            panic!("faults expected")
        };
        assert_eq!(faults.0, [(Field::Email, Fault::Missing), (Field::Password, Fault::Missing)]);
    }

    async fn after_log_out_both_tokens_are_refused_and_leaving_twice_is_no_error(world: World) {
        let issued = world.sign_up("ada@example.com").await;
        world.clock.advance(Span(1));
        for _ in 0..2 {
            world
                .auth
                .log_out(&client(), Presented::Bearer(&issued.access.token))
                .await
                .expect("a log-out");
        }
        for presented in
            [Presented::Bearer(&issued.access.token), Presented::Cookie(&issued.refresh.token)]
        {
            assert!(
                matches!(world.auth.signed_in(&client(), presented).await, Err(Error::SignedOut)),
                "{presented:?}"
            );
        }
        assert!(matches!(
            world.auth.refresh(&client(), &issued.refresh.token).await,
            Err(Error::SignedOut)
        ));
        world.clock.advance(Span(1));
        let again = world.log_in("ada@example.com").await;
        assert_eq!(
            kinds(&world.auth, &again.access.token).await,
            [EventKind::LoggedIn, EventKind::LoggedOut, EventKind::SignedUp]
        );
    }

    async fn another_node_refuses_a_token_as_soon_as_it_has_read_the_feed(world: World) {
        let (issued, other) = (world.sign_up("ada@example.com").await, world.another_node().await);
        assert!(other.signed_in(&client(), Presented::Bearer(&issued.access.token)).await.is_ok());
        world
            .auth
            .log_out(&client(), Presented::Cookie(&issued.refresh.token))
            .await
            .expect("a log-out");
        other.listen().await.expect("a round");
        assert!(matches!(
            other.signed_in(&client(), Presented::Bearer(&issued.access.token)).await,
            Err(Error::SignedOut)
        ));
        // One that starts later knows it, too.
        let late = world.another_node().await;
        assert!(matches!(
            late.signed_in(&client(), Presented::Bearer(&issued.access.token)).await,
            Err(Error::SignedOut)
        ));
    }

    async fn a_log_in_ends_the_session_that_it_replaces(world: World) {
        let first = world.sign_up("ada@example.com").await;
        let form = LogIn {
            email: "ada@example.com".into(),
            password: PASSWORD.into(),
            ..LogIn::default()
        };
        let (_, second) = world
            .auth
            .log_in(&client(), &form, Some(&first.refresh.token))
            .await
            .expect("a log-in");
        assert_ne!(first.account.tag, second.account.tag);
        assert!(matches!(
            world.auth.signed_in(&client(), Presented::Bearer(&first.access.token)).await,
            Err(Error::SignedOut)
        ));
        assert!(
            world.auth.signed_in(&client(), Presented::Bearer(&second.access.token)).await.is_ok()
        );
        // Something invented in its place is no error, and is not adopted.
        let (_, third) =
            world.auth.log_in(&client(), &form, Some("csgn_rt_invented")).await.expect("a log-in");
        assert!(!third.refresh.token.contains("invented"));
    }

    async fn the_activity_list_is_read_in_parts_without_gaps(world: World) {
        let issued = world.sign_up("ada@example.com").await;
        for _ in 0..11 {
            world.clock.advance(Span::seconds(1));
            assert!(log_in(&world.auth, "ada@example.com", "wrong horse").await.is_err());
        }
        world.sign_up("bob@example.com").await;
        let me = world
            .auth
            .signed_in(&client(), Presented::Bearer(&issued.access.token))
            .await
            .expect("signed in");
        let (mut all, mut cursor, mut calls) = (Vec::new(), None, 0);
        loop {
            let page = me.activity(5, cursor.as_deref()).await.expect("a page");
            all.extend(page.items);
            calls += 1;
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((all.len(), calls), (12, 3), "his own are not among them");
        assert!(all.windows(2).all(|pair| pair[0].id > pair[1].id && pair[0].at >= pair[1].at));
        assert_eq!(all[0].kind, EventKind::LogInFailed);
        assert_eq!(
            (all[0].device.as_deref(), all[0].address.as_deref()),
            (Some("curl"), Some("192.0.2.7"))
        );
        for cursor in ["", "x", "AAAA", "' OR 1=1 --"] {
            assert!(matches!(me.activity(5, Some(cursor)).await, Err(Error::Cursor)), "{cursor:?}");
        }
    }

    async fn what_happened_more_than_400_days_ago_is_forgotten(world: World) {
        world.sign_up("ada@example.com").await;
        world.clock.advance(Span::days(400));
        world.log_in("ada@example.com").await;
        world.auth.keep(true).await.expect("kept");
        let issued = world.log_in("ada@example.com").await;
        assert_eq!(
            kinds(&world.auth, &issued.access.token).await,
            [EventKind::LoggedIn, EventKind::LoggedIn, EventKind::SignedUp],
            "not yet"
        );
        world.clock.advance(Span(1));
        world.auth.keep(true).await.expect("kept");
        let issued = world.log_in("ada@example.com").await;
        assert_eq!(kinds(&world.auth, &issued.access.token).await, [EventKind::LoggedIn; 3]);
    }

    async fn a_name_is_changed_and_taken_away(world: World) {
        let issued = world.sign_up("ada@example.com").await;
        world.clock.advance(Span(1));
        let me = world
            .auth
            .signed_in(&client(), Presented::Cookie(&issued.refresh.token))
            .await
            .expect("signed in");
        let named = me
            .rename(&Rename { name: " Ada Lovelace ".into(), ..Rename::default() })
            .await
            .expect("renamed");
        assert_eq!(named.name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(me.rename(&Rename::default()).await.expect("renamed").name, None);
        let Err(Error::Invalid(faults)) =
            me.rename(&Rename { name: "a\nb".into(), ..Rename::default() }).await
        else {
            panic!("a fault expected")
        };
        assert_eq!(faults.of(Field::Name), Some(Fault::Unprintable));
        assert_eq!(
            kinds(&world.auth, &issued.access.token).await,
            [EventKind::NameChanged, EventKind::NameChanged, EventKind::SignedUp]
        );
    }
}

#[tokio::test]
async fn the_files_of_the_database_hold_no_token_and_no_password() {
    let world = World::on(FreshDatabase::sqlite()).await;
    let issued = world.sign_up("ada@example.com").await;
    let renewed = world.auth.refresh(&client(), &issued.refresh.token).await.expect("renewed");
    let path = world.database.url.strip_prefix("sqlite:").expect("a path");
    let mut bytes = std::fs::read(path).expect("the file");
    bytes.extend(std::fs::read(format!("{path}-wal")).expect("its log"));
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("ada@example.com"), "what is stored is found");
    for secret in [
        PASSWORD,
        &issued.access.token,
        &issued.refresh.token,
        &renewed.access.token,
        &renewed.refresh.token,
        &world.secret.expose(),
    ] {
        assert!(!holds(secret) && !holds(&secret[secret.len() - 12..]));
    }
}

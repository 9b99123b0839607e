//! Taking one's data along, and deleting one's account: asked for with the password, taken back
//! until the day, done on that day, at once on every node.

use crate::support::{PASSWORD, World, accepts, client, renews};
use countersign_core::{Client, Error, Issued, Presented, SignedIn, flow::Change, on_both};
use countersign_types::{
    Email, Fault, Field, Span,
    form::{DeleteAccount, LogIn, Rename, SignUp},
    view::{Account, DELETION_GRACE, EventKind, Role},
};

const ADA: &str = "ada@example.com";

async fn signed_in<'a>(world: &'a World, issued: &Issued) -> SignedIn<'a> {
    world
        .auth
        .signed_in(&client(), Presented::Bearer(&issued.access.token))
        .await
        .expect("signed in")
}

async fn ask(world: &World, issued: &Issued, password: &str) -> Result<Account, Error> {
    let form = DeleteAccount { current: password.into(), ..DeleteAccount::default() };
    signed_in(world, issued).await.delete_account(&form).await
}

async fn kinds(world: &World, issued: &Issued) -> Vec<EventKind> {
    signed_in(world, issued)
        .await
        .activity(100, None)
        .await
        .expect("a list")
        .items
        .into_iter()
        .map(|event| event.kind)
        .collect()
}

/// The time passes, with one renewal so that the session lives, and what is due is done.
async fn pass(world: &World, span: Span) {
    world.clock.advance(span);
    world.auth.keep(true).await.expect("kept");
}

on_both! {
    async fn an_account_is_deleted_two_weeks_after_its_owner_asked_with_all_that_is_known_of_it(
        world: World,
    ) {
        let (ada, phone, bob) = (
            world.sign_up(ADA).await,
            world.log_in(ADA).await,
            world.sign_up("bob@example.com").await,
        );
        let account = ask(&world, &phone, PASSWORD).await.expect("asked");
        assert_eq!(account.deletes_at, Some(world.clock.now() + DELETION_GRACE));
        assert!(!accepts(&world.auth, &ada.access.token).await, "the other sessions end at once");
        assert!(accepts(&world.auth, &phone.access.token).await, "this one goes on");

        pass(&world, Span(DELETION_GRACE.0 - Span::minutes(2).0)).await;
        let last = world.log_in(ADA).await;
        assert_eq!(last.account.deletes_at, account.deletes_at, "whoever logs in is told");
        pass(&world, Span::minutes(2)).await;

        assert!(
            !accepts(&world.auth, &last.access.token).await
                && !renews(&world.auth, &last.refresh.token).await
        );
        let form = LogIn { email: ADA.into(), password: PASSWORD.into(), ..LogIn::default() };
        assert!(matches!(world.auth.log_in(&client(), &form, None).await, Err(Error::Credentials)));
        let records =
            world.store.read().await.expect("a reader").event_records().await.expect("events");
        let of_ada: Vec<_> =
            records.iter().filter(|record| record.target_id == Some(account.id)).collect();
        assert_eq!(
            of_ada.iter().map(|record| record.kind.as_str()).collect::<Vec<_>>(),
            ["deleted"],
            "only the fact is left"
        );
        assert!(of_ada[0].address.is_none() && of_ada[0].device.is_none());
        assert_eq!(
            kinds(&world, &world.log_in("bob@example.com").await).await,
            [EventKind::LoggedIn, EventKind::SignedUp],
            "nothing of anybody else"
        );
        drop(bob);

        let again = world.sign_up(ADA).await;
        assert_ne!(again.account.id, account.id);
        assert_eq!(kinds(&world, &again).await, [EventKind::SignedUp]);
    }

    async fn it_is_kept_when_its_owner_thinks_better_of_it(world: World) {
        let ada = world.sign_up(ADA).await;
        ask(&world, &ada, PASSWORD).await.expect("asked");
        pass(&world, Span::days(13)).await;
        let ada = world.log_in(ADA).await;
        assert_eq!(
            signed_in(&world, &ada).await.keep_account().await.expect("kept").deletes_at,
            None
        );
        signed_in(&world, &ada).await.keep_account().await.expect("kept already");
        pass(&world, Span::days(2)).await;
        let ada = world.log_in(ADA).await;
        let seen = kinds(&world, &ada).await;
        assert_eq!(seen[..2], [EventKind::LoggedIn, EventKind::DeletionCancelled]);
        assert_eq!(seen.iter().filter(|kind| **kind == EventKind::DeletionCancelled).count(), 1);
    }

    async fn asking_again_does_not_put_it_off(world: World) {
        let ada = world.sign_up(ADA).await;
        let first = ask(&world, &ada, PASSWORD).await.expect("asked").deletes_at;
        world.clock.advance(Span::minutes(5));
        assert_eq!(ask(&world, &ada, PASSWORD).await.expect("asked again").deletes_at, first);
    }

    async fn only_whoever_knows_the_password_may_ask(world: World) {
        let ada = world.sign_up(ADA).await;
        for (password, fault) in [("", Fault::Missing), ("a wrong one", Fault::Wrong)] {
            let Err(Error::Invalid(faults)) = ask(&world, &ada, password).await else {
                panic!("faults")
            };
            assert_eq!(faults.of(Field::Current), Some(fault));
        }
        assert_eq!(
            signed_in(&world, &ada).await.account().await.expect("an account").deletes_at,
            None
        );
        assert_eq!(kinds(&world, &ada).await, [EventKind::DeletionRefused, EventKind::SignedUp]);
    }

    async fn whoever_holds_a_session_guesses_no_more_often_here_than_at_the_door(world: World) {
        let ada = world.sign_up(ADA).await;
        let node = world.limiting_node().await;
        let me = node
            .signed_in(&client(), Presented::Bearer(&ada.access.token))
            .await
            .expect("signed in");
        let form = DeleteAccount { current: "a wrong one".into(), ..DeleteAccount::default() };
        for _ in 0..5 {
            assert!(matches!(me.delete_account(&form).await, Err(Error::Invalid(_))));
        }
        assert!(matches!(me.delete_account(&form).await, Err(Error::TooMany { .. })));
    }

    async fn an_administrator_who_disables_an_account_holds_it(world: World) {
        let ada = world.sign_up(ADA).await;
        ask(&world, &ada, PASSWORD).await.expect("asked");
        let operator = world.auth.operator_for_tests(&client());
        assert_eq!(
            operator.change(ada.account.id, Change::Disable).await.expect("disabled").deletes_at,
            None
        );
        pass(&world, DELETION_GRACE).await;
        operator.change(ada.account.id, Change::Enable).await.expect("still there");
        pass(&world, Span::minutes(1)).await;
        assert_eq!(world.log_in(ADA).await.account.deletes_at, None);
    }

    async fn a_deleted_administrator_leaves_no_address_in_the_records_of_others(world: World) {
        let operator = world.auth.operator_for_tests(&Client::default());
        for email in [ADA, "root@example.com"] {
            operator
                .create(
                    &SignUp { email: email.into(), password: PASSWORD.into(), ..SignUp::default() },
                    Role::Admin,
                )
                .await
                .expect("an administrator");
        }
        let (root, bob) =
            (world.log_in("root@example.com").await, world.sign_up("bob@example.com").await);
        let me = signed_in(&world, &root).await;
        me.admin()
            .expect("an administrator")
            .change(bob.account.id, Change::Role(Role::Admin))
            .await
            .expect("changed");
        let bob = world.log_in("bob@example.com").await;
        let seen = signed_in(&world, &bob).await.activity(100, None).await.expect("a list").items;
        let changed = seen.iter().find(|event| event.kind == EventKind::RoleChanged).expect("told");
        assert_eq!(
            (&changed.address, &changed.device),
            (&None, &None),
            "from where an administrator acted is not told"
        );
        assert!(
            seen.iter().any(|event| event.kind == EventKind::LoggedIn && event.address.is_some()),
            "one's own is"
        );

        ask(&world, &root, PASSWORD).await.expect("asked");
        pass(&world, DELETION_GRACE).await;
        let records =
            world.store.read().await.expect("a reader").event_records().await.expect("events");
        let by_root: Vec<_> =
            records.iter().filter(|record| record.actor_id == Some(root.account.id)).collect();
        assert_eq!(
            by_root.iter().map(|record| record.kind.as_str()).collect::<Vec<_>>(),
            ["role_changed"],
            "what was done stays"
        );
        assert!(
            by_root[0].address.is_none()
                && by_root[0].device.is_none()
                && by_root[0].session_hash.is_none()
        );
    }

    async fn a_stranger_who_guesses_does_not_keep_the_owner_from_leaving(world: World) {
        let ada = world.sign_up(ADA).await;
        let node = world.limiting_node().await;
        let wrong = LogIn { email: ADA.into(), password: "a wrong one".into(), ..LogIn::default() };
        while !matches!(node.log_in(&client(), &wrong, None).await, Err(Error::TooMany { .. })) {}
        let me = node
            .signed_in(&client(), Presented::Bearer(&ada.access.token))
            .await
            .expect("signed in");
        me.delete_account(&DeleteAccount { current: PASSWORD.into(), ..DeleteAccount::default() })
            .await
            .expect("asked");
    }

    async fn another_node_refuses_what_is_left_of_a_deleted_account(world: World) {
        let ada = world.sign_up(ADA).await;
        ask(&world, &ada, PASSWORD).await.expect("asked");
        let node = world.another_node().await;
        world.clock.advance(DELETION_GRACE);
        let ada = world.log_in(ADA).await;
        node.listen().await.expect("heard");
        assert!(accepts(&node, &ada.access.token).await);
        world.auth.keep(true).await.expect("kept");
        node.keep(true).await.expect("nothing is left to do");
        node.listen().await.expect("heard");
        assert!(
            !accepts(&node, &ada.access.token).await && !renews(&node, &ada.refresh.token).await
        );
    }

    async fn the_last_administrator_may_not_leave(world: World) {
        let operator = world.auth.operator_for_tests(&client());
        let form = |email: &str| SignUp {
            email: email.into(),
            password: PASSWORD.into(),
            ..SignUp::default()
        };
        operator.create(&form(ADA), Role::Admin).await.expect("an administrator");
        let ada = world.log_in(ADA).await;
        assert!(matches!(ask(&world, &ada, PASSWORD).await, Err(Error::LastAdmin)));
        assert_eq!(
            signed_in(&world, &ada).await.account().await.expect("an account").deletes_at,
            None
        );

        operator.create(&form("bob@example.com"), Role::Admin).await.expect("another one");
        let bob = operator
            .user_with(&Email::parse("bob@example.com").expect("an address"))
            .await
            .expect("bob");
        ask(&world, &ada, PASSWORD).await.expect("one is left");
        // Who is about to leave does not count.
        let me = signed_in(&world, &ada).await;
        assert!(matches!(
            me.admin().expect("still one").change(bob.id, Change::Disable).await,
            Err(Error::LastAdmin)
        ));
        signed_in(&world, &ada).await.keep_account().await.expect("kept");
        signed_in(&world, &ada)
            .await
            .admin()
            .expect("still one")
            .change(bob.id, Change::Disable)
            .await
            .expect("ada is left");
    }

    async fn everything_that_is_stored_goes_along_but_the_password(world: World) {
        let ada = world.sign_up(ADA).await;
        world.clock.advance(Span::minutes(1));
        let phone = world.log_in(ADA).await;
        signed_in(&world, &ada)
            .await
            .rename(&Rename { name: "Ada Lovelace".into(), ..Rename::default() })
            .await
            .expect("renamed");
        world
            .auth
            .log_out(&client(), Presented::Bearer(&phone.access.token))
            .await
            .expect("logged out");
        let everything = signed_in(&world, &ada).await.everything().await.expect("everything");
        assert_eq!(
            (everything.account.email.as_str(), everything.account.name.as_deref()),
            (ADA, Some("Ada Lovelace"))
        );
        assert_eq!(
            (everything.as_of, everything.last_login_at),
            (world.clock.now(), Some(world.clock.now()))
        );
        assert_eq!(
            everything
                .sessions
                .iter()
                .map(|session| session.ended_at.is_some())
                .collect::<Vec<_>>(),
            [true, false],
            "those that are over, too"
        );
        let kinds: Vec<_> = everything.events.iter().map(|event| event.kind).collect();
        assert_eq!(
            kinds,
            [
                EventKind::LoggedOut,
                EventKind::NameChanged,
                EventKind::LoggedIn,
                EventKind::SignedUp
            ]
        );
        assert_eq!(everything.next_cursor, None);
    }
}

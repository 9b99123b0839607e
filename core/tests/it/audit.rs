//! What is recorded of all that happens: when, what, how it ended, who did it to whom, in which
//! session, from where, in which request.

use crate::support::{PASSWORD, START, World, client};
use countersign_core::{Auth, Issued, Presented, SignedIn, flow::Change, on_both};
use countersign_types::{
    SessionId, Span, UserId,
    form::{ChangePassword, DeleteAccount, LogIn, Rename, SignUp},
    view::{EventKind, Role},
};
use std::collections::BTreeSet;

const ADA: &str = "ada@example.com";

async fn signed_in<'a>(auth: &'a Auth, issued: &Issued) -> SignedIn<'a> {
    auth.signed_in(&client(), Presented::Bearer(&issued.access.token)).await.expect("signed in")
}

async fn log_in(world: &World, password: &str, replaces: Option<&str>) -> Option<Issued> {
    let form = LogIn { email: ADA.into(), password: password.into(), ..LogIn::default() };
    world.auth.log_in(&client(), &form, replaces).await.ok().map(|(_, issued)| issued)
}

/// Does everything that is recorded, but for what only a broken database brings about. Returns
/// whose account it is and who the administrator is.
async fn live(world: &World) -> (UserId, UserId) {
    let ada = world.sign_up(ADA).await;
    let _refused = log_in(world, "wrong horse battery", None).await;
    let second = log_in(world, PASSWORD, None).await.expect("a log-in");
    let third = log_in(world, PASSWORD, Some(&second.refresh.token)).await.expect("a log-in");
    let me = signed_in(&world.auth, &third).await;
    me.rename(&Rename { name: "Ada".into(), tag: String::new() }).await.expect("renamed");
    me.change_password(&ChangePassword {
        current: "wrong horse battery".into(),
        new: "a quite different one".into(),
        tag: String::new(),
    })
    .await
    .expect_err("refused");
    me.delete_account(&DeleteAccount { current: "wrong horse battery".into(), tag: String::new() })
        .await
        .expect_err("refused");
    let other = me
        .sessions(10, None)
        .await
        .expect("a list")
        .items
        .into_iter()
        .find(|session| !session.current)
        .expect("another")
        .id;
    me.end_session(other).await.expect("ended");
    log_in(world, PASSWORD, None).await.expect("one more to end");
    me.end_other_sessions().await.expect("ended");
    me.delete_account(&DeleteAccount { current: PASSWORD.into(), tag: String::new() })
        .await
        .expect("asked");
    me.keep_account().await.expect("kept");
    me.end_all_sessions().await.expect("ended");
    // A theft.
    let fourth = log_in(world, PASSWORD, None).await.expect("a log-in");
    let next = world.auth.refresh(&client(), &fourth.refresh.token).await.expect("renewed");
    world.auth.refresh(&client(), &next.refresh.token).await.expect("renewed");
    world.clock.advance(Span::minutes(1));
    world.auth.refresh(&client(), &fourth.refresh.token).await.expect_err("refused");
    let fifth = log_in(world, PASSWORD, None).await.expect("a log-in");
    let change = ChangePassword {
        current: PASSWORD.into(),
        new: "a quite different one".into(),
        tag: String::new(),
    };
    signed_in(&world.auth, &fifth).await.change_password(&change).await.expect("changed");
    world
        .auth
        .log_out(&client(), Presented::Cookie(&fifth.refresh.token))
        .await
        .expect("a log-out");
    // By an administrator.
    let invite =
        world.auth.first_admin_invite().await.expect("an answer").expect("there is none yet");
    let form = SignUp {
        email: "root@example.com".into(),
        password: PASSWORD.into(),
        invite,
        ..SignUp::default()
    };
    let root = world.auth.sign_up(&client(), &form, None).await.expect("a sign-up").1;
    let signed_in = signed_in(&world.auth, &root).await;
    let admin = signed_in.admin().expect("an administrator");
    for change in [Change::Role(Role::Admin), Change::Disable, Change::Enable, Change::EndSessions]
    {
        admin.change(ada.account.id, change).await.expect("changed");
    }
    (ada.account.id, root.account.id)
}

on_both! {
    async fn everything_that_happens_is_recorded_with_who_whom_where_and_in_which_request(
        world: World,
    ) {
        let (ada, root) = live(&world).await;
        let records =
            world.store.read().await.expect("a connection").event_records().await.expect("records");
        for record in &records {
            let kind = EventKind::from_name(&record.kind).expect("a kind");
            let refused = matches!(
                kind,
                EventKind::LogInFailed
                    | EventKind::PasswordChangeFailed
                    | EventKind::DeletionRefused
                    | EventKind::TokenReused
            );
            assert_eq!(record.outcome, if refused { "refused" } else { "done" }, "{record:?}");
            assert!(record.at >= START && record.at <= world.clock.now(), "{record:?}");
            let by_admin =
                matches!(kind, EventKind::Disabled | EventKind::Enabled | EventKind::RoleChanged);
            if by_admin {
                assert_eq!(
                    (record.actor_id, record.target_id),
                    (Some(root), Some(ada)),
                    "{record:?}"
                );
            } else if refused {
                // Whoever it was has not proven who they are.
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
        // It takes a hundred sessions, a database restored from before, or an account that is gone
        // (`leaving`).
        let rare = [EventKind::SessionCrowdedOut, EventKind::TokenNotIssued, EventKind::Deleted];
        let expected: BTreeSet<&str> = EventKind::ALL
            .iter()
            .filter(|kind| !rare.contains(kind))
            .map(|kind| kind.as_str())
            .collect();
        assert_eq!(seen, expected);
    }

    async fn what_is_not_done_is_not_recorded_as_done(world: World) {
        let ada = world.sign_up(ADA).await;
        let me = signed_in(&world.auth, &ada).await;
        me.end_session(SessionId(uuid::Uuid::nil())).await.expect_err("there is none");
        world
            .auth
            .sign_up(
                &client(),
                &SignUp { email: ADA.into(), password: PASSWORD.into(), ..SignUp::default() },
                None,
            )
            .await
            .expect_err("taken");
        let records =
            world.store.read().await.expect("a connection").event_records().await.expect("records");
        assert_eq!(
            records.iter().map(|record| record.kind.as_str()).collect::<Vec<_>>(),
            ["signed_up"]
        );
    }
}

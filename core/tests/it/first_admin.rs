//! The link by which the first administrator comes in.

use crate::support::{PASSWORD, World, client};
use countersign_core::{Auth, Error, Issued, Presented, flow::Change, on_both};
use countersign_types::{Email, Span, form::SignUp, view::Role};

async fn come(auth: &Auth, email: &str, invite: &str) -> Result<Issued, Error> {
    let form = SignUp {
        email: email.into(),
        password: PASSWORD.into(),
        invite: invite.into(),
        ..SignUp::default()
    };
    auth.sign_up(&client(), &form, None).await.map(|(_, issued)| issued)
}

async fn is_admin(auth: &Auth, issued: &Issued) -> bool {
    auth.signed_in(&client(), Presented::Bearer(&issued.access.token))
        .await
        .expect("signed in")
        .admin()
        .is_ok()
}

on_both! {
    async fn whoever_comes_by_the_link_is_an_administrator_and_nobody_after_them(world: World) {
        let invite =
            world.auth.first_admin_invite().await.expect("an answer").expect("there is none yet");
        let other = world
            .another_node()
            .await
            .first_admin_invite()
            .await
            .expect("an answer")
            .expect("every node prints one");
        let first = come(&world.auth, "ada@example.com", &invite).await.expect("a sign-up");
        assert!(is_admin(&world.auth, &first).await);
        for invite in [&invite, &other] {
            assert!(matches!(
                come(&world.auth, "eve@example.com", invite).await,
                Err(Error::LinkOver)
            ));
        }
        assert!(world.auth.first_admin_invite().await.expect("an answer").is_none());
        // What was refused has left nothing behind.
        let eve = come(&world.auth, "eve@example.com", "").await.expect("a sign-up");
        assert!(!is_admin(&world.auth, &eve).await);
    }

    async fn of_many_who_come_by_it_at_once_one_is_an_administrator(world: World) {
        let invite =
            world.auth.first_admin_invite().await.expect("an answer").expect("there is none yet");
        let comers: Vec<_> = (0..20)
            .map(|n| {
                let (auth, invite) = (world.auth.clone(), invite.clone());
                tokio::spawn(
                    async move { come(&auth, &format!("ada-{n}@example.com"), &invite).await },
                )
            })
            .collect();
        let mut admins = 0;
        for comer in comers {
            match comer.await.expect("a task") {
                Ok(issued) => admins += u32::from(is_admin(&world.auth, &issued).await),
                Err(Error::LinkOver) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(admins, 1);
    }

    async fn it_is_over_after_an_hour_and_another_start_makes_another(world: World) {
        let invite =
            world.auth.first_admin_invite().await.expect("an answer").expect("there is none yet");
        world.clock.advance(Span::minutes(60));
        for wrong in [invite.as_str(), "csgn_setup_", "admin", "1"] {
            assert!(
                matches!(come(&world.auth, "ada@example.com", wrong).await, Err(Error::LinkOver)),
                "{wrong}"
            );
        }
        let again =
            world.auth.first_admin_invite().await.expect("an answer").expect("there is none yet");
        assert!(come(&world.auth, "ada@example.com", &again).await.is_ok());
    }

    async fn nothing_else_that_we_give_out_is_such_a_link(world: World) {
        let ada = world.sign_up("ada@example.com").await;
        let device = ada.known_browser.expect("it is known from now on");
        for other in [&ada.access.token, &ada.refresh.token, &device.token, &ada.account.tag] {
            assert!(
                matches!(come(&world.auth, "eve@example.com", other).await, Err(Error::LinkOver)),
                "{other}"
            );
        }
    }

    async fn a_taken_address_does_not_use_it_up(world: World) {
        world.sign_up("ada@example.com").await;
        let invite =
            world.auth.first_admin_invite().await.expect("an answer").expect("there is none yet");
        assert!(matches!(
            come(&world.auth, "ada@example.com", &invite).await,
            Err(Error::EmailTaken)
        ));
        assert!(come(&world.auth, "eve@example.com", &invite).await.is_ok());
    }

    async fn there_is_none_once_somebody_at_the_machine_has_made_an_administrator(world: World) {
        let invite =
            world.auth.first_admin_invite().await.expect("an answer").expect("there is none yet");
        world.sign_up("ada@example.com").await;
        let operator = world.auth.operator_for_tests(&client());
        let ada = operator
            .user_with(&Email::parse("ada@example.com").expect("an address"))
            .await
            .expect("an account");
        operator.change(ada.id, Change::Role(Role::Admin)).await.expect("a change");
        // For good: an administrator less does not open the door again.
        operator.change(ada.id, Change::Role(Role::User)).await.expect("a change");
        assert!(world.auth.first_admin_invite().await.expect("an answer").is_none());
        assert!(matches!(
            come(&world.auth, "eve@example.com", &invite).await,
            Err(Error::LinkOver)
        ));
    }
}

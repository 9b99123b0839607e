//! Stored password hashes: whose they are, what happens where one is of no use, and which forms of
//! a password they match.

use crate::support::{PASSWORD, World, client};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use countersign_core::{Error, Issued, Presented, flow::Inspected, on_both};
use countersign_types::{
    Fault, Field, UserId,
    form::{ChangePassword, DeleteAccount, LogIn, SignUp},
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};

const ADA: &str = "ada@example.com";
const EVE: &str = "eve@example.com";
const COMPOSED: &str = "caf\u{e9} noir at nine";
const DECOMPOSED: &str = "cafe\u{301} noir at nine";

/// Runs a statement as an attacker who can write to the database.
async fn execute(world: &World, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    if world.database.url.starts_with("sqlite:") {
        SqliteConnection::connect(&world.database.url)
            .await
            .expect("a connection")
            .execute(sql)
            .await
            .expect("done");
    } else {
        PgConnection::connect(&world.database.url)
            .await
            .expect("a connection")
            .execute(sql)
            .await
            .expect("done");
    }
}

async fn stored(world: &World, id: UserId) -> String {
    let user = world
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

async fn log_in(world: &World, email: &str, password: &str) -> Result<Issued, Error> {
    let form = LogIn { email: email.into(), password: password.into(), ..LogIn::default() };
    world.auth.log_in(&client(), &form, None).await.map(|(_, issued)| issued)
}

/// A hash as they were before they were bound to a user and of a normalised password.
fn from_before(password: &str, m: u32, t: u32) -> String {
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

on_both! {
    async fn any_stored_hash_is_neutral_at_log_in(world: World) {
        let ada = world.sign_up(ADA).await;
        let genuine = stored(&world, ada.account.id).await;
        let (head, tail) = genuine.rsplit_once('$').expect("parts");
        let mut values: Vec<String> = [
            "", " ", "$", "$argon2id$", "password", "{SSHA}AAAA", "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW", "$argon2id$v=20$m=64,t=1,p=1$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=4194304,t=1000000,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=4294967295,t=4294967295,p=16777215$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=8,t=4294967295,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA",
        ].map(|text| format!("'{text}'")).into();
        values.extend(
            (0..genuine.len()).step_by(7).map(|length| format!("'{}'", &genuine[..length])),
        );
        values.extend([
            format!("'{head}${}'", tail.to_uppercase()),
            format!("'{genuine}$'"),
            format!("' {genuine}'"),
            "NULL".into(),
        ]);
        values.push(format!("'{}'", "A".repeat(1_000_000)));
        if world.database.url.starts_with("sqlite:") {
            // Any column of SQLite takes a value of any type.
            values.extend(
                ["x'00ff80'", "x''", "17", "-1.5e300", "zeroblob(1000000)", "char(0)"]
                    .map(str::to_owned),
            );
        }
        for value in values {
            execute(&world, &format!("UPDATE users SET password_hash = {value}")).await;
            let shown = &value[..value.len().min(80)];
            assert!(
                matches!(log_in(&world, ADA, PASSWORD).await, Err(Error::Credentials)),
                "{shown}"
            );
            // A signed-in user is told what is told of any wrong password.
            let user = world
                .auth
                .signed_in(&client(), Presented::Bearer(&ada.access.token))
                .await
                .expect("signed in");
            let form = ChangePassword {
                current: PASSWORD.into(),
                new: "torrent of glass".into(),
                ..ChangePassword::default()
            };
            let Err(Error::Invalid(faults)) = user.change_password(&form).await else {
                panic!("{shown}")
            };
            assert_eq!(faults.0, [(Field::Current, Fault::Wrong)], "{shown}");
        }
        execute(&world, &format!("UPDATE users SET password_hash = '{genuine}'")).await;
        log_in(&world, ADA, PASSWORD).await.expect("nothing else was wrong");
    }

    async fn hash_copied_to_another_user_logs_in_neither(world: World) {
        let eve = (world.sign_up(ADA).await, world.sign_up(EVE).await).1;
        execute(
            &world,
            &format!("UPDATE users SET password_hash = '{}'", stored(&world, eve.account.id).await),
        )
        .await;
        assert!(
            matches!(log_in(&world, ADA, PASSWORD).await, Err(Error::Credentials)),
            "it is the hash of another user"
        );
        log_in(&world, EVE, PASSWORD).await.expect("it is hers");
    }

    async fn session_moved_to_another_user_refuses_its_tokens(world: World) {
        let (ada, eve) = (world.sign_up(ADA).await, world.sign_up(EVE).await);
        let adas = world
            .auth
            .signed_in(&client(), Presented::Bearer(&ada.access.token))
            .await
            .expect("signed in")
            .session();
        let eves = world
            .auth
            .signed_in(&client(), Presented::Bearer(&eve.access.token))
            .await
            .expect("signed in")
            .session();
        let token = &eve.refresh.token;
        assert!(matches!(world.auth.inspect(token).await, Ok(Some(Inspected::Refresh(_)))));
        // One row becomes a session of the other user.
        let mut tx = world.store.write().await.expect("a transaction");
        tx.session_set_user(eves, ada.account.id).await.expect("moved");
        tx.commit().await.expect("a commit");
        assert!(matches!(world.auth.refresh(&client(), token).await, Err(Error::SignedOut)));
        assert!(matches!(
            world.auth.signed_in(&client(), Presented::Cookie(token)).await,
            Err(Error::SignedOut)
        ));
        assert!(matches!(world.auth.inspect(token).await, Ok(None)));
        world.auth.log_out(&client(), Presented::Cookie(token)).await.expect("no error");
        let row = world
            .store
            .read()
            .await
            .expect("a connection")
            .session_with_user(eves)
            .await
            .expect("an answer")
            .expect("a session");
        assert_eq!(row.session.revoked_at, None, "nor does it end a session of another user");
        assert_ne!(adas, eves);
        world.auth.refresh(&client(), &ada.refresh.token).await.expect("her own goes on");
    }

    async fn hash_from_before_is_bound_at_the_next_log_in(world: World) {
        let ada = world.sign_up(ADA).await;
        for (m, t) in [(64, 1), (32, 1), (128, 2)] {
            execute(
                &world,
                &format!("UPDATE users SET password_hash = '{}'", from_before(PASSWORD, m, t)),
            )
            .await;
            assert!(matches!(
                log_in(&world, ADA, "wrong horse battery").await,
                Err(Error::Credentials)
            ));
            assert!(!stored(&world, ada.account.id).await.contains("keyid"));
            log_in(&world, ADA, PASSWORD).await.expect("it is right");
            assert!(
                stored(&world, ada.account.id)
                    .await
                    .starts_with("$argon2id$v=19$m=64,t=1,p=1,keyid=dXNlcg$")
            );
            log_in(&world, ADA, PASSWORD).await.expect("it is still right");
        }
    }

    async fn password_in_any_composition_is_right(world: World) {
        for (email, chosen, typed) in [(ADA, COMPOSED, DECOMPOSED), (EVE, DECOMPOSED, COMPOSED)] {
            let form = SignUp { email: email.into(), password: chosen.into(), ..SignUp::default() };
            let (_, issued) = world.auth.sign_up(&client(), &form, None).await.expect("a sign-up");
            log_in(&world, email, typed).await.expect("the same password");
            let change = ChangePassword {
                current: typed.into(),
                new: typed.replace("nine", "ten"),
                ..ChangePassword::default()
            };
            let user = world
                .auth
                .signed_in(&client(), Presented::Bearer(&issued.access.token))
                .await
                .expect("signed in");
            user.change_password(&change).await.expect("changed");
            let typed = chosen.replace("nine", "ten").replace(' ', "\u{a0}");
            let issued = log_in(&world, email, &typed).await.expect("the same password");
            let user = world
                .auth
                .signed_in(&client(), Presented::Bearer(&issued.access.token))
                .await
                .expect("signed in");
            user.delete_account(&DeleteAccount { current: typed, ..DeleteAccount::default() })
                .await
                .expect("asked for");
        }
    }

    async fn hash_of_what_was_typed_is_normalised_at_log_in(world: World) {
        let ada = world.sign_up(ADA).await;
        execute(
            &world,
            &format!("UPDATE users SET password_hash = '{}'", from_before(DECOMPOSED, 64, 1)),
        )
        .await;
        assert!(
            matches!(log_in(&world, ADA, COMPOSED).await, Err(Error::Credentials)),
            "it was never typed like this"
        );
        log_in(&world, ADA, DECOMPOSED).await.expect("as it was typed");
        assert!(stored(&world, ada.account.id).await.contains("keyid"));
        log_in(&world, ADA, COMPOSED).await.expect("in any composition from now on");
    }
}

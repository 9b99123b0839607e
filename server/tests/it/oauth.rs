//! For other programs: the token endpoint (RFC 6749), revocation (RFC 7009), introspection (RFC
//! 7662), metadata (RFC 8414, RFC 9728).

use crate::support::{Answer, App, Client, FORM, escaped};
use axum::http::{Method, StatusCode};
use base64::{Engine, engine::general_purpose::STANDARD};
use countersign::config::IntrospectionSecret;
use countersign_core::{Entropy, ServerSecret, on_both, testing::FreshDatabase};
use countersign_types::Span;
use serde_json::{Value, json};

async fn post(client: &Client<'_>, path: &str, form: &str) -> Answer {
    client.clone().with("content-type", FORM).send(Method::POST, path, form.to_owned().into()).await
}

/// A server that tells programs about tokens.
struct Telling {
    app: App,
    secret: String,
}

impl Telling {
    async fn on(database: FreshDatabase) -> Self {
        let secret = ServerSecret::generate(&Entropy::System).expect("randomness").expose();
        let given = IntrospectionSecret::new(secret.clone());
        let app = App::with(database, "http://localhost:3000", |http| {
            http.introspection_secret = Some(given);
        })
        .await;
        Self { app, secret }
    }
}

fn basic(secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("api:{secret}")))
}

on_both! {
    async fn a_token_that_is_revoked_is_worth_nothing_whichever_of_the_two_it_is(app: App) {
        for which in 0..2 {
            let user = app.user(&format!("ada{which}@example.com")).await;
            let token = if which == 0 { &user.access } else { &user.refresh };
            for _ in 0..2 {
                let answer = post(
                    &app.anon(),
                    "/oauth/revoke",
                    &format!("token={token}&token_type_hint=anything"),
                )
                .await;
                assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, ""));
            }
            assert_eq!(user.client.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
            assert_eq!(
                app.anon()
                    .post("/api/v1/auth/refresh", json!({"refresh_token": user.refresh}))
                    .await
                    .status,
                StatusCode::UNAUTHORIZED
            );
        }
        assert_eq!(
            post(&app.anon(), "/oauth/revoke", "token=nonsense").await.status,
            StatusCode::OK,
            "it is worth nothing, as asked"
        );
        for form in ["", "token=", "token=a&token=b", "tok=a", "%00"] {
            let answer = post(&app.anon(), "/oauth/revoke", form).await;
            assert_eq!(
                (answer.status, &answer.json()["error"]),
                (StatusCode::BAD_REQUEST, &json!("invalid_request")),
                "{form}"
            );
        }
        assert_eq!(
            app.anon().post("/oauth/revoke", json!({"token": "x"})).await.status,
            StatusCode::UNSUPPORTED_MEDIA_TYPE
        );
    }

    async fn who_knows_the_secret_is_told_what_a_token_is_worth(target: Telling) {
        let Telling { app, secret } = target;
        let (user, asker) =
            (app.user("ada@example.com").await, app.anon().with("authorization", &basic(&secret)));
        let me = user.client.get("/api/v1/me").await.json();
        let ask = async |token: &str| {
            post(&asker, "/oauth/introspect", &format!("token={token}")).await.json()
        };
        let access = ask(&user.access).await;
        assert_eq!(
            (&access["active"], &access["token_type"], &access["sub"], &access["iss"]),
            (&json!(true), &json!("Bearer"), &me["id"], &json!("http://localhost:3000"))
        );
        let refresh = ask(&user.refresh).await;
        assert_eq!(
            (&refresh["active"], &refresh["token_type"], &refresh["sub"], &refresh["sid"]),
            (&json!(true), &json!("refresh_token"), &me["id"], &access["sid"])
        );
        // Asking is not using.
        assert_eq!(
            app.anon()
                .post("/api/v1/auth/refresh", json!({"refresh_token": user.refresh}))
                .await
                .status,
            StatusCode::OK
        );
        for token in ["nonsense", "csgn_rt_nonsense", &format!("{}x", user.access)] {
            assert_eq!(ask(token).await, json!({"active": false}));
        }
        app.clock.advance(Span::minutes(11));
        assert_eq!(ask(&user.access).await, json!({"active": false}), "expired");
        let other = app.log_in("ada@example.com").await;
        other.client.post("/api/v1/auth/logout", json!({})).await;
        for token in [&other.access, &other.refresh] {
            assert_eq!(ask(token).await, json!({"active": false}), "revoked");
        }
    }

    async fn refresh_token_is_exchanged_in_the_terms_of_oauth(app: App) {
        let user = app.user("ada@example.com").await;
        let basic =
            app.anon().with("authorization", &format!("Basic {}", STANDARD.encode("countersign:")));
        let mut token = user.refresh.clone();
        for (client, more) in [
            (app.anon(), ""),
            (app.anon(), "&client_id=countersign&scope=account&unknown=x"),
            (basic, "&client_id=&scope="),
        ] {
            let answer = post(
                &client,
                "/oauth/token",
                &format!("grant_type=refresh_token&refresh_token={token}{more}"),
            )
            .await;
            assert_eq!(
                (answer.status, answer.header("content-type")),
                (StatusCode::OK, "application/json"),
                "{}",
                answer.text
            );
            assert_eq!(
                (answer.header("cache-control"), answer.header("pragma")),
                ("no-store", "no-cache")
            );
            assert!(answer.cookies().is_empty());
            let body = answer.json();
            assert_eq!(
                (&body["token_type"], &body["scope"]),
                (&json!("Bearer"), &json!("account"))
            );
            assert!(body["expires_in"].as_u64().is_some_and(|seconds| seconds >= 570));
            let next = body["refresh_token"].as_str().expect("a token").to_owned();
            assert_ne!(next, token, "rotated");
            token = next;
            let bearer = app.anon().with(
                "authorization",
                &format!("Bearer {}", body["access_token"].as_str().expect("a token")),
            );
            assert_eq!(bearer.get("/api/v1/me").await.json()["email"], "ada@example.com");
        }
        // A cookie is no refresh token here.
        let by_cookie =
            post(&app.anon().browser(&token), "/oauth/token", "grant_type=refresh_token").await;
        assert_eq!(
            (by_cookie.status, by_cookie.refusal().as_str()),
            (StatusCode::BAD_REQUEST, "invalid_request")
        );
    }

    async fn token_requests_are_refused_with_an_oauth_error(app: App) {
        let user = app.user("ada@example.com").await;
        let good = format!("refresh_token={}", user.refresh);
        let long = format!("grant_type=refresh_token&{good}&x={}", "x".repeat(70_000));
        for (form, status, error) in [
            ("", 400, "invalid_request"),
            ("grant_type=", 400, "invalid_request"),
            ("grant_type=refresh_token", 400, "invalid_request"),
            ("grant_type=refresh_token&refresh_token=", 400, "invalid_request"),
            (
                &format!("grant_type=refresh_token&grant_type=refresh_token&{good}"),
                400,
                "invalid_request",
            ),
            (&format!("grant_type=refresh_token&{good}&{good}"), 400, "invalid_request"),
            ("%ff=%fe", 400, "invalid_request"),
            (
                &format!("grant_type=password&username=ada@example.com&password=x&{good}"),
                400,
                "unsupported_grant_type",
            ),
            ("grant_type=client_credentials", 400, "unsupported_grant_type"),
            (&format!("grant_type=REFRESH_TOKEN&{good}"), 400, "unsupported_grant_type"),
            ("grant_type=refresh_token&refresh_token=nonsense", 400, "invalid_grant"),
            (
                &format!("grant_type=refresh_token&refresh_token={}", user.access),
                400,
                "invalid_grant",
            ),
            (&format!("grant_type=refresh_token&{good}&client_id=another"), 401, "invalid_client"),
            (
                &format!("grant_type=refresh_token&{good}&scope=account%20root"),
                400,
                "invalid_scope",
            ),
            (&long, 413, "invalid_request"),
        ] {
            let answer = post(&app.anon(), "/oauth/token", form).await;
            assert_eq!(
                (
                    answer.status.as_u16(),
                    answer.header("content-type"),
                    answer.header("cache-control")
                ),
                (status, "application/json", "no-store"),
                "{}",
                answer.text
            );
            let body = answer.json();
            assert_eq!(body["error"], error, "{}", answer.text);
            assert!(
                body["error_description"]
                    .as_str()
                    .is_some_and(|text| text.is_ascii() && !text.contains(['"', '\\'])),
                "RFC 6749, 5.2: {}",
                answer.text
            );
        }
        let json = app
            .anon()
            .post(
                "/oauth/token",
                json!({"grant_type": "refresh_token", "refresh_token": user.refresh}),
            )
            .await;
        assert_eq!(
            (json.status, json.refusal().as_str()),
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request")
        );
        let other = app.anon().with("authorization", &basic("x"));
        let other = post(&other, "/oauth/token", &format!("grant_type=refresh_token&{good}")).await;
        assert_eq!(
            (other.status, other.header("www-authenticate")),
            (StatusCode::UNAUTHORIZED, "Basic realm=\"countersign\"")
        );
        // None of these has used the token up.
        assert_eq!(
            post(&app.anon(), "/oauth/token", &format!("grant_type=refresh_token&{good}"))
                .await
                .status,
            StatusCode::OK
        );
        app.clock.advance(Span::days(15));
        let over =
            post(&app.anon(), "/oauth/token", &format!("grant_type=refresh_token&{good}")).await;
        assert_eq!(
            (over.status, over.refusal().as_str()),
            (StatusCode::BAD_REQUEST, "invalid_grant")
        );
    }

    async fn introspection_takes_the_secret_however_a_client_sends_it(target: Telling) {
        let Telling { app, secret } = target;
        let user = app.user("ada@example.com").await;
        // RFC 6749, 2.3.1: what client libraries do with each character that is no letter or digit,
        // and what they could do with all.
        let encoded: String = secret
            .bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect();
        let form = format!("token={}", user.access);
        for given in [
            secret.clone(),
            encoded,
            escaped(secret.as_bytes()),
            secret.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat(),
        ] {
            let answer =
                post(&app.anon().with("authorization", &basic(&given)), "/oauth/introspect", &form)
                    .await;
            assert_eq!(
                (answer.status, &answer.json()["active"], &answer.json()["client_id"]),
                (StatusCode::OK, &json!(true), &json!("countersign")),
                "{given}"
            );
        }
        let posted = post(
            &app.anon(),
            "/oauth/introspect",
            &format!("{form}&client_id=api&client_secret={secret}"),
        )
        .await;
        assert_eq!((posted.status, &posted.json()["active"]), (StatusCode::OK, &json!(true)));
        for wrong in [
            format!("{form}&client_id=api&client_secret=x"),
            format!("{form}&client_secret="),
            format!("{form}&client_id={secret}"),
        ] {
            assert_eq!(
                post(&app.anon(), "/oauth/introspect", &wrong).await.status,
                StatusCode::UNAUTHORIZED,
                "{wrong}"
            );
        }
    }

    async fn who_does_not_know_the_secret_is_told_nothing(target: Telling) {
        let Telling { app, secret } = target;
        let user = app.user("ada@example.com").await;
        let form = format!("token={}", user.access);
        let cut = &secret[..42];
        for value in [
            None,
            Some(basic("")),
            Some(basic(cut)),
            Some(format!("Bearer {secret}")),
            Some(format!("Bearer {}", user.access)),
            Some("Basic !".to_owned()),
            Some(format!("Basic {}", STANDARD.encode(&secret))),
        ] {
            let asker =
                value.iter().fold(app.anon(), |client, value| client.with("authorization", value));
            let answer = post(&asker, "/oauth/introspect", &form).await;
            assert_eq!(
                (answer.status, &answer.json()["error"], answer.header("www-authenticate")),
                (StatusCode::UNAUTHORIZED, &json!("invalid_client"), "Basic realm=\"countersign\""),
                "{value:?}"
            );
        }
        let off = App::on(FreshDatabase::sqlite()).await;
        let answer = post(
            &off.anon().with("authorization", &basic(&secret)),
            "/oauth/introspect",
            "token=x",
        )
        .await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "nobody is told anything where there is no secret"
        );
    }

    async fn the_metadata_names_what_there_is(target: Telling) {
        let (with, without) =
            (target.app, App::at(FreshDatabase::sqlite(), "https://accounts.example.com").await);
        let metadata = without.anon().get("/.well-known/oauth-authorization-server").await;
        assert_eq!(
            (metadata.header("content-type"), metadata.header("cache-control")),
            ("application/json", "public, max-age=300")
        );
        let metadata = metadata.json();
        for (name, value) in metadata.as_object().expect("an object") {
            assert!(
                !matches!(value, Value::Null)
                    && value.as_array().is_none_or(|values| !values.is_empty()),
                "{name} is empty (RFC 8414, 3.2)"
            );
        }
        assert_eq!(
            (&metadata["token_endpoint"], &metadata["grant_types_supported"]),
            (&json!("https://accounts.example.com/oauth/token"), &json!(["refresh_token"]))
        );
        let resource = without.anon().get("/.well-known/oauth-protected-resource").await.json();
        assert_eq!(
            (&resource["resource"], &resource["authorization_servers"]),
            (&json!("https://accounts.example.com"), &json!(["https://accounts.example.com"]))
        );
        assert_eq!(
            (&metadata["issuer"], &metadata["jwks_uri"]),
            (
                &json!("https://accounts.example.com"),
                &json!("https://accounts.example.com/.well-known/jwks.json")
            )
        );
        assert!(metadata.get("introspection_endpoint").is_none());
        assert_eq!(
            with.anon().get("/.well-known/oauth-authorization-server").await.json()["introspection_endpoint"],
            "http://localhost:3000/oauth/introspect"
        );
    }
}

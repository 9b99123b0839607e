//! The OAuth endpoints: token (RFC 6749), revocation (RFC 7009), introspection (RFC 7662) and
//! metadata (RFC 8414, RFC 9728).

use crate::support::{App, Client, FORM, TestResponse, percent_encoded};
use axum::http::{Method, StatusCode};
use base64::{Engine, engine::general_purpose::STANDARD};
use countersign_core::{RandomSource, ServerSecret, test_on_each_database, testing::TestDatabase};
use countersign_http::IntrospectionSecret;
use countersign_types::TimeSpan;
use serde_json::{Value, json};

async fn post(client: &Client<'_>, path: &str, form: &str) -> TestResponse {
    client.clone().with("content-type", FORM).send(Method::POST, path, form.to_owned().into()).await
}

/// A server with an introspection secret.
struct IntrospectionApp {
    app: App,
    secret: String,
}

impl IntrospectionApp {
    async fn on(database: TestDatabase) -> Self {
        let secret = ServerSecret::generate(&RandomSource::System).expect("randomness").expose();
        let introspection_secret = IntrospectionSecret::new(secret.clone());
        let app = App::with_settings(database, "http://localhost:3000", |http| {
            http.introspection_secret = Some(introspection_secret);
        })
        .await;
        Self { app, secret }
    }
}

fn basic(secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("api:{secret}")))
}

test_on_each_database! {
    async fn revocation_of_either_token_revokes_the_session(app: App) {
        for which in 0..2 {
            let user = app.user(&format!("ada{which}@example.com")).await;
            let token = if which == 0 { &user.access } else { &user.refresh };
            for _ in 0..2 {
                let response = post(
                    &app.anon(),
                    "/oauth/revoke",
                    &format!("token={token}&token_type_hint=anything"),
                )
                .await;
                assert_eq!((response.status, response.text.as_str()), (StatusCode::OK, ""));
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
            "unknown tokens are no error (RFC 7009, 2.2)"
        );
        for form in ["", "token=", "token=a&token=b", "tok=a", "%00"] {
            let response = post(&app.anon(), "/oauth/revoke", form).await;
            assert_eq!(
                (response.status, &response.json()["error"]),
                (StatusCode::BAD_REQUEST, &json!("invalid_request")),
                "{form}"
            );
        }
        assert_eq!(
            app.anon().post("/oauth/revoke", json!({"token": "x"})).await.status,
            StatusCode::UNSUPPORTED_MEDIA_TYPE
        );
    }

    async fn introspection_with_the_secret_reports_token_state(target: IntrospectionApp) {
        let IntrospectionApp { app, secret } = target;
        let (user, client) =
            (app.user("ada@example.com").await, app.anon().with("authorization", &basic(&secret)));
        let me = user.client.get("/api/v1/me").await.json();
        let introspect = async |token: &str| {
            post(&client, "/oauth/introspect", &format!("token={token}")).await.json()
        };
        let access = introspect(&user.access).await;
        assert_eq!(
            (&access["active"], &access["token_type"], &access["sub"], &access["iss"]),
            (&json!(true), &json!("Bearer"), &me["id"], &json!("http://localhost:3000"))
        );
        let refresh = introspect(&user.refresh).await;
        assert_eq!(
            (&refresh["active"], &refresh["token_type"], &refresh["sub"], &refresh["sid"]),
            (&json!(true), &json!("refresh_token"), &me["id"], &access["sid"])
        );
        // Introspection does not use the refresh token.
        assert_eq!(
            app.anon()
                .post("/api/v1/auth/refresh", json!({"refresh_token": user.refresh}))
                .await
                .status,
            StatusCode::OK
        );
        for token in ["nonsense", "csgn_rt_nonsense", &format!("{}x", user.access)] {
            assert_eq!(introspect(token).await, json!({"active": false}));
        }
        app.clock.advance(TimeSpan::minutes(11));
        assert_eq!(introspect(&user.access).await, json!({"active": false}), "expired");
        let other = app.log_in("ada@example.com").await;
        other.client.post("/api/v1/auth/logout", json!({})).await;
        for token in [&other.access, &other.refresh] {
            assert_eq!(introspect(token).await, json!({"active": false}), "revoked");
        }
    }

    async fn token_endpoint_exchanges_refresh_token(app: App) {
        let user = app.user("ada@example.com").await;
        let basic =
            app.anon().with("authorization", &format!("Basic {}", STANDARD.encode("countersign:")));
        let mut token = user.refresh.clone();
        for (client, more) in [
            (app.anon(), ""),
            (app.anon(), "&client_id=countersign&scope=account&unknown=x"),
            (basic, "&client_id=&scope="),
        ] {
            let response = post(
                &client,
                "/oauth/token",
                &format!("grant_type=refresh_token&refresh_token={token}{more}"),
            )
            .await;
            assert_eq!(
                (response.status, response.header("content-type")),
                (StatusCode::OK, "application/json"),
                "{}",
                response.text
            );
            assert_eq!(
                (response.header("cache-control"), response.header("pragma")),
                ("no-store", "no-cache")
            );
            assert!(response.cookies().is_empty());
            let body = response.json();
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
        // The refresh cookie is not accepted here.
        let by_cookie =
            post(&app.anon().browser(&token), "/oauth/token", "grant_type=refresh_token").await;
        assert_eq!(
            (by_cookie.status, by_cookie.error_code().as_str()),
            (StatusCode::BAD_REQUEST, "invalid_request")
        );
    }

    async fn invalid_token_requests_return_oauth_errors(app: App) {
        let user = app.user("ada@example.com").await;
        let valid = format!("refresh_token={}", user.refresh);
        let long = format!("grant_type=refresh_token&{valid}&x={}", "x".repeat(70_000));
        for (form, status, error) in [
            ("", 400, "invalid_request"),
            ("grant_type=", 400, "invalid_request"),
            ("grant_type=refresh_token", 400, "invalid_request"),
            ("grant_type=refresh_token&refresh_token=", 400, "invalid_request"),
            (
                &format!("grant_type=refresh_token&grant_type=refresh_token&{valid}"),
                400,
                "invalid_request",
            ),
            (&format!("grant_type=refresh_token&{valid}&{valid}"), 400, "invalid_request"),
            ("%ff=%fe", 400, "invalid_request"),
            (
                &format!("grant_type=password&username=ada@example.com&password=x&{valid}"),
                400,
                "unsupported_grant_type",
            ),
            ("grant_type=client_credentials", 400, "unsupported_grant_type"),
            (&format!("grant_type=REFRESH_TOKEN&{valid}"), 400, "unsupported_grant_type"),
            ("grant_type=refresh_token&refresh_token=nonsense", 400, "invalid_grant"),
            (
                &format!("grant_type=refresh_token&refresh_token={}", user.access),
                400,
                "invalid_grant",
            ),
            (&format!("grant_type=refresh_token&{valid}&client_id=another"), 401, "invalid_client"),
            (
                &format!("grant_type=refresh_token&{valid}&scope=account%20root"),
                400,
                "invalid_scope",
            ),
            (&long, 413, "invalid_request"),
        ] {
            let response = post(&app.anon(), "/oauth/token", form).await;
            assert_eq!(
                (
                    response.status.as_u16(),
                    response.header("content-type"),
                    response.header("cache-control")
                ),
                (status, "application/json", "no-store"),
                "{}",
                response.text
            );
            let body = response.json();
            assert_eq!(body["error"], error, "{}", response.text);
            assert!(
                body["error_description"]
                    .as_str()
                    .is_some_and(|text| text.is_ascii() && !text.contains(['"', '\\'])),
                "RFC 6749, 5.2: {}",
                response.text
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
            (json.status, json.error_code().as_str()),
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request")
        );
        let other = app.anon().with("authorization", &basic("x"));
        let other =
            post(&other, "/oauth/token", &format!("grant_type=refresh_token&{valid}")).await;
        assert_eq!(
            (other.status, other.header("www-authenticate")),
            (StatusCode::UNAUTHORIZED, "Basic realm=\"countersign\"")
        );
        // None of these requests has used the refresh token.
        assert_eq!(
            post(&app.anon(), "/oauth/token", &format!("grant_type=refresh_token&{valid}"))
                .await
                .status,
            StatusCode::OK
        );
        app.clock.advance(TimeSpan::days(15));
        let expired =
            post(&app.anon(), "/oauth/token", &format!("grant_type=refresh_token&{valid}")).await;
        assert_eq!(
            (expired.status, expired.error_code().as_str()),
            (StatusCode::BAD_REQUEST, "invalid_grant")
        );
    }

    async fn introspection_accepts_the_secret_in_every_standard_form(target: IntrospectionApp) {
        let IntrospectionApp { app, secret } = target;
        let user = app.user("ada@example.com").await;
        // RFC 6749, 2.3.1: client libraries percent-encode every character but letters and digits;
        // encoding all of them is allowed.
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
        for sent in [
            secret.clone(),
            encoded,
            percent_encoded(secret.as_bytes()),
            secret.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat(),
        ] {
            let response =
                post(&app.anon().with("authorization", &basic(&sent)), "/oauth/introspect", &form)
                    .await;
            assert_eq!(
                (response.status, &response.json()["active"], &response.json()["client_id"]),
                (StatusCode::OK, &json!(true), &json!("countersign")),
                "{sent}"
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

    async fn introspection_without_the_secret_returns_401(target: IntrospectionApp) {
        let IntrospectionApp { app, secret } = target;
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
            let client =
                value.iter().fold(app.anon(), |client, value| client.with("authorization", value));
            let response = post(&client, "/oauth/introspect", &form).await;
            assert_eq!(
                (response.status, &response.json()["error"], response.header("www-authenticate")),
                (StatusCode::UNAUTHORIZED, &json!("invalid_client"), "Basic realm=\"countersign\""),
                "{value:?}"
            );
        }
        let disabled = App::on(TestDatabase::sqlite()).await;
        let response = post(
            &disabled.anon().with("authorization", &basic(&secret)),
            "/oauth/introspect",
            "token=x",
        )
        .await;
        assert_eq!(
            response.status,
            StatusCode::UNAUTHORIZED,
            "introspection is disabled without a secret"
        );
    }

    async fn metadata_lists_the_available_endpoints(target: IntrospectionApp) {
        let (with, without) = (
            target.app,
            App::with_url(TestDatabase::sqlite(), "https://accounts.example.com").await,
        );
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
        let metadata = with.anon().get("/.well-known/oauth-authorization-server").await.json();
        assert_eq!(metadata["introspection_endpoint"], "http://localhost:3000/oauth/introspect");
    }
}

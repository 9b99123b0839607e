//! Delivery of email to a real SMTP server, with its faults.

use crate::common::{TestContext, client};
use countersign_core::{
    Auth, RateLimits, Verification,
    mail::{MailStatistics, MailTransport, OutboxRow},
    test_on_each_database,
    testing::smtp_server::{ReceivedMail, SmtpServer},
    testing::tokens_of,
};
use countersign_types::{
    MailId, TimeSpan,
    forms::{ForgotPasswordForm, SignUpForm},
};
use futures::future::join_all;
use uuid::Uuid;

async fn start_node(context: &TestContext, url: &str) -> Auth {
    let transport = MailTransport::parse(url).expect("a transport");
    context.mail_node(transport, RateLimits::off(), Verification::Off).await
}

/// Creates an account and requests an email to it.
async fn request(node: &Auth, email: &str) {
    let form = SignUpForm {
        email: email.to_owned(),
        password: "correct horse battery".to_owned(),
        ..SignUpForm::default()
    };
    node.sign_up(&client(), &form, None).await.map(tokens_of).expect("a sign-up");
    let form = ForgotPasswordForm { email: email.to_owned() };
    node.request_password_reset(&client(), &form).await.expect("a request");
}

async fn deliver(node: &Auth) {
    node.deliver_mail().await.expect("the database works");
}

async fn outbox(context: &TestContext) -> Vec<OutboxRow> {
    let mut reader = context.store.read().await.expect("a connection");
    reader.outbox_list(false, MailId(Uuid::nil()), 1000).await.expect("the outbox")
}

fn counts(node: &Auth) -> [u64; 3] {
    let MailStatistics { sent, deferred, failed, .. } = node.mail_statistics().expect("mail is on");
    [sent, deferred, failed]
}

test_on_each_database! {
    async fn email_is_delivered_once_and_leaves_the_outbox(context: TestContext) {
        let server = SmtpServer::start();
        let node = start_node(&context, &server.url()).await;
        request(&node, "ada@example.com").await;
        assert_eq!(outbox(&context).await.len(), 1);
        deliver(&node).await;
        deliver(&node).await;
        let ReceivedMail { to, raw, .. } = server.receive();
        assert_eq!(to, "ada@example.com");
        for line in [
            "From: Countersign <accounts@countersign.example>\r\n",
            "To: ada@example.com\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n",
        ] {
            assert!(raw.contains(line), "{line}\n{raw}");
        }
        assert!(outbox(&context).await.is_empty());
        assert_eq!((counts(&node), server.rest()), ([1, 0, 0], 0));
    }

    async fn server_that_was_down_gets_the_email_later(context: TestContext) {
        let port = SmtpServer::start().stop();
        let node = start_node(&context, &format!("smtp://127.0.0.1:{port}?tls=none")).await;
        request(&node, "ada@example.com").await;
        for _ in 0..60 {
            deliver(&node).await;
            context.clock.advance(TimeSpan::minutes(1));
        }
        let [_, deferred, failed] = counts(&node);
        assert!((3..=5).contains(&deferred) && failed == 0, "{deferred} attempts in an hour");
        let waiting = outbox(&context).await;
        assert!(waiting[0].last_error.is_some() && waiting[0].due_at.is_some(), "{waiting:?}");
        node.ready().await.expect("ready all the time");
        let server = SmtpServer::on_port(port);
        context.clock.advance(TimeSpan::minutes(90));
        deliver(&node).await;
        assert_eq!(server.receive().to, "ada@example.com");
        assert!(outbox(&context).await.is_empty());
    }

    async fn email_is_given_up_after_eight_attempts_in_a_day(context: TestContext) {
        let port = SmtpServer::start().stop();
        let node = start_node(&context, &format!("smtp://127.0.0.1:{port}?tls=none")).await;
        request(&node, "ada@example.com").await;
        let mut failed_at = None;
        for _ in 0..40 * 12 {
            deliver(&node).await;
            if counts(&node)[2] == 1 && failed_at.is_none() {
                failed_at = Some(context.clock.now());
            }
            context.clock.advance(TimeSpan::minutes(5));
        }
        assert_eq!(counts(&node), [0, 7, 1]);
        let hours = failed_at.expect("given up").since(crate::common::START).as_seconds() / 3600;
        assert!((16..=28).contains(&hours), "{hours} hours");
        let failed = outbox(&context).await;
        assert_eq!((failed.len(), failed[0].due_at, failed[0].attempts), (1, None, 8));
        node.ready().await.expect("ready");
        // The operator repeats it, and it is sent with a new lifetime.
        let server = SmtpServer::on_port(port);
        let operator = node.operator_for_tests(&client());
        assert!(operator.retry_mail(failed[0].id).await.expect("the database works"));
        assert!(!operator.retry_mail(MailId(Uuid::nil())).await.expect("the database works"));
        deliver(&node).await;
        assert_eq!(server.receive().to, "ada@example.com");
    }

    async fn greylisted_email_is_repeated_until_accepted(context: TestContext) {
        let server = SmtpServer::start();
        let node = start_node(&context, &server.url()).await;
        request(&node, "greylisted@example.com").await;
        for minutes in [0, 2, 7] {
            context.clock.advance(TimeSpan::minutes(minutes));
            deliver(&node).await;
        }
        assert_eq!(server.receive().to, "greylisted@example.com");
        assert_eq!(counts(&node), [1, 2, 0]);
    }

    async fn refused_recipient_fails_at_once(context: TestContext) {
        let server = SmtpServer::start();
        let node = start_node(&context, &server.url()).await;
        request(&node, "refused@example.com").await;
        deliver(&node).await;
        assert_eq!(counts(&node), [0, 0, 1]);
        let failed = outbox(&context).await;
        let error = failed[0].last_error.as_deref().unwrap_or_default();
        assert!(error.contains("550"), "{failed:?}");
        assert_eq!(failed[0].due_at, None);
        assert_eq!(failed[0].recipient.as_deref(), Some("refused@example.com"));
    }

    async fn full_mailbox_is_tried_again(context: TestContext) {
        let server = SmtpServer::start();
        let node = start_node(&context, &server.url()).await;
        request(&node, "mailbox-full@example.com").await;
        deliver(&node).await;
        assert_eq!(counts(&node), [0, 1, 0]);
        let waiting = outbox(&context).await;
        assert!(waiting[0].due_at.is_some(), "{waiting:?}");
    }

    async fn connection_that_is_cut_loses_no_email(context: TestContext) {
        let server = SmtpServer::start();
        let node = start_node(&context, &server.url()).await;
        request(&node, "cut@example.com").await;
        request(&node, "cut-after@example.com").await;
        for minutes in [0, 2, 7] {
            context.clock.advance(TimeSpan::minutes(minutes));
            deliver(&node).await;
        }
        let mut received: Vec<_> = (0..3).map(|_| server.receive()).collect();
        received.sort();
        // The response of the second was lost, so it came twice, with the same Message-ID.
        let to: Vec<_> = received.iter().map(|mail| mail.to.as_str()).collect();
        assert_eq!(to, ["cut-after@example.com", "cut-after@example.com", "cut@example.com"]);
        let id = |raw: &str| {
            raw.lines().find(|line| line.starts_with("Message-ID")).map(str::to_owned)
        };
        assert!(id(&received[0].raw).is_some());
        assert_eq!(id(&received[0].raw), id(&received[1].raw));
        assert!(outbox(&context).await.is_empty());
    }

    async fn silent_server_delays_neither_requests_nor_other_email(context: TestContext) {
        let server = SmtpServer::start();
        let node = start_node(&context, &server.url()).await;
        let another = start_node(&context, &server.url()).await;
        request(&node, "silent@example.com").await;
        request(&node, "ada@example.com").await;
        let delivery = tokio::spawn({
            let node = node.clone();
            async move { node.deliver_mail().await }
        });
        let (server, to) = tokio::task::spawn_blocking(move || {
            let to = server.receive().to;
            (server, to)
        })
        .await
        .expect("a message");
        assert_eq!(to, "ada@example.com");
        assert!(!delivery.is_finished(), "the server is silent");
        // Requests go on, their emails are sent by the same node, and another node does not send
        // the email that is waiting for the server.
        request(&node, "eve@example.com").await;
        let (_server, to) = tokio::task::spawn_blocking(move || {
            let to = server.receive().to;
            (server, to)
        })
        .await
        .expect("a message");
        assert_eq!(to, "eve@example.com");
        deliver(&another).await;
        assert_eq!(counts(&another), [0, 0, 0]);
        delivery.abort();
    }

    async fn nodes_that_deliver_together_send_each_email_once(context: TestContext) {
        let server = SmtpServer::start();
        let nodes = [
            start_node(&context, &server.url()).await,
            start_node(&context, &server.url()).await,
        ];
        for number in 0..20 {
            request(&nodes[0], &format!("user{number}@example.com")).await;
        }
        join_all(nodes.iter().map(deliver)).await;
        let mut to: Vec<_> = (0..20).map(|_| server.receive().to).collect();
        to.sort();
        to.dedup();
        assert_eq!((to.len(), server.rest()), (20, 0));
        assert_eq!(nodes.iter().map(|node| counts(node)[0]).sum::<u64>(), 20);
    }

    async fn email_of_a_stopped_node_is_sent_when_its_lease_ends(context: TestContext) {
        let server = SmtpServer::start();
        let (stopped, node) =
            (start_node(&context, &server.url()).await, start_node(&context, &server.url()).await);
        request(&stopped, "ada@example.com").await;
        let mut tx = context.store.write().await.expect("a transaction");
        let leased = tx.outbox_lease_for_tests(context.clock.now()).await.expect("a lease");
        tx.commit().await.expect("a commit");
        assert_eq!(leased, 1);
        deliver(&node).await;
        assert_eq!(counts(&node), [0, 0, 0]);
        // The operator cannot have it sent twice.
        let operator = node.operator_for_tests(&client());
        let id = outbox(&context).await[0].id;
        assert!(!operator.retry_mail(id).await.expect("the database works"));
        context.clock.advance(TimeSpan::minutes(2));
        deliver(&node).await;
        let ReceivedMail { to, raw, .. } = server.receive();
        assert_eq!(to, "ada@example.com");
        // The code was never sent before.
        let subject = raw.lines().find(|line| line.starts_with("Subject: ")).expect("a subject");
        assert!(subject.contains(|c: char| c.is_ascii_digit()), "{subject}");
    }

    async fn email_without_a_result_is_given_up_after_twenty_attempts(context: TestContext) {
        let server = SmtpServer::start();
        let node = start_node(&context, &server.url()).await;
        request(&node, "ada@example.com").await;
        for _ in 0..20 {
            let mut tx = context.store.write().await.expect("a transaction");
            let now = context.clock.now();
            assert_eq!(tx.outbox_lease_for_tests(now).await.expect("a lease"), 1);
            tx.commit().await.expect("a commit");
            context.clock.advance(TimeSpan::minutes(2));
        }
        deliver(&node).await;
        assert_eq!(counts(&node), [0, 0, 1]);
        assert_eq!(server.rest(), 0);
    }

    async fn email_of_a_deleted_account_is_deleted(context: TestContext) {
        let server = SmtpServer::start();
        let node = start_node(&context, &server.url()).await;
        request(&node, "ada@example.com").await;
        crate::common::execute(&context, "DELETE FROM csgn_users").await;
        deliver(&node).await;
        assert!(outbox(&context).await.is_empty());
        assert_eq!(counts(&node), [0, 0, 0]);
    }
}

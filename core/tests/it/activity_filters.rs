//! The filters of the activity list, and how far one page searches.

use crate::common::{TestContext, client, signed_in};
use countersign_core::{IssuedTokens, SignedIn, store::Seed, test_on_each_database};
use countersign_types::{
    ActivityFilter, EventId, EventKind, TimeSpan,
    forms::{ChangePasswordForm, LogInForm, UpdateProfileForm},
    views::ActivityEventPage,
};

const ADA: &str = "ada@example.com";

/// Moves the clock, because the ids of events within a millisecond have no order.
fn tick(context: &TestContext) {
    context.clock.advance(TimeSpan::seconds(1));
}

async fn fail_to_log_in(context: &TestContext) {
    let form =
        LogInForm { email: ADA.into(), password: "wrong horse".into(), ..LogInForm::default() };
    context.auth.log_in(&client(), &form, None).await.expect_err("refused");
    tick(context);
}

/// Adds log-ins.
async fn seed(context: &TestContext, user: &IssuedTokens, count: i64) {
    let mut tx = context.store.write().await.expect("a transaction");
    tx.seed(Seed::Events, user.account.id, count, context.clock.now()).await.expect("rows");
    tx.commit().await.expect("a commit");
    tick(context);
}

/// Returns the pages from the newest to the oldest event.
async fn pages(me: &SignedIn<'_>, filter: ActivityFilter, limit: u16) -> Vec<ActivityEventPage> {
    let mut pages = vec![me.activity(filter, limit, None).await.expect("a page")];
    while let Some(cursor) = pages.last().and_then(|page| page.next_cursor.as_deref()) {
        pages.push(me.activity(filter, limit, Some(cursor)).await.expect("a page"));
    }
    pages
}

/// Returns the events of all pages.
fn events(pages: &[ActivityEventPage]) -> Vec<(EventId, EventKind)> {
    pages.iter().flat_map(|page| &page.items).map(|event| (event.id, event.kind)).collect()
}

fn kinds(pages: &[ActivityEventPage]) -> Vec<EventKind> {
    events(pages).into_iter().map(|(_, kind)| kind).collect()
}

test_on_each_database! {
    async fn filter_returns_only_its_events(context: TestContext) {
        context.sign_up(ADA).await;
        tick(&context);
        fail_to_log_in(&context).await;
        let issued = context.log_in(ADA).await;
        tick(&context);
        let me = signed_in(&context, &issued).await;
        me.update_display_name(&UpdateProfileForm { name: "Ada".into() }).await.expect("renamed");
        tick(&context);
        let change = ChangePasswordForm {
            current_password: "wrong horse".into(),
            new_password: "a quite different one".into(),
        };
        me.change_password(&change).await.expect_err("refused");
        for (filter, expected) in [
            (
                ActivityFilter::All,
                &[
                    EventKind::PasswordChangeFailed,
                    EventKind::NameChanged,
                    EventKind::LoggedIn,
                    EventKind::LogInFailed,
                    EventKind::SignedUp,
                ] as &[_],
            ),
            (ActivityFilter::LogIns, &[EventKind::LoggedIn, EventKind::LogInFailed]),
            (
                ActivityFilter::Changes,
                &[EventKind::PasswordChangeFailed, EventKind::NameChanged, EventKind::SignedUp],
            ),
            (ActivityFilter::Warnings, &[EventKind::PasswordChangeFailed, EventKind::LogInFailed]),
        ] {
            let page = me.activity(filter, 20, None).await.expect("a page");
            assert_eq!((&page.next_cursor, page.searched_to), (&None, None), "{filter:?}");
            assert_eq!(kinds(&[page]), expected, "{filter:?}");
        }
    }

    async fn filtered_pages_together_are_the_filtered_list(context: TestContext) {
        let issued = context.sign_up(ADA).await;
        tick(&context);
        for log_ins in [2, 0, 3, 1, 0, 0, 5] {
            seed(&context, &issued, log_ins).await;
            fail_to_log_in(&context).await;
        }
        let me = signed_in(&context, &issued).await;
        let all = events(&pages(&me, ActivityFilter::All, 100).await);
        for filter in ActivityFilter::ALL {
            let expected: Vec<_> =
                all.iter().copied().filter(|(_, kind)| filter.includes(*kind)).collect();
            assert!(!expected.is_empty());
            for limit in 1..=20 {
                let pages = pages(&me, filter, limit).await;
                assert_eq!(events(&pages), expected, "{filter:?} {limit}");
                assert_eq!(
                    pages.len(),
                    expected.len().div_ceil(limit.into()),
                    "each page but the last one is full: {filter:?} {limit}"
                );
                assert!(pages.iter().all(|page| page.searched_to.is_none()));
            }
        }
    }

    async fn rare_event_behind_many_others_is_found_by_cursors(context: TestContext) {
        let issued = context.sign_up(ADA).await;
        tick(&context);
        fail_to_log_in(&context).await;
        let at = context.clock.now();
        seed(&context, &issued, 2_500).await;
        fail_to_log_in(&context).await;
        let me = signed_in(&context, &issued).await;

        let warnings = pages(&me, ActivityFilter::Warnings, 20).await;
        let counts: Vec<_> = warnings.iter().map(|page| page.items.len()).collect();
        assert_eq!(counts, [1, 0, 1], "a page reads at most 1,000 events");
        let searched_to: Vec<_> = warnings.iter().map(|page| page.searched_to).collect();
        assert_eq!(searched_to, [Some(at), Some(at), None]);

        assert_eq!(kinds(&pages(&me, ActivityFilter::Changes, 20).await), [EventKind::SignedUp]);

        let log_ins = pages(&me, ActivityFilter::LogIns, 100).await;
        let mut seen = events(&log_ins);
        assert_eq!(seen.len(), 2_502);
        seen.dedup();
        assert_eq!(seen.len(), 2_502, "no event is repeated");
        // Each page is full, so none of them says how far it has searched.
        assert!(log_ins.iter().rev().skip(1).all(|page| page.items.len() == 100));
        assert!(log_ins.iter().all(|page| page.searched_to.is_none()));
    }

    async fn search_ends_with_the_last_event_that_a_page_may_read(context: TestContext) {
        for (log_ins, expected) in [(999, [1].as_slice()), (1_000, &[0, 1]), (1_999, &[0, 1])] {
            let issued = context.sign_up(&format!("user{log_ins}@example.com")).await;
            tick(&context);
            seed(&context, &issued, log_ins).await;
            let me = signed_in(&context, &issued).await;
            let changes = pages(&me, ActivityFilter::Changes, 20).await;
            let counts: Vec<_> = changes.iter().map(|page| page.items.len()).collect();
            assert_eq!(counts, expected, "{log_ins}");
        }
    }
}

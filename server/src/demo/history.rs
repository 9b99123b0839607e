//! The invented past of a demonstration: what its users did in the last month.
//!
//! Everything is created by the operations of `countersign-core`, so the data is like that of a
//! real server. A manual clock passes through the month. A running [`Auth`] can't change its clock,
//! so the past has an instance of its own, which ends before the server opens the same database
//! with the system clock. It has the default policy, because the settings of a demonstration may
//! end sessions too early, and cheap password hashes: the first log-in replaces them.

use super::accounts::{ALEX, DemoAccount, ROBIN, SAM};
use crate::{config::Config, database};
use anyhow::{anyhow, bail};
use countersign_core::{
    Auth, AuthConfig, Clock, Error, HashingConfig, IssuedTokens, Policy, PresentedCredential,
    RandomSource, RequestContext, ServerSecret, SignedIn, admin::AdminAction,
};
use countersign_types::{
    Email, SessionId, TimeSpan, Timestamp,
    forms::{ChangePasswordForm, CurrentPasswordForm, LogInForm, SignUpForm, UpdateProfileForm},
    views::Role,
};
use std::net::Ipv4Addr;
use tracing::{instrument::WithSubscriber, subscriber::NoSubscriber};

const FIREFOX_LINUX: &str =
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
const CHROME_WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 \
    (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
const SAFARI_IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) \
    AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1";
const SAFARI_IPAD: &str = "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 \
    (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1";
const SAFARI_MAC: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 \
    (KHTML, like Gecko) Version/26.0 Safari/605.1.15";

/// Networks of RFC 5737, which are for documentation.
const HOME: [u8; 4] = [192, 0, 2, 17];
const MOBILE: [u8; 4] = [198, 51, 100, 23];
const OFFICE: [u8; 4] = [203, 0, 113, 8];
const ELSEWHERE: [u8; 4] = [203, 0, 113, 177];

/// The password of Robin before it was changed.
const ROBIN_FORMER_PASSWORD: &str = "c9wfn-t4kzd-7mxqh";
const WRONG_PASSWORD: &str = "not the password";

/// Creates the accounts and their past in the database of `config`.
pub(super) async fn create(
    config: &Config,
    secret: &ServerSecret,
    random: &RandomSource,
) -> anyhow::Result<()> {
    let store = database::open_store(config).await?;
    let now = Clock::System.now();
    let midnight = Timestamp(now.0 - now.0.rem_euclid(TimeSpan::days(1).0));
    let clock = Clock::manual(midnight - TimeSpan::days(31));
    let auth = Auth::start(AuthConfig {
        store: store.clone(),
        clock: clock.clone(),
        random: random.clone(),
        secret: secret.clone(),
        policy: Policy::new(&config.policy().issuer),
        hashing: HashingConfig { memory_kib: 64, iterations: 1, ..HashingConfig::new(1) },
        mail: None,
    })
    .await?;
    let past = Past { auth: &auth, clock, now, midnight };
    let mut browsers = Browsers::new(&auth);
    let month = async {
        past.first_week(&mut browsers, secret).await?;
        past.second_week(&mut browsers).await?;
        past.third_week(&mut browsers).await?;
        past.last_week(&mut browsers).await
    };
    // The log is about the server that runs, not about its invented past.
    month.with_subscriber(NoSubscriber::new()).await?;
    store.close().await;
    Ok(())
}

/// The browsers of the three users, and that of an attacker.
struct Browsers<'a> {
    alex: Browser<'a>,
    sam: Browser<'a>,
    laptop: Browser<'a>,
    phone: Browser<'a>,
    office: Browser<'a>,
    tablet: Browser<'a>,
    attacker: Browser<'a>,
}

impl<'a> Browsers<'a> {
    fn new(auth: &'a Auth) -> Self {
        Self {
            alex: Browser::new(auth, OFFICE, SAFARI_MAC),
            sam: Browser::new(auth, MOBILE, SAFARI_IPHONE),
            laptop: Browser::new(auth, HOME, FIREFOX_LINUX),
            phone: Browser::new(auth, MOBILE, SAFARI_IPHONE),
            office: Browser::new(auth, OFFICE, CHROME_WINDOWS),
            tablet: Browser::new(auth, HOME, SAFARI_IPAD),
            attacker: Browser::new(auth, ELSEWHERE, CHROME_WINDOWS),
        }
    }
}

/// The month before the start. All times of day are in UTC.
struct Past<'a> {
    auth: &'a Auth,
    clock: Clock,
    /// The time of the start, and the beginning of that day.
    now: Timestamp,
    midnight: Timestamp,
}

impl Past<'_> {
    /// Moves the clock to a time of day.
    fn move_to(&self, days_ago: i64, hour: i64, minute: i64) {
        let time_of_day = TimeSpan::minutes(60 * hour + minute);
        self.set_clock(self.midnight - TimeSpan::days(days_ago) + time_of_day);
    }

    /// Moves the clock to a time shortly before the start.
    fn move_to_minutes_ago(&self, minutes: i64) {
        self.set_clock(self.now - TimeSpan::minutes(minutes));
    }

    fn set_clock(&self, then: Timestamp) {
        self.clock.advance(then.since(self.clock.now()));
    }

    /// The accounts are created, and an attacker guesses a password.
    async fn first_week(
        &self,
        browsers: &mut Browsers<'_>,
        secret: &ServerSecret,
    ) -> anyhow::Result<()> {
        let Browsers { alex, laptop, phone, attacker, .. } = browsers;
        self.move_to(30, 9, 12);
        let context = RequestContext::new(None, None, "demonstration");
        self.auth
            .operator(&context, secret)?
            .create(&sign_up_form(&ALEX, ALEX.password), Role::Admin)
            .await?;
        self.move_to(30, 9, 20);
        alex.log_in(&ALEX, ALEX.password).await?;
        self.move_to(29, 8, 31);
        laptop.sign_up(&DemoAccount { name: "Robin", ..ROBIN }, ROBIN_FORMER_PASSWORD).await?;
        self.move_to(28, 19, 5);
        phone.log_in(&ROBIN, ROBIN_FORMER_PASSWORD).await?;
        self.move_to(26, 12, 40);
        laptop.visit().await?;
        let name = UpdateProfileForm { name: ROBIN.name.to_owned() };
        laptop.user().await?.update_display_name(&name).await?;
        for minute in [14, 15, 17] {
            self.move_to(24, 21, minute);
            refused(attacker.log_in(&ROBIN, WRONG_PASSWORD).await)?;
        }
        Ok(())
    }

    /// Robin changes the password. Alex disables the account of Sam for a day.
    async fn second_week(&self, browsers: &mut Browsers<'_>) -> anyhow::Result<()> {
        let Browsers { alex, sam, laptop, phone, office, tablet, .. } = browsers;
        self.move_to(23, 7, 48);
        refused(laptop.change_password(WRONG_PASSWORD, ROBIN.password).await)?;
        self.move_to(23, 7, 50);
        laptop.change_password(ROBIN_FORMER_PASSWORD, ROBIN.password).await?;
        self.move_to(22, 18, 20);
        phone.log_in(&ROBIN, ROBIN.password).await?;
        self.move_to(21, 16, 2);
        sam.sign_up(&SAM, SAM.password).await?;
        self.move_to(20, 8, 57);
        office.log_in(&ROBIN, ROBIN.password).await?;
        self.move_to(19, 20, 33);
        laptop.log_in(&ROBIN, ROBIN.password).await?;
        self.move_to(18, 10, 15);
        self.administer(alex, AdminAction::Disable).await?;
        self.move_to(17, 9, 3);
        self.administer(alex, AdminAction::Enable).await?;
        self.move_to(17, 19, 44);
        tablet.log_in(&ROBIN, ROBIN.password).await?;
        self.move_to(16, 7, 26);
        let lost = tablet.session()?;
        phone.visit().await?;
        phone.user().await?.revoke_session(lost).await?;
        Ok(())
    }

    /// Robin logs out other devices, and requests the deletion of the account for a day.
    async fn third_week(&self, browsers: &mut Browsers<'_>) -> anyhow::Result<()> {
        let Browsers { sam, laptop, phone, office, .. } = browsers;
        self.move_to(15, 11, 30);
        sam.log_in(&SAM, SAM.password).await?;
        self.move_to(14, 17, 35);
        office.log_out().await?;
        self.move_to(13, 8, 49);
        office.log_in(&ROBIN, ROBIN.password).await?;
        self.move_to(12, 20, 10);
        laptop.visit().await?;
        laptop.user().await?.revoke_other_sessions().await?;
        self.move_to(11, 18, 52);
        phone.log_in(&ROBIN, ROBIN.password).await?;
        self.move_to(10, 21, 7);
        refused(phone.user().await?.delete_account(&password_form(WRONG_PASSWORD)).await)?;
        self.move_to(9, 19, 21);
        laptop.visit().await?;
        laptop.user().await?.delete_account(&password_form(ROBIN.password)).await?;
        self.move_to(8, 7, 40);
        laptop.user().await?.cancel_deletion().await?;
        Ok(())
    }

    /// The session of the tablet is used in two places. Sam requests the deletion of the account.
    async fn last_week(&self, browsers: &mut Browsers<'_>) -> anyhow::Result<()> {
        let Browsers { alex, sam, laptop, phone, office, tablet, attacker } = browsers;
        self.move_to(7, 19, 15);
        tablet.log_in(&ROBIN, ROBIN.password).await?;
        attacker.refresh_token.clone_from(&tablet.refresh_token);
        self.move_to(6, 18, 58);
        tablet.visit().await?;
        self.move_to(5, 20, 4);
        tablet.visit().await?;
        self.move_to(5, 23, 41);
        refused(attacker.visit().await)?;
        self.move_to(4, 8, 22);
        phone.log_in(&ROBIN, ROBIN.password).await?;
        self.move_to(4, 8, 55);
        office.log_in(&ROBIN, ROBIN.password).await?;
        self.move_to(3, 15, 18);
        sam.visit().await?;
        sam.user().await?.delete_account(&password_form(SAM.password)).await?;
        self.move_to(2, 20, 36);
        tablet.log_in(&ROBIN, ROBIN.password).await?;
        self.move_to(1, 12, 9);
        alex.log_in(&ALEX, ALEX.password).await?;
        self.move_to_minutes_ago(150);
        office.visit().await?;
        self.move_to_minutes_ago(25);
        phone.visit().await?;
        self.move_to_minutes_ago(4);
        laptop.visit().await?;
        Ok(())
    }

    /// Lets the administrator change the account of Sam.
    async fn administer(&self, alex: &mut Browser<'_>, action: AdminAction) -> anyhow::Result<()> {
        alex.visit().await?;
        let user = alex.user().await?;
        let admin = user.admin()?;
        let email = Email::parse(SAM.email).map_err(|_| anyhow!("invalid email address"))?;
        let sam = admin.user_by_email(&email).await?.id;
        admin.change(sam, action).await?;
        Ok(())
    }
}

/// A browser with the refresh token of its session.
struct Browser<'a> {
    auth: &'a Auth,
    context: RequestContext,
    refresh_token: Option<String>,
}

impl<'a> Browser<'a> {
    fn new(auth: &'a Auth, address: [u8; 4], agent: &str) -> Self {
        let address = Ipv4Addr::from(address).into();
        let context = RequestContext::new(Some(address), Some(agent), "demonstration");
        Self { auth, context, refresh_token: None }
    }

    fn token(&self) -> Result<&str, Error> {
        self.refresh_token.as_deref().ok_or(Error::Unauthenticated)
    }

    fn session(&self) -> Result<SessionId, Error> {
        self.auth.session_of(self.token()?).ok_or(Error::Unauthenticated)
    }

    fn keep(&mut self, issued: IssuedTokens) {
        self.refresh_token = Some(issued.refresh.token);
    }

    async fn sign_up(&mut self, account: &DemoAccount, password: &str) -> Result<(), Error> {
        let form = sign_up_form(account, password);
        let step = self.auth.sign_up(&self.context, &form, None).await?;
        self.keep(step.tokens().ok_or(Error::Unauthenticated)?);
        Ok(())
    }

    /// Logs in. A session that the browser had is replaced.
    async fn log_in(&mut self, account: &DemoAccount, password: &str) -> Result<(), Error> {
        let form = LogInForm {
            email: account.email.to_owned(),
            password: password.to_owned(),
            remember_me: true,
        };
        let replaces = self.refresh_token.as_deref();
        let step = self.auth.log_in(&self.context, &form, replaces).await?;
        self.keep(step.tokens().ok_or(Error::Unauthenticated)?);
        Ok(())
    }

    async fn log_out(&mut self) -> Result<(), Error> {
        self.auth.log_out(&self.context, PresentedCredential::Cookie(self.token()?)).await?;
        self.refresh_token = None;
        Ok(())
    }

    /// Refreshes the session, as a page does that is opened after a while.
    async fn visit(&mut self) -> Result<(), Error> {
        let issued = self.auth.refresh(&self.context, self.token()?).await?;
        self.keep(issued);
        Ok(())
    }

    async fn user(&self) -> Result<SignedIn<'a>, Error> {
        self.auth.signed_in(&self.context, PresentedCredential::Cookie(self.token()?)).await
    }

    async fn change_password(&mut self, current: &str, new: &str) -> Result<(), Error> {
        let form = ChangePasswordForm {
            current_password: current.to_owned(),
            new_password: new.to_owned(),
        };
        let issued = self.user().await?.change_password(&form).await?;
        self.keep(issued);
        Ok(())
    }
}

fn sign_up_form(account: &DemoAccount, password: &str) -> SignUpForm {
    SignUpForm {
        name: account.name.to_owned(),
        email: account.email.to_owned(),
        password: password.to_owned(),
        ..SignUpForm::default()
    }
}

fn password_form(password: &str) -> CurrentPasswordForm {
    CurrentPasswordForm { current_password: password.to_owned() }
}

/// Checks that an operation was refused because of its password or token.
fn refused<T>(result: Result<T, Error>) -> anyhow::Result<()> {
    match result {
        Ok(_) => bail!("an operation was not refused"),
        Err(Error::Invalid(_) | Error::InvalidCredentials | Error::Unauthenticated) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

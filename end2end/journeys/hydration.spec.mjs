// A page shows the same text as sent by the server, before hydration and after it. The debug build
// also reports mismatches on the console, and any console message fails a test.
import { formErrorUrl } from '../support/urls.mjs';
import { delayScripts } from '../support/network.mjs';
import { SENT_PAGE, requestLinks, scheduleDeletion } from '../support/page-states.mjs';
import {
  createUser,
  sessionCookie,
  storedToken,
  waitForHydration,
} from '../support/actions.mjs';
import { expectNoLayoutShift, observeLayoutShifts } from '../support/layout-shift.mjs';
import { expect, test } from '../support/test.mjs';

/** Title and text, including hidden elements, of the current page or of the HTML given. */
function pageText(html) {
  const page = html ? new DOMParser().parseFromString(html, 'text/html') : document;
  const body = page.body.cloneNode(true);
  for (const script of body.querySelectorAll('script')) script.remove();
  return [page.title, body.textContent];
}

/** Records every text that the page ever shows. */
function recordTexts() {
  const text = () =>
    document.title +
    document.querySelector('main').textContent +
    document.querySelector('header').textContent;
  window.texts = [text()];
  const onMutation = () => window.texts.at(-1) === text() || window.texts.push(text());
  new MutationObserver(onMutation).observe(document, {
    childList: true,
    subtree: true,
    characterData: true,
  });
}

/** URL, and a phrase of the page at that URL. */
const pages = [
  ['/', 'Your account, in your hands.'],
  ['/signup', 'Create account'],
  ['/signup?next=/account/activity', 'Log in'],
  ['/login', 'New here?'],
  ['/login?bye', "You've logged out."],
  ['/login?elsewhere&next=%2Faccount', 'You logged out in another tab'],
  ['/login?next=/account&ended', "You've been logged out."],
  ['/nowhere', 'Page not found'],
  [
    formErrorUrl('/login', '/fn/login', 'invalid_credentials'),
    'Incorrect email address or password',
  ],
  [
    formErrorUrl('/login', '/fn/login', 'invalid_fields:email=missing,password=missing'),
    'Enter your password.',
  ],
  [formErrorUrl('/login', '/fn/login', 'internal:0193-abc'), '0193-abc'],
  [
    formErrorUrl('/signup', '/fn/signup', 'invalid_fields:password=too_short.8'),
    'Use at least 8 characters.',
  ],
  [formErrorUrl('/signup', '/fn/signup', 'overloaded:3'), "We're busy right now"],
  ['/login?__path=%2Ffn%2Flogin&__err=rubbish!', 'Invalid request'],
  ['/login?reset', 'Your password has been changed'],
  ['/forgot', 'a code to choose a new one'],
  [formErrorUrl('/forgot', '/fn/forgot-password', 'mail_disabled'), 'This site sends no email'],
  [SENT_PAGE, 'Check your email'],
  [
    formErrorUrl(SENT_PAGE, '/fn/enter-code', 'invalid_fields:code=incorrect'),
    "That code isn't right.",
  ],
  ['/reset', 'This link no longer works'],
  ['/secure', 'This link no longer works'],
  ['/confirm', 'This link no longer works'],
  ['/verify', 'Check your email'],
  ['/verify?sent', 'Only the newest code works.'],
  [
    formErrorUrl('/verify', '/fn/verify-email', 'invalid_fields:code=incorrect'),
    "That code isn't right.",
  ],
];
/** The kind of the link from an email that the browser has opened, and the page as above. */
const linkPages = [
  ['reset', ['/reset', 'At least 8 characters']],
  [
    'reset',
    [
      formErrorUrl('/reset', '/fn/reset-password', 'invalid_fields:new_password=too_short.8'),
      'Use at least 8 characters.',
    ],
  ],
  ['secure', ['/secure', "We'll log out the device"]],
];
const userPages = [
  ['/', 'Hello, Ada Lovelace'],
  ['/login', 'New here?'],
  ['/signup', 'Create account'],
  ['/account', 'Account created'],
  ['/account?saved', 'Name saved.'],
  [formErrorUrl('/account', '/fn/update-profile', 'session_mismatch'), "You've switched accounts"],
  [
    formErrorUrl('/account', '/fn/update-profile', 'invalid_fields:name=too_long.200'),
    'Too long. Use up to 200 letters.',
  ],
  [formErrorUrl('/account', '/fn/logout', 'unavailable'), "You're still logged in."],
  ['/account/email', 'New email address'],
  ['/account/email?sent', 'Code from the email'],
  ['/account/email?saved', 'Your email address is confirmed.'],
  ['/account/password', 'Change password'],
  [
    formErrorUrl(
      '/account/password',
      '/fn/change-password',
      'invalid_fields:current_password=incorrect',
    ),
    "That's not your current password.",
  ],
  ['/account/devices', 'This device'],
  ['/account/devices?saved', 'Device logged out.'],
  [
    formErrorUrl('/account/devices', '/fn/revoke-session', 'not_found'),
    'It may have ended or been removed.',
  ],
  ['/account/activity', 'Signed up'],
  ['/account/activity?cursor=spoilt', 'Invalid request'],
  ['/account/data', 'In 14 days your account'],
  ['/account/nothing', 'Page not found'],
];
const deletionPages = [
  ['/account', 'Your account will be deleted on'],
  ['/account/data', 'Your account is scheduled for deletion.'],
];

async function expectSameText({ context, page, watch }, [url, phrase]) {
  // The browser reports a 404 on the console.
  if (phrase === 'Page not found') watch.expect({ status: 404, url });
  const html = await (await context.request.get(url)).text();

  const arrive = await delayScripts(page);
  await page.goto(url, { waitUntil: 'commit' });
  await expect(page.getByRole('contentinfo')).toBeVisible();
  const sent = await page.evaluate(pageText, html);
  expect(sent.join()).toContain(phrase);
  expect(await page.evaluate(pageText)).toEqual(sent);
  await page.evaluate(recordTexts);
  await observeLayoutShifts(page);
  arrive();
  await waitForHydration(page);
  // A page with a session starts with a refresh; waits for it, because it may change the page.
  if (await sessionCookie(context)) await expect.poll(() => storedToken(page)).not.toBeNull();
  await expectNoLayoutShift(page);
  expect(await page.evaluate(pageText)).toEqual(sent);
  expect(await page.evaluate(() => window.texts.length), 'the text never changed').toBe(1);
}

const title = ([url, phrase]) => `${url.split('?')[0]}: "${phrase}" hydrates unchanged`;

test.describe('anonymous', () => {
  for (const entry of pages) {
    test(title(entry), ({ context, page, watch }) =>
      expectSameText({ context, page, watch }, entry),
    );
  }
});

test.describe('link opened', () => {
  for (const [kind, entry] of linkPages) {
    test(title(entry), async ({ context, page, server, watch }) => {
      const links = await requestLinks(server, await createUser(server));
      await context.request.get(links[kind]);
      await expectSameText({ context, page, watch }, entry);
    });
  }
});

function testLoggedIn(entry, prepare = async () => {}) {
  test(title(entry), async ({ context, page, server, watch }) => {
    const user = await createUser(server);
    const { body } = await server.api('POST', '/auth/login', {
      email: user.email,
      password: user.password,
    });
    await prepare(server, user, body);
    await context.addCookies([
      {
        name: `countersign-${server.port}`,
        value: body.refresh_token,
        url: server.origin,
        httpOnly: true,
      },
    ]);
    await expectSameText({ context, page, watch }, entry);
  });
}

test.describe('logged in', () => {
  for (const entry of userPages) testLoggedIn(entry);
});

test.describe('deletion scheduled', () => {
  for (const entry of deletionPages) testLoggedIn(entry, scheduleDeletion);
});

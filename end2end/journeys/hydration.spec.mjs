// A page says the same as the server sent it (which is all that there is without scripts), before scripts take it over, and after. The debug build
// also explains on the console where it would not, and anything on the console fails.
import { refused } from '../support/address.mjs';
import { delayScripts } from '../support/network.mjs';
import { leave } from '../support/states.mjs';
import { kept, member, ready } from '../support/steps.mjs';
import { nothingMoved, watchStillness } from '../support/stillness.mjs';
import { expect, test } from '../support/test.mjs';

/** Title and text of a page, shown or not (what waits for scripts is there from the start): of this one, or of what the server sent. */
function words(html) {
  const page = html ? new DOMParser().parseFromString(html, 'text/html') : document;
  const body = page.body.cloneNode(true);
  for (const script of body.querySelectorAll('script')) script.remove();
  return [page.title, body.textContent];
}

/** Keeps every text that the page ever has. */
function record() {
  const text = () => document.title + document.querySelector('main').textContent + document.querySelector('header').textContent;
  window.texts = [text()];
  const look = () => window.texts.at(-1) === text() || window.texts.push(text());
  new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
}

/** Address, and something that the page says there. */
const pages = [
  ['/', 'One key to your account.'],
  ['/signup', 'Create account'],
  ['/signup?next=/account/activity', 'Create account'],
  ['/login', 'New here?'],
  ['/login?bye', 'You are logged out.'],
  ['/login?elsewhere&next=%2Faccount', 'You logged out in another tab'],
  ['/login?next=/account&ended', 'Your session has ended.'],
  ['/nowhere', 'Page not found'],
  [refused('/login', '/fn/login', 'credentials'), 'That did not match'],
  [refused('/login', '/fn/login', 'invalid:email=missing,password=missing'), 'Enter your password.'],
  [refused('/login', '/fn/login', 'internal:0193-abc'), '0193-abc'],
  [refused('/signup', '/fn/signup', 'invalid:password=too_short.8'), 'Use at least 8 characters.'],
  [refused('/signup', '/fn/signup', 'busy:3'), 'A lot is going on right now'],
  ['/login?__path=%2Ffn%2Flogin&__err=rubbish!', 'That could not be read'],
];
const pagesOfMembers = [
  ['/', 'Hello, Ada Lovelace.'],
  ['/login', 'New here?'],
  ['/signup', 'Create account'],
  ['/account', 'Member since'],
  ['/account?saved', 'Your name is saved.'],
  [refused('/account', '/fn/rename', 'someone_else'), 'You are logged in as someone else now'],
  [refused('/account', '/fn/rename', 'invalid:name=too_long.200'), 'Use at most 200 plain letters.'],
  [refused('/account', '/fn/logout', 'unavailable'), 'You are still logged in.'],
  ['/account/password', 'Change password'],
  [refused('/account/password', '/fn/change-password', 'invalid:current=wrong'), 'That is not your current password.'],
  ['/account/sessions', 'This device'],
  ['/account/sessions?saved', 'That device is logged out.'],
  [refused('/account/sessions', '/fn/end-session', 'not_found'), 'That is not there any more'],
  ['/account/activity', 'Signed up'],
  ['/account/activity?cursor=spoilt', 'That could not be read'],
  ['/account/data', '14 days later the account is deleted'],
  ['/account/nothing', 'Page not found'],
];
const pagesOfLeavers = [
  ['/account', 'Your account will be deleted on'],
  ['/account/data', 'The button above keeps it.'],
];

async function saysTheSame({ context, page, watch }, [address, phrase]) {
  // A page that does not exist says so on the console, too.
  if (phrase === 'Page not found') watch.expect({ status: 404, url: address });
  const html = await (await context.request.get(address)).text();

  const arrive = await delayScripts(page);
  await page.goto(address, { waitUntil: 'commit' });
  await expect(page.getByRole('contentinfo')).toBeVisible();
  const sent = await page.evaluate(words, html);
  expect(sent.join()).toContain(phrase);
  expect(await page.evaluate(words)).toEqual(sent);
  await page.evaluate(record);
  await watchStillness(page);
  arrive();
  await ready(page);
  // The renewal that a page of somebody's begins with has ended, and what it changes has changed.
  if ((await context.cookies()).length) await expect.poll(() => kept(page)).not.toBeNull();
  await nothingMoved(page);
  expect(await page.evaluate(words)).toEqual(sent);
  expect(await page.evaluate(() => window.texts.length), 'one text, never another').toBe(1);
}

const title = ([address, phrase]) => `${address.split('?__')[0]} that says "${phrase}" says the same as sent and after hydration`;

for (const entry of pages) {
  test(`signed out, ${title(entry)}`, ({ context, page, watch }) => saysTheSame({ context, page, watch }, entry));
}

for (const entry of [...pagesOfMembers, ...pagesOfLeavers]) {
  const leaving = pagesOfLeavers.includes(entry);
  test(`signed in${leaving ? ', but not for long' : ''}, ${title(entry)}`, async ({ context, page, server, watch }) => {
    const who = await member(server);
    const { body } = await server.api('POST', '/auth/login', { email: who.email, password: who.password });
    if (leaving) await leave(server, who, body);
    await context.addCookies([{ name: `countersign-${server.port}`, value: body.refresh_token, url: server.origin, httpOnly: true }]);
    await saysTheSame({ context, page, watch }, entry);
  });
}

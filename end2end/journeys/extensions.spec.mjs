// Extensions of the browser, translators and proxies change a page before the program takes it over. Whatever they do, people see what comes of
// what they send: by script, or as a plain form.
import { fillIn, member, person, seesAccountOf } from '../support/steps.mjs';
import { expect, test } from '../support/test.mjs';

/** What is done to a page, by name. Each function runs in the page. */
const changes = {
  'an icon beside the password': () => document.querySelector('input[type=password]').after(document.createElement('x-icon')),
  'a button beside the password': () => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append('Fill in');
    document.querySelector('input[type=password]').after(button);
  },
  'an icon beside each field': () => document.querySelectorAll('input').forEach((input) => input.after(document.createElement('div'))),
  'a box around the password': () => {
    const box = document.createElement('div');
    const input = document.querySelector('input[type=password]');
    input.replaceWith(box);
    box.append(input);
  },
  'an element first in the form': () => document.querySelector('main form').prepend(document.createElement('div')),
  'a paragraph before the note': () => {
    const note = document.createElement('p');
    note.append('Strong');
    document.querySelector('input[type=password]').closest('.field').lastElementChild.before(note);
  },
  'an element of the same kind before each in the form': () => {
    for (const element of document.querySelectorAll('main form :not(input)')) element.before(document.createElement(element.localName));
  },
  'an element inside each label': () => document.querySelectorAll('label').forEach((label) => label.prepend(document.createElement('span'))),
  'an element before and after the form': () => {
    const form = document.querySelector('main form');
    form.before(document.createElement('div'));
    form.after(document.createElement('div'));
  },
  'an element first in main': () => document.querySelector('main').prepend(document.createElement('div')),
  'an element first in the body': () => document.body.prepend(document.createElement('div')),
  'an element last in the body': () => document.body.append(document.createElement('x-overlay')),
  'attributes everywhere': () => document.querySelectorAll('body, body *').forEach((element) => element.setAttribute('data-seen', '')),
  'words that are translated': () => {
    for (const element of document.querySelectorAll('label, h1, main button')) {
      for (const text of [...element.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE)) {
        const font = document.createElement('font');
        text.replaceWith(font);
        font.append(text.data.toUpperCase());
      }
    }
  },
  'texts that are split': () => {
    const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walk.nextNode()) texts.push(walk.currentNode);
    for (const text of texts.filter(({ data }) => data.length > 3)) text.splitText(2);
  },
  'comments that are taken out': () => {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_COMMENT);
    const comments = [];
    while (walk.nextNode()) comments.push(walk.currentNode);
    for (const comment of comments) comment.remove();
  },
};

/** When it is done: as soon as the document is there, as most extensions do; or while it is still being parsed. */
const moments = {
  'once it is parsed': (change) => `document.addEventListener('DOMContentLoaded', ${change}, { once: true })`,
  'while it is parsed': (change) => `new MutationObserver((_, observer) => {
    if (!document.querySelector('footer')) return;
    observer.disconnect();
    (${change})();
  }).observe(document, { childList: true, subtree: true })`,
};

const button = (page) => page.locator('main form button[type=submit]');

/** Sends once what is in the form, and returns the calls that this made. */
async function send(page, watch, path) {
  const before = watch.mark();
  await button(page).click();
  await expect.poll(() => watch.callsTo(path, before).length).toBe(1);
  return () => expect(watch.callsTo(path, before), 'sent once').toHaveLength(1);
}

/** Opens a page and waits until the program has done with it whatever it does. */
async function open(page, address) {
  await page.goto(address, { waitUntil: 'networkidle' });
}

for (const [when, at] of Object.entries(moments)) {
  for (const [what, change] of Object.entries(changes)) {
    test.describe(`${what}, ${when}`, () => {
      test.beforeEach(async ({ context, watch }) => {
        // What the program says when it gives up is its own business.
        watch.expect({ text: /panicked at|unreachable|uncaught|hydrat|mismatch|\.wasm was preloaded using link preload but not used/i, times: Infinity });
        watch.expect({ status: 401, times: Infinity });
        watch.expect({ status: 422, times: Infinity });
        await context.addInitScript(at(`(${change})`));
      });

      test('sign-up, log-in and password change show what comes of them', async ({ context, page, server, watch }) => {
        const who = person();
        await open(page, '/signup');
        await page.locator('#email').fill(who.email);
        await page.locator('#password').fill(who.password);
        const signedUp = await send(page, watch, '/fn/signup');
        await expect(page).toHaveURL(/\/account$/);
        await expect(page.locator('main')).toContainText(who.email);
        signedUp();

        await open(page, '/account/password');
        await page.locator('#current').fill('wrong horse');
        await page.locator('#new').fill('another horse battery');
        await send(page, watch, '/fn/change-password');
        await expect(page.locator('#current-note')).toHaveText('That is not your current password.', { ignoreCase: true });
        await page.locator('#current').fill(who.password);
        await page.locator('#new').fill('another horse battery');
        const changed = await send(page, watch, '/fn/change-password');
        await expect(page.locator('main')).toContainText('Your password is changed');
        changed();

        // From where no page of the app is open: that would leave for the log-in page by itself once it is logged out.
        await page.goto('/robots.txt');
        await context.clearCookies();
        await page.evaluate(() => localStorage.clear());
        const known = await member(server);
        await open(page, '/login');
        await page.locator('#email').fill(known.email);
        await page.locator('#password').fill('wrong horse');
        await send(page, watch, '/fn/login');
        await expect(page.getByRole('alert')).toContainText('That did not match');
        await page.locator('#email').fill(known.email);
        await page.locator('#password').fill(known.password);
        const loggedIn = await send(page, watch, '/fn/login');
        await expect(page).toHaveURL(/\/account$/);
        await expect(page.locator('main')).toContainText(known.email);
        loggedIn();
      });

      test('links lead where they say', async ({ page }) => {
        await open(page, '/login');
        await page.getByRole('main').getByRole('link').first().click();
        await expect(page).toHaveURL(/\/signup$/);
        await expect(page.locator('main form')).toHaveAttribute('action', '/fn/signup');
      });
    });
  }
}

test('a page that nothing has changed is taken over', async ({ page, server }) => {
  const who = await member(server);
  await page.goto('/login');
  await expect(page.locator('html')).toHaveAttribute('data-hydrated');
  await fillIn(page, who);
  await button(page).click();
  await seesAccountOf(page, who);
});

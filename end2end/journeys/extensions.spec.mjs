// Browser extensions, translators and proxies change a page before hydration. Regardless of the
// change, users must see the result of what they submit, by script or as a plain form.
import { createUser, expectAccountOf, fillIn, newUser } from '../support/actions.mjs';
import { expect, test } from '../support/test.mjs';

/** Changes of a page, by name. Each function runs in the page. */
const changes = {
  'icon after the password field': () =>
    document.querySelector('input[type=password]').after(document.createElement('x-icon')),
  'button after the password field': () => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append('Fill in');
    document.querySelector('input[type=password]').after(button);
  },
  'icon after each field': () =>
    document
      .querySelectorAll('input')
      .forEach((input) => input.after(document.createElement('div'))),
  'wrapper around the password field': () => {
    const box = document.createElement('div');
    const input = document.querySelector('input[type=password]');
    input.replaceWith(box);
    box.append(input);
  },
  'element at the start of the form': () =>
    document.querySelector('main form').prepend(document.createElement('div')),
  'paragraph before the hint': () => {
    const hint = document.createElement('p');
    hint.append('Strong');
    document.querySelector('input[type=password]').closest('.field').lastElementChild.before(hint);
  },
  'element of the same type before each of the form': () => {
    for (const element of document.querySelectorAll('main form :not(input)'))
      element.before(document.createElement(element.localName));
  },
  'element inside each label': () =>
    document
      .querySelectorAll('label')
      .forEach((label) => label.prepend(document.createElement('span'))),
  'elements before and after the form': () => {
    const form = document.querySelector('main form');
    form.before(document.createElement('div'));
    form.after(document.createElement('div'));
  },
  'element at the start of main': () =>
    document.querySelector('main').prepend(document.createElement('div')),
  'element at the start of the body': () => document.body.prepend(document.createElement('div')),
  'element at the end of the body': () => document.body.append(document.createElement('x-overlay')),
  'attribute on every element': () =>
    document
      .querySelectorAll('body, body *')
      .forEach((element) => element.setAttribute('data-seen', '')),
  'translated text': () => {
    for (const element of document.querySelectorAll('label, h1, main button')) {
      for (const text of [...element.childNodes].filter(
        ({ nodeType }) => nodeType === Node.TEXT_NODE,
      )) {
        const font = document.createElement('font');
        text.replaceWith(font);
        font.append(text.data.toUpperCase());
      }
    }
  },
  'split text nodes': () => {
    const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walk.nextNode()) texts.push(walk.currentNode);
    for (const text of texts.filter(({ data }) => data.length > 3)) text.splitText(2);
  },
  'removed comments': () => {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_COMMENT);
    const comments = [];
    while (walk.nextNode()) comments.push(walk.currentNode);
    for (const comment of comments) comment.remove();
  },
};

/** When a page is changed: after it has been parsed, as most extensions do, or during parsing. */
const moments = {
  'after parsing': (change) =>
    `document.addEventListener('DOMContentLoaded', ${change}, { once: true })`,
  'during parsing': (change) => `new MutationObserver((_, observer) => {
    if (!document.querySelector('footer')) return;
    observer.disconnect();
    (${change})();
  }).observe(document, { childList: true, subtree: true })`,
};

const button = (page) => page.locator('main form button[type=submit]');

/** Submits the form. Returns a function that checks that it was sent exactly once. */
async function send(page, watch, path) {
  const before = watch.mark();
  await button(page).click();
  await expect.poll(() => watch.callsTo(path, before).length).toBe(1);
  return () => expect(watch.callsTo(path, before), 'sent once').toHaveLength(1);
}

/** Opens a page and waits until hydration has succeeded or failed. */
async function open(page, url) {
  await page.goto(url, { waitUntil: 'networkidle' });
}

for (const [when, at] of Object.entries(moments)) {
  for (const [what, change] of Object.entries(changes)) {
    test.describe(`${what}, ${when}`, () => {
      test.beforeEach(async ({ context, watch }) => {
        // The messages of a failed hydration are not checked here.
        for (const text of [
          /panicked at|unreachable|uncaught|hydrat|mismatch/i,
          /\.wasm was preloaded using link preload but not used/,
          // Chromium's advice on forms, if it reads the form while the extension changes it.
          /\[DOM\] Password forms should have/,
        ])
          watch.expect({ text, times: Infinity });
        watch.expect({ status: 401, times: Infinity });
        watch.expect({ status: 422, times: Infinity });
        await context.addInitScript(at(`(${change})`));
      });

      test('sign-up, log-in and password change show their results', async ({
        context,
        page,
        server,
        watch,
      }) => {
        const user = newUser();
        await open(page, '/signup');
        await page.locator('#email').fill(user.email);
        await page.locator('#password').fill(user.password);
        const signedUp = await send(page, watch, '/fn/signup');
        await expect(page).toHaveURL(/\/account(\?welcome)?$/);
        await expect(page.locator('main')).toContainText(user.email);
        signedUp();

        await open(page, '/account/password');
        await page.locator('#current_password').fill('wrong horse');
        await page.locator('#new_password').fill('another horse battery');
        await send(page, watch, '/fn/change-password');
        await expect(page.locator('#current_password-hint')).toHaveText(
          "That's not your current password.",
          { ignoreCase: true },
        );
        await page.locator('#current_password').fill(user.password);
        await page.locator('#new_password').fill('another horse battery');
        const changed = await send(page, watch, '/fn/change-password');
        await expect(page.locator('main')).toContainText('Password changed');
        changed();

        // Outside the app: an open page of it would redirect to log-in by itself.
        await page.goto('/robots.txt');
        await context.clearCookies();
        await page.evaluate(() => localStorage.clear());
        const known = await createUser(server);
        await open(page, '/login');
        await page.locator('#email').fill(known.email);
        await page.locator('#password').fill('wrong horse');
        await send(page, watch, '/fn/login');
        await expect(page.getByRole('alert')).toContainText('Incorrect email address or password');
        await page.locator('#email').fill(known.email);
        await page.locator('#password').fill(known.password);
        const loggedIn = await send(page, watch, '/fn/login');
        await expect(page).toHaveURL(/\/account$/);
        await expect(page.locator('main')).toContainText(known.email);
        loggedIn();
      });

      test('links lead to their targets', async ({ page }) => {
        await open(page, '/login');
        await page.getByRole('main').getByRole('link', { name: 'Sign up' }).click();
        await expect(page).toHaveURL(/\/signup$/);
        await expect(page.locator('main form')).toHaveAttribute('action', '/fn/signup');
      });
    });
  }
}

test('unmodified page is hydrated', async ({ page, server }) => {
  const user = await createUser(server);
  await page.goto('/login');
  await expect(page.locator('html')).toHaveAttribute('data-hydrated');
  await fillIn(page, user);
  await button(page).click();
  await expectAccountOf(page, user);
});

// Three tasks from beginning to end: how many presses they take, and how long, at the speed of this
// program. The times are printed and not limited.
import {
  USER_AGENTS,
  createUser,
  field,
  logIn,
  logInWithUserAgent,
  navigateTo,
  newUser,
  submit,
  waitForHydration,
} from '../support/actions.mjs';
import { mailTo } from '../support/mail.mjs';
import { Server } from '../support/server.mjs';
import { expect, test } from '../support/test.mjs';

/** Counts the presses on a page and the time from now on. `end` prints both. */
async function startTask(page, name) {
  const start = Date.now();
  let presses = 0;
  await page.exposeFunction('countPress', () => {
    presses += 1;
  });
  const count = () => addEventListener('click', (event) => event.isTrusted && window.countPress());
  await page.addInitScript(count);
  await page.evaluate(count);
  return {
    end: (most) => {
      console.log(`    ${name}: ${presses} presses, ${Date.now() - start} ms`);
      expect(presses, name).toBeLessThanOrEqual(most);
      expect(presses, 'presses are counted').toBeGreaterThan(0);
    },
  };
}

test('user finds an unknown device and logs it out with two presses', async ({ page, server }) => {
  const user = await createUser(server);
  await logInWithUserAgent(server, user, USER_AGENTS.safari);
  await logIn(page, user);
  const task = await startTask(page, 'find and end an unknown device');
  await navigateTo(page, 'Devices');
  const device = page.getByRole('listitem').filter({ hasText: 'Safari on iPhone' });
  await device.getByRole('button', { name: 'Log out' }).click();
  await expect(device).toHaveCount(0);
  task.end(2);
});

test('user changes the email address with three presses', async ({ page, server }) => {
  const user = await createUser(server);
  const { email } = newUser();
  await logIn(page, user);
  const task = await startTask(page, 'change the email address');
  await navigateTo(page, 'Email address');
  await page.getByLabel('New email address').fill(email);
  await page.getByLabel('Current password').fill(user.password);
  await submit(page, 'Send a code');
  await expect(page).toHaveURL('/account/email?sent');
  await waitForHydration(page);
  const { code } = await mailTo(email);
  await page.getByLabel('Code from the email').fill(code.replace(' ', ''));
  await expect(page.getByText(`Your address is ${email}.`)).toBeVisible();
  task.end(3);
});

test('operator puts a brand on the pages with four settings', async ({ build, page, watch }) => {
  const start = Date.now();
  const settings = {
    COUNTERSIGN_BRAND_NAME: 'Fieldnotes',
    COUNTERSIGN_BRAND_APP_URL: 'https://app.fieldnotes.example/',
    COUNTERSIGN_BRAND_ACCENT: '#3b2fb5',
    COUNTERSIGN_BRAND_SUPPORT: 'mailto:help@fieldnotes.example',
  };
  const server = await Server.start(build, settings);
  await page.goto(`${server.origin}/login`);
  await expect(page.getByRole('heading', { name: 'Log in to Fieldnotes' })).toBeVisible();
  await expect(field.email(page)).toBeVisible();
  console.log(`    put a brand on it: four settings, ${Date.now() - start} ms`);
  await server.stop();
  // The watched server is another one.
  expect(watch.takeUnexpected().every((text) => text.includes(server.origin))).toBe(true);
});

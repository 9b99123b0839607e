// Every page in every state has no axe violations, in both color schemes and at two window sizes.
import AxeBuilder from '@axe-core/playwright';
import { OUTAGE_LOG } from '../support/database.mjs';
import {
  anonymousStates,
  deletionStates,
  linkStates,
  minimalStates,
  outageStates,
  requestLinks,
  reuseRefreshToken,
  reuseStates,
  scheduleDeletion,
  userStates,
} from '../support/page-states.mjs';
import { createUser, field, logIn, open } from '../support/actions.mjs';
import { expect, test, testWithDatabase } from '../support/test.mjs';

// Many states are error states. Other tests check what those log on the console.
test.beforeEach(({ watch }) => {
  watch.expect({
    text: /^Failed to load resource/,
    url: /^\/(fn\/|readyz$|nowhere$|api\/|account\/nothing$)/,
    times: Infinity,
  });
});

/** The rules whose result depends on colors and sizes. The others depend on the elements only. */
const APPEARANCE_RULES = [
  'color-contrast',
  'color-contrast-enhanced',
  'link-in-text-block',
  'meta-viewport',
  'scrollable-region-focusable',
  'target-size',
];

async function expectNoViolations(page, rules) {
  const builder = new AxeBuilder({ page });
  // axe takes what is below the open menu for something above it.
  const isMenuOpen = (await page.locator('.menu:popover-open').count()) > 0;
  if (rules) builder.withRules(rules.filter((rule) => !isMenuOpen || rule !== 'target-size'));
  else
    builder
      .options({
        rules: {
          'color-contrast-enhanced': { enabled: true },
          'target-size': { enabled: !isMenuOpen },
        },
      })
      .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']);
  const { violations } = await builder.analyze();
  expect(
    violations.map(
      ({ id, impact, nodes }) =>
        `${impact}: ${id}: ${nodes
          .map(({ html }) => html)
          .join(' ')
          .slice(0, 300)}`,
    ),
  ).toEqual([]);
}

/** Logs `user` in by setting the session cookie. Returns the tokens. */
async function setSessionCookie(server, context, { email, password }) {
  const { body } = await server.api('POST', '/auth/login', { email, password });
  await context.addCookies([
    {
      name: `countersign-${server.port}`,
      value: body.refresh_token,
      url: server.origin,
      httpOnly: true,
    },
  ]);
  return body;
}

/**
 * Expects no violations on a light, wide page, and none that depend on the appearance on the same
 * page, dark and on a phone.
 */
async function expectNoViolationsInAnyAppearance(page) {
  await expectNoViolations(page);
  // What appears after a pause.
  await page.evaluate(() => {
    for (const animation of document.getAnimations())
      if (animation.effect.getComputedTiming().endTime !== Infinity) animation.finish();
  });
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  const devTools = await page.context().newCDPSession(page);
  await devTools.send('Emulation.setTouchEmulationEnabled', { enabled: true });
  await devTools.send('Emulation.setDeviceMetricsOverride', {
    width: 360,
    height: 720,
    deviceScaleFactor: 1,
    mobile: true,
  });
  await expect.poll(() => page.evaluate(() => innerWidth)).toBe(360);
  await expectNoViolations(page, APPEARANCE_RULES);
}

test.use({
  colorScheme: 'light',
  reducedMotion: 'reduce',
  viewport: { width: 1280, height: 720 },
});

for (const [name, show] of Object.entries(anonymousStates)) {
  test(`${name} has no axe violations`, async ({ page }) => {
    await show(page);
    await expectNoViolationsInAnyAppearance(page);
  });
}

for (const [name, show] of Object.entries(linkStates)) {
  test(`${name} has no axe violations`, async ({ page, server }) => {
    await show(page, await requestLinks(server, await createUser(server)));
    await expectNoViolationsInAnyAppearance(page);
  });
}

for (const [name, show] of Object.entries({
  ...userStates,
  ...minimalStates,
  ...reuseStates,
  ...deletionStates,
})) {
  test(`${name} has no axe violations`, async ({ context, page, server }) => {
    const user = await createUser(server, name in minimalStates ? { name: undefined } : {});
    if (name in reuseStates) {
      server.expectedLog = /refresh token reuse detected/;
      await reuseRefreshToken(server, user);
    }
    const tokens = await setSessionCookie(server, context, user);
    if (name in deletionStates) await scheduleDeletion(server, user, tokens);
    await show(page);
    await expectNoViolationsInAnyAppearance(page);
  });
}

for (const [name, show] of Object.entries(outageStates)) {
  testWithDatabase(
    `${name} has no axe violations`,
    async ({ context, database, page, server, watch }) => {
      server.expectedLog = OUTAGE_LOG;
      watch.expect({ status: 503, times: Infinity });
      await setSessionCookie(server, context, await createUser(server));
      await show(page, database);
      await expectNoViolationsInAnyAppearance(page);
      database.reconnect();
    },
  );
}

test('password fields accept pasted text and declare their autocomplete purpose', async ({
  page,
  server,
}) => {
  await open(page, '/signup');
  await expect(field.email(page)).toHaveAttribute('autocomplete', 'username');
  await expect(field.password(page)).toHaveAttribute('autocomplete', 'new-password');
  await open(page, '/login');
  await expect(field.email(page)).toHaveAttribute('autocomplete', 'username');
  await expect(field.password(page)).toHaveAttribute('autocomplete', 'current-password');
  await expect(field.password(page)).toHaveAttribute('type', 'password');
  await field.email(page).fill('from somewhere else');
  await field.email(page).press('Control+A');
  await field.email(page).press('Control+C');
  await field.password(page).focus();
  await field.password(page).press('Control+V');
  await expect(field.password(page)).toHaveValue('from somewhere else');
  await logIn(page, await createUser(server));
  await open(page, '/account/password');
  await expect(page.getByLabel('Current password')).toHaveAttribute(
    'autocomplete',
    'current-password',
  );
  await expect(page.getByLabel('New password')).toHaveAttribute('autocomplete', 'new-password');
});

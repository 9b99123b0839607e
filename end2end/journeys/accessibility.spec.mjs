// Every page in every state, looked at by axe: nothing that keeps anybody out, in light and in dark, with a wide window and a narrow one.
import AxeBuilder from '@axe-core/playwright';
import { AWAY } from '../support/database.mjs';
import { leave, leavers, members, newcomers, rob, robbed, stranded, strangers } from '../support/states.mjs';
import { field, logIn, member, open } from '../support/steps.mjs';
import { expect, test, testWithDatabase } from '../support/test.mjs';

// The states are about what goes wrong; what they make the console say is looked at by other journeys.
test.beforeEach(({ watch }) => {
  watch.expect({ text: /^Failed to load resource/, url: /^\/(fn\/|readyz$|nowhere$|api\/|account\/nothing$)/, times: Infinity });
});

async function findsNothing(page) {
  const { violations } = await new AxeBuilder({ page }).options({ rules: { 'color-contrast-enhanced': { enabled: true } } }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
  expect(violations.map(({ id, impact, nodes }) => `${impact}: ${id}: ${nodes.map(({ html }) => html).join(' ').slice(0, 300)}`)).toEqual([]);
}

/** This browser holds a session of `who`. Comes to its tokens. */
async function logsIn(server, context, { email, password }) {
  const { body } = await server.api('POST', '/auth/login', { email, password });
  await context.addCookies([{ name: `countersign-${server.port}`, value: body.refresh_token, url: server.origin, httpOnly: true }]);
  return body;
}

const looks = [
  { colorScheme: 'light', viewport: { width: 1280, height: 720 } },
  { colorScheme: 'dark', viewport: { width: 360, height: 720 }, isMobile: true, hasTouch: true },
];

for (const look of looks) {
  test.describe(`${look.colorScheme}, ${look.viewport.width} px`, () => {
    test.use({ ...look, reducedMotion: 'reduce' });

    for (const [name, show] of Object.entries(strangers)) {
      test(`axe finds nothing on ${name}`, async ({ page }) => {
        await show(page);
        await findsNothing(page);
      });
    }

    for (const [name, show] of Object.entries({ ...members, ...newcomers, ...robbed, ...leavers })) {
      test(`axe finds nothing on ${name}`, async ({ context, page, server, watch }) => {
        if (name === 'activity-part-missing') {
          watch.expect({ text: /^Failed to load resource/, url: /^\/(favicon|pkg\/split_account)/, times: Infinity });
          watch.expect({ text: /^TypeError: Failed to fetch/, url: /^\/pkg\/__wasm_split/, times: Infinity });
        }
        const who = await member(server, name in newcomers ? { name: undefined } : {});
        if (name in robbed) {
          server.complains = /a refresh token was used again after its successor/;
          await rob(server, who);
        }
        const tokens = await logsIn(server, context, who);
        if (name in leavers) await leave(server, who, tokens);
        await show(page);
        await findsNothing(page);
      });
    }

    for (const [name, show] of Object.entries(stranded)) {
      testWithDatabase(`axe finds nothing on ${name}`, async ({ context, database, page, server, watch }) => {
        server.complains = AWAY;
        watch.expect({ status: 503, times: Infinity });
        await logsIn(server, context, await member(server));
        await show(page, database);
        await findsNothing(page);
        database.comeBack();
      });
    }
  });
}

test('passwords can be pasted, and managers know which is which', async ({ page, server }) => {
  await open(page, '/signup');
  await expect(field.email(page)).toHaveAttribute('autocomplete', 'email');
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
  await logIn(page, await member(server));
  await open(page, '/account/password');
  await expect(page.getByLabel('Current password')).toHaveAttribute('autocomplete', 'current-password');
  await expect(page.getByLabel('New password')).toHaveAttribute('autocomplete', 'new-password');
});

// An administrator invites a person, who signs up with the link in the email.
import { expectAccountOf, field, newUser, open, submit } from '../support/actions.mjs';
import { mailTo } from '../support/mail.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

test.use({
  settings: { COUNTERSIGN_SIGN_UP: 'invited', COUNTERSIGN_VERIFICATION: 'required' },
});

/** The access token of the administrator of each server. */
const adminTokens = new Map();

/** Invites a person by the API, as the first administrator, who signs up with the setup link. */
async function invite(server, { email }) {
  if (!adminTokens.has(server)) {
    const findToken = () =>
      server.log.map((line) => /\/link\?token=(\S+)/.exec(line)?.[1]).find(Boolean);
    await expect.poll(findToken).toBeTruthy();
    const admin = { ...newUser('Root'), setup_token: findToken() };
    const { body } = await server.api('POST', '/auth/signup', admin);
    adminTokens.set(server, body.access_token);
  }
  return server.api('POST', '/admin/invitations', { email }, adminTokens.get(server));
}

withAndWithoutScripts((scripts) => {
  test('invited user signs up once with the link in the email', async ({
    newBrowser,
    page,
    server,
  }) => {
    await open(page, '/signup');
    await expect(page.getByText('Ask an administrator for an invitation.')).toBeVisible();
    await expect(field.email(page)).toBeHidden();
    await open(page, '/login');
    await expect(page.getByRole('link', { name: 'Sign up' })).toBeHidden();

    const user = newUser();
    expect((await invite(server, user)).status).toBe(201);
    const { subject, link } = await mailTo(user.email);
    expect(subject).toBe("You're invited to Countersign");
    await open(page, link);
    await expect(page).toHaveURL('/signup?invitation');
    await expect(field.email(page)).toHaveValue(user.email);
    await expect(field.email(page)).not.toBeEditable();

    // A mistake keeps the address and the invitation.
    await field.password(page).fill('short');
    await submit(page, 'Create account');
    await expect(page.getByText('Use at least 8 characters.').first()).toBeVisible();
    await expect(field.email(page)).toHaveValue(user.email);
    await field.password(page).fill(user.password);
    await field.name(page).fill(user.name);
    await submit(page, 'Create account');
    await expectAccountOf(page, user);
    await expect(page.getByText('Confirm your email address')).toBeHidden();
    expect((await invite(server, user)).body.code).toBe('email_taken');

    const late = await (await newBrowser({ javaScriptEnabled: scripts })).newPage();
    await open(late, link);
    await expect(late.getByRole('alert')).toContainText('This link no longer works');
    await expect(late.getByText('Ask an administrator for a new invitation, or')).toBeVisible();
  });

  test('invitation that is replaced while its form is open is refused', async ({
    expectConsole,
    page,
    server,
  }) => {
    const user = newUser();
    const { body } = await invite(server, user);
    await open(page, body.link);
    await expect(field.email(page)).toHaveValue(user.email);
    await invite(server, user);
    await field.password(page).fill(user.password);
    const console = scripts ? [{ status: 410, url: '/fn/signup' }] : [];
    await expectConsole(console, () => submit(page, 'Create account'));
    await expect(page.getByRole('alert')).toContainText('This link no longer works');
  });
});

// An operator replaces single texts of pages and emails with a file.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createUser, field, open, signUp, submitLogIn } from '../support/actions.mjs';
import { mailTo } from '../support/mail.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

const REPLACEMENTS = `
"Log in to {product}" = "Bei {product} anmelden"
"Log in" = "Anmelden"
"Logging in…" = "Einen Moment…"
"Password" = "Passwort"
"New here? {sign_up}" = "{sign_up}, wenn du neu hier bist"
"Incorrect email address or password" = "Das <b>passt</b> nicht & \\"stimmt\\" nicht"
"Enter your password." = "Passwort fehlt."
"At least 8 characters, ideally 15." = "Acht Zeichen, besser 15."
"Use at least {limit} characters." = "Mindestens {limit} Zeichen."
"Show" = "Zeigen"
"Show password" = "Passwort zeigen"
"Reset your password" = "Neues Passwort wählen"
"Hello, {name}" = "Hallo, {name}"
"Profile" = "Profil"
`;
const file = path.join(mkdtempSync(path.join(tmpdir(), 'countersign-messages-')), 'messages.toml');
writeFileSync(file, REPLACEMENTS);
test.use({ settings: { COUNTERSIGN_BRAND_MESSAGES: file } });

const logInButton = (page) => page.getByRole('main').getByRole('button', { name: 'Anmelden' });

withAndWithoutScripts((scripts) => {
  test('pages show the replaced texts, also those that scripts show', async ({
    page,
    server,
    expectConsole,
  }) => {
    const user = await createUser(server);
    await open(page, '/login');
    await expect(page.getByRole('heading', { name: 'Bei Countersign anmelden' })).toBeVisible();
    await expect(page).toHaveTitle('Anmelden · Countersign');
    await expect(page.getByText('Sign up, wenn du neu hier bist')).toBeVisible();
    const password = page.getByLabel('Passwort', { exact: true });
    await field.email(page).fill(user.email);
    await logInButton(page).click();
    await expect(page.getByText('Passwort fehlt.').last()).toBeVisible();
    await password.fill('not this one');
    const wrong = scripts ? { status: 401, url: '/fn/login' } : [];
    await expectConsole(wrong, async () => {
      await logInButton(page).click();
      await expect(page.getByRole('alert')).toContainText(
        'Das <b>passt</b> nicht & "stimmt" nicht',
      );
    });
    await password.fill(user.password);
    if (scripts) {
      await page.getByRole('button', { name: 'Passwort zeigen' }).click();
      await expect(password).toHaveAttribute('type', 'text');
    }
    await logInButton(page).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Profil' })).toBeVisible();
    await open(page, '/');
    await expect(page.getByRole('heading', { name: `Hallo, ${user.name}` })).toBeVisible();
  });

  test('field error and password hint are replaced with their limit', async ({ page }) => {
    await open(page, '/signup');
    const hint = page.locator('#password-hint');
    await expect(hint).toHaveText('Acht Zeichen, besser 15.');
    await field.email(page).fill('ada@example.com');
    await page.getByLabel('Passwort', { exact: true }).fill('short');
    await page.getByRole('button', { name: 'Create account' }).click();
    await expect(hint).toHaveText('Mindestens 8 Zeichen.');
  });

  test('email has the replaced texts', async ({ page, server }) => {
    const user = await createUser(server);
    await open(page, '/forgot');
    await field.email(page).fill(user.email);
    await page.getByRole('button', { name: 'Send the link' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Check your email' })).toBeVisible();
    const mail = await mailTo(user.email);
    expect(mail.subject).toBe(`Your code is ${mail.code} – Neues Passwort wählen`);
    expect(mail.html).toContain('Neues Passwort wählen');
  });
});

// Records two browsers, side by side: sign-up in the first, log-in in the second, and the first
// logs out the second. Writes docs/images/recording.webp. Run it with script/recording.
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from '@playwright/test';
import { USER_AGENTS } from './support/actions.mjs';
import { launchOptions } from './support/browser.mjs';
import { root } from './support/builds.mjs';
import { Server } from './support/server.mjs';

const FILE = path.join(root, 'docs/images/recording.webp');
const MAX_BYTES = 2_000_000;
const USER = { name: 'Ada Lovelace', email: 'ada@example.com', password: 'correct horse battery' };
/** Duration of a frame in milliseconds: while typing, after a step, at the end. */
const [TYPING, STEP, END] = [120, 1_300, 3_000];

const server = await Server.start('release', { COUNTERSIGN_VERIFICATION: 'off' });
const browser = await chromium.launch(launchOptions());
const folder = await mkdtemp(path.join(tmpdir(), 'recording-'));
const frames = [];

const view = { colorScheme: 'light', deviceScaleFactor: 1.5, reducedMotion: 'reduce' };
const open = async (width, options) => {
  const context = await browser.newContext({
    baseURL: server.origin,
    viewport: { width, height: 600 },
    ...view,
    ...options,
  });
  return context.newPage();
};
const laptop = await open(760, {});
const phone = await open(360, {
  userAgent: USER_AGENTS.safari,
  isMobile: true,
  hasTouch: true,
});
const canvas = await (
  await browser.newContext({ ...view, viewport: { width: 1180, height: 690 } })
).newPage();
await canvas.setContent(`<style>
  body { margin: 0; background: #dfe6e7; font: 500 18px/1.4 Inter; color: #122125; }
  main { display: flex; gap: 20px; padding: 20px 20px 0; }
  img { display: block; height: 600px; border-radius: 12px; box-shadow: 0 8px 28px -12px #1224; }
  p { margin: 16px 20px; text-align: center; }
</style><main><img id="laptop" width="760"><img id="phone" width="360"></main><p></p>`);

/** Adds a frame with both browsers and a caption. */
async function frame(caption, duration) {
  const shots = { laptop: await laptop.screenshot(), phone: await phone.screenshot() };
  for (const [id, shot] of Object.entries(shots))
    await canvas.evaluate(
      ([id, url]) => {
        const image = document.getElementById(id);
        image.src = url;
        return image.decode();
      },
      [id, `data:image/png;base64,${shot.toString('base64')}`],
    );
  await canvas.evaluate((text) => (document.querySelector('p').textContent = text), caption);
  const file = path.join(folder, `${String(frames.length).padStart(3, '0')}.png`);
  await writeFile(file, await canvas.screenshot());
  frames.push({ file, duration });
}

async function type(page, label, text, caption) {
  await page.getByLabel(label, { exact: true }).focus();
  for (const part of text.match(/.{1,5}/g)) {
    await page.keyboard.type(part);
    await frame(caption, TYPING);
  }
}

const settled = (page) => page.waitForSelector('html[data-hydrated]', { state: 'attached' });
const press = (page, name) => page.getByRole('main').getByRole('button', { name }).first().click();

try {
  await phone.goto('/login');
  await laptop.goto('/signup');
  await settled(laptop);
  await settled(phone);
  let caption = 'Sign up on the laptop';
  await frame(caption, STEP);
  await type(laptop, 'Email address', USER.email, caption);
  await type(laptop, 'Password', USER.password, caption);
  await type(laptop, 'Name (optional)', USER.name, caption);
  await press(laptop, 'Create account');
  await laptop.waitForURL('**/account');
  await settled(laptop);
  await frame(caption, STEP);

  caption = 'Log in on the phone';
  await type(phone, 'Email address', USER.email, caption);
  await type(phone, 'Password', USER.password, caption);
  await press(phone, 'Log in');
  await phone.waitForURL('**/account');
  await settled(phone);
  await frame(caption, STEP);

  caption = 'The laptop sees both devices';
  await laptop.goto('/account/devices');
  await settled(laptop);
  await frame(caption, STEP);
  caption = 'Log out all others …';
  await press(laptop, 'Log out all other devices');
  await frame(caption, STEP);
  await laptop
    .getByRole('dialog')
    .getByRole('button', { name: 'Log out all other devices' })
    .click();
  await laptop.getByText('All your other devices are logged out.').waitFor();
  await settled(laptop);
  await frame(caption, STEP);

  caption = '… and the phone is out, with the next touch';
  await phone.getByRole('link', { name: 'Activity' }).first().click();
  await phone.waitForURL('**/login?**');
  await settled(phone);
  await frame(caption, STEP);
  caption = 'Everything is in the activity list';
  await laptop.goto('/account/activity');
  await settled(laptop);
  await frame(caption, END);

  const inputs = frames.flatMap(({ file, duration }) => ['-d', String(duration), file]);
  execFileSync('img2webp', ['-loop', '0', '-lossy', '-q', '60', '-m', '6', ...inputs, '-o', FILE]);
  const { size } = await import('node:fs/promises').then(({ stat }) => stat(FILE));
  if (size > MAX_BYTES) throw new Error(`${FILE} has ${size} bytes; the limit is ${MAX_BYTES}`);
  console.log(`${path.relative(process.cwd(), FILE)}: ${frames.length} frames, ${size} bytes`);
} finally {
  await rm(folder, { recursive: true, force: true });
  await browser.close();
  await server.stop();
}

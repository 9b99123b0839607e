// Takes screenshots of every page in every state, of every email and of two brands, 360 and 1280 px
// wide, light and dark, into target/screenshots. With --readme: only those of README.md, into
// docs/images. Run it with script/screenshots, which builds first and starts the PostgreSQL that
// some states need.
import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { chromium } from '@playwright/test';
import { launchOptions } from './support/browser.mjs';
import { root } from './support/builds.mjs';
import { Database } from './support/database.mjs';
import { markScriptless } from './support/javascript.mjs';
import startMailServer from './support/mail-server.mjs';
import { Server } from './support/server.mjs';
import { USER_AGENTS, createUser, logInWithUserAgent, submitLogIn } from './support/actions.mjs';
import {
  anonymousStates,
  deletionStates,
  galleryPages,
  galleryStates,
  linkStates,
  minimalStates,
  outageStates,
  requestLinks,
  reuseRefreshToken,
  reuseStates,
  scheduleDeletion,
  scriptlessStates,
  userStates,
} from './support/page-states.mjs';

const readme = process.argv.includes('--readme');
const unknown = process.argv.slice(2).filter((argument) => argument !== '--readme');
if (unknown.length) throw new Error(`unknown argument ${unknown[0]}: expected --readme or nothing`);

const folder = path.join(root, readme ? 'docs/images' : 'target/screenshots');
const variants = [360, 1280].flatMap((width) =>
  ['light', 'dark'].map((colorScheme) => ({ width, height: 720, colorScheme })),
);

/** Settings of two operators. */
const BRANDS = {
  fieldnotes: {
    COUNTERSIGN_BRAND_NAME: 'Fieldnotes',
    COUNTERSIGN_BRAND_TAGLINE: 'Your notes, on every device.',
    COUNTERSIGN_BRAND_ACCENT: '#3b2fb5',
    COUNTERSIGN_BRAND_RADIUS: 'round',
    COUNTERSIGN_BRAND_TERMS: 'https://fieldnotes.example/terms',
    COUNTERSIGN_BRAND_PRIVACY: 'https://fieldnotes.example/privacy',
    COUNTERSIGN_BRAND_SUPPORT: 'mailto:help@fieldnotes.example',
  },
  harbour: {
    COUNTERSIGN_BRAND_NAME: 'Harbour Freight Tracking',
    COUNTERSIGN_BRAND_ACCENT: '#9a3412',
    COUNTERSIGN_BRAND_RADIUS: 'none',
    COUNTERSIGN_BRAND_TERMS: 'https://harbour.example/terms',
  },
};

const stopMailServer = await startMailServer();
const server = await Server.start('release');
const browser = await chromium.launch(launchOptions());
const ada = await createUser(server, { email: 'ada@example.com' });
const bob = await createUser(server, { name: 'Bob', email: 'bob@example.com' });
const carol = await createUser(server, { name: undefined, email: 'carol@example.com' });
const erin = await createUser(server, { name: 'Erin', email: 'erin@example.com' });
let count = 0;

/** Takes a screenshot in a new browser context. Returns the cookies of that context. */
async function takeScreenshot(
  origin,
  name,
  show,
  { width, height, colorScheme, javaScriptEnabled = true },
  cookies = [],
) {
  const file = readme ? `${name}-${colorScheme}.png` : `${name}-${width}-${colorScheme}.png`;
  // Narrow windows emulate a phone.
  const phone = width < 600;
  const options = {
    viewport: { width, height },
    deviceScaleFactor: readme ? 2 : 1,
    isMobile: phone,
    hasTouch: phone,
    colorScheme,
    javaScriptEnabled,
    reducedMotion: 'reduce',
  };
  const context = await browser.newContext({ baseURL: origin, ...options });
  await context.addCookies(cookies);
  if (!javaScriptEnabled) markScriptless(context);
  const page = await context.newPage();
  await show(page);
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({
    path: path.join(folder, file),
    fullPage: !readme,
    animations: 'disabled',
    caret: 'hide',
  });
  const cookiesAfter = await context.cookies();
  await context.close();
  count += 1;
  return cookiesAfter;
}

/**
 * Takes screenshots of a logged-in user, all in one session. Each page rotates the refresh token,
 * so the cookies are passed on: an old token would count as reuse.
 */
async function takeScreenshotsOf(user, states, variant) {
  let cookies = await newSessionCookies(user, server.origin);
  for (const [name, show] of Object.entries(states))
    cookies = await takeScreenshot(server.origin, name, show, variant, cookies);
}

/** Logs in. Returns the cookies of the new session. */
async function newSessionCookies(user, origin) {
  const context = await browser.newContext({ baseURL: origin, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto('/login');
  await submitLogIn(page, user);
  await page.waitForURL('**/account');
  const cookies = await context.cookies();
  await context.close();
  return cookies;
}

/** Takes screenshots of the emails, as they are in the snapshots of the tests of core. */
async function takeEmailScreenshots() {
  const snapshots = path.join(root, 'core/src/mail/snapshots');
  for (const file of await readdir(snapshots)) {
    const text = await readFile(path.join(snapshots, file), 'utf8');
    const html = text.slice(text.indexOf('<!doctype html>'));
    const name = `email-${/__tests__(\w+)\.snap$/.exec(file)[1]}`;
    for (const variant of variants)
      await takeScreenshot(server.origin, name, (page) => page.setContent(html), variant);
  }
}

async function takeOutageScreenshots() {
  const database = await Database.open();
  const outageServer = await Server.start('release', database.settings);
  try {
    const dave = await createUser(outageServer, { name: 'Dave', email: 'dave@example.com' });
    for (const variant of variants) {
      for (const [name, show] of Object.entries(outageStates)) {
        const cookies = await newSessionCookies(dave, outageServer.origin);
        await takeScreenshot(
          outageServer.origin,
          name,
          (page) => show(page, database),
          variant,
          cookies,
        );
        database.reconnect();
      }
    }
  } finally {
    await outageServer.stop();
    await database.close();
  }
}

async function takeBrandScreenshots(names, states, variants) {
  for (const name of names) {
    const branded = await Server.start('release', BRANDS[name]);
    try {
      const user = await createUser(branded, { name: 'Ada Lovelace', email: 'ada@example.com' });
      for (const variant of variants) {
        for (const [state, show] of Object.entries(states)) {
          const cookies = show.user ? await newSessionCookies(user, branded.origin) : [];
          const file = readme ? 'brand' : `brand-${name}-${state}`;
          await takeScreenshot(branded.origin, file, show.at, variant, cookies);
        }
      }
    } finally {
      await branded.stop();
    }
  }
}

async function takeReadmeScreenshots() {
  const views = ['light', 'dark'].map((colorScheme) => ({ width: 1200, height: 760, colorScheme }));
  for (const variant of views) {
    const cookies = await newSessionCookies(ada, server.origin);
    await takeScreenshot(server.origin, 'devices', userStates.sessions, variant, cookies);
    // Otherwise the next picture shows the session of this one.
    await fetch(`${server.origin}/fn/logout`, {
      method: 'POST',
      headers: {
        cookie: cookies.map(({ name, value }) => `${name}=${value}`).join('; '),
        origin: server.origin,
        'content-type': 'application/x-www-form-urlencoded',
      },
      redirect: 'manual',
    });
  }
  await takeBrandScreenshots(['fieldnotes'], { login: { at: anonymousStates.login } }, views);
}

async function takeGalleryScreenshots() {
  const debugServer = await Server.start('debug');
  try {
    for (const variant of variants) {
      for (const [name, show] of Object.entries({ ...galleryPages, ...galleryStates }))
        await takeScreenshot(debugServer.origin, name, show, variant);
    }
  } finally {
    await debugServer.stop();
  }
}

async function takeAllScreenshots() {
  const links = await requestLinks(server, erin);
  await scheduleDeletion(
    server,
    bob,
    (await server.api('POST', '/auth/login', { email: bob.email, password: bob.password })).body,
  );
  for (const variant of variants) {
    for (const [name, show] of Object.entries(anonymousStates))
      await takeScreenshot(server.origin, name, show, variant);
    for (const [name, show] of Object.entries(scriptlessStates))
      await takeScreenshot(server.origin, name, show, { ...variant, javaScriptEnabled: false });
    for (const [name, show] of Object.entries(linkStates))
      await takeScreenshot(server.origin, name, (page) => show(page, links), variant);
    await takeScreenshotsOf(ada, userStates, variant);
    await takeScreenshotsOf(carol, minimalStates, variant);
    await reuseRefreshToken(server, ada);
    await takeScreenshotsOf(ada, reuseStates, variant);
    await takeScreenshotsOf(bob, deletionStates, variant);
  }
  await takeBrandScreenshots(
    Object.keys(BRANDS),
    {
      home: { at: anonymousStates.home },
      login: { at: anonymousStates.login },
      'not-found': { at: anonymousStates['not-found'] },
      account: { at: userStates.account, user: true },
      sessions: { at: userStates.sessions, user: true },
    },
    variants,
  );
  await takeEmailScreenshots();
  await takeOutageScreenshots();
  await takeGalleryScreenshots();
}

try {
  if (!readme) await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await server.api('POST', '/auth/login', { email: ada.email, password: 'wrong' });
  for (const agent of Object.values(USER_AGENTS)) await logInWithUserAgent(server, ada, agent);
  await (readme ? takeReadmeScreenshots() : takeAllScreenshots());
  console.log(`${count} screenshots in ${path.relative(process.cwd(), folder)}`);
} finally {
  await browser.close();
  await server.stop();
  await stopMailServer();
}

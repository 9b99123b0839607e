// Pictures of every page in every state: 360 and 1280 px wide, light and dark. Into target/screenshots, or with --readme only those of README.md,
// into docs/images. script/screenshots builds first, and calls this beside a PostgreSQL, which some of the states are about.
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { chromium } from '@playwright/test';
import { launchOptions } from './support/browser.mjs';
import { root } from './support/builds.mjs';
import { Database } from './support/database.mjs';
import { scriptsNeverRun } from './support/scripts.mjs';
import { Server } from './support/server.mjs';
import { member, sendLogIn } from './support/steps.mjs';
import { laboratory, leave, leavers, members, newcomers, plain, rob, robbed, stranded, strangers } from './support/states.mjs';

const readme = process.argv.includes('--readme');
const unknown = process.argv.slice(2).filter((argument) => argument !== '--readme');
if (unknown.length) throw new Error(`unknown argument ${unknown[0]}: there is only --readme`);

const folder = path.join(root, readme ? 'docs/images' : 'target/screenshots');
const looks = readme
  ? [{ width: 1280, height: 720, colorScheme: 'light' }]
  : [360, 1280].flatMap((width) => ['light', 'dark'].map((colorScheme) => ({ width, height: 720, colorScheme })));
const wanted = ([name]) => !readme || ['login', 'account'].includes(name);

/** Where Ada is logged in, too. */
const DEVICES = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
];

const server = await Server.start('release');
const browser = await chromium.launch(launchOptions());
const ada = await member(server, { email: 'ada@example.com' });
const bob = await member(server, { name: 'Bob', email: 'bob@example.com' });
const carol = await member(server, { name: undefined, email: 'carol@example.com' });
let count = 0;

/** A browser of its own for every picture, so that none depends on another. Comes to the cookies that it is left with. */
async function picture(origin, name, show, { width, height, colorScheme, javaScriptEnabled = true }, cookies = []) {
  // A window that narrow is that of a telephone.
  const phone = width < 600;
  const options = { viewport: { width, height }, isMobile: phone, hasTouch: phone, colorScheme, javaScriptEnabled, reducedMotion: 'reduce' };
  const context = await browser.newContext({ baseURL: origin, ...options });
  await context.addCookies(cookies);
  if (!javaScriptEnabled) scriptsNeverRun(context);
  const page = await context.newPage();
  await show(page);
  await page.evaluate(() => document.fonts.ready);
  const file = readme ? `${name}.png` : `${name}-${width}-${colorScheme}.png`;
  await page.screenshot({ path: path.join(folder, file), fullPage: !readme, animations: 'disabled', caret: 'hide' });
  const left = await context.cookies();
  await context.close();
  count += 1;
  return left;
}

/** Pictures of somebody who is logged in, one after the other in the same session: each page renews it, and one cookie in two browsers would be a theft. */
async function picturesOf(who, states, look) {
  const shown = Object.entries(states).filter(wanted);
  let cookies = shown.length ? await cookiesOf(who, server.origin) : [];
  for (const [name, show] of shown) cookies = await picture(server.origin, name, show, look, cookies);
}

/** Of a new session. */
async function cookiesOf(who, origin) {
  const context = await browser.newContext({ baseURL: origin, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto('/login');
  await sendLogIn(page, who);
  await page.waitForURL('**/account');
  const cookies = await context.cookies();
  await context.close();
  return cookies;
}

async function picturesWithoutDatabase() {
  const database = await Database.open();
  const beside = await Server.start('release', database.settings);
  try {
    const dave = await member(beside, { name: 'Dave', email: 'dave@example.com' });
    for (const look of looks) {
      for (const [name, show] of Object.entries(stranded)) {
        const cookies = await cookiesOf(dave, beside.origin);
        await picture(beside.origin, name, (page) => show(page, database), look, cookies);
        database.comeBack();
      }
    }
  } finally {
    await beside.end();
    await database.close();
  }
}

async function picturesOfTheLaboratory() {
  const developing = await Server.start('debug');
  try {
    for (const look of looks) {
      for (const [name, show] of Object.entries(laboratory)) await picture(developing.origin, name, show, look);
    }
  } finally {
    await developing.end();
  }
}

try {
  if (!readme) await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await server.api('POST', '/auth/login', { email: ada.email, password: 'wrong' });
  for (const agent of DEVICES) {
    const headers = { 'content-type': 'application/json', 'user-agent': agent };
    const { ok } = await fetch(`${server.origin}/api/v1/auth/login`, { method: 'POST', headers, body: JSON.stringify({ email: ada.email, password: ada.password }) });
    if (!ok) throw new Error('a device cannot log in');
  }
  await leave(server, bob, (await server.api('POST', '/auth/login', { email: bob.email, password: bob.password })).body);
  for (const look of looks) {
    for (const [name, show] of Object.entries(strangers).filter(wanted)) await picture(server.origin, name, show, look);
    for (const [name, show] of Object.entries(plain).filter(wanted)) await picture(server.origin, name, show, { ...look, javaScriptEnabled: false });
    await picturesOf(ada, members, look);
    await picturesOf(carol, newcomers, look);
    if (!readme) await rob(server, ada);
    await picturesOf(ada, robbed, look);
    await picturesOf(bob, leavers, look);
  }
  if (!readme) await picturesWithoutDatabase();
  if (!readme) await picturesOfTheLaboratory();
  console.log(`${count} pictures in ${path.relative(process.cwd(), folder)}`);
} finally {
  await browser.close();
  await server.end();
}

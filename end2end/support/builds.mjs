// Where the two builds are, and what to do when one is missing.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const fromRoot = (given, usual) => path.resolve(root, given || usual);

const builds = {
  release: {
    binary: fromRoot(process.env.SERVER_BINARY, 'target/release/countersign'),
    site: fromRoot(process.env.LEPTOS_SITE_ROOT, 'target/site'),
    cure: 'script/test --only release',
  },
  debug: {
    binary: fromRoot(process.env.DEBUG_SERVER_BINARY, 'target/debug/countersign'),
    site: fromRoot(process.env.DEBUG_SITE_ROOT, 'target/debug-site'),
    cure: 'LEPTOS_SITE_ROOT=target/debug-site cargo leptos build',
  },
};

export function build(name) {
  const { binary, site, cure } = builds[name];
  for (const part of [binary, site]) {
    if (!existsSync(part)) throw new Error(`the ${name} build is not there (${part}): make it with ${cure}`);
  }
  return { binary, site };
}

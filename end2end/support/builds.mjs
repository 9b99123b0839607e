// Paths of the release and debug builds.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const fromRoot = (given, fallback) => path.resolve(root, given || fallback);

const builds = {
  release: {
    binary: fromRoot(process.env.SERVER_BINARY, 'target/release/countersign'),
    site: fromRoot(process.env.LEPTOS_SITE_ROOT, 'target/site'),
    command: 'script/test --only release',
  },
  debug: {
    binary: fromRoot(process.env.DEBUG_SERVER_BINARY, 'target/debug/countersign'),
    site: fromRoot(process.env.DEBUG_SITE_ROOT, 'target/debug-site'),
    command: 'LEPTOS_SITE_ROOT=target/debug-site cargo leptos build',
  },
};

export function build(name) {
  const { binary, site, command } = builds[name];
  for (const file of [binary, site]) {
    if (!existsSync(file))
      throw new Error(`the ${name} build is missing (${file}): run ${command}`);
  }
  return { binary, site };
}

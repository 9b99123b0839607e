// Validates an OpenAPI document with the rules of Spectral (spectral:oas) and of Redocly
// (recommended). Fails on every error, and on every warning of Redocly.
//
//   node validate.mjs FILE

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import core from '@stoplight/spectral-core';
import rulesets from '@stoplight/spectral-rulesets';

const [file] = process.argv.slice(2);
const here = import.meta.dirname;
let failed = false;

const spectral = new core.Spectral();
spectral.setRuleset({ extends: [rulesets.oas] });
const findings = await spectral.run(JSON.parse(readFileSync(file, 'utf8')));
const errors = findings.filter(({ severity }) => severity === 0);
for (const { code, path: at, message } of errors)
  console.log(`error: spectral: ${code}: ${at.join('.')}: ${message}`);
console.log(`spectral: ${errors.length} errors, ${findings.length - errors.length} warnings`);
failed ||= errors.length > 0;

const bin = path.join(here, 'node_modules/@redocly/cli/bin/cli.js');
const options = ['lint', '--config', path.join(here, 'redocly.yaml'), '--format', 'json', file];
let output;
try {
  output = execFileSync(process.execPath, [bin, ...options], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, REDOCLY_TELEMETRY: 'off' },
  });
} catch (error) {
  output = error.stdout;
}
const { totals, problems } = JSON.parse(output.slice(output.indexOf('{')));
for (const { ruleId, message, location } of problems)
  console.log(`error: redocly: ${ruleId}: ${location[0]?.pointer}: ${message}`);
console.log(`redocly: ${totals.errors} errors, ${totals.warnings} warnings`);
failed ||= totals.errors + totals.warnings > 0;

process.exitCode = failed ? 1 : 0;

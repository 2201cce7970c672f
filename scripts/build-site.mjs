// Builds the site into dist/ when what it is made of changed since the last build: `node scripts/build-site.mjs [--force]`.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pinnedNode, pinnedPath, root } from './node.mjs';
import { stampOf } from './stamp.mjs';
import { fail, SetupError, step } from './steps.mjs';

const inputs = [
  'src',
  'lessons',
  'glossary',
  'labs',
  'server/contract',
  'server/domain',
  'server/istio/schemas',
  'astro.config.ts',
  'tsconfig.json',
  'package-lock.json',
];
const stampFile = join(root, '.cache', 'site-stamp');
const keptOutput = 12_000;

/**
 * Builds the site, or answers `{ skipped }` when nothing it is made of changed. `priority`: as `nice` counts, for a build that yields.
 * @param {{ force?: boolean, priority?: number }} [how]
 */
export async function buildSite({ force = false, priority } = {}) {
  const stamp = stampOf(inputs);
  const built = existsSync(join(root, 'dist', 'index.html')) && existsSync(stampFile);
  if (!force && built && readFileSync(stampFile, 'utf8') === stamp) return { skipped: 'up to date' };
  console.log('  site         astro build, about half a minute …');
  // A build that breaks off must not leave a stamp that says all is well.
  rmSync(stampFile, { force: true });
  // Astro keeps content as it was read under an older schema; what it keeps is made anew in a second.
  rmSync(join(root, '.cache', 'astro', 'data-store.json'), { force: true });
  await runAstro(priority);
  mkdirSync(join(root, '.cache'), { recursive: true });
  writeFileSync(stampFile, stamp);
  return {};
}

function runAstro(priority) {
  return new Promise((resolve, reject) => {
    const child = spawn(pinnedNode(), [join(root, 'node_modules', 'astro', 'bin', 'astro.mjs'), 'build'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: pinnedPath(), ASTRO_TELEMETRY_DISABLED: '1', NO_COLOR: '1', FORCE_COLOR: '0' },
    });
    if (priority !== undefined && child.pid !== undefined) setPriority(child.pid, priority);
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-keptOutput);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (cause) => reject(buildError(cause)));
    child.on('exit', (code) => (code === 0 ? resolve() : reject(buildError(new Error(output.trim())))));
  });
}

function buildError(cause) {
  return new SetupError('the site could not be built.', 'Read the cause below: it names the file and the line.', {
    cause,
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await step('site', () => buildSite({ force: process.argv.includes('--force') }));
  } catch (error) {
    fail(error);
  }
}

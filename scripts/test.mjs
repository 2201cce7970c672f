// `npm test`: installs, finds a browser, then runs lint, types, unit, golden, conformance, mesh, lab and browser tests.
// The last line is `N passed, N failed`. `npm test -- unit` runs the suites whose names contain the word.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildSite } from './build-site.mjs';
import { findOrGetBrowser, HOW_TO_GET_ONE } from './find-browser.mjs';
import { install } from './install.mjs';
import { pinnedNode, pinnedPath, root } from './node.mjs';
import { fail, step } from './steps.mjs';

const wanted = process.argv.slice(2);
const results = join(root, '.cache', 'test-results');
const bin = (name) => join(root, 'node_modules', ...name.split('/'));
let passed = 0;
let failed = 0;

try {
  await install();
  rmSync(results, { recursive: true, force: true });
  mkdirSync(results, { recursive: true });
  await step('site', () => buildSite());

  await check('lint', [bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', '.']);
  await check('lockfile', [join(root, 'scripts', 'complete-lock.mjs'), '--check']);
  await check('types', [bin('typescript/bin/tsc'), '-p', 'tsconfig.server.json']);
  await check('site types', [bin('@astrojs/check/bin/astro-check.js'), '--minimumFailingSeverity', 'warning']);
  for (const suite of ['unit', 'golden', 'conformance', 'mesh', 'labs']) await vitest(suite);
  await playwright();

  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
} catch (error) {
  fail(error);
}

function chosen(name) {
  return wanted.length === 0 || wanted.some((word) => name.includes(word));
}

/** A tool that counts as one check. */
async function check(name, command) {
  if (!chosen(name)) return;
  console.log(`\n== ${name}`);
  if ((await run(command)) === 0) passed += 1;
  else failed += 1;
}

// Labs wait for timers more than they work, so eight run beside one another on two cores. They keep real time, so one that a busy machine
// held up is tried once more, as a browser's test is.
async function vitest(suite) {
  if (!chosen(suite) || !existsSync(join(root, 'tests', suite))) return;
  console.log(`\n== ${suite}`);
  const report = join(results, `${suite}.json`);
  const code = await run([
    bin('vitest/vitest.mjs'),
    'run',
    `tests/${suite}/`,
    ...(suite === 'labs' ? ['--maxWorkers=8', '--retry=1'] : []),
    '--reporter=dot',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]);
  const counts = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined;
  // A suite that could not even load counts as one failure: nothing may fail silently.
  passed += counts?.numPassedTests ?? 0;
  failed += Math.max(counts?.numFailedTests ?? 0, code === 0 ? 0 : 1);
}

async function playwright() {
  if (!chosen('site')) return;
  console.log('\n== site');
  const browser = findOrGetBrowser();
  if (!browser) {
    console.error(HOW_TO_GET_ONE);
    failed += 1;
    return;
  }
  console.log(`browser: ${browser}`);
  const report = join(results, 'site.json');
  const code = await run([bin('@playwright/test/cli.js'), 'test'], {
    PLAYWRIGHT_JSON_OUTPUT_FILE: report,
    CHROMIUM_PATH: browser,
  });
  const stats = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).stats : undefined;
  passed += (stats?.expected ?? 0) + (stats?.flaky ?? 0);
  failed += Math.max(stats?.unexpected ?? 0, code === 0 ? 0 : 1);
}

function run(command, environment = {}) {
  return new Promise((resolve) => {
    const child = spawn(pinnedNode(), command, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, PATH: pinnedPath(), ASTRO_TELEMETRY_DISABLED: '1', NO_COLOR: '1', ...environment },
    });
    child.on('exit', (code) => resolve(code ?? 1));
    child.on('error', () => resolve(1));
  });
}

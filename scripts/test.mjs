// `npm test`: installs, finds a browser, then runs lint, types, unit, golden, conformance, mesh, lab and browser tests.
// The last line is `N passed, N failed`; names of what failed stand before it. `npm test -- unit` runs the suites whose names contain
// the word.
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { buildSandbox } from './build-sandbox.mjs';
import { buildSite } from './build-site.mjs';
import { findOrGetBrowser, HOW_TO_GET_ONE } from './find-browser.mjs';
import { install } from './install.mjs';
import { pinnedNode, pinnedPath, root } from './node.mjs';
import { fail, step } from './steps.mjs';
import {
  failedTestsOf,
  outcomeOfCheck,
  outcomeOfPlaywright,
  outcomeOfSecondTry,
  outcomeOfVitest,
  summaryOf,
} from './test-report.mjs';

const wanted = process.argv.slice(2);
const results = join(root, '.cache', 'test-results');
/** Where Node keeps the sources as it has read them, for the next process. */
const compiled = join(root, '.cache', 'compiled-tests');
/** What only computes yields to the labs that run beside it. */
const LOW = 10;
/** What runs beside the labs: first what only computes, one suite at a time, then what waits for sockets, side by side. */
const COMPUTING = ['unit', 'golden'];
const WAITING = ['conformance', 'mesh'];
/** More failures than these are not a busy machine's. */
const FEW = 40;
/** To read the modules of the mesh anew for each file takes longer than half of the tests. */
const SHARED = ['--no-isolate'];
const ALONE = ['--maxWorkers=1', '--maxConcurrency=1', '--retry=1'];
const vitestBin = bin('vitest/vitest.mjs');
const outcomes = [];
const running = new Set();

try {
  await install();
  rmSync(results, { recursive: true, force: true });
  mkdirSync(results, { recursive: true });
  // Labs wait for timers more than they work, and keep real time; what only computes takes the time that they leave.
  await Promise.all([labs(), computing()]);
  for (const suite of ['labs', ...COMPUTING, ...WAITING]) await onceMore(suite);
  await playwright();

  console.log(summaryOf(outcomes));
  process.exitCode = outcomes.some(({ failed }) => failed.length > 0) ? 1 : 0;
} catch (error) {
  for (const child of running) child.kill();
  fail(error);
}

/** The longest file decides how long they take: more than five beside one another only take time from each other's requests. */
function labs() {
  return vitest('labs', { options: ['--maxWorkers=5', '--maxConcurrency=4', ...SHARED] });
}

/** Labs judge how late answers are. What a busy machine held up is tried once more, as a browser's test is, with the machine to itself. */
async function onceMore(suite) {
  const first = outcomes.find((outcome) => outcome.suite === suite);
  if (!first) return;
  const { files, pattern, count } = failedTestsOf(reportOf(suite));
  if (count === 0 || count > FEW) return;
  const report = reportOf(`${suite}-alone`);
  await run(`${suite}, alone`, [vitestBin, 'run', ...files, '-t', pattern, ...ALONE, ...reportersTo(report)]);
  Object.assign(first, outcomeOfSecondTry(first, report));
}

async function computing() {
  const held = chosen('labs');
  const quietly = { held, priority: LOW };
  await step('site', () => buildSite({ priority: LOW }));
  await step('mesh code', () => buildSandbox());
  await check('lint', [bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', '.'], quietly);
  await check('lockfile', [join(root, 'scripts', 'complete-lock.mjs'), '--check'], quietly);
  // The native compiler takes a quarter of the time; what needs a compiler to call (Astro's check, build steps) has the other.
  await check('types', [bin('typescript-native/bin/tsc'), '-p', 'tsconfig.server.json'], quietly);
  await check('site types', [bin('@astrojs/check/bin/astro-check.js'), '--minimumFailingSeverity', 'warning'], quietly);
  const beside = { ...quietly, options: SHARED };
  for (const suite of COMPUTING) await vitest(suite, beside);
  await Promise.all(WAITING.map((suite) => vitest(suite, { ...beside, held: true })));
}

function bin(name) {
  return join(root, 'node_modules', ...name.split('/'));
}

function chosen(name) {
  return wanted.length === 0 || wanted.some((word) => name.includes(word));
}

/** A tool that counts as one check. */
async function check(name, command, how) {
  if (!chosen(name)) return;
  outcomes.push(outcomeOfCheck(name, await run(name, command, how)));
}

async function vitest(suite, { options = [], ...how } = {}) {
  if (!chosen(suite)) return;
  const report = reportOf(suite);
  const code = await run(suite, [vitestBin, 'run', `tests/${suite}/`, ...options, ...reportersTo(report)], how);
  outcomes.push({ suite, ...outcomeOfVitest(suite, report, code) });
}

function reportOf(suite) {
  return join(results, `${suite}.json`);
}

function reportersTo(report) {
  return ['--reporter=dot', '--reporter=json', `--outputFile.json=${report}`];
}

async function playwright() {
  if (!chosen('site')) return;
  const browser = findOrGetBrowser();
  if (!browser) {
    console.error(HOW_TO_GET_ONE);
    outcomes.push(outcomeOfCheck('site: no browser', 1));
    return;
  }
  console.log(`browser: ${browser}`);
  const report = join(results, 'site.json');
  const environment = { PLAYWRIGHT_JSON_OUTPUT_FILE: report, CHROMIUM_PATH: browser };
  const code = await run('site', [bin('@playwright/test/cli.js'), 'test'], { environment });
  outcomes.push(outcomeOfPlaywright('site', report, code));
}

/**
 * Runs a command under the pinned Node; its exit code. `held`: something else runs beside it, so what it prints is kept until it ends.
 * @param {{ priority?: number, held?: boolean, environment?: Record<string, string> }} [how]
 */
async function run(name, command, { priority, held = false, environment = {} } = {}) {
  const heading = `\n== ${name}`;
  if (!held) console.log(heading);
  const started = performance.now();
  const { code, output } = await ended(
    spawn(pinnedNode(), command, {
      cwd: root,
      stdio: ['ignore', held ? 'pipe' : 'inherit', held ? 'pipe' : 'inherit'],
      env: {
        ...process.env,
        PATH: pinnedPath(),
        NODE_COMPILE_CACHE: compiled,
        ASTRO_TELEMETRY_DISABLED: '1',
        NO_COLOR: '1',
        ...environment,
      },
    }),
    priority,
  );
  if (held) console.log(`${heading}\n${output}`);
  console.log(`  ${name}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return code;
}

function ended(child, priority) {
  return new Promise((resolve) => {
    let output = '';
    const hear = (chunk) => {
      output += chunk;
    };
    running.add(child);
    child.stdout?.setEncoding('utf8').on('data', hear);
    child.stderr?.setEncoding('utf8').on('data', hear);
    if (priority !== undefined && child.pid !== undefined) setPriority(child.pid, priority);
    const end = (code) => {
      running.delete(child);
      resolve({ code, output });
    };
    child.on('close', (code) => end(code ?? 1));
    child.on('error', (error) => {
      hear(error.message);
      end(1);
    });
  });
}

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

interface Outcome {
  readonly passed: number;
  readonly failed: readonly string[];
  readonly late: readonly string[];
  readonly skipped: readonly string[];
}

type Reader = (suite: string, report: string, code: number) => Outcome;

interface TestReport {
  readonly outcomeOfCheck: (name: string, code: number) => Outcome;
  readonly outcomeOfVitest: Reader;
  readonly outcomeOfPlaywright: Reader;
  readonly failedTestsOf: (report: string) => {
    readonly files: readonly string[];
    readonly pattern: string;
    readonly count: number;
  };
  readonly outcomeOfSecondTry: (first: Outcome, report: string) => Outcome;
  readonly summaryOf: (outcomes: readonly Outcome[]) => string;
}

const root = join(import.meta.dirname, '..', '..', '..');
const modules = join(root, 'node_modules');
const { outcomeOfCheck, outcomeOfVitest, outcomeOfPlaywright, failedTestsOf, outcomeOfSecondTry, summaryOf } =
  (await import(join(root, 'scripts', 'test-report.mjs'))) as TestReport;

/** A test of each kind. A try is counted in a file: the next may be made by another process. */
const tests = (from: string) => `
import { appendFileSync, readFileSync } from 'node:fs';
import { expect, test } from '${from}';
test('passes', () => {});
test('passes late', () => {
  appendFileSync(import.meta.filename + '.tries', 'x');
  expect(readFileSync(import.meta.filename + '.tries', 'utf8')).toBe('xx');
});
test('fails', () => { expect(1).toBe(2); });
test.skip('has no tool', () => {});
`;

let folder: string;

/** A test tool starts processes of its own; the limit only catches one that hangs. */
const TOOL_MS = 120_000;

/** Runs one of the two test tools in its folder; its exit code. */
function runTool(tool: 'vitest' | 'playwright', args: readonly string[], report: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env['PATH'] ?? '', PLAYWRIGHT_JSON_OUTPUT_FILE: report };
    const child = spawn(process.execPath, args, { cwd: join(folder, tool), env, stdio: 'ignore' });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

beforeAll(() => {
  mkdirSync(join(root, '.cache'), { recursive: true });
  folder = mkdtempSync(join(root, '.cache', 'test-report-'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const tool of ['vitest', 'playwright']) mkdirSync(join(folder, tool));
  writeFileSync(join(folder, 'vitest', 'some.test.mjs'), tests('vitest'));
  writeFileSync(join(folder, 'vitest', 'broken.test.mjs'), "import './is-not-here.mjs';\n");
  writeFileSync(join(folder, 'playwright', 'some.spec.mjs'), tests('@playwright/test'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it(
  'a run of vitest is told with the names of what failed, was skipped, or passed at a second try',
  async () => {
    const report = join(folder, 'vitest.json');
    const cli = join(modules, 'vitest', 'vitest.mjs');
    const options = ['--retry=1', '--root=.', '--reporter=json', `--outputFile.json=${report}`];
    const code = await runTool('vitest', [cli, 'run', ...options], report);
    const place = relative(root, join(folder, 'vitest'));
    const { failed, ...others } = outcomeOfVitest('unit', report, code);
    expect(others).toEqual({
      passed: 2,
      late: [`${place}/some.test.mjs › passes late`],
      skipped: [`${place}/some.test.mjs › has no tool`],
    });
    expect(failed.toSorted()).toEqual([
      `${place}/broken.test.mjs: failed outside of its tests`,
      `${place}/some.test.mjs › fails`,
    ]);
  },
  TOOL_MS,
);

it(
  'what failed beside the other tests runs once more alone: what passes then is late, what fails stays failed',
  async () => {
    const at = join(folder, 'twice');
    mkdirSync(at);
    writeFileSync(
      join(at, 'lab.test.mjs'),
      `import { appendFileSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
const tries = import.meta.filename + '.tries';
describe('lab (a) 1.0', () => {
  test('passes', () => { appendFileSync(tries, 'p'); });
  test('passes alone?', () => { appendFileSync(tries, 'a'); expect(readFileSync(tries, 'utf8')).toBe('pabfa'); });
  test('passes alone? never', () => { appendFileSync(tries, 'b'); expect(1).toBe(1); });
  test('fails', () => { appendFileSync(tries, 'f'); expect(1).toBe(2); });
});
`,
    );
    const cli = join(modules, 'vitest', 'vitest.mjs');
    const options = ['--root=.', '--dir=../twice', '--reporter=json'];
    const [report, again] = [join(folder, 'twice.json'), join(folder, 'again.json')];
    const code = await runTool('vitest', [cli, 'run', ...options, `--outputFile.json=${report}`], report);
    const first = outcomeOfVitest('labs', report, code);
    const file = relative(root, join(at, 'lab.test.mjs'));
    expect(first).toMatchObject({
      passed: 2,
      failed: [`${file} › lab (a) 1.0 passes alone?`, `${file} › lab (a) 1.0 fails`],
    });
    const { files, pattern, count } = failedTestsOf(report);
    expect({ files, count }).toEqual({ files: [file], count: 2 });
    await runTool('vitest', [cli, 'run', ...options, '-t', pattern, `--outputFile.json=${again}`], again);
    // The two that passed at first do not run again.
    expect(readFileSync(join(at, 'lab.test.mjs.tries'), 'utf8')).toBe('pabfaf');
    expect(outcomeOfSecondTry(first, again)).toEqual({
      passed: 3,
      failed: [`${file} › lab (a) 1.0 fails`],
      late: [`${file} › lab (a) 1.0 passes alone?`],
      skipped: [],
    });
    expect(outcomeOfSecondTry(first, join(folder, 'no-report.json'))).toEqual(first);
  },
  TOOL_MS,
);

it(
  'a run of Playwright is told in the same way',
  async () => {
    const report = join(folder, 'playwright.json');
    const cli = join(modules, '@playwright', 'test', 'cli.js');
    const code = await runTool('playwright', [cli, 'test', '--retries=1', '--reporter=json'], report);
    expect(outcomeOfPlaywright('site', report, code)).toEqual({
      passed: 2,
      failed: ['tests/site/some.spec.mjs › fails'],
      late: ['tests/site/some.spec.mjs › passes late'],
      skipped: ['tests/site/some.spec.mjs › has no tool'],
    });
  },
  TOOL_MS,
);

it('a run without a report, without a test, or with a bad end is a failure', () => {
  const none = join(folder, 'no-report.json');
  for (const outcomeOf of [outcomeOfVitest, outcomeOfPlaywright]) {
    expect(outcomeOf('mesh', none, 1).failed).toEqual(['mesh: ended with code 1 outside of its tests']);
    expect(outcomeOf('mesh', none, 0).failed).toEqual(['mesh: no test ran']);
  }
});

it('names stand before the sum, which is the last line; what failed stands nearest to it', () => {
  const labs: Outcome = { passed: 7, failed: ['a › b'], late: ['c › d'], skipped: ['e › f'] };
  const lines = summaryOf([outcomeOfCheck('lint', 0), outcomeOfCheck('types', 2), labs]).split('\n');
  expect(lines.at(-1)).toBe('8 passed, 2 failed');
  expect(lines.slice(-5)).toEqual(['Failed:', '  types', '  a › b', '', '8 passed, 2 failed']);
  expect(lines.indexOf('  e › f')).toBeLessThan(lines.indexOf('  c › d'));
});

// Reads what vitest and Playwright wrote about a run: how many passed, and the names of those that failed, were skipped, or passed late.
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { root } from './node.mjs';

/**
 * @typedef {object} Outcome
 * @property {number} passed
 * @property {string[]} failed  one name for each failure, `file › test`
 * @property {string[]} late    passed, but not at the first try
 * @property {string[]} skipped did not run, mostly because a tool is not on this machine
 */

/** An outcome of one check, which has no tests of its own. @returns {Outcome} */
export function outcomeOfCheck(name, code) {
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? [] : [name], late: [], skipped: [] };
}

/** What vitest's JSON report says. @returns {Outcome} */
export function outcomeOfVitest(suite, report, code) {
  const outcome = { passed: 0, failed: [], late: [], skipped: [] };
  for (const { name, status, assertionResults } of read(report)?.testResults ?? []) {
    const file = relative(root, name);
    // A file that could not be loaded has no tests to fail.
    if (status === 'failed' && !assertionResults.some((test) => test.status === 'failed'))
      outcome.failed.push(`${file}: failed outside of its tests`);
    for (const test of assertionResults) {
      const said = nameOf(file, test);
      if (test.status === 'failed') outcome.failed.push(said);
      else if (test.status !== 'passed') outcome.skipped.push(said);
      else {
        outcome.passed += 1;
        // The errors of earlier tries stay with a test that passed.
        if (test.failureMessages.length > 0) outcome.late.push(said);
      }
    }
  }
  return heard(outcome, suite, code);
}

/**
 * Which tests failed in a run of vitest, as its command line takes them: files, and a pattern that matches their names alone.
 * @returns {{ files: string[], pattern: string, count: number }}
 */
export function failedTestsOf(report) {
  const failed = vitestTests(report).filter(({ test }) => test.status === 'failed');
  // vitest matches a pattern with titles that are joined so.
  const names = failed.map(({ test }) => [...test.ancestorTitles, test.title].join(' > '));
  const pattern = `^(?:${names.map((name) => name.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|')})$`;
  return { files: [...new Set(failed.map(({ file }) => file))], pattern, count: failed.length };
}

/** What failed at first and passed in a second run, by its report, passed late. @returns {Outcome} */
export function outcomeOfSecondTry(first, report) {
  const passed = vitestTests(report).filter(({ test }) => test.status === 'passed');
  const mended = new Set(passed.map(({ file, test }) => nameOf(file, test)));
  const late = first.failed.filter((said) => mended.has(said));
  return {
    ...first,
    passed: first.passed + late.length,
    failed: first.failed.filter((said) => !mended.has(said)),
    late: [...first.late, ...late],
  };
}

function vitestTests(report) {
  return (read(report)?.testResults ?? []).flatMap(({ name, assertionResults }) =>
    assertionResults.map((test) => ({ file: relative(root, name), test })),
  );
}

function nameOf(file, { fullName }) {
  return `${file} › ${fullName}`;
}

/** What Playwright's JSON report says. @returns {Outcome} */
export function outcomeOfPlaywright(suite, report, code) {
  const outcome = { passed: 0, failed: [], late: [], skipped: [] };
  const { suites = [], errors = [] } = read(report) ?? {};
  for (const [said, { tests }] of specsOf(suites, [])) {
    for (const { status } of tests) {
      if (status === 'unexpected') outcome.failed.push(said);
      else if (status === 'skipped') outcome.skipped.push(said);
      else {
        outcome.passed += 1;
        if (status === 'flaky') outcome.late.push(said);
      }
    }
  }
  for (const { message } of errors) outcome.failed.push(`${suite}: ${String(message).split('\n')[0]}`);
  return heard(outcome, suite, code);
}

/** Specs below suites with their names; the suite of a file is called by its path. */
function specsOf(suites, above) {
  return suites.flatMap(({ title, specs = [], suites: below = [] }) => {
    const place = [...above, above.length === 0 ? `tests/site/${title}` : title];
    return [...specs.map((spec) => [[...place, spec.title].join(' › '), spec]), ...specsOf(below, place)];
  });
}

/** A run that ended badly without a failure, or well without a test, is a failure: nothing may fail silently. */
function heard(outcome, suite, code) {
  if (outcome.failed.length > 0) return outcome;
  if (code !== 0) outcome.failed.push(`${suite}: ended with code ${code} outside of its tests`);
  else if (outcome.passed === 0) outcome.failed.push(`${suite}: no test ran`);
  return outcome;
}

function read(report) {
  return existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined;
}

/** The end of a run: names of what did not simply pass, then the sum as the last line. @param {Outcome[]} outcomes */
export function summaryOf(outcomes) {
  const all = (key) => outcomes.flatMap((outcome) => outcome[key]);
  const list = (title, names) => (names.length === 0 ? [] : ['', title, ...names.map((name) => `  ${name}`)]);
  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
  return [
    ...list('Not run, mostly because a tool is not on this machine:', all('skipped')),
    ...list('Passed, but only at a second try:', all('late')),
    ...list('Failed:', all('failed')),
    '',
    `${passed} passed, ${all('failed').length} failed`,
  ].join('\n');
}

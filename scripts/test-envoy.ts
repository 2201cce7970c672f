// `npm run test:envoy`: lets a real Envoy judge what the control plane generates and how our proxies behave. Needs `envoy` on PATH and
// skips without it. The last line is `N passed, N failed`.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findEnvoy } from '../server/envoy/find-envoy.ts';

const root = dirname(import.meta.dirname);
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const config = join(root, 'tests', 'envoy', 'vitest.config.ts');
const results = join(root, '.cache', 'test-results');
const report = join(results, 'envoy.json');

const envoy = findEnvoy();
if (envoy === undefined) {
  console.log('skipped: envoy is not on PATH');
} else {
  console.log(`envoy: ${envoy}`);
  mkdirSync(results, { recursive: true });
  rmSync(report, { force: true });
  const code = await run([
    'run',
    '--config',
    config,
    '--reporter=dot',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]);
  const counts = existsSync(report)
    ? (JSON.parse(readFileSync(report, 'utf8')) as { numPassedTests: number; numFailedTests: number })
    : { numPassedTests: 0, numFailedTests: 0 };
  // A suite that could not even load counts as one failure: nothing may fail silently.
  const failed = Math.max(counts.numFailedTests, code === 0 ? 0 : 1);
  console.log(`\n${counts.numPassedTests} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

function run(args: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [vitest, ...args, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
    child.on('exit', (code) => resolve(code ?? 1));
    child.on('error', () => resolve(1));
  });
}

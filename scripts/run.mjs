// Runs a script under the pinned Node, whatever Node started this: `node scripts/run.mjs <file> [arguments]`.
import { spawn } from 'node:child_process';
import { pinnedNode, pinnedPath } from './node.mjs';

const child = spawn(pinnedNode(), process.argv.slice(2), {
  stdio: 'inherit',
  env: { ...process.env, PATH: pinnedPath(), ASTRO_TELEMETRY_DISABLED: '1' },
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 130 : 1)));

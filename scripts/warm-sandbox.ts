// Starts one mesh from joined code, so that V8 compiles what a start needs, and keeps the compiled code beside it:
// `node scripts/warm-sandbox.ts FILE`. The code that later sandboxes run is compiled here, from sources alone; a sandbox itself can write none.
import { fork } from 'node:child_process';
import { seededRandom } from '#domain';
import { leaseSubnet } from '#sandbox/subnets';
import { HEAP_LIMIT_MB, v8Flags } from '../server/api/gateway/v8-flags.ts';

/** A machine with much else to do takes long to start a mesh; without compiled code every later start would. */
const LIMIT_MS = 120_000;

const lease = await leaseSubnet(seededRandom(String(process.pid)));
const child = fork(new URL('./compile-sandbox.ts', import.meta.url), [process.argv[2] ?? '', String(lease.subnet)], {
  execArgv: [...v8Flags(HEAP_LIMIT_MB), '--disable-warning=ExperimentalWarning'],
  timeout: LIMIT_MS,
  killSignal: 'SIGKILL',
});
child.on('exit', async (code) => {
  await lease.release();
  process.exitCode = code ?? 1;
});

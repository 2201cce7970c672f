import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSandbox, sandboxProgram } from '../../scripts/build-sandbox.mjs';
import { forkSandbox, type SandboxProcess } from '../../server/api/gateway/sandbox-process.ts';
import { HEAP_LIMIT_MB, v8Flags } from '../../server/api/gateway/v8-flags.ts';
import type { FromSandbox } from '../../server/api/protocol.ts';
import { systemClock } from '../../server/system.ts';
import { root, subnet } from '../bench/labs.ts';

describe('the joined code of a sandbox', () => {
  const messages: FromSandbox[] = [];
  let child: SandboxProcess;

  beforeAll(async () => {
    await buildSandbox();
    await new Promise<void>((resolve, reject) => {
      child = forkSandbox({
        root,
        program: sandboxProgram,
        clock: systemClock(),
        heapLimitMb: HEAP_LIMIT_MB,
        hungAfterMs: 60_000,
        onMessage: (message) => {
          messages.push(message);
          if (message.kind === 'started') resolve();
          if (message.kind === 'failed') reject(new Error(message.message));
        },
        onExit: (reason, output) => reject(new Error(`${reason}\n${output}`)),
      });
      child.send({ kind: 'start', lab: 'bookinfo', subnet: subnet(90), saved: undefined });
    });
  }, 60_000);
  afterAll(() => child?.stop(5000));

  it('starts a mesh under the permissions of a sandbox, all of its steps in order', () => {
    const steps = messages.flatMap((message) =>
      message.kind === 'event' && message.event.type === 'sandbox' ? [message.event.sandbox.steps] : [],
    );
    expect(steps.at(-1)?.map(({ name }) => name)).toEqual([
      'kubernetes api',
      'istiod',
      'ingress gateway',
      'pods',
      'configuration',
    ]);
  });

  it('serves the application to the outside', async () => {
    const view = messages.flatMap((message) =>
      message.kind === 'event' && message.event.type === 'sandbox' ? [message.event.sandbox] : [],
    );
    const response = await fetch(`${view.at(-1)?.ingressUrl}/productpage`);
    expect(response.status).toBe(200);
    expect(response.headers.get('server')).toBe('istio-envoy');
  });

  it('comes with compiled code that a sandbox takes', () => {
    const ask = `const { readFileSync } = require('node:fs');
      const program = process.argv[1];
      const cachedData = readFileSync(program + '.v8').subarray(64);
      const script = new (require('node:vm').Script)(readFileSync(program, 'latin1'), { filename: program, cachedData });
      process.stdout.write(String(script.cachedDataRejected));`;
    const rejected = execFileSync(process.execPath, [...v8Flags(HEAP_LIMIT_MB), '-e', ask, sandboxProgram]);
    expect(rejected.toString()).toBe('false');
  });

  it('is not built again while nothing changed', async () => {
    const builtAtMs = statSync(sandboxProgram).mtimeMs;
    const again = await buildSandbox();
    // Sources may change at any time while somebody works on them; then, and only then, it is another file.
    expect(statSync(sandboxProgram).mtimeMs === builtAtMs).toBe(again.skipped !== undefined);
  });
});

import { Agent, get } from 'node:http';
import { buildSandbox, sandboxProgram } from '../../scripts/build-sandbox.mjs';
import { forkSandbox, type SandboxProcess } from '../../server/api/gateway/sandbox-process.ts';
import { HEAP_LIMIT_MB } from '../../server/api/gateway/v8-flags.ts';
import type { FromSandbox, SavedState } from '../../server/api/protocol.ts';
import { systemClock } from '../../server/system.ts';
import { root, subnet } from './labs.ts';
import { residentMb } from './measure.ts';
import { median } from './statistics.ts';

export interface StartReport {
  readonly starts: number;
  /** From the fork to the first answer through the ingress gateway, every proxy synchronised. */
  readonly forkToFirstAnswerMs: number;
  /** The part of it that the started process itself counts: without Node's own start and the import of the code. */
  readonly meshMs: number;
  readonly residentMbAfterStart: number;
  readonly requests: number;
  readonly residentMbAfterRequests: number;
}

export interface Started {
  readonly process: SandboxProcess;
  readonly forkToFirstAnswerMs: number;
  readonly meshMs: number;
  readonly ingressUrl: string;
}

const CLIENTS = 4;

/** Starts Bookinfo as the lab server does, in a process of its own, one after the other. */
export async function measureStart(starts: number, requests: number): Promise<StartReport> {
  await buildSandbox();
  const runs: (Started & { residentMb: number })[] = [];
  let afterRequests = 0;
  for (let i = 0; i < starts; i++) {
    const started = await start(subnet(2 + i));
    runs.push({ ...started, residentMb: residentMb(started.process.pid) });
    if (i === starts - 1) {
      await visit(`${started.ingressUrl}/productpage`, requests);
      afterRequests = residentMb(started.process.pid);
    }
    await started.process.stop(2000);
  }
  return {
    starts,
    forkToFirstAnswerMs: median(runs.map((run) => run.forkToFirstAnswerMs)),
    meshMs: median(runs.map((run) => run.meshMs)),
    residentMbAfterStart: median(runs.map((run) => run.residentMb)),
    requests,
    residentMbAfterRequests: afterRequests,
  };
}

/** Starts the lab Bookinfo, with its own objects or those of `saved`. The code of a sandbox must have been joined. */
export function start(block: number, saved?: SavedState): Promise<Started> {
  return new Promise((resolve, reject) => {
    const beganAt = performance.now();
    let ingressUrl = '';
    const onMessage = (message: FromSandbox): void => {
      if (message.kind === 'failed') reject(new Error(message.message));
      if (message.kind === 'event' && message.event.type === 'sandbox') {
        ingressUrl = message.event.sandbox.ingressUrl ?? ingressUrl;
      }
      if (message.kind !== 'started') return;
      const forkToFirstAnswerMs = performance.now() - beganAt;
      resolve({ process: child, forkToFirstAnswerMs, meshMs: message.startMs, ingressUrl });
    };
    const child = forkSandbox({
      root,
      program: sandboxProgram,
      clock: systemClock(),
      heapLimitMb: HEAP_LIMIT_MB,
      hungAfterMs: 20_000,
      onMessage,
      onExit: (reason, output) => reject(new Error(`${reason}\n${output}`)),
    });
    child.send({ kind: 'start', lab: 'bookinfo', subnet: block, saved });
  });
}

/** Sends requests by four clients; throws when one is not answered by 200. */
export async function visit(url: string, requests: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  let left = requests;
  const client = async (): Promise<void> => {
    while (left-- > 0) {
      const status = await statusOf(url, agent);
      if (status !== 200) throw new Error(`${url} answered ${status}`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  agent.destroy();
}

const statusOf = (url: string, agent: Agent): Promise<number> =>
  new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
    });
    request.once('error', reject);
  });

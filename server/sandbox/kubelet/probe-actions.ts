import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { type Clock, errorMessage } from '#domain';
import type { Dial, FetchInit, FetchResponse } from '#workloads';
import type { ContainerSpec, PreStop, ProbeSpec } from '../kube-types.ts';
import type { ProbeOutcome } from './prober.ts';

export interface ProbeReach {
  readonly podIp: string;
  /** As the node reaches the container: past its sidecar, when probes are rewritten. */
  readonly fetch: (url: string, init?: FetchInit) => Promise<FetchResponse>;
  readonly dial: Dial;
  readonly run: (command: readonly string[], signal: AbortSignal) => Promise<{ exitCode: number; output: string }>;
}

/** Tries a probe of a container once. */
export function probeOnce(container: ContainerSpec, reach: ProbeReach) {
  return async (spec: ProbeSpec, signal: AbortSignal): Promise<ProbeOutcome> => {
    try {
      if (spec.httpGet !== undefined) return await httpGet(spec.httpGet, { container, reach, signal });
      if (spec.tcpSocket !== undefined) return await tcpSocket(portNumber(container, spec.tcpSocket.port), reach);
      if (spec.exec !== undefined) return await exec(spec.exec.command ?? [], { reach, signal });
      if (spec.grpc !== undefined) return await grpc(spec.grpc, { reach, signal });
      return undefined;
    } catch (error) {
      return errorMessage(error);
    }
  };
}

/** Does what a preStop hook says. A request may be answered with any status. */
export function preStopOnce(
  container: ContainerSpec,
  { reach, clock }: { readonly reach: ProbeReach; readonly clock: Clock },
) {
  return async ({ sleep, exec: command, httpGet: get }: PreStop, signal: AbortSignal): Promise<ProbeOutcome> => {
    if (sleep === undefined) {
      const probe = { ...(command && { exec: command }), ...(get && { httpGet: get }) };
      const outcome = await probeOnce(container, reach)(probe, signal);
      return get && outcome?.startsWith(WRONG_STATUS) ? undefined : outcome;
    }
    await new Promise<void>((resolve) => {
      const timer = clock.after(sleep.seconds * 1000, resolve);
      signal.addEventListener('abort', () => {
        timer.cancel();
        resolve();
      });
    });
    return undefined;
  };
}

/** A port by number, or by the name that the container declares. */
function portNumber({ ports = [] }: ContainerSpec, port: number | string): number {
  if (typeof port === 'number' || /^\d+$/.test(port)) return Number(port);
  return ports.find(({ name }) => name === port)?.containerPort ?? 0;
}

const WRONG_STATUS = 'HTTP probe failed with statuscode';

interface Probe {
  readonly reach: ProbeReach;
  readonly signal: AbortSignal;
}

async function httpGet(
  { path = '/', port, scheme = 'HTTP', httpHeaders = [], host }: NonNullable<ProbeSpec['httpGet']>,
  { container, reach, signal }: Probe & { readonly container: ContainerSpec },
): Promise<ProbeOutcome> {
  const number = portNumber(container, port);
  const url = `${scheme.toLowerCase()}://${reach.podIp}:${number}${path.startsWith('/') ? path : `/${path}`}`;
  const headers: Record<string, string> = { 'user-agent': 'kube-probe/1.32', accept: '*/*', connection: 'close' };
  if (host !== undefined) headers['host'] = host;
  for (const { name, value } of httpHeaders) headers[name.toLowerCase()] = value;
  const asked = reach.fetch(url, { headers, signal, tls: { insecure: true } }).catch((error: unknown) => {
    const what = signal.aborted
      ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
      : errorMessage(error);
    return `Get "${url}": ${what.replace(/^connect ECONNREFUSED (.*)$/, 'dial tcp $1: connect: connection refused')}`;
  });
  const response = await asked;
  if (typeof response === 'string') return response;
  return response.status >= 200 && response.status < 400 ? undefined : `${WRONG_STATUS}: ${response.status}`;
}

async function tcpSocket(port: number, reach: ProbeReach): Promise<ProbeOutcome> {
  const socket = await reach.dial(reach.podIp, port).catch(() => undefined);
  socket?.destroy();
  return socket === undefined ? `dial tcp ${reach.podIp}:${port}: connect: connection refused` : undefined;
}

async function exec(command: readonly string[], { reach, signal }: Probe): Promise<ProbeOutcome> {
  const { exitCode, output } = await reach.run(command, signal);
  if (signal.aborted) return `command timed out: "${command.join(' ')}" timed out after 1s`;
  return exitCode === 0 ? undefined : output.trim();
}

const SERVING = 1;
const CHECK = '/grpc.health.v1.Health/Check';

/** grpc.health.v1: the answer's field 1 is the serving status. */
async function grpc(
  { port, service = '' }: NonNullable<ProbeSpec['grpc']>,
  { reach, signal }: Probe,
): Promise<ProbeOutcome> {
  const where = await reach.dial(reach.podIp, port);
  const address = `${where.remoteAddress}:${port}`;
  where.destroy();
  const client = new Client(address, credentials.createInsecure());
  const request = service === '' ? Buffer.alloc(0) : Buffer.from([0x0a, service.length, ...Buffer.from(service)]);
  return new Promise((resolve) => {
    const done = (outcome: ProbeOutcome): void => {
      client.close();
      resolve(outcome);
    };
    const raw = (bytes: Buffer): Buffer => bytes;
    const call = client.makeUnaryRequest(CHECK, raw, raw, request, new Metadata(), (error, answer) => {
      if (error !== null) done(`error: health rpc probe failed: ${error.message}`);
      else if (answer?.[1] === SERVING) done(undefined);
      else done('service unhealthy (responded with "NOT_SERVING")');
    });
    signal.addEventListener('abort', () => call.cancel(), { once: true });
  });
}

import { connect } from 'node:net';
import type { RunningPod } from '#sandbox';
import { createFetch, type FetchInit, type FetchResponse } from '#workloads';
import { systemClock } from '../../../server/system.ts';
import { type AccessLogEntry, findEntry } from './access-log.ts';
import type { CaseRequest } from './cases.ts';
import type { EchoServers, Received } from './echo-server.ts';
import type { Oracle } from './oracle.ts';
import { waitFor } from './wait.ts';

/** Everything about one exchange that a client, an upstream or an operator can see. */
export interface Seen {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly log: AccessLogEntry;
  readonly upstream: readonly Received[];
  /** Address of the proxy. */
  readonly proxyIp: string;
}

export interface Observation {
  readonly seen: Seen;
  readonly tookMs: number;
}

/** One way into the mesh: a proxy that stands beside a client. */
export interface Asker {
  /** Address of the pod, and so of its proxy. */
  readonly ip: string;
  fetch(url: string, init: FetchInit): Promise<FetchResponse>;
  logLines(): readonly string[];
}

/** Requests from a pod of ours, captured into its sidecar. */
export const throughOurs = (pod: RunningPod): Asker => ({
  ip: pod.ip,
  fetch: (url, init) => pod.fetch(url, init),
  logLines: () => pod.logs('istio-proxy'),
});

/** The same requests, handed to Envoy's listener of the port, as capture would. */
export const throughEnvoy = (oracle: Oracle): Asker => ({
  ip: oracle.ip,
  fetch: createFetch(
    (_host, port) =>
      new Promise((resolve, reject) => {
        const socket = connect({ host: oracle.ip, port, localAddress: oracle.ip, noDelay: true });
        socket.once('error', reject);
        socket.once('connect', () => resolve(socket));
      }),
    systemClock(),
  ),
  logLines: () => oracle.accessLog(),
});

export interface Question {
  readonly asker: Asker;
  readonly request: CaseRequest;
  readonly echo: EchoServers;
  /** Sent as User-Agent, so that logs and upstreams can tell the requests apart. */
  readonly id: string;
}

const CLIENT_LIMIT_MS = 10_000;
const LATE_MS = 3000;

export async function observe({ asker, request, echo, id }: Question): Promise<Observation> {
  const startMs = performance.now();
  const answer = await send({ asker, request, id });
  const tookMs = performance.now() - startMs;
  const log = await waitFor(`the access log line of ${id}`, LATE_MS, () => findEntry(asker.logLines(), id));
  const wanted = request.expect.upstream ?? 0;
  await waitFor(`${wanted} requests of ${id} at the upstreams`, LATE_MS, () =>
    echo.received(id).length >= wanted ? true : undefined,
  );
  const { status, headers, body } = answer;
  return {
    tookMs,
    seen: { status, headers, body: body.toString('utf8'), log, upstream: echo.received(id), proxyIp: asker.ip },
  };
}

export const send = ({ asker, request, id }: Omit<Question, 'echo'>): Promise<FetchResponse> => {
  const { method = 'GET', path = '/', host = 'echo:8080', headers = {}, body } = request;
  const url = `http://echo:${host.split(':')[1] ?? 80}${path}`;
  const init = { method, headers: { host, 'user-agent': id, ...headers }, timeoutMs: CLIENT_LIMIT_MS };
  return asker.fetch(url, body === undefined ? init : { ...init, body });
};

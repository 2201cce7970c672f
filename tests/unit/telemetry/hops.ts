import type { HopRecord } from '#domain';

let next = 1;

/** A span id that no other hop of the test has. */
export const spanId = (): string => (next++).toString(16).padStart(16, '0');

interface HopFields {
  readonly service: string;
  readonly version?: string;
  readonly direction?: HopRecord['direction'];
  readonly parent?: string;
  readonly traceId?: string;
  readonly requestId?: string;
  readonly status?: number;
  readonly flags?: readonly string[];
  readonly details?: string;
  readonly cluster?: string;
  readonly attempts?: number;
  readonly startMs?: number;
  readonly durationMs?: number;
  readonly headers?: HopRecord['request']['headers'];
  readonly peer?: string;
  readonly role?: 'sidecar' | 'gateway';
  readonly steps?: HopRecord['steps'];
}

/** A hop as a proxy would report it. */
export function hop(fields: HopFields): HopRecord {
  const { service, version = 'v1', direction = 'outbound', parent, peer } = fields;
  return {
    spanId: spanId(),
    traceId: fields.traceId ?? 't'.repeat(32),
    ...(parent !== undefined && { parentSpanId: parent }),
    requestId: fields.requestId ?? 'r',
    proxy: { pod: `${service}-${version}`, namespace: 'default', service, version, role: fields.role ?? 'sidecar' },
    direction,
    startMs: fields.startMs ?? 0,
    durationMs: fields.durationMs ?? 5,
    request: {
      method: 'GET',
      authority: 'reviews:9080',
      path: '/reviews/0',
      protocol: 'HTTP/1.1',
      headers: fields.headers ?? [],
      bytes: 0,
    },
    response: {
      status: fields.status ?? 200,
      flags: fields.flags ?? [],
      details: fields.details ?? 'via_upstream',
      bytes: 0,
      headers: [],
    },
    routeName: 'default',
    cluster: fields.cluster ?? '',
    upstreamHost: '',
    attempts: fields.attempts ?? 1,
    mtls: peer !== undefined,
    ...(peer !== undefined && { peer }),
    pushVersion: '',
    steps: fields.steps ?? [],
    accessLog: '',
  };
}

export const REVIEWS_V2 = 'outbound|9080|v2|reviews.default.svc.cluster.local';

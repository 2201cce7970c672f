import type { HopRecord } from '#domain';
import { labSchema } from '../../../server/labs/lab-schema.ts';

/** A lab as its YAML would be read, from the fields that a test is about. */
export const lab = (fields: Readonly<Record<string, unknown>>) =>
  labSchema.parse({ id: 'x', title: 'X', day: 1, minutes: 5, goal: 'g', proves: 'p', ...fields });

export const check = (id: string, probe: unknown, more: Readonly<Record<string, unknown>> = {}) => ({
  id,
  title: id,
  objective: 'D1.1',
  probe,
  wanted: 'wanted',
  look: 'look',
  hints: ['first', 'second', 'third'],
  ...more,
});

export const readers = {
  id: 'readers',
  title: 'Readers',
  from: { namespace: 'default', labels: { app: 'frontend' } },
  url: 'http://reviews:8080/',
  rps: 10,
};

/** A hop of a trace, from what a test is about. */
export function hop(fields: {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly direction: HopRecord['direction'];
  readonly service: string;
  readonly version?: string;
  readonly status?: number;
  readonly flags?: readonly string[];
  readonly cluster?: string;
  readonly authority?: string;
}): HopRecord {
  const { traceId, spanId, parentSpanId, direction, service, version = 'v1', status = 200, flags = [] } = fields;
  return {
    spanId,
    traceId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    requestId: 'r',
    proxy: { pod: `${service}-1`, namespace: 'default', service, version, role: 'sidecar' },
    direction,
    startMs: 0,
    durationMs: 1,
    request: {
      method: 'GET',
      authority: fields.authority ?? '',
      path: '/',
      protocol: 'HTTP/1.1',
      headers: [],
      bytes: 0,
    },
    response: { status, flags, details: '', bytes: 0, headers: [] },
    routeName: '',
    cluster: fields.cluster ?? '',
    upstreamHost: '',
    attempts: 1,
    mtls: true,
    pushVersion: '',
    steps: [],
    accessLog: '',
  };
}

import { expect } from 'vitest';
import type { Explanation } from '../../../server/cli/explain/report.ts';
import { runVerb } from './run-verb.ts';

/** A Service of one HTTP port. */
export const service = (name: string, namespace = 'default'): string => `apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec: { selector: { app: ${name} }, ports: [{ name: http, port: 9080 }] }`;

export const virtualService = (spec: string, { name = 'reviews', namespace = 'default' } = {}): string =>
  `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: ${namespace} }
spec: ${spec}`;

export const destinationRule = (spec: string, { name = 'reviews', namespace = 'default' } = {}): string =>
  `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${name}, namespace: ${namespace} }
spec: ${spec}`;

export const TO_REVIEWS = 'route: [{ destination: { host: reviews } }]';
/** One rule that takes every request. */
export const ALL = `http: [{ ${TO_REVIEWS} }]`;

interface Told {
  readonly name: string;
  readonly reason: string;
  /** The line of the field that is to blame. */
  readonly line: string;
}

interface Asked {
  readonly from?: string;
  readonly url?: string;
  /** Which proxy on the way; 0: the caller's. */
  readonly hop?: number;
}

/** What `explain` tells of rules that had no part in a request to the Service reviews. */
export async function explainLeftOut(
  objects: readonly string[],
  { from = 'default/sleep', url = 'http://reviews:9080/', hop = 0 }: Asked = {},
): Promise<Told[]> {
  const text = [service('reviews'), ...objects].join('\n---\n');
  const { out, err } = await runVerb('explain', ['-f', '-', '--from', from, '-o', 'json', url], text);
  expect(err).toBe('');
  const explanation = JSON.parse(out) as Explanation;
  const lines = text.split('\n');
  const told = explanation.hops.length === 0 ? explanation.leftOut : explanation.hops[hop]?.leftOut;
  return (told ?? []).map(({ name, reason, at }): Told => ({ name, reason, line: lines[(at?.line ?? 0) - 1] ?? '' }));
}

/** The same at the caller's proxy. */
export const leftOut = (objects: readonly string[], from?: string, url?: string): Promise<Told[]> =>
  explainLeftOut(objects, { ...(from !== undefined && { from }), ...(url !== undefined && { url }) });

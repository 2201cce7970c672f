import { describe, expect, it } from 'vitest';
import { toldSteps } from '../../../server/envoy/told-steps.ts';
import { entry } from './entry.ts';

const rule = { kind: 'VirtualService', namespace: 'default', name: 'reviews', path: 'spec.http[1]' };
const route = {
  ...rule,
  parts: { match: 'spec.http[1].match[0]', timeout: 'spec.http[1].timeout', 'fault.abort': 'spec.http[1].fault.abort' },
};
const cluster = {
  ...{ kind: 'DestinationRule', namespace: 'default', name: 'reviews', path: 'spec' },
  parts: { subset: 'spec.subsets[0]' },
};
const host = { kind: 'ServiceEntry', namespace: 'default', name: 'shop', path: 'spec.endpoints[1]' };
const origins = { chain: null, route, cluster, host };

const placesOf = (steps: ReturnType<typeof toldSteps>) =>
  steps.map(({ stage, outcome, origin }) => [stage, outcome, origin && `${origin.kind}/${origin.name} ${origin.path}`]);

describe('the steps of a real Envoy', () => {
  it('lead to the fields behind what it chose', () => {
    expect(placesOf(toldSteps(entry({ origins, host_uri: null }), false))).toEqual([
      ['route', 'chosen', 'VirtualService/reviews spec.http[1].match[0]'],
      ['cluster', 'chosen', 'DestinationRule/reviews spec.subsets[0]'],
      ['endpoint', 'chosen', 'ServiceEntry/shop spec.endpoints[1]'],
      ['response', 'passed', undefined],
    ]);
  });

  it('name the filter that answered, with the field that made it', () => {
    const alone = { origins: { ...origins, cluster: null, host: null }, cluster: null, host: null, host_uri: null };
    const abort = entry({ ...alone, status: 418, flags: 'DI,FI', details: 'fault_filter_abort' });
    expect(placesOf(toldSteps(abort, false))).toEqual([
      ['route', 'chosen', 'VirtualService/reviews spec.http[1].match[0]'],
      ['http_filter', 'applied', 'VirtualService/reviews spec.http[1]'],
      ['http_filter', 'stopped', 'VirtualService/reviews spec.http[1].fault.abort'],
      ['response', 'stopped', undefined],
    ]);
    const details = 'rbac_access_denied_matched_policy[ns[default]-policy[details]-rule[2]]';
    const denied = entry({ ...alone, origins: { ...origins, route: null }, route: null, status: 403, details });
    expect(placesOf(toldSteps(denied, false))).toEqual([
      ['http_filter', 'stopped', 'AuthorizationPolicy/details spec.rules[2]'],
      ['response', 'stopped', undefined],
    ]);
  });

  it('lead to the field that ended the request', () => {
    const late = entry({ origins, host_uri: null, status: 504, flags: 'UT', details: 'response_timeout' });
    expect(placesOf(toldSteps(late, false)).at(-1)).toEqual([
      'response',
      'stopped',
      'VirtualService/reviews spec.http[1].timeout',
    ]);
  });

  it('say when the listener has changed since the connection was opened', () => {
    const [first] = toldSteps(entry({ chain_name: '0.0.0.0_8080' }), true);
    expect(first).toMatchObject({
      stage: 'filter_chain',
      outcome: 'applied',
      name: '0.0.0.0_8080',
      evidence: { formerListener: true },
    });
    expect(toldSteps(entry({ chain_name: '0.0.0.0_8080' }), false)[0]).toMatchObject({ outcome: 'chosen' });
  });
});

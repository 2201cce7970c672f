import { describe, expect, it } from 'vitest';
import type { RunningPod } from '#sandbox';
import { createHarness } from './harness.ts';

const policies = (...names: string[]): object => Object.fromEntries(names.map((name) => [name, {}]));
const rbac = (config: object) => ({ name: 'envoy.filters.http.rbac', typed_config: config });

const listeners = [
  {
    name: 'virtualInbound',
    filter_chains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            typed_config: {
              http_filters: [
                rbac({
                  shadow_rules: { action: 'DENY', policies: policies('istio-ext-authz-ns[shop]-policy[asks]-rule[0]') },
                }),
                rbac({ rules: { action: 'DENY', policies: policies('ns[istio-system]-policy[walls]-rule[0]') } }),
                rbac({
                  rules: { policies: policies('ns[shop]-policy[doors]-rule[0]', 'ns[shop]-policy[doors]-rule[1]') },
                }),
              ],
            },
          },
        ],
      },
      {
        filters: [
          {
            name: 'envoy.filters.network.rbac',
            typed_config: { rules: { policies: policies('ns[shop]-policy[doors]-rule[1]') } },
          },
        ],
      },
    ],
  },
];

const mesh = () => {
  const harness = createHarness();
  const proxy = { admin: { listeners: () => listeners } } as unknown as NonNullable<RunningPod['proxy']>;
  harness.sandbox.addPod({ name: 'cart-1', namespace: 'shop', proxy });
  harness.sandbox.addPod({ name: 'bare-1', namespace: 'shop' });
  return harness;
};

describe('istioctl x authz check', () => {
  it.each(['istioctl x authz check cart-1.shop', 'istioctl experimental authz check cart-1 -n shop'])(
    '%s lists the policies of a proxy by action, with their rules counted once',
    async (line) => {
      expect((await mesh().run(line)).out).toBe(
        [
          'ACTION   AuthorizationPolicy         RULES',
          'DENY     walls.istio-system          1',
          'ALLOW    _anonymous_match_nothing_   1',
          'ALLOW    doors.shop                  2',
          'CUSTOM   asks.shop                   1',
          '',
        ].join('\n'),
      );
    },
  );

  it.each([
    ['istioctl x authz check bare-1.shop', 'has no proxy'],
    ['istioctl x authz check nope', 'not found'],
    ['istioctl x authz check', 'expecting pod name'],
    ['istioctl x authz', 'unknown command "authz"'],
    ['istioctl x', 'unknown command ""'],
  ])('%s says what is wrong', async (line, words) => {
    const { code, err } = await mesh().run(line);
    expect(code).toBe(words.startsWith('unknown command') ? 64 : 1);
    expect(err).toContain(words);
  });
});

import { expect, it } from 'vitest';
import { readMutationRules } from '../../../server/data-plane/config/mutation-rules.ts';

const NAMES = ['x-app', 'x-envoy-a', 'host', ':authority', ':method', ':path'];
const allowed = (rules: object): string[] => NAMES.filter((name) => readMutationRules(rules, 'rules')!.allows(name));

it.each([
  ['leave what Envoy and routes go by alone', {}, ['x-app', ':path']],
  ['may open that up', { allow_all_routing: true, allow_envoy: true }, NAMES],
  [
    'may close all, but for what an expression opens',
    { disallow_all: true, allow_expression: { regex: 'x-a.*' } },
    ['x-app'],
  ],
  ['may keep pseudo headers', { disallow_system: true, allow_all_routing: true }, ['x-app', 'host']],
  [
    'let an expression that closes go before one that opens',
    { allow_expression: { regex: '.*' }, disallow_expression: { regex: 'x-.*' } },
    ['host', ':authority', ':method', ':path'],
  ],
])('rules for changes of headers %s', (_what, rules, names) => {
  expect(allowed(rules)).toEqual(names);
});

it('rules for changes of headers that nobody gives are none', () => {
  expect(readMutationRules(undefined, 'rules')).toBeUndefined();
});

import { expect, it } from 'vitest';
import { RuntimeLayers } from '../../../server/data-plane/admin/runtime-layers.ts';
import { readRuntimeFraction, readSwitch } from '../../../server/data-plane/config/values.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { traceReason } from '../../../server/data-plane/http/tracing/trace-reason.ts';
import { RuntimeValues } from '../../../server/data-plane/runtime-values.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';

const HALF = { numerator: 50, of: 100 };

it('gives what the configuration says until the runtime has a readable value', () => {
  const values = new RuntimeValues();
  const asked = (): unknown[] => [
    values.share({ ...HALF, runtimeKey: 'a' }).numerator,
    values.whole('a', 3),
    values.number('a', 1.5),
    values.flag('a', true),
  ];
  const set = (value: string): unknown[] => {
    values.set([['a', value]]);
    return asked();
  };
  expect(asked()).toEqual([50, 3, 1.5, true]);
  expect(set('7')).toEqual([7, 7, 7, true]);
  expect(set(' 250 ')).toEqual([100, 250, 250, true]);
  expect(set('-0.5')).toEqual([50, 3, -0.5, true]);
  expect(set('False')).toEqual([50, 3, 1.5, false]);
  expect(set('many')).toEqual([50, 3, 1.5, true]);
  values.set([]);
  expect(asked()).toEqual([50, 3, 1.5, true]);
});

it('switches what has a key, and leaves the rest as it is configured', () => {
  const values = new RuntimeValues();
  const keyed = readSwitch({ default_value: false, runtime_key: 'a' });
  const plain = readSwitch({ default_value: false });
  expect([values.isOn(keyed), values.isOn(plain), values.isOn(readSwitch(undefined))]).toEqual([false, false, true]);
  values.set([['a', 'true']]);
  expect([values.isOn(keyed), values.isOn(plain)]).toEqual([true, false]);
});

it('leaves a share without a key alone', () => {
  const values = new RuntimeValues();
  values.set([['undefined', '0']]);
  expect(values.share(HALF)).toBe(HALF);
  expect(readRuntimeFraction({ default_value: { numerator: 50 } }, HALF)).toEqual(HALF);
  expect(readRuntimeFraction({ runtime_key: 'a' }, HALF)).toEqual({ ...HALF, runtimeKey: 'a' });
});

it('follows the layers: the bootstrap, and over it what /runtime_modify says', () => {
  const values = new RuntimeValues();
  const changes: number[] = [];
  const stop = values.onChange(() => changes.push(values.whole('a', 0)));
  const layers = new RuntimeLayers({ a: '1', b: true }, { stats: new Stats(), values });
  layers.modify([['a', '2']]);
  layers.modify([['a', '']]);
  expect(changes.slice(-3)).toEqual([1, 2, 1]);
  expect(values.flag('b', false)).toBe(true);
  stop();
  layers.modify([['a', '3']]);
  expect(changes.at(-1)).toBe(1);
});

it('decides who is traced where it has a key of tracing', () => {
  const values = new RuntimeValues();
  const all = { numerator: 100, of: 100 };
  const config = { share: all, clientShare: all, overallShare: all, byRequestId: true } as unknown as Parameters<
    typeof traceReason
  >[2]['config'];
  const id = '00000063-0000-4000-8000-000000000000';
  const reason = (): string | undefined => traceReason(id, new Headers(), { config, values });
  expect(reason()).toBe('sampled');
  values.set([['tracing.random_sampling', '99']]);
  expect(reason()).toBeUndefined();
  values.set([['tracing.global_enabled', '0']]);
  expect(reason()).toBeUndefined();
  values.set([['tracing.random_sampling', '100']]);
  expect(reason()).toBe('sampled');
});

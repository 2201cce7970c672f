import type { FractionalPercent } from '#xds';
import type { Percent } from '../snapshot/istio-types.ts';

/** Percent in steps of 0.0001, as Istio hands it to Envoy. */
export const fraction = (percent: Percent): FractionalPercent => ({
  numerator: Math.trunc((percent.value ?? 0) * 10_000),
  denominator: 'MILLION',
});

/** A whole percentage. */
export const wholePercent = (value: number): FractionalPercent => ({ numerator: value, denominator: 'HUNDRED' });

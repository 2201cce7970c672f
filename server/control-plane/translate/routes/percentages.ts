import type { FractionalPercent } from '#xds';
import type { Percent } from '../../snapshot/istio-types.ts';

/** Percent in steps of 0.0001, as Istio hands it to Envoy. */
export const fraction = (percent: Percent): FractionalPercent => ({
  ...counted(Math.trunc((percent.value ?? 0) * 10_000)),
  denominator: 'MILLION',
});

/** A whole percentage. Its denominator, HUNDRED, is Envoy's default, which a config dump leaves out like a count of 0. */
export const wholePercent = (value: number): FractionalPercent => counted(value);

const counted = (numerator: number): { numerator?: number } => (numerator === 0 ? {} : { numerator });

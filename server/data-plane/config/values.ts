import { parseDurationMs } from '#domain';
import type { FractionalPercent } from '#xds';
import { ConfigProblem } from './problem.ts';

/** A protobuf JSON duration in milliseconds, or `fallback` when the field is absent. */
export function durationMs(text: string | undefined, field: string, fallback: number): number {
  if (text === undefined) return fallback;
  const ms = parseDurationMs(text);
  if (ms === undefined) throw new ConfigProblem(field, `"${text}" is not a duration`);
  return ms;
}

const DENOMINATORS = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 } as const;

/** A share of requests, as Envoy draws it: a whole number below `of`, chosen when it is below `numerator`. */
export interface Fraction {
  readonly numerator: number;
  readonly of: number;
  /** The key of the runtime that may say something else. */
  readonly runtimeKey?: string;
}

export const ALWAYS: Fraction = { numerator: 100, of: 100 };
export const NEVER: Fraction = { numerator: 0, of: 100 };

/** Reads a FractionalPercent; an absent one means `fallback`. */
export function readFraction(percent: FractionalPercent | undefined, fallback: Fraction): Fraction {
  if (percent === undefined) return fallback;
  return { numerator: percent.numerator ?? 0, of: DENOMINATORS[percent.denominator ?? 'HUNDRED'] };
}

/** Reads a RuntimeFractionalPercent; an absent one means `fallback`. */
export function readRuntimeFraction(given: unknown, fallback: Fraction, ifNoDefault = fallback): Fraction {
  const { default_value, runtime_key: runtimeKey } = (given ?? {}) as {
    readonly default_value?: FractionalPercent;
    readonly runtime_key?: string;
  };
  const share = given === undefined ? fallback : readFraction(default_value, ifNoDefault);
  return runtimeKey ? { ...share, runtimeKey } : share;
}

/** A RuntimeFeatureFlag. */
export interface Switch {
  readonly on: boolean;
  /** The key of the runtime that may say something else. */
  readonly runtimeKey: string | undefined;
}

/** Reads a RuntimeFeatureFlag; what says nothing is on. */
export function readSwitch(given: unknown): Switch {
  const { default_value, runtime_key } = (given ?? {}) as {
    readonly default_value?: boolean;
    readonly runtime_key?: string;
  };
  return { on: default_value !== false, runtimeKey: runtime_key || undefined };
}

/** `50` for 500000 of a million. */
export const inPercent = (fraction: Fraction): number => (fraction.numerator / fraction.of) * 100;

/** Reads numbers that protobuf JSON may write as text (64-bit ones). */
export function readNumber(value: unknown, fallback: number): number {
  if (value === undefined || value === null) return fallback;
  const number = Number(value);
  return Number.isFinite(number) ? number : fallback;
}

/** Fields of a message whose type is read where it is used. */
export type Fields = Readonly<Record<string, unknown>>;

export const record = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null ? (value as Fields) : undefined;

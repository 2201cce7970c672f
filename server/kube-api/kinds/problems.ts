import type { FieldProblem } from '#domain';

const error = (path: string, message: string): FieldProblem => ({ severity: 'error', path, message });

export const required = (path: string, what = ''): FieldProblem =>
  error(path, what === '' ? 'Required value' : `Required value: ${what}`);

export const invalidValue = (path: string, value: unknown, why: string): FieldProblem =>
  error(path, `Invalid value: ${JSON.stringify(value)}: ${why}`);

export const unsupported = (path: string, value: unknown, supported: readonly string[]): FieldProblem =>
  error(
    path,
    `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map((each) => `"${each}"`).join(', ')}`,
  );

export const duplicate = (path: string, value: unknown): FieldProblem =>
  error(path, `Duplicate value: ${JSON.stringify(value)}`);

export const immutable = (path: string, value: unknown): FieldProblem =>
  invalidValue(path, value, 'field is immutable');

export function portProblems(path: string, port: unknown): FieldProblem[] {
  const inRange = typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535;
  return inRange ? [] : [invalidValue(path, port, 'must be between 1 and 65535, inclusive')];
}

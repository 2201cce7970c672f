import type { FormatSubject } from '../../format/subject.ts';
import { compileTypedFormat, type Format, type FurtherCommands } from '../../format/template.ts';
import { ConfigProblem } from '../problem.ts';

type JsonValue = null | boolean | number | string | object;
type Writer = (subject: FormatSubject) => JsonValue;

/**
 * Compiles the `json_format` of an access log: every text in it is a format; one that is a single command keeps the command's type.
 * Names come in alphabetical order. `omitEmpty` leaves out what has no value.
 */
export function compileJsonFormat(
  format: Readonly<Record<string, unknown>>,
  omitEmpty: boolean,
  field: string,
  further?: FurtherCommands,
): Format {
  const write = compileValue(format, { omitEmpty, further }, field);
  return (subject) => JSON.stringify(write(subject));
}

const isEmpty = (value: JsonValue): boolean =>
  value === null || (typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length === 0);

interface Options {
  readonly omitEmpty: boolean;
  readonly further: FurtherCommands | undefined;
}

function compileValue(value: unknown, options: Options, field: string): Writer {
  const { omitEmpty, further } = options;
  if (typeof value === 'string') return compileTypedFormat(value, field, omitEmpty ? '' : '-', further);
  if (Array.isArray(value)) {
    const items = value.map((item: unknown, i) => compileValue(item, options, `${field}[${i}]`));
    return (subject) => items.map((write) => write(subject)).filter((item) => !(omitEmpty && item === null));
  }
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return () => value;
  if (typeof value !== 'object') throw new ConfigProblem(field, 'is no JSON value');
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => [name, compileValue(member, options, `${field}.${name}`)] as const);
  return (subject) => {
    const written = members
      .map(([name, write]) => [name, write(subject)] as const)
      .filter(([, member]) => !(omitEmpty && isEmpty(member)));
    return Object.fromEntries(written);
  };
}

import { errorMessage } from '#domain';
import { ConfigProblem } from '../config/problem.ts';
import type { Command, CommandReader } from './subject.ts';

interface Operator {
  readonly command: string;
  readonly param?: string;
  readonly max_length?: number;
}

/** `%COALESCE({"operators": […]})%`: the first of several commands that has a value. */
export function coalesce(commands: Readonly<Record<string, CommandReader>>, argument: string, field: string): Command {
  const operators = readOperators(argument, field).map((operator) => compile(commands, operator, field));
  return (subject) => {
    for (const command of operators) {
      const value = command(subject);
      if (value !== undefined && value !== '') return value;
    }
    return undefined;
  };
}

function readOperators(argument: string, field: string): Operator[] {
  let given: unknown;
  try {
    given = JSON.parse(argument);
  } catch (error) {
    throw new ConfigProblem(field, `COALESCE: ${errorMessage(error)}`);
  }
  const list = (given as { operators?: unknown } | null)?.operators;
  if (!Array.isArray(list) || list.length === 0) throw new ConfigProblem(field, 'COALESCE: needs a list of operators');
  return list.map((one: unknown) => {
    const operator = typeof one === 'string' ? { command: one } : (one as Partial<Operator> | null);
    if (typeof operator?.command !== 'string') throw new ConfigProblem(field, 'COALESCE: an operator has no command');
    return operator as Operator;
  });
}

function compile(
  commands: Readonly<Record<string, CommandReader>>,
  { command: name, param = '', max_length }: Operator,
  field: string,
): Command {
  const read = commands[name];
  if (read === undefined) throw new ConfigProblem(field, `COALESCE: Not supported field in StreamInfo: ${name}`);
  const command = read(param, field);
  if (max_length === undefined) return command;
  return (subject) => {
    const value = command(subject);
    return typeof value === 'string' ? value.slice(0, max_length) : value;
  };
}

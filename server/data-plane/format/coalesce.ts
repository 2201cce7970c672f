import { errorMessage } from '#domain';
import { ConfigProblem } from '../config/problem.ts';
import { checkSyntax } from './command-syntax.ts';
import { inText, limited } from './limited.ts';
import type { Command, CommandReader } from './subject.ts';

interface Operator {
  readonly command: string;
  readonly param: string;
  readonly max_length?: number;
}

type Commands = Readonly<Record<string, CommandReader>>;

/** `%COALESCE({"operators": […]})%`: the first of several commands that has a value. */
export function coalesce(commands: Commands, argument: string, field: string): Command {
  const operators = readOperators(argument, field).map((operator, i) =>
    inTurn(i, field, () => compile(commands, readOperator(operator, field), field)),
  );
  const first =
    (list: readonly Command[]): Command =>
    (subject) => {
      for (const command of list) {
        const value = command(subject);
        if (value !== undefined) return value;
      }
      return undefined;
    };
  return Object.assign(first(operators), { asText: first(operators.map(inText)) });
}

/** Says of a problem of one operator which of them it is. */
function inTurn(index: number, field: string, read: () => Command): Command {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof ConfigProblem)) throw thrown;
    const reason = thrown.message.slice(thrown.field.length + ': '.length);
    throw new ConfigProblem(field, `COALESCE: failed to parse operator at index ${index}: ${reason}`);
  }
}

function readOperators(argument: string, field: string): readonly unknown[] {
  const refused = (why: string): ConfigProblem => new ConfigProblem(field, `COALESCE: ${why}`);
  let given: unknown;
  try {
    given = JSON.parse(argument);
  } catch (error) {
    throw refused(`failed to parse JSON configuration: JSON supplied is not valid. ${errorMessage(error)}`);
  }
  const list = (given as { operators?: unknown } | null)?.operators;
  if (list === undefined) throw refused("JSON configuration must contain 'operators' array");
  if (!Array.isArray(list))
    throw refused("'operators' must be an array: key 'operators' missing or not an array from lines 1-1");
  if (list.length === 0) throw refused("'operators' array must not be empty");
  return list;
}

function readOperator(given: unknown, field: string): Operator {
  if (typeof given === 'string') return { command: given, param: '' };
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new ConfigProblem(
      field,
      "operator entry must be either a string (command name) or an object with 'command' field",
    );
  }
  const { command, param = '', max_length } = given as Readonly<Record<string, unknown>>;
  const missing = (what: string, key: string, type: string): ConfigProblem =>
    new ConfigProblem(field, `${what}: key '${key}' missing or not ${type} from lines 1-1`);
  if (typeof command !== 'string') throw missing("operator object must have 'command' field", 'command', 'a string');
  if (typeof param !== 'string') throw missing("'param' field must be a string", 'param', 'a string');
  if (max_length === undefined) return { command, param };
  if (!Number.isInteger(max_length)) throw missing("'max_length' field must be an integer", 'max_length', 'an integer');
  if (Number(max_length) <= 0) throw new ConfigProblem(field, "'max_length' must be a positive integer");
  return { command, param, max_length: Number(max_length) };
}

function compile(commands: Commands, { command: name, param, max_length }: Operator, field: string): Command {
  const read = commands[name];
  if (read === undefined) throw new ConfigProblem(field, `unknown command: '${name}'`);
  checkSyntax(name, { argument: param, hasLength: max_length !== undefined }, field);
  const command = read(param, field);
  return max_length === undefined ? command : limited(command, max_length);
}

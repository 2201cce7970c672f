import type { HeaderMutations, HeaderValueOption } from '#xds';
import { compileFormat, type Format } from '../format/template.ts';
import { isName } from '../http/headers.ts';
import { oneLine } from './bounds.ts';
import { ConfigProblem } from './problem.ts';
import { asBytes, foldCase } from './string-match.ts';

/** A compiled `…_headers_to_add` entry. */
export interface HeaderRule {
  readonly name: string;
  readonly value: Format;
  /** A header without a value is sent all the same. */
  readonly keepsEmpty: boolean;
  readonly action: NonNullable<HeaderValueOption['append_action']>;
}

/** Header changes of one route or one weighted cluster; undefined where it changes nothing. */
export interface HeaderRules {
  readonly requestSet: readonly HeaderRule[];
  readonly requestRemove: readonly string[];
  readonly responseSet: readonly HeaderRule[];
  readonly responseRemove: readonly string[];
  /** A header that is set and whose name no header can have: requests with it are refused. */
  readonly misnamed: string | undefined;
  /** A value tells how long parts of the request took. */
  readonly timed: boolean;
}

const ACTIONS = new Set([
  'APPEND_IF_EXISTS_OR_ADD',
  'ADD_IF_ABSENT',
  'OVERWRITE_IF_EXISTS_OR_ADD',
  'OVERWRITE_IF_EXISTS',
]);
/** Envoy refuses these in mutations: they are the message's frame, not headers. */
const UNTOUCHABLE = new Set(['content-length', 'transfer-encoding', 'connection']);

export function compileHeaderRules(given: HeaderMutations): HeaderRules | undefined {
  const rules = {
    requestSet: readRules(given.request_headers_to_add, 'request_headers_to_add'),
    requestRemove: readRemovals(given.request_headers_to_remove, 'request_headers_to_remove'),
    responseSet: readRules(given.response_headers_to_add, 'response_headers_to_add'),
    responseRemove: readRemovals(given.response_headers_to_remove, 'response_headers_to_remove'),
  };
  if (Object.values(rules).every((list) => list.length === 0)) return undefined;
  const misnamed = rules.requestSet.find(({ name }) => !isName(name))?.name;
  const values = [...(given.request_headers_to_add ?? []), ...(given.response_headers_to_add ?? [])];
  return { ...rules, misnamed, timed: values.some(({ header }) => header?.value?.includes('_DURATION') === true) };
}

function readRules(options: readonly HeaderValueOption[] | undefined, field: string): HeaderRule[] {
  const rules = (options ?? []).map((option, i) => {
    const rule = compileHeaderRule(option, `${field}[${i}]`);
    const { name } = rule;
    if (name.startsWith(':') || name === 'host') {
      throw new ConfigProblem(`${field}[${i}].header.key`, ':-prefixed or host headers may not be modified');
    }
    if (UNTOUCHABLE.has(name)) throw new ConfigProblem(`${field}[${i}].header.key`, `${name} cannot be changed`);
    return rule;
  });
  return rules.filter(isPlain);
}

/** Not `upgrade`: without the word in `Connection`, which no rule writes, it asks for nothing (RFC 9110 §7.8); the codecs take it for a tunnel. */
export const isPlain = ({ name }: HeaderRule): boolean => name !== 'upgrade';

/** A text that goes into a head, as the bytes that are sent; undefined where there is none. Throws for one that would end its line. */
export function readHeadText(text: string | undefined, field: string): string | undefined {
  if (!text) return undefined;
  const fault = oneLine(text, field);
  if (fault !== undefined) throw new ConfigProblem(field, fault);
  return asBytes(text);
}

/** Reads a HeaderValueOption, whatever header it names. */
export function compileHeaderRule(option: HeaderValueOption, field: string): HeaderRule {
  const name = foldCase(readHeadText(option.header?.key, `${field}.header.key`) ?? '');
  const action = option.append_action ?? 'APPEND_IF_EXISTS_OR_ADD';
  if (name === '') throw new ConfigProblem(`${field}.header.key`, 'is empty');
  if (!ACTIONS.has(action)) throw new ConfigProblem(`${field}.append_action`, `unknown action ${action}`);
  const value = compileFormat(asBytes(option.header.value ?? ''), `${field}.header.value`, '');
  return { name, action, value, keepsEmpty: option.keep_empty_value === true };
}

function readRemovals(names: readonly string[] | undefined, field: string): string[] {
  return (names ?? []).map((given, i) => {
    const name = foldCase(readHeadText(given, `${field}[${i}]`) ?? '');
    if (name === 'host' || name.startsWith(':'))
      throw new ConfigProblem(`${field}[${i}]`, `${given} cannot be removed`);
    return name;
  });
}

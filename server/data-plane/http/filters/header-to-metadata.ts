import { type Any, decodeMessage } from '#xds';
import { ConfigProblem } from '../../config/problem.ts';
import { compileRegexRewrite, type RegexRewriteJson, type TextRewrite } from '../../config/regex-rewrite.ts';
import { cookieValues } from '../cookies.ts';
import type { Exchange } from '../exchange.ts';
import type { Headers } from '../headers.ts';
import type { FilterParts } from './filter-parts.ts';
import { perRoute } from './per-route.ts';

const NAME = 'envoy.filters.http.header_to_metadata';

interface Target {
  readonly space: string;
  readonly key: string;
  /** Empty: what the header says. */
  readonly value: string;
  readonly rewrite: TextRewrite | undefined;
  readonly type: 'STRING' | 'NUMBER' | 'PROTOBUF_VALUE';
  readonly decodes: boolean;
}

interface Rule {
  readonly header: string;
  readonly cookie: string;
  readonly present: Target | undefined;
  readonly missing: Target | undefined;
  readonly removes: boolean;
}

export interface HeaderToMetadata {
  readonly request: readonly Rule[];
  readonly response: readonly Rule[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads envoy.extensions.filters.http.header_to_metadata.v3.Config. Throws ConfigProblem. */
export function readHeaderToMetadata(config: Any): HeaderToMetadata {
  const rules = (name: string): Rule[] =>
    ((config[name] ?? []) as readonly Fields[]).map((rule, i) => readRule(rule, `${name}[${i}]`));
  return { request: rules('request_rules'), response: rules('response_rules') };
}

function readRule(given: Fields, field: string): Rule {
  const rule = {
    header: String(given['header'] ?? '').toLowerCase(),
    cookie: String(given['cookie'] ?? ''),
    present: readTarget(given['on_header_present'] as Fields | undefined, `${field}.on_header_present`),
    missing: readTarget(given['on_header_missing'] as Fields | undefined, `${field}.on_header_missing`),
    removes: given['remove'] === true,
  };
  if (Boolean(rule.header) === Boolean(rule.cookie)) {
    throw new ConfigProblem(field, 'One of Cookie or Header option needs to be specified');
  }
  if (/[\0\r\n]/.test(rule.header)) throw new ConfigProblem(`${field}.header`, 'value does not match regex pattern');
  if (rule.cookie !== '' && rule.removes) throw new ConfigProblem(field, 'Cannot specify remove for cookie');
  if (rule.present === undefined && rule.missing === undefined) {
    const what = rule.header === '' ? `cookie '${rule.cookie}'` : `header '${rule.header}'`;
    throw new ConfigProblem(field, `rule for ${what} has neither \`on_header_present\` nor \`on_header_missing\` set`);
  }
  if (rule.missing !== undefined && rule.missing.value === '') {
    throw new ConfigProblem(
      `${field}.on_header_missing.value`,
      'Cannot specify on_header_missing rule with an empty value',
    );
  }
  return rule;
}

function readTarget(given: Fields | undefined, field: string): Target | undefined {
  if (given === undefined) return undefined;
  const rewrite = given['regex_value_rewrite'] as RegexRewriteJson | undefined;
  if (!given['key']) throw new ConfigProblem(`${field}.key`, 'value length must be at least 1 characters');
  if (rewrite !== undefined && given['value']) {
    throw new ConfigProblem(field, 'Cannot specify both value and regex_value_rewrite');
  }
  return {
    space: String(given['metadata_namespace'] || NAME),
    key: String(given['key'] ?? ''),
    value: String(given['value'] ?? ''),
    rewrite: rewrite && compileRegexRewrite(rewrite, `${field}.regex_value_rewrite`),
    type: (given['type'] ?? 'STRING') as Target['type'],
    decodes: given['encode'] === 'BASE64',
  };
}

/** Envoy's header_to_metadata filter: what headers and cookies say becomes metadata, which later filters read. */
export function headerToMetadata(name: string, own: HeaderToMetadata): FilterParts {
  const rulesOf = perRoute({ name, type: 'header_to_metadata.v3.Config' }, own, readHeaderToMetadata);
  return {
    decode(exchange) {
      for (const rule of rulesOf(exchange).request) apply(exchange, rule, exchange.head.headers);
      return 'next';
    },
    encode(exchange, { headers }) {
      for (const rule of rulesOf(exchange).response) apply(exchange, rule, headers);
      return undefined;
    },
  };
}

function apply(exchange: Exchange, rule: Rule, headers: Headers): void {
  const seen = rule.header === '' ? cookieValues(headers, rule.cookie)[0] : headers.joined(rule.header);
  if (seen === undefined) {
    if (rule.missing !== undefined) tell(exchange, rule.missing, rule.missing.value);
    return;
  }
  if (rule.present !== undefined) {
    const { rewrite, value } = rule.present;
    tell(exchange, rule.present, value !== '' ? value : rewrite === undefined ? seen : rewrite(seen));
  }
  if (rule.removes && rule.header !== '') headers.remove(rule.header);
}

function tell(exchange: Exchange, { space, key, type, decodes }: Target, text: string): void {
  if (text === '') return;
  const bytes = decodes ? decodeBase64(text) : Buffer.from(text, 'latin1');
  const value = bytes.length === 0 ? undefined : valueOf(type, bytes);
  if (value !== undefined) exchange.metadata.merge(space, { [key]: value });
}

/** Empty for what is no base64. With or without padding, but without bits behind the last byte. */
function decodeBase64(text: string): Buffer {
  const given = text.replace(/={0,2}$/, '');
  const bytes = Buffer.from(given, 'base64');
  return bytes.toString('base64').replace(/=+$/, '') === given ? bytes : NO_BYTES;
}

const NO_BYTES = Buffer.alloc(0);

/** Undefined: the bytes are nothing of the kind. */
function valueOf(type: Target['type'], bytes: Buffer): unknown {
  if (type !== 'PROTOBUF_VALUE') return type === 'NUMBER' ? numberOf(bytes.toString()) : bytes.toString();
  try {
    return decodeMessage('google.protobuf.Value', bytes);
  } catch {
    return undefined;
  }
}

/** As Envoy reads them: decimal or hexadecimal. Undefined where it is no number. */
const numberOf = (text: string): number | undefined =>
  text.trim() === '' || /^\s*0[bo]/i.test(text) || Number.isNaN(Number(text)) ? undefined : Number(text);

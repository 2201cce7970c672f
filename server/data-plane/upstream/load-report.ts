import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import type { Headers } from '../http/headers.ts';

/** What a host says of its load in an answer: xds.data.orca.v3.OrcaLoadReport, as far as balancers go by it. */
export interface LoadReport {
  readonly cpuUtilization: number;
  readonly applicationUtilization: number;
  readonly memUtilization: number;
  readonly rpsFractional: number;
  readonly eps: number;
  readonly namedMetrics: ReadonlyMap<string, number>;
  readonly utilization: ReadonlyMap<string, number>;
}

type Draft = { -readonly [Key in keyof LoadReport]: LoadReport[Key] } & {
  readonly namedMetrics: Map<string, number>;
  readonly utilization: Map<string, number>;
};

const BINARY = 'endpoint-load-metrics-bin';
const NATIVE = 'endpoint-load-metrics';

const newDraft = (): Draft => ({
  cpuUtilization: 0,
  applicationUtilization: 0,
  memUtilization: 0,
  rpsFractional: 0,
  eps: 0,
  namedMetrics: new Map(),
  utilization: new Map(),
});

/** Undefined: there is none, or it cannot be read. Source: common/orca/orca_parser.cc in Envoy. */
export function readLoadReport(headers: Headers): LoadReport | undefined {
  const binary = headers.get(BINARY);
  if (binary !== undefined) return fromBase64(binary);
  const told = headers.get(NATIVE);
  if (told === undefined) return undefined;
  const [, form, text = ''] = /^(BIN|TEXT|JSON) (.*)$/s.exec(told) ?? [];
  if (form === 'BIN') return fromBase64(text);
  if (form === 'TEXT') return fromText(text);
  return form === 'JSON' ? fromJson(text) : undefined;
}

function fromBase64(text: string): LoadReport | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const draft = newDraft();
  try {
    const reader = new BinaryReader(Buffer.from(text, 'base64'));
    while (reader.pos < reader.len) readField(reader, draft);
  } catch {
    return undefined;
  }
  return draft;
}

/** Numbers of fields in OrcaLoadReport. */
const DOUBLES: ReadonlyMap<number, keyof Draft> = new Map([
  [1, 'cpuUtilization'],
  [2, 'memUtilization'],
  [6, 'rpsFractional'],
  [7, 'eps'],
  [9, 'applicationUtilization'],
]);
const UTILIZATION = 5;
const NAMED = 8;

function readField(reader: BinaryReader, draft: Draft): void {
  const [field, wireType] = reader.tag();
  const name = DOUBLES.get(field);
  if (name !== undefined && wireType === WireType.Bit64) Object.assign(draft, { [name]: reader.double() });
  else if (field === UTILIZATION || field === NAMED) {
    const [key, value] = readEntry(new BinaryReader(reader.bytes()));
    (field === NAMED ? draft.namedMetrics : draft.utilization).set(key, value);
  } else reader.skip(wireType, field);
}

function readEntry(reader: BinaryReader): [string, number] {
  let key = '';
  let value = 0;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) key = reader.string();
    else if (field === 2) value = reader.double();
    else reader.skip(wireType, field);
  }
  return [key, value];
}

const FIELDS: ReadonlyMap<string, keyof Draft> = new Map([
  ['cpu_utilization', 'cpuUtilization'],
  ['mem_utilization', 'memUtilization'],
  ['rps_fractional', 'rpsFractional'],
  ['eps', 'eps'],
  ['application_utilization', 'applicationUtilization'],
]);

/** `cpu_utilization=0.3,named_metrics.queue=4`. One pair that cannot be read spoils all. */
function fromText(text: string): LoadReport | undefined {
  const draft = newDraft();
  const seen = new Set<string>();
  for (const pair of text.split(',').map((each) => each.trim())) {
    if (pair === '') continue;
    const [, name = '', value = ''] = /^([^=:]*)[=:](.*)$/.exec(pair) ?? [];
    if (seen.has(name) || !put(draft, name.trim(), numberOf(value.trim()))) return undefined;
    seen.add(name);
  }
  return draft;
}

const numberOf = (text: string): number => (text === '' ? Number.NaN : Number(text));

function put(draft: Draft, name: string, value: number): boolean {
  if (!Number.isFinite(value)) return false;
  const field = FIELDS.get(name);
  if (field !== undefined) Object.assign(draft, { [field]: value });
  const [, map, key = ''] = /^(named_metrics|utilization)\.(.*)$/.exec(name) ?? [];
  if (key !== '') (map === 'utilization' ? draft.utilization : draft.namedMetrics).set(key, value);
  return field !== undefined || key !== '';
}

/** Protobuf JSON, names of fields in either spelling. */
function fromJson(text: string): LoadReport | undefined {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return undefined;
  const draft = newDraft();
  for (const [name, value] of Object.entries(given)) {
    const snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (snake === 'named_metrics' || snake === 'utilization') {
      for (const [key, each] of Object.entries((value ?? {}) as object)) put(draft, `${snake}.${key}`, Number(each));
    } else if (!put(draft, snake, Number(value))) return undefined;
  }
  return draft;
}

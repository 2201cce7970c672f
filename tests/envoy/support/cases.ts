import { parse, parseAllDocuments } from 'yaml';
import type { ManifestFile } from '#sandbox';
import type { Difference } from './differences.ts';
import { manifests } from './mesh.ts';

/** A request that is sent through both proxies, and what the real Envoy is known to do with it. */
export interface CaseRequest {
  readonly name: string;
  readonly path?: string;
  readonly method?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Guards the case itself: that it shows what its name says. */
  readonly expect: {
    readonly status: number;
    readonly body?: string;
    readonly flags?: string;
    readonly details?: string;
    readonly headers?: Readonly<Record<string, string>>;
    /** Requests that reach an upstream. */
    readonly upstream?: number;
    /** The answer takes at least and at most so long. */
    readonly tookMs?: readonly [number, number];
  };
  /** What we do otherwise, to the byte. A difference that is gone fails the case as much as a new one. */
  readonly unlike?: readonly Difference[];
  /** Sent `count` times; each answer's version then comes about as often in both, give or take `within`. */
  readonly shares?: { readonly count: number; readonly within: number; readonly of: Readonly<Record<string, number>> };
}

export interface Case {
  readonly name: string;
  readonly requests: readonly CaseRequest[];
  readonly rules: ManifestFile;
}

/** Every file of `cases`: the first document is the list of requests, the others are the rules. A new case is a new file. */
export function loadCases(): Case[] {
  return manifests('tests/envoy/cases').map(({ file, text }) => {
    const [first, ...rules] = parseAllDocuments(text);
    const { requests } = parse(String(first)) as { requests: CaseRequest[] };
    return { name: file.replace('.yaml', ''), requests, rules: { file, text: rules.map(String).join('---\n') } };
  });
}

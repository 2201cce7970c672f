import type { HttpConnectionManager } from '#xds';
import type { FormatSubject, FormatValue } from '../format/subject.ts';
import { compileFormat, type Format } from '../format/template.ts';
import type { Tracer } from '../http/tracing/propagation.ts';
import { ConfigProblem, within } from './problem.ts';
import { readSpanCollector, readTracer, type SpanCollector, type TracingProvider } from './span-collector.ts';
import { type Fraction, readNumber } from './values.ts';

/** A tag whose value depends on the request. */
export interface SpanTag {
  readonly name: string;
  readonly read: (subject: FormatSubject) => string | undefined;
}

/** Which requests are traced. */
export interface TracedShares {
  /** Of requests without a decision of their own. */
  readonly share: Fraction;
  /** Of those with an x-client-trace-id, and of all that are to be traced. */
  readonly clientShare: Fraction;
  readonly overallShare: Fraction;
}

/** What spans are called, and their tags. */
export interface SpanWords {
  /** Tags that are the same in every span. */
  readonly fixedTags: Readonly<Record<string, string>>;
  readonly tags: readonly SpanTag[];
  /** Names the span of a request in place of decorators, and those of its calls to hosts; empty: as without. */
  readonly operation: Format | undefined;
  readonly upstreamOperation: Format | undefined;
}

/** How the requests of a connection manager are traced. */
export interface TracingConfig extends TracedShares, SpanWords {
  /** Characters of the path that the tag `http.url` has. */
  readonly maxPathLength: number;
  /** Calls to hosts have spans of their own, below that of the request. */
  readonly spawnsUpstream: boolean;
  /** Spans tell when what happened. */
  readonly verbose: boolean;
  /** A request's id carries the decision to trace. */
  readonly byRequestId: boolean;
  /** Whose headers join spans; undefined: nobody's in particular. */
  readonly tracer: Tracer | undefined;
  /** Whether the trace is told to hosts. */
  readonly propagates: boolean;
  /** Where spans are sent; undefined: nowhere. */
  readonly collector: SpanCollector | undefined;
}

/** What connection managers and routes have in common. */
export interface SpanWordsJson {
  readonly custom_tags?: readonly TagJson[];
  readonly operation?: string;
  readonly upstream_operation?: string;
}

interface TracingJson extends SpanWordsJson {
  readonly verbose?: boolean;
  readonly provider?: TracingProvider;
  readonly no_context_propagation?: boolean;
}

const DEFAULT_PATH_LENGTH = 256;
const PARTS = 10_000;

interface HeaderJson {
  readonly name?: string;
  readonly default_value?: string;
}

export interface TagJson {
  readonly tag?: string;
  readonly literal?: { readonly value?: string };
  readonly environment?: HeaderJson;
  readonly request_header?: HeaderJson;
  readonly metadata?: {
    readonly kind?: {
      readonly request?: object;
      readonly route?: object;
      readonly cluster?: object;
      readonly host?: object;
    };
    readonly metadata_key?: { readonly key?: string; readonly path?: readonly { readonly key?: string }[] };
    readonly default_value?: string;
  };
  readonly value?: string;
}

/** Reads `tracing` and what of the request id concerns it; undefined where nothing is traced. */
export function readTracing(config: HttpConnectionManager): TracingConfig | undefined {
  const { tracing } = config;
  if (tracing === undefined) return undefined;
  const given = tracing as TracingJson;
  const { provider, no_context_propagation, verbose } = given;
  return within('tracing', () => ({
    // Unset: every request; a share without value is none.
    share: shareOf(tracing.random_sampling),
    clientShare: shareOf(tracing.client_sampling),
    overallShare: shareOf(tracing.overall_sampling),
    ...readSpanWords(given),
    verbose: verbose === true,
    maxPathLength: readNumber(tracing.max_path_tag_length, DEFAULT_PATH_LENGTH),
    spawnsUpstream:
      tracing.spawn_upstream_span === true || config.http_filters?.at(-1)?.typed_config?.['start_child_span'] === true,
    byRequestId: usesRequestId(config['request_id_extension']),
    tracer: readTracer(provider),
    propagates: no_context_propagation !== true,
    collector: readSpanCollector(provider),
  }));
}

/** As in Envoy, in hundredths of a percent. */
const shareOf = (given: { readonly value?: number } | undefined): Fraction => ({
  numerator: given === undefined ? PARTS : Math.floor(readNumber(given.value, 0) * (PARTS / 100)),
  of: PARTS,
});

function usesRequestId(extension: unknown): boolean {
  const config = (extension as { readonly typed_config?: Record<string, unknown> } | undefined)?.typed_config;
  return config?.['use_request_id_for_trace_sampling'] !== false;
}

/** Reads how spans are called and tagged. */
export const readSpanWords = ({ custom_tags, operation, upstream_operation }: SpanWordsJson): SpanWords => ({
  ...readTags(custom_tags),
  operation: operation ? compileFormat(operation, 'operation', '') : undefined,
  upstreamOperation: upstream_operation ? compileFormat(upstream_operation, 'upstream_operation', '') : undefined,
});

/** Reads the tags of spans, or of entries of logs. */
export function readTags(given: readonly TagJson[] = []): Pick<TracingConfig, 'fixedTags' | 'tags'> {
  const fixedTags: Record<string, string> = {};
  const tags: SpanTag[] = [];
  for (const [i, tag] of given.entries()) {
    const read = within(`custom_tags[${i}]`, () => readTag(tag));
    if (typeof read === 'string') fixedTags[tag.tag!] = read;
    else tags.push(read);
  }
  return { fixedTags, tags };
}

/** A text where the value is fixed. */
function readTag(given: TagJson): SpanTag | string {
  const { tag: name = '', literal, environment, request_header, metadata, value } = given;
  if (name === '') throw new ConfigProblem('tag', 'value length must be at least 1 characters');
  if (literal !== undefined) {
    if (!literal.value) throw new ConfigProblem('literal.value', 'value length must be at least 1 characters');
    return literal.value;
  }
  if (environment !== undefined) {
    const { name: variable = '', default_value } = environment;
    return { name, read: ({ proxy }) => proxy?.environment[variable] || text(default_value) };
  }
  if (request_header !== undefined) {
    const { name: header = '', default_value } = request_header;
    const read = compileFormat(`%REQ(${header})%`, 'request_header.name', '');
    return { name, read: (subject) => text(read(subject)) ?? text(default_value) };
  }
  if (metadata !== undefined) return { name, read: metadataTag(metadata) };
  if (value === undefined) throw new ConfigProblem('type', 'is required');
  const write = compileFormat(value, 'value', '');
  return { name, read: (subject) => text(write(subject)) };
}

const text = (value: string | undefined): string | undefined => (value === '' ? undefined : value);

function metadataTag({ kind, metadata_key, default_value }: NonNullable<TagJson['metadata']>): SpanTag['read'] {
  const filter = metadata_key?.key ?? '';
  const path = (metadata_key?.path ?? []).map(({ key = '' }) => key);
  const namespaceOf = (subject: FormatSubject): Readonly<Record<string, unknown>> | undefined => {
    if (kind?.route !== undefined) return subject.resourceMetadata?.('ROUTE')?.filter_metadata?.[filter];
    if (kind?.cluster !== undefined) return subject.resourceMetadata?.('CLUSTER')?.filter_metadata?.[filter];
    if (kind?.host !== undefined) return subject.resourceMetadata?.('UPSTREAM_HOST')?.filter_metadata?.[filter];
    return subject.dynamicMetadata?.of(filter);
  };
  return (subject) => {
    let value: unknown = namespaceOf(subject);
    for (const key of path) value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
    return asTag(value as FormatValue) ?? text(default_value);
  };
}

function asTag(value: FormatValue | null): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

import type { SpanTag, SpanWords, TracingConfig } from '../../config/tracing-config.ts';
import type { Format } from '../../format/template.ts';
import type { Exchange } from '../exchange.ts';

type Traced = Pick<Exchange, 'config' | 'route'>;

/** What names the span of a request; undefined: decorators do. The route's comes before the connection manager's. */
export const operationOf = ({ config, route }: Traced): Format | undefined =>
  route?.tracing?.operation ?? config.tracing?.operation;

/** What names the spans of its calls to hosts. */
export const upstreamOperationOf = ({ config, route }: Traced): Format | undefined =>
  route?.tracing?.upstreamOperation ?? config.tracing?.upstreamOperation;

/**
 * The configuration's own tags of a request's spans: those of its route, and of the connection manager those whose names the route does not have.
 * `before` come before them; a copy is made only where the request brings tags of its own.
 */
export function ownTags(
  exchange: Exchange,
  { fixedTags, tags }: TracingConfig,
  before?: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const route = exchange.route?.tracing;
  if (route !== undefined) return routeTags(exchange, { fixedTags, tags }, { route, before });
  const own = read(exchange, tags, before && { ...before, ...fixedTags });
  return own === undefined ? fixedTags : before === undefined ? { ...fixedTags, ...own } : own;
}

type Tags = Pick<SpanWords, 'fixedTags' | 'tags'>;

function routeTags(
  exchange: Exchange,
  { fixedTags, tags }: Tags,
  {
    route,
    before,
  }: { route: Tags & { readonly tagNames: ReadonlySet<string> }; before: Readonly<Record<string, string>> | undefined },
): Readonly<Record<string, string>> {
  const free = (name: string): boolean => !route.tagNames.has(name);
  const shared = Object.entries(fixedTags).filter(([name]) => free(name));
  const found = { ...before, ...Object.fromEntries(shared), ...route.fixedTags };
  const all = [...route.tags, ...tags.filter(({ name }) => free(name))];
  return read(exchange, all, found) ?? found;
}

/** Adds what has a value to `into`; undefined where nothing is to be told. */
function read(
  exchange: Exchange,
  tags: readonly SpanTag[],
  into?: Record<string, string>,
): Record<string, string> | undefined {
  let found = into;
  for (const { name, read: valueOf } of tags) {
    const value = valueOf(exchange);
    if (value === undefined) continue;
    found ??= {};
    found[name] = value;
  }
  return found;
}

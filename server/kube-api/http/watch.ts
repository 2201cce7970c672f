import type { KubeObject, Timer } from '#domain';
import { KubeStatusError } from '../status-error.ts';
import { formOf, tableOptions } from './answer.ts';
import type { ApiContext } from './context.ts';
import { statusOf } from './exchange.ts';
import type { ObjectForm } from './negotiate.ts';
import { isTrue } from './request-path.ts';
import { type ResourceRequest, shown } from './resource.ts';
import { type Selection, selectionOf } from './selection.ts';
import { partialMetadata, tableOf } from './table.ts';
import { type CachedEvent, readResourceVersion } from './watch-cache.ts';

/** A client that lets this much pile up is cut off: it reads too slowly to follow. */
const MAX_PENDING_BYTES = 8 * 1024 * 1024;
const BOOKMARK_INTERVAL_MS = 60_000;
const DEFAULT_TIMEOUT_MS = 45 * 60_000;

/** GET of a collection with `watch=true`: a line of JSON for each event, until the client or the timeout ends it. */
export function watch(request: ResourceRequest, context: ApiContext): Promise<void> {
  const { exchange, kind, path } = request;
  const form = formOf(request);
  const selection = selectionOf(kind, path.namespace, exchange.query);
  const start = startOf(exchange.query, context);
  return new Promise((resolve) => new WatchStream({ request, context, form, selection, start, done: resolve }).run());
}

/** Where a watch begins: after a version, or with the present objects. */
interface Start {
  readonly after: number | undefined;
  /** The objects that the watch begins with end with a bookmark. */
  readonly announced: boolean;
}

function startOf(query: URLSearchParams, { cache }: ApiContext): Start {
  const version = readResourceVersion(query.get('resourceVersion'));
  const match = query.get('resourceVersionMatch');
  if (query.has('sendInitialEvents')) {
    if (match !== 'NotOlderThan') {
      throw new KubeStatusError(
        'Invalid',
        'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: ' +
          'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
        {},
      );
    }
    if (version !== undefined) cache.requireReached(version);
    return isTrue(query.get('sendInitialEvents'))
      ? { after: undefined, announced: true }
      : { after: version, announced: false };
  }
  if (match)
    throw new KubeStatusError(
      'BadRequest',
      'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    );
  return { after: version === 0 ? undefined : version, announced: false };
}

interface WatchStreamOptions {
  readonly request: ResourceRequest;
  readonly context: ApiContext;
  readonly form: ObjectForm;
  readonly selection: Selection;
  readonly start: Start;
  readonly done: () => void;
}

class WatchStream {
  readonly #options: WatchStreamOptions;
  readonly #timers = new Set<Timer>();
  #end: (() => void) | undefined;
  #columnsSent = false;
  #closed = false;

  constructor(options: WatchStreamOptions) {
    this.#options = options;
  }

  run(): void {
    const { context, request, start } = this.#options;
    const { exchange } = request;
    exchange.begin(200, 'application/json');
    exchange.signal.addEventListener('abort', () => this.#close(), { once: true });
    try {
      // One turn of the event loop: no write can come between these two.
      this.#first(start);
      this.#end = context.cache.listen((cached) => {
        if (cached.kind === request.stored) this.#deliver(cached);
      });
    } catch (error) {
      this.#line('ERROR', statusOf(error));
      this.#close();
      return;
    }
    this.#arm();
  }

  #first({ after, announced }: Start): void {
    const { context, request, selection } = this.#options;
    if (after !== undefined) {
      context.cache.requireReached(after);
      for (const cached of context.cache.since(request.stored, after)) this.#deliver(cached);
      return;
    }
    for (const object of context.cache.listAt(request.stored, context.cache.current)) {
      if (selection.matches(object)) this.#event('ADDED', object);
    }
    if (announced) this.#bookmark({ 'k8s.io/initial-events-end': 'true' });
  }

  #arm(): void {
    const { context, request } = this.#options;
    const { query } = request.exchange;
    const seconds = Number(query.get('timeoutSeconds') ?? 0);
    const timeoutMs = seconds > 0 ? seconds * 1000 : DEFAULT_TIMEOUT_MS;
    const bookmarks = isTrue(query.get('allowWatchBookmarks'));
    this.#timers.add(
      context.clock.after(timeoutMs, () => {
        if (bookmarks) this.#bookmark();
        this.#close();
      }),
    );
    if (bookmarks) this.#armBookmark();
  }

  #armBookmark(): void {
    const timer = this.#options.context.clock.after(BOOKMARK_INTERVAL_MS, () => {
      this.#timers.delete(timer);
      if (this.#closed) return;
      this.#bookmark();
      this.#armBookmark();
    });
    this.#timers.add(timer);
  }

  /** An object that begins or ceases to match is ADDED or DELETED for this watch. */
  #deliver({ event }: CachedEvent): void {
    const { matches } = this.#options.selection;
    const { object, previous, type } = event;
    if (type !== 'MODIFIED') {
      if (matches(object)) this.#event(type, object);
      return;
    }
    const [before, now] = [previous !== undefined && matches(previous), matches(object)];
    if (now) this.#event(before ? 'MODIFIED' : 'ADDED', object);
    else if (before && previous) {
      const { resourceVersion } = object.metadata;
      this.#event('DELETED', {
        ...previous,
        metadata: { ...previous.metadata, ...(resourceVersion ? { resourceVersion } : {}) },
      });
    }
  }

  #event(type: string, object: KubeObject): void {
    const { context, form, request } = this.#options;
    if (form.as === 'Object') this.#line(type, shown(request, object));
    else if (form.as === 'PartialObjectMetadata') this.#line(type, partialMetadata(object, form.version));
    else {
      const options = { ...tableOptions(request, form, context.nowMs()), withColumns: !this.#columnsSent };
      this.#columnsSent = true;
      const { resourceVersion } = object.metadata;
      this.#line(type, tableOf(request.stored, [object], { resourceVersion }, options));
    }
  }

  #bookmark(annotations?: Record<string, string>): void {
    const { context, form, request } = this.#options;
    const resourceVersion = String(context.cache.current);
    const metadata = { resourceVersion, creationTimestamp: null, ...(annotations ? { annotations } : {}) };
    if (form.as === 'Table') {
      const options = { ...tableOptions(request, form, context.nowMs()), withColumns: !this.#columnsSent };
      this.#columnsSent = true;
      // Clients read the annotation from the object of the only row.
      const table = tableOf(request.stored, [], { resourceVersion }, options);
      const object = { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${form.version}`, metadata };
      const cells = request.stored.columns.map(() => '');
      this.#line('BOOKMARK', { ...table, rows: annotations ? [{ cells, object }] : [] });
    } else this.#line('BOOKMARK', { kind: request.kind.kind, apiVersion: request.apiVersion, metadata });
  }

  #line(type: string, object: unknown): void {
    if (this.#closed) return;
    const { response } = this.#options.request.exchange;
    response.write(`${JSON.stringify({ type, object })}\n`);
    if (response.writableLength > MAX_PENDING_BYTES) {
      response.destroy();
      this.#close();
    }
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#end?.();
    for (const timer of this.#timers) timer.cancel();
    this.#options.request.exchange.response.end();
    this.#options.done();
  }
}

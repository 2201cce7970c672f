import { Access } from '../auth/access.ts';
import { reviewKinds } from '../auth/review-kinds.ts';
import { Discovery } from '../discovery/discovery.ts';
import type { AccessRequest, ServedKind } from '../doors.ts';
import { OpenApi } from '../openapi/openapi.ts';
import { badRequest } from '../status-error.ts';
import { serveUpgrade } from '../streams/serve-upgrade.ts';
import type { Upgrade } from '../streams/upgrade.ts';
import type { ApiContext } from './context.ts';
import type { Exchange } from './exchange.ts';
import { answerPlain, type PlainPaths, pageNotFound } from './plain-paths.ts';
import { isTrue, parseResourcePath, type ResourcePath, verbOf } from './request-path.ts';
import { type ResourceRequest, wordFor } from './resource.ts';
import { resourceNotFound, serve } from './routes.ts';
import { servedViews, type View } from './views.ts';

/** From a request to its answer: who asks, whether they may, what serves it. */
export class ApiHandler {
  readonly #context: ApiContext;
  readonly #access: Access;
  readonly #plain: PlainPaths;
  readonly #kinds: ReadonlyMap<string, ServedKind>;
  readonly #views: ReadonlyMap<ServedKind, View>;
  readonly #groupVersions = new Set<string>();
  #changes = 0;

  constructor(context: ApiContext) {
    this.#context = context;
    this.#access = new Access(context);
    const discovery = new Discovery(context.store.kinds);
    this.#plain = { discovery, openApi: new OpenApi(discovery.groups) };
    const kinds = new Map<string, ServedKind>();
    const served = servedViews(context.store.kinds);
    this.#views = new Map(served.map((view) => [view.kind, view]));
    for (const kind of [...context.store.kinds.all, ...reviewKinds, ...this.#views.keys()]) {
      for (const version of kind.versions) {
        kinds.set(`${kind.group}/${version}/${kind.plural}`, kind);
        this.#groupVersions.add(`${kind.group}/${version}`);
      }
    }
    this.#kinds = kinds;
  }

  /** Answers a request. Never rejects: what fails is answered as a Status. */
  async handle(exchange: Exchange): Promise<void> {
    try {
      this.#access.identify(exchange);
      await this.#answer(exchange);
    } catch (error) {
      if (exchange.response.headersSent) exchange.response.destroy();
      else exchange.fail(error);
    }
  }

  /** Serves a request that switches protocols. Rejects with what is to be refused. */
  async upgrade(exchange: Exchange, upgrade: Upgrade): Promise<void> {
    this.#access.identify(exchange);
    const path = readPath(exchange);
    if (!path) throw resourceNotFound();
    const verb = exchange.method === 'POST' ? 'create' : 'get';
    this.#access.require(accessTo(exchange, path, verb));
    await serveUpgrade(this.#resource(exchange, path, verb), this.#context, upgrade);
  }

  async #answer(exchange: Exchange): Promise<void> {
    const path = readPath(exchange);
    if (!path) {
      const { pathname } = exchange.url;
      this.#access.require({ user: exchange.user, verb: exchange.method.toLowerCase(), path: pathname });
      answerPlain(exchange, this.#plain);
      return;
    }
    if (!this.#groupVersions.has(`${path.group}/${path.version}`)) {
      pageNotFound(exchange);
      return;
    }
    const verb = watchesOne(exchange, path) ? 'watch' : verbOf(exchange.method, path, exchange.query);
    this.#access.require(accessTo(exchange, path, verb));
    const request = this.#resource(exchange, path, verb);
    await serve(request, verb, this.#context, this.#access);
  }

  #resource(exchange: Exchange, path: ResourcePath, verb: string): ResourceRequest {
    const { group, name, resource, version } = path;
    const kind = this.#kinds.get(`${group}/${version}/${resource}`);
    if (!kind) throw resourceNotFound();
    const view = this.#views.get(kind);
    const stored = view?.of ?? kind;
    const one = verb === 'watch' && name !== '';
    if (one) exchange.query.set('fieldSelector', `metadata.name=${name}`);
    const command = exchange.header('kubectl-command');
    const from = { verb, user: exchange.user.username, ...(command === undefined ? {} : { command }) };
    return {
      exchange,
      kind,
      stored,
      view,
      path: one ? { ...path, name: '' } : path,
      word: wordFor(stored),
      apiVersion: group === '' ? version : `${group}/${version}`,
      changeId: this.#context.options.newChangeId?.(from) ?? `api-${++this.#changes}`,
    };
  }
}

/** GET of one object with `watch=true`: a watch of that object. */
const watchesOne = ({ method, query }: Exchange, { name, subresource }: ResourcePath): boolean =>
  method === 'GET' && name !== '' && subresource === '' && isTrue(query.get('watch'));

function readPath({ url }: Exchange): ResourcePath | undefined {
  try {
    return parseResourcePath(url.pathname);
  } catch (error) {
    if (error instanceof URIError) throw badRequest(`invalid URL escape in ${JSON.stringify(url.pathname)}`);
    throw error;
  }
}

function accessTo({ url, user }: Exchange, path: ResourcePath, verb: string): AccessRequest {
  const { group, name, resource, subresource, version } = path;
  // A namespace is asked for in itself.
  const namespace = resource === 'namespaces' && group === '' ? name : path.namespace;
  return { user, verb, resource: { group, version, resource, subresource, namespace, name }, path: url.pathname };
}

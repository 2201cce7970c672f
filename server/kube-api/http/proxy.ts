import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { errorMessage, type KubeObject } from '#domain';
import { badRequest, KubeStatusError, notFound } from '../status-error.ts';
import type { ApiContext } from './context.ts';
import { nameFrom, type ResourceRequest } from './resource.ts';

/** A pod and the port of it that a proxied request goes to. */
interface Target {
  readonly pod: KubeObject;
  readonly port: number;
}

interface PodShape {
  readonly spec?: {
    readonly containers?: readonly { readonly ports?: readonly { readonly containerPort: number }[] }[];
  };
  readonly status?: { readonly podIP?: string };
}

interface SliceShape {
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[];
  readonly endpoints?: readonly {
    readonly conditions?: { readonly ready?: boolean };
    readonly targetRef?: { readonly kind?: string; readonly name?: string };
  }[];
}

/** `pods/[SCHEME:]NAME[:PORT]/proxy/…` and `services/…/proxy/…`: hands the request to a pod, as from outside the mesh. */
export async function proxy(request: ResourceRequest, context: ApiContext): Promise<void> {
  const { exchange, path } = request;
  const { pods: access } = context.options;
  if (access?.connect === undefined) throw unavailable('pods cannot be reached from here');
  if (onwardPath(exchange.url.pathname) === '') {
    exchange.response.writeHead(301, { location: `${exchange.url.pathname}/${exchange.url.search}` }).end();
    return;
  }
  const { name, port } = readName(path.name);
  const named = { ...request, path: { ...path, name } };
  const target = path.resource === 'services' ? behindService(named, port, context) : onPod(named, port, context);
  const socket = await access.connect(target.pod, target.port, exchange.signal).catch((error: unknown) => {
    throw unavailable(`error trying to reach service: ${errorMessage(error)}`);
  });
  await forward(request, target, socket);
}

const unavailable = (message: string): KubeStatusError => new KubeStatusError('ServiceUnavailable', message, {});

/** `web`, `web:http`, `http:web:80`. TLS to the pod is not spoken. */
function readName(text: string): { readonly name: string; readonly port: string } {
  const parts = text.split(':');
  if (parts.length > 3) throw badRequest(`invalid service or pod request ${JSON.stringify(text)}`);
  const [scheme, name = '', port = ''] = parts.length === 3 ? parts : ['', ...parts];
  if (scheme === 'https')
    throw badRequest('proxying to a pod by https is not supported here: use kubectl port-forward');
  return { name, port };
}

function onPod(request: ResourceRequest, given: string, { store }: ApiContext): Target {
  const { kind, path, word } = request;
  const pod = store.get(word, nameFrom(path));
  if (!pod) throw notFound(kind, path.name);
  const declared = ((pod as PodShape).spec?.containers ?? []).flatMap(({ ports = [] }) => ports);
  const port = given === '' ? (declared[0]?.containerPort ?? 80) : Number(given);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw badRequest(`invalid port ${JSON.stringify(given)}`);
  return { pod, port };
}

function behindService(request: ResourceRequest, given: string, { store }: ApiContext): Target {
  const { kind, path, word } = request;
  const service = store.get(word, nameFrom(path));
  if (!service) throw notFound(kind, path.name);
  const ports = (service.spec as { ports?: readonly { name?: string; port: number }[] } | undefined)?.ports ?? [];
  const port = given === '' && ports.length === 1 ? ports[0] : ports.find((each) => isPort(each, given));
  if (port === undefined)
    throw unavailable(`no service port ${JSON.stringify(given)} found for service "${path.name}"`);
  const slices = store.list('EndpointSlice', { namespace: path.namespace });
  for (const slice of slices) {
    if (slice.metadata.labels?.['kubernetes.io/service-name'] !== path.name) continue;
    const { endpoints = [], ports: served = [] } = slice as SliceShape;
    const at = served.find(({ name = '' }) => name === (port.name ?? ''))?.port;
    const ready = endpoints.find(
      ({ conditions, targetRef }) => conditions?.ready !== false && targetRef?.kind === 'Pod',
    );
    const pod = store.get('Pod', { namespace: path.namespace, name: ready?.targetRef?.name ?? '' });
    if (pod && at !== undefined) return { pod, port: at };
  }
  throw unavailable(`no endpoints available for service "${path.name}"`);
}

const isPort = ({ name, port }: { readonly name?: string; readonly port: number }, given: string): boolean =>
  given !== '' && (name === given || String(port) === given);

/** Headers of this connection alone, and the client's credentials, stay here. */
const OWN_HEADERS = new Set(['connection', 'keep-alive', 'te', 'trailer', 'upgrade', 'authorization', 'host']);

const passedOn = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN_HEADERS.has(name)));

/** What follows `…/proxy`, as it was sent. */
const onwardPath = (pathname: string): string =>
  /^\/api\/v1\/namespaces\/[^/]+\/[^/]+\/[^/]+\/proxy(\/.*)?$/.exec(pathname)?.[1] ?? '';

function forward({ exchange }: ResourceRequest, { pod, port }: Target, socket: Duplex): Promise<void> {
  const { method, request, response, signal, url } = exchange;
  const host = `${(pod as PodShape).status?.podIP ?? pod.metadata.name}:${port}`;
  const headers = { ...passedOn(request.headers), host, 'x-forwarded-uri': url.pathname };
  return new Promise((resolve, reject) => {
    const options = {
      method,
      headers,
      path: `${onwardPath(url.pathname)}${url.search}`,
      createConnection: () => socket as Socket,
      signal,
    };
    const onward = httpRequest(options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, passedOn(answer.headers));
      answer.pipe(response);
      response.once('close', () => {
        socket.destroy();
        resolve();
      });
    });
    onward.once('error', (error) => reject(unavailable(`error trying to reach service: ${error.message}`)));
    request.pipe(onward);
  });
}

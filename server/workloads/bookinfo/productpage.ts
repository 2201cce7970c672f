import type { IncomingMessage } from 'node:http';
import { errorMessage } from '#domain';
import type { ContainerContext, FetchResponse, WorkloadImage } from '../doors.ts';
import { bookinfoHeaders, pickHeaders } from '../forward-headers.ts';
import { type Answer, html, json, pathOf, pathParts, readBody, text } from '../respond.ts';
import { envNumber, serve } from '../serve.ts';
import { type BookDetails, type BookReviews, type Fetched, indexPage, productPage, stylesheet } from './page.ts';
import { createSessions, type Sessions } from './session.ts';

const TIMEOUT_MS = 3000;
const MAX_FLOOD = 1000;

const book = {
  id: 0,
  title: 'The Comedy of Errors',
  descriptionHtml:
    '<a href="https://en.wikipedia.org/wiki/The_Comedy_of_Errors">The Comedy of Errors</a> is <b>William Shakespeare</b>’s ' +
    'shortest play: one day, two pairs of twins, and everyone taken for somebody else.',
};

/**
 * The page of the book and its JSON API, as `samples/bookinfo/src/productpage` serves them: details and reviews are asked one after the
 * other with 3 s each, reviews twice. `floodFactor` is the image's default for FLOOD_FACTOR, calls to reviews that nobody waits to read.
 */
export function productpageImage(name: string, floodFactor: number): WorkloadImage {
  return {
    name,
    start: (context) => {
      const page = createProductpage(context, floodFactor);
      return serve(context, envNumber(context, 'PORT', Number(context.args[0] ?? 9080)), page);
    },
  };
}

type Service = 'details' | 'reviews' | 'ratings';

interface Backend {
  readonly context: ContainerContext;
  readonly counts: Map<string, number>;
}

function createProductpage(
  context: ContainerContext,
  floodFactor: number,
): (request: IncomingMessage) => Promise<Answer> {
  const sessions = createSessions(`bookinfo/${context.pod.namespace}`);
  const backend: Backend = { context, counts: new Map() };
  const flood = Math.min(MAX_FLOOD, envNumber(context, 'FLOOD_FACTOR', floodFactor));
  return async (request) => {
    const path = pathOf(request);
    if (path === '/' || path === '/index.html') return html(200, indexPage(serviceTree(context.env)));
    if (path === '/health') return text(200, 'Product page is healthy');
    if (path === '/metrics') return text(200, metrics(backend.counts));
    if (path === '/login' && request.method === 'POST') return signIn(request, sessions);
    if (path === '/logout') return seeOther(request, sessions.signOut());
    if (path === '/static/bookinfo.css') return { status: 200, type: 'text/css; charset=utf-8', body: stylesheet };
    const user = sessions.user(request.headers.cookie);
    const headers = forwardHeaders(request, user);
    if (path === '/productpage') return front({ backend, headers, user, flood });
    return api(backend, pathParts(path), headers);
  };
}

function forwardHeaders(request: IncomingMessage, user: string | undefined): Record<string, string> {
  return { ...(user === undefined ? {} : { 'end-user': user }), ...pickHeaders(request, bookinfoHeaders) };
}

interface FrontRequest {
  readonly backend: Backend;
  readonly headers: Readonly<Record<string, string>>;
  readonly user: string | undefined;
  readonly flood: number;
}

async function front({ backend, headers, user, flood }: FrontRequest): Promise<Answer> {
  const details = await productDetails(backend, '0', headers);
  for (let i = 0; i < flood; i++) await productReviews(backend, '0', headers);
  const reviews = await productReviews(backend, '0', headers);
  return html(200, productPage({ title: book.title, descriptionHtml: book.descriptionHtml, user, details, reviews }));
}

async function api(
  backend: Backend,
  parts: readonly string[],
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const [root, revision, products, id, part, ...more] = parts;
  if (root !== 'api' || revision !== 'v1' || products !== 'products' || more.length > 0) return text(404, 'Not Found');
  if (id === undefined) return json(200, [book]);
  const fetched =
    part === undefined
      ? await productDetails(backend, id, headers)
      : part === 'reviews'
        ? await productReviews(backend, id, headers)
        : part === 'ratings'
          ? await productRatings(backend, id, headers)
          : undefined;
  return fetched === undefined ? text(404, 'Not Found') : json(fetched.status, fetched.body);
}

type Ask<Body> = (backend: Backend, id: string, headers: Readonly<Record<string, string>>) => Promise<Fetched<Body>>;

const productDetails: Ask<BookDetails> = (backend, id, headers) =>
  ask({ backend, service: 'details', id, headers, tries: 1 });

/** Two tries of 3 s each against the 10 s that reviews waits for ratings: the clash of limits that fault injection lessons uncover. */
const productReviews: Ask<BookReviews> = (backend, id, headers) =>
  ask({ backend, service: 'reviews', id, headers, tries: 2 });

const productRatings: Ask<object> = (backend, id, headers) =>
  ask({ backend, service: 'ratings', id, headers, tries: 1 });

const subjects: Record<Service, string> = { details: 'details', reviews: 'reviews', ratings: 'ratings' };

interface Question {
  readonly backend: Backend;
  readonly service: Service;
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tries: number;
}

async function ask<Body>({ backend, service, id, headers, tries }: Question): Promise<Fetched<Body>> {
  let response: FetchResponse | undefined;
  for (let attempt = 0; attempt < tries; attempt++) {
    response = await get(backend.context, service, id, headers);
    if (response?.status === 200) {
      count(backend.counts, service, 200);
      return { status: 200, body: JSON.parse(response.body.toString('utf8')) as Body };
    }
  }
  const status = response?.status ?? 500;
  count(backend.counts, service, status);
  return { status, body: { error: `Sorry, product ${subjects[service]} are currently unavailable for this book.` } };
}

async function get(
  context: ContainerContext,
  service: Service,
  id: string,
  headers: Readonly<Record<string, string>>,
): Promise<FetchResponse | undefined> {
  const url = `${serviceUrl(context.env, service)}/${service}/${encodeURIComponent(id)}`;
  try {
    return await context.fetch(url, { headers, timeoutMs: TIMEOUT_MS, signal: context.signal });
  } catch (thrown) {
    context.log(`Error: ${url}: ${errorMessage(thrown)}`);
    return undefined;
  }
}

function serviceUrl(env: Readonly<Record<string, string>>, service: Service): string {
  const prefix = service.toUpperCase();
  const domain = env['SERVICES_DOMAIN'] === undefined ? '' : `.${env['SERVICES_DOMAIN']}`;
  return `http://${env[`${prefix}_HOSTNAME`] ?? service}${domain}:${env[`${prefix}_SERVICE_PORT`] ?? '9080'}`;
}

const serviceTree = (env: Readonly<Record<string, string>>) => [
  { name: 'productpage', children: [serviceUrl(env, 'details'), serviceUrl(env, 'reviews')] },
  { name: 'reviews', children: [serviceUrl(env, 'ratings')] },
  { name: 'details', children: [] },
  { name: 'ratings', children: [] },
];

async function signIn(request: IncomingMessage, sessions: Sessions): Promise<Answer> {
  const query = new URL(request.url ?? '/', 'http://localhost').searchParams;
  const form = new URLSearchParams(await readBody(request));
  const user = form.get('username') ?? query.get('username') ?? '';
  return seeOther(request, user === '' ? sessions.signOut() : sessions.signIn(user));
}

/** Back to where the form stood; only the path, so that a forged Referer leads nowhere else. */
function seeOther(request: IncomingMessage, cookie: string): Answer {
  const referer = request.headers.referer;
  const from = referer !== undefined && URL.canParse(referer) ? new URL(referer) : undefined;
  const location = from === undefined ? '/productpage' : `/${(from.pathname + from.search).replace(/^\/+/, '')}`;
  return { ...html(302, ''), headers: { location, 'set-cookie': cookie, vary: 'Cookie' } };
}

function count(counts: Map<string, number>, service: Service, status: number): void {
  const key = `destination_app="${service}",response_code="${status}"`;
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function metrics(counts: ReadonlyMap<string, number>): string {
  const lines = [...counts].map(([labels, value]) => `request_result_total{${labels}} ${value}`);
  return ['# HELP request_result_total Results of requests', '# TYPE request_result_total counter', ...lines, ''].join(
    '\n',
  );
}

import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { ServingCertificate } from '#ca';
import { errorMessage, type KubeObject } from '#domain';
import { invalidConfiguration, jsonPatchBetween, type KubeStore } from '#kube-api';
import type { PodObject } from '../kube-types.ts';
import { injectedPod } from './injection.ts';

const MAX_BYTES = 7 * 1024 * 1024;

interface AdmissionRequest {
  readonly uid?: string;
  readonly namespace?: string;
  readonly object?: KubeObject | null;
}

interface AdmissionReview {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly request?: AdmissionRequest;
}

type Verdict = (store: KubeStore, request: AdmissionRequest) => object;

export interface WebhookServerOptions {
  readonly store: KubeStore;
  readonly certificate: ServingCertificate;
  readonly log: (line: string) => void;
}

/**
 * istiod's webhooks (port 15017) for whoever asks them as an API server does: `istioctl kube-inject`, other API servers. The sandbox's own
 * API asks the same functions without a network.
 */
export function createWebhookServer({ store, certificate, log }: WebhookServerOptions): Server {
  return createServer({ key: certificate.keyPem, cert: certificate.certPem }, (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'https://istiod');
    const verdict = verdictOf(pathname);
    if (verdict === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n');
      return;
    }
    answer(store, request, verdict).then(
      ({ status, text, type }) => response.writeHead(status, { 'content-type': type }).end(text),
      (error: unknown) => {
        log(`error\twebhook ${pathname}: ${errorMessage(error)}`);
        response.destroy();
      },
    );
  });
}

/** `/inject/cluster/c1/net/n1` names a cluster and a network, of which there is one here. */
function verdictOf(pathname: string): Verdict | undefined {
  if (pathname === '/inject' || pathname.startsWith('/inject/')) return injection;
  return pathname === '/validate' ? validation : undefined;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const plain = (status: number, text: string): Answer => ({
  status,
  type: 'text/plain; charset=utf-8',
  text: `${text}\n`,
});

async function answer(store: KubeStore, request: IncomingMessage, verdict: Verdict): Promise<Answer> {
  const body = await bodyOf(request);
  if (body.length === 0) return plain(400, 'no body found');
  if (request.headers['content-type'] !== 'application/json')
    return plain(415, 'invalid Content-Type, want `application/json`');
  const review = reviewIn(body);
  const response =
    review?.request === undefined
      ? refusal('could not decode the AdmissionReview')
      : { uid: review.request.uid ?? '', ...verdict(store, review.request) };
  const { apiVersion = 'admission.k8s.io/v1' } = review ?? {};
  return {
    status: 200,
    type: 'application/json',
    text: JSON.stringify({ kind: 'AdmissionReview', apiVersion, response }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BYTES) throw new Error(`the body has more than ${MAX_BYTES} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

function reviewIn(body: Buffer): AdmissionReview | undefined {
  try {
    const read: unknown = JSON.parse(body.toString('utf8'));
    return typeof read === 'object' && read !== null ? (read as AdmissionReview) : undefined;
  } catch {
    return undefined;
  }
}

const refusal = (message: string): object => ({ allowed: false, status: { metadata: {}, message } });

/** The pod with its proxy, as a difference to the pod that came. */
const injection: Verdict = (store, { object, namespace = '' }) => {
  if (object?.metadata === undefined || (object as Partial<PodObject>).spec?.containers === undefined)
    return refusal('Could not unmarshal raw object: no pod');
  const { metadata } = object;
  const named = { ...metadata, namespace: metadata.namespace ?? namespace, name: metadata.name ?? '' };
  const injected = injectedPod(store, { ...(object as PodObject), metadata: named });
  const { namespace: _asked, name: _named, ...made } = injected.metadata;
  const { name, namespace: own } = metadata;
  const kept = { ...made, ...(name !== undefined && { name }), ...(own !== undefined && { namespace: own }) };
  const patch = jsonPatchBetween(object, { ...injected, metadata: kept });
  if (patch.length === 0) return { allowed: true };
  return {
    allowed: true,
    patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
    patchType: 'JSONPatch',
  };
};

/** What the API server of this sandbox would say of an object of Istio's. */
const validation: Verdict = (store, { object }) => {
  if (object?.kind === undefined || object.metadata === undefined) return refusal('cannot decode configuration');
  const kind = store.kinds.find(object.kind);
  const group = object.apiVersion?.split('/')[0];
  if (kind?.validate === undefined || kind.group !== group) return refusal(`unrecognized type ${object.kind}`);
  const problems = kind.validate(object);
  const warnings = problems
    .filter(({ severity }) => severity !== 'error')
    .map(({ message, warning }) => warning ?? message);
  const errors = problems.filter(({ severity }) => severity === 'error');
  return {
    ...(errors.length > 0 ? refusal(invalidConfiguration(errors)) : { allowed: true }),
    ...(warnings.length > 0 && { warnings }),
  };
};

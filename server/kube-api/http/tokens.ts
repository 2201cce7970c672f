import type { JsonRecord } from '../json.ts';
import { at } from '../kinds/columns.ts';
import { KubeStatusError, notFound } from '../status-error.ts';
import type { ApiContext } from './context.ts';
import { nameFrom, type ResourceRequest } from './resource.ts';
import { decodedBody } from './writes.ts';

const DEFAULT_SECONDS = 3600;
const LEAST_SECONDS = 600;

/** POST to `serviceaccounts/NAME/token`: a signed token of the account, as `kubectl create token` asks for. */
export async function createToken(request: ResourceRequest, context: ApiContext): Promise<void> {
  const { exchange, kind, path, word } = request;
  const body = await decodedBody(request);
  const account = context.store.get(word, nameFrom(path));
  if (!account) throw notFound(kind, path.name);
  const { tokens } = context.options;
  if (!tokens) throw new KubeStatusError('ServiceUnavailable', 'this cluster issues no service account tokens');
  const audiences = at(body, 'spec.audiences');
  const seconds = at(body, 'spec.expirationSeconds') ?? DEFAULT_SECONDS;
  if (typeof seconds !== 'number' || seconds < LEAST_SECONDS) {
    const message = `Invalid value: ${JSON.stringify(seconds)}: may not specify a duration less than 10 minutes`;
    const causes = [{ reason: 'FieldValueInvalid', message, field: 'spec.expirationSeconds' }];
    const text = `TokenRequest.authentication.k8s.io "${path.name}" is invalid: spec.expirationSeconds: ${message}`;
    throw new KubeStatusError('Invalid', text, {
      group: 'authentication.k8s.io',
      kind: 'TokenRequest',
      name: path.name,
      causes,
    });
  }
  const wanted = Array.isArray(audiences) && audiences.length > 0 ? audiences.map(String) : [DEFAULT_AUDIENCE];
  const issued = tokens.issue({
    account: nameFrom(path),
    accountUid: account.metadata.uid ?? '',
    audiences: wanted,
    expirationSeconds: seconds,
  });
  const expirationTimestamp = `${new Date(issued.expiresAtMs).toISOString().slice(0, 19)}Z`;
  const answer: JsonRecord = {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name: path.name, namespace: path.namespace, creationTimestamp: null },
    spec: { audiences: wanted, expirationSeconds: seconds, boundObjectRef: null },
    status: { token: issued.token, expirationTimestamp },
  };
  exchange.json(201, answer);
}

const DEFAULT_AUDIENCE = 'https://kubernetes.default.svc.cluster.local';

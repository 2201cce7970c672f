import type { MutationRules } from '../../../config/mutation-rules.ts';
import type { RequestHead } from '../../codec.ts';
import type { Headers } from '../../headers.ts';
import { appended } from '../../inline-headers.ts';
import { QueryParams } from '../../query-params.ts';
import type { HeaderChange, Verdict } from './verdict.ts';

type Allowed = Verdict & { readonly kind: 'ok' };

/** Names that no authorizer may change: they frame the message. */
const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'connection']);
const NAME = /^:?[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** What a name stands for that is no header line. */
const PARTS: Readonly<Record<string, 'authority' | 'method' | 'path' | 'scheme'>> = {
  host: 'authority',
  ':authority': 'authority',
  ':method': 'method',
  ':path': 'path',
  ':scheme': 'scheme',
};

/** Whether the verdict changes anything that a route may depend on. */
export const changesRequest = ({ set, append, add, remove, query }: Allowed): boolean =>
  set.length + append.length + add.length + remove.length > 0 || query !== undefined;

/** What of a verdict is allowed; undefined: it wants what it must not. */
export function permitted(verdict: Allowed, rules: MutationRules | undefined): Allowed | undefined {
  if (rules === undefined) return verdict;
  const names = [...verdict.set, ...verdict.append, ...verdict.add].map(({ name }) => name);
  if (rules.isError && ![...names, ...verdict.remove].every((name) => rules.allows(name))) return undefined;
  const free = ({ name }: HeaderChange): boolean => rules.allows(name);
  return {
    ...verdict,
    set: verdict.set.filter(free),
    append: verdict.append.filter(free),
    add: verdict.add.filter(free),
    remove: verdict.remove.filter((name) => rules.allows(name)),
  };
}

/** Changes the request as an authorizer wants that lets it pass. Source: ext_authz.cc, Filter::onComplete, in Envoy. */
export function applyToRequest(head: RequestHead, { set, append, add, remove, query }: Allowed): void {
  const { headers } = head;
  for (const name of remove) {
    if (name !== '' && !(name in PARTS) && !FRAMING.has(name) && !name.startsWith(':')) headers.remove(name);
  }
  for (const { name, value } of set) {
    const part = PARTS[name];
    if (part !== undefined) Object.assign(head, { [part]: value });
    else if (isFree(name)) headers.set(name, value);
  }
  for (const { name, value } of add) if (isFree(name)) headers.add(name, value);
  for (const { name, value } of append) {
    const [first, ...further] = isFree(name) ? headers.all(name) : [];
    if (first === undefined) continue;
    // As in Envoy, the first line of several grows.
    headers.set(name, appended(first, value));
    for (const line of further) headers.add(name, line);
  }
  if (query !== undefined) head.path = withQuery(head.path, query);
}

/** A name among those that a request is to have which no message can have: such a request is not sent. */
export const misnamedIn = ({ set, add }: Allowed): string | undefined =>
  [...set, ...add].find(({ name }) => isFree(name) && !NAME.test(name))?.name;

const isFree = (name: string): boolean => name !== '' && !name.startsWith(':') && name !== 'host' && !FRAMING.has(name);

function withQuery(path: string, { set, remove }: NonNullable<Allowed['query']>): string {
  const params = new QueryParams(path, 'as sent');
  for (const { key, value } of set) params.overwrite(key, value);
  for (const key of remove) params.remove(key);
  return params.toPath();
}

/** In this order, whatever theirs is in the verdict. */
const ACTIONS = ['APPEND_IF_EXISTS_OR_ADD', 'OVERWRITE_IF_EXISTS_OR_ADD', 'ADD_IF_ABSENT', 'OVERWRITE_IF_EXISTS'];

/** Puts headers into the answer of a host. Source: ext_authz.cc, Filter::encodeHeaders, in Envoy. */
export function applyToAnswer(headers: Headers, changes: readonly HeaderChange[]): void {
  for (const turn of ACTIONS) {
    for (const { name, value, action = 'APPEND_IF_EXISTS_OR_ADD' } of changes) {
      if (action !== turn || !isFree(name)) continue;
      if (action === 'APPEND_IF_EXISTS_OR_ADD') headers.add(name, value);
      else if (action === 'OVERWRITE_IF_EXISTS_OR_ADD' || headers.has(name) === (action === 'OVERWRITE_IF_EXISTS')) {
        headers.set(name, value);
      }
    }
  }
}

/** Puts headers into a refusal: they stand in place of those of the same name, and one may come several times. */
export function applyToRefusal(headers: Headers, changes: readonly HeaderChange[]): void {
  const free = changes.filter(({ name }) => isFree(name));
  for (const { name } of free) headers.remove(name);
  for (const { name, value } of free) headers.add(name, value);
}

/** Whether all that a verdict changes could stand in a message. */
export function isWellFormed(verdict: Verdict): boolean {
  if (verdict.kind === 'error') return true;
  const changes =
    verdict.kind === 'denied'
      ? verdict.headers
      : [...verdict.set, ...verdict.append, ...verdict.add, ...verdict.toClient];
  return changes.every(({ name, value }) => NAME.test(name) && !/[\0\r\n]/.test(value));
}

import type { EncodedResource } from '../doors.ts';
import { type TypeUrl, typeUrls } from '../resources.ts';

/** Types of which a state-of-the-world response is always complete, and which a client may ask for without names. */
const COMPLETE: ReadonlySet<TypeUrl> = new Set([typeUrls.listener, typeUrls.cluster, typeUrls.nameTable]);
export const isComplete = (typeUrl: TypeUrl): boolean => COMPLETE.has(typeUrl);

export type ResourcesByName = ReadonlyMap<string, EncodedResource>;

/** A response that awaits its answer. */
export interface SentResponse {
  readonly nonce: string;
  readonly versionInfo: string;
  readonly changeId: string;
  readonly bytes: number;
  readonly resources: readonly string[];
  readonly removed: readonly string[];
}

/** What one stream knows about one type. */
export interface TypeState {
  readonly typeUrl: TypeUrl;
  /** False until the first request for this type. */
  requested: boolean;
  wildcard: boolean;
  /** True once the client has named anything: from then on an empty list means nothing, not everything. */
  everNamed: boolean;
  readonly names: Set<string>;
  /** Resources that the client holds or was sent, with the version. */
  readonly known: Map<string, string>;
  /** Names the client brought from an earlier stream, whose removal waits until its routes are known to be in step. */
  readonly lingering: Set<string>;
  /** Names to answer in the next response although nothing about them changed. */
  readonly forced: Set<string>;
  /** True when the next response must go out even if it is empty. */
  answerDue: boolean;
  /** What was in force when nothing more was due: while it is, nothing is due again. Undefined after any request or send. */
  inStepWith: ResourcesByName | undefined;
  /** Resources of refused responses, until a later one with them is accepted. */
  readonly refused: Set<string>;
  outstanding: SentResponse | undefined;
  lastNonce: string;
}

export function newTypeState(typeUrl: TypeUrl): TypeState {
  return {
    typeUrl,
    requested: false,
    wildcard: false,
    everNamed: false,
    names: new Set(),
    known: new Map(),
    lingering: new Set(),
    forced: new Set(),
    answerDue: false,
    inStepWith: undefined,
    refused: new Set(),
    outstanding: undefined,
    lastNonce: '',
  };
}

/** The resources that the client is subscribed to and that exist. */
export function subscribed(state: TypeState, resources: ResourcesByName): ResourcesByName {
  if (state.wildcard) return resources;
  const found = new Map<string, EncodedResource>();
  for (const name of state.names) {
    const resource = resources.get(name);
    if (resource) found.set(name, resource);
  }
  return found;
}

export const isSubscribedTo = (state: TypeState, name: string): boolean => state.wildcard || state.names.has(name);

/** Forgets everything about a name that the client no longer wants. */
export function forget(state: TypeState, name: string): void {
  state.known.delete(name);
  state.lingering.delete(name);
  state.forced.delete(name);
  state.refused.delete(name);
}

/** What a response will carry, before it is encoded. */
export interface Composed {
  readonly upserts: readonly EncodedResource[];
  readonly removed: readonly string[];
}

/** Books a response as sent. */
export function noteSent(state: TypeState, composed: Composed, sent: SentResponse): void {
  state.inStepWith = undefined;
  for (const resource of composed.upserts) state.known.set(resource.name, resource.version);
  for (const name of composed.removed) {
    state.known.delete(name);
    state.refused.delete(name);
  }
  state.forced.clear();
  state.answerDue = false;
  state.outstanding = sent;
  state.lastNonce = sent.nonce;
}

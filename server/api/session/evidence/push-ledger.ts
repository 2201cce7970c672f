import type { EncodedResource, PushEvent } from '#xds';

/** One response to one proxy, with what it changed there. */
export interface LedgerEntry {
  readonly nodeId: string;
  readonly typeUrl: string;
  readonly changeId: string;
  readonly versionInfo: string;
  readonly nonce: string;
  readonly bytes: number;
  readonly sentAtMs: number;
  settledAtMs?: number;
  error?: string;
  state: PushEvent['state'];
  readonly changes: readonly ResourceChange[];
}

export interface ResourceChange {
  readonly name: string;
  /** Absent: the proxy had none of this name. */
  readonly before?: EncodedResource;
  /** Absent: it was taken away. */
  readonly after?: EncodedResource;
}

/** Responses that are remembered, the oldest forgotten first. Resources are shared with what is in force, so an entry is small. */
const KEPT = 3000;

/** What every proxy was sent, response by response, so that a push can be read as a difference. */
export class PushLedger {
  readonly #entries: LedgerEntry[] = [];
  /** By node, type and name: what the proxy was sent last. */
  readonly #held = new Map<string, Map<string, EncodedResource>>();

  note(event: PushEvent): void {
    if (event.state === 'sent') this.#sent(event);
    else this.#settled(event);
  }

  /** Responses of a push to one pod's proxy (`name.namespace`), oldest first; a push may carry several changes. */
  of({ changeId, version }: { changeId: string; version?: string }, podId: string): readonly LedgerEntry[] {
    return this.#entries.filter(
      (entry) =>
        podOf(entry.nodeId) === podId &&
        (entry.changeId === changeId || (version !== undefined && entry.versionInfo === version)),
    );
  }

  /** Forgets a proxy that is gone. */
  forget(podId: string): void {
    for (const key of this.#held.keys()) if (podOf(key.split('\n')[0] ?? '') === podId) this.#held.delete(key);
  }

  #sent(event: PushEvent): void {
    const key = `${event.nodeId}\n${event.typeUrl}`;
    const held = this.#held.get(key) ?? new Map<string, EncodedResource>();
    this.#held.set(key, held);
    const changes: ResourceChange[] = [];
    for (const after of event.carried ?? []) {
      const before = held.get(after.name);
      changes.push({ name: after.name, after, ...(before !== undefined && { before }) });
      held.set(after.name, after);
    }
    for (const name of event.removed) {
      const before = held.get(name);
      if (before !== undefined) changes.push({ name, before });
      held.delete(name);
    }
    const { nodeId, typeUrl, changeId, versionInfo, nonce, bytes, atMs } = event;
    this.#entries.push({
      nodeId,
      typeUrl,
      changeId,
      versionInfo,
      nonce,
      bytes,
      sentAtMs: atMs,
      state: 'sent',
      changes,
    });
    if (this.#entries.length > KEPT) this.#entries.shift();
  }

  #settled({ nodeId, nonce, state, atMs, error }: PushEvent): void {
    const entry = this.#entries.findLast((one) => one.nonce === nonce && one.nodeId === nodeId);
    if (entry === undefined) return;
    entry.state = state;
    entry.settledAtMs = atMs;
    if (error !== undefined) entry.error = error;
  }
}

/** `reviews-v1-….default` of `sidecar~127.8.1.4~reviews-v1-….default~default.svc.cluster.local`. */
const podOf = (nodeId: string): string => nodeId.split('~')[2] ?? nodeId;
